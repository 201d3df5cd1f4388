"""What disturbed the forest under alerts and damage: ten years of Landsat.

The model learned from eastern Canada. What it says elsewhere is a hint for whoever
goes to look, and nothing in this room says more.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from rasterio.features import geometry_mask
from shapely.geometry.base import BaseGeometry

from agroforest.catalog.landsat import COLLECTION as LANDSAT
from agroforest.core.config import YearlySection
from agroforest.core.errors import NoInputError
from agroforest.core.grid import WGS84, Grid, reproject
from agroforest.core.scene import Scene
from agroforest.indices import encode
from agroforest.nightly.plan import TileTask
from agroforest.nightly.result import Refusal
from agroforest.nightly.year import Pixels, YearlyWork
from agroforest.nightly.yearly.files import (
    cause_path,
    composite,
    read_numbers,
    write_map,
)
from agroforest.nightly.yearly.groups import CAVEAT, GROUPS, Group
from agroforest.nightly.yearly.models import open_model
from agroforest.nightly.yearly.plan import FEWEST_YEARS, YEARS
from agroforest.products.composite import LANDSAT_BANDS, SeasonScenes
from agroforest.products.compute import MaskRule

if TYPE_CHECKING:
    from agroforest.risk import Model
    from agroforest.risk.task import Task

#: Metres of a Landsat pixel.
PIXEL = 30.0
# A pixel of Landsat is damaged where at least half of it is.
_DAMAGED_SHARE = 0.5
_SCALE = np.float32(1e-4)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Causes:
    """What was said of a tile.

    Attributes
    ----------
    by_alert
        By id of the alert; those without a judged pixel are left out.
    refused
        Scenes that could not be read.
    outputs
        SHA-256 by path.
    """

    by_alert: dict[str, Pixels]
    refused: tuple[Refusal, ...] = ()
    outputs: dict[str, str] = field(default_factory=dict, repr=False)


def find_causes(
    task: TileTask,
    work: YearlyWork,
    settings: YearlySection,
    damaged: NDArray[np.bool_] | None,
) -> Causes:
    """Composite ten years, judge what is under alerts or damaged, write the map.

    Parameters
    ----------
    task, work, settings
        What to do.
    damaged
        ``(y, x)`` bool on the tile's grid: damaged this year, where that is known.

    Raises
    ------
    ModelError, ConfigurationError
        The model is damaged, or not the one the task was planned for.
    SourceError
        A remote scene does not answer.
    """
    grid = task.tile.grid
    if grid.resolution < PIXEL:
        grid = grid.at_resolution(PIXEL)
    under = {alert.id: _draw(alert.geometry, grid) for alert in task.alerts}
    asked = np.any([*under.values(), _coarsen(task, damaged, grid)], axis=0)
    if not asked.any():
        return Causes(by_alert={})
    trained, model = open_model(settings.cause, work.models.cause)
    classes = model.card.answer.outputs
    series, refused, outputs = _read_series(task, work, settings, grid, asked)
    seen = _is_seen(series)
    chance = np.full((*grid.shape, len(classes)), np.nan, np.float32)
    if seen.any():
        judged = asked.copy()
        judged[asked] = seen
        chance[judged] = _ask(trained, model, task, series[seen])
    outputs |= _write(task, work, model, chance, grid)
    found = {i: _add_up(chance[where], classes) for i, where in under.items()}
    return Causes(
        by_alert={i: pixels for i, pixels in found.items() if pixels.count},
        refused=refused,
        outputs=outputs,
    )


def _draw(geometry: BaseGeometry, grid: Grid) -> NDArray[np.bool_]:
    """Pixels that an alert touches: it may be smaller than one of them."""
    return ~np.asarray(
        geometry_mask(
            [reproject(geometry, WGS84, grid.crs)],
            grid.shape,
            grid.transform,
            all_touched=True,
        )
    )


def _coarsen(
    task: TileTask, damaged: NDArray[np.bool_] | None, grid: Grid
) -> NDArray[np.bool_]:
    """Pixels of which at least half is damaged."""
    area = np.zeros(grid.shape)
    if damaged is not None:
        fine = task.tile.grid
        rows, columns = np.nonzero(damaged)
        x, y = fine.x_centres()[columns], fine.y_centres()[rows]
        at = (
            ((grid.top - y) / grid.resolution).astype(np.intp),
            ((x - grid.left) / grid.resolution).astype(np.intp),
        )
        np.add.at(area, at, fine.resolution**2)
    return np.asarray(area >= _DAMAGED_SHARE * grid.resolution**2)


def _read_series(
    task: TileTask,
    work: YearlyWork,
    settings: YearlySection,
    grid: Grid,
    asked: NDArray[np.bool_],
) -> tuple[NDArray[np.float32], tuple[Refusal, ...], dict[str, str]]:
    """Series of the pixels asked for, ``(n, 10, 6)`` reflectance, NaN missing."""
    shape = int(asked.sum()), YEARS, len(LANDSAT_BANDS)
    series = np.full(shape, np.nan, np.float32)
    refused: list[Refusal] = []
    outputs: dict[str, str] = {}
    for step in range(YEARS):
        year = work.year - YEARS + 1 + step
        season = _season_of(task, settings, year, grid)
        try:
            made, files = composite(task, season, year, landsat=True)
        except NoInputError:
            continue
        outputs |= files
        refused += [Refusal.of(error) for error in made.refused]
        numbers = read_numbers(made.path)[:, asked].T
        series[:, step] = np.where(numbers > 0, numbers * _SCALE, np.nan)
    return series, tuple(refused), outputs


def _season_of(
    task: TileTask, settings: YearlySection, year: int, grid: Grid
) -> SeasonScenes:
    mask, season = task.pipeline.mask, settings.days
    return SeasonScenes(
        scenes=[
            s for s in task.scenes if _is_landsat(s) and season.holds(s.date, year)
        ],
        window=season.window(year),
        grid=grid,
        mask=MaskRule(scl_classes=mask.scl_classes, dilate_m=mask.dilate_m),
        bands=LANDSAT_BANDS,
        simulated=task.pipeline.simulated,
    )


def _is_landsat(scene: Scene) -> bool:
    return all(granule.collection == LANDSAT for granule in scene.granules)


def _is_seen(series: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Series that show the last year and enough of the others, ``(n,)``."""
    years = np.asarray(np.isfinite(series).all(axis=2))
    return np.asarray(years[:, -1] & (years.sum(axis=1) >= FEWEST_YEARS))


