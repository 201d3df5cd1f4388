"""Several rows a day: noon in standard time, and rain of the hours before."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from tests.weather.conftest import Write

from agroforest.core.errors import ConfigurationError, DataError
from agroforest.weather import read_station

COLUMNS = "".join(
    f'[{name}]\ncolumn = "{column}"\nunit = "{unit}"\n'
    for name, column, unit in (
        ("temperature", "t", "°C"),
        ("humidity", "h", "%"),
        ("wind", "w", "km/h"),
        ("rain", "p", "mm"),
    )
)
NOON = '[time]\ncolumn = "time"\n[noon]\ntimezone = "+08:00"\n'


def hours(count: int, *, step: int = 1, drop: tuple[int, ...] = ()) -> list[str]:
    """Rows from 1 March, 00:00; temperature is the row's number, rain a millimetre."""
    start = datetime(2024, 3, 1, tzinfo=UTC)
    rows = ["time,t,h,w,p"]
    for i in range(count):
        if i not in drop:
            time = (start + timedelta(hours=i * step)).strftime("%Y-%m-%d %H:%M")
            rows.append(f"{time},{i % 50},50,10,1")
    return rows


def test_noon_and_the_24_hours_before_it(table: Write, mapping: Write) -> None:
    series = read_station(table(*hours(72)), mapping=mapping(NOON + COLUMNS))
    # the first noon has only 13 hours before it
    assert series.days.tolist() == [19784, 19785]
    assert series.temperature.tolist() == [36.0, 10.0]  # rows 36 and 60 (60 % 50)
    assert series.rain.tolist() == [24.0, 24.0]
    assert [r.reason for r in series.refused] == [
        "rain is known for 13 of 24 steps before noon"
    ]


def test_another_noon_and_window(table: Write, mapping: Write) -> None:
    noon = NOON + "hour = 13.0\nrain_hours = 12\n"
    series = read_station(table(*hours(72)), mapping=mapping(noon + COLUMNS))
    assert series.temperature.tolist() == [13.0, 37.0, 11.0]
    assert series.rain.tolist() == [12.0, 12.0, 12.0]


def test_times_with_an_offset_need_no_zone_of_their_own(table, mapping) -> None:
    rows = [r.replace(":00,", ":00+00:00,") for r in hours(72)]
    series = read_station(table(*rows), mapping=mapping(NOON + COLUMNS))
    assert series.temperature.tolist() == [28.0, 2.0]  # 04 UTC is noon at +08:00


def test_summer_time_is_taken_off(table: Write, mapping: Write) -> None:
    """Berlin, 31 March 2024: noon in standard time is 13:00 on the clock."""
    start = datetime(2024, 3, 29, tzinfo=UTC)
    rows = ["time,t,h,w,p"]
    for i in range(96):
        time = (start + timedelta(hours=i)).isoformat()
        rows.append(f"{time},{i % 24},50,10,0")
    noon = NOON.replace("+08:00", "Europe/Berlin")
    series = read_station(table(*rows), mapping=mapping(noon + COLUMNS))
    assert series.temperature.tolist() == [11.0, 11.0, 11.0]  # always 11 UTC


def test_a_missing_noon_is_named(table: Write, mapping: Write) -> None:
    path = table(*hours(96, drop=(36,)))
    series = read_station(path, mapping=mapping(NOON + COLUMNS))
    assert series.days.tolist() == [19785, 19786]
    assert [r.reason for r in series.refused] == [
        "rain is known for 13 of 24 steps before noon",
        "no row at noon: the nearest is 60 minutes off",
    ]
    assert [r.day for r in series.refused] == ["2024-03-01", "2024-03-02"]


def test_a_missing_hour_of_rain_is_not_made_up(table: Write, mapping: Write) -> None:
    path = table(*hours(96, drop=(30,)))
    series = read_station(path, mapping=mapping(NOON + COLUMNS))
    assert series.days.tolist() == [19785, 19786]
    assert series.refused[1].reason == "rain is known for 23 of 24 steps before noon"


def test_three_hourly_rows_need_a_tolerance(table: Write, mapping: Write) -> None:
    rows = hours(24, step=3)  # 00, 03, … 12
    series = read_station(table(*rows), mapping=mapping(NOON + COLUMNS))
    assert series.rain.tolist() == [8.0, 8.0]
    noon = NOON + "hour = 13\n"
    with pytest.raises(DataError, match="60 minutes off"):
        read_station(table(*rows), mapping=mapping(noon + COLUMNS))
    wide = noon + "tolerance_minutes = 60\n"
    series = read_station(table(*rows), mapping=mapping(wide + COLUMNS))
    assert series.temperature.tolist() == [12.0, 20.0]


def test_a_bad_hour_of_rain_spoils_its_day_only(table: Write, mapping: Write) -> None:
    rows = hours(96)
    rows[31] = rows[31].replace(",10,1", ",10,-3")
    rows.append(rows[5])
    series = read_station(table(*rows), mapping=mapping(NOON + COLUMNS))
    found = [r.reason for r in series.refused]
    assert "rain -3 mm is negative" in found
    assert "time given before, in line 6" in found
    assert series.days.tolist() == [19785, 19786]


def test_one_row_a_day_at_any_hour_is_a_day(table: Write) -> None:
    series = read_station(
        table(
            "date,temp,rh,wind,prec",
            "2024-03-01T12:00+08:00,20,40,10,0",
            "2024-03-02T12:00+08:00,21,40,10,0",
        )
    )
    assert series.days.tolist() == [19783, 19784]


def test_all_hours_of_a_real_year_are_found_once(table: Write, mapping: Write) -> None:
    series = read_station(table(*hours(24 * 40)), mapping=mapping(NOON + COLUMNS))
    assert (np.diff(series.days) == 1).all()
    assert len(series.days) == 39
    assert set(series.rain.tolist()) == {24.0}


def test_a_zone_must_be_known(table: Write, mapping: Write) -> None:
    with pytest.raises(ConfigurationError, match="timezone"):
        read_station(
            table(*hours(3)), mapping=mapping(NOON.replace("+08:00", "+99") + COLUMNS)
        )
