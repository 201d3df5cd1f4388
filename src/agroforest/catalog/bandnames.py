"""Which of our bands an asset of a STAC item holds."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from agroforest.catalog.landsat import band_map
from agroforest.core.scene import BANDS, MaskKind

#: STAC common names (eo extension 1.1 and 2.0) and the names of Earth Search.
_COMMON = {
    "coastal": "B01",
    "blue": "B02",
    "green": "B03",
    "red": "B04",
    "rededge1": "B05",
    "rededge071": "B05",
    "rededge2": "B06",
    "rededge075": "B06",
    "rededge3": "B07",
    "rededge078": "B07",
    "nir": "B08",
    "nir08": "B8A",
    "nir09": "B09",
    "swir16": "B11",
    "swir22": "B12",
}
_NUMBERED = re.compile(r"B0?(?P<number>\d{1,2}A?)(?:_(?:10|20|60)M)?", re.IGNORECASE)
_LANDSAT = re.compile(r"(?:SR_)?B(?P<number>\d)(?:\.TIFF?)?", re.IGNORECASE)
_MASKS = (
    (re.compile(r"SCL(?:_(?:10|20|60)M)?", re.IGNORECASE), MaskKind.SCL),
    (re.compile(r"QA_PIXEL(?:\.TIFF?)?", re.IGNORECASE), MaskKind.QA_PIXEL),
    (re.compile(r"CLM(?:_R[12])?", re.IGNORECASE), MaskKind.CLM),
)
_NOT_PIXELS = {"thumbnail", "overview", "visual", "metadata"}


def find_band(
    key: str, asset: Mapping[str, Any], described: Sequence[object], platform: str
) -> str | None:
    """Our name of the band in an asset; None for everything that is no band.

    Parameters
    ----------
    key
        The asset's name in the item.
    asset
        The asset.
    described
        Its entries of ``bands`` or ``eo:bands``.
    platform
        ``sentinel-2a``, ``landsat-8``: decides what ``B5`` means.
    """
    roles = asset.get("roles")
    if isinstance(roles, list) and _NOT_PIXELS & {str(r) for r in roles}:
        return None
    # The JPEG 2000 originals that Earth Search lists beside its COGs.
    if key.lower().endswith("-jp2") or len(described) > 1:
        return None
    names = [key]
    if described and isinstance(described[0], Mapping):
        entry = described[0]
        fields = ("name", "common_name", "eo:common_name")
        names += [str(entry.get(field, "")) for field in fields]
    landsat = platform.startswith("landsat")
    for name in names:
        band = _landsat_band(name, platform) if landsat else _sentinel2_band(name)
        if band is not None:
            return band
    return None


def find_mask(key: str) -> MaskKind | None:
    """Convention of a mask asset; None for everything that is no mask."""
    for pattern, kind in _MASKS:
        if pattern.fullmatch(key):
            return kind
    return None


def _sentinel2_band(name: str) -> str | None:
    match = _NUMBERED.fullmatch(name)
    if match:
        padded = f"B{match['number'].upper():0>2}"
        return padded if padded in BANDS else None
    return _COMMON.get(name.lower())


def _landsat_band(name: str, platform: str) -> str | None:
    match = _LANDSAT.fullmatch(name)
    if match:
        return band_map(platform).get(int(match["number"]))
    band = _COMMON.get(name.lower())
    return "B8A" if band == "B08" else band
