"""How stored numbers become reflectance, decided by metadata and nothing else.

Sentinel-2 products of processing baseline 04.00 and later store reflectance
shifted by 1000, so that negative values survive; reprocessed scenes of any year
carry the shift, and some catalogues have taken it out again. A date therefore
says nothing. What the metadata state is gathered in `Stated`; `resolve_scaling`
turns it into numbers or refuses.
"""

from dataclasses import dataclass
from enum import StrEnum

from agroforest.catalog.precedence import baseline_number
from agroforest.core.errors import DataError

#: First baseline whose products store reflectance with an offset (Sentinel-2
#: Products Specification Document, issue 14.9, section 4.9 and following).
OFFSET_SINCE = (4, 0)
SENTINEL2_SCALE = 1e-4
SENTINEL2_OFFSET = -0.1  # BOA_ADD_OFFSET -1000 over BOA_QUANTIFICATION_VALUE 10000
#: Landsat 8-9 Collection 2 Level 2 Science Product Guide, LSDS-1619, table 6-1;
#: LSDS-1618 says the same of Landsat 4-7.
LANDSAT_SCALE = 2.75e-5
LANDSAT_OFFSET = -0.2


class Family(StrEnum):
    """Whose conventions hold."""

    SAFE = "safe"  #: Sentinel-2 L2A as ESA packs it, with its XML
    SAFE_L1C = "safe-l1c"  #: Sentinel-2 L1C as ESA packs it, with its XML
    SENTINEL2 = "sentinel2"  #: Sentinel-2 L2A as a STAC item describes it
    THEIA = "theia"  #: Sentinel-2 L2A by MAJA
    LANDSAT = "landsat"  #: Landsat Collection 2 level 2
    OTHER = "other"  #: anything that states its own scale and offset


