"""Scenes: what a satellite saw of a place in one pass."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from enum import StrEnum

from shapely.geometry.base import BaseGeometry

from agroforest.core.identity import digest

#: Band names every room uses. Other sensors are mapped to the Sentinel-2 band of
#: the same part of the spectrum (Landsat's near infrared is narrow: ``B8A``).
BANDS = (
    "B01",
    "B02",
    "B03",
    "B04",
    "B05",
    "B06",
    "B07",
    "B08",
    "B8A",
    "B09",
    "B11",
    "B12",
)


class MaskKind(StrEnum):
    """Which convention a mask layer follows."""

    SCL = "scl"  #: Sentinel-2 scene classification, classes 0-11
    CLM = "clm"  #: Theia (MAJA) cloud mask, 0 clear, else bit flags
    QA_PIXEL = "qa_pixel"  #: Landsat Collection 2 quality bits
    NONE = "none"  #: there is no mask: a band stands in, and all of it is clear


@dataclass(frozen=True, kw_only=True, slots=True)
class Asset:
    """One band or mask file, and how its numbers become reflectance.

    Attributes
    ----------
    href
        Absolute path or URL.
    scale, offset
        ``reflectance = number * scale + offset``; 1 and 0 for masks.
    nodata
        Numbers that mean "nothing measured".
    resolution
        Pixel side in metres as the product's metadata declare it.
    sha256
        Of the file's bytes; ``None`` for remote files never read.
    summed_ns
        When that was written down, nanoseconds since 1970; 0 where nobody knows.
    """

    href: str
    scale: float = 1.0
    offset: float = 0.0
    nodata: tuple[int, ...] = ()
    resolution: float
    sha256: str | None = None
    summed_ns: int = field(default=0, compare=False, repr=False)

    def patch(self, **changes: object) -> "Asset":
        """Copy with some fields changed."""
        return replace(self, **changes)  # type: ignore[arg-type]


@dataclass(frozen=True, kw_only=True, slots=True)
class Granule:
    """One product as it was delivered: a tile (or strip of it) of one pass.

    Attributes
    ----------
    id
        The product's own name.
    collection
        ``sentinel-2-l2a``, ``sentinel-2-l2a-theia`` or ``landsat-c2-l2``.
    platform
        For example ``sentinel-2a``, lower case.
    place
        The producer's tile: ``31UFQ``, or path and row ``008059``.
    sensed
        UTC, start of the acquisition of this strip.
    baseline
        Processing baseline or version as the producer writes it, ``"05.09"``.
        Baselines are compared number by number.
    generated
        UTC, when the product was made, where known: decides between equal
        baselines.
    cloud_cover
        Percent of the granule, where known.
    crs
        Authority code of the pixels.
    footprint
        Outline in WGS84.
    bands
        Reflectance assets by Sentinel-2 band name.
    mask
        The asset from which the usable mask is read.
    mask_kind
        Its convention.
    """

    id: str
    collection: str
    platform: str
    place: str
    sensed: datetime
    baseline: str
    generated: datetime | None = None
    cloud_cover: float | None = None
    crs: str
    footprint: BaseGeometry
    bands: Mapping[str, Asset]
    mask: Asset
    mask_kind: MaskKind

    def patch(self, **changes: object) -> "Granule":
        """Copy with some fields changed."""
        return replace(self, **changes)  # type: ignore[arg-type]


@dataclass(frozen=True, kw_only=True, slots=True)
class Scene:
    """Everything one satellite pass holds over a place, duplicates settled.

    Attributes
    ----------
    id
        ``<platform>_<YYYYMMDD>T<HHMM>_<digest of the granule ids>``.
    granules
        In order of precedence: where two hold the same pixel, the first that
        has a valid number wins.
    """

    id: str
    granules: tuple[Granule, ...] = field(repr=False)

    @property
    def sensed(self) -> datetime:
        """UTC time of the earliest granule."""
        return min(g.sensed for g in self.granules)

    @property
    def date(self) -> date:
        """UTC day of the pass."""
        return self.sensed.date()

    @property
    def cloud_cover(self) -> float | None:
        """Mean over the granules that state it, percent."""
        known = [g.cloud_cover for g in self.granules if g.cloud_cover is not None]
        return sum(known) / len(known) if known else None

    @property
    def band_names(self) -> frozenset[str]:
        """Bands that at least one granule has."""
        return frozenset(name for g in self.granules for name in g.bands)

    def content(self) -> str:
        """Digest of what this scene's pixels depend on.

        Files with a checksum count by their content, others by their address,
        so moving a local archive does not make its scenes new.
        """
        return digest(
            *(
                (g.id, g.baseline, name, a.sha256 or a.href, a.scale, a.offset)
                for g in self.granules
                for name, a in sorted({**g.bands, g.mask_kind: g.mask}.items())
            )
        )


def build_scene(granules: tuple[Granule, ...]) -> Scene:
    """Join granules of one pass, already in order of precedence."""
    first = min(granules, key=lambda g: (g.sensed, g.id))
    ids = digest(*sorted(g.id for g in granules), length=8)
    return Scene(
        id=f"{first.platform}_{first.sensed:%Y%m%dT%H%M}_{ids}", granules=granules
    )
