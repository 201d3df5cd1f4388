"""Sentinel-2 level-2A SAFE folders, of any product specification since 13.

Tag names are those of the Sentinel-2 Products Specification Document
(S2-PDGS-TAS-DI-PSD); the names with ``2A`` belong to products made before
April 2018, which can hold several tiles.
"""

import math
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from xml.etree.ElementTree import Element

from shapely.geometry.base import BaseGeometry

from agroforest.catalog.markup import find_all, find_text, read_xml
from agroforest.catalog.outline import outline_ring
from agroforest.catalog.product import (
    Product,
    build_granule,
    find_file,
    norm_instant,
    norm_percent,
)
from agroforest.catalog.scaling import Family, Scaling, Stated, resolve_scaling
from agroforest.core.errors import DataError
from agroforest.core.scene import Granule, MaskKind

COLLECTION = "sentinel-2-l2a"
#: ``band_id`` of the XML, in order; B10 (cirrus) has no surface reflectance.
BAND_IDS = (
    *("B01", "B02", "B03", "B04", "B05", "B06", "B07"),
    *("B08", "B8A", "B09", "B10", "B11", "B12"),
)
_OFFSET_IDS = {b: str(i) for i, b in enumerate(BAND_IDS) if b != "B10"}
_METADATA = re.compile(
    r"MTD_MSIL2A\.xml|S2[A-D]_\w+_MTD_SAFL2A_\w+\.xml", re.IGNORECASE
)
_IMAGE = re.compile(r"_(?P<band>B\d{2}|B8A|SCL)(?:_\w+?)?_(?P<metres>10|20|60)m$")
_TILE = re.compile(r"_T(?P<tile>\d{2}[A-Z]{3})(?:_|$)")
_BASELINE = re.compile(r"_N(?P<major>\d{2})\.?(?P<minor>\d{2})(?:_|$)")
_DELIVER = "deliver the product whole"


def find_metadata(folder: Path) -> Path | None:
    """Find the product's XML, if `folder` is a level-2A SAFE."""
    if not folder.is_dir():
        return None
    names = sorted(p for p in folder.iterdir() if _METADATA.fullmatch(p.name))
    return names[0] if names else None


def is_metadata(path: Path) -> bool:
    """Whether a file is named like the XML of a level-2A SAFE."""
    return _METADATA.fullmatch(path.name) is not None


def read_safe(folder: Path) -> list[Granule]:
    """Granules of a SAFE folder, files checked.

    Raises
    ------
    DataError
        If metadata or files are missing, damaged or contradictory.
    """
    return [build_granule(p, folder) for p in read_safe_metadata(folder)]


def read_safe_metadata(folder: Path) -> list[Product]:
    """Read what a SAFE folder's XML say, one product a tile, opening no pixel file.

    Raises
    ------
    DataError
        If the XML are missing, damaged or contradictory.
    """
    path = find_metadata(folder)
    if path is None:
        level1 = (folder / "MTD_MSIL1C.xml").exists()
        raise DataError(
            folder / "MTD_MSIL2A.xml",
            "no such file: the product is level 1C" if level1 else "no such file",
            "give level 2A, for example by running sen2cor" if level1 else _DELIVER,
        )
    root = read_xml(path)
    level = find_text(root, "PROCESSING_LEVEL") or ""
    if "2A" not in level.upper():
        raise DataError(
            path,
            f"processing level {level!r}",
            "give level 2A, for example by running sen2cor",
        )
    granules = list(find_all(root, "Granule", "Granules"))
    if not granules:
        raise DataError(path, "names no granule", _DELIVER)
    return [_product(folder, path, root, g, len(granules)) for g in granules]


def _product(
    folder: Path, path: Path, root: Element, granule: Element, count: int
) -> Product:
    granule_id = granule.get("granuleIdentifier") or ""
    name = _name(folder, root)
    tile = _first_match(_TILE, granule_id, name, where=path, what="tile")["tile"]
    images = _images(granule, granule_id) or _images_on_disk(folder, tile)
    tile_root = _tile_metadata(folder, granule_id, tile, count)
    files = _by_resolution(folder, images)
    baseline = _baseline(root, name, granule_id, path)
    generated = find_text(root, "GENERATION_TIME")
    cover = find_text(root, "Cloud_Coverage_Assessment", "CLOUDY_PIXEL_PERCENTAGE")
    return Product(
        id=name if count == 1 else f"{name}_T{tile}",
        collection=COLLECTION,
        platform=_platform(root, name, path),
        place=tile,
        sensed=norm_instant(
            _required(root, path, "DATATAKE_SENSING_START", "PRODUCT_START_TIME"),
            where=path,
        ),
        baseline=baseline,
        generated=norm_instant(generated, where=path) if generated else None,
        cloud_cover=norm_percent(cover, where=path),
        crs=None
        if tile_root is None
        else norm_epsg(find_text(tile_root, "HORIZONTAL_CS_CODE")),
        footprint=_footprint(root, path) if count == 1 else None,
        files={band: files[band] for band in _OFFSET_IDS if band in files},
        mask_files=files.get("SCL", ()),
        mask_kind=MaskKind.SCL,
        scalings=_scalings(root, baseline, path),
    )


def _scalings(root: Element, baseline: str, path: Path) -> dict[str, Scaling]:
    text = find_text(root, "BOA_QUANTIFICATION_VALUE", "L2A_BOA_QUANTIFICATION_VALUE")
    quantification = None if text is None else _number(text, path)
    offsets = {
        element.get("band_id", element.get("bandId", "")): _number(
            element.text or "", path
        )
        for element in find_all(root, "BOA_ADD_OFFSET")
    }
    return {
        band: resolve_scaling(
            Stated(
                family=Family.SAFE,
                baseline=baseline,
                quantification=quantification,
                add_offset=offsets.get(band_id),
                nodata=_nodata(root, path),
            ),
            where=path,
        )
        for band, band_id in _OFFSET_IDS.items()
    }


