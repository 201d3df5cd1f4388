"""Hotspots of a night: feeds read, and what of them burns in the area."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from agroforest.core.errors import AgroforestError
from agroforest.core.fire import EventConfidence, EventKind, HotspotEvent
from agroforest.hotspots.detections import Detections, index_places
from agroforest.hotspots.districts import Districts
from agroforest.hotspots.events import Events, no_events, step
from agroforest.hotspots.firms import Feed, FileRows, join_feeds, read_file
from agroforest.hotspots.land_cover import CoverShares, find_cover
from agroforest.hotspots.static import StaticSource, find_static, learn_static
from agroforest.hotspots.tables import Findings, Table, build_table

#: Days before the moment whose detections are grouped. An event that goes on longer
#: is followed back to its beginning. Our choice.
WINDOW_DAYS = 30
# A pixel at the edge of the scan reaches two kilometres into the area.
_MARGIN_DEGREES = 0.02


class FeedReader:
    """Reads feeds; a file is read again only when it has changed."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, int, int], FileRows] = {}

    def read(self, patterns: Sequence[str]) -> tuple[Feed, tuple[AgroforestError, ...]]:
        """Read what the patterns name.

        Returns
        -------
        tuple
            Detections, each once; and why files cannot be read.
        """
        found, refused = {}, []
        for path in sorted({path for p in patterns for path in _match(Path(p))}):
            try:
                stat = path.stat()
                key = (str(path), stat.st_size, stat.st_mtime_ns)
                found[key] = self._known.get(key) or read_file(path)
            except OSError:
                continue  # gone since it was listed: the next night sees
            except AgroforestError as error:
                refused.append(error)
        self._known = found
        return join_feeds(list(found.values())), tuple(refused)


def _match(pattern: Path) -> Iterator[Path]:
    root = Path(pattern.anchor)
    return root.glob(str(pattern.relative_to(root)))


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Surroundings:
    """What is known of the places where it burns.

    Attributes
    ----------
    area
        Of interest, WGS 84.
    layers
        ``county`` and ``township``, where they were given.
    land_cover
        See `agroforest.hotspots.land_cover.find_cover`.
    static
        A mask of static sources; ``None`` to learn it from the detections.
    gap_hours
        An event may go unseen this long.
    utc_offset_hours
        Of the local times.
    """

    area: BaseGeometry = field(repr=False)
    layers: Mapping[str, Districts] = field(default_factory=dict, repr=False)
    land_cover: Path | None = None
    static: tuple[StaticSource, ...] | None = field(default=None, repr=False)
    gap_hours: float = 36.0
    utc_offset_hours: float = 8.0


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Sightings:
    """Events of the last weeks, as they were known at a moment.

    Attributes
    ----------
    events
        In the order in which to look at them.
    table
        The same as columns; see `agroforest.hotspots.tables.build_table`.
    outlines
        ``(n,)`` object, by the column ``place`` of the table.
    detections
        How many detections they are made of.
    sources
        Static sources in the area.
    """

    events: tuple[HotspotEvent, ...] = field(repr=False)
    table: Table = field(repr=False)
    outlines: NDArray[np.object_] = field(repr=False)
    detections: int
    sources: int


def pick(detections: Detections, area: BaseGeometry, moment: datetime) -> Detections:
    """Pick detections in and around an area that had been made by a moment."""
    around = area.buffer(_MARGIN_DEGREES)
    places = index_places(detections.longitude, detections.latitude)
    inside = np.zeros(len(detections), dtype=np.bool_)
    inside[places.query(around, predicate="intersects")] = True
    return detections.take(inside & (detections.time <= _time(moment)))


