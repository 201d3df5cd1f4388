"""ISMN's flags: bounds, frost, rises without rain, spikes, breaks, plateaus."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from agroforest.sensors.agreement import Agreement, compare
from agroforest.sensors.check_file import check_file
from agroforest.sensors.flags_ismn import CODES, build_hourly, find_ismn
from agroforest.sensors.flags_shape import (
    find_breaks,
    find_high_plateaus,
    find_low_plateaus,
)
from agroforest.sensors.surroundings import Series, Surroundings

Values = NDArray[np.float64]


def _hours(count: int, start: float = 0.0) -> Values:
    return (start + np.arange(count, dtype=np.float64)) * 3600.0


def _series(values: Values, start: float = 0.0) -> Series:
    return Series(time=_hours(len(values), start), value=np.asarray(values, float))


def _places(mask: NDArray[np.bool_]) -> list[int]:
    return [int(place) for place in np.flatnonzero(mask)]


def test_bounds() -> None:
    value = np.array([-0.001, 0.0, 0.46, 0.461, 0.6, 0.601, np.nan])
    found = find_ismn(_hours(7), value, saturation=0.46)
    assert _places(found["C01"]) == [0]
    assert _places(found["C02"]) == [5]
    assert _places(found["C03"]) == [3, 4, 5]
    assert "C03" not in find_ismn(_hours(7), value)
    # 46 % as a probe's percent becomes it in binary is not above 0.46.
    assert (
        _places(find_ismn(_hours(1), np.array([46.0 * 0.01]), saturation=0.46)["C03"])
        == []
    )


def test_frost_needs_a_temperature_near_in_time() -> None:
    value = np.full(6, 0.2)
    value[4] = np.nan
    cold = Series(time=_hours(3), value=np.array([1.0, -0.1, np.nan]))
    around = Surroundings(soil_temperature=cold, model_temperature=cold)
    found = find_ismn(_hours(6), value, around=around)
    # Hour 2 is an hour from the frost of hour 1, hour 3 is too far.
    assert _places(found["D01"]) == [1, 2]
    assert _places(found["D03"]) == [1, 2]
    assert "D02" not in found
    assert "D04" not in found


def _rise() -> Values:
    value = np.full(60, 0.20)
    value[40:] = 0.25
    return value


@pytest.mark.parametrize(
    ("rain", "expected"),
    [
        (np.zeros(60), [40]),
        (np.where(np.arange(60) == 30, 0.1, 0.0), [40]),  # less than 0.2 mm
        (np.where(np.arange(60) == 30, 5.0, 0.0), []),
        (np.where(np.arange(60) == 10, 5.0, 0.0), [40]),  # more than a day ago
        (np.where(np.arange(60) > 20, np.nan, 0.0), []),  # nobody knows
    ],
)
def test_rise_without_rain(rain: Values, expected: list[int]) -> None:
    around = Surroundings(rain=_series(rain), model_rain=_series(rain))
    found = find_ismn(_hours(60), _rise(), depth_m=0.05, around=around)
    assert _places(found["D04"]) == expected
    assert _places(found["D05"]) == expected
    deep = find_ismn(_hours(60), _rise(), depth_m=0.3, around=around)
    assert "D04" not in deep


def test_a_gauge_read_once_a_day_tells_of_rain_after_it_fell() -> None:
    daily = Series(
        time=np.array([0.0, 24.0, 48.0, 72.0]) * 3600, value=np.array([0, 0, 9.0, 0])
    )
    found = find_ismn(
        _hours(60), _rise(), depth_m=0.05, around=Surroundings(rain=daily)
    )
    assert _places(found["D04"]) == []


def test_spike_needs_a_whole_day_around_it() -> None:
    value = np.full(40, 0.2)
    value[20] = 0.25
    assert _places(find_ismn(_hours(40), value)["D06"]) == [20]
    assert _places(find_ismn(_hours(40)[10:], value[10:])["D06"]) == []


def test_jump_and_drop_by_hand() -> None:
    # 20 20 30 30: x'' before +10 and at the jump -10, so 10/10 = 1; two hours on
    # the last digit moves: x'' = 0.1, and 10/0.1 = 100. Slope 5, mean slope 10/25.
    percent = np.full(40, 20.0)
    percent[20:] = 30.0
    percent[23] = 30.1
    drops, jumps = find_breaks(percent)
    assert (_places(drops), _places(jumps)) == ([], [20])
    drops, jumps = find_breaks(50.0 - percent)
    assert (_places(drops), _places(jumps)) == ([20], [])
    # Eq. 9 wants the same bend before and after: 20 23 30 is no break at 30.
    percent[19] = 23.0
    assert not find_breaks(percent)[1].any()


def test_a_fall_to_nothing_is_a_drop() -> None:
    percent = np.full(40, 20.0)
    percent[20:] = 0.0
    drops, _ = find_breaks(percent)
    assert _places(drops) == [20]
    # and what follows rests low, to the end
    assert _places(find_low_plateaus(percent, drops)) == list(range(20, 40))


def test_low_plateau_ends_where_it_moves_again() -> None:
    percent = np.full(80, 20.0)
    percent[20:] = 8.0
    percent[50:] = 8.0 + np.arange(30) % 2
    drops = np.arange(80) == 20
    # The last calm window of 13 readings ends before the second 9.0, at hour 51.
    found = _places(find_low_plateaus(percent, drops))
    assert found[0] == 20
    assert found[-1] in {49, 50, 51}
    assert not find_low_plateaus(percent, np.zeros(80, bool)).any()


def test_high_plateau_between_rise_and_fall() -> None:
    percent = np.full(100, 20.0)
    percent[30:60] = 40.0
    assert _places(find_high_plateaus(percent)) == list(range(30, 60))
    # Lower than 95 % of the highest, it is no saturation.
    percent[80] = 45.0
    assert not find_high_plateaus(percent).any()
    # Without a fall after it, it may be a field that stays wet.
    assert not find_high_plateaus(percent[:58]).any()


def test_a_plateau_does_not_reach_over_a_silence() -> None:
    percent = np.full(120, 20.0)
    percent[20:80] = 40.0
    percent[50:62] = np.nan
    found = find_high_plateaus(percent)
    assert not found[62:].any()


def test_readings_that_are_not_hourly_get_no_shape() -> None:
    found = find_ismn(_hours(40) / 6, np.full(40, 0.2))
    assert set(found) == {"C01", "C02"}
    assert build_hourly(np.array([0.0]), np.array([0.2])) is None


def test_a_clock_off_by_a_century_costs_no_memory() -> None:
    time = np.concatenate((_hours(50), _hours(50, start=24 * 365 * 80)))
    grid = build_hourly(time, np.full(100, 0.2))
    assert grid is not None
    assert len(grid.percent) < 200


def test_two_readings_in_one_hour() -> None:
    time = np.array([0.0, 3600.0, 3700.0, 7200.0, 10800.0])
    grid = build_hourly(time, np.array([0.1, 0.2, 0.9, 0.3, 0.4]))
    assert grid is not None
    assert grid.percent.tolist() == [10.0, 20.0, 30.0, 40.0]
    assert grid.place.tolist() == [0, 1, -1, 2, 3]
    assert grid.spread(np.array([False, True, True, False])).tolist() == [
        False,
        True,
        False,
        True,
        False,
    ]


@given(
    values=st.lists(
        st.sampled_from([0.1, 0.2, 0.21, 0.4, 0.7, -0.1, float("nan")]), max_size=90
    ),
    steps=st.lists(st.sampled_from([1.0, 1.0, 1.0, 1.0, 0.0, 14.0]), min_size=90),
)
def test_any_series_is_judged(values: list[float], steps: list[float]) -> None:
    time = np.cumsum(steps)[: len(values)] * 3600.0
    value = np.array(values, float)
    rain = Series(time=time, value=np.zeros(len(time)))
    around = Surroundings(rain=rain, soil_temperature=rain)
    found = find_ismn(time, value, saturation=0.46, around=around)
    assert set(found) <= set(CODES)
    for mask in found.values():
        assert mask.shape == value.shape
        assert not mask[np.isnan(value)].any()


@pytest.mark.data
@pytest.mark.slow
def test_agreement_with_the_flags_in_the_files(data_dir: Path) -> None:
    """Over the four stations, of the readings either flags and of all."""
    total: dict[str, list[Agreement]] = {}
    for path in sorted((data_dir / "soil_ismn").glob("*/*/*.stm")):
        found = check_file(path)
        for row in compare(found.checked, found.source_flags):
            total.setdefault(row.code, []).append(row)
    counts = {
        code: tuple(
            sum(getattr(r, f) for r in rows) for f in ("both", "ours", "theirs")
        )
        for code, rows in total.items()
    }
    assert counts["C01"] == counts["C02"] == counts["D07"] == (0, 0, 0)
    assert counts["C03"] == (1385, 0, 0)
    assert counts["D06"] == (62, 1, 0)
    assert counts["D08"] == (8, 0, 0)
    assert counts["D09"] == (0, 0, 0)
    assert counts["D10"] == (666, 4, 0)
