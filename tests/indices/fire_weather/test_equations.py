"""The equations by themselves: bounds, continuity, and hand-computed values."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agroforest.indices.fire_weather.equations import (
    EXACT_SCALE,
    PUBLISHED_SCALE,
    find_bui,
    find_dc,
    find_dmc,
    find_dsr,
    find_ffmc,
    find_fwi,
    find_isi,
)

TEMPERATURE = st.floats(-40, 50)
HUMIDITY = st.floats(0, 100)
WIND = st.floats(0, 150)
RAIN = st.floats(0, 500)
SCALE = st.sampled_from((PUBLISHED_SCALE, EXACT_SCALE))


def test_the_exact_scale_puts_zero_at_250_percent() -> None:
    assert pytest.approx(250, abs=1e-12) == EXACT_SCALE * 101 / 59.5
    assert pytest.approx(147.27723, abs=5e-6) == EXACT_SCALE


def test_first_day_of_van_wagner_and_pickett() -> None:
    """Technical Report 33, sample input: 13 April, 17 °C, 42 %, 25 km/h, dry."""
    ffmc = find_ffmc(85.0, 17.0, 42.0, 25.0, 0.0, PUBLISHED_SCALE)
    dmc, dc = find_dmc(6.0, 17.0, 42.0, 0.0, 12.8), find_dc(15.0, 17.0, 0.0, 0.9)
    isi, bui = find_isi(ffmc, 25.0, PUBLISHED_SCALE), find_bui(dmc, dc)
    fwi = find_fwi(isi, bui)
    shown = [round(v, 1) for v in (ffmc, dmc, dc, isi, bui, fwi)]
    assert shown == [87.7, 8.5, 19.0, 10.9, 8.5, 10.1]


def test_drought_code_by_hand() -> None:
    # loss = 0.5 * (0.36 * (20 + 2.8) + 0.9) = 4.554
    assert find_dc(100.0, 20.0, 2.8, 0.9) == pytest.approx(104.554, abs=1e-12)
    # 10 mm: net 7.03, store 800 exp(-1/4) = 623.0406
    wetter = 100 - 400 * math.log(1 + 3.937 * 7.03 / (800 * math.exp(-0.25)))
    assert find_dc(100.0, 20.0, 10.0, 0.9) == pytest.approx(wetter + 4.554, abs=1e-9)


def test_cold_stops_drying() -> None:
    assert find_dmc(10.0, -1.1, 30.0, 0.0, 9.0) == 10.0
    assert find_dmc(10.0, -30.0, 30.0, 0.0, 9.0) == 10.0
    assert find_dmc(10.0, 1.0, 30.0, 0.0, 9.0) > 10.0  # between -1.1 and 1.1 it dries
    assert find_dc(50.0, -30.0, 0.0, -1.6) == 50.0
    assert find_dc(50.0, 2.0, 0.0, 1.4) > 50.0


@pytest.mark.parametrize(
    ("find", "edge"),
    [
        (lambda r: find_ffmc(90.0, 20.0, 50.0, 10.0, r, PUBLISHED_SCALE), 0.5),
        (lambda r: find_dmc(30.0, 20.0, 50.0, r, 9.0), 1.5),
        (lambda r: find_dc(100.0, 20.0, r, 1.4), 2.8),
    ],
)
def test_rain_below_the_interception_changes_nothing(find, edge) -> None:
    assert find(edge) == find(0.0)
    assert find(edge * 2 + 1) < find(0.0)


@given(st.floats(0, 101), TEMPERATURE, HUMIDITY, WIND, RAIN, SCALE)
def test_ffmc_stays_in_its_range(before, temperature, humidity, wind, rain, scale):
    assert 0 <= find_ffmc(before, temperature, humidity, wind, rain, scale) <= 101


@given(st.floats(0, 500), TEMPERATURE, HUMIDITY, RAIN, st.floats(6, 14))
def test_duff_never_gets_wetter_than_wet(before, temperature, humidity, rain, hours):
    assert find_dmc(before, temperature, humidity, rain, hours) >= 0


@given(st.floats(0, 1500), TEMPERATURE, RAIN, RAIN)
def test_more_rain_never_means_more_drought(before, temperature, one, other):
    less, more = sorted((one, other))
    dry = find_dc(before, temperature, less, 1.4)
    assert find_dc(before, temperature, more, 1.4) <= dry + 1e-9


@given(st.floats(0, 101), WIND, WIND, SCALE)
def test_wind_spreads(ffmc, one, other, scale):
    less, more = sorted((one, other))
    assert find_isi(ffmc, less, scale) <= find_isi(ffmc, more, scale)


@given(st.floats(0, 400), st.floats(0, 1500))
def test_build_up_lies_between_nothing_and_both(dmc, dc):
    assert 0 <= find_bui(dmc, dc) <= max(dmc, 0.8 * dc) + 1e-9


def test_no_fuel_builds_nothing_up() -> None:
    assert find_bui(0.0, 0.0) == 0.0
    assert find_bui(0.0, 300.0) == 0.0
    assert find_bui(40.0, 100.0) == pytest.approx(40.0)  # where 27a meets 27b


def test_the_two_halves_of_fwi_meet() -> None:
    assert find_fwi(10.0, 80.0) == pytest.approx(find_fwi(10.0, 80.0001), rel=2e-3)
    assert find_fwi(0.0, 50.0) == 0.0
    assert find_dsr(10.0) == pytest.approx(0.0272 * 10**1.77)
