"""How days of cells are parted into blocks, and what each may know of the past."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from agroforest.fire.cell_days import CellDayTable
from agroforest.fire.hotspot_past import Fires, Past, build_past

#: Side of a block of ground, metres: further than the weather of a day reaches alike
#: is not possible in a county; our choice.
SIDE = 50_000.0


class Split(StrEnum):
    """What is kept apart."""

    TIME = "time"  #: whole months, or years
    SPACE = "space"  #: squares of ground


class TimeBlock(StrEnum):
    """How long a block of time is."""

    MONTH = "month"
    YEAR = "year"


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Block:
    """Days of cells that stay together.

    Attributes
    ----------
    name
        Such as ``2022-04``, or ``e12n245`` in steps of the side.
    days, cells
        ``(n,)`` and ``(m,)`` int: places in the table; the block is all their pairs.
    usual, near
        ``(day, cell)`` float32: what hotspots outside the block say; see `Past`.
    """

    name: str
    days: NDArray[np.intp]
    cells: NDArray[np.intp]
    usual: NDArray[np.float32] = field(repr=False)
    near: NDArray[np.float32] = field(repr=False)


def split_time(
    table: CellDayTable, past: Past, *, length: TimeBlock
) -> Iterator[Block]:
    """Blocks of time, all cells in each."""
    unit = "datetime64[M]" if length is TimeBlock.MONTH else "datetime64[Y]"
    names = table.days.astype(unit)
    inside = table.cells.inside
    cells = np.arange(table.truth.shape[1])
    for name in np.unique(names):
        days = np.flatnonzero(names == name)
        near = past.find_near(past.fires.day.astype(unit) == name)[inside]
        hidden = past.history.days.astype(unit) == name
        usual = [
            past.find_usual(_date(table.days[day]), hidden)[inside] for day in days
        ]
        yield Block(
            name=str(name),
            days=days,
            cells=cells,
            usual=np.stack(usual).astype(np.float32),
            near=np.broadcast_to(near.astype(np.float32), (len(days), len(cells))),
        )


def split_space(
    table: CellDayTable,
    fires: Fires,
    covered: list[date],
    *,
    side: float = SIDE,
    progress: Callable[[int, int, str], None] | None = None,
) -> Iterator[Block]:
    """Blocks of ground, all days in each; hotspots inside are not looked at."""
    grid, inside = table.cells.grid, table.cells.inside
    xx, yy = np.meshgrid(grid.x_centres() // side, grid.y_centres() // side)
    names = np.char.add(
        np.char.add("e", xx.astype(np.int64).astype(str)),
        np.char.add("n", yy.astype(np.int64).astype(str)),
    )
    flat = names.ravel()
    own = names[inside]
    days = np.arange(len(table.days))
    every = np.unique(own)
    for number, name in enumerate(every):
        if progress is not None:
            progress(number, len(every), str(name))
        within = (fires.cell >= 0) & (flat[fires.cell] == name)
        past = build_past(fires.take(~within), table.cells, covered)
        chosen = np.flatnonzero(own == name)
        near = past.find_near()[inside][chosen].astype(np.float32)
        usual = [past.find_usual(_date(day))[inside][chosen] for day in table.days]
        yield Block(
            name=str(name),
            days=days,
            cells=chosen,
            usual=np.stack(usual).astype(np.float32),
            near=np.broadcast_to(near, (len(days), len(chosen))),
        )


def _date(day: np.datetime64) -> date:
    found: date = day.astype("datetime64[D]").item()
    return found
