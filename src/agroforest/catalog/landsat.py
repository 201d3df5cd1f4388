"""Landsat Collection 2 level-2 products, described by their MTL file.

Landsat 8-9 Collection 2 Level 2 Science Product Guide (LSDS-1619) and Landsat
4-7 Collection 2 Level 2 Science Product Guide (LSDS-1618).
"""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from xml.etree.ElementTree import Element

from shapely.geometry.base import BaseGeometry

from agroforest.catalog.markup import local_name, read_xml
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
_DELIVER = "deliver the product whole"

Groups = Mapping[str, Mapping[str, str]]


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
    match = re.search(r"(\d+)$", platform)
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
    groups = _read_groups(path)
    contents = _group(groups, "PRODUCT_CONTENTS", path)
    image = _group(groups, "IMAGE_ATTRIBUTES", path)
    name = _value(contents, "LANDSAT_PRODUCT_ID", path)
    _check_level(contents, path)
    platform = _value(image, "SPACECRAFT_ID", path).lower().replace("_", "-")
    bands = band_map(platform)
    made = groups.get("LEVEL2_PROCESSING_RECORD", {}).get("DATE_PRODUCT_GENERATED")
    day, time = _value(image, "DATE_ACQUIRED", path), image.get("SCENE_CENTER_TIME")
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
        baseline=_value(contents, "COLLECTION_NUMBER", path),
        generated=norm_instant(made, where=path) if made else None,
        cloud_cover=norm_percent(image.get("CLOUD_COVER"), where=path),
        crs=_crs(groups.get("PROJECTION_ATTRIBUTES", {})),
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
    group = _group(groups, "LEVEL2_SURFACE_REFLECTANCE_PARAMETERS", path)
    return Stated(
        family=Family.LANDSAT,
        scale=_number(_value(group, f"REFLECTANCE_MULT_BAND_{number}", path), path),
        offset=_number(_value(group, f"REFLECTANCE_ADD_BAND_{number}", path), path),
    )


def _check_level(contents: Mapping[str, str], path: Path) -> None:
    level = _value(contents, "PROCESSING_LEVEL", path)
    collection = _value(contents, "COLLECTION_NUMBER", path)
    if level not in {"L2SP", "L2SR"} or collection.lstrip("0") != "2":
        raise DataError(
            path,
            f"level {level} of collection {collection}",
            "give level 2 surface reflectance of Collection 2",
        )


def _place(image: Mapping[str, str], path: Path) -> str:
    wrs_path, row = _value(image, "WRS_PATH", path), _value(image, "WRS_ROW", path)
    return f"{wrs_path.strip():0>3}{row.strip():0>3}"


def _crs(projection: Mapping[str, str]) -> str | None:
    zone = projection.get("UTM_ZONE", "")
    if projection.get("MAP_PROJECTION") == "UTM" and zone.isdigit():
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
        ring.append((_number(longitude, path), _number(latitude, path)))
    return outline_ring(ring, where=path)


def _read_groups(path: Path) -> Groups:
    ending = path.suffix.lower()
    if ending == ".xml":
        return _from_xml(read_xml(path))
    try:
        text = path.read_text(encoding="utf-8")
        groups = _from_json(text) if ending == ".json" else _from_odl(text)
    except (OSError, ValueError, RecursionError) as error:
        raise DataError(
            path, f"not readable as an MTL file ({error})", "deliver it again"
        ) from error
    return groups


def _from_json(text: str) -> Groups:
    root = json.loads(text)
    inner = root.get("LANDSAT_METADATA_FILE", root) if isinstance(root, dict) else {}
    return {
        name: {key: str(value) for key, value in group.items()}
        for name, group in inner.items()
        if isinstance(group, dict)
    }


def _from_xml(root: Element) -> Groups:
    return {
        local_name(group): {local_name(e): (e.text or "").strip() for e in group}
        for group in root
    }


def _from_odl(text: str) -> Groups:
    """Read groups of Object Description Language (``KEY = value`` lines)."""
    groups: dict[str, dict[str, str]] = {}
    current: dict[str, str] = {}
    for line in text.splitlines():
        key, equals, value = (part.strip() for part in line.partition("="))
        if key == "GROUP":
            current = groups.setdefault(value, {})
        elif key == "END_GROUP":
            current = {}
        elif equals:
            current[key] = value.strip('"')
    return groups


def _group(groups: Groups, name: str, path: Path) -> Mapping[str, str]:
    if name not in groups:
        raise DataError(path, f"has no group {name}", _DELIVER)
    return groups[name]


def _value(group: Mapping[str, str], key: str, path: Path) -> str:
    if key not in group:
        raise DataError(path, f"states no {key}", _DELIVER)
    return group[key]


def _number(text: str, path: Path) -> float:
    try:
        return float(text)
    except ValueError as error:
        raise DataError(path, f"{text[:40]!r} is no number", _DELIVER) from error


def _rank(path: Path) -> tuple[int, str]:
    ending = path.suffix.lower().lstrip(".")
    return (
        _PREFERRED.index(ending) if ending in _PREFERRED else len(_PREFERRED),
        path.name,
    )
