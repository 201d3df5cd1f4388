"""GeoPackage, GeoJSON, Shapefile and FlatGeobuf, streamed through Arrow by GDAL."""

import struct
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyogrio

from agroforest.core.errors import ConfigurationError, DataError
from agroforest.products.zonal.features import (
    FORMATS,
    Batch,
    VectorFile,
    plain_columns,
    read_crs,
    reading,
)

# GDAL's own FlatGeobuf stream gives broken arrays where a geometry is null (3.11).
_SAFE_FLATGEOBUF = "OGR_FLATGEOBUF_STREAM_BASE_IMPL"


def open_ogr(
    path: Path,
    kind: str,
    stack: ExitStack,
    layer: str | None,
    encoding: str | None,
    batch: int,
) -> VectorFile:
    """Open a file of that `kind`, a driver of GDAL; `stack` closes it.

    The other arguments and the errors are those of `vectors.opened_vectors`.
    """
    if kind == "ESRI Shapefile":
        reading(path, lambda: _check_whole(path))
    source = _source(path, kind)
    name = _layer(path, source, layer)
    info = reading(
        path,
        lambda: pyogrio.read_info(
            source, layer=name, encoding=encoding, force_feature_count=True
        ),
    )
    if info["driver"] != kind:
        raise DataError(path, f"is {info['driver']}", f"save it as {FORMATS}")
    fields = tuple(str(f) for f in info["fields"])
    silent = info["encoding"] != "UTF-8"
    if silent:
        _refuse_unstated(path, ascii_only=all(f.isascii() for f in fields))

    def batches() -> Iterator[Batch]:
        stack.enter_context(_safe_flatgeobuf())
        _, reader = reading(
            path,
            lambda: stack.enter_context(
                pyogrio.raw.open_arrow(
                    source,
                    layer=name,
                    encoding=encoding,
                    batch_size=batch,
                    use_pyarrow=True,
                )
            ),
        )
        found = 0
        for one in _batches(path, reader, silent=silent):
            found += len(one.wkb)
            yield one
        if found < info["features"]:
            raise _truncated(path, f"{found} of {info['features']} features")

    return VectorFile(
        path=path,
        crs=read_crs(path, info["crs"]),
        fields=fields,
        features=int(info["features"]),
        batches=batches,
    )


def _check_whole(path: Path) -> None:
    """Refuse a cut Shapefile: GDAL reads nothing where its shapes should be.

    Lengths as in the ESRI Shapefile Technical Description (1998), page 4, and in
    the dBASE file header.
    """
    with path.open("rb") as stream:
        (words,) = struct.unpack(">24xi", stream.read(28))
    if path.stat().st_size < 2 * words:
        raise _truncated(path, f"{path.stat().st_size} of {2 * words} bytes")
    table = path.with_suffix(".dbf" if path.suffix.islower() else ".DBF")
    if not table.is_file():
        return
    with table.open("rb") as stream:
        rows, head, row = struct.unpack("<4xIHH", stream.read(12))
    if table.stat().st_size < head + rows * row:
        size = table.stat().st_size
        raise _truncated(table, f"{size} of {head + rows * row} bytes")


def _truncated(path: Path, there: str) -> DataError:
    return DataError(path, f"is truncated: {there} are there", "deliver it again")


def _source(path: Path, kind: str) -> str:
    """Name by which GDAL opens the file with the driver of its kind.

    Only JSON has several: GDALG, for one, runs the commands that it finds.
    """
    whole = str(path.resolve())
    return f"GeoJSON:{whole}" if kind == "GeoJSON" else whole


def _layer(path: Path, source: str, asked: str | None) -> str:
    """Name of the layer to read; tables without geometry are none."""
    layers = reading(path, lambda: pyogrio.list_layers(source))
    names = [str(name) for name, geometry in layers if geometry is not None]
    listed = ", ".join(names) or "none"
    if asked is not None:
        if asked not in names:
            raise ConfigurationError(
                path, f"has no layer '{asked}'", f"use one of: {listed}"
            )
        return asked
    if len(names) > 1:
        raise ConfigurationError(
            path, f"has {len(names)} layers", f"name one with --layer: {listed}"
        )
    if not names:
        raise DataError(path, "holds no layer with geometry", "give polygons")
    return names[0]


def _batches(path: Path, reader: Any, *, silent: bool) -> Iterator[Batch]:  # noqa: ANN401  pyarrow has no types
    at = _geometry_column(reader.schema)
    while True:
        table = reading(path, lambda: _next(path, reader, silent=silent))
        if table is None:
            return
        wkb = np.array(table.column(at).to_pylist(), dtype=object)
        yield Batch(attributes=plain_columns(table.remove_column(at)), wkb=wkb)


def _next(path: Path, reader: Any, *, silent: bool) -> pa.Table | None:  # noqa: ANN401  pyarrow has no types
    """Read the next features and check that they are whole; None at the end."""
    try:
        table = pa.Table.from_batches([reader.read_next_batch()])
    except StopIteration:
        return None
    if silent:
        texts = (c for c in table.columns if pa.types.is_string(c.type))
        _refuse_unstated(path, ascii_only=all(_is_ascii(text) for text in texts))
    table.validate(full=True)
    return table


def _geometry_column(schema: pa.Schema) -> int:
    for at, field in enumerate(schema):
        if (field.metadata or {}).get(b"ARROW:extension:name", b"").endswith(b".wkb"):
            return at
    return len(schema) - 1  # where pyogrio puts it


def _is_ascii(column: pa.ChunkedArray) -> bool:
    return bool(pc.all(pc.string_is_ascii(column), min_count=0).as_py())


def _refuse_unstated(path: Path, *, ascii_only: bool) -> None:
    if not ascii_only:
        raise DataError(
            path,
            "does not say how its text is encoded (no .cpg file)",
            "pass --encoding, usually GBK or UTF-8",
        )


@contextmanager
def _safe_flatgeobuf() -> Iterator[None]:
    before = pyogrio.get_gdal_config_option(_SAFE_FLATGEOBUF)
    pyogrio.set_gdal_config_options({_SAFE_FLATGEOBUF: True})
    try:
        yield
    finally:
        pyogrio.set_gdal_config_options({_SAFE_FLATGEOBUF: before})
