"""What a map page shows of fire, as values: danger before, heat during, scars after."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import date, datetime

import numpy as np
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from agroforest.core.fire import FireFacts, HotspotEvent
from agroforest.core.grid import Grid

#: Ranks of danger, 1 to 5; 0 is not known.
RANKS = 5


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class DriverLayer:
    """One driver of fire danger on one day.

    Attributes
    ----------
    name
        Short name, ``"fwi"``; drivers of one name are one layer of all days.
    zh, en
        What a reader should see.
    unit
        Of the values; empty for none.
    source
        Where the values come from; shown under the legend.
    values
        ``(y, x)`` float on the grid of its `DangerLayer`; NaN is not known.
    vmin, vmax
        Values of the two ends of the colour scale, the same on all days.
    colormap
        Name in `agroforest.maps.colors.COLORMAPS`.
    """

    name: str
    zh: str
    en: str
    unit: str
    source: str
    values: NDArray[np.floating] = field(repr=False)
    vmin: float
    vmax: float
    colormap: str

    def __post_init__(self) -> None:
        if not self.vmax > self.vmin:
            raise ValueError(
                f"{self.name}: vmax {self.vmax} is not above vmin {self.vmin}"
            )


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class DangerLayer:
    """Danger of one day, on cells of about a kilometre.

    Attributes
    ----------
    day
        The day judged.
    forecast
        Whether its weather is forecast.
    grid
        Of the cells; any CRS.
    rank
        ``(y, x)`` int8, 1 to 5; 0 is not known, or outside the area.
    probability
        ``(y, x)`` float32, 0..1, of a hotspot in the cell that day; NaN is not
        known. None without a trained model.
    model
        Title of the model that gave the probability; empty without one.
    drivers
        Those that are known.
    missing
        Chinese and English names of those that are not.
    """

    day: date
    forecast: bool
    grid: Grid
    rank: NDArray[np.int8] = field(repr=False)
    probability: NDArray[np.float32] | None = field(default=None, repr=False)
    model: str = ""
    drivers: tuple[DriverLayer, ...] = ()
    missing: tuple[tuple[str, str], ...] = ()

    def __post_init__(self) -> None:
        for name, values in self._arrays():
            _refuse_shape(f"{name} of {self.day}", values, self.grid)
        if self.rank.size and not 0 <= self.rank.min() <= self.rank.max() <= RANKS:
            raise ValueError(
                f"ranks of {self.day} from {self.rank.min()} to {self.rank.max()}, "
                f"not from 0 to {RANKS}"
            )

    def _arrays(self) -> Iterator[tuple[str, NDArray[np.generic]]]:
        yield "rank", self.rank
        if self.probability is not None:
            yield "probability", self.probability
        for driver in self.drivers:
            yield driver.name, driver.values


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class HeldEvent:
    """An event that the gate held back: no alert before another look.

    Attributes
    ----------
    event
        As it was seen last.
    reason_zh, reason_en
        Why it was held, a sentence each.
    """

    event: HotspotEvent
    reason_zh: str
    reason_en: str


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class ScarLayer:
    """What one fire burned.

    Attributes
    ----------
    id
        Of the scar.
    alert
        Id of the alert of the fire; empty where there was none.
    geometry
        Polygon or multipolygon, degrees, WGS 84.
    area_ha
        Hectares.
    verdict_zh, verdict_en
        What it is taken for: a fire, or a harvest to be checked.
    before, after
        Days of the images; no day before without such an image.
    grid
        Of the pictures.
    nbr_before, nbr_after
        ``(y, x)`` float, normalised burn ratio, -1..1; NaN is not seen.
    severity_ha
        Classes of severity: Chinese name, English name, hectares. Empty without an
        image from before.
    """

    id: str
    alert: str
    geometry: BaseGeometry = field(repr=False)
    area_ha: float
    verdict_zh: str
    verdict_en: str
    before: date | None
    after: date
    grid: Grid
    nbr_before: NDArray[np.floating] | None = field(default=None, repr=False)
    nbr_after: NDArray[np.floating] = field(repr=False)
    severity_ha: tuple[tuple[str, str, float], ...] = ()

    def __post_init__(self) -> None:
        _refuse_shape(f"NBR after of scar {self.id}", self.nbr_after, self.grid)
        if self.nbr_before is not None:
            _refuse_shape(f"NBR before of scar {self.id}", self.nbr_before, self.grid)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class FirePage:
    """Fire on a page; any part may be empty.

    Attributes
    ----------
    moment
        What was known then is shown, and ages count to it; with time zone.
    danger
        The night's own day first, then the days forecast.
    events
        Of the last days, whether alerts or not.
    alerts
        Those with a clock; `FireFacts.alert` is the id of an `Alert` of the page.
    held
        Events that the gate held back.
    scars
        What burned.
    utc_offset_hours
        Of local time; 8 is China.
    boundaries
        Counties, to find one's way; lines only.
    """

    moment: datetime
    danger: tuple[DangerLayer, ...] = ()
    events: tuple[HotspotEvent, ...] = ()
    alerts: tuple[FireFacts, ...] = ()
    held: tuple[HeldEvent, ...] = ()
    scars: tuple[ScarLayer, ...] = ()
    utc_offset_hours: float = 8.0
    boundaries: tuple[BaseGeometry, ...] = field(default=(), repr=False)

    def __post_init__(self) -> None:
        if self.moment.tzinfo is None:
            raise ValueError(f"moment {self.moment} has no time zone")
        days = [layer.day for layer in self.danger]
        if len(set(days)) < len(days):
            raise ValueError("danger of one day is given twice")

    def patch(self, **changes: object) -> "FirePage":
        """Copy with some fields changed."""
        return replace(self, **changes)  # type: ignore[arg-type]


def _refuse_shape(name: str, values: NDArray[np.generic], grid: Grid) -> None:
    if values.shape != grid.shape:
        raise ValueError(f"{name} is {values.shape}, the grid is {grid.shape}")
