"""The demonstration: build the simulated world, run its nights, score them."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from pathlib import Path

import numpy as np
import shapely

from agroforest.catalog import LocalCatalog, add_scenes
from agroforest.core.aoi import PlaceKind, read_aoi
from agroforest.core.config import Pipeline, read_pipeline
from agroforest.core.errors import ConfigurationError
from agroforest.core.grid import WGS84, find_tiles, reproject
from agroforest.nightly import NightOutcome, run_nights
from agroforest.nightly.intake import import_file
from agroforest.nightly.outputs import read_index
from agroforest.nightly.run import Progress, Silence
from agroforest.nightly.workplace import Workplace
from agroforest.store import open_store
from agroforest.testing.places import CRS
from agroforest.testing.score import Score, score_world
from agroforest.testing.soil import FIELD_CAPACITY
from agroforest.testing.world import World, build_world


@dataclass(frozen=True, kw_only=True, slots=True)
class Demonstration:
    """What the demonstration did and found.

    Attributes
    ----------
    world
        What was simulated.
    refused
        Products that the catalogue would not take.
    nights
        How many nights were run.
    last
        The last night.
    failed
        Tiles that failed, over all nights.
    score
        What was found against what was planted.
    """

    world: World = field(repr=False)
    refused: int
    nights: int
    last: NightOutcome
    failed: int
    score: Score


def run_demonstration(
    work: Path,
    *,
    nights: int | None = None,
    size: int = 256,
    years: float = 2.5,
    more: bool = False,
    progress: Progress | None = None,
) -> Demonstration:
    """Simulate a district, watch it night by night, and score what was found.

    Parameters
    ----------
    work
        Work folder; the world is written to ``world/`` inside it.
    nights
        How many of the last nights to run; all after the history by default.
    size, years, more
        Of the world; see `build_world`.
    progress
        Told what is going on.

    Raises
    ------
    ConfigurationError
        If `nights` reaches into the history.
    """
    told = progress or Silence()
    world = _build(
        partial(build_world, work / "world", size=size, years=years, more=more), told
    )
    longest = (world.end - world.judged_from).days + 1
    count = longest if nights is None else nights
    if not 1 <= count <= longest:
        raise ConfigurationError(
            "--nights",
            f"{count}",
            f"choose from 1 to {longest}; before lies the history",
        )
    place = Workplace(root=work.absolute(), pipeline="")
    report = add_scenes([world.scenes], LocalCatalog(place.catalog))
    with open_store(place.database) as store:
        told.begin("sensor files", len(world.sensors))
        for probe in world.sensors:
            import_file(probe.file, mapping=probe.mapping, store=store)
            told.advance()
    pipeline = read_pipeline(world.pipeline)
    days = [world.end - timedelta(days=n) for n in reversed(range(count))]
    outcomes = list(run_nights(pipeline, days, work=work, progress=told))
    return Demonstration(
        world=world,
        refused=len(report.refused),
        nights=count,
        last=outcomes[-1],
        failed=sum(len(o.failed) for o in outcomes),
        score=_score(world, pipeline, work.absolute()),
    )


def _build(build: Callable[..., World], told: Progress) -> World:
    begun = False
    reached = 0

    def follow(done: int, total: int, _label: str) -> None:
        nonlocal begun, reached
        if not begun:
            told.begin("simulated scenes", total)
            begun = True
        for _ in range(done - reached):
            told.advance()
        reached = done

    return build(progress=follow)


def _score(world: World, pipeline: Pipeline, root: Path) -> Score:
    place = Workplace(root=root, pipeline=pipeline.name)
    with open_store(place.database) as store:
        alerts = store.alerts(pipeline.name)
        readings = store.readings(
            [probe.sensor for probe in world.sensors],
            datetime.combine(world.start, time(), tzinfo=UTC),
            datetime.combine(world.end + timedelta(days=1), time(), tzinfo=UTC),
        )
    return score_world(
        planted=world.planted,
        faults=world.faults,
        alerts=alerts,
        readings=readings,
        watched_ha=world.forest_ha,
        crs=CRS,
        field_capacity=FIELD_CAPACITY,
        ndmi=dict(_field_moisture(pipeline, place)),
    )


def _field_moisture(
    pipeline: Pipeline, place: Workplace
) -> Iterator[tuple[date, float]]:
    """Mean NDMI of the fields on each day that has a map of them."""
    aoi = read_aoi(pipeline.aoi)
    parcels = [p.geometry for p in aoi.places if p.kind == PlaceKind.PARCEL]
    ground = shapely.union_all(parcels)
    values: dict[date, list[np.ndarray]] = {}
    tiles = find_tiles(
        aoi.area, resolution=pipeline.grid.resolution, size=pipeline.grid.tile_size
    )
    for tile in tiles:
        inside = tile.grid.contains(reproject(ground, WGS84, tile.grid.crs))
        folder = place.folder / "indices" / tile.id
        for path in sorted(folder.glob(f"{tile.id}_*_ndmi.tif")):
            day = date.fromisoformat(path.stem.split("_")[-2])
            _, ndmi = read_index(place, tile=tile.id, day=day, name="ndmi")
            values.setdefault(day, []).append(ndmi[inside])
    for day, parts in sorted(values.items()):
        seen = np.concatenate(parts)
        # A few pixels between clouds are not the fields.
        if np.isfinite(seen).mean() >= 0.5:
            yield day, float(np.nanmean(seen))
