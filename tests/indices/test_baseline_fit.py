"""Learning every pixel's season from a history of scenes."""

import numpy as np
import pytest

from agroforest.core.errors import DataError
from agroforest.core.grid import Grid
from agroforest.indices import baseline
from agroforest.indices.baseline import BANDS, SIGNALS, Take
from agroforest.indices.ring import insert
from agroforest.indices.season import NODATA, quantise, seasonal_basis

LEVEL = np.array([0.02, 0.04, 0.03, 0.30, 0.15, 0.08])
#: Noise of each band, reflectance.
NOISE = np.array([0.002, 0.003, 0.003, 0.008, 0.006, 0.004])


def grid(height: int, width: int) -> Grid:
    return Grid(
        crs="EPSG:32649", left=0.0, top=0.0, resolution=20.0, width=width, height=height
    )


def landscape(
    rng: np.random.Generator, height: int, width: int, n: int
) -> tuple[list[Take], np.ndarray]:
    """Scenes of a forest with a scene-wide error each; also those errors."""
    day = np.sort(rng.choice(1000, n, replace=False)) + 17_000
    pixel = LEVEL[:, None, None] * rng.uniform(0.9, 1.1, (1, height, width))
    shift = rng.normal(size=(n, 6)) * 0.01
    takes: list[Take] = []
    for i, d in enumerate(day):
        basis = seasonal_basis(d)
        clean = pixel * (1 + 0.1 * basis[1] - 0.2 * basis[2])
        noise = rng.normal(size=clean.shape) * NOISE[:, None, None]
        usable = rng.random((height, width)) > 0.2
        bands = clean + noise + shift[i, :, None, None]
        takes.append((int(d), bands.astype(np.float32), usable, f"scene-{i:02d}"))
    return takes, shift


def test_scene_errors_are_found_and_removed() -> None:
    takes, shift = landscape(np.random.default_rng(7), 20, 20, 35)
    forest = np.ones((20, 20), dtype=bool)
    with_medians = baseline.fit(takes, grid(20, 20), forest=forest)
    without = baseline.fit(takes, grid(20, 20), forest=~forest)
    assert not without.scene_median.any()
    # A season shared by all is the model's, so only what is not seasonal counts.
    found = with_medians.scene_median[:, :6]
    for band in range(6):
        assert np.corrcoef(found[:, band], shift[:, band])[0, 1] > 0.85
    noise = np.median(with_medians.spread, axis=(1, 2))[:6] / 10_000
    np.testing.assert_allclose(noise, np.maximum(NOISE, 0.002), rtol=0.25)
    assert (np.median(without.spread, axis=(1, 2))[:3] / 10_000 > 0.006).all()


def test_block_by_block_is_the_whole() -> None:
    takes, _ = landscape(np.random.default_rng(8), 24, 20, 30)
    forest = np.ones((24, 20), dtype=bool)
    whole = baseline.fit(takes, grid(24, 20), forest=forest, workers=2)
    medians = dict(zip(whole.scene_day.tolist(), whole.scene_median, strict=True))
    for rows, columns in [(slice(0, 13), slice(0, 20)), (slice(13, 24), slice(5, 9))]:
        expected = whole.window(rows, columns)
        part = baseline.fit(
            [(d, b[:, rows, columns], u[rows, columns], i) for d, b, u, i in takes],
            expected.grid,
            forest=forest[rows, columns],
            scene_medians=medians,
        )
        for name, array in expected.arrays().items():
            np.testing.assert_array_equal(part.arrays()[name], array, err_msg=name)


def test_few_or_crowded_dates_give_no_model() -> None:
    takes, _ = landscape(np.random.default_rng(9), 2, 3, 20)
    takes = [(d, b, np.ones((2, 3), dtype=bool), i) for d, b, _, i in takes]
    for k, (_, _, usable, _) in enumerate(takes):
        usable[0, 0] = k < 9  # one date short of ten
        usable[0, 1] = k < 10
    forest = np.zeros((2, 3), dtype=bool)
    state = baseline.fit(takes, grid(2, 3), forest=forest)
    assert takes[9][0] - takes[0][0] > 270
    assert state.has_model.tolist() == [[False, True, True], [True, True, True]]
    assert state.clear_count[0].tolist() == [0, 10, 20]
    assert (state.model_from[state.has_model] == takes[-1][0] + 1).all()
    crowded = [(17_000 + 5 * k, b, u, i) for k, (_, b, u, i) in enumerate(takes)]
    assert not baseline.fit(crowded, grid(2, 3), forest=forest).has_model.any()


