"""A STAC item beside every raster: where, when, from what, and its checksum."""

import json
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pystac
import rasterio
import shapely
from pystac.extensions.file import FileExtension
from pystac.extensions.projection import ProjectionExtension
from pystac.extensions.raster import DataType, RasterBand, RasterExtension
from rasterio.errors import RasterioError, RasterioIOError

from agroforest.core.errors import ConfigurationError, DataError
from agroforest.core.files import write_text
from agroforest.core.grid import WGS84, Grid, reproject
from agroforest.core.identity import digest_file
from agroforest.cube.write import read_grid

# Multihash: 0x12 is SHA-256, 0x20 its length in bytes.
_SHA256 = "1220"
_DECIMALS = 7  # of degrees: a centimetre
_NAME_PART = re.compile(r"[0-9A-Za-z][0-9A-Za-z_-]*")
_NO_PROPERTIES: Mapping[str, object] = {}


def raster_name(tile: str, day: date, index: str) -> str:
    """File name of an index map: ``<tile>_<YYYY-MM-DD>_<index>.tif``.

    Raises
    ------
    ConfigurationError
        If `tile` or `index` is not made of letters, digits, ``-`` and ``_``: it
        would be a path.
    """
    for part in (tile, index):
        if not _NAME_PART.fullmatch(part):
            raise ConfigurationError(
                "raster name", f"{part!r}", "use letters, digits, - and _"
            )
    return f"{tile}_{day.isoformat()}_{index}.tif"


def write_item(
    path: Path,
    moment: datetime,
    *,
    title: str = "",
    properties: Mapping[str, object] = _NO_PROPERTIES,
    derived_from: Sequence[str] = (),
    collection: str | None = None,
    sha256: str | None = None,
) -> Path:
    """Write the STAC item of a raster, beside it and named after it.

    The same raster and arguments give the same bytes.

    Parameters
    ----------
    path
        A raster that `write_cog` or `CogWriter` wrote.
    moment
        With time zone: when the scene was sensed, or the night of a risk map.
    title
        Of the item, for people.
    properties
        Further properties, such as ``agroforest:index`` and
        ``agroforest:scenes``; plain JSON values.
    derived_from
        Addresses of the items it was made from; links.
    collection
        Id of its collection, if it has one.
    sha256
        Of the raster, where it is known already.

    Returns
    -------
    Path
        The item's: the raster's with the suffix ``.json``. It refers to the
        raster by name, so the two can be moved together.

    Raises
    ------
    DataError
        If the raster cannot be read.
    ValueError
        If `moment` has no time zone.
    """
    if moment.tzinfo is None:
        raise ValueError(f"naive time {moment.isoformat()} of {path}")
    grid, bands = _describe(path)
    outline = _outline(grid)
    item = pystac.Item(
        id=path.stem,
        geometry=json.loads(shapely.to_geojson(outline)),
        bbox=list(outline.bounds),
        datetime=moment.astimezone(UTC),
        properties=dict(properties) | ({"title": title} if title else {}),
        collection=collection,
    )
    asset = pystac.Asset(
        href=f"./{path.name}", media_type=pystac.MediaType.COG, roles=["data"]
    )
    item.add_asset("data", asset)
    projection = ProjectionExtension.ext(item, add_if_missing=True)
    projection.code = grid.crs
    projection.shape = list(grid.shape)
    projection.transform = list(grid.transform)[:6]
    projection.bbox = list(grid.bounds)
    RasterExtension.ext(asset, add_if_missing=True).bands = bands
    file = FileExtension.ext(asset, add_if_missing=True)
    file.checksum = _SHA256 + (sha256 or digest_file(path))
    file.size = path.stat().st_size
    for href in derived_from:
        item.add_link(pystac.Link(pystac.RelType.DERIVED_FROM, href))
    beside = path.with_suffix(".json")
    write_text(beside, _spell(item))
    return beside


def _describe(path: Path) -> tuple[Grid, list[RasterBand]]:
    try:
        with rasterio.open(path, driver="GTiff") as data:
            grid = read_grid(data, path, bands=data.count)
            nodata = data.nodata
            if nodata is not None and nodata != nodata:  # NaN
                nodata = "nan"  # as the raster extension spells it
            return grid, [
                RasterBand.create(
                    nodata=nodata,
                    data_type=DataType(data.dtypes[n]),
                    spatial_resolution=grid.resolution,
                    scale=float(data.scales[n]),
                    offset=float(data.offsets[n]),
                )
                for n in range(data.count)
            ]
    except (RasterioError, RasterioIOError) as error:
        raise DataError(
            path, f"cannot be read as GeoTIFF ({error})", "make it again"
        ) from error


def _outline(grid: Grid) -> shapely.Polygon:
    # Straight edges in metres are curves in degrees: corners alone would be off
    # by tens of metres on a full tile.
    side = max(grid.width, grid.height) * grid.resolution
    edge = shapely.segmentize(shapely.box(*grid.bounds), side / 4)
    outline = shapely.transform(
        reproject(edge, grid.crs, WGS84), lambda xy: xy.round(_DECIMALS)
    )
    if not isinstance(outline, shapely.Polygon):
        raise TypeError(f"outline of {grid} is a {outline.geom_type}")
    return outline


def _spell(item: pystac.Item) -> str:
    document: dict[str, Any] = item.to_dict(
        include_self_link=False, transform_hrefs=False
    )
    document["stac_extensions"] = sorted(document["stac_extensions"])
    text = json.dumps(document, sort_keys=True, indent=2, ensure_ascii=False)
    return f"{text}\n"
