"""What the hotspots of other times say of a cell: how near, and how usual.

Whatever is to be judged is left out of its own past: a block of time, or of ground.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt

from agroforest.core.errors import NoInputError
from agroforest.fire.cells import Cells
from agroforest.hotspots.climatology import (
    CellGrid,
    History,
    Smoothing,
    build_grid,
    build_history,
    estimate,
)
from agroforest.hotspots.detections import Detections
from agroforest.hotspots.firms import read_firms
from agroforest.hotspots.static import find_static, learn_static, read_static

Floats = NDArray[np.float64]

#: Side of the climatology's cells, degrees, as `agroforest fire climatology` has it.
STEP = 0.05
_MARGIN = 3.0  # standard deviations of the smoothing around the area
_KM_A_DEGREE = 111.195
#: A cell with no hotspot anywhere near is this far from one: the map says no more.
FARTHEST_KM = 200.0
# Rates are at least this, a km² and day: the prior of the climatology is small.
_LEAST = 1e-8


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Fires:
    """Detections of vegetation fires in and around the cells.

    Attributes
    ----------
    detections
        All of them; those around the cells tell what is usual at the edge.
    day
        ``(n,)`` datetime64[D], UTC. In South China a UTC day is 8 to 8 o'clock, the
        fire's day.
    cell
        ``(n,)`` int: place in the cells, -1 outside.
    static, refused
        Detections left out as static heat sources, and rows that could not be read.
    """

    detections: Detections
    day: NDArray[np.datetime64] = field(repr=False)
    cell: NDArray[np.intp] = field(repr=False)
    static: int
    refused: int

    def take(self, kept: NDArray[np.bool_]) -> "Fires":
        """Take some of them."""
        return Fires(
            detections=self.detections.take(kept),
            day=self.day[kept],
            cell=self.cell[kept],
            static=self.static,
            refused=self.refused,
        )


def read_fires(
    files: Sequence[Path], cells: Cells, *, static: Path | None = None
) -> Fires:
    """Read hotspots and leave static heat sources out.

    Parameters
    ----------
    files
        CSV of FIRMS.
    cells
        Where.
    static
        Mask of static sources; learned from the detections unless given.

    Raises
    ------
    ConfigurationError, DataError
        A file cannot be used.
    NoInputError
        No fire lies in the cells.
    """
    feed = read_firms(tuple(files))
    seen = feed.detections
    sources = learn_static(seen) if static is None else read_static(static)
    hot = find_static(seen, sources)
    fires = seen.take(~hot)
    cell = cells.locate(fires.longitude, fires.latitude)
    if not (cell >= 0).any():
        raise NoInputError(
            ", ".join(map(str, files)), "no fire in the area", "check area and files"
        )
    return Fires(
        detections=fires,
        day=fires.time.astype("datetime64[D]"),
        cell=cell,
        static=int(hot.sum()),
        refused=len(feed.refused),
    )


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Past:
    """Hotspots of other times, to be asked of the cells.

    Attributes
    ----------
    cells
        Where.
    fires
        What is known.
    history
        The same, counted by the climatology's cells and days.
    """

    cells: Cells
    fires: Fires
    history: History

    def find_near(self, left_out: NDArray[np.bool_] | None = None) -> Floats:
        """Kilometres from each cell to the nearest one with a hotspot.

        Parameters
        ----------
        left_out
            ``(n,)`` bool: fires not to be looked at; none unless given.

        Returns
        -------
        ndarray
            ``(y, x)`` float64, at most `FARTHEST_KM`.
        """
        kept = self.fires.cell >= 0
        if left_out is not None:
            kept &= ~left_out
        return measure_near(self.fires.cell[kept], self.cells)

    def find_usual(
        self, day: date, left_out: NDArray[np.bool_] | None = None
    ) -> Floats:
        """Logarithm to base 10 of the hotspots usual on a day of the year.

        Parameters
        ----------
        day
            Of whatever year.
        left_out
            ``(day,)`` bool: days of the history not to be looked at.

        Returns
        -------
        ndarray
            ``(y, x)`` float64, of hotspots a km² and day; NaN outside the area of the
            climatology.
        """
        known = None if left_out is None else ~left_out
        number = float(day.timetuple().tm_yday)
        rate = estimate(self.history, number, known=known)
        return spread_rate(rate, self.history.grid, self.cells)


def build_past(fires: Fires, cells: Cells, covered: Sequence[date]) -> Past:
    """Count hotspots by day and place.

    Parameters
    ----------
    fires
        From `read_fires`.
    cells
        Where.
    covered
        Days (UTC) that were observed completely.
    """
    smoothing = Smoothing()
    grid = build_grid(
        cells.area.buffer(STEP), step=STEP, margin_km=_MARGIN * smoothing.place_km
    )
    history = build_history(
        fires.detections, grid, covered=covered, smoothing=smoothing
    )
    return Past(cells=cells, fires=fires, history=history)


def measure_near(cell: NDArray[np.intp], cells: Cells) -> Floats:
    """Kilometres from each cell to the nearest of some; ``(y, x)``."""
    lit = np.zeros(cells.grid.width * cells.grid.height, dtype=np.bool_)
    lit[cell] = True
    if not lit.any():
        return np.full(cells.grid.shape, FARTHEST_KM)
    away = distance_transform_edt(~lit.reshape(cells.grid.shape))
    return np.asarray(np.minimum(away * cells.grid.resolution / 1000.0, FARTHEST_KM))


def spread_rate(rate: Floats, grid: CellGrid, cells: Cells) -> Floats:
    """Rate of the climatology's cells as log10 a km² and day on ours."""
    full = np.full(grid.inside.shape, np.nan)
    full[grid.inside] = rate
    row, column = grid.locate(cells.longitude.ravel(), cells.latitude.ravel())
    found = np.where(row >= 0, full[row, column], np.nan).reshape(cells.grid.shape)
    area = (grid.step * _KM_A_DEGREE) ** 2 * np.cos(np.radians(cells.latitude))
    with np.errstate(invalid="ignore"):
        return np.asarray(np.log10(np.maximum(found / area, _LEAST)))