def _ask(
    trained: "Task[Any]", model: "Model", task: TileTask, series: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Probabilities ``(n, class)``; the shares of causes are those of the tile."""
    from agroforest.risk import ensemble  # noqa: PLC0415  loads torch
    from agroforest.risk.rows import Items  # noqa: PLC0415

    place = np.full(len(series), task.tile.id)
    items = Items(values=series, place=place, name=np.arange(len(series)))
    return ensemble.ask(trained, model, items).value


def _write(
    task: TileTask,
    work: YearlyWork,
    model: "Model",
    chance: NDArray[np.float32],
    grid: Grid,
) -> dict[str, str]:
    """Write the likeliest class, and its probability."""
    known = np.isfinite(chance).all(axis=2)
    best = np.where(known, chance.argmax(axis=2) + 1, 0).astype(np.uint8)
    said = np.where(known, chance.max(axis=2), np.nan).astype(np.float32)
    path = cause_path(task.workplace, task.tile.id, work.year)
    names = {str(n): c for n, c in enumerate(model.card.answer.outputs, start=1)}
    properties = {
        "agroforest:model": model.card.title,
        "agroforest:classes": names,
        "agroforest:limits": [*model.card.limits.en, CAVEAT[1]],
    }
    title = "Likeliest cause of disturbance"
    written = write_map(
        task,
        path,
        best,
        grid,
        nodata=0,
        scale=1.0,
        title=title,
        properties=properties,
    )
    return written | write_map(
        task,
        path.with_name(f"{path.stem}-probability.tif"),
        encode(said),
        grid,
        nodata=-32768,
        scale=1e-4,
        title=f"{title}, probability",
        properties=properties,
    )


def _add_up(chance: NDArray[np.float32], classes: Sequence[str]) -> Pixels:
    """Add up what was said of some pixels, ``(n, class)``, by group."""
    known = chance[np.isfinite(chance).all(axis=1)].astype(np.float64)
    total = dict.fromkeys(map(str, Group), 0.0)
    for name, each in zip(classes, known.sum(axis=0), strict=True):
        total[GROUPS[name]] += float(each)
    return Pixels(count=len(known), chance=total)
