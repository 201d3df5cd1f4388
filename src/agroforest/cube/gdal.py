"""GDAL's settings for files from outside."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

#: For `rasterio.Env`, on each thread that opens such files.
OPTIONS: Mapping[str, Any] = MappingProxyType(
    {
        # No side-car files: georeference and nodata are the file's own.
        "GDAL_DISABLE_READDIR_ON_OPEN": "EMPTY_DIR",
        "GDAL_PAM_ENABLED": "NO",
        # The JPEG 2000 driver decodes in all threads unless told not to, and then
        # loses the errors of all but one: a truncated file gives made-up pixels.
        "GDAL_NUM_THREADS": "1",
        # Bytes of decoded blocks. By default a twentieth of the machine's memory,
        # of which reading block by block needs next to nothing.
        "GDAL_CACHEMAX": 128_000_000,
    }
)