def _nodata(root: Element, path: Path) -> tuple[int, ...]:
    for special in find_all(root, "Special_Values"):
        text = (find_text(special, "SPECIAL_VALUE_TEXT") or "").upper()
        if text == "NODATA":
            index = find_text(special, "SPECIAL_VALUE_INDEX")
            return (int(_number(index or "", path)),)
    return ()


def _images(granule: Element, granule_id: str) -> list[str]:
    names = [
        (e.text or "").strip() for e in find_all(granule, "IMAGE_FILE", "IMAGE_FILE_2A")
    ]
    for element in find_all(granule, "IMAGE_ID_2A", "IMAGE_ID"):
        # Before 2016 only the name was given; the folder follows from it.
        name = (element.text or "").strip()
        match = _IMAGE.search(name)
        if match:
            middle = f"GRANULE/{granule_id}/IMG_DATA/R{match['metres']}m"
            names.append(f"{middle}/{name}")
    return [n for n in names if _IMAGE.search(n) and ".." not in n]


def _images_on_disk(folder: Path, tile: str) -> list[str]:
    found = folder.glob("GRANULE/*/IMG_DATA/**/*_*m.*")
    names = [str(p.relative_to(folder).with_suffix("")) for p in found]
    return sorted(n for n in names if f"T{tile}" in n and _IMAGE.search(n))


def _by_resolution(
    folder: Path, images: Iterable[str]
) -> Mapping[str, tuple[str, ...]]:
    """Files of each band, finest first.

    Where part of the resolutions was delivered, the others do not count; but
    within a resolution that was delivered a missing file is a gap, and the
    coarser copy of the band does not quietly take its place.
    """
    sizes: dict[int, list[tuple[str, str]]] = defaultdict(list)
    for name in images:
        match = _IMAGE.search(name)
        if match:
            sizes[int(match["metres"])].append((match["band"], name))
    delivered = [
        metres
        for metres, names in sorted(sizes.items())
        if any(find_file(folder, name) for _, name in names)
    ]
    bands: dict[str, tuple[str, ...]] = {}
    for metres in delivered or sorted(sizes):
        for band, name in sizes[metres]:
            bands.setdefault(band, (name,))
    return bands


def _tile_metadata(
    folder: Path, granule_id: str, tile: str, count: int
) -> Element | None:
    for path in sorted(folder.glob("GRANULE/*/*MTD*.xml")):
        own = granule_id in str(path.parent.name) or f"T{tile}" in path.parent.name
        if own or count == 1:
            return read_xml(path)
    return None


def _footprint(root: Element, path: Path) -> BaseGeometry | None:
    for element in find_all(root, "Global_Footprint", "Product_Footprint"):
        text = find_text(element, "EXT_POS_LIST")
        if text is None:
            continue
        numbers = [_number(word, path) for word in text.split()]
        size = 3 if _is_three_dimensional(numbers) else 2
        # Latitude first, longitude second (EPSG:4326 as the authority has it).
        latitudes, longitudes = numbers[0::size], numbers[1::size]
        ring = list(zip(longitudes, latitudes, strict=False))
        return outline_ring(ring, where=path)
    return None


def _is_three_dimensional(numbers: list[float]) -> bool:
    """Whether heights (zeros) stand between the corners; only old products do."""
    return len(numbers) % 3 == 0 and len(numbers) >= 12 and not any(numbers[2::3])


def _name(folder: Path, root: Element) -> str:
    uri = find_text(root, "PRODUCT_URI", "PRODUCT_URI_2A") or folder.name
    return Path(uri).name.removesuffix(".SAFE")


def _baseline(root: Element, name: str, granule_id: str, path: Path) -> str:
    stated = find_text(root, "PROCESSING_BASELINE")
    if stated and re.fullmatch(r"\d{1,2}\.\d{1,2}", stated):
        return stated
    for text in (name, granule_id):
        match = _BASELINE.search(text)
        if match:
            return f"{match['major']}.{match['minor']}"
    raise DataError(path, f"unknown baseline {stated!r}", _DELIVER)


def _platform(root: Element, name: str, path: Path) -> str:
    text = find_text(root, "SPACECRAFT_NAME") or name
    match = re.match(r"(?:SENTINEL-?2|S2)([A-D])", text, re.IGNORECASE)
    if match is None:
        raise DataError(path, f"spacecraft {text[:40]!r}", "give a Sentinel-2 product")
    return f"sentinel-2{match[1].lower()}"


def norm_epsg(code: str | None) -> str | None:
    """``EPSG:32631`` of any spelling of it."""
    match = re.search(r"(\d{4,6})$", code or "")
    return f"EPSG:{match[1]}" if match else None


def _required(root: Element, path: Path, *names: str) -> str:
    text = find_text(root, *names)
    if text is None:
        raise DataError(path, f"states no {names[0]}", _DELIVER)
    return text


def _first_match(
    pattern: re.Pattern[str], *texts: str, where: Path, what: str
) -> re.Match[str]:
    for text in texts:
        match = pattern.search(text)
        if match:
            return match
    raise DataError(where, f"names no {what} in {texts[-1][:80]!r}", _DELIVER)


def _number(text: str, path: Path) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise DataError(path, f"{text[:40]!r} is no number", "deliver it again")
    return number
