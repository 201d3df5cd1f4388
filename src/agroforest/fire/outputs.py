"""Files of fire danger: maps of a day, and a summary of all."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np

from agroforest.core.files import write_text
from agroforest.cube import BLOCK, CogWriter
from agroforest.fire.cells import Cells
from agroforest.fire.danger import Danger, Scene
from agroforest.fire.drivers import WORDS
from agroforest.fire.rank import RULE

#: Who judges where nothing was trained.
UNTRAINED = "rule-based: untrained combination of published classes"


def write_day(out: Path, danger: Danger, cells: Cells) -> tuple[Path, Path]:
    """Write the maps of a day.

    Returns
    -------
    tuple of Path
        ``danger_<day>.tif`` with the bands rank and probability, and
        ``drivers_<day>.tif`` with a band for each driver that is known; float32, NaN
        is not known.
    """
    tags = {
        "day": danger.day.isoformat(),
        "forecast": "yes" if danger.forecast else "no",
        "rank": UNTRAINED,
        "probability": danger.model or "not trained",
    }
    rank = np.where(danger.rank > 0, danger.rank, np.nan)
    first = out / f"danger_{danger.day}.tif"
    probability = np.where(cells.inside, danger.probability, np.nan)
    _write(first, np.stack([rank, probability]), ("rank", "probability"), cells, tags)
    known = [driver for driver in danger.drivers if driver.values is not None]
    second = out / f"drivers_{danger.day}.tif"
    bands = [
        np.where(cells.inside, driver.values, np.nan)
        for driver in known
        if driver.values is not None
    ]
    names = tuple(_title(danger, n) for n in range(len(known)))
    if bands:
        _write(second, np.stack(bands), names, cells, tags)
    return first, second


def _title(danger: Danger, number: int) -> str:
    known = [driver for driver in danger.drivers if driver.values is not None]
    name = known[number].name
    unit = WORDS[name].unit
    return f"{name} ({unit})" if unit else str(name)


def _write(
    path: Path,
    bands: np.ndarray[tuple[int, ...], np.dtype[np.float64]],
    names: tuple[str, ...],
    cells: Cells,
    tags: dict[str, str],
) -> None:
    with CogWriter(
        path,
        cells.grid,
        np.float32,
        float("nan"),
        scale=1.0,
        tags=tags,
        description=names,
    ) as writer:
        for block in cells.grid.blocks(BLOCK):
            part = bands[(slice(None), *block.window)]
            writer.write(block, np.ascontiguousarray(part, dtype=np.float32))


def summarise(
    days: Sequence[Danger], scene: Scene, notes: Sequence[str]
) -> dict[str, object]:
    """Summary of all days as plain values, for JSON."""
    trained = sorted({day.model for day in days if day.model})
    return {
        "kind": "fire danger",
        "trained": bool(trained),
        "rank_by": UNTRAINED,
        "probability_by": trained[0] if trained else "not trained",
        "rule": [asdict(statement) for statement in RULE],
        "classes": {
            "source": scene.limits.source,
            "percentiles": list(scene.limits.percentiles),
            "fwi": _limits(scene),
        },
        "cells": {
            "crs": scene.cells.grid.crs,
            "side_m": scene.cells.grid.resolution,
            "count": scene.cells.count,
        },
        "cover": dict(enumerate(scene.setting.cover_names, start=1)),
        "drivers": [driver.plain() for driver in days[-1].drivers] if days else [],
        "notes": list(notes),
        "days": [_day(day) for day in days],
    }


def _limits(scene: Scene) -> list[list[float]]:
    """Lowest and highest limit over the cells, class by class."""
    rows = scene.limits.limits.reshape(len(scene.limits.limits), -1)
    return [
        [round(float(np.nanmin(row)), 2), round(float(np.nanmax(row)), 2)]
        for row in rows
    ]


def _day(danger: Danger) -> dict[str, object]:
    return {
        "date": danger.day.isoformat(),
        "forecast": danger.forecast,
        "days_behind_codes": danger.led,
        "missing": [str(d.name) for d in danger.drivers if d.missing],
        "totals": [total.plain() for total in danger.totals],
    }


def write_summary(path: Path, summary: dict[str, object]) -> None:
    """Write the summary as JSON."""
    write_text(path, json.dumps(summary, ensure_ascii=False, indent=1) + "\n")