def find_sightings(
    detections: Detections,
    surroundings: Surroundings,
    *,
    moment: datetime,
    oldest: datetime | None = None,
) -> Sightings:
    """Group detections into events and say what each is taken for.

    Parameters
    ----------
    detections
        Of the area, up to the moment; see `pick`.
    surroundings
        What is known of the places.
    moment
        Ages are counted to it.
    oldest
        When the oldest fire began that is still followed.
    """
    sources = surroundings.static
    if sources is None:
        sources = tuple(learn_static(detections))
    start = moment - timedelta(days=WINDOW_DAYS)
    start = min(start, oldest) if oldest is not None else start
    recent = detections.take(detections.time >= _time(start))
    events = step(no_events(), recent, gap_hours=surroundings.gap_hours)
    cover: CoverShares | None = None
    if surroundings.land_cover is not None:
        cover = find_cover(events.detections, surroundings.land_cover)
    findings = Findings(
        events=events,
        static=find_static(events.detections, sources),
        cover=cover,
        layers=surroundings.layers,
    )
    table = build_table(
        findings, now=moment, utc_offset_hours=surroundings.utc_offset_hours
    )
    outlines = events.outlines()
    return Sightings(
        events=tuple(_describe(events, table, outlines)),
        table=table,
        outlines=outlines,
        detections=len(events.detections),
        sources=sum(not s.burns for s in sources),
    )


def _describe(
    events: Events, table: Table, outlines: NDArray[np.object_]
) -> list[HotspotEvent]:
    looks = _count_looks(events)
    rows = zip(*table.values(), strict=True)
    named = (dict(zip(table, row, strict=True)) for row in rows)
    return [_event(row, events, looks, outlines) for row in named]


def _event(
    row: Mapping[str, Any],
    events: Events,
    looks: NDArray[np.int64],
    outlines: NDArray[np.object_],
) -> HotspotEvent:
    place = int(row["place"])
    share = row.get("crop_share")
    unknown = row.get("crop_burning", "unknown") == "unknown"
    return HotspotEvent(
        id=str(row["id"]),
        geometry=shapely.normalize(outlines[place]),
        longitude=float(row["longitude"]),
        latitude=float(row["latitude"]),
        kind=_kind(row),
        confidence=EventConfidence(str(row["confidence"])),
        sure_viirs=bool(events.sure_viirs[place]),
        first=_moment(events.first[place]),
        last=_moment(events.last[place]),
        looks=int(looks[place]),
        detections=int(row["detections"]),
        viirs=int(row["viirs"]),
        modis=int(row["modis"]),
        satellites=tuple(str(row["satellites"]).split()),
        frp_max_mw=_known(row["frp_max_mw"]),
        county=(str(row.get("county_zh", "")), str(row.get("county_en", ""))),
        county_code=str(row.get("county_code", "")),
        township=(str(row.get("township_zh", "")), str(row.get("township_en", ""))),
        crop_share=None if unknown or share is None else float(share),
    )


def _kind(row: Mapping[str, Any]) -> EventKind:
    if row["static"]:
        return EventKind.STATIC
    crops = row.get("crop_burning") == "suspected"
    return EventKind.CROP if crops else EventKind.FIRE


def _count_looks(events: Events) -> NDArray[np.int64]:
    """``(n,)``: overpasses that saw each event; pixels of one minute are one look."""
    seen = events.detections
    minutes = seen.time.astype("datetime64[m]").astype(np.int64)
    _, satellite = np.unique(seen.satellite, return_inverse=True)
    passes = np.unique(np.stack([events.of, satellite, minutes]), axis=1)
    return np.bincount(passes[0], minlength=len(events))


def _known(value: object) -> float | None:
    number = float(value)  # type: ignore[arg-type]
    return number if np.isfinite(number) else None


def _time(moment: datetime) -> np.datetime64:
    return np.datetime64(moment.astimezone(UTC).replace(tzinfo=None), "s")


def _moment(time: np.datetime64) -> datetime:
    seconds = int(time.astype("datetime64[s]").astype(np.int64))
    return datetime.fromtimestamp(seconds, tz=UTC)
