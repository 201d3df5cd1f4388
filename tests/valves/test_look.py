"""Probes, gauges and the forecast, as the interlock is told of them."""

import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.valves.farm import START

from agroforest.core.errors import DataError
from agroforest.core.reading import Quality, Reading, Sensor, Variable
from agroforest.store import Store, open_store
from agroforest.valves.look import build_weather, look_around, read_forecast
from agroforest.valves.settings import (
    ValveSettings,
    WeatherSection,
    read_valve_settings,
)

_HOUR = timedelta(hours=1)
_SETTINGS = """
day_m3 = 60.0
[broker]
host = "127.0.0.1"
[weather]
file = "weather.csv"
gauges = ["g1", "g2"]
rain_forecast_mm = 5.0
wind_ms = 8.0
[valve.north]
rated_m3h = 12.0
day_m3 = 30.0
longest_minutes = 120
command = { topic = "c" }
report = { topic = "s" }
"""


@pytest.fixture
def settings(tmp_path: Path) -> ValveSettings:
    path = tmp_path / "valves.toml"
    path.write_text(_SETTINGS)
    return read_valve_settings(path)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(tmp_path / "a.db") as opened:
        opened.add_sensors([Sensor(id=n, name=n) for n in ("p", "g1", "g2")])
        yield opened


def moisture(hour: float, value: float | None, flag: Quality = Quality.GOOD) -> Reading:
    return Reading(
        sensor="p",
        time=START + hour * _HOUR,
        variable=Variable.SOIL_MOISTURE,
        depth_m=0.1,
        value=value,
        quality=flag,
    )


def rain(gauge: str, hour: float, value: float) -> Reading:
    return Reading(
        sensor=gauge,
        time=START + hour * _HOUR,
        variable=Variable.PRECIPITATION,
        depth_m=None,
        value=value,
    )


def hours(
    first: int, last: int, *, mm: float = 0.5, wind: float = 2.0
) -> list[tuple[datetime, float, float]]:
    return [(START + i * _HOUR, mm, wind) for i in range(first, last + 1)]


def write(path: Path, rows: list[tuple[datetime, float, float]]) -> None:
    lines = [f"{time.isoformat()},{mm},{wind}" for time, mm, wind in rows]
    path.write_text("\n".join(["time,rain_mm,wind_ms", *lines]))
    os.utime(path, (START.timestamp(), START.timestamp()))


def test_a_good_probe_is_trusted(store: Store, settings: ValveSettings) -> None:
    store.add_readings(moisture(h, 0.2 + 0.001 * (h % 7)) for h in range(-100, 0))
    word = look_around(store, settings, ["p"], START).sensors["p"]
    assert word.trusted
    assert word.time == START - _HOUR
    assert word.moisture == pytest.approx(0.2 + 0.001 * (-1 % 7))


@pytest.mark.parametrize("flag", [Quality.SPIKE, Quality.STALE, Quality.RANGE])
def test_a_probe_whose_last_reading_is_flagged_is_not(
    store: Store, settings: ValveSettings, flag: Quality
) -> None:
    store.add_readings(moisture(h, 0.2 + 0.001 * (h % 7)) for h in range(-100, -1))
    store.add_readings([moisture(-1, 0.2, flag)])
    word = look_around(store, settings, ["p"], START).sensors["p"]
    assert not word.trusted
    assert word.reason


def test_what_a_listener_stored_is_judged_here(
    store: Store, settings: ValveSettings
) -> None:
    store.add_readings(moisture(h, 1.79) for h in range(-100, 0))
    word = look_around(store, settings, ["p"], START).sensors["p"]
    assert not word.trusted
    assert "all of the newest are doubtful" in word.reason
    assert word.moisture is None


def test_water_that_arrives_is_seen(store: Store, settings: ValveSettings) -> None:
    store.add_readings(moisture(h, 0.2 + 0.001 * (h % 7)) for h in range(-100, -1))
    store.add_readings([moisture(-1, 0.38)])
    word = look_around(store, settings, ["p"], START).sensors["p"]
    assert word.moisture == 0.38


def test_a_probe_that_never_spoke(store: Store, settings: ValveSettings) -> None:
    word = look_around(store, settings, ["nobody"], START).sensors["nobody"]
    assert (word.time, word.moisture) == (None, None)


def test_hours_are_summed_up_around_now() -> None:
    section = WeatherSection()
    found = build_weather(hours(-30, 30), section, START, made=START)
    assert found.rain_forecast_mm == pytest.approx(12.0)
    assert found.rain_measured_mm == pytest.approx(12.0)
    assert found.wind_ms == 2.0


def test_what_the_hours_do_not_reach_to_is_not_known() -> None:
    section = WeatherSection()
    short = build_weather(hours(-30, 20), section, START, made=START)
    assert short.rain_forecast_mm is None
    late = build_weather(hours(0, 30), section, START, made=START)
    assert (late.rain_measured_mm, late.rain_forecast_mm) == (None, 12.0)
    assert build_weather([], section, START, made=START).wind_ms is None


def test_the_strongest_wind_of_this_hour_counts() -> None:
    rows = [(START - _HOUR, 0.0, 3.0), (START + _HOUR / 2, 0.0, 9.0)]
    found = build_weather(rows, WeatherSection(), START, made=START)
    assert found.wind_ms == 9.0


def test_the_wettest_gauge_counts_if_it_is_heard(
    store: Store, settings: ValveSettings
) -> None:
    store.add_readings(
        [rain("g1", -20, 4.0), rain("g1", -1, 3.0), rain("g2", -9, 30.0)]
    )
    weather = look_around(store, settings, (), START).weather
    assert weather is not None
    assert weather.rain_measured_mm == pytest.approx(7.0)
    assert weather.rain_forecast_mm is None  # there is no file


def test_the_forecast_is_as_old_as_its_file(
    store: Store, settings: ValveSettings, tmp_path: Path
) -> None:
    write(tmp_path / "weather.csv", hours(-30, 30))
    weather = look_around(store, settings, (), START + _HOUR).weather
    assert weather is not None
    assert weather.time == START


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("time,rain\n", "lacks a column"),
        ("time,rain_mm,wind_ms\nnoon,1,1\n", "line 2: cannot be read"),
        ("time,rain_mm,wind_ms\n2025-06-01T08:00,1,1\n", "has no zone"),
        ("time,rain_mm,wind_ms\n2025-06-01T08:00Z,-1,1\n", "rain -1.0"),
        ("time,rain_mm,wind_ms\n2025-06-01T08:00Z,nan,1\n", "rain nan"),
        ("time,rain_mm,wind_ms\n2025-06-01T08:00Z,1\n", "line 2: cannot be read"),
    ],
)
def test_a_damaged_file_is_no_weather(
    store: Store, settings: ValveSettings, tmp_path: Path, text: str, problem: str
) -> None:
    path = tmp_path / "weather.csv"
    path.write_text(text)
    with pytest.raises(DataError, match=problem):
        read_forecast(path)
    weather = look_around(store, settings, (), datetime.now(UTC)).weather
    assert weather is not None
    assert (weather.rain_forecast_mm, weather.wind_ms) == (None, None)
