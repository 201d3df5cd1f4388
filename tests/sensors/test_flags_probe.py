"""Drops, stale messages, batteries, silence; and sensors as a whole."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from agroforest.core.reading import Quality, Reading, Variable
from agroforest.sensors import flag
from agroforest.sensors.flags_probe import (
    LOW_VOLTS,
    find_drops,
    find_low_battery,
    find_silence,
    find_stale,
)

START = datetime(2024, 5, 1, tzinfo=UTC)


def _hours(count: int, step: float = 1.0) -> np.ndarray:
    return np.arange(count) * 3600.0 * step


def test_drop() -> None:
    value = np.full(40, 0.30)
    value[20:] = 0.20
    assert np.flatnonzero(find_drops(_hours(40), value)).tolist() == [20]
    # Every ten minutes as well, and with a reading missing before it.
    value[19] = np.nan
    assert np.flatnonzero(find_drops(_hours(40, 1 / 6), value)).tolist() == [20]


@pytest.mark.parametrize("kind", ["rise", "spike", "drainage", "slow", "noise"])
def test_what_is_no_drop(kind: str) -> None:
    value = np.full(40, 0.30)
    step = 1.0
    if kind == "rise":
        value[20:] = 0.40
    elif kind == "spike":
        value[20] = 0.20
    elif kind == "drainage":
        value[20:] = 0.45 * np.exp(-np.arange(20) / 4.0)
        value[:20] = 0.45
    elif kind == "slow":
        value[20:], step = 0.20, 3.0
    elif kind == "noise":
        value = 0.3 + 0.05 * (-1.0) ** np.arange(40)
        value[20:] -= 0.05
    assert not find_drops(_hours(40, step), value).any()


def test_messages_that_never_change() -> None:
    messages = [("a", n) for n in range(10)] + [("b", 0)] * 26 + [("c", 1)]
    found = find_stale(_hours(len(messages)), messages)
    assert np.flatnonzero(found).tolist() == list(range(11, 36))
    short = [("a", n) for n in range(10)] + [("b", 0)] * 24 + [("c", 1)]
    assert not find_stale(_hours(len(short)), short).any()


def test_messages_that_were_sent_before() -> None:
    day = [("x", n) for n in range(24)]
    found = find_stale(_hours(72), [*day, *[("y", n) for n in range(24)], *day])
    assert np.flatnonzero(found).tolist() == list(range(48, 72))
    # Five values in turn are an ordinary quiet week.
    assert not find_stale(_hours(72), [("x", n % 5) for n in range(72)]).any()


def test_empty_battery() -> None:
    reported = _hours(3, 24.0)
    volts = np.array([3.3, 2.4, np.nan])
    found = find_low_battery(_hours(240), reported, volts, LOW_VOLTS)
    # From the low report on, for a week.
    assert np.flatnonzero(found).tolist() == list(range(24, 24 + 7 * 24 + 1))
    assert not find_low_battery(_hours(3), np.empty(0), np.empty(0), LOW_VOLTS).any()


def test_silence() -> None:
    hourly = _hours(50)
    last = float(hourly[-1])
    assert find_silence(hourly, last + 6 * 3600) is None
    assert find_silence(hourly, last + 7 * 3600) == 7.0
    # A probe that reports every six hours may rest for longer.
    assert find_silence(_hours(50, 6.0), float(_hours(50, 6.0)[-1]) + 30 * 3600) is None
    assert find_silence(np.array([0.0]), 86400.0 * 3) == 72.0


def _reading(
    hour: float, variable: Variable, value: float | None, depth: float | None = 0.1
) -> Reading:
    return Reading(
        sensor="s",
        time=START + timedelta(hours=hour),
        variable=variable,
        depth_m=depth,
        value=value,
    )


def test_a_sensor_as_a_whole() -> None:
    readings = [
        *[_reading(h, Variable.SOIL_MOISTURE, 0.3 + 0.001 * h) for h in range(30)],
        *[_reading(h, Variable.SOIL_TEMPERATURE, 5.0 - h) for h in range(30)],
        *[_reading(h, Variable.BATTERY, 2.7 - 0.01 * h, None) for h in range(30)],
    ]
    found = flag(readings)
    frozen = [n for n, r in enumerate(found) if r.quality & Quality.FROZEN]
    assert frozen == list(range(6, 30))
    empty = [n % 30 for n, r in enumerate(found) if r.quality & Quality.BATTERY]
    assert sorted(set(empty)) == list(range(21, 30))
    assert not any(r.quality & Quality.STALE for r in found)


def test_a_battery_told_in_percent() -> None:
    readings = [
        *[_reading(h, Variable.SOIL_MOISTURE, 0.3 + 0.001 * h) for h in range(30)],
        *[_reading(h, Variable.BATTERY_LEVEL, 20.0 - h / 2, None) for h in range(30)],
    ]
    low = [n % 30 for n, r in enumerate(flag(readings)) if r.quality & Quality.BATTERY]
    assert sorted(set(low)) == list(range(21, 30))  # 10 % itself is not low


def test_a_probe_that_sends_old_numbers() -> None:
    warm = [20 + 3 * np.sin(n / 4) for n in range(48)]
    wet = [0.3 - 0.001 * n for n in range(48)]
    for start in (24, 40):  # it stops measuring and goes on sending
        readings = [
            reading
            for h in range(80)
            for reading in (
                _reading(h, Variable.SOIL_MOISTURE, wet[min(h, start)]),
                _reading(h, Variable.SOIL_TEMPERATURE, warm[min(h, start)]),
                _reading(h, Variable.BATTERY, 3.3 - 0.001 * h, None),
            )
        ]
        found = flag(readings)
        stale = {
            (r.time - START) // timedelta(hours=1)
            for r in found
            if r.quality & Quality.STALE
        }
        assert stale == set(range(start + 1, 80))
        batteries = [r for r in found if r.variable == Variable.BATTERY]
        assert not any(r.quality & Quality.STALE for r in batteries)
