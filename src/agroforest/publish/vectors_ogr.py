"""GeoPackage and FlatGeobuf, streamed to GDAL through Arrow."""

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

import pyarrow as pa
import pyogrio
import shapely

from agroforest.publish.rows import Row
from agroforest.publish.table import COLUMNS, arrow_type

#: Name of the layer.
LAYER = "cases"
_GEOMETRY = "geometry"
_BATCH = 500
_BEGINNING = datetime(2000, 1, 1, tzinfo=UTC)  # of a file without rows


def write_geopackage(path: Path, rows: Iterable[Row]) -> None:
    """Write one layer, `LAYER`; the same rows give the same bytes."""
    newest = _Newest(rows)
    _write(path, newest, driver="GPKG")
    # GDAL puts the clock's time here. That of the newest row says more, and says the
    # same tomorrow.
    with closing(sqlite3.connect(path)) as database, database:
        database.execute(
            "UPDATE gpkg_contents SET last_change = ?",
            (newest.time.strftime("%Y-%m-%dT%H:%M:%S.000Z"),),
        )


def write_flatgeobuf(path: Path, rows: Iterable[Row]) -> None:
    """Write features with their index; they are sorted by place.

    Cases without an outline are left out: the index knows no such.
    """
    placed = (row for row in rows if not row.outline.is_empty)
    _write(path, placed, driver="FlatGeobuf")


def _write(path: Path, rows: Iterable[Row], *, driver: str) -> None:
    fields = [pa.field(c.name, arrow_type(c)) for c in COLUMNS]
    schema = pa.schema([*fields, pa.field(_GEOMETRY, pa.binary())])
    reader = pa.RecordBatchReader.from_batches(schema, _batches(rows, schema))
    pyogrio.write_arrow(
        reader,
        path,
        geometry_name=_GEOMETRY,
        geometry_type="MultiPolygon",
        crs="EPSG:4326",
        layer=LAYER,
        driver=driver,
    )


def _batches(rows: Iterable[Row], schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    left = iter(rows)
    while batch := list(islice(left, _BATCH)):
        columns: dict[str, list[object]] = {
            c.name: [row.values[c.name] for row in batch] for c in COLUMNS
        }
        columns[_GEOMETRY] = [to_wkb(row) for row in batch]
        yield pa.RecordBatch.from_pydict(columns, schema=schema)


def to_wkb(row: Row) -> bytes | None:
    """Outline as ISO WKB; None where there is none."""
    return None if row.outline.is_empty else shapely.to_wkb(row.outline)


class _Newest:
    """Rows as they pass, and when the newest of them changed."""

    def __init__(self, rows: Iterable[Row]) -> None:
        self._rows = rows
        self.time = _BEGINNING

    def __iter__(self) -> Iterator[Row]:
        for row in self._rows:
            changed = row.values["changed"]
            if isinstance(changed, datetime):
                self.time = max(self.time, changed)
            yield row
