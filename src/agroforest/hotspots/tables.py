"""Events as rows: what is said of each, and which comes first."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agroforest.hotspots.detections import Confidence, Instrument
from agroforest.hotspots.districts import Districts
from agroforest.hotspots.events import Events
from agroforest.hotspots.land_cover import CoverShares

#: Half of what lies in the pixels; arbitrary.
CROP_SHARE = 0.5
#: Columns of a table by name, all of one length.
Table = dict[str, NDArray[Any]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Findings:
    """Events and what is known of their places.

    Attributes
    ----------
    events
        The events.
    static
        ``(detections,)`` bool: on a static source.
    cover
        Land cover in the pixels; None without a layer.
    layers
        Name of a layer (``county``, ``township``) and the layer.
    """

    events: Events
    static: NDArray[np.bool_]
    cover: CoverShares | None
    layers: Mapping[str, Districts]


def build_table(findings: Findings, *, now: datetime, utc_offset_hours: float) -> Table:
    """Describe each event in a row, in the order in which to look at them.

    Burning ones before static sources; among them those with a VIIRS detection of
    nominal or high confidence, then those of other instruments, then those of low
    confidence only; among these the latest first.

    Parameters
    ----------
    findings
        The events.
    now
        Ages are counted to this time.
    utc_offset_hours
        Of the local times.

    Returns
    -------
    dict of arrays
        Columns of one row an event, listed in docs/fire-hotspots.md; ``place`` is the
        event's own place in `Findings.events`.
    """
    events = findings.events
    table: Table = {"place": np.arange(len(events)), "id": events.id}
    table |= _when(events, now, utc_offset_hours)
    table |= _what(events)
    static = events.total(findings.static) / np.maximum(events.size, 1)
    table |= {"static": static == 1.0, "static_share": static.round(3)}
    if findings.cover is not None:
        table |= _cover(events, findings.cover)
    for name, layer in findings.layers.items():
        table |= _places(events, name, layer)
    low = events.confidence == Confidence.LOW
    grade = np.where(events.sure_viirs, 0, np.where(low, 2, 1))
    order = np.lexsort(
        (events.id, -events.last.astype(np.int64), grade, table["static"])
    )
    rows = {name: column[order] for name, column in table.items()}
    return {"rank": np.arange(1, len(events) + 1)} | rows


def _when(events: Events, now: datetime, hours: float) -> Table:
    moment = np.datetime64(now.replace(tzinfo=None), "s")
    return {
        "first_utc": _times(events.first, 0.0),
        "last_utc": _times(events.last, 0.0),
        "first_local": _times(events.first, hours),
        "last_local": _times(events.last, hours),
        "age_h": ((moment - events.last) / np.timedelta64(3600, "s")).round(2),
    }


def _what(events: Events) -> Table:
    seen = events.detections
    longitude, latitude = events.centre
    grades = np.array([grade.name.lower() for grade in Confidence])
    night = events.total(~seen.day) / np.maximum(events.size, 1)
    return {
        "longitude": longitude.round(5),
        "latitude": latitude.round(5),
        "detections": events.size,
        "viirs": events.count(Instrument.VIIRS),
        "modis": events.count(Instrument.MODIS),
        "satellites": _satellites(events),
        "confidence": grades[events.confidence],
        "frp_max_mw": events.greatest(seen.frp).astype(np.float64).round(2),
        "frp_sum_mw": _sum(events, seen.frp).round(2),
        "night_share": night.round(3),
    }


def _times(times: NDArray[np.datetime64], hours: float) -> NDArray[np.str_]:
    """ISO 8601 with the offset."""
    shifted = times + np.timedelta64(round(hours * 3600), "s")
    minutes = abs(round(hours * 60))
    suffix = f"{'-' if hours < 0 else '+'}{minutes // 60:02d}:{minutes % 60:02d}"
    written = np.datetime_as_string(shifted, unit="m")
    return np.char.add(written, suffix if minutes else "Z")


def _sum(events: Events, values: NDArray[np.float32]) -> NDArray[np.float64]:
    """Sum without NaN; NaN where there is nothing else."""
    known = np.isfinite(values)
    total = events.total(np.where(known, values, 0.0))
    return np.where(events.total(known) > 0, total, np.nan)


def _satellites(events: Events) -> NDArray[np.object_]:
    """Names of the satellites that saw each event, sorted and joined."""
    names, which = np.unique(events.detections.satellite, return_inverse=True)
    joined = np.full(len(events), "", dtype=object)
    for number, name in enumerate(names.tolist()):
        saw = events.total(which == number) > 0
        joined[saw] = [f"{text} {name}" if text else name for text in joined[saw]]
    return joined


def _cover(events: Events, cover: CoverShares) -> Table:
    """Mean shares over each event's detections, and what they suggest."""
    shares = {}
    for name, values in (
        ("crop_share", cover.crop),
        ("sugarcane_share", cover.sugarcane),
    ):
        total, known = _sum(events, values), events.total(np.isfinite(values))
        shares[name] = (total / np.maximum(known, 1)).round(3)
    crop = shares["crop_share"]
    flag = np.where(crop >= CROP_SHARE, "suspected", "no")
    return shares | {"crop_burning": np.where(np.isnan(crop), "unknown", flag)}


def _places(events: Events, name: str, layer: Districts) -> Table:
    """District that holds most of an event's detections, and how many hold some."""
    seen = events.detections
    where = layer.locate(seen.longitude, seen.latitude)
    count = len(layer) + 1
    pairs, hits = np.unique(events.of * count + where % count, return_counts=True)
    event, district = np.divmod(pairs, count)
    # Any district before the outside, which is the last; a tie goes to the first.
    order = np.lexsort((district, -hits, district == count - 1, event))
    main = district[order][np.unique(event[order], return_index=True)[1]]
    columns = {
        "code": [d.code for d in layer.districts],
        "zh": [d.name_zh for d in layer.districts],
        "en": [d.name_en for d in layer.districts],
    }
    table: Table = {
        f"{name}_{key}": np.array([*values, ""], dtype=object)[main]
        for key, values in columns.items()
    }
    inside = event[district < count - 1]
    return table | {f"{name}_count": np.bincount(inside, minlength=len(events))}
