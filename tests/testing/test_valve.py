"""The simulated valve and field behave as `docs/valves.md` says of devices."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from agroforest.testing.valve import SimulatedField, SimulatedValve

START = datetime(2025, 6, 1, 8, tzinfo=UTC)


def after(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def command(
    name: str = "o1", *, seconds: int = 60, until: float = 60
) -> dict[str, Any]:
    return {
        "action": "open",
        "id": name,
        "seconds": seconds,
        "until": after(until).isoformat(),
    }


def make_valve(skew_s: float = 0.0) -> SimulatedValve:
    return SimulatedValve(name="a", flow_m3h=36.0, now=START, skew_s=skew_s)


def test_it_closes_after_its_seconds_without_anybody() -> None:
    valve = make_valve()
    valve.receive(command(until=600), START)
    valve.advance(after(3600))
    assert valve.meter_m3 == pytest.approx(0.6)
    assert [(o.start, o.end) for o in valve.openings] == [(START, after(60))]


def test_a_late_command_is_shorter_and_one_too_late_is_none() -> None:
    valve = make_valve()
    valve.receive(command(), after(40))
    valve.advance(after(100))
    valve.receive(command("o2"), after(100))
    assert [(o.start, o.end) for o in valve.openings] == [(after(40), after(60))]
    assert not valve.is_open
    assert valve.report(after(101))["command"] == "o2"


def test_it_reads_the_closing_time_by_its_own_clock() -> None:
    valve = make_valve(skew_s=20)
    valve.receive(command(seconds=300), START)
    valve.advance(after(100))
    assert valve.openings[0].end == after(40)


def test_an_id_is_obeyed_once_even_after_a_power_cut() -> None:
    valve = make_valve()
    valve.receive(command(), START)
    valve.cut_power(after(10))
    valve.receive(command(), after(20))
    assert not valve.is_open
    assert valve.meter_m3 == pytest.approx(0.1)


def test_what_was_closed_before_it_came_is_not_opened() -> None:
    valve = make_valve()
    valve.receive({"action": "close", "id": "o1"}, START)
    valve.receive(command(), after(1))
    assert not valve.is_open


def test_water_is_known_of_any_time() -> None:
    valve = make_valve()
    valve.receive(command(), START)
    valve.advance(after(30))
    assert valve.drawn_on(after(10), after(20)) == pytest.approx(0.1)
    assert valve.drawn_on(START, after(999)) == pytest.approx(0.3)


def test_the_field_gets_wet_and_dries() -> None:
    valve = make_valve()
    field = SimulatedField(valve=valve, square_metres=60, root_m=0.4, start=START)
    assert field.moisture(START) == 0.18
    valve.receive(command(), START)
    wet = field.moisture(after(60))
    assert wet == pytest.approx(0.18 + 0.6 / 60 / 0.4, abs=1e-4)
    assert field.moisture(after(86_460)) == pytest.approx(wet - 0.004 / 0.4)
