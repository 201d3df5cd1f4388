"""Input rasters: the only place that opens files from outside.

A file is opened, checked against what its product says about it, and offered as
a `Source`, from which windows of reflectance or of mask flags can be read.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import rasterio
from affine import Affine
from numpy.typing import NDArray
from rasterio.crs import CRS
from rasterio.errors import RasterioError, RasterioIOError
from rasterio.windows import Window

from agroforest.catalog.rasterhead import GEOTIFF, JPEG2000, read_local_head
from agroforest.catalog.tiffhead import UnreadableHeaderError
from agroforest.core.errors import DataError, SourceError
from agroforest.core.scene import Asset

_OPTIONS = {
    # No side-car files: georeference and nodata are the file's own.
    "GDAL_DISABLE_READDIR_ON_OPEN": "EMPTY_DIR",
    "GDAL_PAM_ENABLED": "NO",
    # The JPEG 2000 driver decodes in all threads unless told not to, and then
    # loses the errors of all but one: a truncated file gives made-up pixels.
    "GDAL_NUM_THREADS": "1",
    # Bytes of decoded blocks. By default a twentieth of the machine's memory,
    # of which reading block by block needs next to nothing.
    "GDAL_CACHEMAX": 128_000_000,
    "GDAL_HTTP_TIMEOUT": "60",
    "GDAL_HTTP_CONNECTTIMEOUT": "15",
    "GDAL_HTTP_MAX_RETRY": "3",
    "GDAL_HTTP_RETRY_DELAY": "1",
}
_REMOTE = ("https://", "http://")


@dataclass(frozen=True, kw_only=True, slots=True)
class Source:
    """An open file and what is known about it.

    Attributes
    ----------
    asset
        Its record.
    data
        The open rasterio dataset.
    nodata
        Numbers that mean nothing was measured.
    """

    asset: Asset
    data: Any
    nodata: tuple[float, ...]

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
        """Read the stored numbers of a window, ``(y, x)``, in the file's dtype."""
        window = Window.from_slices(rows, columns)
        numbers: NDArray[Any] = self.data.read(1, window=window)
        return numbers

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
def opened(asset: Asset, *, crs: str, is_mask: bool = False) -> Iterator[Source]:
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

    Raises
    ------
    DataError
        Not a GeoTIFF or JPEG 2000, damaged, no CRS or another CRS, more than one
        band, not numbers. Raised for reads inside the block, too.
    SourceError
        A URL that does not answer.
    """
    with (
        rasterio.Env(**_OPTIONS),
        _blamed(asset.href),
        _open(asset.href) as data,
    ):
        _check(data, asset.href, crs)
        declared = set() if is_mask or data.nodata is None else {data.nodata}
        nodata = tuple(sorted({*asset.nodata, *declared}))
        yield Source(asset=asset, data=data, nodata=nodata)


def _open(href: str) -> Any:  # noqa: ANN401  rasterio has no types
    if href.startswith(_REMOTE):
        is_jpeg = urlsplit(href).path.lower().endswith((".jp2", ".j2k"))
        return rasterio.open(
            f"/vsicurl/{href}", driver=JPEG2000 if is_jpeg else GEOTIFF
        )
    path = Path(href.removeprefix("file://"))
    try:
        head = read_local_head(path)
    except UnreadableHeaderError as error:
        raise _damaged(href, str(error)) from error
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        reason = getattr(error, "strerror", None) or error
        raise DataError(
            href, f"cannot be opened ({reason})", "restore it or add the scene again"
        ) from error
    # One driver, by content: a VRT, for one, names other files, and GDAL would go
    # and read them. As a path, not as text: GDAL gives meaning to prefixes of names.
    return rasterio.open(path, driver=head.driver)


@contextmanager
def _blamed(href: str) -> Iterator[None]:
    try:
        yield
    except (RasterioError, RasterioIOError) as error:
        # rasterio keeps GDAL's own words in the cause.
        reason = " ".join(str(error.__cause__ or error).split()).rstrip(".")
        if href.startswith(_REMOTE) and "not recognized" not in reason:
            raise SourceError(href, f"no answer ({reason})", "try again") from error
        raise _damaged(href, reason) from error


def _damaged(href: str, reason: str) -> DataError:
    return DataError(
        href,
        f"damaged, or not a GeoTIFF or JPEG 2000 file ({reason})",
        "fetch it again",
    )


def _check(data: Any, href: str, crs: str) -> None:  # noqa: ANN401  no types
    if data.crs is None:
        raise DataError(href, "has no CRS", f"fetch it again; expected {crs}")
    if not _is_crs(data.crs, crs):
        code = data.crs.to_epsg()
        found = f"EPSG:{code}" if code else " ".join(data.crs.to_wkt().split())[:60]
        raise DataError(
            href, f"is in {found}, its product says {crs}", "fetch it again"
        )
    if data.count != 1:
        raise DataError(href, f"has {data.count} bands", "give one band a file")
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
