"""A baseline is judged as the model is, and told beside it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from agroforest.core.errors import ConfigurationError, DataError
from agroforest.risk import ensemble, models_dir, read_card
from agroforest.risk.baseline import Baseline, Beside, set_beside
from agroforest.risk.card import Answer, Learner, Limits, Model, Purpose, Tensors
from agroforest.risk.evaluate import evaluate
from agroforest.risk.metrics import auroc, f1
from agroforest.risk.rows import Items, TreesStudent
from agroforest.risk.scene_trees import SceneTrees
from agroforest.risk.task import Answers, Statistic, Task
from agroforest.risk.tasks import TASKS, find_task
from agroforest.risk.tasks.baselines import find_baseline
from agroforest.risk.train import Progress, silent

ANSWER = Answer(head="probability", outputs=("wet",))


def read(folder: Path) -> Items:
    """Points of twelve places: wet where the first number is high."""
    del folder
    rng = np.random.default_rng(5)
    values = rng.normal(size=(360, 3)).astype(np.float32)
    return Items(
        values=values,
        place=np.array([f"p{n}" for n in np.repeat(np.arange(12), 30)]),
        name=np.arange(360),
        truth=(values[:, 0] + 0.5 * rng.normal(size=360) > 0).astype(np.float32),
    )


def measures(
    samples: Items, answers: Answers, threshold: float
) -> Mapping[str, Statistic]:
    assert samples.truth is not None
    known = np.isfinite(answers.value[:, 0])
    truth, chance = samples.truth[known] > 0, answers.value[known, 0]
    return {
        "auroc": lambda counts: auroc(truth, chance, counts[known]),
        "f1": lambda counts: f1(truth, chance >= threshold, counts[known]),
    }


def write(
    out: Path, samples: Items, answers: Answers, threshold: float
) -> Sequence[Path]:
    raise NotImplementedError


def first_number(values: NDArray[np.float32]) -> NDArray[np.float32]:
    return values[:, :1]


def no_number(values: NDArray[np.float32]) -> NDArray[np.float32]:
    return values[:, 1:]


def grow_trees(share: float, **settings: Any) -> TreesStudent:
    """Trees without anything drawn at random: any seed gives the same."""
    return TreesStudent(
        spec=Learner(family="trees", width=4, blocks=20, share=share),
        answer=ANSWER,
        settings={"learning_rate": 0.2, "min_data_in_leaf": 5},
        **settings,
    )


TASK = Task(
    name="wet-points",
    version="1.0.0",
    purpose=Purpose(zh="测试", en="test"),
    limits=Limits(zh=("测试",), en=("test",), never_tested=("Guangxi",)),
    answer=ANSWER,
    features=("a", "b", "c"),
    data="made up",
    split="by place",
    read=read,
    students=(grow_trees(1.0),),
    folds=3,
    measures=measures,
    write=write,
    threshold="wet",
)


@dataclass(frozen=True, kw_only=True)
class Witness:
    """Writes down of which places it learned and which it was asked."""

    spec: Learner = field(default_factory=lambda: Learner(family="trees"))
    lessons: list[set[str]] = field(default_factory=list)
    questions: list[set[str]] = field(default_factory=list)

    def describe(self) -> str:
        return "a witness"

    def fit(self, samples: Items, *, seed: int, progress: Progress) -> Tensors:
        del seed, progress
        self.lessons.append(set(samples.place.tolist()))
        return {"nothing": np.zeros(1)}

    def say(self, tensors: Tensors, samples: Items) -> NDArray[np.float32]:
        del tensors
        self.questions.append(set(samples.place.tolist()))
        return samples.values[:, :1] * 3


def train(task: Task[Items], folder: Path) -> Model:
    return ensemble.train(task, folder, folder / "model")


def judge(
    task: Task[Items], model: Model, baseline: Baseline[Items]
) -> tuple[Beside, ...]:
    samples = read(Path())
    answers = ensemble.ask_unseen(task, model, samples)
    return set_beside(task, model, samples, answers, baseline, progress=silent)


def test_the_same_learner_gains_nothing(tmp_path: Path) -> None:
    model = train(TASK, tmp_path)
    found = judge(TASK, model, Baseline(name="same", student=grow_trees(1.0)))
    assert [(b.name, b.metric) for b in found] == [("same", "auroc"), ("same", "f1")]
    for row, metric in zip(found, model.card.metrics, strict=False):
        assert row[1:5] == (metric.name, metric.value, metric.low, metric.high)
        assert (row.gain, row.gain_low, row.gain_high) == (0, 0, 0)


def test_what_sees_less_is_beaten(tmp_path: Path) -> None:
    blind = Baseline(name="blind", student=grow_trees(1.0, features=no_number))
    row, _ = judge(TASK, train(TASK, tmp_path), blind)
    assert row.value == pytest.approx(0.5, abs=0.1)
    assert row.low < row.value < row.high
    assert row.gain > 0.3
    assert 0.2 < row.gain_low < row.gain < row.gain_high


def test_a_baseline_never_saw_what_it_is_asked(tmp_path: Path) -> None:
    model, witness = train(TASK, tmp_path), Witness()
    told: list[str] = []
    samples = read(tmp_path)
    found = evaluate(
        TASK,
        model,
        tmp_path,
        baseline=Baseline(name="witness", student=witness),
        progress=lambda _, note: told.append(note),
    )
    assert model.card.ensemble is not None
    held_out = model.card.ensemble.held_out
    for fold, (learned, asked) in enumerate(
        zip(witness.lessons, witness.questions, strict=True)
    ):
        assert asked == {place for place, part in held_out.items() if part == fold}
        assert learned == set(samples.place.tolist()) - asked
    assert told == ["witness 1/3", "witness 2/3", "witness 3/3", "witness"]
    assert [b.name for b in found.beside] == ["witness", "witness"]


def test_every_learner_stands_alone(tmp_path: Path) -> None:
    both = replace(
        TASK, students=(grow_trees(0.3), grow_trees(0.7, features=first_number))
    )
    model = train(both, tmp_path)
    found = judge(both, model, Baseline(name="b", student=grow_trees(1.0)))
    assert [b.name for b in found] == ["b", "b"] + ["trees, alone"] * 4
    # The first learner is the baseline: trees of all numbers.
    assert found[2][1:] == found[0][1:]
    assert found[4].value != found[0].value


def test_nobody_is_judged_where_the_model_is_silent(tmp_path: Path) -> None:
    model, samples = train(TASK, tmp_path), read(tmp_path)
    answers = ensemble.ask_unseen(TASK, model, samples)
    # The baseline is wrong about a third of the points, and the model says nothing.
    wrong = np.arange(360) % 3 == 0
    answers.value[wrong] = np.nan

    @dataclass(frozen=True, kw_only=True)
    class Misled(Witness):
        def say(self, tensors: Tensors, samples: Items) -> NDArray[np.float32]:
            said = super().say(tensors, samples)
            return np.where((samples.name % 3 == 0)[:, None], -9 * said, said)

    def beside(student: Witness) -> tuple[Beside, ...]:
        baseline = Baseline(name="b", student=student)
        return set_beside(TASK, model, samples, answers, baseline, progress=silent)

    assert beside(Misled()) == beside(Witness())


def test_other_places_have_no_folds(tmp_path: Path) -> None:
    model, samples = train(TASK, tmp_path), read(tmp_path)
    strange = replace(samples, place=np.char.add("q", samples.place))
    answers = ensemble.ask_unseen(TASK, model, strange)
    baseline = Baseline(name="b", student=grow_trees(1.0))
    with pytest.raises(DataError, match="not trained on qp0 and 11 more places"):
        set_beside(TASK, model, strange, answers, baseline, progress=silent)


@pytest.mark.parametrize("name", [n for n in TASKS if n != "fire-occurrence-local"])
def test_every_shipped_task_has_one(name: str) -> None:
    task, baseline = find_task(name), find_baseline(name)
    assert baseline.student.spec.family == "trees"
    assert baseline.student.spec.share == 1
    assert read_card(models_dir() / name).ensemble is not None
    assert baseline.student not in task.students


def test_a_model_without_a_baseline() -> None:
    with pytest.raises(ConfigurationError, match="no baseline"):
        find_baseline("canopy-stress")


def see(name: str, values: NDArray[np.float32]) -> NDArray[np.float32]:
    student = find_baseline(name).student
    assert isinstance(student, SceneTrees | TreesStudent)
    return student.features(values)


def test_a_baseline_sees_the_numbers_as_they_are() -> None:
    rng = np.random.default_rng(1)
    pixels = rng.random((24, 3, 4), dtype=np.float32)
    planes = see("canopy-damage", pixels)
    np.testing.assert_array_equal(planes[:24], pixels)
    np.testing.assert_array_equal(planes[24:], pixels[12:] - pixels[:12])
    np.testing.assert_array_equal(see("burned-area", pixels), pixels)
    series = rng.random((5, 10, 6), dtype=np.float32)
    rows = see("disturbance-cause", series)
    np.testing.assert_array_equal(rows, series.reshape(5, 60))
