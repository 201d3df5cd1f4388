"""What the XML of Sentinel-2 SAFE folders say, whatever the level of the product.

Tag names are those of the Sentinel-2 Products Specification Document
(S2-PDGS-TAS-DI-PSD); the names with ``2A`` belong to products made before April 2018.
Every function raises `DataError` where what it needs is missing or damaged.
"""

import math
import re
from pathlib import Path
from xml.etree.ElementTree import Element

from agroforest.catalog.markup import find_all, find_text, read_xml
from agroforest.core.errors import DataError

#: ``band_id`` of the XML, in order; B10 (cirrus) has no surface reflectance.
BAND_IDS = (
    *("B01", "B02", "B03", "B04", "B05", "B06", "B07"),
    *("B08", "B8A", "B09", "B10", "B11", "B12"),
)
#: Tile in the name of a product or granule.
TILE = re.compile(r"_T(?P<tile>\d{2}[A-Z]{3})(?:_|$)")
_BASELINE = re.compile(r"_N(?P<major>\d{2})\.?(?P<minor>\d{2})(?:_|$)")
_DELIVER = "deliver the product whole"


def read_name(folder: Path, root: Element) -> str:
    """Read the name of the product, without its ending."""
    uri = find_text(root, "PRODUCT_URI", "PRODUCT_URI_2A") or folder.name
    return Path(uri).name.removesuffix(".SAFE")


def read_baseline(root: Element, name: str, granule_id: str, path: Path) -> str:
    """Read the processing baseline, ``"05.09"``."""
    stated = find_text(root, "PROCESSING_BASELINE")
    if stated and re.fullmatch(r"\d{1,2}\.\d{1,2}", stated):
        return stated
    for text in (name, granule_id):
        match = _BASELINE.search(text)
        if match:
            return f"{match['major']}.{match['minor']}"
    raise DataError(path, f"unknown baseline {stated!r}", _DELIVER)


def read_platform(root: Element, name: str, path: Path) -> str:
    """Read the satellite, ``"sentinel-2a"``."""
    text = find_text(root, "SPACECRAFT_NAME") or name
    match = re.match(r"(?:SENTINEL-?2|S2)([A-D])", text, re.IGNORECASE)
    if match is None:
        raise DataError(path, f"spacecraft {text[:40]!r}", "give a Sentinel-2 product")
    return f"sentinel-2{match[1].lower()}"


def read_special(root: Element, path: Path, meaning: str = "NODATA") -> tuple[int, ...]:
    """Read the number that stands for ``NODATA`` or ``SATURATED``, if it is stated."""
    for special in find_all(root, "Special_Values"):
        text = (find_text(special, "SPECIAL_VALUE_TEXT") or "").upper()
        if text == meaning:
            index = find_text(special, "SPECIAL_VALUE_INDEX")
            return (int(read_number(index or "", path)),)
    return ()


def read_offsets(root: Element, path: Path, tag: str) -> dict[str, float]:
    """Offsets in elements named `tag`, by band name."""
    stated = {
        element.get("band_id", element.get("bandId", "")): read_number(
            element.text or "", path
        )
        for element in find_all(root, tag)
    }
    names = {str(number): band for number, band in enumerate(BAND_IDS)}
    return {names[key]: value for key, value in stated.items() if key in names}


def read_tile_metadata(
    folder: Path, granule_id: str, tile: str, count: int
) -> Element | None:
    """Root of the XML of one granule, of a product that holds `count`."""
    for path in sorted(folder.glob("GRANULE/*/*MTD*.xml")):
        own = granule_id in str(path.parent.name) or f"T{tile}" in path.parent.name
        if own or count == 1:
            return read_xml(path)
    return None


def norm_epsg(code: str | None) -> str | None:
    """``EPSG:32631`` of any spelling of it."""
    match = re.search(r"(\d{4,6})$", code or "")
    return f"EPSG:{match[1]}" if match else None


def require_text(root: Element, path: Path, *names: str) -> str:
    """Text of the first element that has one, trying `names` in order."""
    text = find_text(root, *names)
    if text is None:
        raise DataError(path, f"states no {names[0]}", _DELIVER)
    return text


def require_match(
    pattern: re.Pattern[str], *texts: str, where: Path, what: str
) -> re.Match[str]:
    """Match in the first of some texts that has one."""
    for text in texts:
        match = pattern.search(text)
        if match:
            return match
    raise DataError(where, f"names no {what} in {texts[-1][:80]!r}", _DELIVER)


def read_number(text: str, path: Path) -> float:
    """Finite number of a text."""
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise DataError(path, f"{text[:40]!r} is no number", "deliver it again")
    return number
