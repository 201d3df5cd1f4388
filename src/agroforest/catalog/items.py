"""Granules as STAC items and back, exactly.

The items of the local catalogue are plain STAC 1.1 with the `eo`, `proj`,
`raster` and `file` extensions; what STAC has no field for (place, baseline,
mask convention) carries the prefix ``agroforest:``.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pystac
import shapely
from pystac.extensions.eo import Band, EOExtension
from pystac.extensions.file import FileExtension
from pystac.extensions.projection import ProjectionExtension
from pystac.extensions.raster import RasterBand, RasterExtension
from shapely.geometry import mapping, shape

from agroforest.catalog.href import redact
from agroforest.core.errors import DataError
from agroforest.core.scene import Asset, Granule, MaskKind

#: Marks an item this package wrote.
OWN = "agroforest:mask_kind"
# A multihash is code, length, digest: 0x12 is SHA-256, 0x20 its 32 bytes
# (https://github.com/multiformats/multicodec/blob/master/table.csv).
_SHA256 = "1220"
_MASK = "mask"
_SAFE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,199}")
_COMMON_NAMES = {
    "B01": "coastal",
    "B02": "blue",
    "B03": "green",
    "B04": "red",
    "B05": "rededge",
    "B06": "rededge",
    "B07": "rededge",
    "B08": "nir",
    "B8A": "nir08",
    "B09": "nir09",
    "B11": "swir16",
    "B12": "swir22",
}


def build_item(granule: Granule) -> dict[str, Any]:
    """STAC item of a granule, as JSON-ready values without links.

    Raises
    ------
    DataError
        If the id or collection cannot name a file.
    """
    for name in (granule.id, granule.collection):
        if not _SAFE_NAME.fullmatch(name):
            raise DataError(
                redact(granule.mask.href),
                f"name {name[:80]!r} cannot name a file",
                "use letters, digits and . _ : - only",
            )
    item = pystac.Item(
        id=granule.id,
        geometry=mapping(granule.footprint),
        bbox=_bbox(granule),
        datetime=granule.sensed.astimezone(UTC),
        properties=_properties(granule),
        collection=granule.collection,
    )
    ProjectionExtension.ext(item, add_if_missing=True).code = granule.crs
    cover = granule.cloud_cover
    EOExtension.ext(item, add_if_missing=True).cloud_cover = cover
    RasterExtension.add_to(item)
    FileExtension.add_to(item)
    for name, asset in sorted(granule.bands.items()):
        item.add_asset(name, _asset(asset, roles=["data", "reflectance"]))
        band = Band.create(name=name, common_name=_COMMON_NAMES.get(name))
        EOExtension.ext(item.assets[name]).bands = [band]
        _describe(item.assets[name], asset)
    item.add_asset(_MASK, _asset(granule.mask, roles=["cloud", "cloud-shadow"]))
    _describe(item.assets[_MASK], granule.mask)
    return item.to_dict(include_self_link=False, transform_hrefs=False)


def read_granule(item: Mapping[str, Any], *, where: object) -> Granule:
    """Granule of an item that `build_item` made.

    Raises
    ------
    DataError
        If the item was changed since and no longer holds a granule.
    """
    try:
        return _granule(item)
    except (
        *(LookupError, AttributeError, TypeError, ValueError, OverflowError),
        shapely.errors.ShapelyError,
    ) as error:
        raise DataError(
            where,
            f"damaged item of the local catalogue ({type(error).__name__}: {error})",
            "remove the file and add the scene again",
        ) from error


def _granule(item: Mapping[str, Any]) -> Granule:
    properties = item["properties"]
    assets = dict(item["assets"])
    mask = assets.pop(_MASK)
    generated = properties.get("agroforest:generated")
    return Granule(
        id=item["id"],
        collection=item["collection"],
        platform=properties["platform"],
        place=properties["agroforest:place"],
        sensed=datetime.fromisoformat(properties["datetime"]),
        baseline=properties["agroforest:baseline"],
        generated=generated and datetime.fromisoformat(generated),
        cloud_cover=properties.get("eo:cloud_cover"),
        crs=properties["proj:code"],
        footprint=shape(item["geometry"]),
        bands={name: _read_asset(value) for name, value in assets.items()},
        mask=_read_asset(mask),
        mask_kind=MaskKind(properties[OWN]),
    )


def _properties(granule: Granule) -> dict[str, Any]:
    values: dict[str, Any] = {
        "platform": granule.platform,
        "agroforest:place": granule.place,
        "agroforest:baseline": granule.baseline,
        OWN: granule.mask_kind.value,
    }
    if granule.generated is not None:
        values["agroforest:generated"] = _instant(granule.generated)
    return values


def _instant(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _bbox(granule: Granule) -> list[float]:
    """Bounds; west is greater than east across the antimeridian (RFC 7946, 5.2)."""
    west, south, east, north = granule.footprint.bounds
    parts = shapely.get_parts(granule.footprint)
    if west <= -180 and east >= 180 and len(parts) > 1:
        west = min(p.bounds[0] for p in parts if p.bounds[0] > 0)
        east = max(p.bounds[2] for p in parts if p.bounds[2] < 0)
    return [west, south, east, north]


def _asset(asset: Asset, *, roles: list[str]) -> pystac.Asset:
    jpeg = asset.href.lower().endswith((".jp2", ".j2k"))
    kind = pystac.MediaType.JPEG2000 if jpeg else pystac.MediaType.GEOTIFF
    return pystac.Asset(href=asset.href, media_type=kind, roles=roles)


def _describe(target: pystac.Asset, asset: Asset) -> None:
    band = RasterBand.create(
        nodata=asset.nodata[0] if asset.nodata else None,
        scale=asset.scale,
        offset=asset.offset,
        spatial_resolution=asset.resolution,
    )
    RasterExtension.ext(target).bands = [band]
    if len(asset.nodata) > 1:
        target.extra_fields["agroforest:nodata"] = list(asset.nodata)
    if asset.sha256 is not None:
        FileExtension.ext(target).checksum = _SHA256 + asset.sha256


def _read_asset(value: Mapping[str, Any]) -> Asset:
    band = value["raster:bands"][0]
    single = [band["nodata"]] if "nodata" in band else []
    checksum = value.get("file:checksum")
    return Asset(
        href=value["href"],
        scale=float(band["scale"]),
        offset=float(band["offset"]),
        nodata=tuple(int(n) for n in value.get("agroforest:nodata", single)),
        resolution=float(band["spatial_resolution"]),
        sha256=checksum and checksum.removeprefix(_SHA256),
    )
