"""Events as files: GeoJSON for maps, CSV for spreadsheets, detections for next time."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from pandas.api.types import is_numeric_dtype

from agroforest.core.files import replacing, write_text
from agroforest.hotspots.detections import Confidence, Detections, Instrument
from agroforest.hotspots.districts import Districts
from agroforest.hotspots.events import Events
from agroforest.hotspots.land_cover import CoverShares

#: Half of what lies in the pixels; arbitrary.
CROP_SHARE = 0.5
_BOM = "utf-8-sig"  # without it a spreadsheet takes Chinese for something else
# A spreadsheet runs cells that begin so (OWASP, "CSV injection").
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


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


def build_table(
    findings: Findings, *, now: datetime, utc_offset_hours: float
) -> pd.DataFrame:
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
    DataFrame
        One row an event; columns are listed in docs/fire-hotspots.md.
    """
    events = findings.events
    seen = events.detections
    longitude, latitude = events.centre
    static = events.total(findings.static) / np.maximum(events.size, 1)
    confidence = events.confidence
    moment = np.datetime64(now.replace(tzinfo=None), "s")
    table = pd.DataFrame(
        {
            "id": events.id.astype(object),
            "first_utc": _times(events.first, 0.0),
            "last_utc": _times(events.last, 0.0),
            "first_local": _times(events.first, utc_offset_hours),
            "last_local": _times(events.last, utc_offset_hours),
            "age_h": ((moment - events.last) / np.timedelta64(3600, "s")).round(2),
            "longitude": longitude.round(5),
            "latitude": latitude.round(5),
            "detections": events.size,
            "viirs": events.count(Instrument.VIIRS),
            "modis": events.count(Instrument.MODIS),
            "satellites": _satellites(events),
            "confidence": np.array([c.name.lower() for c in Confidence], dtype=object)[
                confidence
            ],
            "frp_max_mw": events.greatest(seen.frp).astype(float).round(2),
            "frp_sum_mw": _sum(events, seen.frp).round(2),
            "night_share": (events.total(~seen.day) / np.maximum(events.size, 1)).round(
                3
            ),
            "static": static == 1.0,
            "static_share": static.round(3),
        }
    )
    _add_cover(table, findings)
    for name, layer in findings.layers.items():
        _add_places(table, events, name, layer)
    rank = np.where(events.sure_viirs, 0, np.where(confidence > Confidence.LOW, 1, 2))
    order = np.lexsort(
        (events.id, -events.last.astype(np.int64), rank, table["static"].to_numpy())
    )
    return table.iloc[order]


def _times(times: NDArray[np.datetime64], hours: float) -> NDArray[np.object_]:
    """ISO 8601 with the offset."""
    if hours == 0.0:
        return np.char.add(np.datetime_as_string(times, unit="m"), "Z").astype(object)
    shifted = times + np.timedelta64(round(hours * 3600), "s")
    minutes = abs(round(hours * 60))
    sign = "-" if hours < 0 else "+"
    suffix = f"{sign}{minutes // 60:02d}:{minutes % 60:02d}"
    text = np.char.add(np.datetime_as_string(shifted, unit="m"), suffix)
    return text.astype(object)


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


def _add_cover(table: pd.DataFrame, findings: Findings) -> None:
    events = findings.events
    if findings.cover is None:
        return
    for name, values in (
        ("crop_share", findings.cover.crop),
        ("sugarcane_share", findings.cover.sugarcane),
    ):
        known = np.isfinite(values)
        total = events.total(np.where(known, values, 0.0))
        counted = events.total(known)
        table[name] = np.where(counted > 0, total / np.maximum(counted, 1), np.nan)
        table[name] = table[name].round(3)
    share = table["crop_share"].to_numpy()
    flag = np.where(share >= CROP_SHARE, "suspected", "no")
    table["crop_burning"] = np.where(np.isnan(share), "unknown", flag).astype(object)


