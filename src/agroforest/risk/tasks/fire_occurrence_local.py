"""``fire-occurrence-local``: whether a satellite sees a hotspot in a cell on a day.

Learned from the user's own hotspots, so no weights of it are shipped. The shipped
``fire-occurrence`` is another model: it judges a place for a whole season.
"""

from collections.abc import Mapping

from agroforest.risk.card import Answer, Learner, Limits, Purpose
from agroforest.risk.committee import Committee, mean_surprise
from agroforest.risk.datasets.fire_days import (
    FEATURES,
    CellDays,
    build_rows,
    read,
    write,
)
from agroforest.risk.metrics import auroc, average_precision
from agroforest.risk.rows import NetworkStudent, TreesStudent
from agroforest.risk.task import Answers, Statistic, Task
from agroforest.risk.train import Recipe

_ANSWER = Answer(head="probability", outputs=("hotspot",))
# Fire does not become likelier with moister air, nor less likely with a greater
# index; what is left free can be learned either way.
_RISING = ("vpd", "fwi", "log_usual")
_FALLING = ("humidity", "near_km")


def measure_days(
    samples: CellDays, answers: Answers, threshold: float
) -> Mapping[str, Statistic]:
    """AUROC and average precision, of the sample."""
    del threshold
    if samples.truth is None:
        raise ValueError("no target to measure against")
    truth, chance = samples.truth > 0, answers.value[:, 0]
    return {
        "auroc of the sample": lambda counts: auroc(truth, chance, counts),
        "ap of the sample": lambda counts: average_precision(truth, chance, counts),
    }


def _constraint(name: str) -> str:
    if name in _RISING:
        return "1"
    return "-1" if name in _FALLING else "0"


_COMMITTEE = NetworkStudent(
    spec=Learner(
        family="dense", variant="committee", width=32, blocks=1, kernel=4, share=0.4
    ),
    answer=_ANSWER,
    build=Committee,
    recipe=Recipe(epochs=12, batch=256, rate=3e-3, decay=0.1),
    loss=mean_surprise,
    features=build_rows,
)
_BOOSTED = TreesStudent(
    spec=Learner(family="trees", variant="boosted", width=12, blocks=150, share=0.6),
    answer=_ANSWER,
    settings={
        "learning_rate": 0.05,
        "min_data_in_leaf": 30,
        "feature_fraction": 0.5,
        "bagging_fraction": 0.7,
        "bagging_freq": 1,
        "lambda_l2": 5.0,
        "monotone_constraints": ",".join(_constraint(name) for name in FEATURES),
    },
)

TASK: Task[CellDays] = Task(
    name="fire-occurrence-local",
    version="1.0.0",
    purpose=Purpose(
        zh="由当日天气、可燃物、地形与历年热点，估计某网格当日出现卫星热点的概率，"
        "用于安排巡护先后。",
        en="Gives the probability that a satellite sees a hotspot in a cell on a day, "
        "from weather, fuel, terrain and the hotspots of other times, to decide where "
        "to patrol first.",
    ),
    limits=Limits(
        zh=(
            "只在训练所用的区域、年份和卫星产品上有意义。",
            "热点不是经核实的火灾：包括计划烧除与秸秆焚烧，云下的火看不到。",
            "概率对应训练时的网格大小；网格大小不同时不得使用。",
            "不能判定起火原因或责任。",
        ),
        en=(
            "Means something only for the area, years and satellites it learned from.",
            "A hotspot is no confirmed fire; planned and crop burning are among them.",
            "Fires under cloud are not seen.",
            "The probability is that of a cell of the size it learned from, no other.",
            "Does not say why a fire starts, nor through whom.",
        ),
        never_tested=("anywhere but where and when it was trained",),
    ),
    answer=_ANSWER,
    features=FEATURES,
    data="the user's hotspots and weather, days of cells",
    split="by blocks of time: no day of a judged block was learned from",
    read=read,
    students=(_COMMITTEE, _BOOSTED),
    folds=5,
    measures=measure_days,
    write=write,
)
