"""What a trained model must remember of hotspots, kept with its weights."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agroforest.core.errors import ModelError
from agroforest.fire.cells import Cells
from agroforest.fire.hotspot_past import Past, measure_near, spread_rate
from agroforest.fire.sample import Shares
from agroforest.hotspots.climatology import PERIODS, CellGrid, fit

Floats = NDArray[np.float64]
_PREFIX = "past."
_NAMES = ("rate", "corner", "places", "log_share", "side")


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class KeptPast:
    """Hotspots that a model was trained on.

    Attributes
    ----------
    rate
        ``(36, y, x)`` float32: the climatology.
    grid
        Its cells.
    places
        ``(n, 2)`` float64: longitude and latitude of hotspots.
    shares
        Drawn of the days without one.
    side
        Of the model's cells, metres.
    """

    rate: NDArray[np.float32] = field(repr=False)
    grid: CellGrid = field(repr=False)
    places: Floats = field(repr=False)
    shares: Shares
    side: float

    def find_near(self, cells: Cells) -> Floats:
        """As `Past.find_near`, of all hotspots."""
        at = cells.locate(self.places[:, 0], self.places[:, 1])
        return measure_near(at[at >= 0], cells)

    def find_usual(self, day: date, cells: Cells) -> Floats:
        """As `Past.find_usual`, of all hotspots, in steps of ten days."""
        period = min(int(day.timetuple().tm_yday / 365.25 * len(PERIODS)), 35)
        rate = self.rate[period][self.grid.inside].astype(np.float64)
        return spread_rate(rate, self.grid, cells)


def keep_past(past: Past, shares: Shares, side: float) -> dict[str, NDArray[Any]]:
    """Arrays to keep with the weights."""
    climatology = fit(past.history)
    grid = climatology.grid
    seen = past.fires.detections
    inside = past.fires.cell >= 0
    places = np.column_stack([seen.longitude[inside], seen.latitude[inside]])
    kept = {
        "rate": climatology.rate,
        "corner": np.array([grid.west, grid.north, grid.step]),
        "places": np.ascontiguousarray(places),
        "log_share": shares.log_share,
        "side": np.array([side]),
    }
    return {f"{_PREFIX}{name}": array for name, array in kept.items()}


def recall_past(tensors: Mapping[str, NDArray[Any]]) -> KeptPast:
    """Inverse of `keep_past`.

    Raises
    ------
    ModelError
        If the weights hold none.
    """
    try:
        rate, corner, places, share, side = (
            tensors[f"{_PREFIX}{name}"] for name in _NAMES
        )
    except KeyError as error:
        raise ModelError(
            "weights", f"no {error.args[0]}", "train the model again"
        ) from None
    west, north, step = corner.tolist()
    grid = CellGrid(west=west, north=north, step=step, inside=np.isfinite(rate[0]))
    return KeptPast(
        rate=rate,
        grid=grid,
        places=places,
        shares=Shares(log_share=share),
        side=float(side[0]),
    )
