"""The seasonal regression: exact on clean data, calm on dirty data."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agroforest.indices import harmonic
from agroforest.indices.season import (
    NODATA,
    SCALE,
    YEAR_DAYS,
    Calendar,
    quantise,
    seasonal_basis,
)

LEVEL = np.array([0.02, 0.04, 0.03, 0.30, 0.15, 0.08])
#: Noise of each band, reflectance.
NOISE = np.array([0.002, 0.003, 0.003, 0.008, 0.006, 0.004])


def series(
    rng: np.random.Generator, n: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Days, the true coefficients and the clean signals of a made-up canopy."""
    day = np.sort(rng.choice(1000, n, replace=False)) + 17_000
    true = np.concatenate([LEVEL, [0.7]])[:, None] * [1, 0.1, -0.2, 0.05, 0.04]
    return day, true, seasonal_basis(day) @ true.T


def fit(day: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """`fit_series` of ``(date, 7)`` values: coefficients ``(7, 5)`` and spread."""
    return harmonic.fit_series(seasonal_basis(day), values, 10)


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
    value = harmonic.residual_stack(stack, day, calendar, flat)
    assert value[0, 6, 0, 0] == pytest.approx(0.853436, abs=1e-6)
    stack[0, 3], stack[0, 5] = 0, 0  # 0 / 0 is nodata
    value = harmonic.residual_stack(stack, day, calendar, flat)
    assert np.isnan(value[0, 6, 0, 0])


def dirty_stack(
    rng: np.random.Generator, n: int, pixels: int, *, clear: float, gaps: float
) -> tuple[np.ndarray, np.ndarray, Calendar]:
    """Stack, days and calendar of pixels with haze, damage, cloud and lost bands."""
    day = np.sort(rng.choice(1000, (n, 1), replace=False)).astype(np.int32) + 17_000
    day = np.sort(day, axis=0) + np.zeros((1, pixels), dtype=np.int32)
    basis = seasonal_basis(day)
    shape = rng.normal(size=(4, 6, pixels)) * 0.08
    season = 1 + np.einsum("npi,ibp->nbp", basis[..., 1:], shape)
    bands = LEVEL[:, None] * rng.uniform(0.8, 1.3, pixels) * season
    bands += rng.normal(size=bands.shape) * NOISE[:, None]
    haze = rng.uniform(3, 25, (n, 1, pixels)) * (rng.random((n, 1, pixels)) < 0.15)
    bands += haze * NOISE[:, None]
    bands[-4:, :, ::3] += np.array([2, 2, 5, -6, 4, 6])[:, None] * NOISE[:, None]
    stack = quantise(bands)
    stack[np.broadcast_to(rng.random((n, 1, pixels)) > clear, stack.shape)] = NODATA
    stack[rng.random(stack.shape) < gaps] = NODATA
    medians = rng.normal(size=(n, 7)) * 0.005
    return (
        stack[:, :, None],
        day[:, None],
        Calendar.over(day, day[:, 0], medians),
    )


def plain_signals(bands: np.ndarray) -> np.ndarray:
    """Seven signals ``(date, 7)`` of int16 bands ``(date, 6)``, one pixel."""
    known = np.where(bands == NODATA, np.nan, bands / SCALE)
    b8a, b11, b12 = known[:, 3], known[:, 4], known[:, 5]
    continuum = b8a + (b12 - b8a) * (1610.4 - 864.0) / (2185.7 - 864.0)
    with np.errstate(all="ignore"):
        crswir = np.where(continuum > 0, np.clip(b11 / continuum, 0, 3), np.nan)
    return np.column_stack([known, crswir])


def plain_ridge(a: np.ndarray) -> float:
    """Least ridge that limits the variance of the season over the year."""
    nodes = seasonal_basis(np.arange(24) * YEAR_DAYS / 24)
    for ridge in (0.0, 0.03, 0.09, 0.27):
        shrunk = a + np.diag([0.0, *[ridge] * 4])
        if np.linalg.cond(shrunk) < 1e9:
            variance = np.einsum("ni,in->n", nodes, np.linalg.solve(shrunk, nodes.T))
            if variance.max() <= 1.0:
                return ridge
    return 0.81


def plain_solve(
    basis: np.ndarray, value: np.ndarray, weight: np.ndarray, ridge: float = np.nan
) -> tuple[np.ndarray, float]:
    """Coefficients, and the ridge, which is looked for unless it is given."""
    a = (basis * weight[:, None]).T @ basis
    ridge = plain_ridge(a) if np.isnan(ridge) else ridge
    shrunk = a + np.diag([0.0, *[ridge] * 4])
    return np.linalg.solve(shrunk, (basis * weight[:, None]).T @ value), ridge


def plain_fit(basis: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Robust fit of one pixel, float64, step by step as its description says."""
    seen = np.isfinite(values)
    seen[:, seen.sum(axis=0) < 10] = False
    values = np.where(seen, values, 0.0)
    floor = np.array([0.002, 0.002, 0.002, 0.006, 0.004, 0.003, 0.015])
    weight, spread = np.ones(len(basis)), np.ones(7)
    coef, rest, ridge = np.zeros((5, 7)), values, np.nan
    for step in range(8):
        if step:
            square = ((rest / spread) ** 2).sum(axis=1) / seen.sum(axis=1).clip(1)
            with np.errstate(divide="ignore"):
                huber = np.minimum(1, 0.3 / np.sqrt(square))
            weight = huber if step <= 4 else (1 - square / 9).clip(0) ** 2
            weight = weight if weight.sum() >= 1 else np.ones(len(basis))
        kept = ridge if 1 <= step <= 4 else np.nan
        coef, ridge = plain_solve(basis, values, weight, kept)
        for s in np.flatnonzero(~seen.all(axis=0) & seen.any(axis=0)):
            own = weight * seen[:, s]
            own = own if own.sum() >= 1 else seen[:, s].astype(float)
            coef[:, s], _ = plain_solve(basis, values[:, s], own)
        rest = (values - basis @ coef) * seen
        if step in (0, 2, 4, 5, 6, 7):
            for s in np.flatnonzero(seen.any(axis=0)):
                m = seen[:, s].sum()
                size = 1.4826 * np.median(np.abs(rest[seen[:, s], s]))
                spread[s] = max(size / np.sqrt(max(m - 5, 1) / m), floor[s])
    coef[:, ~seen.any(axis=0)] = np.nan
    return coef.T, np.where(seen.any(axis=0), spread, np.nan)


@pytest.mark.parametrize(
    ("n", "clear", "gaps"),
    [(28, 1.0, 0.0), (45, 0.6, 0.0), (70, 0.9, 0.0), (40, 0.7, 0.03), (26, 1.0, 0.3)],
)
def test_sixteen_at_a_time_is_the_description_one_by_one(
    n: int, clear: float, gaps: float
) -> None:
    rng = np.random.default_rng(n)
    stack, day, calendar = dirty_stack(rng, n, 50, clear=clear, gaps=gaps)
    found = harmonic.fit_stack(stack, day, calendar, 10, 270)
    for x in range(50):
        known = (stack[:, :, 0, x] != NODATA).any(axis=1)
        assert known.sum() == found.clear_count[0, x] >= 10
        row = day[known, 0, x] - calendar.start
        values = plain_signals(stack[known, :, 0, x]) - calendar.offset[row]
        coef, spread = plain_fit(calendar.basis[row], values)
        np.testing.assert_allclose(found.coef[:, :, 0, x], coef, atol=0.5 / SCALE)
        np.testing.assert_allclose(found.spread[:, 0, x], spread, rtol=0.005)


@given(
    seed=st.integers(0, 1000),
    pixels=st.integers(1, 70),
    clear=st.sampled_from([0.3, 0.7, 1.0]),
    gaps=st.sampled_from([0.0, 0.05]),
)
@settings(max_examples=25)
def test_a_pixel_does_not_depend_on_its_neighbours(
    seed: int, pixels: int, clear: float, gaps: float
) -> None:
    rng = np.random.default_rng(seed)
    stack, day, calendar = dirty_stack(rng, 24, pixels, clear=clear, gaps=gaps)
    order = rng.permutation(pixels)[: max(1, pixels // 2)]
    whole = harmonic.fit_stack(stack, day, calendar, 10, 270)
    part = harmonic.fit_stack(stack[..., order], day[..., order], calendar, 10, 270)
    np.testing.assert_array_equal(whole.coef[..., order], part.coef)
    np.testing.assert_array_equal(whole.spread[..., order], part.spread)
    np.testing.assert_array_equal(whole.clear_count[..., order], part.clear_count)


def test_dates_may_differ_from_pixel_to_pixel() -> None:
    rng = np.random.default_rng(20)
    step = rng.integers(26, 60, (16, 1, 40), dtype=np.int32)
    day = np.cumsum(step, axis=0, dtype=np.int32) + np.int32(17_000)
    true = np.array([1, 0.1, -0.2, 0.05, 0.04])
    clean = (seasonal_basis(day) @ true)[:, None] * LEVEL[:, None, None]
    stack = quantise(clean)
    stack[:4, ..., ::2], day[:4, ..., ::2] = NODATA, 0  # empty slots of a ring
    calendar = Calendar.over(day, np.zeros(0, dtype=np.int32), np.zeros((0, 7)))
    found = harmonic.fit_stack(stack, day, calendar, 10, 270)
    assert found.clear_count[0].tolist() == [12, 16] * 20
    rest = harmonic.residual_stack(stack, day, calendar, quantise(found.coef))
    assert np.isnan(rest[:4, ..., ::2]).all()
    assert np.isfinite(rest[4:]).all()
    assert np.nanmax(np.abs(rest[:, :6])) < 1e-3


def test_residuals_are_what_was_observed_less_season_and_scene() -> None:
    rng = np.random.default_rng(21)
    stack, day, calendar = dirty_stack(rng, 20, 37, clear=0.6, gaps=0.05)
    coef = rng.integers(-3000, 3000, (7, 5, 1, 37)).astype(np.int16)
    coef[2, :, 0, 5] = NODATA
    value = harmonic.residual_stack(stack, day, calendar, coef)
    for x in range(37):
        row = day[:, 0, x] - calendar.start
        season = (
            calendar.basis[row]
            @ np.where(coef[..., 0, x] == NODATA, np.nan, coef[..., 0, x] / SCALE).T
        )
        expected = plain_signals(stack[:, :, 0, x]) - calendar.offset[row] - season
        np.testing.assert_allclose(value[:, :, 0, x], expected, atol=2e-6)


@given(pixels=st.integers(1, 50), seed=st.integers(0, 100))
@settings(max_examples=20)
def test_plain_fit_is_least_squares_over_the_dates_seen(pixels: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    day = np.arange(17_000, 17_000 + 28 * 26, 26, dtype=np.int32)
    numbers = rng.integers(-2000, 9000, (28, 1, pixels)).astype(np.int16)
    numbers[rng.random(numbers.shape) < 0.2] = NODATA
    numbers[5:, 0, 0] = NODATA  # too few
    coef = harmonic.fit_plain(numbers, day, 10)
    assert np.isnan(coef[:, 0, 0]).all()
    for x in range(1, pixels):
        known = numbers[:, 0, x] != NODATA
        basis = seasonal_basis(day[known])
        weight = np.ones(len(basis))
        expected, _ = plain_solve(basis, numbers[known, 0, x] / SCALE, weight)
        np.testing.assert_allclose(coef[:, 0, x], expected, atol=2e-6)


def test_nothing_in_is_nothing_out() -> None:
    for dates, height, width in (0, 2, 3), (4, 0, 3), (12, 2, 3):
        stack = np.full((dates, 6, height, width), NODATA, dtype=np.int16)
        day = np.zeros((dates, height, width), dtype=np.int32)
        calendar = Calendar.over(day, np.zeros(0, np.int32), np.zeros((0, 7)))
        found = harmonic.fit_stack(stack, day, calendar, 10, 270)
        assert found.coef.shape == (7, 5, height, width)
        assert np.isnan(found.coef).all()
        assert np.isnan(found.spread).all()
        assert not found.clear_count.any()
        model = np.full((7, 5, height, width), NODATA, dtype=np.int16)
        value = harmonic.residual_stack(stack, day, calendar, model)
        assert value.shape == (dates, 7, height, width)
        assert np.isnan(value).all()
