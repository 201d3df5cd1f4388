"""What a raster file says of itself, without reading its pixels."""

import os
import warnings
from dataclasses import dataclass
from pathlib import Path

import rasterio
from affine import Affine
from rasterio.errors import (
    NotGeoreferencedWarning,
    RasterioError,
)

from agroforest.catalog.rasterhead import RasterHead, read_local_head
from agroforest.catalog.tiffhead import UnreadableHeaderError
from agroforest.core.errors import DataError
from agroforest.core.storage import is_storage

# rasterio reports CRSs that only resemble an authority's with this confidence.
_CONFIDENCE = 70
_EOC = b"\xff\xd9"  # end of codestream, ISO/IEC 15444-1 table A.1
_AGAIN = "deliver the file again"
_DELIVERED = "see to its disk or mount, then add it again"


@dataclass(frozen=True, kw_only=True, slots=True)
class Header:
    """Georeference of a raster.

    Attributes
    ----------
    crs
        Authority code such as ``"EPSG:32631"``.
    bounds
        Left, bottom, right, top in CRS units.
    width, height
        Columns and rows.
    dtype
        Of the numbers, as NumPy names it.
    scale, offset
        ``value = number * scale + offset`` as the file states it; 1 and 0 where it
        does not.
    nodata
        Number that means nothing was measured, if the file states one.
    """

    crs: str
    bounds: tuple[float, float, float, float]
    width: int
    height: int
    dtype: str
    scale: float
    offset: float
    nodata: float | None

    @property
    def resolution(self) -> float:
        """Width of a pixel in CRS units."""
        return (self.bounds[2] - self.bounds[0]) / self.width


def read_header(path: Path) -> Header:
    """Open a raster, check that it is whole and say where it lies.

    Only headers and block tables are read, so this costs the same for a file
    of any size.

    Raises
    ------
    DataError
        If the file is missing, is no raster, is truncated or has no CRS; or its
        storage does not deliver it.
    """
    try:
        if not path.is_file():
            raise DataError(path, "no such file", "deliver the product whole")
        head = read_local_head(path)
        # One thread and no listing of the folder: only this file matters.
        with (
            rasterio.Env(GDAL_DISABLE_READDIR_ON_OPEN="EMPTY_DIR"),
            warnings.catch_warnings(action="ignore", category=NotGeoreferencedWarning),
            rasterio.open(path, driver=head.driver) as source,
        ):
            _check_whole(path, head)
            crs = _authority(path, source.crs)
            _check_north_up(path, source.transform)
            return Header(
                crs=crs,
                bounds=(
                    float(source.bounds.left),
                    float(source.bounds.bottom),
                    float(source.bounds.right),
                    float(source.bounds.top),
                ),
                width=source.width,
                height=source.height,
                dtype=str(source.dtypes[0]),
                scale=float(source.scales[0]),
                offset=float(source.offsets[0]),
                nodata=source.nodata,
            )
    except (OSError, UnreadableHeaderError) as error:  # RasterioIOError is an OSError
        if is_storage(error):
            problem = f"its storage does not deliver it ({_first_line(error)})"
            raise DataError(path, problem, _DELIVERED) from error
        problem = f"not a readable raster ({_first_line(error)})"
        raise DataError(path, problem, _AGAIN) from error
    except RasterioError as error:
        raise DataError(path, _first_line(error), _AGAIN) from error


def _authority(path: Path, crs: "rasterio.crs.CRS | None") -> str:
    if not crs:
        raise DataError(
            path,
            "has no coordinate reference system",
            "write it with `rio edit-info --crs EPSG:…` if you know it",
        )
    authority = crs.to_authority(confidence_threshold=_CONFIDENCE)
    if authority is None:
        raise DataError(
            path,
            f"coordinate reference system without a code: {crs.to_string()[:80]}",
            "warp it to a coded one, for example the UTM zone",
        )
    return ":".join(authority)


def _check_north_up(path: Path, transform: Affine) -> None:
    if transform.b or transform.d or transform.e >= 0:
        raise DataError(
            path,
            f"not north-up, or without a place (transform {tuple(transform)[:6]})",
            "warp it to a north-up grid",
        )


def _check_whole(path: Path, head: RasterHead) -> None:
    size = path.stat().st_size
    needed = _jp2_end(path, size) if head.table is None else head.table.end
    if needed > size:
        raise DataError(path, f"truncated: {size} of {needed} bytes are there", _AGAIN)


def _jp2_end(path: Path, size: int) -> int:
    """Where the last box ends (ISO/IEC 15444-1, annex I.4), in bytes."""
    position = 0
    with path.open("rb") as stream:
        while position < size:
            stream.seek(position)
            head = stream.read(16)
            length = int.from_bytes(head[:4], "big")
            if length == 1:
                length = int.from_bytes(head[8:16], "big")
            if length == 0 or not _is_box(head):  # to the end, or a bare codestream
                stream.seek(-2, os.SEEK_END)
                return size if stream.read(2) == _EOC else size + 1
            position += max(length, 8)
    return position


def _is_box(head: bytes) -> bool:
    return len(head) >= 8 and head[4:8].isascii()


def _first_line(error: Exception) -> str:
    return (str(error) or type(error).__name__).splitlines()[0]
