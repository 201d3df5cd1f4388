"""From a message to readings, or to the reason why not. Nothing here ever raises."""

import json
import logging
import math
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from agroforest.core.errors import AgroforestError
from agroforest.core.reading import Reading, Sensor
from agroforest.listen.arrival import Arrival
from agroforest.listen.plain import Found, read_objects, read_observation
from agroforest.listen.routes import Routes, find_event, find_topic
from agroforest.listen.settings import Kind, ListenSettings
from agroforest.sensors.envelope import EARLIEST, build_uplink
from agroforest.sensors.uplink import build_readings

_LOG = logging.getLogger(__name__)

#: A server's clock may be ahead of ours by so much. Arbitrary; a day covers a time
#: zone that was forgotten, and no probe reports the future.
AHEAD = timedelta(days=1)
#: A machine without a battery starts in 1970 or when its image was made. Then only
#: this bounds what senders say.
_LATEST = datetime(2100, 1, 1, tzinfo=UTC)

#: News of network servers that are no uplinks: The Things Stack ("Integrations,
#: MQTT", https://www.thethingsindustries.com/docs) and ChirpStack ("Event types",
#: https://www.chirpstack.io/docs).
_OTHER_NEWS = {
    Kind.TTN: {
        *("join", "ack", "nack", "sent", "failed", "queued", "invalidated"),
        *("solved", "data", "normalized"),
    },
    Kind.CHIRPSTACK: {
        *("join", "status", "ack", "txack", "log", "location", "integration"),
    },
}
_TTN_NEWS = (
    "join_accept",
    "downlink_ack",
    "downlink_nack",
    "downlink_sent",
    "downlink_failed",
    "downlink_queued",
    "downlink_queue_invalidated",
    "location_solved",
    "service_data",
)
_DEVICES = 65_536
_LONGEST_REASON = 500


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """What became of a message.

    Attributes
    ----------
    found
        Readings with their sensors.
    problem
        Why the message, or a part of it, was set aside; empty if nothing was.
    """

    found: Found
    problem: str = ""


class Decoder:
    """Reads messages as the settings say.

    Parameters
    ----------
    settings
        Routes, devices, mappings and Datastreams.
    """

    def __init__(self, settings: ListenSettings) -> None:
        self._settings = settings
        self._routes = Routes(settings)
        self._find_device = lru_cache(_DEVICES)(settings.uplinks.find_device)

    def decode(self, arrival: Arrival) -> Outcome:
        """Read a message; whatever is wrong with it is its outcome."""
        try:
            if not arrival.is_whole:
                return _refuse(f"{arrival.size} bytes are more than allowed")
            found, problems = self._read(arrival)
            sound, doubts = _sift(found, arrival.received)
        except RecursionError:
            return _refuse("is nested too deeply")
        except (AgroforestError, ValueError) as error:
            return _refuse(str(error))
        except Exception as error:  # noqa: BLE001  a decoder's bug must not stop the rest
            _LOG.exception("a message of %s broke its decoder", arrival.source)
            return _refuse(f"the decoder failed: {error!r}")
        return Outcome(found=sound, problem=_shorten("; ".join(problems + doubts)))

    def _read(self, arrival: Arrival) -> tuple[Found, list[str]]:
        route = self._routes.find(arrival.source)
        if find_event(arrival.source) in _OTHER_NEWS.get(route.kind, ()):
            return [], []
        document = read_document(arrival.payload)
        if route.kind is Kind.SENSORTHINGS:
            topic = find_topic(arrival.source)
            streams = self._settings.datastreams
            return read_observation(document, streams, topic, arrival.received), []
        if route.mapping:
            mapping = self._settings.mappings[route.mapping]
            topic = find_topic(arrival.source)
            return read_objects(document, mapping, topic, arrival.received)
        if route.kind is Kind.TTN and _is_other_news(document):
            return [], []
        uplink = build_uplink(document)
        return build_readings(uplink, self._find_device(uplink.eui))


def read_document(payload: bytes) -> object:
    """Read JSON that holds what JSON may hold: no NaN, no infinity.

    Raises
    ------
    ValueError
        It is empty, not UTF-8, not JSON, or a number in it is none.
    RecursionError
        It is nested too deeply.
    """
    if not payload.strip():
        raise ValueError("the message is empty")
    try:
        text = payload.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(
            f"is not UTF-8 ({error.reason}, byte {error.start})"
        ) from error
    try:
        return _JSON.decode(text)
    except json.JSONDecodeError as error:
        raise ValueError(f"is not JSON ({error})") from error


def _read_float(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"number {text[:40]} is too large")
    return number


def _refuse_constant(text: str) -> object:
    raise ValueError(f"{text} is no number of JSON")


_JSON = json.JSONDecoder(parse_float=_read_float, parse_constant=_refuse_constant)


def _is_other_news(document: object) -> bool:
    return (
        isinstance(document, dict)
        and "uplink_message" not in document
        and any(name in document for name in _TTN_NEWS)
    )


def _sift(found: Found, received: datetime) -> tuple[Found, list[str]]:
    """Sort out readings that can be kept, and say what is wrong with the others."""
    sound: Found = []
    doubts: dict[str, None] = {}
    for sensor, reading in found:
        try:
            _check(sensor, reading, received)
        except ValueError as error:
            doubts[str(error)] = None
        else:
            sound.append((sensor, reading))
    return sound, list(doubts)


def _check(sensor: Sensor, reading: Reading, received: datetime) -> None:
    """Refuse what a database cannot keep, or what cannot be true.

    Raises
    ------
    ValueError
        Saying what.
    """
    for text in (sensor.id, sensor.name):
        if "\0" in text or not text.isprintable():  # a lone surrogate is not either
            raise ValueError(f"the name {text[:40]!r} cannot be kept")
    for number in (
        reading.value,
        reading.depth_m,
        sensor.longitude,
        sensor.latitude,
        sensor.elevation,
    ):
        if number is not None and not math.isfinite(number):
            raise ValueError(f"a number is {number}")
    latest = received + AHEAD if received >= EARLIEST else _LATEST
    if not EARLIEST <= reading.time <= latest:
        when = "before 2015" if reading.time < EARLIEST else "in the future"
        raise ValueError(f"time {reading.time.isoformat()} is {when}")


def _refuse(problem: str) -> Outcome:
    return Outcome(found=[], problem=_shorten(problem) or "cannot be read")


def _shorten(text: str) -> str:
    plain = text.encode("utf-8", "backslashreplace").decode().replace("\0", "\\0")
    if len(plain) <= _LONGEST_REASON:
        return plain
    return f"{plain[: _LONGEST_REASON - 1]}…"
