"""Observations, alerts and what changes about them."""

from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum

from shapely.geometry.base import BaseGeometry

from agroforest.core.risk import Hazard


class AlertStatus(StrEnum):
    """Where an alert stands in its life."""

    OPEN = "open"  #: seen, and not contradicted by newer clear observations
    RELEASED = "released"  #: newer clear observations no longer show it
    CLOSED = "closed"  #: released for long enough, or ended by a person


class Change(StrEnum):
    """What a night did to an alert."""

    NEW = "new"
    GROWN = "grown"
    RELEASED = "released"
    REOPENED = "reopened"
    CLOSED = "closed"
    MERGED = "merged"  #: grew together with an older alert, which goes on


@dataclass(frozen=True, kw_only=True, slots=True)
class Observation:
    """A connected object on a risk map, one night.

    Attributes
    ----------
    tile, night, hazard, model
        As on the risk map.
    geometry
        Polygon in WGS84, following pixel edges.
    area_ha
        Area in hectares, from pixels.
    probability
        Mean over the object's pixels, 0..1.
    since
        Day of the earliest unbroken evidence among its pixels.
    evidence
        Day of the newest clear observation among its pixels.
    """

    tile: str
    night: date
    hazard: Hazard
    model: str
    geometry: BaseGeometry
    area_ha: float
    probability: float
    since: date
    evidence: date

    def patch(self, **changes: object) -> "Observation":
        """Copy with some fields changed."""
        return replace(self, **changes)  # type: ignore[arg-type]


@dataclass(frozen=True, kw_only=True, slots=True)
class Revisit:
    """What a night's risk map says inside an alert that is already known.

    Attributes
    ----------
    alert
        Id of the alert.
    pixels
        Pixels of the alert that lie on the map: the weight of this word when an
        alert spans several tiles.
    detected
        Share of those pixels still detected, 0..1.
    evidence
        Newest clear observation inside it; ``None`` if there is none at all.
    """

    alert: str
    pixels: int
    detected: float
    evidence: date | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Alert:
    """An object that someone should look at, followed over nights.

    Attributes
    ----------
    id
        Digest of hazard, first night and place; the same nights always give the
        same ids.
    pipeline
        The pipeline that raised it.
    hazard, model
        As on the observation that was seen last.
    status
        Where it stands.
    geometry
        Union of what was seen, WGS84.
    area_ha
        Area seen last, hectares.
    reported_area_ha
        Area when the last change was reported; growth is measured from it, so
        many small steps add up to one.
    probability
        Mean probability of the last observation; ``None`` where nobody gave one, as
        of heat seen from space.
    first_night, last_night
        First and last night on which it was observed.
    since
        Day of the earliest evidence.
    evidence
        Day of the newest clear observation behind it.
    changed
        Night of the last change of status or growth.
    places
        Ids of the parcels and compartments it touches, largest overlap first.
    """

    id: str
    pipeline: str
    hazard: Hazard
    model: str
    status: AlertStatus
    geometry: BaseGeometry
    area_ha: float
    reported_area_ha: float
    probability: float | None
    first_night: date
    last_night: date
    since: date
    evidence: date
    changed: date
    places: tuple[str, ...] = ()

    @property
    def living(self) -> bool:
        """Whether it may still change by what is observed."""
        return self.status != AlertStatus.CLOSED

    def patch(self, **changes: object) -> "Alert":
        """Copy with some fields changed."""
        return replace(self, **changes)  # type: ignore[arg-type]


@dataclass(frozen=True, kw_only=True, slots=True)
class Instruction:
    """Something the rooms below must make true: one change of one alert.

    Attributes
    ----------
    alert
        Id of the alert.
    night
        The night that changed it.
    change
        What happened.
    area_ha
        Area after the change.
    into
        The alert that goes on, when this one was merged.
    """

    alert: str
    night: date
    change: Change
    area_ha: float
    into: str | None = None

    @property
    def key(self) -> str:
        """Unique per alert, night and change: the outbox and the log use it."""
        return f"{self.alert}:{self.night.isoformat()}:{self.change}"
