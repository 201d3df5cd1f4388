"""Trees that go on from others."""

import numpy as np
import pytest

from agroforest.core.errors import ModelError
from agroforest.risk import trees
from agroforest.risk.boosting import grow
from agroforest.risk.card import Answer, Learner

SPEC = Learner(family="trees", width=6, blocks=5)
SETTINGS = {"min_data_in_leaf": 5, "learning_rate": 0.3}


@pytest.mark.parametrize(
    ("head", "outputs"),
    [("probability", 1), ("value", 1), ("classes", 3)],
)
def test_more_rounds_improve_on_the_answer_before(head: str, outputs: int) -> None:
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(400, 4)).astype(np.float32)
    score = rows[:, 0] + rows[:, 1] ** 2
    target: np.ndarray = score
    if head != "value":
        target = np.digitize(score, [0.5, 2.0] if head == "classes" else [0.5])
    answer = Answer.model_validate(
        {"head": head, "outputs": [f"o{n}" for n in range(outputs)]}
    )
    first = grow(rows, target, SPEC, answer, SETTINGS, seed=0)
    both = grow(rows, target, SPEC, answer, SETTINGS, start=first, seed=0)
    assert both["root"].size == 2 * first["root"].size
    for name in ("root", "output", "feature", "number", "left"):
        np.testing.assert_array_equal(both[name][: first[name].size], first[name])

    def surprise(arrays: dict[str, np.ndarray]) -> float:
        said = trees.predict(arrays, rows)
        if head == "value":
            return float(((said[:, 0] - target) ** 2).mean())
        if head == "probability":
            sign = np.where(target > 0, 1, -1)
            return float(np.log1p(np.exp(-sign * said[:, 0])).mean())
        chance = np.exp(said - np.log(np.exp(said).sum(axis=1, keepdims=True)))
        return float(-np.log(chance[np.arange(400), target]).mean())

    assert surprise(dict(both)) < 0.9 * surprise(dict(first))


def test_it_is_what_lightgbm_does_in_one_go() -> None:
    """Without any chance, five rounds and five more are ten rounds."""
    rng = np.random.default_rng(1)
    rows = rng.normal(size=(300, 3)).astype(np.float32)
    target = rows[:, 0] * 2 + rows[:, 1]
    answer = Answer(head="value", outputs=("x",))
    first = grow(rows, target, SPEC, answer, SETTINGS, seed=0)
    both = grow(rows, target, SPEC, answer, SETTINGS, start=first, seed=0)
    ten = SPEC.model_copy(update={"blocks": 10})
    whole = grow(rows, target, ten, answer, SETTINGS, seed=0)
    np.testing.assert_allclose(
        trees.predict(both, rows), trees.predict(whole, rows), atol=1e-3
    )


def test_weights_are_heeded() -> None:
    rng = np.random.default_rng(2)
    rows = rng.normal(size=(200, 2)).astype(np.float32)
    target = (rng.random(200) < 0.5).astype(np.float32)
    answer = Answer(head="probability", outputs=("x",))
    weight = np.where(target > 0, 0.1, 1.9).astype(np.float32)
    even, light = (
        trees.predict(
            grow(rows, target, SPEC, answer, SETTINGS, weight=w, seed=0), rows
        )
        for w in (None, weight)
    )
    assert light.mean() < even.mean() - 1


def test_trees_of_other_columns_are_no_start() -> None:
    rng = np.random.default_rng(3)
    rows = rng.normal(size=(100, 3)).astype(np.float32)
    answer = Answer(head="value", outputs=("x",))
    target = rows[:, 0].copy()
    first = grow(rows, target, SPEC, answer, SETTINGS, seed=0)
    with pytest.raises(ModelError, match="trees of 3 columns"):
        grow(rows[:, :2].copy(), target, SPEC, answer, SETTINGS, start=first, seed=0)
