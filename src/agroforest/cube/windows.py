"""Windows of files that are not simply opened and read."""

import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import rasterio
from numpy.typing import NDArray
from rasterio.errors import RasterioError, RasterioIOError
from rasterio.windows import Window

from agroforest.catalog.rasterhead import GEOTIFF, RasterHead, read_local_head
from agroforest.cube.decoded import Decoded, DecodedCache
from agroforest.cube.remote import RemoteFile
from agroforest.cube.sealed import BrokenSealError
from agroforest.cube.spans import window_spans

_log = logging.getLogger(__name__)

#: Rows and columns to the stored numbers there, ``(y, x)``.
Read = Callable[[slice, slice], NDArray[Any]]


def read_window(
    data: Any,  # noqa: ANN401  rasterio has no types
    rows: slice,
    columns: slice,
    *,
    layer: int = 1,
) -> NDArray[Any]:
    """Read one band of an open rasterio dataset, ``(y, x)``; the first unless said."""
    window = Window.from_slices(rows, columns)
    numbers: NDArray[Any] = data.read(layer, window=window)
    return numbers


def read_layers(
    data: Any,  # noqa: ANN401  rasterio has no types
    rows: slice,
    columns: slice,
    *,
    layers: Sequence[int],
) -> NDArray[Any]:
    """Read several bands of an open rasterio dataset at once, ``(band, y, x)``.

    JPEG 2000 decodes all bands for any of them: one after the other costs as many
    times.
    """
    window = Window.from_slices(rows, columns)
    numbers: NDArray[Any] = data.read(list(layers), window=window)
    return numbers


class RemoteWindows:
    """Windows of a remote file, fetched as they are read; a context manager.

    The C library reads ahead a little, holes of the mirror included, and keeps what
    it saw; so what was opened before the latest part came is opened anew.

    Parameters
    ----------
    file
        The file.
    driver
        GDAL's for it.
    """

    def __init__(self, file: RemoteFile, driver: str) -> None:
        self._file = file
        self._driver = driver
        self._data: Any = None
        self._seen = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._close()

    def read(self, rows: slice, columns: slice) -> NDArray[Any]:
        """Fetch what is missing of a window and read it."""
        self._file.require_window(rows, columns)
        # Taken before opening: parts that come meanwhile count as not seen.
        parts = self._file.parts
        if parts != self._seen:
            self._close()
            self._data = rasterio.open(self._file.path, driver=self._driver)
            self._seen = parts
        return read_window(self._data, rows, columns)

    def _close(self) -> None:
        if self._data is not None:
            self._data.close()
            self._data = None


class DecodedWindows:
    """Windows of a decoded file; a context manager.

    Damage of the cache is mended once, and a cache that cannot be used is done
    without: the original has the same numbers.

    Parameters
    ----------
    cache
        Where decoded files are kept.
    path
        The original.
    sha256
        Of it, where known.
    where
        Named in errors.
    original
        Reads windows of the original.
    """

    def __init__(
        self,
        cache: DecodedCache,
        path: Path,
        *,
        sha256: str | None,
        where: str,
        original: Read,
    ) -> None:
        self._cache = cache
        self._path = path
        self._sha256 = sha256
        self._where = where
        self._original = original
        self._tried = False
        self._decoded: Decoded | None = None
        self._head: RasterHead | None = None
        self._data: Any = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._close()

    def read(self, rows: slice, columns: slice) -> NDArray[Any]:
        """Read a window from the cache, else from the original."""
        if not self._tried:  # a file of which nothing is read is not decoded
            self._open()
        for _ in range(2):
            if self._decoded is None:
                break
            try:
                return self._read(self._decoded, rows, columns)
            except (BrokenSealError, RasterioError, RasterioIOError):
                self._cache.drop(self._decoded)
                self._open()
        return self._original(rows, columns)

    def _read(self, decoded: Decoded, rows: slice, columns: slice) -> NDArray[Any]:
        if self._head is None:
            decoded.check([(0, 1)])  # the directories, within the first megabyte
            self._head = read_local_head(decoded.path)
            self._data = rasterio.open(decoded.path, driver=GEOTIFF)
        if self._head.tiff is None or self._head.table is None:
            raise BrokenSealError("is no GeoTIFF")
        decoded.check(window_spans(self._head.tiff, self._head.table, rows, columns))
        return read_window(self._data, rows, columns)

    def _open(self) -> None:
        self._close()
        self._tried = True
        try:
            self._decoded = self._cache.open(
                self._path, sha256=self._sha256, where=self._where
            )
        except (RasterioError, RasterioIOError):  # the second is an OSError, too
            raise
        except OSError as error:
            _log.warning(
                "%s: cannot be kept decoded (%s); is decoded again each time",
                self._where,
                error,
            )

    def _close(self) -> None:
        if self._data is not None:
            self._data.close()
        if self._decoded is not None:
            self._decoded.close()
        self._decoded = self._head = self._data = None
