"""Fire danger as numbers, for the popup of a cell.

A picture cannot be read back, so numbers travel beside it: a column of whole numbers
for each driver and day, of the known cells alone.
"""

import base64
import math
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rasterio.warp import transform, transform_bounds

from agroforest.core.grid import Grid
from agroforest.maps.fire import DangerLayer
from agroforest.maps.layers import both, text
from agroforest.maps.raster import MERCATOR

Json = dict[str, Any]
Floats = NDArray[np.float64]

# Numbers of a page up to which each takes two bytes, else one: 400 kB of text.
_FINE_NUMBERS = 150_000
#: Numbers of a page above which those of drivers stay behind: 2 MB of text, and a
#: province at a kilometre has five times as many. Arbitrary.
MOST_NUMBERS = 1_500_000
# Nodes each way of the lattice by which a click finds its cell. Between nodes, 1/16 of
# an area 300 km wide, a straight line is off by some metres.
_NODES = 17


def number_cells(danger: Sequence[DangerLayer]) -> Json:
    """Numbers of each cell and day.

    Parameters
    ----------
    danger
        Days, in the order of their buttons.

    Returns
    -------
    dict
        ``days``, their ``grids``, and ``columns`` of numbers as text. Days on one grid
        share the list of its known cells. ``complete`` is False where drivers would
        be more than `MOST_NUMBERS`: they are pictures only.
    """
    grids = list(dict.fromkeys(day.grid for day in danger))
    known = [_known(day for day in danger if day.grid == grid) for grid in grids]
    places = [grids.index(day.grid) for day in danger]
    numbers = sum(
        len(day.drivers) * int(known[place].sum())
        for day, place in zip(danger, places, strict=True)
    )
    store = _Columns(fine=numbers <= _FINE_NUMBERS)
    complete = numbers <= MOST_NUMBERS
    return {
        "days": [
            _day(day, place, known[place], store, drivers=complete)
            for day, place in zip(danger, places, strict=True)
        ],
        "complete": complete,
        "grids": [
            {**_lattice(grid), "runs": _runs(cells)}
            for grid, cells in zip(grids, known, strict=True)
        ],
        "columns": store.texts,
    }


def _known(days: Iterable[DangerLayer]) -> NDArray[np.bool_]:
    """``(y, x)`` bool: cells of which anything is known on any day."""
    layers = [layer for day in days for layer in _layers_of(day)]
    known: NDArray[np.bool_] = np.any(np.stack(layers), axis=0)
    return known


def _layers_of(day: DangerLayer) -> Iterator[NDArray[np.bool_]]:
    yield day.rank > 0
    if day.probability is not None:
        yield np.isfinite(day.probability)
    for driver in day.drivers:
        yield np.isfinite(driver.values)


def _day(
    day: DangerLayer,
    grid: int,
    known: NDArray[np.bool_],
    store: "_Columns",
    *,
    drivers: bool,
) -> Json:
    numbers = [
        {
            "name": both(driver.zh, driver.en),
            "unit": text(driver.unit),
            **store.add(driver.values[known]),
        }
        for driver in (day.drivers if drivers else ())
    ]
    probability = {}
    if day.probability is not None:
        probability = {"probability": store.add(day.probability[known], fine=True)}
    return {
        "day": day.day.isoformat(),
        "forecast": day.forecast,
        "grid": grid,
        "ranks": "".join(str(rank) for rank in day.rank[known].tolist()),
        **probability,
        "model": text(day.model),
        "drivers": numbers,
        "missing": [both(zh, en) for zh, en in day.missing],
    }


class _Columns:
    """Numbers as text, each column once: slopes do not change with the day."""

    def __init__(self, *, fine: bool) -> None:
        self.texts: list[str] = []
        self._fine = fine

    def add(self, values: NDArray[np.floating], *, fine: bool = False) -> Json:
        """Keep a column; NaN is 0, the others count from 1 at the least value."""
        bytes_ = 2 if fine or self._fine else 1
        values = np.where(np.isfinite(values), values.astype(np.float64), np.nan)
        known = values[~np.isnan(values)]
        low, high = (float(known.min()), float(known.max())) if known.size else (0, 0)
        levels = 256**bytes_ - 1
        step = (high - low) / (levels - 1)
        share = (values - low) / (step or 1.0)
        codes = np.where(np.isnan(values), 0, np.rint(np.nan_to_num(share)) + 1)
        packed = codes.astype(">u2" if bytes_ == 2 else "u1").tobytes()
        column = base64.b64encode(packed).decode("ascii")
        if column not in self.texts:
            self.texts.append(column)
        return {
            "column": self.texts.index(column),
            "bytes": bytes_,
            "low": float(f"{low:.9g}"),
            "step": float(f"{step:.9g}"),
            "digits": _digits(known, step),
        }


def _digits(known: Floats, step: float) -> int:
    """Decimals worth showing: three figures, and no finer than the steps."""
    if not known.size or np.array_equal(known, np.rint(known)):
        return 0
    size = math.floor(math.log10(float(np.abs(known).max())))
    finest = math.ceil(-math.log10(step)) if step > 0 else 6
    return max(0, min(2 - size, finest, 6))


def _runs(known: NDArray[np.bool_]) -> list[int]:
    """Known cells row by row, as first cell and length of each run."""
    edges = np.diff(np.concatenate([[0], known.ravel().astype(np.int8), [0]]))
    starts, ends = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)
    return np.stack([starts, ends - starts], axis=1).ravel().tolist()


def _lattice(grid: Grid) -> Json:
    """Column and row at the nodes of a lattice that is regular in web mercator."""
    west, south, east, north = transform_bounds(grid.crs, MERCATOR, *grid.bounds)
    x, y = np.meshgrid(
        np.linspace(west, east, _NODES), np.linspace(north, south, _NODES)
    )
    there = transform(MERCATOR, grid.crs, x.ravel().tolist(), y.ravel().tolist())
    column = (np.asarray(there[0]) - grid.left) / grid.resolution
    row = (grid.top - np.asarray(there[1])) / grid.resolution
    return {
        "width": grid.width,
        "height": grid.height,
        "edges": [round(edge, 1) for edge in (west, south, east, north)],
        "nodes": _NODES,
        "column": column.round(4).tolist(),
        "row": row.round(4).tolist(),
    }
