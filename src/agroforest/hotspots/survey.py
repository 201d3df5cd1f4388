"""The whole of it: files of detections in, tables of events out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import numpy as np

from agroforest.core.errors import AgroforestError, ConfigurationError, NoInputError
from agroforest.hotspots.datum import Datum
from agroforest.hotspots.detections import Detections
from agroforest.hotspots.districts import Districts, read_districts
from agroforest.hotspots.events import GAP_HOURS, no_events, step
from agroforest.hotspots.firms import Feed, FileRows, Refused, join_feeds, read_file
from agroforest.hotspots.land_cover import CoverShares, find_cover
from agroforest.hotspots.static import (
    StaticSource,
    find_static,
    learn_static,
    read_static,
    write_static,
)
from agroforest.hotspots.tables import Findings, Table, build_table
from agroforest.hotspots.writing import write_csv, write_detections, write_geojson

_EVENTS, _TABLE = "events.geojson", "events.csv"
_DETECTIONS, _SOURCES = "detections.csv", "static_sources.geojson"


@dataclass(frozen=True, kw_only=True, slots=True)
class HotspotRequest:
    """What to make of which detections.

    Attributes
    ----------
    files
        CSV files of FIRMS; a ``detections.csv`` of an earlier run is one, too.
    tables
        Detections that were read elsewhere, as of `firms_api` or of images.
    notes, unreadable
        What is to be said of those, and of what could not be read: one line each.
    out
        Folder to write into.
    now
        Ages are counted to this time, UTC.
    boundaries, townships
        Layers of counties and of towns.
    reference
        Layer known to be in WGS 84; the two above are compared with it.
    datum
        What the coordinates of `boundaries` and `townships` are; see
        `districts.read_districts`.
    land_cover
        See `land_cover.find_cover`.
    static
        Mask of static sources; learned from the detections unless given.
    gap_hours
        See `links.label_chains`; 24 to 48.
    utc_offset_hours
        Of the local times.
    """

    files: tuple[Path, ...] = ()
    tables: tuple[FileRows, ...] = ()
    notes: tuple[str, ...] = ()
    unreadable: tuple[str, ...] = ()
    out: Path
    now: datetime
    boundaries: Path | None = None
    townships: Path | None = None
    reference: Path | None = None
    datum: Datum | None = None
    land_cover: Path | None = None
    static: Path | None = None
    gap_hours: float = GAP_HOURS
    utc_offset_hours: float = 8.0


@dataclass(frozen=True, kw_only=True, slots=True)
class HotspotReport:
    """What came of it.

    Attributes
    ----------
    detections
        Used ones.
    refused, repeated
        Rows that were set aside, and why.
    unreadable
        Files and scenes that could not be used: one line each.
    events
        How many.
    burning, static
        Of them: those with a detection off the static sources, and those without.
    crop_burning
        Events suspected to be burning fields; None without land cover.
    outside
        Events outside every county; None without boundaries.
    sources
        Static sources of the mask.
    notes
        What the operator should know: of which datum a layer was taken to be, what
        was seen after the moment asked about.
    files
        What was written.
    """

    detections: int
    refused: tuple[Refused, ...]
    repeated: tuple[Refused, ...]
    unreadable: tuple[str, ...]
    events: int
    burning: int
    static: int
    crop_burning: int | None
    outside: int | None
    sources: int
    notes: tuple[str, ...]
    files: tuple[Path, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Survey:
    """What was written, and the events themselves.

    Attributes
    ----------
    report
        What came of it.
    table
        Events in the order in which to look at them; see `tables.build_table`.
    layers
        ``county`` and ``township``, where they were given.
    """

    report: HotspotReport
    table: Table
    layers: Mapping[str, Districts]


def write_hotspots(request: HotspotRequest) -> HotspotReport:
    """Group detections into events, say where they are, and write them.

    See `survey_hotspots` for the errors.
    """
    return survey_hotspots(request).report


def survey_hotspots(request: HotspotRequest) -> Survey:
    """Do what `write_hotspots` does, and return the events, too.

    Raises
    ------
    ConfigurationError
        No input is named, or a layer cannot be used.
    DataError
        A layer is shifted (GCJ-02) and nobody said what to do.
    NoInputError
        No file can be read, or none of the rows.
    """
    layers, notes = _read_layers(request)
    notes = [*request.notes, *notes]
    feed, unreadable = _read_feed(request)
    feed, later = _until(feed, request.now)
    notes += later
    events = step(no_events(), feed.detections, gap_hours=request.gap_hours)
    sources = _settle_sources(request, events.detections)
    cover: CoverShares | None = None
    if request.land_cover is not None:
        cover = find_cover(events.detections, request.land_cover)
    findings = Findings(
        events=events,
        static=find_static(events.detections, sources),
        cover=cover,
        layers=layers,
    )
    table = build_table(
        findings, now=request.now, utc_offset_hours=request.utc_offset_hours
    )
    files = [request.out / n for n in (_EVENTS, _TABLE, _DETECTIONS, _SOURCES)]
    write_geojson(files[0], table, events.outlines())
    write_csv(files[1], table)
    write_detections(files[2], findings)
    write_static(files[3], sources)
    report = _report(feed, unreadable, table, notes, sources, files)
    return Survey(report=report, table=table, layers=layers)


def _read_layers(request: HotspotRequest) -> tuple[dict[str, Districts], list[str]]:
    layers: dict[str, Districts] = {}
    notes = []
    named = {"county": request.boundaries, "township": request.townships}
    for name, path in named.items():
        if path is None:
            continue
        reference = request.reference or _sound(layers)
        layer = read_districts(path, datum=request.datum, reference=reference)
        layers[name] = layer
        note = _say_datum(layer, request)
        if note:
            notes.append(note)
    return layers, notes


def _sound(layers: Mapping[str, Districts]) -> Path | None:
    """File of a layer that is in WGS 84, to compare the next one with."""
    sources = (n.source for n in layers.values() if n.verdict.datum == Datum.WGS84)
    return next(sources, None)


def _say_datum(layer: Districts, request: HotspotRequest) -> str:
    verdict = layer.verdict
    if layer.corrected:
        return f"{layer.source}: GCJ-02, moved back by {verdict.shift_m:.0f} m"
    if request.datum is None and verdict.datum == Datum.UNKNOWN:
        return (
            f"{layer.source}: {verdict.reason}; taken as WGS 84. In GCJ-02 it would "
            f"be {verdict.shift_m:.0f} m off: pass --reference with a layer in WGS 84"
        )
    return ""


def _read_feed(request: HotspotRequest) -> tuple[Feed, list[str]]:
    """Read what can be read; a bad file does not stop the others."""
    tables, unreadable = list(request.tables), list(request.unreadable)
    if not request.files and not tables and not unreadable:
        raise ConfigurationError(
            "fire hotspots", "names no detections", "give CSV files of FIRMS or scenes"
        )
    for path in request.files:
        try:
            tables.append(read_file(path))
        except AgroforestError as error:
            unreadable.append(str(error))
    if not tables:
        raise NoInputError(
            ", ".join(map(str, request.files)) or "fire hotspots",
            f"no usable file ({unreadable[0]})",
            "give CSV files as FIRMS serves them, or level-1 scenes",
        )
    feed = join_feeds(tables)
    if not len(feed.detections) and feed.refused:
        row = feed.refused[0]
        raise NoInputError(
            row.file,
            f"no usable row; line {row.line}: {row.reason}",
            "give CSV files as FIRMS serves them",
        )
    return feed, unreadable


def _until(feed: Feed, now: datetime) -> tuple[Feed, list[str]]:
    """Leave out what was seen after the moment that is asked about."""
    moment = np.datetime64(now.replace(tzinfo=None), "s")
    past = feed.detections.time <= moment
    later = int((~past).sum())
    if not later:
        return feed, []
    note = f"{later} detections after {moment} UTC left out"
    return replace(feed, detections=feed.detections.take(past)), [note]


def _settle_sources(
    request: HotspotRequest, detections: Detections
) -> list[StaticSource]:
    if request.static is not None:
        return read_static(request.static)
    return learn_static(detections)


def _report(
    feed: Feed,
    unreadable: Sequence[str],
    events: Table,
    notes: Sequence[str],
    sources: Sequence[StaticSource],
    files: Sequence[Path],
) -> HotspotReport:
    static = int(events["static"].sum())
    crops = outside = None
    if "crop_burning" in events:
        crops = int((events["crop_burning"] == "suspected").sum())
    if "county_count" in events:
        outside = int(np.sum(events["county_count"] == 0))
    return HotspotReport(
        detections=len(feed.detections),
        refused=feed.refused,
        repeated=feed.repeated,
        unreadable=tuple(unreadable),
        events=len(events["id"]),
        burning=len(events["id"]) - static,
        static=static,
        crop_burning=crops,
        outside=outside,
        sources=len([s for s in sources if not s.burns]),
        notes=tuple(notes),
        files=tuple(files),
    )
