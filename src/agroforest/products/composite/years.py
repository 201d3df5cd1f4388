"""Composites of several tiles and years, one file each."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from agroforest.core.errors import NoInputError
from agroforest.core.grid import Tile
from agroforest.core.scene import Scene
from agroforest.core.season import Season
from agroforest.cube import DecodedCache
from agroforest.products.composite.build import Composite, Progress, build_composite
from agroforest.products.composite.inputs import SeasonScenes
from agroforest.products.compute import MaskRule


@dataclass(frozen=True, kw_only=True, slots=True)
class YearOfTile:
    """What became of a season of a tile.

    Attributes
    ----------
    tile, year
        Which.
    composite
        ``None`` where there is none.
    missing
        Why there is none, in one line.
    """

    tile: str
    year: int
    composite: Composite | None = None
    missing: str = ""


def build_years(
    scenes: Sequence[Scene],
    tiles: Sequence[Tile],
    years: Sequence[int],
    *,
    season: Season,
    mask: MaskRule,
    out: Path,
    workers: int = 1,
    cache: DecodedCache | None = None,
    progress: Progress | None = None,
) -> Iterator[YearOfTile]:
    """Build ``<out>/<year>/<tile>.tif`` for every tile and year.

    This is the layout that ``agroforest model predict canopy-damage`` reads.

    Parameters
    ----------
    scenes
        Of any days and places; those of a tile and season are picked out.
    tiles, years, season
        Where and when.
    mask, workers, cache, progress
        See `build_composite`.
    out
        Folder to write.

    Yields
    ------
    YearOfTile
        One for each, a year without scenes too.
    """
    for tile in tiles:
        outline = tile.footprint()
        over = [
            scene
            for scene in scenes
            if any(g.footprint.intersects(outline) for g in scene.granules)
        ]
        for year in years:
            chosen = SeasonScenes(
                scenes=[s for s in over if season.holds(s.date, year)],
                window=season.window(year),
                grid=tile.grid,
                mask=mask,
            )
            path = out / str(year) / f"{tile.id}.tif"
            try:
                made = build_composite(
                    chosen, path, workers=workers, cache=cache, progress=progress
                )
            except NoInputError as error:
                yield YearOfTile(tile=tile.id, year=year, missing=str(error))
            else:
                yield YearOfTile(tile=tile.id, year=year, composite=made)