def test_empty_history_is_a_state_without_models() -> None:
    state = baseline.fit([], grid(2, 3), forest=np.ones((2, 3), dtype=bool))
    assert not state.has_model.any()
    rest = baseline.residuals(state)
    assert np.isnan(rest.value).all()
    assert not rest.judged.any()
    dark = np.zeros((2, 3), dtype=bool)
    bands = np.full((6, 2, 3), np.nan, dtype=np.float32)
    state = baseline.fit([(17_000, bands, dark, "dark")], grid(2, 3), forest=~dark)
    assert state.scenes == ("dark",)
    assert state.scene_day.size == 0


def test_order_and_repetition_of_the_history_do_not_matter() -> None:
    takes, _ = landscape(np.random.default_rng(10), 8, 8, 20)
    forest = np.ones((8, 8), dtype=bool)
    one = baseline.fit(takes, grid(8, 8), forest=forest)
    other = baseline.fit(takes[::-1] + takes[:3], grid(8, 8), forest=forest)
    for name, array in one.arrays().items():
        np.testing.assert_array_equal(other.arrays()[name], array, err_msg=name)
    np.testing.assert_array_equal(one.scene_median, other.scene_median)


def test_scene_on_another_grid_is_refused() -> None:
    takes, _ = landscape(np.random.default_rng(11), 4, 4, 1)
    with pytest.raises(DataError, match=r"scene-00: bands are \(6, 4, 4\)"):
        baseline.fit(takes, grid(4, 5), forest=np.ones((4, 5), dtype=bool))


def test_names_are_the_declared_ones() -> None:
    assert BANDS == ("B02", "B03", "B04", "B8A", "B11", "B12")
    assert (*BANDS, "CRSWIR") == SIGNALS


def test_ring_holds_the_newest_clear_observations() -> None:
    takes, _ = landscape(np.random.default_rng(12), 6, 20, 30)
    for k, (_, _, usable, _) in enumerate(takes):
        usable[0, :5] &= k < 9  # no season here, and fewer dates than slots
    state = baseline.fit(
        takes, grid(6, 20), forest=np.zeros((6, 20), dtype=bool), ring=12
    )
    assert state.awaits_model[0, :5].all()
    for y, x in np.ndindex(6, 20):
        clear = [(d, quantise(b[:, y, x])) for d, b, u, _ in takes if u[y, x]]
        newest = clear[-12:]
        empty = 12 - len(newest)
        assert state.ring_day[:, y, x].tolist() == [0] * empty + [d for d, _ in newest]
        assert (state.ring[:empty, :, y, x] == NODATA).all()
        for slot, (_, numbers) in enumerate(newest, start=empty):
            np.testing.assert_array_equal(state.ring[slot, :, y, x], numbers)


def test_ring_without_a_season_is_filled_in_order_of_date() -> None:
    takes, _ = landscape(np.random.default_rng(13), 6, 20, 30)
    state = baseline.fit(
        takes,
        grid(6, 20),
        forest=np.zeros((6, 20), dtype=bool),
        min_clear=40,
        ring=12,
    )
    assert state.awaits_model.all()
    ring, day = np.full_like(state.ring, NODATA), np.zeros_like(state.ring_day)
    for d, bands, usable, _ in takes:
        numbers = quantise(np.where(usable, bands, np.nan))
        insert(ring, day, numbers, d, state.awaits_model, state.cut_day)
    np.testing.assert_array_equal(state.ring_day, day)
    np.testing.assert_array_equal(state.ring, ring)
    assert (state.ring_day[0] < takes[-12][0]).any()  # thinned, not just the newest
