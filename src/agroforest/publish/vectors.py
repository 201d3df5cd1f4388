"""Cases as files that other programs open.

Every format is written case by case, so that memory does not grow with their number,
and its file appears at once when it is whole. Coordinates are WGS 84 in all of them.
"""

import sqlite3
from collections.abc import Callable, Iterable, Iterator
from enum import StrEnum
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow as pa

from agroforest.core.errors import ConfigurationError, DataError
from agroforest.core.files import replacing
from agroforest.core.review import Case
from agroforest.publish.field import write_gpx
from agroforest.publish.rows import Manner, Row, build_rows
from agroforest.publish.vectors_kml import write_kml
from agroforest.publish.vectors_ogr import write_flatgeobuf, write_geopackage
from agroforest.publish.vectors_shape import write_shapefile
from agroforest.publish.vectors_text import write_csv, write_geojson


class Format(StrEnum):
    """A format of files, by the name that people ask for it with."""

    GPKG = "gpkg"
    SHP = "shp"  #: in a zip, with the names of its columns spelt out
    GEOJSON = "geojson"
    KML = "kml"
    GPX = "gpx"  #: for devices in the field
    CSV = "csv"
    FGB = "fgb"

    @property
    def suffix(self) -> str:
        """Of its files, with the dot."""
        return ".zip" if self is Format.SHP else f".{self}"

    @property
    def media_type(self) -> str:
        """As HTTP names it."""
        return _MEDIA[self]


_MEDIA = {
    Format.GPKG: "application/geopackage+sqlite3",
    Format.SHP: "application/zip",
    Format.GEOJSON: "application/geo+json",
    Format.KML: "application/vnd.google-earth.kml+xml",
    Format.GPX: "application/gpx+xml",
    Format.CSV: "text/csv; charset=utf-8",
    Format.FGB: "application/flatgeobuf",
}
_WRITERS: dict[Format, Callable[[Path, Iterable[Row]], None]] = {
    Format.GPKG: write_geopackage,
    Format.SHP: write_shapefile,
    Format.GEOJSON: write_geojson,
    Format.KML: write_kml,
    Format.GPX: write_gpx,
    Format.CSV: write_csv,
    Format.FGB: write_flatgeobuf,
}


def find_format(path: Path) -> Format:
    """Find the format that a file's name asks for.

    Raises
    ------
    ConfigurationError
        Its suffix is none of them.
    """
    suffix = path.suffix.lower()
    for format_ in Format:
        if suffix == format_.suffix:
            return format_
    listed = ", ".join(f.suffix for f in Format)
    raise ConfigurationError(
        path, f"'{path.suffix}' is not a format of exports", f"use one of {listed}"
    )


def write_cases(
    path: Path,
    cases: Iterable[Case],
    *,
    manner: Manner,
    format: Format | None = None,  # noqa: A002  what people call it
) -> int:
    """Write cases to a file.

    Parameters
    ----------
    path
        The file; a Shapefile is a ``.zip``.
    cases
        In the order in which they are written; FlatGeobuf sorts them by place.
    manner
        How they are shown.
    format
        By the file's suffix unless given.

    Returns
    -------
    int
        Number of cases written; in GPX and FlatGeobuf those without an outline are
        counted and left out.

    Raises
    ------
    ConfigurationError
        The suffix is no format's.
    DataError
        The file cannot be written.
    """
    kind = format or find_format(path)
    tally = _Tally(build_rows(cases, manner))
    try:
        with replacing(path) as scratch:
            _WRITERS[kind](scratch, tally)
    except (OSError, RuntimeError, pa.ArrowException, sqlite3.Error) as error:
        # GDAL's errors are RuntimeErrors, and so is its word of an error of the rows.
        if tally.failure is not None:
            raise tally.failure from None
        reason = " ".join(str(error).split())
        raise DataError(
            path, f"cannot be written ({reason})", "look at the disk and the folder"
        ) from error
    return tally.count


def build_file(
    cases: Iterable[Case],
    *,
    manner: Manner,
    format: Format,  # noqa: A002  what people call it
) -> bytes:
    """Build a file in memory; see `write_cases`, which suits many cases better."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / f"cases{format.suffix}"
        write_cases(path, cases, manner=manner, format=format)
        return path.read_bytes()


class _Tally:
    """Rows as they pass: how many, and the error of whoever gives them.

    GDAL asks for rows from C and would tell of such an error in words alone.
    """

    def __init__(self, rows: Iterator[Row]) -> None:
        self._rows = rows
        self.count = 0
        self.failure: Exception | None = None

    def __iter__(self) -> Iterator[Row]:
        try:
            for row in self._rows:
                self.count += 1
                yield row
        except Exception as error:
            self.failure = error
            raise
