"""The scenes of a season, and how they become a composite."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date

from agroforest.core.errors import DataError, NoInputError
from agroforest.core.grid import Grid
from agroforest.core.identity import digest
from agroforest.core.scene import BANDS, Scene
from agroforest.products.composite.stand_in import FILLED, NEEDED
from agroforest.products.compute import MaskRule

#: Bands of Landsat, blue to the second of the short-wave infrared.
LANDSAT_BANDS = ("B02", "B03", "B04", "B8A", "B11", "B12")
#: Raised whenever the same scenes would give other numbers.
ALGORITHM = 1


@dataclass(frozen=True, kw_only=True, slots=True)
class SeasonScenes:
    """What a composite is made of, and how.

    Attributes
    ----------
    scenes
        Of the season, in any order.
    window
        First and last day.
    grid
        Of the composite.
    mask
        What counts as clear.
    bands
        Which; all twelve of Sentinel-2 unless given.
    simulated
        Whether the scenes never existed; the metadata then say so.
    """

    scenes: Sequence[Scene] = field(repr=False)
    window: tuple[date, date]
    grid: Grid
    mask: MaskRule
    bands: tuple[str, ...] = BANDS
    simulated: bool = False

    @property
    def complete(self) -> tuple[Scene, ...]:
        """Scenes that have all bands which cannot be filled, by time."""
        wanted = set(self.bands) - set(self._fillable)
        ordered = sorted(self.scenes, key=lambda s: (s.sensed, s.id))
        return tuple(s for s in ordered if s.band_names >= wanted)

    @property
    def filled(self) -> tuple[str, ...]:
        """Bands that some of these scenes lack, and that are filled for all."""
        return tuple(
            band
            for band in self._fillable
            if any(band not in scene.band_names for scene in self.complete)
        )

    @property
    def _fillable(self) -> tuple[str, ...]:
        return FILLED if set(NEEDED) <= set(self.bands) else ()

    def content(self) -> str:
        """Digest of everything that the composite depends on."""
        grid, mask = self.grid, self.mask
        return digest(
            "composite",
            ALGORITHM,
            [scene.content() for scene in self.complete],
            [grid.crs, grid.left, grid.top, grid.resolution, *grid.shape],
            self.bands,
            sorted(mask.scl_classes),
            mask.dilate_m,
            self.window,
            self.simulated,
        )

    def without(self, scene: Scene) -> "SeasonScenes":
        """Copy without a scene."""
        return replace(self, scenes=[s for s in self.scenes if s.id != scene.id])


def explain_nothing(
    where: object, season: SeasonScenes, refused: Sequence[DataError]
) -> NoInputError:
    """Say why there is no composite of a season."""
    first, last = season.window
    span = f"{first.isoformat()} to {last.isoformat()}"
    if refused:
        return NoInputError(
            where, f"no scene of {span} can be read ({refused[0]})", "fetch them again"
        )
    lacking = sorted(
        {
            band
            for scene in season.scenes
            for band in set(season.bands) - scene.band_names
            if band not in FILLED
        }
    )
    if lacking:
        return NoInputError(
            where,
            f"no scene of {span} has all bands (missing: {' '.join(lacking)})",
            "add scenes with these bands",
        )
    return NoInputError(where, f"no scene from {span}", "add scenes of this season")
