"""What a night has to do: tasks, each named by what goes in."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from enum import StrEnum
from pathlib import Path

from shapely.geometry.base import BaseGeometry

from agroforest.catalog import Catalog, find
from agroforest.core.alert import Alert
from agroforest.core.config import Pipeline
from agroforest.core.grid import Tile
from agroforest.core.identity import digest
from agroforest.core.scene import Scene
from agroforest.nightly.compartments import Compartments
from agroforest.nightly.refused import identify_refused
from agroforest.nightly.workplace import Workplace
from agroforest.nightly.year import YearlyModels, YearlyWork

#: Raised whenever a task would compute other pixels from the same inputs.
ALGORITHM = 3


class TaskKind(StrEnum):
    """What a task does."""

    BASELINE = "baseline"  #: learns each pixel's season from the history
    NIGHT = "night"  #: takes new scenes in and judges
    YEARLY = "yearly"  #: compares a season with that of the year before


@dataclass(frozen=True, kw_only=True, slots=True)
class TileTask:
    """One piece of work on one tile; everything a worker needs.

    Attributes
    ----------
    id
        Digest of what the outputs depend on.
    kind
        What to do.
    tile
        Where.
    night
        For which night.
    scenes
        What to take in, by time. A day whose scenes arrive on several nights is
        read whole each time.
    baseline
        Id of the tile's baseline task; names the state.
    pipeline
        Settings.
    workplace
        Where to write.
    forest
        Polygons of forest that the tile touches, WGS84, when the settings take it
        from the area of interest. Not part of the id: see `Watch.baseline_id`.
    alerts
        Alerts on the tile that are not closed, to look at again. Not part of
        the id: they decide nothing about pixels. Of a yearly task, those of the
        nights before, whose causes are looked for.
    yearly
        Of a yearly task, what to compare.
    inputs
        Digest like the id, but without the night: what fails on one is tried again
        on the next under another id.
    """

    id: str
    kind: TaskKind
    tile: Tile
    night: date
    scenes: tuple[Scene, ...] = field(repr=False)
    baseline: str
    pipeline: Pipeline = field(repr=False)
    workplace: Workplace = field(repr=False)
    forest: BaseGeometry | None = field(default=None, repr=False)
    alerts: tuple[Alert, ...] = field(default=(), repr=False)
    yearly: YearlyWork | None = None
    inputs: str = ""

    @property
    def state_group(self) -> str:
        """Name of the tile's state; other settings have a state of their own."""
        return f"{self.tile.id}-{self.baseline[:8]}"

    def patch(self, **changes: object) -> "TileTask":
        """Copy with some fields changed."""
        return replace(self, **changes)  # type: ignore[arg-type]


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """Tasks of one night, before anything ran.

    Attributes
    ----------
    night
        The night.
    baselines
        Tiles whose season must be learned first.
    tasks
        Tiles with new scenes.
    yearly
        Tiles whose season is over and can be compared with the year before.
    fire
        Id of what there is to judge of fire; empty where nothing is new.
    water
        The same of the parcels' water.
    lacking
        What the other tiles lack for that: by reason, how many tiles.
    """

    night: date
    baselines: tuple[TileTask, ...] = ()
    tasks: tuple[TileTask, ...] = ()
    yearly: tuple[TileTask, ...] = ()
    fire: str = ""
    water: str = ""
    lacking: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Watch:
    """What stays the same from night to night.

    Attributes
    ----------
    pipeline, workplace
        Settings and paths.
    tiles
        Tiles of the area of interest.
    forest
        As in `TileTask`, of the whole area.
    ground
        Digest of where canopy is judged, in the whole area.
    model
        Digest of the model's weights, or ``"rule"``.
    yearly
        Models of the yearly comparison, where the settings ask for one.
    """

    pipeline: Pipeline
    workplace: Workplace
    tiles: tuple[Tile, ...]
    forest: BaseGeometry | None
    ground: str
    model: str
    yearly: YearlyModels | None = None

    def state_path(self, tile: Tile) -> Path:
        """Folder of a tile's state; see `TileTask.state_group`."""
        return self.workplace.state / f"{tile.id}-{self.baseline_id(tile)[:8]}"

    def baseline_id(self, tile: Tile) -> str:
        """Id of the task that learns a tile's seasons.

        The forest of the whole area goes in, not only what the tile touches: ids
        name states on disk, and another rule would make all of them unknown.
        """
        return digest(
            "baseline",
            ALGORITHM,
            self.pipeline.name,
            tile.id,
            grid_key(tile),
            self.pipeline.season_digest(),
            self.ground,
        )


