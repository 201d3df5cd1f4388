"""What the directories of a GeoTIFF say about their pixels."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np
from affine import Affine
from rasterio import Env
from rasterio.io import MemoryFile

from agroforest.core.grid import Grid
from agroforest.cube.compression import COMPRESSION_TAG, Codec
from agroforest.cube.predictor import FLOATING_POINT, HORIZONTAL
from agroforest.cube.tiff import Field, read_fields

_NODATA = 42113
# Pixel scale, tie point, transform, the three of the CRS, metadata, nodata.
_MEANING = (33550, 33922, 34264, 34735, 34736, 34737, 42112, _NODATA)
_SAMPLE_FORMATS = MappingProxyType({"u": 1, "i": 2, "f": 3})


def describe(
    grid: Grid,
    dtype: np.dtype[Any],
    nodata: float | None,
    *,
    transform: Affine | None,
    scale: float,
    offset: float,
    tags: Mapping[str, str],
    descriptions: Sequence[str],
) -> dict[int, Field]:
    """Tags that say where the pixels are and what their numbers mean.

    GDAL writes them, into a file of one pixel in memory, so they are what GDAL
    understands, for every CRS that it knows. There are as many bands as
    descriptions. `transform` stands for the grid's own where it is given.

    Raises
    ------
    ValueError
        If `nodata` is no number of `dtype`.
    """
    with (
        Env(GDAL_PAM_ENABLED="NO"),  # what does not fit is lost, not put beside
        MemoryFile() as memory,
    ):
        with memory.open(
            driver="GTiff",
            dtype=dtype.name,
            count=len(descriptions),
            height=1,
            width=1,
            crs=grid.crs,
            transform=transform or grid.transform,
            nodata=nodata,
        ) as data:
            data.update_tags(**dict(sorted(tags.items())))
            for number, description in enumerate(descriptions, start=1):
                if description:
                    data.set_band_description(number, description)
            if (scale, offset) != (1.0, 0.0):
                data.scales = (scale,) * len(descriptions)
                data.offsets = (offset,) * len(descriptions)
        fields = read_fields(bytes(memory.getbuffer()))
    return {tag: field for tag, field in fields.items() if tag in _MEANING}


def image_fields(
    shape: tuple[int, int],
    dtype: np.dtype[Any],
    codec: Codec,
    tile: int,
    meaning: Mapping[int, Field],
    *,
    overview: bool,
    bands: int = 1,
) -> dict[int, Field]:
    """Tags of one image: its size, how its tiles are stored, and its meaning.

    Of `meaning`, an overview repeats nodata only. Several bands are kept one after
    the other, each in tiles of its own.
    """
    height, width = shape
    if overview:
        meaning = {tag: f for tag, f in meaning.items() if tag == _NODATA}
    return {
        254: Field.longs(int(overview)),  # NewSubfileType: 1 is a smaller copy
        256: Field.longs(width),
        257: Field.longs(height),
        258: Field.shorts(*[8 * dtype.itemsize] * bands),  # BitsPerSample
        259: Field.shorts(COMPRESSION_TAG[codec]),
        262: Field.shorts(1),  # PhotometricInterpretation: 0 is black
        277: Field.shorts(bands),  # SamplesPerPixel
        284: Field.shorts(1 if bands == 1 else 2),  # PlanarConfiguration: 2, apart
        317: Field.shorts(FLOATING_POINT if dtype.kind == "f" else HORIZONTAL),
        322: Field.shorts(tile),  # TileWidth
        323: Field.shorts(tile),  # TileLength
        339: Field.shorts(*[_SAMPLE_FORMATS[dtype.kind]] * bands),
        **_extra_samples(bands),
        **meaning,
    }


def _extra_samples(bands: int) -> dict[int, Field]:
    """Say that bands beyond the first are neither colours nor transparency."""
    return {338: Field.shorts(*[0] * (bands - 1))} if bands > 1 else {}
