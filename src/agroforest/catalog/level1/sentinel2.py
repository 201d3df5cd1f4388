"""Sentinel-2 level-1C SAFE folders: reflectance at the top of the atmosphere.

Sentinel-2 Products Specification Document (S2-PDGS-TAS-DI-PSD), level 1C:
``reflectance = (number + RADIO_ADD_OFFSET) / QUANTIFICATION_VALUE``, corrected for the
sun's elevation at each pixel. The offset came with processing baseline 04.00.
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from xml.etree.ElementTree import Element

from agroforest.catalog.level1.record import (
    BANDS,
    Described,
    Flaw,
    FlawLayer,
    Level1Scene,
    QualityFile,
    find_bands,
    find_satellite,
)
from agroforest.catalog.markup import find_all, find_text, read_xml
from agroforest.catalog.product import find_file, norm_instant, norm_percent
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
from agroforest.core.scene import Asset

_METADATA = re.compile(
    r"MTD_MSIL1C\.xml|S2[A-D]_\w+_MTD_SAFL1C_\w+\.xml", re.IGNORECASE
)
_IMAGE = re.compile(r"_(?P<band>B\d{2}|B8A)$")
# Layers of MSK_QUALIT (since baseline 04.00), of eight: lost and degraded ancillary
# packets, lost and degraded image packets, defective, nodata, partly corrected
# crosstalk, saturated. The fifth and seventh are mended by interpolation (ESA's data
# quality reports, as NASA's Harmonized Landsat and Sentinel-2 reads them).
_FLAWS = {3: Flaw.LOST, 4: Flaw.LOST, 8: Flaw.FULL}
# Bands whose masks are read, and those in which a full detector counts.
_INFRARED, _SHORT_WAVE = ("B8A", "B11", "B12"), ("B11", "B12")
_DELIVER = "deliver the product whole"


def find_metadata(folder: Path) -> Path | None:
    """Find the product's XML, if `folder` is a level-1C SAFE."""
    if not folder.is_dir():
        return None
    names = sorted(p for p in folder.iterdir() if _METADATA.fullmatch(p.name))
    return names[0] if names else None


def is_metadata(path: Path) -> bool:
    """Whether a file is named like the XML of a level-1C SAFE."""
    return _METADATA.fullmatch(path.name) is not None


def read_l1c(path: Path) -> list[Level1Scene]:
    """Scenes of a SAFE folder, one a granule, from its XML.

    Parameters
    ----------
    path
        ``MTD_MSIL1C.xml``.

    Raises
    ------
    DataError
        If metadata or files are missing, damaged or contradictory.
    """
    root = read_xml(path)
    level = find_text(root, "PROCESSING_LEVEL") or ""
    if "1C" not in level.upper():
        raise DataError(path, f"processing level {level!r}", "give level 1C")
    granules = list(find_all(root, "Granule", "Granules"))
    if not granules:
        raise DataError(path, "names no granule", _DELIVER)
    return [_scene(path, root, granule, len(granules)) for granule in granules]


def _scene(path: Path, root: Element, granule: Element, count: int) -> Level1Scene:
    granule_id = granule.get("granuleIdentifier") or ""
    folder, name = path.parent, read_name(path.parent, root)
    tile = require_match(TILE, granule_id, name, where=path, what="tile")["tile"]
    about = read_tile_metadata(folder, granule_id, tile, count)
    if about is None:
        raise DataError(folder / "GRANULE", f"no MTD_TL.xml of tile {tile}", _DELIVER)
    baseline = read_baseline(root, name, granule_id, path)
    scalings = _scalings(root, baseline, path)
    saturated = next(iter(read_special(root, path, "SATURATED")), None)
    files = dict(_images(granule, granule_id))
    bands, crs = find_bands(
        {
            band: Described(
                file=files[band], scaling=scalings[band], saturated=saturated
            )
            for band in BANDS
            if band in files
        },
        folder,
        crs=norm_epsg(find_text(about, "HORIZONTAL_CS_CODE")),
        source=path,
    )
    imager, satellite = find_satellite(read_platform(root, name, path), source=path)
    sensed = find_text(about, "SENSING_TIME") or require_text(
        root, path, "DATATAKE_SENSING_START", "PRODUCT_START_TIME"
    )
    cover = find_text(root, "Cloud_Coverage_Assessment", "CLOUDY_PIXEL_PERCENTAGE")
    return Level1Scene(
        id=name if count == 1 else f"{name}_T{tile}",
        source=path,
        imager=imager,
        satellite=satellite,
        sensed=norm_instant(sensed, where=path),
        sun_elevation=_sun_elevation(about, folder / "GRANULE"),
        cloud_cover=norm_percent(cover, where=path),
        crs=crs,
        bands=bands,
        quality=tuple(_quality(about, folder)),
    )


def _scalings(root: Element, baseline: str, path: Path) -> Mapping[str, Scaling]:
    text = find_text(root, "QUANTIFICATION_VALUE")
    offsets = read_offsets(root, path, "RADIO_ADD_OFFSET")
    return {
        band: resolve_scaling(
            Stated(
                family=Family.SAFE_L1C,
                baseline=baseline,
                quantification=None if text is None else read_number(text, path),
                add_offset=offsets.get(band),
                nodata=read_special(root, path),
            ),
            where=path,
        )
        for band in BANDS
    }


def _sun_elevation(about: Element, where: Path) -> float:
    for angle in find_all(about, "Mean_Sun_Angle"):
        zenith = find_text(angle, "ZENITH_ANGLE")
        if zenith is not None:
            return 90.0 - read_number(zenith, where)
    raise DataError(where, "MTD_TL.xml states no Mean_Sun_Angle", _DELIVER)


def _images(granule: Element, granule_id: str) -> Iterator[tuple[str, str]]:
    """Band and file of each image, the file relative to the product folder."""
    for element in find_all(granule, "IMAGE_FILE", "IMAGE_ID"):
        name = (element.text or "").strip()
        match = _IMAGE.search(name)
        if match and ".." not in name:
            # Before 2016 only the name was given; the folder follows from it.
            middle = "" if "/" in name else f"GRANULE/{granule_id}/IMG_DATA/"
            yield match["band"], middle + name


def _quality(about: Element, folder: Path) -> Iterator[QualityFile]:
    wanted = {str(BAND_IDS.index(band)): band for band in _INFRARED}
    for element in find_all(about, "MASK_FILENAME"):
        band = wanted.get(element.get("bandId", ""))
        if band is None or element.get("type") != "MSK_QUALIT":
            continue
        path = find_file(folder, (element.text or "").strip())
        if path is None:
            continue
        yield QualityFile(
            asset=Asset(href=str(path), resolution=20.0),
            layers=tuple(
                FlawLayer(layer=layer, bits=1, flaw=flaw)
                for layer, flaw in _FLAWS.items()
                if flaw is Flaw.LOST or band in _SHORT_WAVE
            ),
        )
