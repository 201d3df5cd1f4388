"""Shapefile in a zip, with a table of what its short names mean.

dBASE knows no times and no text beyond 254 bytes: times are text, and text is cut
between characters. The .cpg says UTF-8, without which Chinese comes out as GBK does.
"""

import csv
import shutil
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

import pyarrow as pa
import pyogrio

from agroforest.publish.rows import Row, spell
from agroforest.publish.table import COLUMNS, Column, Type, arrow_type
from agroforest.publish.text import cut_bytes
from agroforest.publish.vectors_ogr import to_wkb

#: Most bytes of a text in a dBASE table.
TEXT_BYTES = 254
_NAME = "cases"
_GEOMETRY = "geometry"
_BATCH = 500
# Of zipped files and of the table: the same rows give the same bytes.
_DAY = (1980, 1, 1)


def write_shapefile(path: Path, rows: Iterable[Row]) -> None:
    """Write ``cases.shp`` with its companions and ``fields.csv`` into a zip."""
    with TemporaryDirectory(dir=path.parent, prefix=f".{path.stem}.") as name:
        folder = Path(name)
        _write(folder / f"{_NAME}.shp", rows)
        _describe(folder / "fields.csv")
        with ZipFile(path, "w", ZIP_DEFLATED) as archive:
            for part in sorted(folder.iterdir()):
                _pack(archive, part)


def _write(path: Path, rows: Iterable[Row]) -> None:
    fields = [pa.field(c.short, _type(c)) for c in COLUMNS]
    schema = pa.schema([*fields, pa.field(_GEOMETRY, pa.binary())])
    reader = pa.RecordBatchReader.from_batches(schema, _batches(rows, schema))
    pyogrio.write_arrow(
        reader,
        path,
        driver="ESRI Shapefile",
        geometry_name=_GEOMETRY,
        geometry_type="Polygon",  # of one part or many, as Shapefiles do not tell
        crs="EPSG:4326",
        ENCODING="UTF-8",
        DBF_DATE_LAST_UPDATE="{}-{:02}-{:02}".format(*_DAY),
    )


def _batches(rows: Iterable[Row], schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    left = iter(rows)
    while batch := list(islice(left, _BATCH)):
        columns = {c.short: [_norm(c, row) for row in batch] for c in COLUMNS}
        columns[_GEOMETRY] = [to_wkb(row) for row in batch]
        yield pa.RecordBatch.from_pydict(columns, schema=schema)


def _type(column: Column) -> pa.DataType:
    return pa.string() if column.type is Type.TIME else arrow_type(column)


def _norm(column: Column, row: Row) -> object:
    value = row.values[column.name]
    if column.type in {Type.TEXT, Type.TIME}:
        return cut_bytes(spell(value), TEXT_BYTES)
    return value


def _describe(path: Path) -> None:
    """Say which column is which."""
    with path.open("w", encoding="utf-8-sig", newline="") as out:
        writer = csv.writer(out, lineterminator="\r\n")
        writer.writerow(["short", "name", "zh", "en"])
        writer.writerows([c.short, c.name, c.zh, c.en] for c in COLUMNS)


def _pack(archive: ZipFile, path: Path) -> None:
    info = ZipInfo(path.name, date_time=(*_DAY, 0, 0, 0))
    info.compress_type = ZIP_DEFLATED
    info.external_attr = 0o644 << 16
    with (
        path.open("rb") as source,
        archive.open(info, "w", force_zip64=True) as target,
    ):
        shutil.copyfileobj(source, target, 1 << 20)
