"""Sentinel-2 level-2A SAFE folders, of any product specification since 13.

Tag names are those of the Sentinel-2 Products Specification Document
(S2-PDGS-TAS-DI-PSD); the names with ``2A`` belong to products made before
April 2018, which can hold several tiles.
"""

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
from agroforest.catalog.safe_xml import (
    BAND_IDS,
    TILE,
    norm_epsg,
    read_baseline,
    read_name,
    read_number,
    read_offsets,
    read_platform,
    read_special,
    read_tile_metadata,
    require_match,
    require_text,
)
from agroforest.catalog.scaling import Family, Scaling, Stated, resolve_scaling
from agroforest.core.errors import DataError
from agroforest.core.scene import Granule, MaskKind

COLLECTION = "sentinel-2-l2a"
_BANDS = tuple(band for band in BAND_IDS if band != "B10")
_METADATA = re.compile(
    r"MTD_MSIL2A\.xml|S2[A-D]_\w+_MTD_SAFL2A_\w+\.xml", re.IGNORECASE
)
_IMAGE = re.compile(r"_(?P<band>B\d{2}|B8A|SCL)(?:_\w+?)?_(?P<metres>10|20|60)m$")
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
    name = read_name(folder, root)
    tile = require_match(TILE, granule_id, name, where=path, what="tile")["tile"]
    images = _images(granule, granule_id) or _images_on_disk(folder, tile)
    tile_root = read_tile_metadata(folder, granule_id, tile, count)
    files = _by_resolution(folder, images)
    baseline = read_baseline(root, name, granule_id, path)
    generated = find_text(root, "GENERATION_TIME")
    cover = find_text(root, "Cloud_Coverage_Assessment", "CLOUDY_PIXEL_PERCENTAGE")
    return Product(
        id=name if count == 1 else f"{name}_T{tile}",
        collection=COLLECTION,
        platform=read_platform(root, name, path),
        place=tile,
        sensed=norm_instant(
            require_text(root, path, "DATATAKE_SENSING_START", "PRODUCT_START_TIME"),
            where=path,
        ),
        baseline=baseline,
        generated=norm_instant(generated, where=path) if generated else None,
        cloud_cover=norm_percent(cover, where=path),
        crs=None
        if tile_root is None
        else norm_epsg(find_text(tile_root, "HORIZONTAL_CS_CODE")),
        footprint=_footprint(root, path) if count == 1 else None,
        files={band: files[band] for band in _BANDS if band in files},
        mask_files=files.get("SCL", ()),
        mask_kind=MaskKind.SCL,
        scalings=_scalings(root, baseline, path),
    )


def _scalings(root: Element, baseline: str, path: Path) -> dict[str, Scaling]:
    text = find_text(root, "BOA_QUANTIFICATION_VALUE", "L2A_BOA_QUANTIFICATION_VALUE")
    quantification = None if text is None else read_number(text, path)
    offsets = read_offsets(root, path, "BOA_ADD_OFFSET")
    return {
        band: resolve_scaling(
            Stated(
                family=Family.SAFE,
                baseline=baseline,
                quantification=quantification,
                add_offset=offsets.get(band),
                nodata=read_special(root, path),
            ),
            where=path,
        )
        for band in _BANDS
    }


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


def _footprint(root: Element, path: Path) -> BaseGeometry | None:
    for element in find_all(root, "Global_Footprint", "Product_Footprint"):
        text = find_text(element, "EXT_POS_LIST")
        if text is None:
            continue
        numbers = [read_number(word, path) for word in text.split()]
        size = 3 if _is_three_dimensional(numbers) else 2
        # Latitude first, longitude second (EPSG:4326 as the authority has it).
        latitudes, longitudes = numbers[0::size], numbers[1::size]
        ring = list(zip(longitudes, latitudes, strict=False))
        return outline_ring(ring, where=path)
    return None


def _is_three_dimensional(numbers: list[float]) -> bool:
    """Whether heights (zeros) stand between the corners; only old products do."""
    return len(numbers) % 3 == 0 and len(numbers) >= 12 and not any(numbers[2::3])
