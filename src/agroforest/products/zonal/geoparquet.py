"""GeoParquet, read in batches."""

import json
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from agroforest.core.errors import DataError
from agroforest.products.zonal.features import (
    Batch,
    VectorFile,
    plain_columns,
    read_crs,
    reading,
)

_CRS84 = "OGC:CRS84"  # of a file that names none


def open_parquet(path: Path, stack: ExitStack, batch: int) -> VectorFile:
    """Open a GeoParquet file of `batch` features a batch; `stack` closes it."""
    file = stack.enter_context(reading(path, lambda: pq.ParquetFile(path)))
    primary, geometry = reading(path, lambda: _geo(path, file.metadata.metadata or {}))
    schema = file.schema_arrow
    if primary not in schema.names:
        raise DataError(path, f"has no column '{primary}'", "save it as GeoParquet")
    boxes = geometry.get("covering", {}).get("bbox", {}).get("xmin", [None])[0]
    fields = tuple(n for n in schema.names if n not in {primary, boxes})
    crs = read_crs(path, geometry.get("crs", _CRS84))

    def batches() -> Iterator[Batch]:
        pieces = file.iter_batches(batch_size=batch)
        while True:
            piece = reading(path, lambda: next(pieces, None))
            if piece is None:
                return
            table = pa.Table.from_batches([piece])
            wkb = np.array(table.column(primary).to_pylist(), dtype=object)
            yield Batch(attributes=plain_columns(table.select(list(fields))), wkb=wkb)

    return VectorFile(
        path=path,
        crs=crs,
        fields=fields,
        features=file.metadata.num_rows,
        batches=batches,
    )


def _geo(path: Path, metadata: dict[bytes, bytes]) -> tuple[str, dict[str, Any]]:
    """Primary geometry column of a GeoParquet file and what is said of it."""
    if b"geo" not in metadata:
        raise DataError(
            path, "is Parquet without geometry", "save it as GeoParquet (version 1)"
        )
    document = json.loads(metadata[b"geo"])
    primary = document["primary_column"]
    column = document["columns"][primary]
    if column["encoding"] != "WKB":
        raise DataError(
            path, f"keeps geometry as {column['encoding']}", "save it as WKB"
        )
    return primary, column
