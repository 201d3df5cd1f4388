"""What is sent to devices and heard of them, as JSON; the settings say how.

A command is a template: a value that begins with ``$`` is replaced.

=============== =========================================================
word            becomes
=============== =========================================================
``$order``      id of the order; empty for a command without one
``$seconds``    how long to be open, whole seconds
``$minutes``    the same, whole minutes, rounded down
``$until``      closing time, ISO 8601 in UTC
``$until_unix`` the same, seconds since 1970
``$sent``       when it was decided, ISO 8601 in UTC
=============== =========================================================
"""

import json
import math
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from agroforest.core.valve import ValveReport
from agroforest.valves.settings import CommandSection, ReportSection
from agroforest.valves.turn import AskState, SendClose, SendOpen

#: Longest id of a command that is taken from a device.
_LONGEST_ID = 64
#: A report is a handful of numbers; more is no report. Arbitrary.
_LONGEST_BYTES = 65_536


def build_payload(
    action: SendOpen | SendClose | AskState, form: CommandSection
) -> bytes | None:
    """Write a command; ``None`` where the device knows none of this kind."""
    template: object
    words: Mapping[str, object] = {}
    match action:
        case AskState():
            template = form.ask
        case SendClose():
            template, words = form.close, {"$order": action.order}
        case SendOpen():
            template, words = form.open, _find_words(action)
    if template is None:
        return None
    return json.dumps(_fill(template, words), ensure_ascii=False).encode()


def read_report(
    valve: str, payload: bytes, form: ReportSection, *, received: datetime
) -> ValveReport:
    """Read what a device says.

    Raises
    ------
    ValueError
        It is not what the settings say, or no number where one should be.
    """
    if len(payload) > _LONGEST_BYTES:
        raise ValueError(f"{len(payload)} bytes are no report")
    try:
        document = json.loads(payload, parse_constant=_refuse)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    if not isinstance(document, dict):
        raise ValueError("is no object")  # noqa: TRY004  what is read is wrong, not us
    command = _find(document, form.command) if form.command else None
    return ValveReport(
        valve=valve,
        time=_read_time(_find(document, form.time), form.time_format),
        received=received,
        open=_read_open(_find(document, form.open), form),
        flow_m3h=_read_number(document, form.flow, form.flow_factor),
        meter_m3=_read_number(document, form.meter, form.meter_factor),
        command=command[:_LONGEST_ID] if isinstance(command, str) else "",
    )


def _find_words(action: SendOpen) -> dict[str, object]:
    until = action.until.astimezone(UTC)
    return {
        "$order": action.order,
        "$seconds": action.seconds,
        "$minutes": action.seconds // 60,
        "$until": until.isoformat().replace("+00:00", "Z"),
        "$until_unix": math.floor(until.timestamp()),
        "$sent": action.sent.astimezone(UTC).isoformat().replace("+00:00", "Z"),
    }


def _fill(template: object, words: Mapping[str, object]) -> object:
    if isinstance(template, Mapping):
        return {name: _fill(value, words) for name, value in template.items()}
    if isinstance(template, list | tuple):
        return [_fill(value, words) for value in template]
    return words.get(template, template) if isinstance(template, str) else template


def _find(document: Mapping[str, Any], name: str) -> object:
    value: object = document
    for part in name.split("."):
        if not isinstance(value, Mapping) or part not in value:
            raise ValueError(f"has no {name}")
        value = value[part]
    return value


def _read_open(value: object, form: ReportSection) -> bool:
    for words, meaning in ((form.open_words, True), (form.closed_words, False)):
        # 1 == True in Python, and not in JSON.
        if any(type(value) is type(word) and value == word for word in words):
            return meaning
    raise ValueError(f"{form.open} is {value!r}, neither open nor closed")


def _read_number(document: Mapping[str, Any], name: str, factor: float) -> float | None:
    if not name:
        return None
    value = _find(document, name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"{name} is {value!r}, not a number")  # noqa: TRY004  likewise
    try:
        number = float(value) * factor
    except OverflowError as error:
        raise ValueError(f"{name} is too large a number") from error
    if not math.isfinite(number) or number < 0:
        raise ValueError(f"{name} is {value!r}")
    return number


def _read_time(value: object, form: str) -> datetime:
    try:
        if form == "iso":
            time = datetime.fromisoformat(str(value))
        elif isinstance(value, bool) or not isinstance(value, int | float):
            raise ValueError(f"time is {value!r}, not a number")
        else:
            scale = 1000.0 if form == "unix_ms" else 1.0
            time = datetime.fromtimestamp(value / scale, UTC)
    except (OverflowError, OSError) as error:
        raise ValueError(f"time is {value!r}") from error
    if time.utcoffset() is None:
        raise ValueError(f"time {value!r} has no zone")
    try:
        return time.astimezone(UTC)
    except OverflowError as error:  # the first and the last hours of all
        raise ValueError(f"time {value!r} cannot be read") from error


def _refuse(word: str) -> object:
    raise ValueError(f"{word} is no JSON")
