"""Input rasters: the only place that opens files from outside.

A file is opened, checked against what its product says about it, and offered as
a `Source`, from which windows of reflectance or of mask flags can be read.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from affine import Affine
from numpy.typing import NDArray
from rasterio.crs import CRS
from rasterio.errors import RasterioError, RasterioIOError

from agroforest.catalog.href import is_url, redact
from agroforest.catalog.rasterhead import RasterHead, read_local_head
from agroforest.catalog.tiffhead import UnreadableHeaderError
from agroforest.core.errors import DataError
from agroforest.core.scene import Asset
from agroforest.core.storage import is_storage
from agroforest.cube.counted import current_count, needed_parts, window_bytes
from agroforest.cube.decoded import DecodedCache, is_decodable
from agroforest.cube.delivered import expect_delivered, undelivered
from agroforest.cube.gdal import OPTIONS
from agroforest.cube.intact import kept_intact
from agroforest.cube.remote import RemoteFile, RemoteSession
from agroforest.cube.windows import DecodedWindows, Read, RemoteWindows, read_window


@dataclass(frozen=True, kw_only=True, slots=True)
class Source:
    """An open file and what is known about it.

    Attributes
    ----------
    asset
        Its record; of a URL without what may be secret.
    path
        Of the file on this machine.
    data
        The open rasterio dataset, to look at; for pixels use `numbers`.
    nodata
        Numbers that mean nothing was measured.
    head
        What the file declares, and where its blocks lie.
    size
        Of the file, bytes.
    read
        Rows and columns to the stored numbers there, where it is not simply `data`
        that is read.
    expect
        Fetches several windows together before they are read, where that is quicker.
    """

    asset: Asset
    path: Path
    data: Any
    nodata: tuple[float, ...]
    head: RasterHead
    size: int
    read: Read | None = None
    expect: Callable[[Sequence[tuple[slice, slice]]], None] | None = None

    @property
    def crs(self) -> str:
        """CRS as text that pyproj reads."""
        return str(self.data.crs.to_wkt())

    @property
    def transform(self) -> Affine:
        """Pixel (column, row) to CRS coordinates."""
        transform: Affine = self.data.transform
        return transform

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.data.height, self.data.width

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """Left, bottom, right, top in the file's CRS."""
        left, bottom, right, top = self.data.bounds
        return left, bottom, right, top

    @property
    def pixel(self) -> float:
        """Longer side of a pixel in units of the CRS."""
        return float(max(self.data.res))

    def is_in(self, crs: str) -> bool:
        """Whether the file is in the CRS of that authority code."""
        return _is_crs(self.data.crs, crs)

    def numbers(self, rows: slice, columns: slice) -> NDArray[Any]:
        """Read the stored numbers of a window, ``(y, x)``, in the file's dtype.

        Raises
        ------
        DataError
            If they are damaged.
        SourceError
            If a remote file does not answer, or the storage of a local one.
        """
        # Here and not where the file was opened: of several files open at a time,
        # the error is that of the one that was read.
        began = time.thread_time()
        with _blamed(self.path, self.asset.href):
            if self.read is not None:
                numbers = self.read(rows, columns)
            else:
                numbers = read_window(self.data, rows, columns)
        count = current_count()
        if count is not None:
            length, blocks = window_bytes(self.head, self.size, rows, columns)
            count.bytes_read += length
            count.blocks_read += blocks
            count.cpu_seconds += time.thread_time() - began
        return numbers

    def numbers_where(
        self, rows: slice, columns: slice, needed: Callable[[slice, slice], bool]
    ) -> NDArray[Any]:
        """Read a window but for the blocks of the file that are not needed.

        Parameters
        ----------
        rows, columns
            The window.
        needed
            Whether a part of it, of one block, is needed.

        Returns
        -------
        ndarray
            As `numbers`; nodata, or 0 where none is known, in what was not read.
        """
        parts = needed_parts(self.head, rows, columns, needed)
        if parts is None:
            return self.numbers(rows, columns)
        shape = rows.stop - rows.start, columns.stop - columns.start
        dtype = np.dtype(self.data.dtypes[0])
        nothing = next((n for n in self.nodata if _holds(dtype, n)), 0)
        found = np.full(shape, nothing, dtype)
        if self.expect is not None:
            with _blamed(self.path, self.asset.href):
                self.expect(parts)
        for down, across in parts:
            found[
                down.start - rows.start : down.stop - rows.start,
                across.start - columns.start : across.stop - columns.start,
            ] = self.numbers(down, across)
        count = current_count()
        if count is not None:
            whole = window_bytes(self.head, self.size, rows, columns)
            read = [window_bytes(self.head, self.size, *part) for part in parts]
            count.bytes_skipped += whole[0] - sum(length for length, _ in read)
            count.blocks_skipped += whole[1] - sum(blocks for _, blocks in read)
        return found

    def valid_numbers(self, rows: slice, columns: slice) -> NDArray[np.float32]:
        """Read a window as float32, NaN where its numbers mean nodata."""
        numbers = self.numbers(rows, columns)
        values = numbers.astype(np.float32)
        for nodata in self.nodata:
            values[numbers == nodata] = np.nan
        if numbers.dtype.kind == "f":
            values[~np.isfinite(values)] = np.nan
        return values


