"""Yearly comparisons in the report of a night."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agroforest.core.aoi import Aoi, Place, PlaceKind
from agroforest.core.grid import WGS84, Grid, reproject
from agroforest.cube import read_cog
from agroforest.indices import decode
from agroforest.nightly.plan import Plan, TaskKind, Watch
from agroforest.nightly.result import TaskResult
from agroforest.nightly.year import Pixels
from agroforest.nightly.yearly.files import damage_path
from agroforest.nightly.yearly.groups import cause_words, name_cause
from agroforest.nightly.yearly.notes import say_limits, say_missing
from agroforest.nightly.yearly.plan import due_year

Json = dict[str, Any]


def report_year(
    watch: Watch, aoi: Aoi, plan: Plan, results: Sequence[TaskResult]
) -> Json | None:
    """Put a night's yearly comparisons into plain values.

    Returns
    -------
    dict or None
        ``None`` where the settings ask for none: the report then does not mention
        them.
    """
    settings = watch.pipeline.yearly
    if settings is None:
        return None
    own = [r for r in results if r.kind == TaskKind.YEARLY]
    year = due_year(watch, plan.night)
    return {
        "year": year,
        "season": settings.season,
        "tiles": [_tile(r) for r in own],
        "places": _places(watch, aoi, own),
        "causes": _causes(own),
        "missing": list(say_missing(watch, plan, year)),
        "limits": say_limits(watch, own),
    }


def _tile(result: TaskResult) -> Json:
    found = result.yearly
    return {
        "tile": result.tile,
        "error": result.error,
        "compared": bool(found and found.compared),
        "explained": bool(found and found.explained),
        "judged_ha": round(found.judged_ha, 4) if found else 0.0,
        "damaged_ha": round(found.damaged_ha, 4) if found else 0.0,
        "threshold": found.threshold if found else None,
        "filled": list(found.filled) if found else [],
        "seconds": round(result.seconds, 3),
    }


def _places(watch: Watch, aoi: Aoi, results: Iterable[TaskResult]) -> list[Json]:
    """Hectares of the compartments that have damage, most damaged first."""
    stands = [p for p in aoi.places if p.kind == PlaceKind.COMPARTMENT]
    damaged = dict.fromkeys((p.id for p in stands), 0.0)
    judged = dict.fromkeys((p.id for p in stands), 0.0)
    for result in results:
        found = result.yearly
        if found is None or not found.compared:
            continue
        raster = read_cog(damage_path(watch.workplace, result.tile, found.year))
        chance = decode(raster.array)
        for place, (window, inside) in _cut(stands, raster.grid):
            seen = np.isfinite(chance[window]) & inside
            hit = seen & (chance[window] >= found.threshold)
            area = raster.grid.pixel_area_ha
            judged[place.id] += float(seen.sum()) * area
            damaged[place.id] += float(hit.sum()) * area
    order = sorted(damaged, key=lambda i: (-damaged[i], i))
    return [
        {"id": i, "damaged_ha": round(damaged[i], 4), "judged_ha": round(judged[i], 4)}
        for i in order
        if damaged[i] > 0
    ]


def _cut(
    places: Iterable[Place], grid: Grid
) -> Iterator[tuple[Place, tuple[tuple[slice, slice], NDArray[np.bool_]]]]:
    """Windows around places on a grid, and which of their pixels lie inside."""
    for place in places:
        shape = reproject(place.geometry, WGS84, grid.crs)
        left, bottom, right, top = shape.bounds
        side = grid.resolution
        rows = _span((grid.top - top) / side, (grid.top - bottom) / side, grid.height)
        columns = _span(
            (left - grid.left) / side, (right - grid.left) / side, grid.width
        )
        if rows.start >= rows.stop or columns.start >= columns.stop:
            continue
        part = grid.patch(
            left=grid.left + columns.start * side,
            top=grid.top - rows.start * side,
            width=columns.stop - columns.start,
            height=rows.stop - rows.start,
        )
        yield place, ((rows, columns), part.contains(shape))


def _span(first: float, last: float, length: int) -> slice:
    return slice(max(0, int(np.floor(first))), min(length, int(np.ceil(last))))


def add_causes(found: Iterable[Mapping[str, Pixels]]) -> dict[str, Pixels]:
    """Join what several tiles said of the same alerts."""
    total: dict[str, Pixels] = {}
    for each in found:
        for alert, pixels in each.items():
            before = total.get(alert, Pixels(count=0, chance={}))
            total[alert] = Pixels(
                count=before.count + pixels.count,
                chance={
                    group: before.chance.get(group, 0.0) + chance
                    for group, chance in pixels.chance.items()
                },
            )
    return total


def likely_cause(pixels: Pixels) -> tuple[str, float]:
    """Group of causes and its mean probability over an alert; see `name_cause`."""
    return name_cause({g: c / pixels.count for g, c in pixels.chance.items()})


def _causes(results: Iterable[TaskResult]) -> list[Json]:
    found = add_causes(r.yearly.causes for r in results if r.yearly)
    lines = []
    for alert, pixels in sorted(found.items()):
        group, chance = likely_cause(pixels)
        zh, en = cause_words(group)
        lines.append(
            {
                "alert": alert,
                "cause": group or None,
                "zh": zh,
                "en": en,
                "probability": round(chance, 4),
                "pixels": pixels.count,
            }
        )
    return lines
