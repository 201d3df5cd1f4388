"""Files of surveyors: what stands in their columns, and where."""

import csv
import logging
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyproj
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from agroforest.core.errors import ConfigurationError, DataError
from agroforest.core.grid import WGS84
from agroforest.products.zonal.outlines import datum_note, place, read_outlines
from agroforest.products.zonal.vectors import opened_vectors

#: Headings of a CSV that hold a place; case does not matter.
LONGITUDE, LATITUDE = ("lon", "longitude", "经度"), ("lat", "latitude", "纬度")

_LOG = logging.getLogger(__name__)
_POINTS = (shapely.GeometryType.POINT, shapely.GeometryType.MULTIPOINT)


class Feature(NamedTuple):
    """A row of a survey.

    Attributes
    ----------
    cells
        What its columns hold, by lower-case name without surrounding blanks.
    geometry
        Points or polygons, WGS84 longitude and latitude; ``None`` where there is no
        such place.
    """

    cells: Mapping[str, Any]
    geometry: BaseGeometry | None


def read_features(
    path: Path, *, layer: str | None = None, encoding: str | None = None
) -> Iterator[Feature]:
    """Read a survey row by row.

    Parameters
    ----------
    path
        CSV by its name; GeoPackage, GeoJSON, Shapefile, FlatGeobuf or GeoParquet by
        their first bytes.
    layer
        Of a file with several.
    encoding
        Of a CSV that is not UTF-8 or a Shapefile that does not say it.

    Raises
    ------
    ConfigurationError
        No such file; an unknown layer or encoding; a CSV without coordinates.
    DataError
        Another format, damaged, no CRS, text in another encoding.
    """
    if path.suffix.lower() == ".csv":
        return _read_csv(path, encoding or "utf-8-sig")
    return _read_vectors(path, layer, encoding)


def _read_vectors(
    path: Path, layer: str | None, encoding: str | None
) -> Iterator[Feature]:
    with opened_vectors(path, layer=layer, encoding=encoding) as file:
        if note := datum_note(file.crs, pyproj.CRS(WGS84)):
            _LOG.warning("%s: %s", path, note)
        for batch in file.batches():
            where = _to_degrees(batch.wkb, file.crs)
            for cells, geometry in zip(
                batch.attributes.to_pylist(), where, strict=True
            ):
                yield Feature({_name(n): v for n, v in cells.items()}, geometry)


def _to_degrees(wkb: NDArray[np.object_], crs: pyproj.CRS) -> NDArray[np.object_]:
    """Points and polygons in WGS84; None for all else."""
    target = pyproj.CRS(WGS84)
    found = place(read_outlines(wkb, crs).polygons, crs, target)
    drawn = shapely.force_2d(shapely.from_wkb(wkb, on_invalid="ignore"))
    points = np.isin(shapely.get_type_id(drawn), _POINTS) & ~shapely.is_empty(drawn)
    move = pyproj.Transformer.from_crs(crs, target, always_xy=True).transform

    def moved(xy: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.column_stack(move(xy[:, 0], xy[:, 1]))

    found[points] = shapely.transform(drawn[points], moved)
    bounds = shapely.bounds(found)
    with np.errstate(invalid="ignore"):
        inside = (np.abs(bounds[:, [0, 2]]) <= 180).all(axis=1)
        inside &= (np.abs(bounds[:, [1, 3]]) <= 90).all(axis=1)
    found[~inside] = None
    return found


def _read_csv(path: Path, encoding: str) -> Iterator[Feature]:
    if not path.is_file():
        raise ConfigurationError(path, "no such file", "give the file of the survey")
    try:
        with path.open(encoding=encoding, newline="") as stream:
            yield from _rows(path, csv.reader(stream, strict=True))
    except LookupError as error:
        raise ConfigurationError(
            path, f"encoding '{encoding}' is unknown", "use GBK, GB18030 or UTF-8"
        ) from error
    except UnicodeDecodeError as error:
        raise DataError(
            path, f"its text is not {error.encoding}", "pass --encoding, usually GBK"
        ) from error
    except csv.Error as error:
        raise DataError(
            path, f"is no CSV ({error})", "save the table as plain CSV"
        ) from error


def _rows(path: Path, rows: Iterator[list[str]]) -> Iterator[Feature]:
    names = [_name(name) for name in next(rows, [])]
    columns = [
        next((n for n in names if n in known), None) for known in (LONGITUDE, LATITUDE)
    ]
    if None in columns:
        raise ConfigurationError(
            path,
            "has no columns of longitude and latitude",
            "name them lon and lat (degrees, WGS84)",
        )
    for row in rows:
        cells = dict(zip(names, row, strict=False))
        if any(cell.strip() for cell in row):
            lon, lat = (_degrees(cells.get(str(n), "")) for n in columns)
            there = abs(lon) <= 180 and abs(lat) <= 90
            yield Feature(cells, shapely.Point(lon, lat) if there else None)


def _degrees(cell: str) -> float:
    try:
        return float(cell)
    except ValueError:
        return math.nan


def _name(heading: str) -> str:
    return heading.strip().lower()
