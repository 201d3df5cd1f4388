"""Envelopes in which network servers and scripts hand over an uplink.

Four are known: The Things Stack 3, ChirpStack 3 and 4, LORIOT, and a plain object
``{"device", "eui", "time", "fport", "hex"}``.
"""

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from agroforest.sensors.mapping import norm_eui

#: No LoRaWAN device is older; a clock that says so was never set.
EARLIEST = datetime(2015, 1, 1, tzinfo=UTC)
_EUI_BYTES = 8
#: Sixteen digits as a rule; some servers and scripts have names of their own.
_EUI = re.compile(r"[\w.#-]{1,64}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Uplink:
    """What an envelope says.

    Attributes
    ----------
    eui
        The device's EUI, sixteen lower-case hexadecimal digits, or another id.
    name
        The device's name on the server; the EUI where it has none.
    model
        Words in which the device's model may be named; empty if none are.
    firmware
        Its version, where known.
    time
        When the server received it, UTC.
    fport
        LoRaWAN port.
    payload
        Raw bytes.
    location
        Longitude, latitude and elevation registered for the device.
    """

    eui: str
    name: str
    model: str
    firmware: str | None
    time: datetime
    fport: int | None
    payload: bytes
    location: tuple[float | None, float | None, float | None]


def build_uplink(message: object) -> Uplink:
    """Read an envelope.

    Raises
    ------
    ValueError
        It is none of those known, or lacks its time, bytes or device.
    """
    fields = _object(message, "message")
    if "uplink_message" in fields:
        return _things_stack(fields)
    if "deviceInfo" in fields or "devEUI" in fields:
        return _chirpstack(fields)
    if _text(fields.get("cmd")) in {"rx", "gw"} or "EUI" in fields:
        return _loriot(fields)
    return _plain(fields)


def _things_stack(fields: Mapping[str, Any]) -> Uplink:
    # https://www.thethingsindustries.com/docs/the-things-stack/concepts/data-formats
    ids = _object(fields.get("end_device_ids"), "end_device_ids")
    uplink = _object(fields["uplink_message"], "uplink_message")
    version = _maybe(uplink.get("version_ids"))
    eui = _eui(ids.get("dev_eui") or ids.get("device_id"))
    user = _maybe(_maybe(uplink.get("locations")).get("user"))
    return Uplink(
        eui=eui,
        name=_text(ids.get("device_id")) or eui,
        model=_join(version.get("brand_id"), version.get("model_id")),
        firmware=_text(version.get("firmware_version")) or None,
        time=_time(fields.get("received_at") or uplink.get("received_at")),
        fport=_port(uplink.get("f_port")),
        payload=_base64(uplink.get("frm_payload")),
        location=_location(user, "longitude", "latitude", "altitude"),
    )


def _chirpstack(fields: Mapping[str, Any]) -> Uplink:
    # Version 4 has deviceInfo; version 3 the same names at the top, EUI in base64.
    info = _maybe(fields.get("deviceInfo")) or fields
    eui = _eui(info.get("devEui") or info.get("devEUI"))
    gateways = fields.get("rxInfo")
    times = [
        _maybe(g).get("time") or _maybe(g).get("nsTime")
        for g in (gateways if isinstance(gateways, list) else [])
    ]
    return Uplink(
        eui=eui,
        name=_text(info.get("deviceName")) or eui,
        model=_join(info.get("deviceProfileName"), info.get("deviceName")),
        firmware=None,
        time=_time(fields.get("time") or next((t for t in times if t), None)),
        fport=_port(fields.get("fPort")),
        payload=_base64(fields.get("data")),
        location=(None, None, None),
    )


def _loriot(fields: Mapping[str, Any]) -> Uplink:
    # https://docs.loriot.io: ts in milliseconds, data in hexadecimal digits.
    eui = _eui(fields.get("EUI"))
    return Uplink(
        eui=eui,
        name=eui,
        model="",
        firmware=None,
        time=_time(fields.get("ts")),
        fport=_port(fields.get("port")),
        payload=_hex(fields.get("data")),
        location=(None, None, None),
    )


def _plain(fields: Mapping[str, Any]) -> Uplink:
    eui = _eui(fields.get("eui") or fields.get("dev_eui"))
    raw = fields.get("hex")
    return Uplink(
        eui=eui,
        name=_text(fields.get("name")) or eui,
        model=_text(fields.get("device")),
        firmware=_text(fields.get("firmware")) or None,
        time=_time(fields.get("time")),
        fport=_port(fields.get("fport")),
        payload=_base64(fields.get("base64")) if raw is None else _hex(raw),
        location=_location(fields, "longitude", "latitude", "elevation"),
    )


# ---------------------------------------------------------------- plain values


def _object(value: object, name: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise ValueError(f"{name} is {_show(value)}, not an object")  # noqa: TRY004  set aside like any other
    return value


def _maybe(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _text(value: object) -> str:
    return value.strip() if isinstance(value, str) else ""


def _join(*values: object) -> str:
    return " ".join(text for text in map(_text, values) if text)


def _eui(value: object) -> str:
    text = _text(value)
    if not text:
        raise ValueError("the message names no device")
    if text.endswith("="):  # ChirpStack 3: eight bytes in base64
        content = _base64(text)
        if len(content) == _EUI_BYTES:
            return content.hex()
    eui = norm_eui(text)
    if not _EUI.fullmatch(eui):
        raise ValueError(f"device id {_show(text)} is none")
    return eui


def _time(value: object) -> datetime:
    try:
        if isinstance(value, int | float) and not isinstance(value, bool):
            time = datetime.fromtimestamp(value / 1000, UTC)
        else:
            time = datetime.fromisoformat(_text(value))
    except (ValueError, OverflowError, OSError) as error:
        raise ValueError(f"time {_show(value)} cannot be read") from error
    if time.tzinfo is None:
        raise ValueError(f"time {_show(value)} has no time zone")
    if time < EARLIEST:
        raise ValueError(f"time {_show(value)} is before {EARLIEST:%Y}")
    try:
        return time.astimezone(UTC)
    except OverflowError as error:  # the last hours of 9999
        raise ValueError(f"time {_show(value)} cannot be read") from error


def _port(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _base64(value: object) -> bytes:
    try:
        return base64.b64decode(_text(value), validate=True)
    except ValueError as error:
        raise ValueError(f"payload {_show(value)} is not base64") from error


def _hex(value: object) -> bytes:
    try:
        return bytes.fromhex(_text(value))
    except ValueError as error:
        raise ValueError(f"payload {_show(value)} is not hexadecimal") from error


def _location(
    fields: Mapping[str, Any], *names: str
) -> tuple[float | None, float | None, float | None]:
    longitude, latitude, elevation = (
        float(v) if isinstance(v := fields.get(n), int | float) else None for n in names
    )
    if longitude is None or latitude is None:
        return None, None, elevation
    if not (-180 <= longitude <= 180 and -90 <= latitude <= 90):
        return None, None, elevation
    return longitude, latitude, elevation


def _show(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:37]}…"
