"""A page of fire events: where it burns, how long ago, and how sure that is."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import shapely
from shapely.geometry.base import BaseGeometry

from agroforest.core.fire import EventConfidence, EventKind
from agroforest.maps.layers import both, text
from agroforest.maps.page import Notice

Json = dict[str, Any]

#: Age in hours (at most) and colour, newest first: dark red fades to yellow, then to
#: grey. Steps of one, two and four overpasses of a day, two days, a week; arbitrary.
EVENT_AGES: tuple[tuple[float | None, str], ...] = (
    (6.0, "#7a0177"),
    (12.0, "#d7191c"),
    (24.0, "#f46d1b"),
    (48.0, "#fdb338"),
    (168.0, "#f7e98a"),
    (None, "#aab2b8"),
)
#: Events drawn, those to look at first; a phone still pans with as many. Arbitrary.
MOST_EVENTS = 20_000
_DIGITS = 5  # of a degree: a metre
# Degrees: boundaries are drawn to about 50 m, a tenth of a pixel of the detections.
_OUTLINE_TOLERANCE = 0.0005
_MARGIN = 0.05  # degrees around what is shown
_NOWHERE = (73.0, 18.0, 135.0, 54.0)  # without events or boundaries: China, degrees


@dataclass(frozen=True, kw_only=True, slots=True)
class FireEvent:
    """One event, as it is shown.

    Attributes
    ----------
    id
        Digest of the first detection.
    longitude, latitude
        Centre, degrees, WGS 84.
    kind
        Fire, burning of fields, or a static source.
    confidence
        Of the surest detection.
    age_h
        Hours from last seen to the page's time.
    first_utc, last_utc, first_local, last_local
        First and last seen, ISO 8601 with the offset.
    detections, viirs, modis
        How many in all, and by which instrument.
    satellites
        Names, separated by spaces.
    frp_max_mw
        Greatest radiative power of a detection, MW; None where unknown.
    county, township
        Chinese and English name; empty where unknown.
    crop_share
        Share of fields in the pixels, 0..1; None without land cover.
    """

    id: str
    longitude: float
    latitude: float
    kind: EventKind
    confidence: EventConfidence
    age_h: float
    first_utc: str
    last_utc: str
    first_local: str
    last_local: str
    detections: int
    viirs: int
    modis: int
    satellites: str = ""
    frp_max_mw: float | None = None
    county: tuple[str, str] = ("", "")
    township: tuple[str, str] = ("", "")
    crop_share: float | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class HotspotPage:
    """Everything on one page of fire events.

    Attributes
    ----------
    events
        In the order in which to look at them; the first `MOST_EVENTS` are shown.
    total
        Events found; the page says so where it shows fewer.
    now
        Ages are counted to this time.
    now_local
        The same as text, in local time.
    boundaries
        Polygons to draw, degrees, WGS 84.
    version
        Of this package.
    notices
        What the reader must know.
    sources
        Names of the files the events come from.
    """

    events: Sequence[FireEvent]
    total: int
    now: datetime
    now_local: str
    boundaries: Sequence[BaseGeometry] = field(default=(), repr=False)
    version: str
    notices: tuple[Notice, ...] = ()
    sources: tuple[str, ...] = ()


def build_hotspot_page(page: HotspotPage) -> str:
    """Build a page as one HTML document that makes no network request.

    The same page gives the same bytes. Strings of the page are shown as text,
    whatever they contain.
    """
    # folium takes half a second to import; a run that writes no page does not need it.
    from agroforest.maps.document import build_document  # noqa: PLC0415  see above

    return build_document(build_hotspot_data(page), title="火点")


def build_hotspot_data(page: HotspotPage) -> Json:
    """Everything the page shows, JSON-ready; columns of events are of one length."""
    shown = list(page.events[:MOST_EVENTS])
    lines = draw_outlines(page.boundaries)
    return {
        "page": "hotspots",
        "now": page.now.strftime("%Y-%m-%dT%H:%MZ"),
        "nowLocal": text(page.now_local),
        "version": text(page.version),
        "bounds": _bounds(shown, page.boundaries),
        "ages": [{"hours": hours, "color": color} for hours, color in EVENT_AGES],
        "kinds": [str(kind) for kind in EventKind],
        "confidences": [str(grade) for grade in EventConfidence],
        "total": page.total,
        "hasCounties": bool(page.boundaries),
        "boundaries": lines,
        "notices": [both(n.zh, n.en) for n in page.notices],
        "sources": [text(name) for name in page.sources],
        **event_columns(shown),
    }


class _Names:
    """Names of places, each kept once and known by its number."""

    def __init__(self) -> None:
        self.known: list[Json] = []
        self._number: dict[tuple[str, str], int] = {}

    def number(self, name: tuple[str, str]) -> int:
        """Return the number of a name, -1 for the empty one."""
        if not any(name):
            return -1
        if name not in self._number:
            self._number[name] = len(self.known)
            self.known.append(both(*name))
        return self._number[name]


def event_columns(events: Sequence[FireEvent]) -> Json:
    """Events as columns instead of objects, a third of the bytes, and their names."""
    names = _Names()
    kinds, grades = list(EventKind), list(EventConfidence)
    return {
        "events": {
            "id": [text(e.id) for e in events],
            "lat": [round(e.latitude, _DIGITS) for e in events],
            "lon": [round(e.longitude, _DIGITS) for e in events],
            "kind": [kinds.index(e.kind) for e in events],
            "confidence": [grades.index(e.confidence) for e in events],
            "age": [round(e.age_h, 1) for e in events],
            "firstUtc": [text(e.first_utc) for e in events],
            "lastUtc": [text(e.last_utc) for e in events],
            "firstLocal": [text(e.first_local) for e in events],
            "lastLocal": [text(e.last_local) for e in events],
            "detections": [e.detections for e in events],
            "viirs": [e.viirs for e in events],
            "modis": [e.modis for e in events],
            "satellites": [text(e.satellites) for e in events],
            "frp": [_rounded(e.frp_max_mw, 1) for e in events],
            "county": [names.number(e.county) for e in events],
            "township": [names.number(e.township) for e in events],
            "crop": [_rounded(e.crop_share, 2) for e in events],
        },
        "names": names.known,
    }


def _rounded(value: float | None, digits: int) -> float | None:
    return None if value is None else round(value, digits)


def _bounds(
    events: Sequence[FireEvent], boundaries: Sequence[BaseGeometry]
) -> list[list[float]]:
    """Corners of what the map shows first: the boundaries, else the events."""
    west, south, east, north = _NOWHERE
    if boundaries:
        west, south, east, north = shapely.total_bounds(list(boundaries)).tolist()
    elif events:
        west, east = _ends(e.longitude for e in events)
        south, north = _ends(e.latitude for e in events)
    corners = ((south - _MARGIN, west - _MARGIN), (north + _MARGIN, east + _MARGIN))
    return [[round(value, _DIGITS) for value in corner] for corner in corners]


def _ends(values: Iterable[float]) -> tuple[float, float]:
    known = sorted(values)
    return known[0], known[-1]


def draw_outlines(boundaries: Sequence[BaseGeometry]) -> list[list[list[float]]]:
    """Lines of latitude and longitude, thinned to what the eye can tell."""
    lines = []
    for shape in boundaries:
        thin = shapely.simplify(shape, _OUTLINE_TOLERANCE).boundary
        for line in shapely.get_parts(thin):
            points = shapely.get_coordinates(line)[:, ::-1].round(_DIGITS)
            lines.append(points.tolist())
    return lines
