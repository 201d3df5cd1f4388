"""Features of a file, whatever its format: attributes of plain types, and outlines."""

import json
import struct
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, TypeVar

import numpy as np
import pyarrow as pa
import pyproj
from numpy.typing import NDArray
from pyogrio.errors import DataLayerError, DataSourceError

from agroforest.core.errors import ConfigurationError, DataError

#: What can be read.
FORMATS = "GeoPackage, GeoJSON, Shapefile (.shp), FlatGeobuf or GeoParquet"

_UNREADABLE = (
    DataSourceError,
    DataLayerError,
    pyproj.exceptions.CRSError,
    pa.ArrowException,
    OSError,
    RuntimeError,
    ValueError,
    KeyError,
    TypeError,
    struct.error,
)

_T = TypeVar("_T")


class Batch(NamedTuple):
    """Some features of a file.

    Attributes
    ----------
    attributes
        One column a field, of plain types; texts are UTF-8.
    wkb
        ``(n,)`` object: the outlines as WKB; None where there is none.
    """

    attributes: pa.Table
    wkb: NDArray[np.object_]


@dataclass(frozen=True, kw_only=True, slots=True)
class VectorFile:
    """An open layer of features.

    Attributes
    ----------
    path
        Where it is.
    crs
        Of its coordinates; x (or longitude) comes first whatever it says.
    fields
        Names of the attributes, in file order.
    features
        How many there are.
    batches
        Gives them in file order; can be called once.
    """

    path: Path
    crs: pyproj.CRS
    fields: tuple[str, ...]
    features: int
    batches: Callable[[], Iterator[Batch]]

    def check_field(self, name: str) -> None:
        """Refuse a field that does not exist (`ConfigurationError`)."""
        if name not in self.fields:
            known = ", ".join(self.fields) or "none"
            raise ConfigurationError(
                self.path, f"has no field '{name}'", f"use one of: {known}"
            )


def read_crs(path: Path, stated: object) -> pyproj.CRS:
    """CRS that a file states, without heights; `DataError` if it states none."""
    if not stated:
        raise DataError(path, "has no CRS", "assign its CRS and save it again")
    crs: pyproj.CRS = reading(path, lambda: pyproj.CRS.from_user_input(stated))
    return crs.to_2d()


def reading(path: Path, read: Callable[[], _T]) -> _T:
    """Run a step of reading; what goes wrong there is the file's fault."""
    try:
        with warnings.catch_warnings():
            # GDAL's remarks on odd features; what matters is counted by ourselves.
            warnings.simplefilter("ignore", RuntimeWarning)
            return read()
    except UnicodeDecodeError as error:
        raise DataError(
            path, f"its text is not {error.encoding}", "pass the right --encoding"
        ) from error
    except _UNREADABLE as error:
        reason = " ".join(str(error).split()).rstrip(".;")
        raise DataError(
            path, f"cannot be read ({reason})", "open it in QGIS and export it again"
        ) from error


def plain_columns(table: pa.Table) -> pa.Table:
    """Every column as integers, floats, booleans, dates, times or text."""
    for at, field in enumerate(table.schema):
        kind = _plain_type(field.type)
        if kind == field.type:
            continue
        column = table.column(at)
        if kind is not None:
            column = column.cast(kind, safe=False)  # nanoseconds are cut
        else:
            column = pa.array([_text(v) for v in column.to_pylist()], pa.string())
        table = table.set_column(at, field.name, column)
    return table


def _plain_type(kind: pa.DataType) -> pa.DataType | None:
    """Say what a type becomes; None for those that are spelled as text."""
    if pa.types.is_dictionary(kind):
        return _plain_type(kind.value_type)
    if pa.types.is_integer(kind):
        return pa.int64() if kind != pa.uint64() else pa.float64()
    if pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return pa.float64()
    if pa.types.is_large_string(kind) or pa.types.is_null(kind):
        return pa.string()
    if pa.types.is_timestamp(kind):
        return pa.timestamp("ms", tz=kind.tz)
    simple = pa.types.is_boolean, pa.types.is_string, pa.types.is_date32
    return kind if any(test(kind) for test in simple) else None


def _text(value: object) -> str | None:
    if value is None:
        return None
    return json.dumps(value, ensure_ascii=False, default=str)
