"""Trees as arrays say what LightGBM says."""

from typing import Any

import lightgbm
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agroforest.core.errors import ModelError
from agroforest.risk import trees

QUIET = {"verbosity": -1, "num_threads": 1, "deterministic": True, "seed": 3}


def grow(rows: np.ndarray, target: np.ndarray, rounds: int = 8, **options: Any):
    data = lightgbm.Dataset(rows, target, params={"verbosity": -1})
    return lightgbm.train(
        {**QUIET, "min_data_in_leaf": 3, "num_leaves": 12, **options}, data, rounds
    )


def assert_same(booster: lightgbm.Booster, rows: np.ndarray) -> None:
    found = trees.predict(trees.from_lightgbm(booster), rows)
    wanted = np.asarray(booster.predict(rows, raw_score=True, num_threads=1))
    if booster.dump_model()["average_output"]:  # raw scores are sums even so
        wanted = wanted / booster.current_iteration()
    assert found.dtype == np.float32
    np.testing.assert_allclose(
        found, wanted.reshape(len(rows), -1), rtol=3e-6, atol=3e-6
    )


MODES: list[dict[str, Any]] = [
    {"objective": "regression"},
    {"objective": "huber"},
    {"objective": "binary", "extra_trees": True},
    {"objective": "multiclass", "num_class": 3},
    {"objective": "regression", "boosting": "dart", "drop_rate": 0.5},
    {
        "objective": "binary",
        "boosting": "rf",
        "bagging_freq": 1,
        "bagging_fraction": 0.6,
    },
    {
        "objective": "multiclass",
        "num_class": 3,
        "boosting": "rf",
        "bagging_freq": 1,
        "bagging_fraction": 0.6,
    },
]


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 2**31),
    mode=st.sampled_from(MODES),
    holes=st.sampled_from([0.0, 0.3]),
    rounded=st.booleans(),
)
def test_as_lightgbm(
    seed: int, mode: dict[str, Any], *, holes: float, rounded: bool
) -> None:
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(300, 5)).astype(np.float32)
    if rounded:  # values that are thresholds, zeros among them
        np.round(rows, 0, out=rows)
    rows[rng.random(rows.shape) < holes] = np.nan
    score = np.nansum(rows * [1, -2, 0.5, 0, 0], axis=1) + rng.normal(size=300)
    if "num_class" in mode:
        target = np.digitize(score, [-1, 1]).astype(np.float64)
    elif mode["objective"] == "binary":
        target = (score > 0).astype(np.float64)
    else:
        target = score.astype(np.float64)
    booster = grow(rows, target, **mode)
    # Other rows have holes whether or not training saw any.
    other = np.round(rng.normal(size=(200, 5)) * 4).astype(np.float32) / 4
    other[rng.random(other.shape) < 0.2] = np.nan
    other[rng.random(other.shape) < 0.05] = np.inf
    other[rng.random(other.shape) < 0.05] = -np.inf
    assert_same(booster, rows)
    assert_same(booster, other)


def test_a_random_forest_answers_with_a_mean() -> None:
    rng = np.random.default_rng(8)
    rows = rng.normal(size=(200, 3)).astype(np.float32)
    booster = grow(rows, rows[:, 0] > 0, rounds=5, **MODES[5])
    found = trees.predict(trees.from_lightgbm(booster), rows)[:, 0]
    chance = np.asarray(booster.predict(rows, num_threads=1))
    np.testing.assert_allclose(1 / (1 + np.exp(-found)), chance, rtol=1e-6)


def test_neighbouring_floats_stay_apart() -> None:
    """A threshold between two neighbouring float32 keeps them apart."""
    low = np.float32(0.1)
    rows = np.repeat([low, np.nextafter(low, np.float32(1))], 50)[:, None]
    target = np.repeat([0.0, 1.0], 50)
    booster = grow(rows, target, rounds=1, min_data_in_bin=1, learning_rate=1.0)
    assert len(np.unique(np.asarray(booster.predict(rows)))) == 2
    assert_same(booster, rows)


def test_no_split_at_all() -> None:
    rows = np.zeros((20, 2), dtype=np.float32)
    assert_same(grow(rows, np.full(20, 4.0), rounds=2), rows)


def test_more_rows_than_a_block() -> None:
    rng = np.random.default_rng(5)
    rows = rng.normal(size=(1300, 3)).astype(np.float32)
    assert_same(grow(rows, rows[:, 0] * rows[:, 1]), rows)


def test_stops_at_the_best_iteration() -> None:
    rng = np.random.default_rng(6)
    rows = rng.normal(size=(200, 3)).astype(np.float32)
    target = rows[:, 0] + rng.normal(size=200)
    booster = grow(rows, target, rounds=9)
    booster.best_iteration = 4
    assert trees.from_lightgbm(booster)["root"].size == 4
    assert_same(booster, rows)


