"""The seasonal regression: exact on clean data, calm on dirty data."""

from collections.abc import Sequence

import numpy as np
import pytest

from agroforest.core.errors import DataError
from agroforest.core.grid import Grid
from agroforest.indices import baseline, harmonic
from agroforest.indices.baseline import BANDS, SIGNALS, Take
from agroforest.indices.season import Calendar, quantise, seasonal_basis

LEVEL = np.array([0.02, 0.04, 0.03, 0.30, 0.15, 0.08])
#: Noise of each band, reflectance.
NOISE = np.array([0.002, 0.003, 0.003, 0.008, 0.006, 0.004])


def grid(height: int, width: int) -> Grid:
    return Grid(
        crs="EPSG:32649", left=0.0, top=0.0, resolution=20.0, width=width, height=height
    )


def series(
    rng: np.random.Generator, n: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Days, the true coefficients and the clean signals of a made-up canopy."""
    day = np.sort(rng.choice(1000, n, replace=False)) + 17_000
    true = np.concatenate([LEVEL, [0.7]])[:, None] * [1, 0.1, -0.2, 0.05, 0.04]
    return day, true, seasonal_basis(day) @ true.T


def fit(day: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """`fit_series` of ``(date, 7)`` values: coefficients ``(7, 5)`` and spread."""
    padded = np.column_stack([values, np.full(len(day), np.nan)])
    coef, spread = np.empty((5, 8)), np.empty(8)
    harmonic.fit_series(seasonal_basis(day), padded, len(day), 10, coef, spread)
    return coef[:, :7].T, spread[:7]


def season_error(found: np.ndarray, true: np.ndarray) -> np.ndarray:
    """Root mean square over the year, ``(7,)``."""
    year = seasonal_basis(np.arange(0, 365, 5))
    return np.asarray(np.sqrt(((year @ (found - true).T) ** 2).mean(axis=0)))


def test_basis_is_the_published_one() -> None:
    quarter = seasonal_basis(365.2425 / 4)
    np.testing.assert_allclose(quarter, [1, 1, 0, 0, -1], atol=1e-12)


@pytest.mark.parametrize("n", [28, 60, 120])
def test_clean_series_gives_least_squares(n: int) -> None:
    day, _, clean = series(np.random.default_rng(n), n)
    small = np.random.default_rng(1).normal(size=clean.shape) * 1e-5
    reference = np.linalg.lstsq(seasonal_basis(day), clean + small, rcond=None)[0].T
    found, _ = fit(day, clean + small)
    np.testing.assert_allclose(found, reference, atol=1e-4)


def test_spread_is_the_noise() -> None:
    rng = np.random.default_rng(2)
    noise = np.concatenate([NOISE, [0.04]])
    ratio = []
    for _ in range(200):
        day, _, clean = series(rng, 40)
        ratio.append(fit(day, clean + rng.normal(size=clean.shape) * noise)[1] / noise)
    np.testing.assert_allclose(np.mean(ratio, axis=0), 1.0, atol=0.08)


def test_a_fifth_of_the_dates_may_be_haze() -> None:
    rng = np.random.default_rng(3)
    noise = np.concatenate([NOISE, [0.04]])
    robust, plain = [], []
    for _ in range(200):
        day, true, clean = series(rng, 30)
        dirty = clean + rng.normal(size=clean.shape) * noise
        hazy = rng.choice(30, 6, replace=False)
        dirty[hazy] += rng.uniform(3, 25, (6, 1)) * noise
        robust.append(season_error(fit(day, dirty)[0], true) / noise)
        least = np.linalg.lstsq(seasonal_basis(day), dirty, rcond=None)[0].T
        plain.append(season_error(least, true) / noise)
    assert np.median(robust) < 0.7  # of one observation's noise
    assert np.median(plain) > 3.0


def test_damage_at_the_end_of_the_history_is_not_learned() -> None:
    rng = np.random.default_rng(4)
    noise = np.concatenate([NOISE, [0.04]])
    damage = np.array([2, 2, 5, -6, 4, 6, 8]) * noise
    left = []
    for _ in range(100):
        day, true, clean = series(rng, 40)
        dirty = clean + rng.normal(size=clean.shape) * noise
        dirty[-5:] += damage
        left.append(season_error(fit(day, dirty)[0], true)[6] / noise[6])
    assert np.median(left) < 0.6


@pytest.mark.parametrize("months", [(6, 7, 8), (12, 1, 2)])
def test_season_never_explodes_where_there_are_no_dates(
    months: Sequence[int],
) -> None:
    rng = np.random.default_rng(5)
    dates = np.arange("2016-01-01", "2018-12-31", dtype="datetime64[D]")
    month = dates.astype("datetime64[M]").astype(int) % 12 + 1
    candidates = dates[np.isin(month, months)].astype(int)
    true = np.concatenate([LEVEL, [0.7]])[:, None] * [1, 0.1, -0.2, 0.05, 0.04]
    noise = np.concatenate([NOISE, [0.04]])
    year = seasonal_basis(np.arange(0, 365, 5))
    worst: dict[str, list[float]] = {"plain": [], "ours": []}
    for _ in range(50):
        day = np.sort(rng.choice(candidates, 14, replace=False))
        values = seasonal_basis(day) @ true.T + rng.normal(size=(14, 7)) * noise
        plain = np.linalg.lstsq(seasonal_basis(day), values, rcond=None)[0].T
        for name, found in ("plain", plain), ("ours", fit(day, values)[0]):
            worst[name].append(np.abs(year @ (found - true).T)[:, 6].max())
    assert np.median(worst["plain"]) > 1.0  # CRSWIR: the danger is real
    season = np.ptp(year @ true[6])
    assert max(worst["ours"]) < 1.2 * season  # no worse than knowing no season


def test_signal_with_gaps_is_fitted_from_its_own_dates() -> None:
    rng = np.random.default_rng(6)
    day, true, clean = series(rng, 40)
    clean[rng.choice(40, 15, replace=False), 3] = np.nan
    clean[5:, 4] = np.nan
    found, spread = fit(day, clean)
    kept = [0, 1, 2, 3, 5, 6]
    np.testing.assert_allclose(found[kept], true[kept], atol=1e-6)
    assert np.isnan(found[4]).all()
    assert np.isnan(spread[4])


def test_crswir_by_hand() -> None:
    # B8A .30, B11 .15, B12 .08; share = (1610.4-864)/(2185.7-864) = 0.564727
    # .15 / (.30 - .22 * .564727) = .15 / .1757601 = .853436
    stack = quantise(LEVEL)[None, :, None, None]
    day = np.full((1, 1, 1), 17_000, dtype=np.int32)
    none = np.zeros((0, 7))
    calendar = Calendar.over(day, np.zeros(0, dtype=np.int32), none)
    flat = np.zeros((7, 5, 1, 1), dtype=np.int16)
    value = np.empty((1, 7, 1, 1), dtype=np.float32)
    harmonic.residual_stack(stack, day, calendar, flat, value)
    assert value[0, 6, 0, 0] == pytest.approx(0.853436, abs=1e-6)
    stack[0, 3], stack[0, 5] = 0, 0  # 0 / 0 is nodata
    harmonic.residual_stack(stack, day, calendar, flat, value)
    assert np.isnan(value[0, 6, 0, 0])


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
