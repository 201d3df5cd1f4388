"""What a map page shows, as values."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date

import numpy as np
from numpy.typing import NDArray

from agroforest.core.alert import Alert
from agroforest.core.aoi import Aoi
from agroforest.core.grid import Grid
from agroforest.core.reading import Reading, Sensor
from agroforest.core.risk import RiskMap
from agroforest.maps.fire import FirePage
from agroforest.maps.water import WaterPage

# A month without a clear image is what one cloudy spell in Guangxi lasts; arbitrary.
_STALE_DAYS = 30


@dataclass(frozen=True, kw_only=True, slots=True)
class IndexLayer:
    """One index on one tile, from one night's newest image.

    Attributes
    ----------
    name
        Short name, ``"NDMI"``; layers of one name form one entry of the tree.
    title_zh, title_en
        What a reader should see.
    unit
        Unit of the legend; empty for a plain ratio.
    tile
        Id of the tile.
    night
        Night from which the layer is shown.
    image
        Day of the image behind it; the night unless given.
    grid
        Grid of `values`.
    values
        ``(y, x)`` float; NaN is transparent.
    vmin, vmax
        Values of the two ends of the colour scale; beyond them the end colour
        is used, and the legend says so.
    colormap
        Name in `agroforest.maps.colors.COLORMAPS`.
    shown
        Whether the layer is on when the page opens.
    """

    name: str
    title_zh: str
    title_en: str
    unit: str = ""
    tile: str
    night: date
    image: date | None = None
    grid: Grid
    values: NDArray[np.floating] = field(repr=False)
    vmin: float
    vmax: float
    colormap: str = "viridis"
    shown: bool = False

    def __post_init__(self) -> None:
        if self.values.shape != self.grid.shape:
            raise ValueError(
                f"values are {self.values.shape}, the grid is {self.grid.shape}"
            )
        if not (math.isfinite(self.vmin) and math.isfinite(self.vmax)):
            raise ValueError(f"colour scale {self.vmin} to {self.vmax} is not finite")
        if self.vmax <= self.vmin:
            raise ValueError(f"vmax {self.vmax} is not above vmin {self.vmin}")


@dataclass(frozen=True, kw_only=True, slots=True)
class YearLayer:
    """Where canopy of a tile was damaged since the year before.

    Attributes
    ----------
    tile
        Id of the tile.
    night
        Night from which the layer is shown.
    year, season
        What was compared with the year before.
    grid
        Grid of `values`.
    values
        ``(y, x)`` probability, 0..1; NaN is transparent.
    threshold
        From which a pixel counts as damaged.
    model
        Who judged.
    limits_zh, limits_en
        What the model must not be taken for; under the legend.
    """

    tile: str
    night: date
    year: int
    season: str
    grid: Grid
    values: NDArray[np.floating] = field(repr=False)
    threshold: float
    model: str
    limits_zh: str
    limits_en: str


@dataclass(frozen=True, kw_only=True, slots=True)
class LikelyCause:
    """What may have caused an alert, for its popup.

    Attributes
    ----------
    zh, en
        The cause.
    probability
        Of it, 0..1.
    caveat_zh, caveat_en
        What the reader must know beside it.
    """

    zh: str
    en: str
    probability: float
    caveat_zh: str
    caveat_en: str


@dataclass(frozen=True, kw_only=True, slots=True)
class SensorSeries:
    """A sensor and its recent readings.

    Attributes
    ----------
    sensor
        The probe; without coordinates it is listed but not on the map.
    readings
        Any order, any variables and depths; flagged ones are drawn as such.
    """

    sensor: Sensor
    readings: tuple[Reading, ...] = field(default=(), repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class Notice:
    """A sentence the reader of the page must know: a gap, a quarantined scene."""

    zh: str
    en: str


@dataclass(frozen=True, kw_only=True, slots=True)
class MapPage:
    """Everything on one page.

    Attributes
    ----------
    title_zh, title_en, subtitle_zh, subtitle_en
        Headings.
    night
        The night the page is about; alerts are as they stood then.
    nights
        Nights of the date slider. Those of the layers are added, so it may be
        left empty.
    pipeline, model, version
        Where the page comes from: pipeline name, model name and version (or
        ``"rule-based: …"``), version of this package.
    simulated
        True if anything on the page is simulated; the page then says so in a
        banner that cannot be closed.
    aoi
        The area and its places.
    indices, risks
        Raster layers of any nights and tiles. On a night for which a tile has
        no layer, its newest earlier one is shown, with its date; a risk map's
        hatching then counts the days to the night shown.
    alerts
        All that were open on any night of the slider. On an earlier night only
        those already known then are shown, with today's outline.
    years
        Comparisons with the year before, one a tile.
    causes
        Likely causes by id of the alert.
    sensors
        With recent readings.
    notices
        What the reader must know.
    stale_days
        A judged pixel without a clear image for more days than this is drawn
        hatched instead of healthy.
    attribution
        Whose data is shown.
    utc_offset_hours
        For the time axis of the charts; 8 is China.
    fire
        Danger, hotspots with their clocks, and scars; None for a page that has
        nothing to do with fire.
    water
        Parcels with their soil water and advice; None for a page without.
    once
        True for a page that answers one question instead of showing nights: it has
        neither alerts nor sensors, and does not speak of them.
    """

    title_zh: str
    title_en: str
    subtitle_zh: str = ""
    subtitle_en: str = ""
    night: date
    nights: tuple[date, ...] = ()
    pipeline: str
    model: str
    version: str
    simulated: bool
    aoi: Aoi
    indices: tuple[IndexLayer, ...] = ()
    risks: tuple[RiskMap, ...] = ()
    alerts: tuple[Alert, ...] = ()
    years: tuple[YearLayer, ...] = ()
    causes: Mapping[str, LikelyCause] = field(default_factory=dict)
    sensors: tuple[SensorSeries, ...] = ()
    notices: tuple[Notice, ...] = ()
    stale_days: int = _STALE_DAYS
    attribution: tuple[str, ...] = ()
    utc_offset_hours: int = 8
    fire: FirePage | None = None
    water: WaterPage | None = None
    once: bool = False

    def patch(self, **changes: object) -> "MapPage":
        """Copy with some fields changed."""
        return replace(self, **changes)  # type: ignore[arg-type]

    @property
    def slider(self) -> tuple[date, ...]:
        """Nights of the date slider, rising, none after the page's night."""
        nights = {self.night, *self.nights}
        nights |= {layer.night for layer in self.indices}
        nights |= {risk.night for risk in self.risks}
        return tuple(sorted(n for n in nights if n <= self.night))

    @property
    def rule_based(self) -> bool:
        """True where a published rule, not a trained model, judged."""
        models = [self.model, *(risk.model for risk in self.risks)]
        return any(m.lower().startswith("rule") for m in models)