@contextmanager
def opened(
    asset: Asset,
    *,
    crs: str,
    is_mask: bool = False,
    layer: int | None = None,
    session: RemoteSession | None = None,
    cache: DecodedCache | None = None,
) -> Iterator[Source]:
    """Open an asset's file and check that it can be what its record says.

    Parameters
    ----------
    asset
        A local file or an ``http(s)`` URL.
    crs
        Authority code that the product states.
    is_mask
        True for masks: every number counts, so the file's own nodata tag is not
        believed (0 is "clear" in a CLM, and often tagged).
    layer
        Which band of a local file of several is meant, from 1; such a file is refused
        unless this says it. It is not kept in `cache`.
    session
        By which remote files are read, and where addresses may lead; one for this
        file alone unless given.
    cache
        Where the numbers of JPEG 2000 files are kept, so that they are decoded
        once; then a band is decoded whole, however little of it is read.

    Raises
    ------
    DataError
        Not a GeoTIFF or JPEG 2000, absurdly large, damaged, no CRS or another CRS,
        more than one band, not numbers, an address that leads too far, not the file
        that was catalogued.
    SourceError
        A URL that does not answer.
    StorageError
        The storage of a local file does not deliver it.
    """
    with ExitStack() as stack:
        file: RemoteFile | None = None
        if is_url(asset.href):
            if session is None:
                session = stack.enter_context(RemoteSession())
            file = session.open(asset.href)
        elif session is not None:
            session.reach.check(asset.href)
        stack.enter_context(kept_intact(asset))
        asset = asset.patch(href=redact(asset.href))
        path = Path(asset.href.removeprefix("file://")) if file is None else file.path
        head = _read_head(path, file, asset.href)
        stack.enter_context(rasterio.Env(**OPTIONS))
        with _blamed(path, asset.href):
            # One driver, by content: a VRT, for one, names other files, and GDAL
            # would go and read them. As a path: prefixes of names mean something.
            data = stack.enter_context(rasterio.open(path, driver=head.driver))
            _check(data, asset.href, crs, layer)
        declared = set() if is_mask or data.nodata is None else {data.nodata}
        read: Read | None = None
        expect = None
        if layer is not None:
            read = partial(read_window, data, layer=layer)
        elif cache is not None and is_decodable(data, path):
            decoded = DecodedWindows(
                cache,
                path,
                sha256=asset.sha256,
                where=asset.href,
                original=partial(read_window, data),
            )
            read = stack.enter_context(decoded).read
        elif file is not None:
            read = stack.enter_context(RemoteWindows(file, head.driver)).read
            expect = file.require_windows
        yield Source(
            asset=asset,
            path=path,
            data=data,
            nodata=tuple(sorted({*asset.nodata, *declared})),
            head=head,
            size=path.stat().st_size if file is None else file.size,
            read=read,
            expect=expect,
        )


def _read_head(path: Path, file: RemoteFile | None, href: str) -> RasterHead:
    try:
        if file is not None:
            return file.head()
    except UnreadableHeaderError as error:
        raise _damaged(href, str(error)) from error
    try:
        return read_local_head(path)
    except UnreadableHeaderError as error:
        raise _damaged(href, str(error)) from error
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        if is_storage(error):
            raise undelivered(href, error) from error
        reason = getattr(error, "strerror", None) or error
        raise DataError(
            href, f"cannot be opened ({reason})", "restore it or add the scene again"
        ) from error


@contextmanager
def _blamed(path: Path, href: str) -> Iterator[None]:
    try:
        yield
    except (RasterioError, RasterioIOError) as error:
        expect_delivered(path, href)
        # rasterio keeps GDAL's own words in the cause.
        reason = " ".join(str(error.__cause__ or error).split()).rstrip(".")
        reason = reason.removeprefix(f"{path.name}, ").replace(str(path), "it")
        raise _damaged(href, reason) from error


def _holds(dtype: np.dtype[Any], number: float) -> bool:
    if dtype.kind == "f":
        return True
    bounds = np.iinfo(dtype)
    return float(number).is_integer() and bounds.min <= number <= bounds.max


def _damaged(href: str, reason: str) -> DataError:
    return DataError(
        href,
        f"damaged, or not a GeoTIFF or JPEG 2000 file ({reason})",
        "fetch it again",
    )


def _check(data: Any, href: str, crs: str, layer: int | None) -> None:  # noqa: ANN401  no types
    if data.crs is None:
        raise DataError(href, "has no CRS", f"fetch it again; expected {crs}")
    if not _is_crs(data.crs, crs):
        code = data.crs.to_epsg()
        found = f"EPSG:{code}" if code else " ".join(data.crs.to_wkt().split())[:60]
        raise DataError(
            href, f"is in {found}, its product says {crs}", "fetch it again"
        )
    if layer is None and data.count != 1:
        raise DataError(href, f"has {data.count} bands", "give one band a file")
    if layer is not None and not 1 <= layer <= data.count:
        raise DataError(
            href, f"has {data.count} bands, none is {layer}", "name another"
        )
    if np.dtype(data.dtypes[0]).kind not in "iuf":
        raise DataError(href, f"holds {data.dtypes[0]}", "give integers or floats")
    if not 0 < abs(data.transform.determinant) < float("inf"):
        raise DataError(
            href,
            f"has pixels of {data.transform.a} x {data.transform.e}",
            "fetch it again",
        )


def _is_crs(found: CRS, code: str) -> bool:
    expected = CRS.from_user_input(code)
    # Theia writes names without codes: match by definition where need be.
    epsg = expected.to_epsg()
    return bool(found == expected) or (epsg is not None and found.to_epsg(70) == epsg)
