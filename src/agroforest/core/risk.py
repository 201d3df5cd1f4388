"""Hazards and the maps that say where they are likely."""

from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from agroforest.core.grid import Grid

EPOCH = date(1970, 1, 1)


class Hazard(StrEnum):
    """What an alert warns of. A satellite sees the sign, never the cause."""

    CANOPY_STRESS = "canopy-stress"  #: canopy drier or thinner than its own season
    CANOPY_LOSS = "canopy-loss"  #: canopy gone: harvest, clear-cut, slide
    ACTIVE_FIRE = "active-fire"  #: heat seen from space


#: Hazards that a pixel's series is judged for, in the order of their maps.
CANOPY_HAZARDS = (Hazard.CANOPY_STRESS, Hazard.CANOPY_LOSS)


@dataclass(frozen=True, kw_only=True, slots=True)
class RiskMap:
    """Probability of one hazard on one tile, one night.

    Attributes
    ----------
    tile
        Id of the tile.
    grid
        Grid of the arrays.
    night
        The night for which the map was made.
    hazard
        Of what.
    model
        Model name and version, or ``"rule-based"`` with the rule's name.
    threshold
        Probability from which a pixel counts as detected.
    probability
        ``(y, x)`` float32, 0..1; NaN where nothing can be said (not forest, too
        few clear dates for a baseline).
    evidence
        ``(y, x)`` int32, days since 1970-01-01 of the newest clear observation
        behind the value; 0 where there is none.
    since
        ``(y, x)`` int32, days since 1970-01-01 of the first observation of the
        unbroken evidence behind a detection; 0 where not detected.
    """

    tile: str
    grid: Grid
    night: date
    hazard: Hazard
    model: str
    threshold: float
    probability: NDArray[np.float32]
    evidence: NDArray[np.int32]
    since: NDArray[np.int32]

    def __post_init__(self) -> None:
        for name in ("probability", "evidence", "since"):
            shape = getattr(self, name).shape
            if shape != self.grid.shape:
                raise ValueError(f"{name} is {shape}, the grid is {self.grid.shape}")

    def patch(self, **changes: object) -> "RiskMap":
        """Copy with some fields changed."""
        return replace(self, **changes)  # type: ignore[arg-type]

    @property
    def detected(self) -> NDArray[np.bool_]:
        """``(y, x)`` bool, True where confirmed."""
        return self.since > 0

    def age_days(self) -> NDArray[np.int16]:
        """Days from the newest evidence to the night, ``(y, x)``; -1 for none."""
        age = epoch_day(self.night) - self.evidence
        return np.where(self.evidence > 0, age, -1).astype(np.int16)


def epoch_day(day: date) -> int:
    """Days since 1970-01-01."""
    return (day - EPOCH).days
