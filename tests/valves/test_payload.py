"""What goes to devices and comes from them, as JSON."""

import json
from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from tests.valves.farm import COMMAND, REPORT, START

from agroforest.valves.payload import build_payload, read_report
from agroforest.valves.settings import CommandSection, ReportSection
from agroforest.valves.turn import AskState, SendClose, SendOpen

_OPEN = SendOpen(
    valve="a",
    order="o1",
    seconds=95,
    sent=START,
    until=START + timedelta(seconds=95),
)


def body(**changes: object) -> bytes:
    given: dict[str, object] = {
        "time": "2025-06-01T16:00:05+08:00",
        "open": True,
        "flow_m3h": 11.5,
        "meter_m3": 1042.25,
        "command": "o1",
    }
    return json.dumps(given | changes).encode()


def test_an_opening_carries_its_end_twice() -> None:
    assert json.loads(build_payload(_OPEN, COMMAND) or b"") == {
        "action": "open",
        "id": "o1",
        "seconds": 95,
        "until": "2025-06-01T08:01:35Z",
        "sent": "2025-06-01T08:00:00Z",
    }


def test_closing_and_asking() -> None:
    close = build_payload(SendClose(valve="a", order="o1"), COMMAND)
    assert json.loads(close or b"") == {"action": "close", "id": "o1"}
    asked = build_payload(AskState(valve="a"), COMMAND)
    assert json.loads(asked or b"") == {"action": "report"}
    silent = CommandSection(topic="c", ask=None)
    assert build_payload(AskState(valve="a"), silent) is None


def test_a_device_with_words_of_its_own() -> None:
    form = CommandSection(
        topic="c",
        open={"cmd": [1, {"min": "$minutes", "end": "$until_unix"}], "x": "$order"},
    )
    assert json.loads(build_payload(_OPEN, form) or b"") == {
        "cmd": [1, {"min": 1, "end": 1748764895}],
        "x": "o1",
    }


def test_an_id_is_never_read_as_a_template() -> None:
    tricky = SendClose(valve="a", order='","action":"open')
    assert json.loads(build_payload(tricky, COMMAND) or b"")["action"] == "close"


@pytest.mark.parametrize(
    "template",
    [
        {"action": "open"},
        {"action": "open", "seconds": "$seconds"},
        {"action": "open", "until": "$until"},
        {"action": "open", "text": "for $seconds until $until"},
    ],
)
def test_an_opening_without_its_end_is_refused(template: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="must carry"):
        CommandSection(topic="c", open=template)


def test_a_report() -> None:
    report = read_report("a", body(), REPORT, received=START)
    assert report.time == START + timedelta(seconds=5)
    assert report.time.utcoffset() == timedelta(0)
    assert (report.open, report.flow_m3h, report.meter_m3) == (True, 11.5, 1042.25)
    assert (report.command, report.received) == ("o1", START)


def test_a_report_with_words_and_units_of_its_own() -> None:
    form = ReportSection(
        topic="r",
        time="at.ms",
        time_format="unix_ms",
        open="valve.state",
        open_words=("auf",),
        closed_words=("zu",),
        flow="l_min",
        flow_factor=0.06,
        meter="litres",
        meter_factor=0.001,
        command="",
    )
    said = {"at": {"ms": 1748764805000}, "valve": {"state": "zu"}, "l_min": 200}
    payload = json.dumps(said | {"litres": 1500}).encode()
    report = read_report("a", payload, form, received=START)
    assert report.time == START + timedelta(seconds=5)
    assert (report.open, report.command) == (False, "")
    assert (report.flow_m3h, report.meter_m3) == pytest.approx((12.0, 1.5))


def test_without_a_meter_there_are_no_numbers() -> None:
    form = ReportSection(topic="r", flow="", meter="")
    report = read_report("a", body(), form, received=START)
    assert (report.flow_m3h, report.meter_m3) == (None, None)


@pytest.mark.parametrize(
    ("payload", "problem"),
    [
        (b"", "Expecting value"),
        (b"\xff", "utf-8"),
        (b"[]", "no object"),
        (b"[" * 100_000, "no report|nested|Expecting"),
        (body(time="2025-06-01T16:00:05"), "no zone"),
        (body(time="noon"), "noon"),
        (body(open=2), "neither open nor closed"),
        (body(open=None), "neither open nor closed"),
        (body(open=1.0), "neither open nor closed"),
        (body(flow_m3h="11"), "not a number"),
        (body(flow_m3h=True), "not a number"),
        (body(meter_m3=-1), "meter_m3 is -1"),
        (body(meter_m3=10**400), "too large"),
        (b'{"time": NaN}', "NaN is no JSON"),
        (body().replace(b"11.5", b"1e999"), "flow_m3h is inf"),
        (b'{"open": true}', "has no"),
    ],
)
def test_what_is_no_report_is_refused(payload: bytes, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        read_report("a", payload, REPORT, received=START)


@given(st.binary(max_size=200))
def test_any_bytes_are_a_report_or_a_value_error(payload: bytes) -> None:
    with suppress(ValueError):
        read_report("a", payload, REPORT, received=START)


@given(
    seconds=st.integers(1, 86_400),
    zone=st.integers(-12, 14).map(lambda h: timezone(timedelta(hours=h))),
)
def test_times_in_any_zone_are_the_same_time(seconds: int, zone: timezone) -> None:
    until = START + timedelta(seconds=seconds)
    command = SendOpen(
        valve="a",
        order="o",
        seconds=seconds,
        sent=START.astimezone(zone),
        until=until.astimezone(zone),
    )
    sent = json.loads(build_payload(command, COMMAND) or b"")
    assert datetime.fromisoformat(sent["until"]).astimezone(UTC) == until
