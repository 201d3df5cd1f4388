"""A simulated delivery as a real product folder: a STAC item and its COGs."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
import shapely
from numpy.typing import NDArray

from agroforest.core.files import write_text
from agroforest.core.grid import WGS84, Grid, mgrs_square, reproject
from agroforest.testing.fields import Floats
from agroforest.testing.sky import clear_after_mask

#: Ten-metre bands; the others come at 20 m, as the satellite delivers them.
FINE = ("B02", "B03", "B04", "B08")
QUANTIFICATION = 10_000
ADD_OFFSET = -1000  # since baseline 04.00: reflectance = (DN - 1000) / 10000
BASELINE = "05.11"
REVISIT_DAYS = 5

_COMMON = {
    "B01": "coastal",
    "B02": "blue",
    "B03": "green",
    "B04": "red",
    "B05": "rededge071",
    "B06": "rededge075",
    "B07": "rededge078",
    "B08": "nir",
    "B8A": "nir08",
    "B09": "nir09",
    "B11": "swir16",
    "B12": "swir22",
}
_ORBIT = 18
_EXTENSIONS = (
    "https://stac-extensions.github.io/eo/v1.1.0/schema.json",
    "https://stac-extensions.github.io/file/v2.1.0/schema.json",
    "https://stac-extensions.github.io/projection/v2.0.0/schema.json",
    "https://stac-extensions.github.io/raster/v1.1.0/schema.json",
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Delivered:
    """One written product.

    Attributes
    ----------
    folder
        Its folder.
    day
        Day of the pass.
    cloud_cover
        Percent, as stated.
    clear
        ``(y, x)`` bool at 20 m: what the default mask leaves of it, False where
        it has no data or cannot be used.
    trouble
        ``strip``, ``reprocessed``, ``truncated``, ``damaged`` or empty.
    """

    folder: Path
    day: date
    cloud_cover: float
    clear: NDArray[np.bool_] = field(repr=False)
    trouble: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Product:
    """What makes one delivery of a pass different from another.

    Attributes
    ----------
    day
        Of the pass.
    baseline
        Processing baseline.
    hours
        From sensing to the making of the product.
    seconds
        From the pass's first strip to this one.
    north, south
        First row of 20 m, and the row after the last.
    shift
        Added to every reflectance: makes wrong pixels.
    trouble
        As on `Delivered`.
    """

    day: date
    baseline: str = BASELINE
    hours: int = 4
    seconds: int = 0
    north: int = 0
    south: int | None = None
    shift: float = 0.0
    trouble: str = ""

    @property
    def rows(self) -> slice:
        """Rows of 20 m that hold data."""
        return slice(self.north, self.south)

    @property
    def satellite(self) -> str:
        """Letter of the satellite: they take turns."""
        return "AB"[self.day.toordinal() // REVISIT_DAYS % 2]

    @property
    def sensed(self) -> datetime:
        """Start of sensing, UTC."""
        start = datetime.combine(self.day, time(3, 15, 41), tzinfo=UTC)
        return start + timedelta(seconds=self.seconds)

    @property
    def generated(self) -> datetime:
        """When the product was made, UTC."""
        return self.sensed + timedelta(hours=self.hours)

    def name(self, square: str) -> str:
        """Name after the conventions of Sentinel-2."""
        number = self.baseline.replace(".", "")
        return (
            f"S2{self.satellite}_MSIL2A_{self.sensed:%Y%m%dT%H%M%S}_N{number}"
            f"_R{_ORBIT:03d}_T{square}_{self.generated:%Y%m%dT%H%M%S}"
        )


def write_product(
    grid: Grid,
    folder: Path,
    product: Product,
    measured: Mapping[str, Floats],
    scl: NDArray[np.uint8],
) -> Delivered:
    """Write one product folder.

    Parameters
    ----------
    grid
        10 m pixels of the world.
    folder
        Gets a folder named as the product.
    product
        Which delivery.
    measured
        Reflectance by band, ``(y, x)`` float32 at the band's own resolution.
    scl
        ``(y, x)`` uint8 at 20 m.
    """
    square = mgrs_square(grid.crs, *_middle(grid))
    name = product.name(square)
    target = folder / name
    target.mkdir(parents=True, exist_ok=True)
    valid = np.zeros(scl.shape, dtype=bool)
    valid[product.rows] = True
    assets = {}
    for band, values in measured.items():
        inside = valid if band not in FINE else valid.repeat(2, 0).repeat(2, 1)
        numbers = np.rint((values + product.shift) * QUANTIFICATION - ADD_OFFSET)
        numbers = np.where(inside, np.clip(numbers, 1, 65_535), 0).astype(np.uint16)
        path = target / f"{band}.tif"
        _write_cog(path, numbers, grid)
        assets[band] = _band_asset(path, band, grid)
    classes = np.where(valid, scl, 0).astype(np.uint8)
    _write_cog(target / "SCL.tif", classes, grid)
    assets["SCL"] = _mask_asset(target / "SCL.tif", grid)
    cloudy = float(np.isin(scl[product.rows], (8, 9, 10)).mean() * 100)
    item = _item(name, product, grid, square, cloudy, assets)
    write_text(target / f"{name}.json", json.dumps(item, ensure_ascii=False, indent=1))
    usable = clear_after_mask(classes)
    if product.trouble in {"truncated", "damaged", "reprocessed"}:
        usable[:] = False
    _spoil(target / "B11.tif", product.trouble)
    return Delivered(
        folder=target,
        day=product.day,
        cloud_cover=cloudy,
        clear=usable,
        trouble=product.trouble,
    )


def _write_cog(path: Path, values: NDArray[Any], grid: Grid) -> None:
    """One COG; GDAL's own driver, without the flush of the cube room's writer."""
    at = grid.patch(
        resolution=grid.resolution * grid.width / values.shape[1],
        width=values.shape[1],
        height=values.shape[0],
    )
    with rasterio.open(
        path,
        "w",
        driver="COG",
        height=at.height,
        width=at.width,
        count=1,
        dtype=values.dtype,
        crs=grid.crs,
        transform=at.transform,
        nodata=0,
        compress="ZSTD",
        level=1,
        predictor=2,
        blocksize=256,
    ) as target:
        target.write(values, 1)


def _spoil(path: Path, trouble: str) -> None:
    """Cut the file off, or wipe out where its first block begins."""
    whole = path.read_bytes()
    if trouble == "truncated":
        path.write_bytes(whole[: int(len(whole) * 0.6)])
    elif trouble == "damaged":
        with rasterio.open(path) as source:
            begin = int(source.get_tag_item("BLOCK_OFFSET_0_0", "TIFF", 1))
        path.write_bytes(whole[:begin] + bytes(64) + whole[begin + 64 :])


def _middle(grid: Grid) -> tuple[float, float]:
    left, bottom, right, top = grid.bounds
    return (left + right) / 2, (bottom + top) / 2


def _band_asset(path: Path, band: str, grid: Grid) -> dict[str, Any]:
    return {
        **_asset(path, 10 if band in FINE else 20, grid),
        "title": f"{band} (simulated)",
        "eo:bands": [{"name": band, "common_name": _COMMON[band]}],
        "raster:bands": [
            {
                "data_type": "uint16",
                "nodata": 0,
                "scale": 1 / QUANTIFICATION,
                "offset": ADD_OFFSET / QUANTIFICATION,
            }
        ],
        "roles": ["data", "reflectance"],
    }


def _mask_asset(path: Path, grid: Grid) -> dict[str, Any]:
    return {
        **_asset(path, 20, grid),
        "title": "Scene classification (simulated)",
        "raster:bands": [{"data_type": "uint8", "nodata": 0}],
        "roles": ["data"],
    }


def _asset(path: Path, side: int, grid: Grid) -> dict[str, Any]:
    content = path.read_bytes()
    return {
        "href": f"./{path.name}",
        "type": "image/tiff; application=geotiff; profile=cloud-optimized",
        "gsd": side,
        "proj:shape": [grid.height * 10 // side, grid.width * 10 // side],
        "proj:transform": [side, 0, grid.left, 0, -side, grid.top],
        "file:size": len(content),
        "file:checksum": "1220" + hashlib.sha256(content).hexdigest(),
    }


def _item(
    name: str,
    product: Product,
    grid: Grid,
    square: str,
    cloudy: float,
    assets: Mapping[str, Any],
) -> dict[str, Any]:
    rows = range(grid.height // 2)[product.rows]
    left, _, right, _ = grid.bounds
    top, bottom = grid.top - 20 * rows[0], grid.top - 20 * (rows[-1] + 1)
    outline = reproject(shapely.box(left, bottom, right, top), grid.crs, WGS84)
    outline = shapely.set_precision(outline, 1e-7)
    return {
        "type": "Feature",
        "stac_version": "1.0.0",
        "stac_extensions": list(_EXTENSIONS),
        "id": name,
        "collection": "sentinel-2-l2a",
        "bbox": [round(float(v), 7) for v in outline.bounds],
        "geometry": shapely.geometry.mapping(outline),
        "properties": {
            "title": f"模拟影像 · simulated scene {product.day.isoformat()}",
            "description": "No satellite ever took this image.",
            "datetime": _zulu(product.sensed),
            "platform": f"sentinel-2{product.satellite.lower()}",
            "constellation": "sentinel-2",
            "instruments": ["msi"],
            "gsd": 10,
            "eo:cloud_cover": round(cloudy, 2),
            "proj:code": grid.crs,
            "s2:mgrs_tile": square,
            "s2:processing_baseline": product.baseline,
            "s2:generation_time": _zulu(product.generated),
            "s2:product_type": "S2MSI2A",
            "agroforest:simulated": True,
        },
        "links": [],
        "assets": dict(assets),
    }


def _zulu(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%S}Z"
