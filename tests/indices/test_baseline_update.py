"""Updates: idempotent, in any order, at a cost that the archive does not raise."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agroforest.core.grid import Grid
from agroforest.indices import baseline
from agroforest.indices.baseline import BaselineState, Take
from agroforest.indices.cuts import find_cuts, is_bare
from agroforest.indices.ring import encode, insert
from agroforest.indices.season import Calendar, quantise, seasonal_basis

SIDE = 8
GRID = Grid(
    crs="EPSG:32649", left=0.0, top=0.0, resolution=20.0, width=SIDE, height=SIDE
)
FOREST = np.ones((SIDE, SIDE), dtype=bool)
CANOPY = np.array([0.02, 0.04, 0.03, 0.30, 0.15, 0.08])
SOIL = np.array([0.05, 0.08, 0.12, 0.20, 0.30, 0.25])
START = 17_000
HISTORY_END = START + 900


def scene(day: int, *, clear: float = 0.8, soil: np.ndarray | None = None) -> Take:
    """A repeatable scene; `soil` marks bare pixels, which are always clear."""
    rng = np.random.default_rng(day)
    basis = seasonal_basis(day)
    bands = CANOPY[:, None, None] * (1 + 0.05 * basis[1] - 0.1 * basis[2])
    bands = np.broadcast_to(bands, (6, SIDE, SIDE)).copy()
    usable = rng.random((SIDE, SIDE)) < clear
    if soil is not None:
        bands[:, soil] = SOIL[:, None]
        usable |= soil
    bands += rng.normal(size=bands.shape) * 0.002
    return day, bands.astype(np.float32), usable, f"scene-{day}"


def history() -> list[Take]:
    return [scene(day) for day in range(START, HISTORY_END + 1, 30)]


def take_in(state: BaselineState, *takes: Take) -> BaselineState:
    for day, bands, usable, scene_id in takes:
        state = baseline.update(
            state, day=day, bands=bands, usable=usable, scene_id=scene_id, forest=FOREST
        )
    return state


def same(one: BaselineState, other: BaselineState) -> None:
    for name, array in one.arrays().items():
        np.testing.assert_array_equal(other.arrays()[name], array, err_msg=name)
    np.testing.assert_array_equal(one.scene_day, other.scene_day)
    np.testing.assert_array_equal(one.scene_median, other.scene_median)
    assert set(one.scenes) == set(other.scenes)


@pytest.fixture(scope="module")
def fitted() -> BaselineState:
    return baseline.fit(history(), GRID, forest=FOREST)


@settings(deadline=None, max_examples=15)
@given(
    order=st.permutations(range(8)),
    again=st.lists(st.integers(0, 7), max_size=4),
)
def test_any_order_and_any_repetition_give_one_state(
    order: list[int], again: list[int]
) -> None:
    state = baseline.fit(history(), GRID, forest=FOREST)
    takes = [scene(HISTORY_END + 5 * (k + 1)) for k in range(8)]
    same(
        take_in(state, *takes),
        take_in(state, *(takes[k] for k in order), *(takes[k] for k in again)),
    )


def test_state_given_is_not_changed(fitted: BaselineState) -> None:
    before = {name: array.copy() for name, array in fitted.arrays().items()}
    after = take_in(fitted, scene(HISTORY_END + 5))
    for name, array in fitted.arrays().items():
        np.testing.assert_array_equal(array, before[name], err_msg=name)
    assert after.coefficients is fitted.coefficients  # shared, not copied


def test_reprocessed_scene_replaces_its_day(fitted: BaselineState) -> None:
    day, bands, usable, _ = scene(HISTORY_END + 5)
    once = take_in(fitted, (day, bands, usable, "old"))
    twice = take_in(once, (day, bands + np.float32(0.01), usable, "new"))
    direct = take_in(fitted, (day, bands + np.float32(0.01), usable, "new"))
    np.testing.assert_array_equal(twice.ring, direct.ring)
    np.testing.assert_array_equal(twice.scene_median, direct.scene_median)
    assert twice.scenes[-2:] == ("old", "new")


def test_ring_keeps_the_latest_and_drops_what_is_older() -> None:
    ring = np.full((4, 6, 1, 1), -32768, dtype=np.int16)
    ring_day = np.zeros((4, 1, 1), dtype=np.int32)
    no, never = np.zeros((1, 1), dtype=bool), np.zeros((1, 1), dtype=np.int32)

    def put(day: int) -> list[int]:
        number = np.full((6, 1, 1), day, dtype=np.int16)
        insert(ring, ring_day, number, day, no, never)
        filled = ring_day[:, 0, 0] > 0
        assert (ring[filled, :, 0, 0] == ring_day[filled, :, 0]).all()
        assert (ring[~filled] == -32768).all()
        return [int(d) for d in ring_day[:, 0, 0]]

    assert put(50) == [0, 0, 0, 50]
    assert put(30) == [0, 0, 30, 50]
    assert put(40) == [0, 30, 40, 50]
    assert put(40) == [0, 30, 40, 50]
    assert put(60) == [30, 40, 50, 60]
    assert put(55) == [40, 50, 55, 60]
    assert put(20) == [40, 50, 55, 60]
    assert put(70) == [50, 55, 60, 70]


def test_ring_of_a_pixel_without_model_grows_in_span() -> None:
    ring = np.full((4, 6, 1, 1), -32768, dtype=np.int16)
    ring_day = np.zeros((4, 1, 1), dtype=np.int32)
    yes, never = np.ones((1, 1), dtype=bool), np.zeros((1, 1), dtype=np.int32)
    for day in range(5, 105, 5):
        number = np.full((6, 1, 1), day, dtype=np.int16)
        insert(ring, ring_day, number, day, yes, never)
        assert ring_day[-1, 0, 0] == day  # the last clear date is always known
    days = ring_day[:, 0, 0]
    assert days[0] == 5
    assert (np.diff(days) >= 15).all()
    late = np.full((6, 1, 1), 57, dtype=np.int16)
    insert(ring, ring_day, late, 57, yes, never)
    assert 57 in ring_day
    assert (np.diff(ring_day[:, 0, 0]) > 0).all()


def insert_simply(
    kept: list[tuple[int, int]], slots: int, day: int, number: int, *, thin: bool
) -> list[tuple[int, int]]:
    """What `insert` does to one pixel that was never cut, on a list of dates."""
    if day in dict(kept):
        return [(d, number if d == day else n) for d, n in kept]
    new = sorted([*kept, (day, number)])
    if len(kept) < slots:
        return new
    if not thin:
        return new[1:]
    if day < kept[0][0]:
        return kept
    # Of the inner ones already there, the one with the closest neighbours goes;
    # the newest of all, and the oldest, stay.
    days = [d for d, _ in kept]
    gaps = []
    for k in range(1, slots):
        if k + 1 < slots:
            gaps.append((days[k + 1] - days[k - 1], k))
        elif day > days[k]:
            gaps.append((day - days[k - 1], k))
    drop = days[min(gaps)[1]]
    return [(d, n) for d, n in new if d != drop]


@settings(deadline=None, max_examples=60)
@given(
    days=st.lists(st.integers(1, 40), max_size=25),
    seed=st.integers(0, 2**32 - 1),
    share=st.sampled_from([0.1, 0.5, 0.9, 1.0]),
)
def test_rows_at_once_are_pixels_one_by_one(
    days: list[int], seed: int, share: float
) -> None:
    rng = np.random.default_rng(seed)
    slots, shape = 5, (3, 11)
    ring = np.full((slots, 6, *shape), -32768, dtype=np.int16)
    ring_day = np.zeros((slots, *shape), dtype=np.int32)
    thin = rng.random(shape) < 0.5
    kept: dict[tuple[int, int], list[tuple[int, int]]] = {
        p: [] for p in np.ndindex(shape)
    }
    for number, day in enumerate(days):
        clear = rng.random(shape) < share
        bands = np.where(clear, np.int16(number), np.int16(-32768))
        insert(
            ring,
            ring_day,
            np.broadcast_to(bands, (6, *shape)).copy(),
            day,
            thin,
            np.zeros(shape, dtype=np.int32),
        )
        for p in zip(*np.nonzero(clear), strict=True):
            kept[p] = insert_simply(kept[p], slots, day, number, thin=bool(thin[p]))
    for p, expected in kept.items():
        empty = slots - len(expected)
        found = list(zip(ring_day[:, *p], ring[:, 3, *p], strict=True))
        assert found[empty:] == expected
        assert found[:empty] == [(0, -32768)] * empty


@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_clear_pixels_are_quantised_and_others_are_missing(kind: type) -> None:
    rng = np.random.default_rng(3)
    bands: np.ndarray = rng.normal(0.2, 1.5, (6, 20, 30)).astype(kind)
    bands[0, :5] = np.nan
    bands[1, 3] = np.inf
    bands[:, 7, :4] = np.array([0.00005, -0.00015, 3.2767, -9.0], dtype=kind)
    clear = rng.random((20, 30)) < 0.7
    numbers = np.empty(bands.shape, dtype=np.int16)
    encode(bands, clear, numbers)
    np.testing.assert_array_equal(numbers, quantise(np.where(clear, bands, np.nan)))


def test_residual_is_observed_minus_season(fitted: BaselineState) -> None:
    day, bands, _, _ = scene(HISTORY_END + 40)
    usable = np.ones((SIDE, SIDE), dtype=bool)
    bands[4, 2, 3] += 0.05
    state = take_in(fitted, (day, bands, usable, "later"))
    rest = baseline.residuals(state, slots=1)
    assert (rest.day == day).all()
    assert rest.judged.all()
    season = seasonal_basis(day) @ state.coefficients[4, :, 2, 3] / 10_000
    expected = bands[4, 2, 3] - season - state.scene_median[-1, 4]
    assert rest.value[0, 4, 2, 3] == pytest.approx(expected, abs=1e-4)
    spread = state.spread[4, 2, 3] / 10_000
    assert rest.z[0, 4, 2, 3] == pytest.approx(expected / spread, abs=0.1)
    assert rest.value[0, 4, 2, 3] > 0.04
    assert np.abs(rest.value[0, 4]).mean() < 0.005
    assert not baseline.residuals(fitted).judged.any()


def test_scene_error_is_taken_off_and_damage_is_not() -> None:
    side = 40
    grid = GRID.patch(width=side, height=side)
    forest = np.ones((side, side), dtype=bool)
    rng = np.random.default_rng(0)

    def big(day: int, shift: float, damaged: float) -> Take:
        basis = seasonal_basis(day)
        level = CANOPY * (1 + 0.05 * basis[1] - 0.1 * basis[2])
        bands = np.broadcast_to(level[:, None, None], (6, side, side)).copy()
        bands += rng.normal(size=bands.shape) * 0.003 + shift
        sick = np.arange(side * side).reshape(side, side) < damaged * side * side
        bands[4, sick] *= 1.5  # less water: more short-wave infrared
        return day, bands.astype(np.float32), forest.copy(), f"big-{day}"

    state = baseline.fit(
        [big(d, 0.0, 0.0) for d in range(START, HISTORY_END, 30)], grid, forest=forest
    )
    day, bands, usable, scene_id = big(HISTORY_END + 20, 0.02, 0.5)
    state = baseline.update(
        state, day=day, bands=bands, usable=usable, scene_id=scene_id, forest=forest
    )
    rest = baseline.residuals(state, slots=1).value[0]
    sick = rest[6].ravel()[: side * side // 2]
    well = rest[6].ravel()[side * side // 2 :]
    plain = np.median(np.concatenate([sick, well]))  # would have been taken off too
    assert abs(np.median(well)) < 0.03
    assert np.median(sick) > 0.25
    assert plain > 0.05
    assert abs(np.median(rest[0])) < 0.002


def test_few_forest_pixels_correct_nothing(fitted: BaselineState) -> None:
    day, bands, usable, scene_id = scene(HISTORY_END + 5)
    lone = np.zeros_like(FOREST)
    lone[0, :5] = True
    state = baseline.update(
        fitted, day=day, bands=bands, usable=usable, scene_id=scene_id, forest=lone
    )
    assert not state.scene_median[-1].any()


def test_cut_is_recorded_on_the_third_bare_date_and_history_restarts(
    fitted: BaselineState,
) -> None:
    cut = np.zeros_like(FOREST)
    cut[2:4, 2:5] = True
    first = HISTORY_END + 10
    state = take_in(fitted, scene(first, soil=cut), scene(first + 10, soil=cut))
    assert not state.cut_day.any()
    state = take_in(state, scene(first + 20, soil=cut))
    assert (state.cut_day[cut] == first).all()
    assert not state.cut_day[~cut].any()
    assert (state.awaits_model == cut).all()
    # Until something grew for three seasons the old model goes on judging.
    grown = [scene(first + 50 + 25 * k, clear=1.0) for k in range(11)]
    state = take_in(state, *grown)
    assert (state.awaits_model == cut).all()
    last = first + 50 + 25 * 11
    state = take_in(state, scene(last, clear=1.0))
    assert not state.awaits_model.any()
    assert (state.model_from[cut] == last + 1).all()
    assert (state.clear_count[cut] >= 10).all()
    rest = baseline.residuals(state)
    before = (rest.day < first) & cut
    assert np.isnan(rest.value[:, 6][before]).all()
    after = (rest.day > first + 40) & cut
    assert np.abs(rest.value[:, 6][after]).mean() < 0.05
    assert not rest.judged[:, cut].any()


def test_what_is_bare_every_season_is_no_cut() -> None:
    soil = np.zeros_like(FOREST)
    soil[0] = True
    days = range(START, HISTORY_END + 1, 30)
    state = baseline.fit([scene(d, soil=soil) for d in days], GRID, forest=FOREST)
    state = take_in(
        state, *(scene(HISTORY_END + 9 * k, soil=soil) for k in range(1, 6))
    )
    assert not state.cut_day.any()


def test_bare_is_the_published_test_without_green() -> None:
    number = (np.array([SOIL, CANOPY]) * 10_000).astype(np.int16).T
    assert is_bare(number).tolist() == [True, False]
    leafy = number[:, :1].copy()
    leafy[3] = 4000  # NDVI .54
    bright, hazy, missing = (number[:, :1].copy() for _ in range(3))
    bright[4] = 1250
    hazy[0] = 600
    missing[2] = -32768
    for other in (leafy, bright, hazy, missing):
        assert not is_bare(other).any()


@pytest.mark.parametrize(
    ("bare", "first"),
    [
        ("sssss", 1),
        ("ss.ss", 0),
        (".sss.", 2),
        ("..sss", 3),
        ("ss.sss", 4),
        ("sssssss", 1),
        ("hhh", 0),  # before the model may judge
        ("hhsss", 3),
        (" sss", 2),  # an empty slot
        ("..wwwss", 0),  # leafless as every winter
    ],
)
def test_a_cut_is_a_run_of_successive_dates(bare: str, first: int) -> None:
    number = (np.array([SOIL, CANOPY]) * 10_000).astype(np.int16)
    slots = len(bare)
    ring = np.full((slots, 6, 2, 3), -32768, dtype=np.int16)
    ring_day = np.zeros((slots, 2, 3), dtype=np.int32)
    for slot, letter in enumerate(bare):
        if letter != " ":
            ring_day[slot, 1, 2] = slot + 1
            ring[slot, :, 1, 2] = number[0 if letter in "shw" else 1]
    coefficients = np.zeros((7, 5, 2, 3), dtype=np.int16)
    coefficients[:6, 0] = number[0 if "w" in bare else 1][:, None, None]
    model_from = np.full((2, 3), 1 + bare.count("h"), dtype=np.int32)
    medians = np.empty((0, 7), dtype=np.float32)
    found = np.empty(1, dtype=np.int32)
    find_cuts(
        ring,
        ring_day,
        coefficients,
        model_from,
        Calendar.over(ring_day, ring_day[:0, 0, 0], medians),
        np.array([1]),
        np.array([2]),
        found,
    )
    assert found.tolist() == [first]


def test_pixel_without_history_is_learned_from_its_ring() -> None:
    takes = [scene(START + 20 * k, clear=1.0) for k in range(20)]
    state = baseline.fit([], GRID, forest=FOREST)
    for k, take in enumerate(takes):
        state = take_in(state, take)
        span = 20 * k
        assert state.has_model.all() == (span >= 270), span
    learned = START + 20 * 14  # the first date 270 days or more after the first
    assert (state.model_from == learned + 1).all()
    assert (state.clear_count == 15).all()


def test_frequent_clear_dates_still_come_to_span_a_year() -> None:
    state = baseline.fit([], GRID, forest=FOREST)
    for k in range(60):  # every five days the ring would hold only eighty days
        state = take_in(state, scene(START + 5 * k, clear=1.0))
    assert state.has_model.all()


def test_update_does_not_grow_with_the_archive(fitted: BaselineState) -> None:
    old = take_in(fitted, *(scene(HISTORY_END + 5 * k) for k in range(1, 80)))
    for name, array in fitted.arrays().items():
        assert old.arrays()[name].shape == array.shape
    reach = baseline.residuals(old).day
    assert reach[reach > 0].min() > HISTORY_END  # nothing older is looked at
