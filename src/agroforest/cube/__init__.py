"""Pixels: read, mask, align and write them, in bounded memory."""

from typing import TYPE_CHECKING, Any

from agroforest.cube.compression import Codec
from agroforest.cube.cover import read_cover, warp_cover
from agroforest.cube.decoded import DecodedCache
from agroforest.cube.item import raster_name, write_item
from agroforest.cube.mask import CLEAR_CLASSES
from agroforest.cube.reader import Access, Reflectance, SceneReader
from agroforest.cube.remote import RemoteSession
from agroforest.cube.write import BLOCK, CogWriter, Raster, read_cog, write_cog

if TYPE_CHECKING:
    from agroforest.cube.dataset import read

__all__ = [
    "BLOCK",
    "CLEAR_CLASSES",
    "Access",
    "Codec",
    "CogWriter",
    "DecodedCache",
    "Raster",
    "Reflectance",
    "RemoteSession",
    "SceneReader",
    "raster_name",
    "read",
    "read_cog",
    "read_cover",
    "warp_cover",
    "write_cog",
    "write_item",
]


def __getattr__(name: str) -> Any:  # noqa: ANN401  whatever the module holds
    """Load `read` when it is asked for: xarray takes half a second to import."""
    if name == "read":
        from agroforest.cube.dataset import read  # noqa: PLC0415  see above

        return read
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
