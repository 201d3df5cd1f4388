"""Theia (MAJA) level-2A folders of Sentinel-2.

The format is described in the Theia product description for MUSCATE level 2A,
https://labo.obs-mip.fr/multitemp/sentinel-2/theias-sentinel-2-l2a-product-format/
"""

import re
from datetime import datetime
from pathlib import Path
from xml.etree.ElementTree import Element

from agroforest.catalog.markup import find_all, find_text, read_xml
from agroforest.catalog.product import (
    Product,
    build_granule,
    norm_instant,
    norm_percent,
)
from agroforest.catalog.scaling import Family, Stated, resolve_scaling
from agroforest.core.errors import DataError
from agroforest.core.scene import Granule, MaskKind

COLLECTION = "sentinel-2-l2a-theia"
NAME = re.compile(
    r"SENTINEL2(?P<unit>[A-D])_(?P<day>\d{8})-(?P<time>\d{6})-(?P<ms>\d{3})"
    r"_L2A_T(?P<tile>\d{2}[A-Z]{3})_[A-Z]_V(?P<version>\d+-\d+)"
)
#: Flat-reflectance bands by ours; FRE is corrected for slope, SRE is not.
BANDS = {
    "B02": "B2",
    "B03": "B3",
    "B04": "B4",
    "B05": "B5",
    "B06": "B6",
    "B07": "B7",
    "B08": "B8",
    "B8A": "B8A",
    "B11": "B11",
    "B12": "B12",
}


def is_theia(folder: Path) -> bool:
    """Whether the folder's name is that of a Theia level-2A product."""
    return folder.is_dir() and NAME.fullmatch(folder.name) is not None


def read_theia(folder: Path) -> Granule:
    """Granule of a Theia folder, files checked.

    Raises
    ------
    DataError
        If bands or the cloud mask are missing, damaged or without a CRS.
    """
    return build_granule(read_theia_metadata(folder), folder)


def read_theia_metadata(folder: Path) -> Product:
    """Read what a Theia folder's name and XML say, opening no pixel file.

    The name is enough; the XML (``*_MTD_ALL.xml``) adds cloud cover, date of
    production and scale where it is there.

    Raises
    ------
    DataError
        If the folder is named otherwise or the XML is damaged.
    """
    name = folder.name
    match = NAME.fullmatch(name)
    if match is None:
        raise DataError(
            folder, "not named like a Theia product", "keep the producer's folder name"
        )
    path = folder / f"{name}_MTD_ALL.xml"
    root = read_xml(path) if path.is_file() else None
    made = None if root is None else find_text(root, "PRODUCTION_DATE")
    scaling = resolve_scaling(_stated(root, path), where=path)
    return Product(
        id=name,
        collection=COLLECTION,
        platform=f"sentinel-2{match['unit'].lower()}",
        place=match["tile"],
        sensed=_moment(match),
        baseline=match["version"].replace("-", "."),
        generated=norm_instant(made, where=path) if made else None,
        cloud_cover=norm_percent(_cloud_percent(root), where=path),
        crs=None,
        footprint=None,
        files={band: _band_files(folder, theirs) for band, theirs in BANDS.items()},
        # MAJA finds clouds on a coarse grid: 20 m say no less than 10 m.
        mask_files=tuple(f"MASKS/{name}_CLM_{r}.tif" for r in ("R2", "R1")),
        mask_kind=MaskKind.CLM,
        scalings=dict.fromkeys(BANDS, scaling),
    )


def _stated(root: Element | None, path: Path) -> Stated:
    if root is None:
        return Stated(family=Family.THEIA)
    quantification = find_text(root, "REFLECTANCE_QUANTIFICATION_VALUE")
    nodata = [
        e.text for e in find_all(root, "SPECIAL_VALUE") if e.get("name") == "nodata"
    ]
    try:
        return Stated(
            family=Family.THEIA,
            quantification=None if quantification is None else float(quantification),
            nodata=tuple(int(float(text or "")) for text in nodata[:1]),
        )
    except (ValueError, OverflowError) as error:  # infinity is no whole number
        raise DataError(
            path, f"scale or nodata: {error}", "deliver it again"
        ) from error


def _cloud_percent(root: Element | None) -> str | None:
    if root is None:
        return None
    for element in find_all(root, "QUALITY_INDEX"):
        if element.get("name") == "CloudPercent":
            return element.text
    return None


def _moment(match: re.Match[str]) -> datetime:
    day, time, ms = match["day"], match["time"], match["ms"]
    return norm_instant(f"{day}T{time}.{ms}", where=match.string)


def _band_files(folder: Path, band: str) -> tuple[str, ...]:
    """FRE if there, else SRE; none for bands of which neither was delivered."""
    names = [f"{folder.name}_{kind}_{band}.tif" for kind in ("FRE", "SRE")]
    return tuple(name for name in names if (folder / name).exists())