def by_hand() -> trees.Arrays:
    """One tree: column 1 up to 0.5 gives 10, above it -1; NaN goes right."""
    return {
        "root": np.array([0], dtype=np.int32),
        "output": np.array([0], dtype=np.int16),
        "feature": np.array([1, -1, -1], dtype=np.int16),
        "number": np.array([0.5, 10, -1], dtype=np.float32),
        "left": np.array([1, 0, 0], dtype=np.int32),
        "missing_left": np.array([False, False, False]),
        "inputs": np.array(2, dtype=np.int32),
        "outputs": np.array(1, dtype=np.int32),
    }


def test_by_hand() -> None:
    rows = np.array([[9, 0.5], [0, 0.6], [0, np.nan]], dtype=np.float32)
    assert trees.predict(by_hand(), rows).tolist() == [[10], [-1], [-1]]


def test_no_rows() -> None:
    rows = np.zeros((0, 2), dtype=np.float32)
    assert trees.predict(by_hand(), rows).shape == (0, 1)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("left", np.array([0, 0, 0], dtype=np.int32)),  # its own child
        ("left", np.array([2, 0, 0], dtype=np.int32)),  # sibling past the end
        ("left", np.array([1, 0], dtype=np.int32)),
        ("left", np.array([1, 0, 0], dtype=np.int64)),
        ("feature", np.array([2, -1, -1], dtype=np.int16)),
        ("feature", np.array([-2, -1, -1], dtype=np.int16)),
        ("root", np.array([3], dtype=np.int32)),
        ("output", np.array([1], dtype=np.int16)),
        ("output", np.array([], dtype=np.int16)),
        ("inputs", np.array([2], dtype=np.int32)),
    ],
)
def test_damaged_trees_are_refused(name: str, value: np.ndarray) -> None:
    with pytest.raises(ModelError, match="trees"):
        trees.predict({**by_hand(), name: value}, np.zeros((1, 2), np.float32))


def test_absent_arrays_are_refused() -> None:
    arrays = by_hand()
    del arrays["number"]
    with pytest.raises(ModelError, match="no array number"):
        trees.predict(arrays, np.zeros((1, 2), np.float32))


def test_other_columns_are_refused() -> None:
    with pytest.raises(ModelError, match="3"):
        trees.predict(by_hand(), np.zeros((1, 3), np.float32))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"min_data_per_group": 2, "cat_smooth": 1}, "=="),
        ({"zero_as_missing": True}, "zeros"),
        ({"linear_tree": True}, "linear"),
    ],
)
def test_other_kinds_of_trees_are_refused(
    options: dict[str, Any], message: str
) -> None:
    rng = np.random.default_rng(7)
    rows = rng.integers(0, 6, size=(200, 2)).astype(np.float32)
    target = np.isin(rows[:, 0], [1, 4]) * 5.0 + rows[:, 1]
    booster = lightgbm.train(
        {**QUIET, "objective": "regression", "min_data_in_leaf": 3, **options},
        lightgbm.Dataset(
            rows,
            target,
            categorical_feature=[0] if "cat_smooth" in options else [],
            params={"verbosity": -1, **options},
        ),
        5,
    )
    with pytest.raises(ModelError, match=message):
        trees.from_lightgbm(booster)


def test_joined_trees_say_the_sum() -> None:
    rng = np.random.default_rng(2)
    rows = rng.normal(size=(300, 3)).astype(np.float32)
    rows[rng.random(rows.shape) < 0.1] = np.nan
    one, two = (
        trees.from_lightgbm(grow(rows, np.nan_to_num(rows[:, n]), rounds=4))
        for n in (0, 1)
    )
    joined = trees.join(one, two)
    trees.Forest.from_arrays(joined)
    assert joined["root"].size == 8
    total = trees.predict(one, rows) + trees.predict(two, rows)
    np.testing.assert_allclose(trees.predict(joined, rows), total, rtol=1e-5, atol=1e-6)
    twice = trees.join(by_hand(), by_hand())
    assert twice["left"].tolist() == [1, 0, 0, 4, 0, 0]
    assert twice["root"].tolist() == [0, 3]


def test_trees_of_other_rows_are_not_joined() -> None:
    other = {**by_hand(), "inputs": np.array(3, dtype=np.int32)}
    with pytest.raises(ModelError, match="other columns"):
        trees.join(by_hand(), other)
    broken = {**by_hand(), "root": np.array([9], dtype=np.int32)}
    with pytest.raises(ModelError, match="outside"):
        trees.join(by_hand(), broken)
