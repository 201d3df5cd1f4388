"""Landsat 8 and 9 Collection 2 level-1 products: the top of the atmosphere.

Landsat 8-9 Data Users Handbook (LSDS-2082), conversion to reflectance at the top of the
atmosphere: ``(number * REFLECTANCE_MULT + REFLECTANCE_ADD) / sin(SUN_ELEVATION)``, with
the sun's elevation at the middle of the scene.
"""

import math
from collections.abc import Mapping
from pathlib import Path

from agroforest.catalog.landsat import OLI, read_crs
from agroforest.catalog.level1.record import (
    Described,
    Flaw,
    FlawLayer,
    Level1Scene,
    QualityFile,
    find_bands,
    find_satellite,
)
from agroforest.catalog.mtl import (
    Groups,
    get_group,
    get_number,
    get_value,
    read_groups,
)
from agroforest.catalog.product import find_file, norm_instant, norm_percent
from agroforest.catalog.scaling import Family, Scaling, Stated, resolve_scaling
from agroforest.core.errors import DataError
from agroforest.core.scene import Asset

# QA_RADSAT, Landsat 8-9 Collection 2 Level 1 Data Format Control Book (LSDS-1822): bit
# n - 1 is set where band n is saturated.
_BIT_6, _BIT_7 = 1 << 5, 1 << 6


def read_l1(path: Path) -> Level1Scene:
    """Scene of an MTL file, files beside it checked.

    Raises
    ------
    DataError
        If metadata or files are missing or damaged, or the product is of another level
        or collection, by another sensor, or of the night.
    """
    groups = read_groups(path)
    contents = get_group(groups, "PRODUCT_CONTENTS", path)
    image = get_group(groups, "IMAGE_ATTRIBUTES", path)
    _check_level(contents, path)
    name = get_value(image, "SPACECRAFT_ID", path).lower().replace("_", "-")
    imager, satellite = find_satellite(name, source=path)
    sun = get_number(image, "SUN_ELEVATION", path)
    bands, crs = find_bands(
        {
            band: Described(
                file=Path(contents[f"FILE_NAME_BAND_{number}"]).name,
                scaling=_scaling(groups, number, sun, path),
            )
            for number, band in OLI.items()
            if f"FILE_NAME_BAND_{number}" in contents
        },
        path.parent,
        crs=read_crs(groups.get("PROJECTION_ATTRIBUTES", {})),
        source=path,
    )
    day, time = get_value(image, "DATE_ACQUIRED", path), image.get("SCENE_CENTER_TIME")
    return Level1Scene(
        id=get_value(contents, "LANDSAT_PRODUCT_ID", path),
        source=path,
        imager=imager,
        satellite=satellite,
        sensed=norm_instant(f"{day}T{time}" if time else day, where=path),
        sun_elevation=sun,
        cloud_cover=norm_percent(image.get("CLOUD_COVER"), where=path),
        crs=crs,
        bands=bands,
        quality=_quality(contents, path.parent),
    )


def correct_for_sun(scaling: Scaling, sun_elevation: float, *, where: Path) -> Scaling:
    """Divide reflectance by the sine of the sun's elevation, in degrees.

    Raises
    ------
    DataError
        If the sun is not above the horizon.
    """
    if not 0.0 < sun_elevation <= 90.0:
        raise DataError(
            where,
            f"the sun is at {sun_elevation} degrees; fire rules are for day",
            "give an image taken by day",
        )
    sine = math.sin(math.radians(sun_elevation))
    return Scaling(
        scale=scaling.scale / sine, offset=scaling.offset / sine, nodata=scaling.nodata
    )


def _scaling(groups: Groups, number: int, sun: float, path: Path) -> Scaling:
    group = get_group(groups, "LEVEL1_RADIOMETRIC_RESCALING", path)
    stated = Stated(
        family=Family.LANDSAT,
        scale=get_number(group, f"REFLECTANCE_MULT_BAND_{number}", path),
        offset=get_number(group, f"REFLECTANCE_ADD_BAND_{number}", path),
    )
    return correct_for_sun(resolve_scaling(stated, where=path), sun, where=path)


def _check_level(contents: Mapping[str, str], path: Path) -> None:
    level = get_value(contents, "PROCESSING_LEVEL", path)
    collection = get_value(contents, "COLLECTION_NUMBER", path)
    if level.startswith("L2"):
        raise DataError(
            path,
            f"level {level} is surface reflectance; fire rules need that at the top of "
            "the atmosphere",
            "give the level-1 product (L1TP)",
        )
    if not level.startswith("L1") or collection.lstrip("0") != "2":
        raise DataError(
            path, f"level {level} of collection {collection}", "give Collection 2 L1TP"
        )


def _quality(contents: Mapping[str, str], folder: Path) -> tuple[QualityFile, ...]:
    name = contents.get("FILE_NAME_QUALITY_L1_RADIOMETRIC_SATURATION", "")
    path = find_file(folder, Path(name).name) if name else None
    if path is None:
        return ()
    asset = Asset(href=str(path), resolution=30.0)
    full = FlawLayer(layer=1, bits=_BIT_6 | _BIT_7, flaw=Flaw.FULL)
    return (QualityFile(asset=asset, layers=(full,)),)
