"""Tables of statistics as GeoParquet, CSV or GeoPackage, seen only when whole.

GeoPackage holds parcels and units as two layers; of the other formats, which hold
one table a file, the units go to a second file, ``<name>_units.<suffix>``.
"""

import csv
import json
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import date, datetime
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pyogrio
import pyproj
import shapely
from numpy.typing import NDArray

from agroforest.core.errors import ConfigurationError, DataError
from agroforest.core.files import replacing

PARCELS, UNITS = "parcels", "units"
#: Name of the outlines in GeoParquet and in a GeoPackage. No column may have
#: them, nor those of a GeoPackage's row number.
GEOMETRY, GEOM = "geometry", "geom"
TAKEN = (GEOMETRY, GEOM, "fid", "ogc_fid", "rowid")

# A spreadsheet runs cells that start so as formulas
# (https://owasp.org/www-community/attacks/CSV_Injection).
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
_DIGITS = ".10g"  # of floats in CSV; the other formats keep all
_MULTIPOLYGON = "MultiPolygon"


class Layer(NamedTuple):
    """Rows of a table.

    Attributes
    ----------
    table
        Columns of plain types.
    outlines
        ``(n,)`` object: a multipolygon a row, or None; None altogether for a
        table without geometry.
    crs
        Of the outlines.
    """

    table: pa.Table
    outlines: NDArray[np.object_] | None
    crs: pyproj.CRS | None


class Output(Protocol):
    """Where statistics are written."""

    def add(self, parcels: Layer) -> None:
        """Append some parcels."""

    def finish(self, units: Layer | None) -> None:
        """Write the units, if there are any, after the last parcels."""


def output_files(out: Path, *, units: bool) -> tuple[Path, ...]:
    """Files that an output consists of.

    Raises
    ------
    ConfigurationError
        If the suffix is none of .parquet, .csv and .gpkg.
    """
    if out.suffix.lower() not in _OUTPUTS:
        raise ConfigurationError(
            out,
            f"'{out.suffix}' is not a format of tables",
            f"use {', '.join(_OUTPUTS)}",
        )
    if not units or out.suffix.lower() == ".gpkg":
        return (out,)
    return out, out.with_name(f"{out.stem}_{UNITS}{out.suffix}")


@contextmanager
def opened_output(out: Path) -> Iterator[Output]:
    """Open an output by its suffix; its file appears when the block ends.

    When the block raises, the parcels' file is untouched.

    Raises
    ------
    ConfigurationError
        If the suffix is none of .parquet, .csv and .gpkg.
    DataError
        If it cannot be written.
    """
    files = output_files(out, units=True)
    try:
        with (
            replacing(out) as scratch,
            closing(_OUTPUTS[out.suffix.lower()](scratch, files[-1])) as output,
        ):
            yield output
    except (OSError, pa.ArrowException, pyogrio.errors.DataSourceError) as error:
        reason = " ".join(str(error).split())
        raise DataError(
            out, f"cannot be written ({reason})", "look at the disk and the folder"
        ) from error


# --------------------------------------------------------------------------- Parquet


class _Parquet:
    def __init__(self, scratch: Path, units: Path) -> None:
        self._scratch, self._units = scratch, units
        self._writer: pq.ParquetWriter | None = None

    def add(self, parcels: Layer) -> None:
        table = _with_geometry(parcels, GEOMETRY)
        if self._writer is None:
            self._writer = pq.ParquetWriter(
                self._scratch, table.schema, compression="zstd"
            )
        self._writer.write_table(table)

    def finish(self, units: Layer | None) -> None:
        self.close()
        if units is not None:
            with replacing(self._units) as scratch:
                table = _with_geometry(units, GEOMETRY)
                pq.write_table(table, scratch, compression="zstd")

    def close(self) -> None:
        if self._writer is not None:
            self._writer.close()
            self._writer = None


def _with_geometry(layer: Layer, name: str) -> pa.Table:
    """Table with its outlines as a column of WKB, described as GeoParquet asks."""
    if layer.outlines is None or layer.crs is None:
        return layer.table
    wkb = pa.array(shapely.to_wkb(layer.outlines), pa.binary())
    table = layer.table.append_column(name, wkb)
    # https://geoparquet.org/releases/v1.0.0/
    column = {
        "encoding": "WKB",
        "geometry_types": [_MULTIPOLYGON],
        "crs": layer.crs.to_json_dict(),
    }
    geo = {"version": "1.0.0", "primary_column": name, "columns": {name: column}}
    return table.replace_schema_metadata({"geo": json.dumps(geo)})


# ------------------------------------------------------------------------ GeoPackage


class _GeoPackage:
    def __init__(self, scratch: Path, units: Path) -> None:
        del units  # a layer of the same file
        self._scratch = scratch
        self._begun = False

    def add(self, parcels: Layer) -> None:
        self._write(parcels, PARCELS, append=self._begun)
        self._begun = True

    def finish(self, units: Layer | None) -> None:
        if units is not None:
            self._write(units, UNITS, append=False)

    def close(self) -> None:
        """Nothing is kept open between batches."""

    def _write(self, layer: Layer, name: str, *, append: bool) -> None:
        geometry: dict[str, Any] = {"geometry_type": None}
        if layer.outlines is not None and layer.crs is not None:
            geometry = {
                "geometry_name": GEOM,
                "geometry_type": _MULTIPOLYGON,
                "crs": layer.crs.to_wkt(),
            }
        pyogrio.write_arrow(
            _with_geometry(layer, GEOM),
            self._scratch,
            layer=name,
            driver="GPKG",
            append=append,
            **geometry,
        )


# ------------------------------------------------------------------------------- CSV


class _Csv:
    """UTF-8 with a byte order mark: Excel takes it for GBK without."""

    def __init__(self, scratch: Path, units: Path) -> None:
        self._scratch, self._units = scratch, units
        self._begun = False

    def add(self, parcels: Layer) -> None:
        _append_csv(self._scratch, parcels.table, heading=not self._begun)
        self._begun = True

    def finish(self, units: Layer | None) -> None:
        if units is not None:
            with replacing(self._units) as scratch:
                _append_csv(scratch, units.table, heading=True)

    def close(self) -> None:
        """Nothing is kept open between batches."""


def _append_csv(path: Path, table: pa.Table, *, heading: bool) -> None:
    encoding = "utf-8-sig" if heading else "utf-8"
    with path.open("a", encoding=encoding, newline="") as stream:
        writer = csv.writer(stream)
        if heading:
            writer.writerow([_cell(name) for name in table.column_names])
        columns = [column.to_pylist() for column in table.columns]
        for row in zip(*columns, strict=True):
            writer.writerow([_cell(value) for value in row])


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return f"'{value}" if value.startswith(_FORMULA) else value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return format(value, _DIGITS)
    if isinstance(value, date | datetime):
        return value.isoformat()
    return str(value)


_OUTPUTS: dict[str, type[_Parquet | _Csv | _GeoPackage]] = {
    ".parquet": _Parquet,
    ".csv": _Csv,
    ".gpkg": _GeoPackage,
}