def plan_night(
    watch: Watch,
    catalog: Catalog,
    night: date,
    *,
    known: Mapping[str, bool],
    uses: Mapping[str, Mapping[str, date]],
) -> Plan:
    """Plan one night.

    Parameters
    ----------
    watch
        The pipeline.
    catalog
        Where scenes are looked up.
    night
        The night; scenes sensed after it do not exist yet.
    known
        By tile id, whether its baseline has been learned.
    uses
        By tile id, the night that took each scene; see `find_use`.

    Returns
    -------
    Plan
        A tile without anything new has no task. Planning the same night again
        gives the same tasks.
    """
    forest = Compartments(watch.forest)
    baselines, tasks = [], []
    for tile in watch.tiles:
        taken = uses.get(tile.id, {}) if known.get(tile.id) else {}
        scenes = _new_scenes(watch, catalog, tile, night, taken)
        if not scenes:
            continue
        own = forest.on(tile)
        if not known.get(tile.id):
            baselines.append(_baseline_task(watch, catalog, tile, night, own))
        tasks.append(_night_task(watch, tile, night, scenes, own))
    return Plan(night=night, baselines=tuple(baselines), tasks=tuple(tasks))


def _new_scenes(
    watch: Watch,
    catalog: Catalog,
    tile: Tile,
    night: date,
    taken: Mapping[str, date],
) -> tuple[Scene, ...]:
    """Scenes of the days that have one nobody took before this night."""
    start = _window_start(watch.pipeline, night)
    if start > night or any(n > night for n in taken.values()):
        # In the history, or overtaken: what later nights knew cannot be unlearned,
        # and what came late is theirs.
        return ()
    found = [
        (scene, find_use(scene, taken))
        for scene in find_scenes(watch, catalog, tile, start, night)
    ]
    days = {s.date for s, n in found if n is None or n == night}
    return tuple(s for s, _ in found if s.date in days)


def find_use(scene: Scene, taken: Mapping[str, date]) -> date | None:
    """Find the night that took a scene.

    What a night put into quarantine counts as taken until its content changes, or one
    of its files.
    """
    night = taken.get(scene.content())
    if night is None and taken:
        night = taken.get(identify_refused(scene))
    return night


def _window_start(pipeline: Pipeline, night: date) -> date:
    lookback = timedelta(days=pipeline.scenes.lookback_days)
    return max(pipeline.baseline.end + timedelta(days=1), night - lookback)


def find_scenes(
    watch: Watch, catalog: Catalog, tile: Tile, start: date, end: date
) -> list[Scene]:
    """Find the scenes of a tile that the pipeline's settings let in."""
    settings = watch.pipeline.scenes
    return find(
        catalog,
        tile.footprint(),
        start,
        end,
        collections=settings.collections,
        max_cloud_cover=settings.max_cloud_cover,
    )


def find_alerts(alerts: Iterable[Alert], tile: Tile) -> Iterator[Alert]:
    """Find the alerts that touch a tile."""
    outline = tile.footprint()
    return (a for a in alerts if a.geometry.intersects(outline))


def _baseline_task(
    watch: Watch,
    catalog: Catalog,
    tile: Tile,
    night: date,
    forest: BaseGeometry | None,
) -> TileTask:
    """History, and what lies between it and the first night's window."""
    last = _window_start(watch.pipeline, night) - timedelta(days=1)
    scenes = find_scenes(watch, catalog, tile, watch.pipeline.baseline.start, last)
    task_id = watch.baseline_id(tile)
    return TileTask(
        id=task_id,
        inputs=digest(task_id, [s.content() for s in scenes]),
        kind=TaskKind.BASELINE,
        tile=tile,
        night=night,
        scenes=tuple(scenes),
        baseline=task_id,
        pipeline=watch.pipeline,
        workplace=watch.workplace,
        forest=forest,
    )


def _night_task(
    watch: Watch,
    tile: Tile,
    night: date,
    scenes: tuple[Scene, ...],
    forest: BaseGeometry | None,
) -> TileTask:
    baseline = watch.baseline_id(tile)
    rest = (
        watch.model,
        watch.pipeline.output_digest(),
        [s.content() for s in scenes],
    )
    return TileTask(
        id=digest("night", ALGORITHM, baseline, night, *rest),
        inputs=digest("night", ALGORITHM, baseline, *rest),
        kind=TaskKind.NIGHT,
        tile=tile,
        night=night,
        scenes=scenes,
        baseline=baseline,
        pipeline=watch.pipeline,
        workplace=watch.workplace,
        forest=forest,
    )


def grid_key(tile: Tile) -> list[object]:
    """Everything about where a tile is, as plain values."""
    g = tile.grid
    return [g.crs, g.left, g.top, g.resolution, g.width, g.height, tile.area.wkb_hex]