@dataclass(frozen=True, kw_only=True, slots=True)
class Stated:
    """What a product's metadata say about one band; None where they are silent.

    Attributes
    ----------
    family
        Whose conventions hold.
    baseline
        Processing baseline, ``"05.09"``.
    quantification, add_offset
        As Sentinel-2 XML states them:
        ``reflectance = (number + add_offset) / quantification``.
    scale, offset
        As STAC and Landsat state them:
        ``reflectance = number * scale + offset``.
    offset_applied
        The catalogue's claim that it already took the offset out of the pixels.
    original
        True if the pixels are known to be the agency's own numbers.
    nodata
        Numbers stated to mean "nothing measured".
    """

    family: Family
    baseline: str | None = None
    quantification: float | None = None
    add_offset: float | None = None
    scale: float | None = None
    offset: float | None = None
    offset_applied: bool | None = None
    original: bool = False
    nodata: tuple[int, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Scaling:
    """``reflectance = number * scale + offset``, except where `nodata`."""

    scale: float
    offset: float
    nodata: tuple[int, ...]


def resolve_scaling(stated: Stated, *, where: object) -> Scaling:
    """Scale, offset and nodata of one band.

    Parameters
    ----------
    stated
        What the metadata say.
    where
        File or id, named in the error.

    Raises
    ------
    DataError
        If the metadata contradict themselves or leave the offset open.
    """
    scale, offset = _RULES[stated.family](stated, where)
    if not 0 < scale < 1:  # False for NaN, too
        raise DataError(
            where, f"reflectance scale {scale}", "correct the product's metadata"
        )
    if not abs(offset) <= 1:
        raise DataError(
            where, f"reflectance offset {offset}", "correct the product's metadata"
        )
    return Scaling(scale=scale, offset=offset, nodata=_nodata(stated))


def _nodata(stated: Stated) -> tuple[int, ...]:
    if stated.family is Family.THEIA:
        # -10000 is the format's; zeros fill the margin of cut-out products.
        return (*(stated.nodata or (-10_000,)), 0)
    if stated.family is Family.OTHER:
        return stated.nodata
    return stated.nodata or (0,)


#: What the XML call quantification and offset, and which XML.
_SAFE_TAGS = {
    Family.SAFE: ("BOA_QUANTIFICATION_VALUE", "BOA_ADD_OFFSET", "MTD_MSIL2A.xml"),
    Family.SAFE_L1C: ("QUANTIFICATION_VALUE", "RADIO_ADD_OFFSET", "MTD_MSIL1C.xml"),
}


def _safe(stated: Stated, where: object) -> tuple[float, float]:
    quantification, offset, xml = _SAFE_TAGS[stated.family]
    if not stated.quantification:
        raise DataError(
            where,
            f"{quantification} is {stated.quantification}",
            f"deliver the product with its whole {xml}",
        )
    if stated.add_offset is not None:
        return 1 / stated.quantification, stated.add_offset / stated.quantification
    if _carries_offset(stated.baseline, where):
        raise DataError(
            where,
            f"baseline {stated.baseline} without {offset} for the band",
            f"deliver the product with its whole {xml}",
        )
    return 1 / stated.quantification, 0.0


def _theia(stated: Stated, where: object) -> tuple[float, float]:
    del where
    return 1 / (stated.quantification or 10_000.0), 0.0


def _landsat(stated: Stated, where: object) -> tuple[float, float]:
    if (stated.scale is None) != (stated.offset is None):
        raise DataError(
            where,
            f"scale {stated.scale} with offset {stated.offset}",
            "state both or neither",
        )
    if stated.scale is None or stated.offset is None:
        return LANDSAT_SCALE, LANDSAT_OFFSET
    return stated.scale, stated.offset


def _other(stated: Stated, where: object) -> tuple[float, float]:
    if stated.scale is None:
        raise DataError(
            where,
            "states no scale and is no product whose scale is known",
            "state scale and offset in raster:bands",
        )
    return stated.scale, stated.offset or 0.0


def _sentinel2(stated: Stated, where: object) -> tuple[float, float]:
    scale = SENTINEL2_SCALE if stated.scale is None else stated.scale
    if stated.offset_applied is True:
        return scale, _corrected(stated, where)
    if stated.offset is None:
        return scale, _silent(stated, where)
    if stated.baseline is not None:
        _check_agreement(stated, where)
    return scale, stated.offset


def _corrected(stated: Stated, where: object) -> float:
    """Offset of pixels whose catalogue says it has been taken out.

    Earth Search keeps ``offset: -0.1`` in `raster:bands` of such items; its
    maintainers say that the flag is right
    (https://github.com/Element84/earth-search/issues/9).
    """
    if stated.baseline is not None and not _carries_offset(stated.baseline, where):
        raise DataError(
            where,
            f"boa_offset_applied although baseline {stated.baseline} has no offset",
            "take the scene from another catalogue",
        )
    return 0.0


def _silent(stated: Stated, where: object) -> float:
    """Offset of pixels about which no offset is stated."""
    if stated.baseline is None and stated.scale is not None:
        return 0.0  # a scale of its own and no offset: STAC's default is none
    if not _carries_offset(stated.baseline, where):
        return 0.0
    if stated.original or stated.offset_applied is False:
        # Earth Search's false is sometimes wrong, which no metadata show
        # (https://github.com/Element84/earth-search/issues/71).
        return SENTINEL2_OFFSET
    raise DataError(
        where,
        f"baseline {stated.baseline}, but nothing says whether the offset of"
        " -1000 is still in the pixels",
        "state the offset in raster:bands or take the scene from another catalogue",
    )


def _check_agreement(stated: Stated, where: object) -> None:
    carries = _carries_offset(stated.baseline, where)
    # A producer may well take the offset out without Earth Search's flag, but
    # not put one in, nor deny what it states beside.
    denied = carries and stated.offset_applied is False and stated.offset == 0
    invented = not carries and stated.offset != 0
    if denied or invented:
        raise DataError(
            where,
            f"baseline {stated.baseline} contradicts the stated offset of"
            f" {stated.offset}",
            "take the scene from another catalogue",
        )


def _carries_offset(baseline: str | None, where: object) -> bool:
    number = baseline_number(baseline or "")
    if not number or number[0] == 0 or number[0] >= 99:
        # 00.xx and 99.99 mark products of private processing.
        raise DataError(
            where,
            f"unknown baseline {baseline!r}",
            "state s2:processing_baseline, or the scale and offset of each band",
        )
    return number >= OFFSET_SINCE


_RULES = {
    Family.SAFE: _safe,
    Family.SAFE_L1C: _safe,
    Family.SENTINEL2: _sentinel2,
    Family.THEIA: _theia,
    Family.LANDSAT: _landsat,
    Family.OTHER: _other,
}
