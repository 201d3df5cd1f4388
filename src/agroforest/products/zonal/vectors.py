"""Vector files as batches of attributes and outlines, in bounded memory.

What a file is, is told by its first bytes, not by its name: a file that only
names other files (a VRT, say) is never opened.
"""

import codecs
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from agroforest.core.errors import ConfigurationError, DataError
from agroforest.products.zonal.features import FORMATS, VectorFile
from agroforest.products.zonal.geoparquet import open_parquet
from agroforest.products.zonal.ogr import open_ogr

#: Features held in memory at once.
BATCH = 25_000

_STARTS = {
    b"SQLite format 3\0": "GPKG",
    b"\x00\x00\x27\x0a": "ESRI Shapefile",
    b"fgb": "FlatGeobuf",
    b"PAR1": "Parquet",
}


@contextmanager
def opened_vectors(
    path: Path,
    *,
    layer: str | None = None,
    encoding: str | None = None,
    batch: int = BATCH,
) -> Iterator[VectorFile]:
    """Open a layer of a vector file.

    Parameters
    ----------
    path
        GeoPackage, GeoJSON, Shapefile, FlatGeobuf or GeoParquet.
    layer
        Its layer, if it has several.
    encoding
        Of the text of a Shapefile that does not say it, such as ``GBK``.
    batch
        Features to hold at once.

    Raises
    ------
    ConfigurationError
        No such file; an unknown layer or encoding.
    DataError
        Another format, damaged, no CRS; text in an encoding nobody stated. Raised
        while reading batches, too.
    """
    kind = _sniff(path)
    _check_encoding(path, kind, encoding)
    with ExitStack() as stack:
        if kind == "Parquet":
            yield open_parquet(path, stack, batch)
        else:
            yield open_ogr(path, kind, stack, layer, encoding, batch)


def _sniff(path: Path) -> str:
    if not path.is_file():
        problem = "is a folder" if path.is_dir() else "no such file"
        raise ConfigurationError(path, problem, f"give a {FORMATS} file")
    with path.open("rb") as stream:
        start = stream.read(1024)
    for magic, kind in _STARTS.items():
        if start.startswith(magic):
            return kind
    if start.removeprefix(codecs.BOM_UTF8).lstrip().startswith(b"{"):
        return "GeoJSON"
    raise DataError(path, "is in none of the known formats", f"save it as {FORMATS}")


def _check_encoding(path: Path, kind: str, encoding: str | None) -> None:
    if encoding is None:
        return
    if kind != "ESRI Shapefile":
        raise ConfigurationError(
            path, f"is {kind}, whose text is UTF-8", "leave --encoding out"
        )
    try:
        codecs.lookup(encoding)
    except LookupError as error:
        raise ConfigurationError(
            path, f"encoding '{encoding}' is unknown", "use GBK, GB18030 or UTF-8"
        ) from error
