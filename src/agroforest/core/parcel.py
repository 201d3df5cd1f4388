"""What the farmer says of a parcel: crop, sowing, soil, irrigation, probes."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from agroforest.core.aoi import Place
from agroforest.core.errors import ConfigurationError

#: Ways of irrigation, as `agroforest.water.plot.EFFICIENCY` names them.
METHODS = ("surface", "sprinkler", "drip")
_EVERY_YEAR = re.compile(r"(\d{1,2})-(\d{1,2})")
_TRUE, _FALSE = {"true", "yes", "1", "是"}, {"false", "no", "0", "否"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Sowing:
    """When a crop is sown or planted.

    Attributes
    ----------
    month, day
        Of the year.
    year
        ``None`` if it is so every year.
    """

    month: int
    day: int
    year: int | None = None

    def latest(self, day: date) -> date | None:
        """Newest sowing up to a day, ``None`` before the first."""
        if self.year is not None:
            sown = date(self.year, self.month, self.day)
            return sown if sown <= day else None
        this_year = date(day.year, self.month, self.day)
        return this_year if this_year <= day else this_year.replace(year=day.year - 1)


@dataclass(frozen=True, kw_only=True, slots=True)
class ParcelFacts:
    """What a parcel's properties say; ``None`` and empty where they say nothing.

    Attributes
    ----------
    crop
        Name of the crop, as written.
    sown
        Sowing or planting.
    perennial
        True if the stand stays from year to year.
    sand, clay
        Shares of the mineral soil.
    organic_matter
        Percent.
    field_capacity, wilting_point
        m³ of water in a m³ of soil.
    flow
        m³ an hour through its valve.
    efficiency
        Share of the water that reaches the roots.
    method
        Way of irrigation, of `METHODS`.
    most_mm
        Largest irrigation at a time, from the pipe.
    sensors
        Ids of its probes; those that stand on it unless given.
    """

    crop: str
    sown: Sowing | None = None
    perennial: bool | None = None
    sand: float | None = None
    clay: float | None = None
    organic_matter: float | None = None
    field_capacity: float | None = None
    wilting_point: float | None = None
    flow: float | None = None
    efficiency: float | None = None
    method: str | None = None
    most_mm: float | None = None
    sensors: tuple[str, ...] | None = None


def read_facts(place: Place) -> ParcelFacts:
    """Read what a parcel says of itself.

    Parameters
    ----------
    place
        The parcel; ``aoi/README.md`` lists its properties.

    Raises
    ------
    ConfigurationError
        One line naming the parcel, the property, its value and the way out.
    """
    # Tables write what is missing as a number that does not equal itself.
    said = {key: value for key, value in place.farm.items() if value == value}
    where = f"parcel {place.id}"
    crop = str(said.get("crop") or "").strip()
    if not crop:
        raise ConfigurationError(where, "names no crop", "write its property crop")
    facts = ParcelFacts(
        crop=crop,
        sown=_sowing(where, said.get("sown")),
        perennial=_flag(where, said, "perennial"),
        sand=_number(where, said, "sand", most=1.0),
        clay=_number(where, said, "clay", most=1.0),
        organic_matter=_number(where, said, "organic_matter", most=100.0),
        field_capacity=_number(where, said, "field_capacity", most=1.0),
        wilting_point=_number(where, said, "wilting_point", most=1.0),
        flow=_number(where, said, "flow_m3h", above=True),
        efficiency=_number(where, said, "efficiency", most=1.0, above=True),
        method=_method(where, said.get("method")),
        most_mm=_number(where, said, "most_mm", above=True),
        sensors=_sensors(where, said.get("sensors")),
    )
    for one, other in (("sand", "clay"), ("field_capacity", "wilting_point")):
        if (getattr(facts, one) is None) != (getattr(facts, other) is None):
            raise ConfigurationError(
                where, f"gives only one of {one} and {other}", "give both or neither"
            )
    return facts


def _number(
    where: str,
    said: Mapping[str, Any],
    name: str,
    *,
    most: float = float("inf"),
    above: bool = False,
) -> float | None:
    """Read a number from 0, or above it, to `most`."""
    written = said.get(name)
    if written is None or (isinstance(written, str) and not written.strip()):
        return None
    try:
        value = float("nan") if isinstance(written, bool) else float(written)
    except (TypeError, ValueError, OverflowError):
        value = float("nan")
    if (value > 0 or (value == 0 and not above)) and value <= most and value < 1e9:
        return value
    least = "above 0" if above else "from 0"
    limit = "" if most == float("inf") else f" to {most:g}"
    raise ConfigurationError(
        where, f"{name} {repr(written)[:60]} cannot be", f"give a number {least}{limit}"
    )


def _flag(where: str, said: Mapping[str, Any], name: str) -> bool | None:
    written = said.get(name)
    if written is None:
        return None
    word = str(written).strip().casefold()
    if word in _TRUE | _FALSE:
        return word in _TRUE
    raise ConfigurationError(
        where, f"{name} {written!r} is neither yes nor no", "write true or false"
    )


def _sowing(where: str, written: object) -> Sowing | None:
    if written is None or not str(written).strip():
        return None
    try:
        return _parse_sowing(written)
    except ValueError:
        raise ConfigurationError(
            where,
            f"sown {written!r} is no date",
            "write 2024-03-05, or 03-05 for every year",
        ) from None


def _parse_sowing(written: object) -> Sowing:
    if isinstance(written, datetime):
        written = written.date()
    if isinstance(written, date):
        return Sowing(year=written.year, month=written.month, day=written.day)
    text = str(written).strip()
    yearly = _EVERY_YEAR.fullmatch(text)
    if yearly:
        month, day = int(yearly[1]), int(yearly[2])
        date(2001, month, day)  # a year without 29 February
        return Sowing(month=month, day=day)
    full = date.fromisoformat(text[:10])
    if not date(1900, 1, 1) <= full <= date(2200, 1, 1) - timedelta(days=1):
        raise ValueError(text)
    return Sowing(year=full.year, month=full.month, day=full.day)


def _method(where: str, written: object) -> str | None:
    if written is None or not str(written).strip():
        return None
    method = str(written).strip().casefold()
    if method not in METHODS:
        raise ConfigurationError(
            where, f"method {written!r} is not known", f"use {', '.join(METHODS)}"
        )
    return method


def _sensors(where: str, written: object) -> tuple[str, ...] | None:
    """Ids, as a list or in one text with commas (tables have no lists)."""
    if written is None:
        return None
    if isinstance(written, str):
        return tuple(part.strip() for part in written.split(",") if part.strip())
    if isinstance(written, list | tuple) and all(isinstance(x, str) for x in written):
        return tuple(written)
    raise ConfigurationError(
        where, f"sensors {written!r} is no list of ids", 'write ["farm:3"]'
    )
