"""Settings are chosen where they are not judged."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from agroforest.core.errors import ConfigurationError
from agroforest.risk.calibrate import choose_threshold
from agroforest.risk.card import Answer, Learner, Limits, Purpose
from agroforest.risk.metrics import auroc, explained, f1
from agroforest.risk.rows import Items, TreesStudent
from agroforest.risk.selection import Candidate, Elsewhere, choose_elsewhere
from agroforest.risk.task import Answers, Statistic, Task

Floats = NDArray[np.float32]

PARTS, PLACES, COUNT = 4, 40, 400
PART = np.arange(COUNT) % PLACES % PARTS
ONCE = np.ones(COUNT)


def measures(
    samples: Items, answers: Answers, threshold: float
) -> Mapping[str, Statistic]:
    assert samples.truth is not None
    known = np.isfinite(answers.value[:, 0]) & np.isfinite(samples.truth)
    truth, said = samples.truth[known], answers.value[known, 0]
    return {
        "auroc": lambda counts: auroc(truth > 0, said, counts[known]),
        "f1": lambda counts: f1(truth > 0, said >= threshold, counts[known]),
        "r2": lambda counts: explained(truth, said, counts[known]),
    }


def write(
    out: Path, samples: Items, answers: Answers, threshold: float
) -> Sequence[Path]:
    raise NotImplementedError


def read(folder: Path) -> Items:
    raise NotImplementedError


def make_task(answer: Answer, threshold: str = "") -> Task[Items]:
    student = TreesStudent(
        spec=Learner(family="trees", width=4, blocks=20), answer=answer, settings={}
    )
    return Task(
        name="made-up",
        version="1.0.0",
        purpose=Purpose(zh="测试", en="test"),
        limits=Limits(zh=("测试",), en=("test",), never_tested=("Guangxi",)),
        answer=answer,
        features=("a",),
        data="made up",
        split="by place",
        read=read,
        students=(student,),
        folds=PARTS,
        measures=measures,
        write=write,
        threshold=threshold,
    )


CHANCE = make_task(Answer(head="probability", outputs=("wet",)), threshold="wet")
VALUE = make_task(Answer(head="value", outputs=("wet",)))


def samples_of(truth: NDArray[Any]) -> Items:
    return Items(
        values=np.zeros((COUNT, 1), np.float32),
        place=np.array([f"p{n % PLACES}" for n in range(COUNT)]),
        name=np.arange(COUNT),
        truth=truth.astype(np.float32),
    )


def candidate(name: str, said: Floats, task: Task[Items] = CHANCE) -> Candidate[Items]:
    return Candidate(name=name, task=task, said=[said.astype(np.float32)[:, None]])


def judge(found: Elsewhere, samples: Items, metric: str) -> float:
    return CHANCE.measures(samples, found.answers, found.threshold)[metric](ONCE)


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(3)


def test_the_best_of_many_guesses_is_a_guess_elsewhere(
    rng: np.random.Generator,
) -> None:
    """A hundred candidates know nothing: the best seems to, and does not."""
    truth = rng.random(COUNT) < 0.5
    samples = samples_of(truth)
    guesses = rng.normal(size=(100, COUNT)).astype(np.float32)
    found = choose_elsewhere(
        (candidate(str(n), one) for n, one in enumerate(guesses)),
        samples,
        PART,
        "auroc",
    )
    assert max(found.together.values()) > 0.55
    assert judge(found, samples, "auroc") < 0.54
    assert set(found.chosen) <= set(found.together)
    assert len(found.chosen) == PARTS


def test_a_part_has_no_say_in_what_is_chosen_for_it(rng: np.random.Generator) -> None:
    truth = rng.normal(size=COUNT).astype(np.float32)
    said = truth + rng.normal(size=(20, COUNT)).astype(np.float32)

    def choose(truth: Floats) -> Elsewhere:
        every = (candidate(str(n), one, VALUE) for n, one in enumerate(said))
        return choose_elsewhere(every, samples_of(truth), PART, "r2")

    found, changed = choose(truth), choose(np.where(PART == 2, -3 * truth, truth))
    assert found.chosen[2] == changed.chosen[2]
    own = PART == 2
    assert np.array_equal(found.answers.value[own], changed.answers.value[own])
    assert found.chosen != changed.chosen  # the others heard of it


def test_one_candidate_is_judged_as_it_is(rng: np.random.Generator) -> None:
    truth = rng.normal(size=COUNT).astype(np.float32)
    said = truth + 0.5
    found = choose_elsewhere(
        [candidate("only", said, VALUE)], samples_of(truth), PART, "r2"
    )
    assert np.array_equal(found.answers.value[:, 0], said)
    assert found.chosen == ("only",) * PARTS
    assert np.isnan(found.threshold)


def test_thresholds_are_chosen_elsewhere_too(rng: np.random.Generator) -> None:
    truth = rng.random(COUNT) < 0.3
    said = (2 * truth + rng.normal(size=COUNT) + (PART == 1)).astype(np.float32)
    said[5] = np.nan
    samples = samples_of(truth)
    found = choose_elsewhere([candidate("only", said)], samples, PART, "f1")
    value = found.answers.value[:, 0]
    assert found.threshold == 0.5
    assert np.isnan(value[5])
    assert set(value[np.isfinite(value)]) == {0.0, 1.0}
    for part in range(PARTS):
        own = (part == PART) & np.isfinite(said)
        others = (part != PART) & np.isfinite(said)
        # A temperature moves probabilities, not their order.
        chance = 1 / (1 + np.exp(-said / 1.0))
        count = int(value[own].sum())
        cut, _ = choose_threshold(truth[others], chance[others])
        assert abs(int((chance[own] >= cut).sum()) - count) <= 2
    assert judge(found, samples, "f1") < found.together["only"]


def test_the_first_of_equals_is_chosen(rng: np.random.Generator) -> None:
    truth = rng.random(COUNT) < 0.5

    def every() -> Iterator[Candidate[Items]]:
        for n in range(3):
            yield candidate(str(n), truth.astype(np.float32) + n)

    found = choose_elsewhere(every(), samples_of(truth), PART, "auroc")
    assert list(found.together) == ["0", "1", "2"]
    assert found.chosen == ("0",) * PARTS


def test_nothing_to_choose_is_refused() -> None:
    samples = samples_of(np.ones(COUNT))
    with pytest.raises(ConfigurationError, match="candidates"):
        choose_elsewhere([], samples, PART, "auroc")
    with pytest.raises(ConfigurationError, match="parts"):
        choose_elsewhere([], samples, np.zeros(COUNT, np.int64), "auroc")
