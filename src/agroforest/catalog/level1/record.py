"""A level-1 image as its metadata describe it: the top of the atmosphere.

It is no `Granule`: nothing that expects surface reflectance may take it by mistake.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntFlag, StrEnum
from pathlib import Path

from agroforest.catalog.header import read_header
from agroforest.catalog.product import find_file
from agroforest.catalog.scaling import Scaling
from agroforest.core.errors import DataError
from agroforest.core.scene import Asset

#: Bands of a level-1 image, by the Sentinel-2 band of the same part of the spectrum:
#: bands 1 to 7 of Landsat 8 and 9.
BANDS = ("B01", "B02", "B03", "B04", "B8A", "B11", "B12")
_DELIVER = "deliver the product whole"


class Imager(StrEnum):
    """What took the image."""

    MSI = "MSI"  #: Sentinel-2; short-wave infrared at 20 m
    OLI = "OLI"  #: Landsat 8 and 9; 30 m


#: Satellites by the names their products use in lower case: imager and short name.
SATELLITES: Mapping[str, tuple[Imager, str]] = {
    **{f"sentinel-2{x}": (Imager.MSI, f"S2{x.upper()}") for x in "abcd"},
    "landsat-8": (Imager.OLI, "L8"),
    "landsat-9": (Imager.OLI, "L9"),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class BandFile:
    """Where one band lies.

    Attributes
    ----------
    asset
        Its file, and how numbers become reflectance corrected for the sun's elevation.
    layer
        Number of the band in a file of several, from 1; None in a file of one.
    saturated
        Number that means the detector was full; None if there is none.
    """

    asset: Asset
    layer: int | None = None
    saturated: int | None = None


class Flaw(IntFlag):
    """What may be wrong with a pixel."""

    FULL = 1  #: the detector was: reflectance is at least what stands there
    LOST = 2  #: data were lost or damaged on the way down


@dataclass(frozen=True, kw_only=True, slots=True)
class FlawLayer:
    """One band of a mask of quality.

    Attributes
    ----------
    layer
        Its number, from 1.
    bits
        A pixel has the flaw where any of these bits is set.
    flaw
        Which.
    """

    layer: int
    bits: int
    flaw: Flaw


@dataclass(frozen=True, kw_only=True, slots=True)
class QualityFile:
    """A mask of pixels with which something is wrong.

    Attributes
    ----------
    asset
        Its file.
    layers
        Those of its bands that matter.
    """

    asset: Asset
    layers: tuple[FlawLayer, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Level1Scene:
    """One image at the top of the atmosphere.

    Attributes
    ----------
    id
        The product's own name.
    source
        Metadata file, named in errors.
    imager, satellite
        ``Imager.MSI`` and ``S2A``, for example.
    sensed
        UTC.
    sun_elevation
        Degrees above the horizon at the middle of the image.
    cloud_cover
        Percent, as the producer says; None where nobody does.
    crs
        Authority code of the pixels.
    bands
        All of `BANDS`.
    quality
        Masks of the near and short-wave infrared, where there are any.
    """

    id: str
    source: Path
    imager: Imager
    satellite: str
    sensed: datetime
    sun_elevation: float
    cloud_cover: float | None = None
    crs: str
    bands: Mapping[str, BandFile] = field(repr=False)
    quality: tuple[QualityFile, ...] = field(default=(), repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class Described:
    """What metadata say of one band, before its file is looked at.

    Attributes
    ----------
    file
        Relative to the folder; the ending may be missing.
    scaling
        How numbers become reflectance.
    layer, saturated
        As in `BandFile`.
    """

    file: str
    scaling: Scaling
    layer: int | None = None
    saturated: int | None = None


def find_bands(
    bands: Mapping[str, Described], folder: Path, *, crs: str | None, source: Path
) -> tuple[dict[str, BandFile], str]:
    """Find the files of all bands, and the CRS they share.

    Parameters
    ----------
    bands
        What the metadata say.
    folder
        Of the product; files outside are not touched.
    crs
        Authority code that the metadata state, if they do.
    source
        Metadata file, named in errors.

    Raises
    ------
    DataError
        A band of `BANDS` is not named, its file is missing, damaged or in another CRS.
    """
    missing = [band for band in BANDS if band not in bands]
    if missing:
        raise DataError(
            source, f"names no file of {', '.join(missing)}", "fire rules need them"
        )
    found = {}
    for name in BANDS:
        band = bands[name]
        path = find_file(folder, band.file)
        if path is None:
            raise DataError(folder / band.file, "no such file in the product", _DELIVER)
        header = read_header(path)
        crs = crs or header.crs
        if header.crs != crs:
            raise DataError(path, f"is in {header.crs}, the others in {crs}", _DELIVER)
        asset = Asset(
            href=str(path),
            scale=band.scaling.scale,
            offset=band.scaling.offset,
            nodata=band.scaling.nodata,
            resolution=header.resolution,
        )
        found[name] = BandFile(asset=asset, layer=band.layer, saturated=band.saturated)
    return found, str(crs)


def find_satellite(name: str, *, source: Path) -> tuple[Imager, str]:
    """Look up imager and short name of a satellite.

    Raises
    ------
    DataError
        If the fire rules are not for it.
    """
    known = SATELLITES.get(name)
    if known is None:
        raise DataError(
            source,
            f"was taken by {name[:40]!r}; fire rules need the bands of Landsat 8",
            "give Landsat 8 or 9, or Sentinel-2",
        )
    return known
