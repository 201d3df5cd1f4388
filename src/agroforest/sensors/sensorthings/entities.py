"""What a service says of its Things and Datastreams, read without believing it.

Names of fields are those of OGC 18-088, chapter 8.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, unquote

from agroforest.core.reading import Quality

#: Longest id and name that are kept; arbitrary.
_LONGEST = 256
_FLAGS = {str(flag.name).lower(): flag for flag in Quality}


@dataclass(frozen=True, kw_only=True, slots=True)
class Thing:
    """A Thing and where it is.

    Attributes
    ----------
    id
        As text.
    name
        As people call it; the id where it has none.
    longitude, latitude
        WGS84 degrees, of the first Location that is a point.
    elevation
        Metres.
    simulated
        Whether it says that it never existed.
    """

    id: str
    name: str
    longitude: float | None = None
    latitude: float | None = None
    elevation: float | None = None
    simulated: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Datastream:
    """A Datastream as the service describes it.

    Attributes
    ----------
    id
        As text.
    path
        Of the entity below the root, ``Datastreams(17)``.
    name
        For messages.
    thing
        Id of its Thing.
    property_names
        What the ObservedProperty is called, and the last part of its definition.
    units
        Code of UCUM, symbol and name, as far as there are any.
    properties
        Free ones.
    observations
        Link to its Observations; ``None`` where it gives none.
    """

    id: str
    path: str
    name: str
    thing: str
    property_names: tuple[str, ...]
    units: tuple[str, ...]
    properties: Mapping[str, Any]
    observations: object = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Observation:
    """An Observation.

    Attributes
    ----------
    start, end
        Of the phenomenon; the same for an instant.
    value
        In the Datastream's unit; ``None`` for an error.
    quality
        Flags that the service names in our words.
    """

    start: datetime
    end: datetime
    value: float | None
    quality: Quality


def read_thing(fields: object) -> Thing:
    """Read a Thing with its Locations expanded.

    Raises
    ------
    ValueError
        It is none.
    """
    thing = _object(fields, "Thing")
    name = _read_id(thing)
    longitude, latitude, elevation = _read_place(thing.get("Locations"))
    about = thing.get("properties")
    about = about if isinstance(about, Mapping) else {}
    height = _number(about.get("elevation"))
    return Thing(
        id=name,
        name=_text(thing.get("name")) or name,
        longitude=longitude,
        latitude=latitude,
        elevation=elevation if height is None else height,
        simulated=about.get("simulated") is True,
    )


def read_datastream(fields: object) -> Datastream:
    """Read a Datastream with its Thing and ObservedProperty expanded.

    Raises
    ------
    ValueError
        It is none.
    """
    stream = _object(fields, "Datastream")
    name = _read_id(stream)
    observed = _object(stream.get("ObservedProperty"), "ObservedProperty")
    unit = _object(stream.get("unitOfMeasurement"), "unitOfMeasurement")
    about = stream.get("properties")
    definition = _text(observed.get("definition")).rstrip("/")
    return Datastream(
        id=name,
        path=f"Datastreams({_literal(stream['@iot.id'])})",
        name=_text(stream.get("name")) or name,
        thing=_read_id(_object(stream.get("Thing"), "Thing")),
        property_names=_some(
            observed.get("name"), definition.replace("#", "/").rpartition("/")[2]
        ),
        units=_some(
            _read_ucum(_text(unit.get("definition"))),
            unit.get("symbol"),
            unit.get("name"),
        ),
        properties=about if isinstance(about, Mapping) else {},
        observations=stream.get("Observations@iot.navigationLink"),
    )


def read_observation(fields: object, *, end: datetime) -> Observation:
    """Read an Observation.

    Parameters
    ----------
    fields
        As it came.
    end
        What claims to be later never happened.

    Raises
    ------
    ValueError
        It has no time or no number, or its time is after `end`.
    """
    seen = _object(fields, "Observation")
    written = seen.get("phenomenonTime") or seen.get("resultTime")
    if not isinstance(written, str):
        raise ValueError("it has no phenomenonTime")  # noqa: TRY004  set aside like any other
    first, _, last = written.partition("/")
    start = _read_time(first)
    finish = _read_time(last) if last else start
    if finish < start:
        raise ValueError(f"its time {written[:80]!r} ends before it begins")
    if finish > end:
        raise ValueError(f"its time {written[:80]!r} is to come")
    if "result" not in seen:
        raise ValueError("it has no result")
    return Observation(
        start=start,
        end=finish,
        value=_read_result(seen["result"]),
        quality=_read_quality(seen.get("resultQuality")),
    )


def _read_result(result: object) -> float | None:
    if result is None:
        return None
    if isinstance(result, bool) or not isinstance(result, int | float | str):
        raise ValueError(f"its result is a {type(result).__name__}, no number")  # noqa: TRY004  as above
    try:
        number = float(result)
    except (ValueError, OverflowError):
        raise ValueError(f"its result {str(result)[:40]!r} is no number") from None
    if not math.isfinite(number):
        raise ValueError(f"its result is {number}")
    return number


def _read_quality(given: object) -> Quality:
    """Find flags among a ``resultQuality`` (ISO 19157) that bear our names."""
    found = Quality.GOOD
    for each in given if isinstance(given, list) else ():
        if isinstance(each, Mapping):
            found |= _FLAGS.get(_text(each.get("nameOfMeasure")), Quality.GOOD)
    return found


def _read_time(text: str) -> datetime:
    try:
        time = datetime.fromisoformat(text)
        if time.tzinfo is not None:
            return time.astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError(f"its time {text[:40]!r} cannot be read") from None
    raise ValueError(f"its time {text[:40]!r} has no time zone")


def _read_place(
    locations: object,
) -> tuple[float | None, float | None, float | None]:
    for each in locations if isinstance(locations, list) else ():
        place = each.get("location") if isinstance(each, Mapping) else None
        if isinstance(place, Mapping) and place.get("type") == "Feature":
            place = place.get("geometry")
        if not isinstance(place, Mapping) or place.get("type") != "Point":
            continue
        numbers = place.get("coordinates")
        if not isinstance(numbers, list) or not 2 <= len(numbers) <= 3:
            continue
        longitude, latitude = _number(numbers[0]), _number(numbers[1])
        if longitude is None or latitude is None:
            continue
        if abs(longitude) <= 180 and abs(latitude) <= 90:
            return longitude, latitude, _number(numbers[-1]) if numbers[2:] else None
    return None, None, None


def _read_ucum(definition: str) -> str:
    """Find the code in ``ucum:Cel``, ``…ucum.html#Cel`` or ``…/uom/UCUM/0/Cel``."""
    _, found, code = definition.rpartition("/uom/UCUM/0/")
    if found:
        return unquote(code)
    head, _, code = definition.replace("ucum:", "ucum#").rpartition("#")
    known = "ucum" in head.casefold() or "unitsofmeasure" in head.casefold()
    return code if known and not code.startswith("para-") else ""


def _read_id(entity: Mapping[str, Any]) -> str:
    name = entity.get("@iot.id")
    if isinstance(name, bool) or not isinstance(name, int | str):
        raise ValueError("it has no @iot.id")  # noqa: TRY004  set aside like any other
    text = str(name).strip()
    if not 0 < len(text) <= _LONGEST or not text.isprintable():
        raise ValueError(f"its @iot.id {text[:40]!r} is no name")
    return text


def _literal(name: object) -> str:
    """Id as it stands in an address (OGC 18-088, 9.2.3)."""
    if isinstance(name, int):
        return str(name)
    return quote("'{}'".format(str(name).replace("'", "''")), safe="'")


def _some(*texts: object) -> tuple[str, ...]:
    return tuple(dict.fromkeys(filter(None, map(_text, texts))))


def _text(value: object) -> str:
    """Text for a person or a comparison; empty where there is none."""
    if not isinstance(value, str):
        return ""
    return "".join(c for c in value[:_LONGEST] if c.isprintable()).strip()


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def _object(value: object, what: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise ValueError(f"there is no {what}")  # noqa: TRY004  set aside like any other
    return value
