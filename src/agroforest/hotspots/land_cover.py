"""What grows where a detection lies: a share of its pixel, not its centre.

A pixel of 375 m to 1 km holds fields and forest. The centre alone would decide by
chance, so nine places spread over the pixel are looked up.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from numpy.typing import NDArray
from pyproj import Transformer
from rasterio.errors import RasterioError
from rasterio.windows import Window

from agroforest.core.aoi import read_features
from agroforest.core.errors import ConfigurationError, DataError
from agroforest.core.grid import WGS84
from agroforest.core.tangle import mend_drawn
from agroforest.hotspots.detections import EARTH_KM, Detections, index_places

_STEPS = (-0.6, 0.0, 0.6)  # of the reach, east and north
_SPREAD = np.array([(x, y) for y in _STEPS for x in _STEPS])
_RASTERS = (".tif", ".tiff")
_BLOCK = 1024  # side of what is read at once, pixels


class Cover(IntEnum):
    """What grows somewhere."""

    UNKNOWN = 0
    CROP = 1
    SUGARCANE = 2
    FOREST = 3
    OTHER = 4


#: ESA WorldCover 2021 v200, product user manual, table 2.
WORLD_COVER: Mapping[int, Cover] = {
    10: Cover.FOREST,
    95: Cover.FOREST,
    40: Cover.CROP,
    **dict.fromkeys((20, 30, 50, 60, 70, 80, 90, 100), Cover.OTHER),
}

_SUGARCANE = ("sugarcane", "sugar cane", "saccharum", "甘蔗")
_FOREST = (
    *("forest", "eucalypt", "pine", "plantation", "cunninghamia", "bamboo", "tree"),
    *("林", "桉", "松", "杉", "竹"),
)
_OTHER = ("water", "urban", "built", "grass", "水域", "建设", "草地")


@dataclass(frozen=True, kw_only=True, slots=True)
class CoverShares:
    """What lies in each detection's pixel.

    Attributes
    ----------
    crop, sugarcane
        ``(n,)`` float32, 0 to 1: share of the looked-up places under any crop, and
        under sugarcane, of those where the layer says something; NaN where it says
        nothing.
    """

    crop: NDArray[np.float32]
    sugarcane: NDArray[np.float32]


def find_cover(detections: Detections, path: Path) -> CoverShares:
    """Look up what grows in each detection's pixel.

    Parameters
    ----------
    detections
        To be looked up.
    path
        GeoTIFF with the classes of ESA WorldCover, in any CRS; or polygons with a
        property ``crop``, ``species`` or ``cover`` (``crop`` alone makes it a crop).

    Raises
    ------
    ConfigurationError
        The file is of neither kind.
    DataError
        It is damaged.
    """
    longitude, latitude = _spread(detections)
    if path.suffix.lower() in _RASTERS:
        found = _from_raster(path, longitude, latitude)
    else:
        found = _from_polygons(path, longitude, latitude)
    cover = found.reshape(len(detections), len(_SPREAD))
    said = (cover != Cover.UNKNOWN).sum(axis=1)
    crop = np.isin(cover, (Cover.CROP, Cover.SUGARCANE)).sum(axis=1)
    cane = (cover == Cover.SUGARCANE).sum(axis=1)
    some = np.where(said, said, 1)
    return CoverShares(
        crop=np.where(said, crop / some, np.nan).astype(np.float32),
        sugarcane=np.where(said, cane / some, np.nan).astype(np.float32),
    )


def _spread(
    detections: Detections,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Places to look up, nine a detection, one after another."""
    km = EARTH_KM * np.pi / 180.0
    reach = detections.reach_km[:, np.newaxis]
    north = reach * _SPREAD[:, 1] / km
    shrink = np.cos(np.radians(detections.latitude))[:, np.newaxis]
    east = reach * _SPREAD[:, 0] / (km * np.maximum(shrink, 1e-6))
    return (
        (detections.longitude[:, np.newaxis] + east).ravel(),
        (detections.latitude[:, np.newaxis] + north).ravel(),
    )


def _from_polygons(
    path: Path, longitude: NDArray[np.float64], latitude: NDArray[np.float64]
) -> NDArray[np.int8]:
    features = [(p, g) for p, g in read_features(path) if g is not None]
    if not features:
        raise ConfigurationError(path, "holds no polygons", "give a land cover layer")
    cover = np.array([_norm_cover(properties) for properties, _ in features])
    tree = index_places(longitude, latitude)
    shapes = [g if g.is_valid else mend_drawn(path, g) for _, g in features]
    polygon, place = tree.query(shapes, predicate="intersects")
    found = np.zeros(len(longitude), dtype=np.int8)
    found[place[::-1]] = cover[polygon[::-1]]  # where several lie, the first counts
    return found


def _norm_cover(properties: Mapping[str, Any]) -> Cover:
    crop = str(properties.get("crop") or "").casefold()
    text = f"{properties.get('species') or ''} {properties.get('cover') or ''}"
    text = f"{crop} {text.casefold()}"
    for cover, words in (
        (Cover.SUGARCANE, _SUGARCANE),
        (Cover.FOREST, _FOREST),
        (Cover.OTHER, _OTHER),
    ):
        if any(word in text for word in words):
            return cover
    named_crop = crop or any(word in text for word in ("crop", "耕地", "农田"))
    return Cover.CROP if named_crop else Cover.UNKNOWN


def _from_raster(
    path: Path, longitude: NDArray[np.float64], latitude: NDArray[np.float64]
) -> NDArray[np.int8]:
    """Look classes up block by block, each read once; unknown outside the raster."""
    found = np.zeros(len(longitude), dtype=np.int8)
    lookup = np.full(256, Cover.OTHER, dtype=np.int8)
    lookup[list(WORLD_COVER)] = list(WORLD_COVER.values())
    lookup[0] = Cover.UNKNOWN
    try:
        # Only GeoTIFF: other drivers follow addresses that a file names.
        with rasterio.open(path, driver="GTiff") as raster:
            if raster.dtypes[0] != "uint8" or raster.crs is None:
                raise ConfigurationError(
                    path,
                    f"is {raster.dtypes[0]} in CRS {raster.crs}, not a map of classes",
                    "give the uint8 map of ESA WorldCover",
                )
            to_raster = Transformer.from_crs(WGS84, raster.crs, always_xy=True)
            x, y = to_raster.transform(longitude, latitude)
            to_pixel = ~raster.transform
            column = to_pixel.a * x + to_pixel.b * y + to_pixel.c
            row = to_pixel.d * x + to_pixel.e * y + to_pixel.f
            inside = (column >= 0) & (column < raster.width)
            inside &= (row >= 0) & (row < raster.height)
            places = np.flatnonzero(inside)
            row, column = row[places].astype(int), column[places].astype(int)
            block = (row // _BLOCK) * (raster.width // _BLOCK + 1) + column // _BLOCK
            order = np.argsort(block, kind="stable")
            for same in np.split(order, np.flatnonzero(np.diff(block[order])) + 1):
                if not len(same):
                    continue
                top = int(row[same[0]]) // _BLOCK * _BLOCK
                left = int(column[same[0]]) // _BLOCK * _BLOCK
                high = min(_BLOCK, raster.height - top)
                wide = min(_BLOCK, raster.width - left)
                values = raster.read(1, window=Window(left, top, wide, high))
                classes = lookup[values[row[same] - top, column[same] - left]]
                found[places[same]] = classes
    except RasterioError as error:
        raise DataError(
            path, f"cannot be read ({error})", "give a GeoTIFF of land cover"
        ) from error
    return found
