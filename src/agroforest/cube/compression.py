"""Lossless codecs that TIFF knows, from libraries that let other threads run."""

import sys
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Literal

from isal import isal_zlib
from numpy.typing import NDArray

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

#: ``zstd`` for speed; ``deflate`` for readers older than GDAL 2.3.
Codec = Literal["zstd", "deflate"]

#: Values of TIFF's Compression tag.
COMPRESSION_TAG: Mapping[Codec, int] = MappingProxyType({"zstd": 50000, "deflate": 8})

# Level 1, and a window of 128 KiB instead of 512: 15 % faster, because tables and
# window then stay in the processor's cache; not larger (docs/adr/0005).
_ZSTD: dict[int, int] = {
    zstd.CompressionParameter.compression_level: 1,
    zstd.CompressionParameter.window_log: 17,
    zstd.CompressionParameter.checksum_flag: 0,
}
_ISAL_LEVEL = 2  # of 0 to 3; the fastest that is as small as zlib's level 6

Compress = Callable[[NDArray[Any]], bytes]


def compressor(codec: Codec) -> Compress:
    """Make a function that compresses contiguous arrays.

    Parameters
    ----------
    codec
        Which.

    Returns
    -------
    Callable
        For one thread; make one for each. The same array gives the same bytes,
        whatever was compressed before it. The GIL is released meanwhile.

    Raises
    ------
    ValueError
        If there is no such codec.
    """
    if codec == "zstd":
        context = zstd.ZstdCompressor(options=_ZSTD)
        return lambda array: context.compress(array.data, mode=context.FLUSH_FRAME)
    if codec == "deflate":
        return lambda array: isal_zlib.compress(array.data, _ISAL_LEVEL)
    raise ValueError(f"codec {codec!r}, not one of {', '.join(COMPRESSION_TAG)}")
