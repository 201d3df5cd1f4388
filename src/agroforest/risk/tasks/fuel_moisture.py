"""``fuel-moisture``: how much water living vegetation holds."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from agroforest.risk.card import Answer, Learner, Limits, Purpose, Tensors
from agroforest.risk.datasets.fuel_moisture import (
    FEATURES,
    MOISTURE,
    STEPS,
    read,
    write,
)
from agroforest.risk.datasets.fuel_moisture_rows import (
    DEPARTING,
    build_rows,
    build_rows_beside,
)
from agroforest.risk.metrics import explained, root_mean_square_error
from agroforest.risk.rows import Items, TreesStudent
from agroforest.risk.task import Answers, Statistic, Student, Task
from agroforest.risk.train import Progress

_ANSWER = Answer(head="value", outputs=(MOISTURE,), unit="% of dry mass")

# From so many samples of a place on, their mean is its usual: of 6 drawn at random
# departures help (R² .585 instead of .581), of 3 they do harm (.561).
_ENOUGH = 6


@dataclass(frozen=True, kw_only=True, slots=True)
class Placed:
    """A student that learns twice: of samples alone, and beside those of their place.

    Where a place has enough samples, known or not, what it learned beside them
    answers; where a sample is nearly alone, the other.

    Attributes
    ----------
    student
        Who learns from rows of numbers.
    departing
        Columns that are told as departures from the mean of their place.
    """

    student: Student[Items]
    departing: tuple[str, ...] = DEPARTING

    @property
    def spec(self) -> Learner:
        """What the card says of it."""
        return self.student.spec

    def describe(self) -> str:
        """How it learns, one line for the card."""
        return (
            f"{self.student.describe()}, twice: alone, and for {_ENOUGH} samples a "
            "place on with departures from their mean"
        )

    def fit(self, samples: Items, *, seed: int, progress: Progress) -> Tensors:
        """Learn; see `agroforest.risk.task.Student`."""
        return {
            f"{view}.{name}": array
            for view, rows in self._views(samples).items()
            for name, array in self.student.fit(
                replace(samples, values=rows), seed=seed, progress=progress
            ).items()
        }

    def say(self, tensors: Tensors, samples: Items) -> NDArray[np.float32]:
        """Answer; see `agroforest.risk.task.Student`."""
        said = {
            view: self.student.say(
                _tensors_of(view, tensors), replace(samples, values=rows)
            )
            for view, rows in self._views(samples).items()
        }
        _, own, count = np.unique(
            samples.place, return_inverse=True, return_counts=True
        )
        enough = count[own] >= _ENOUGH
        return np.where(enough[:, None], said["beside"], said["alone"])

    def _views(self, samples: Items) -> dict[str, NDArray[np.float32]]:
        values, place = samples.values, samples.place
        return {
            "alone": build_rows(values),
            "beside": build_rows_beside(values, place, self.departing),
        }


def _tensors_of(view: str, tensors: Tensors) -> Tensors:
    prefix = f"{view}."
    return {
        n.removeprefix(prefix): a for n, a in tensors.items() if n.startswith(prefix)
    }


@dataclass(frozen=True, kw_only=True, slots=True)
class Rooted:
    """A student of the square root: errors grow with moisture.

    Attributes
    ----------
    student
        Who learns the root.
    """

    student: Student[Items]

    @property
    def spec(self) -> Learner:
        """What the card says of it."""
        return self.student.spec

    def describe(self) -> str:
        """How it learns, one line for the card."""
        return f"{self.student.describe()}, of the square root"

    def fit(self, samples: Items, *, seed: int, progress: Progress) -> Tensors:
        """Learn; see `agroforest.risk.task.Student`."""
        if samples.truth is None:
            raise ValueError("nothing to learn from without a target")
        rooted = replace(samples, truth=np.sqrt(samples.truth))
        return self.student.fit(rooted, seed=seed, progress=progress)

    def say(self, tensors: Tensors, samples: Items) -> NDArray[np.float32]:
        """Answer in percent of dry mass."""
        root = self.student.say(tensors, samples)
        return np.square(np.maximum(root, 0))


def measure_moisture(
    samples: Items, answers: Answers, threshold: float
) -> Mapping[str, Statistic]:
    """R² and the root mean square error in percent of dry mass."""
    del threshold
    if samples.truth is None:
        raise ValueError("no target to measure against")
    known = np.isfinite(samples.truth)
    truth, said = samples.truth[known], answers.value[known, 0]
    return {
        "r2": lambda counts: explained(truth, said, counts[known]),
        "rmse": lambda counts: root_mean_square_error(truth, said, counts[known]),
    }


_BOOSTED = TreesStudent(
    spec=Learner(family="trees", variant="boosted", width=16, blocks=200, share=0.4),
    answer=_ANSWER,
    settings={
        "learning_rate": 0.04,
        "min_data_in_leaf": 20,
        "feature_fraction": 0.4,
        "bagging_fraction": 0.7,
        "bagging_freq": 1,
        "lambda_l2": 5.0,
    },
)
_FOREST = TreesStudent(
    spec=Learner(family="trees", variant="bagged", width=128, blocks=70, share=0.6),
    answer=_ANSWER,
    settings={
        "boosting": "rf",
        "min_data_in_leaf": 4,
        "feature_fraction_bynode": 0.3,
        "bagging_fraction": 0.63,
        "bagging_freq": 1,
    },
)

TASK: Task[Items] = Task(
    name="fuel-moisture",
    version="1.1.1",
    purpose=Purpose(
        zh="由三个月的 Sentinel-1、Sentinel-2、气温、降水和地形估计活体植被含水率"
        "（占干重百分比），用于了解可燃物干湿。",
        en="Estimates the water in living vegetation, percent of dry mass, from three "
        "months of Sentinel-1, Sentinel-2, air temperature, rain and terrain, to know "
        "how dry fuel is.",
    ),
    limits=Limits(
        zh=(
            "只用美国西部和中部 100 个站点的地面采样训练，物种以当地灌木和针叶为主。",
            "误差约为含水率的四分之一；不能单独决定封山、用火许可或扑救部署。",
            "主要依据季节和天气，对异常年份和局部差异反应不足。",
            "同一地点不足六个样本时误差更大（R² 约 0.58）：请一并给出。",
            "高含水率偏低估，低含水率偏高估。",
            "从未在广西检验；南半球和热带没有样本。",
        ),
        en=(
            "Learned from 100 sites in the western and central United States alone.",
            "Errs by about a quarter: no decision may rest on it alone.",
            "Leans on season and weather: odd years and places show too little.",
            "Fewer than six samples of a place: R² about .58. Give them together.",
            "High moisture is said too low and low moisture too high.",
            "Never tested in Guangxi; no sample in the tropics or south of them.",
        ),
        never_tested=("Guangxi", "subtropical forest", "tropics", "south of 28° N"),
    ),
    answer=_ANSWER,
    features=FEATURES,
    steps=STEPS,
    data="1,578 samples of live fuel moisture measured on the ground at 100 sites in "
    "the United States, with Sentinel-1 and -2, ERA5 and SRTM of three months "
    "(nasaharvest/presto, MIT)",
    split="by site: no sample of a judged site was learned from; its neighbours may "
    "have been",
    read=read,
    students=(
        Rooted(student=Placed(student=_BOOSTED)),
        Rooted(student=Placed(student=_FOREST)),
    ),
    folds=10,
    measures=measure_moisture,
    write=write,
)
