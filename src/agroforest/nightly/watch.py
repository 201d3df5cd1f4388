"""From settings to what is watched."""

from pathlib import Path
from typing import NamedTuple

from agroforest.core.aoi import Aoi, read_aoi
from agroforest.core.config import Pipeline, Watched
from agroforest.core.grid import find_tiles
from agroforest.nightly.forest import forest_digest, forest_polygons
from agroforest.nightly.judge import Judge, choose_judge
from agroforest.nightly.plan import Watch
from agroforest.nightly.workplace import Workplace
from agroforest.nightly.yearly.models import choose_models


class Post(NamedTuple):
    """What is watched, the area it was cut from, and who judges."""

    watch: Watch
    aoi: Aoi
    judge: Judge


def build_watch(pipeline: Pipeline, work: Path) -> Post:
    """Read the area of a pipeline, cut it into tiles, choose who judges.

    Parameters
    ----------
    pipeline
        Settings.
    work
        The work folder.

    Raises
    ------
    ConfigurationError
        Settings or area cannot be acted on.
    """
    aoi = read_aoi(pipeline.aoi)
    canopy = pipeline.watches(Watched.CANOPY)
    judge = choose_judge(pipeline)
    forest = forest_polygons(pipeline, aoi) if canopy else None
    watch = Watch(
        pipeline=pipeline,
        workplace=Workplace(root=work.absolute(), pipeline=pipeline.name),
        tiles=find_tiles(
            aoi.area,
            resolution=pipeline.grid.resolution,
            size=pipeline.grid.tile_size,
        )
        if canopy
        else (),
        forest=forest,
        ground=forest_digest(pipeline, forest),
        model=judge.identity,
        yearly=choose_models(pipeline.yearly) if canopy else None,
    )
    return Post(watch, aoi, judge)
