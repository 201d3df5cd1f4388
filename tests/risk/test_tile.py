"""What a tile's judgement may be put together from, and how long it stands."""

from datetime import timedelta
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agroforest.core.grid import Grid
from agroforest.core.risk import EPOCH, RiskMap
from agroforest.indices.season import BANDS, COEFFICIENTS, NODATA, SIGNALS
from agroforest.indices.state import BaselineState
from agroforest.risk import Model, load_model, models_dir, predict
from agroforest.risk.tile import blank_maps, find_standing

START = 17_000
SIDE = 12
GRID = Grid(
    crs="EPSG:32649", left=0.0, top=0.0, resolution=10.0, width=SIDE, height=SIDE
)
LAYERS = ("probability", "since", "evidence")


@pytest.fixture(scope="module")
def model() -> Model:
    return load_model(models_dir() / "canopy-stress")


def make_state(seed: int, slots: int = 10) -> BaselineState:
    """Pixels that differ in everything: dates, damage, cuts, seasons, gaps."""
    rng = np.random.default_rng(seed)
    shape = (SIDE, SIDE)
    drawn = START + np.sort(rng.integers(0, 60, (slots, *shape)), axis=0)
    once = np.where(np.diff(drawn, axis=0, prepend=0) == 0, 0, drawn)
    day = np.sort(once, axis=0).astype(np.int32)
    level = np.array([200, 400, 300, 2000, 1000, 2000])[:, None, None]
    sick = 1 + rng.choice([0, 0.5, 1.5], (slots, 1, *shape)) * (rng.random(shape) < 0.5)
    ring = np.broadcast_to(level, (slots, len(BANDS), *shape)) * 1.0
    ring[:, 4:5] *= sick
    ring += rng.normal(0, 40, ring.shape)
    ring[:, 2] += 600 * (rng.random(shape) < 0.3)
    ring[(day == 0)[:, None].repeat(len(BANDS), 1)] = NODATA
    coefficients = np.zeros((len(SIGNALS), COEFFICIENTS, *shape), dtype=np.int16)
    coefficients[:, 0] = np.array([*level[:, 0, 0], 5000])[:, None, None]
    cut = rng.random(shape) < 0.3
    median = rng.normal(0, 0.01, (60, len(SIGNALS)))
    return BaselineState(
        grid=GRID,
        coefficients=coefficients,
        spread=np.full((len(SIGNALS), *shape), 150, dtype=np.int16),
        model_from=(START + rng.choice([-START, -9, 5, 31], shape)).astype(np.int32),
        clear_count=np.full(shape, 20, dtype=np.int16),
        cut_day=(cut * (START + rng.integers(0, 40, shape))).astype(np.int32),
        ring_day=day,
        ring=ring.astype(np.int16),
        scene_day=np.arange(START, START + 60, dtype=np.int32),
        scene_median=median.astype(np.float32),
        scenes=(),
    )


def judge(
    state: BaselineState, day: int, model: Model | None, forest: np.ndarray
) -> tuple[RiskMap, RiskMap]:
    night = EPOCH + timedelta(days=day)
    return predict(state, night=night, tile="t", model=model, forest=forest)


def same(one: tuple[RiskMap, ...], other: tuple[RiskMap, ...]) -> bool:
    return all(
        np.array_equal(getattr(a, name), getattr(b, name), equal_nan=name == LAYERS[0])
        for a, b in zip(one, other, strict=True)
        for name in LAYERS
    )


@settings(deadline=None, max_examples=10)
@given(seed=st.integers(0, 999), day=st.integers(-3, 63), share=st.floats(0, 1))
@pytest.mark.parametrize("judged_by", ["rule", "model"])
def test_a_pixel_is_judged_alike_whoever_is_beside_it(
    judged_by: str, seed: int, day: int, share: float, model: Model
) -> None:
    """To the last digit: what was said of one pixel may stand beside the others."""
    state = make_state(seed)
    who = model if judged_by == "model" else None
    everywhere = np.ones((SIDE, SIDE), dtype=bool)
    some = np.random.default_rng(seed).random((SIDE, SIDE)) < share
    whole = judge(state, START + day, who, everywhere)
    pieces = [judge(state, START + day, who, part) for part in (some, ~some)]
    lone = np.zeros_like(some)
    lone[3, 4] = True
    pieces.append(judge(state, START + day, who, lone))
    for asked, piece in zip((some, ~some, lone), pieces, strict=True):
        for a, b in zip(whole, piece, strict=True):
            for name in LAYERS:
                np.testing.assert_array_equal(
                    getattr(a, name)[asked], getattr(b, name)[asked]
                )
    rows, columns = slice(5, 9), slice(0, 7)
    part = judge(
        state.window(rows, columns), START + day, who, everywhere[rows, columns]
    )
    for a, b in zip(whole, part, strict=True):
        for name in LAYERS:
            np.testing.assert_array_equal(
                getattr(a, name)[rows, columns], getattr(b, name)
            )


@settings(deadline=None, max_examples=20)
@given(seed=st.integers(0, 999), day=st.integers(-3, 63))
@pytest.mark.parametrize("judged_by", ["rule", "model"])
def test_a_judgement_stands_on_the_nights_that_are_named(
    judged_by: str, seed: int, day: int, model: Model
) -> None:
    who = model if judged_by == "model" else None
    forest = np.ones((SIDE, SIDE), dtype=bool)
    # Few observations: nights on which nothing happens lie between.
    state = make_state(seed, slots=2).window(slice(0, 2), slice(0, 2))
    forest = forest[:2, :2]
    first, after = find_standing(state, START + day)
    assert first <= START + day < after
    expected = judge(state, START + day, who, forest)
    for night in {max(first, START - 5), START + day, min(after, START + 70) - 1}:
        assert same(expected, judge(state, night, who, forest))
        assert find_standing(state, night) == (first, after)


def test_the_nights_end_where_an_observation_a_cut_or_a_season_begins() -> None:
    state = make_state(0).window(slice(0, 1), slice(0, 1))
    state = state.patch(
        ring_day=np.array([0, 0, 10, 20, 50], dtype=np.int32)[:, None, None],
        ring=state.ring[:5],
        cut_day=np.array([[15]], dtype=np.int32),
        model_from=np.array([[30]], dtype=np.int32),
    )
    ends = [0, 10, 15, 20, 30, 50]
    for first, after in pairwise(ends):
        assert find_standing(state, first) == (first, after)
        assert find_standing(state, after - 1) == (first, after)
    last, never = find_standing(state, 51)
    assert (last, never > 1_000_000) == (50, True)


def test_blank_maps_are_those_of_a_forest_without_pixels(model: Model) -> None:
    state = make_state(1)
    for who in (None, model):
        night = EPOCH + timedelta(days=START)
        blank = blank_maps(GRID, night=night, tile="t", model=who)
        nowhere = judge(state, START, who, np.zeros((SIDE, SIDE), dtype=bool))
        assert same(blank, nowhere)
        for a, b in zip(blank, nowhere, strict=True):
            assert (a.hazard, a.model, a.threshold) == (b.hazard, b.model, b.threshold)
