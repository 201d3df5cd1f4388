"""Local classes."""

from datetime import date

import numpy as np
import pytest

from agroforest.core.errors import ConfigurationError, DataError
from agroforest.core.risk import epoch_day
from agroforest.indices.fire_weather.classes import EUROPEAN, fit_classes

FIRST = epoch_day(date(2014, 1, 1))
YEARS = 2192  # days of 2014 to 2019, and the first of 2020


def test_limits_are_the_percentiles_of_the_place() -> None:
    noise = np.random.default_rng(5)
    days = np.arange(FIRST, FIRST + YEARS)
    values = noise.gamma(1.5, 8, (YEARS, 2)) * np.array([1.0, 3.0])
    classes = fit_classes(values, days)
    assert classes.years.tolist() == [6, 6]
    found = classes.classify(values)
    for cell in range(2):
        share = np.bincount(found[:, cell], minlength=6)[1:] / YEARS
        np.testing.assert_allclose(share, [0.5, 0.25, 0.15, 0.07, 0.03], atol=0.002)
    # three times the values, three times the limits
    ratio = classes.limits[:, 1] / classes.limits[:, 0]
    np.testing.assert_allclose(ratio, 3, rtol=0.15)


def test_a_short_history_says_so() -> None:
    days = np.arange(FIRST, FIRST + 700)
    with pytest.raises(DataError, match="2 sound years, 5 are needed"):
        fit_classes(np.ones(700), days)


def test_places_without_history_stay_unknown() -> None:
    days = np.arange(FIRST, FIRST + YEARS)
    values = np.tile(np.linspace(0, 30, YEARS)[:, None], 2)
    values[400:, 1] = np.nan
    classes = fit_classes(values, days)
    assert classes.years.tolist() == [6, 1]
    assert np.isnan(classes.limits[:, 1]).all()
    assert classes.classify(np.array([40.0, 40.0])).tolist() == [5, 0]
    assert classes.classify(np.array([np.nan, 1.0])).tolist() == [0, 0]


def test_only_the_season_counts_when_asked() -> None:
    days = np.arange(FIRST, FIRST + YEARS)
    month = days.astype("datetime64[D]").astype("datetime64[M]").astype(int) % 12 + 1
    values = np.where(month == 10, 20.0, 0.0)
    classes = fit_classes(values, days, months=[10])
    assert classes.limits.tolist() == [20.0] * 4
    assert int(classes.years) == 6


@pytest.mark.parametrize("levels", [(), (50, 50), (90, 50), (0, 50), (50, 100)])
def test_percentiles_rise(levels) -> None:
    with pytest.raises(ConfigurationError, match="not rising"):
        fit_classes(np.ones(YEARS), np.arange(YEARS), percentiles=levels)


def test_european_limits() -> None:
    found = EUROPEAN.classify(np.array([0.0, 5.2, 5.3, 12, 22, 40, 60, np.nan]))
    assert found.tolist() == [1, 1, 2, 3, 4, 5, 6, 0]
