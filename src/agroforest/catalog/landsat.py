"""Landsat Collection 2 level-2 products, described by their MTL file.

Landsat 8-9 Collection 2 Level 2 Science Product Guide (LSDS-1619) and Landsat
4-7 Collection 2 Level 2 Science Product Guide (LSDS-1618).
"""

import re
from collections.abc import Mapping
from pathlib import Path

from shapely.geometry.base import BaseGeometry

from agroforest.catalog.mtl import (
    Groups,
    get_group,
    get_number,
    get_value,
    read_groups,
    read_number,
)
from agroforest.catalog.outline import outline_ring
from agroforest.catalog.product import (
    Product,
    build_granule,
    norm_instant,
    norm_percent,
)
from agroforest.catalog.scaling import Family, Stated, resolve_scaling
from agroforest.core.errors import DataError
from agroforest.core.scene import Granule, MaskKind

COLLECTION = "landsat-c2-l2"
#: Our bands by band number. OLI's narrow near infrared is like B8A; TM's and
#: ETM+'s is wider, and B8A is still the nearest.
OLI = {1: "B01", 2: "B02", 3: "B03", 4: "B04", 5: "B8A", 6: "B11", 7: "B12"}
TM = {1: "B02", 2: "B03", 3: "B04", 4: "B8A", 5: "B11", 7: "B12"}
_METADATA = re.compile(
    r"(?P<product>L[A-Z]\d{2}_L\w+)_MTL\.(?:json|txt|xml)", re.IGNORECASE
)
_PREFERRED = ("json", "txt", "xml")


def find_metadata(folder: Path) -> list[Path]:
    """MTL files in `folder`, one a product."""
    if not folder.is_dir():
        return []
    products: dict[str, Path] = {}
    for path in sorted(folder.iterdir(), key=_rank):
        match = _METADATA.fullmatch(path.name)
        if match and path.is_file():
            products.setdefault(match["product"], path)
    return [products[name] for name in sorted(products)]


def is_landsat(path: Path) -> bool:
    """Whether `path` is named like an MTL file."""
    return path.is_file() and _METADATA.fullmatch(path.name) is not None


def band_map(platform: str) -> Mapping[int, str]:
    """Our bands by the band numbers of a Landsat, ``landsat-8``."""
    match = re.search(r"(?<!\d)(\d{1,2})$", platform)
    return OLI if match and int(match[1]) >= 8 else TM


def read_landsat(path: Path) -> Granule:
    """Granule of an MTL file, files beside it checked.

    Raises
    ------
    DataError
        If metadata or files are missing, damaged or not of level 2.
    """
    return build_granule(read_landsat_metadata(path), path.parent)


def read_landsat_metadata(path: Path) -> Product:
    """Read what an MTL file (txt, JSON or XML) says, opening no pixel file.

    Raises
    ------
    DataError
        If it is damaged, or describes another level or collection.
    """
    groups = read_groups(path)
    contents = get_group(groups, "PRODUCT_CONTENTS", path)
    image = get_group(groups, "IMAGE_ATTRIBUTES", path)
    name = get_value(contents, "LANDSAT_PRODUCT_ID", path)
    _check_level(contents, path)
    platform = get_value(image, "SPACECRAFT_ID", path).lower().replace("_", "-")
    bands = band_map(platform)
    made = groups.get("LEVEL2_PROCESSING_RECORD", {}).get("DATE_PRODUCT_GENERATED")
    day, time = get_value(image, "DATE_ACQUIRED", path), image.get("SCENE_CENTER_TIME")
    files = {
        band: (contents[f"FILE_NAME_BAND_{number}"],)
        for number, band in bands.items()
        if f"FILE_NAME_BAND_{number}" in contents
    }
    mask = contents.get("FILE_NAME_QUALITY_L1_PIXEL", f"{name}_QA_PIXEL.TIF")
    return Product(
        id=name,
        collection=COLLECTION,
        platform=platform,
        place=_place(image, path),
        sensed=norm_instant(f"{day}T{time}" if time else day, where=path),
        baseline=get_value(contents, "COLLECTION_NUMBER", path),
        generated=norm_instant(made, where=path) if made else None,
        cloud_cover=norm_percent(image.get("CLOUD_COVER"), where=path),
        crs=read_crs(groups.get("PROJECTION_ATTRIBUTES", {})),
        footprint=_footprint(groups.get("PROJECTION_ATTRIBUTES", {}), path),
        files={band: (Path(f[0]).name,) for band, f in files.items()},
        mask_files=(Path(mask).name,),
        mask_kind=MaskKind.QA_PIXEL,
        scalings={
            band: resolve_scaling(_stated(groups, number, path), where=path)
            for number, band in bands.items()
            if band in files
        },
    )


def _stated(groups: Groups, number: int, path: Path) -> Stated:
    # LEVEL1_RADIOMETRIC_RESCALING holds keys of the same names for level 1.
    group = get_group(groups, "LEVEL2_SURFACE_REFLECTANCE_PARAMETERS", path)
    return Stated(
        family=Family.LANDSAT,
        scale=get_number(group, f"REFLECTANCE_MULT_BAND_{number}", path),
        offset=get_number(group, f"REFLECTANCE_ADD_BAND_{number}", path),
    )


def _check_level(contents: Mapping[str, str], path: Path) -> None:
    level = get_value(contents, "PROCESSING_LEVEL", path)
    collection = get_value(contents, "COLLECTION_NUMBER", path)
    if level not in {"L2SP", "L2SR"} or collection.lstrip("0") != "2":
        raise DataError(
            path,
            f"level {level} of collection {collection}",
            "give level 2 surface reflectance of Collection 2",
        )


def _place(image: Mapping[str, str], path: Path) -> str:
    wrs_path = get_value(image, "WRS_PATH", path)
    row = get_value(image, "WRS_ROW", path)
    return f"{wrs_path.strip():0>3}{row.strip():0>3}"


def read_crs(projection: Mapping[str, str]) -> str | None:
    """CRS of a product in UTM; None for others."""
    zone = projection.get("UTM_ZONE", "")
    if projection.get("MAP_PROJECTION") == "UTM" and re.fullmatch(r"[0-9]{1,2}", zone):
        # South of the equator northings are negative: always the northern zone.
        return f"EPSG:326{int(zone):02d}"
    return None


def _footprint(projection: Mapping[str, str], path: Path) -> BaseGeometry | None:
    ring = []
    for corner in ("UL", "UR", "LR", "LL"):
        longitude = projection.get(f"CORNER_{corner}_LON_PRODUCT")
        latitude = projection.get(f"CORNER_{corner}_LAT_PRODUCT")
        if longitude is None or latitude is None:
            return None
        ring.append((read_number(longitude, path), read_number(latitude, path)))
    return outline_ring(ring, where=path)


def _rank(path: Path) -> tuple[int, str]:
    ending = path.suffix.lower().lstrip(".")
    return (
        _PREFERRED.index(ending) if ending in _PREFERRED else len(_PREFERRED),
        path.name,
    )
