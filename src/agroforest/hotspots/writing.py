"""Events as files: GeoJSON for maps, CSV for spreadsheets, detections for next time."""

import csv
import json
import math
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, TextIO

import numpy as np
import shapely
from numpy.typing import NDArray

from agroforest.core.files import replacing, write_text
from agroforest.hotspots.detections import Detections, Instrument
from agroforest.hotspots.tables import Findings, Table

_BOM = "utf-8-sig"  # without it a spreadsheet takes Chinese for something else
# A spreadsheet runs cells that begin so (OWASP, "CSV injection").
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_HIDDEN = ("place",)  # of use to the program only


def write_csv(path: Path, table: Table) -> None:
    """Write a table that a spreadsheet opens as it is meant, and runs nothing of."""
    shown = {name: column for name, column in table.items() if name not in _HIDDEN}
    cells = {name: _cells(column, _disarm, "") for name, column in shown.items()}
    with (
        replacing(path) as scratch,
        scratch.open("w", encoding=_BOM, newline="") as out,
    ):
        _write_rows(out, cells, "\r\n")


def write_geojson(path: Path, table: Table, outlines: NDArray[np.object_]) -> None:
    """Write events with their outlines; what is not known is null.

    Parameters
    ----------
    path
        File to write.
    table
        As of `tables.build_table`.
    outlines
        ``(n,)`` object: polygons in the order of the events.
    """
    shown = {name: column for name, column in table.items() if name not in _HIDDEN}
    # One template for all rows: with 100,000 of them this is where the time goes.
    keys = (json.dumps(name).replace("%", "%%") for name in shown)
    template = (
        '{"type": "Feature", "properties": {'
        + ", ".join(f"{key}: %s" for key in keys)
        + '}, "geometry": %s}'
    )
    columns = [_cells(column, _quote, "null") for column in shown.values()]
    shapes = np.atleast_1d(shapely.to_geojson(outlines[table["place"]])).tolist()
    features = [template % row for row in zip(*columns, shapes, strict=True)]
    head = '{"type": "FeatureCollection", "name": "fire events", "features": [\n'
    write_text(path, head + ",\n".join(features) + "\n]}\n")


def write_detections(path: Path, findings: Findings) -> None:
    """Write detections in FIRMS' columns, and the event and mask of each.

    The file can be read again beside the next night's: events come out the same, so
    it is all the state there is.
    """
    events = findings.events
    seen = events.detections
    times = np.datetime_as_string(seen.time, unit="m").tolist()
    names = np.array([instrument.name for instrument in Instrument])
    table: Table = {
        "latitude": seen.latitude.round(5),
        "longitude": seen.longitude.round(5),
        "brightness": seen.brightness.astype(np.float64).round(2),
        "scan": seen.scan.astype(np.float64).round(2),
        "track": seen.track.astype(np.float64).round(2),
        "acq_date": np.array([time[:10] for time in times], dtype=object),
        "acq_time": np.array([time[11:13] + time[14:] for time in times], dtype=object),
        "satellite": seen.satellite,
        "instrument": names[seen.instrument],
        "confidence": _confidences(seen),
        "frp": seen.frp.astype(np.float64).round(2),
        "daynight": np.where(seen.day, "D", "N"),
        "type": np.where(seen.kind >= 0, seen.kind.astype("U2"), ""),
        "event": events.id[events.of],
        "static": findings.static.astype(np.int64),
    }
    cells = {name: _cells(column, str, "") for name, column in table.items()}
    with replacing(path) as scratch, scratch.open("w", encoding="utf-8") as out:
        _write_rows(out, cells, "\n")


def _confidences(seen: Detections) -> NDArray[np.object_]:
    """Numbers where there are numbers, else the letter."""
    letters = np.array(["l", "n", "h"], dtype=object)[seen.confidence]
    stated = np.isfinite(seen.percent)
    letters[stated] = [f"{value:g}" for value in seen.percent[stated].tolist()]
    return letters


def _write_rows(out: TextIO, cells: Mapping[str, Iterable[str]], end: str) -> None:
    writer = csv.writer(out, lineterminator=end)
    writer.writerow(cells)
    writer.writerows(zip(*cells.values(), strict=True))


def _cells(column: NDArray[Any], text: Callable[[str], str], unknown: str) -> list[str]:
    """Column as it is written: text by `text`, NaN as `unknown`."""
    values = column.tolist()
    if column.dtype.kind == "f":
        return [repr(v) if math.isfinite(v) else unknown for v in values]
    if column.dtype.kind == "b":
        return ["true" if v else "false" for v in values]
    if column.dtype.kind in "iu":
        return [str(v) for v in values]
    known = {value: text(value) for value in set(values)}
    return [known[value] for value in values]


def _disarm(text: str) -> str:
    return f"'{text}" if text.startswith(_FORMULA) else text


def _quote(text: str) -> str:
    if text.isalnum():  # ids, codes and most names
        return f'"{text}"'
    return json.dumps(text, ensure_ascii=False)
