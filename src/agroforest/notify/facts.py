"""What a message says of a case: plain values that the outbox keeps."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pyproj import Geod

from agroforest.core.account import Account, Right, Role
from agroforest.core.fire import FireFacts
from agroforest.core.review import Case

Facts = Mapping[str, Any]

#: Names of places that a message lists; the rest is counted.
_NAMED = 3
_GEOD = Geod(ellps="WGS84")
#: Where exactly it is: not for everybody.
_EXACT = frozenset({"longitude", "latitude", "road"})


@dataclass(frozen=True, kw_only=True, slots=True)
class RoadPoint:
    """The point of a road that is nearest to a case.

    Attributes
    ----------
    name_zh, name_en
        Of the road or the place on it.
    longitude, latitude
        Degrees, WGS 84.
    """

    name_zh: str
    name_en: str
    longitude: float
    latitude: float


def describe_case(
    case: Case,
    *,
    fire: FireFacts | None = None,
    names: Mapping[str, tuple[str, str]] | None = None,
    road: RoadPoint | None = None,
    simulated: bool = False,
) -> dict[str, Any]:
    """Put what messages say of a case into plain values.

    Parameters
    ----------
    case
        As it is after what is told.
    fire
        Of an active fire.
    names
        Chinese and English name of the parcels and compartments by id.
    road
        Nearest point of a road, where known.
    simulated
        Whether the scenes never existed.

    Returns
    -------
    dict
        Lengths in kilometres, areas in hectares, times in ISO 8601.
    """
    names = names or {}
    point = case.geometry.representative_point()
    found: dict[str, Any] = {
        "hazard": str(case.hazard),
        "simulated": simulated,
        "county_code": case.county[0],
        "county": [case.county[1], case.county[2]],
        "places": [
            {"id": each, "name": list(names.get(each, (each, each)))}
            for each in case.places
        ],
        "longitude": round(point.x, 5),
        "latitude": round(point.y, 5),
        "area_ha": round(case.area_ha, 4),
        "probability": case.probability,
        "first_night": case.first_night.isoformat(),
        "evidence": case.evidence.isoformat(),
        "reason": None if case.reason is None else str(case.reason),
    }
    if road is not None:
        found["road"] = _describe_road(road, point.x, point.y)
    if fire is not None:
        event = fire.event
        found |= {
            "township": list(event.township),
            "first_seen": event.first.isoformat(),
            "last_seen": event.last.isoformat(),
            "detections": event.detections,
            "looks": event.looks,
            "confidence": str(event.confidence),
            "verify_by": fire.verify_by.isoformat(),
        }
        if not any(found["county"]):
            found["county"] = list(event.county)
    check = case.check
    if check is not None and check.done is None:
        found["check"] = {
            "by": check.by,
            "due": None if check.due is None else check.due.isoformat(),
            "sample": check.sample,
        }
    return found


def show_to(facts: Facts, account: Account) -> dict[str, Any]:
    """Leave out what somebody may not see: where exactly, and others' parcels."""
    shown = dict(facts)
    places = shown.get("places", [])
    if account.role is Role.FARMER:
        places = [each for each in places if each["id"] in account.parcels]
    elif not account.may(Right.SEE_EXACT):
        shown = {name: value for name, value in shown.items() if name not in _EXACT}
    if "places" in shown:
        farmer = account.role is Role.FARMER
        count = len(places) if farmer else shown.get("place_count", len(places))
        shown |= {"places": places[:_NAMED], "place_count": count}
    return shown


def _describe_road(road: RoadPoint, longitude: float, latitude: float) -> Facts:
    """Way from the road's point to the place."""
    bearing, _, metres = _GEOD.inv(road.longitude, road.latitude, longitude, latitude)
    return {
        "name": [road.name_zh, road.name_en],
        "km": round(metres / 1000, 2),
        "bearing": round(bearing % 360) % 360,
    }