def _add_places(
    table: pd.DataFrame, events: Events, name: str, layer: Districts
) -> None:
    """Add the district that holds most of an event's detections, and all of them."""
    seen = events.detections
    where = layer.locate(seen.longitude, seen.latitude)
    count = len(layer) + 1
    pairs, hits = np.unique(events.of * count + (where + 1), return_counts=True)
    event, district = np.divmod(pairs, count)
    # Most detections first; a tie goes to the first in file order, the outside last.
    order = np.lexsort((np.where(district == 0, count, district), -hits, event))
    _, first = np.unique(event[order], return_index=True)
    main = district[order][first] - 1
    columns = {
        "code": [d.code for d in layer.districts],
        "zh": [d.name_zh for d in layer.districts],
        "en": [d.name_en for d in layer.districts],
    }
    for key, values in columns.items():
        table[f"{name}_{key}"] = np.array([*values, ""], dtype=object)[main]
    table[f"{name}_count"] = np.bincount(event[district > 0], minlength=len(events))


def write_csv(path: Path, table: pd.DataFrame) -> None:
    """Write a table that a spreadsheet opens as it is meant, and runs nothing of."""
    safe = table.copy()
    for column in safe.columns:
        if not is_numeric_dtype(safe[column]):  # numbers may begin with a minus
            safe[column] = [_disarm(text) for text in safe[column]]
    with replacing(path) as scratch:
        safe.to_csv(scratch, index=False, encoding=_BOM, lineterminator="\r\n")


def _disarm(text: str) -> str:
    return f"'{text}" if text.startswith(_FORMULA) else text


def write_geojson(
    path: Path, table: pd.DataFrame, outlines: NDArray[np.object_]
) -> None:
    """Write events with their outlines; what is not known is null."""
    shapes = shapely.to_geojson(np.asarray(outlines, dtype=object)[table.index])
    plain = table.astype(object).where(table.notna(), None)
    rows = plain.to_dict("records")
    features = [
        '{"type": "Feature", "properties": '
        f'{json.dumps(row, ensure_ascii=False, default=_item)}, "geometry": {shape}}}'
        for row, shape in zip(rows, shapes, strict=True)
    ]
    head = '{"type": "FeatureCollection", "name": "fire events", "features": [\n'
    write_text(path, head + ",\n".join(features) + "\n]}\n")


def _item(value: np.generic) -> object:
    plain: object = value.item()
    return plain


def write_detections(path: Path, findings: Findings) -> None:
    """Write detections in FIRMS' columns, and the event and mask of each.

    The file can be read again beside the next night's: events come out the same, so
    it is all the state there is.
    """
    events = findings.events
    seen = events.detections
    times = np.datetime_as_string(seen.time, unit="m")
    stated = np.isfinite(seen.percent)
    letters = np.array(["l", "n", "h"], dtype=object)[seen.confidence]
    table = pd.DataFrame(
        {
            "latitude": seen.latitude.round(5),
            "longitude": seen.longitude.round(5),
            "brightness": seen.brightness.round(2),
            "scan": seen.scan.round(2),
            "track": seen.track.round(2),
            "acq_date": [t[:10] for t in times.tolist()],
            "acq_time": [t[11:13] + t[14:] for t in times.tolist()],
            "satellite": seen.satellite,
            "instrument": np.array([i.name for i in Instrument])[seen.instrument],
            "confidence": np.where(stated, _percents(seen), letters),
            "frp": seen.frp.round(2),
            "daynight": np.where(seen.day, "D", "N"),
            "type": np.where(seen.kind >= 0, seen.kind.astype("U2"), ""),
            "event": events.id[events.of],
            "static": findings.static.astype(int),
        }
    )
    with replacing(path) as scratch:
        table.to_csv(scratch, index=False, lineterminator="\n")


def _percents(seen: Detections) -> NDArray[np.object_]:
    whole = np.nan_to_num(seen.percent)
    return np.array([f"{value:g}" for value in whole.tolist()], dtype=object)
