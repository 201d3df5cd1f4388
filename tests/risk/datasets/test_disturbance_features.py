"""What networks and trees see of a yearly series."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from agroforest.risk.datasets.disturbance_features import (
    FEATURES,
    by_series,
    by_year,
    fill_gaps,
)

FOREST = [0.02, 0.04, 0.03, 0.25, 0.12, 0.06]
BARE = [0.06, 0.09, 0.11, 0.20, 0.28, 0.22]


def burn(year: int) -> NDArray[np.float32]:
    """One series, forest before the year and bare ground from it on."""
    series = np.tile(np.array(FOREST, np.float32), (1, 10, 1))
    series[:, year:] = BARE
    return series


def test_gaps_lie_on_the_line_between_their_neighbours() -> None:
    values = np.full((2, 10, 6), np.nan, np.float32)
    values[0, [2, 5]] = np.array([0.1, 0.4], np.float32)[:, None]
    filled = fill_gaps(values)
    expected = [0.1, 0.1, 0.1, 0.2, 0.3, 0.4, 0.4, 0.4, 0.4, 0.4]
    np.testing.assert_allclose(filled[0, :, 3], expected, rtol=1e-6)
    assert np.isnan(filled[1]).all()
    assert np.isnan(values[0, 0]).all()


@given(st.integers(0, 9), st.integers(0, 1000))
def test_a_gap_in_a_straight_line_is_not_seen(gap: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    year = np.arange(10, dtype=np.float32)[:, None]
    slope = rng.uniform(-0.005, 0.005, 6) * (0 < gap < 9)
    whole = (0.1 + slope * year).astype(np.float32)[None]
    holed = whole.copy()
    holed[:, gap] = np.nan
    np.testing.assert_allclose(by_year(holed), by_year(whole), atol=2e-3)


def test_numbers_a_year() -> None:
    seen = by_year(burn(4))
    assert seen.shape == (1, 10, len(FEATURES))
    assert seen.dtype == np.float32
    of = {name: seen[0, :, n] for n, name in enumerate(FEATURES)}
    assert of["NBR"][0] == pytest.approx((0.25 - 0.06) / 0.31, rel=1e-5)
    assert of["NDVI"][9] == pytest.approx((0.20 - 0.11) / 0.31, rel=1e-5)
    assert of["NDMI"][9] == pytest.approx((0.20 - 0.28) / 0.48, rel=1e-5)
    change = of["log B5 - the year before"]
    assert np.flatnonzero(change).tolist() == [4]
    assert change[4] == pytest.approx(np.log(0.285 / 0.125), rel=1e-4)
    # Six of ten years are bare, so bare is the median.
    np.testing.assert_allclose(of["log B7 - its median"][4:], 0, atol=1e-6)
    assert of["log B7 - its median"][0] < -1
    assert of["step"][[0, 9]].tolist() == [-1, 1]


@pytest.mark.parametrize("year", [1, 4, 9])
def test_trees_see_the_year_and_the_levels_around_the_break(year: int) -> None:
    rows = by_series(burn(year))
    assert rows.shape == (1, 330)
    around = rows[0, -86:]
    assert around[0] == year
    before, after = (0.25 - 0.06) / 0.31, (0.20 - 0.22) / 0.42
    early, late, step = around[2], around[14], around[26]
    assert [early, late, step] == pytest.approx(
        [before, after, after - before], rel=1e-4
    )


def test_numbers_stay_finite_over_water_and_noise() -> None:
    values = np.full((1, 10, 6), -0.2, np.float32)
    values[0, ::2] = [0.9, 0.001, 0.0, -0.01, 0.0, 1.5]
    for made in (by_year(values), by_series(values)):
        assert np.isfinite(made).all()
        assert np.abs(made).max() < 20
