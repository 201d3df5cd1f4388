"""Sections of a pipeline definition; `agroforest.core.config` joins them."""

from datetime import date
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from agroforest.core.season import Season


class Section(BaseModel):
    """A table of settings; unknown ones are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class GridSection(Section):
    """``[grid]``: pixels and tiles."""

    resolution: Annotated[float, Field(gt=0, le=1000)] = 10.0
    """Pixel side in metres; bands of other resolutions are brought to it."""
    tile_size: Annotated[float, Field(gt=0, le=100_000)] = 10_000.0
    """Side of a tile in metres, a divisor of 100 km. One task holds one tile in
    memory: by calculation 1.5 GB for 10 km at 10 m and a hundred clear dates."""


class ScenesSection(Section):
    """``[scenes]``: where scenes come from."""

    catalog: str = "local"
    """``local`` for what ``agroforest scenes add`` catalogued, or the URL of a
    STAC API."""
    collections: tuple[str, ...] = ()
    """Collections to use; empty means all."""
    max_cloud_cover: Annotated[float, Field(ge=0, le=100)] = 80.0
    """Percent; scenes that state more are left out."""
    lookback_days: Annotated[int, Field(ge=0, le=400)] = 10
    """How late a scene may arrive and still be taken."""


class MaskSection(Section):
    """``[mask]``: which pixels are usable."""

    scl_classes: tuple[int, ...] = (4, 5, 6, 7)
    """Sentinel-2 scene classes taken as clear."""
    dilate_m: Annotated[float, Field(ge=0, le=1000)] = 40.0
    """Cloud and shadow are grown by this many metres."""


class BaselineSection(Section):
    """``[baseline]``: each pixel's own normal season."""

    start: date
    """First day of the history."""
    end: date
    """Last day of the history; later observations are judged against it."""
    min_clear: Annotated[int, Field(ge=6)] = 10
    """Clear dates a pixel needs before it is judged."""
    ring: Annotated[int, Field(ge=6, le=64)] = 16
    """Latest clear observations kept for each pixel."""

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.end <= self.start:
            raise ValueError(f"end {self.end} is not after start {self.start}")
        return self


class RiskSection(Section):
    """``[risk]``: the model that turns residuals into probabilities."""

    model: str = "canopy-stress"
    """Name of a shipped model, folder of one of your own (``../models/mine``), or
    ``rule`` for the published three-date rule."""
    threshold: Annotated[float, Field(gt=0, lt=1)] | None = None
    """Probability that counts as detected; the model card's unless given."""
    forest: Path | Literal["compartments", "everywhere"] = "compartments"
    """Where canopy is judged: the AOI's compartments, everywhere in the AOI, or
    a raster whose non-zero pixels are forest."""


class AlertsSection(Section):
    """``[alerts]``: from pixels to objects, and their life."""

    min_area_ha: Annotated[float, Field(ge=0)] = 0.1
    """Smaller objects are not reported."""
    min_pixels: Annotated[int, Field(ge=1)] = 4
    """Nor are objects of fewer pixels."""
    grow_ratio: Annotated[float, Field(gt=1)] = 1.2
    """An alert counts as grown when its area exceeds its last reported area by
    this factor."""
    release_share: Annotated[float, Field(ge=0, lt=1)] = 0.2
    """An alert is released when newer clear observations detect no more than
    this share of it."""
    close_after_days: Annotated[int, Field(ge=1)] = 60
    """A released alert is closed after this many days."""


class YearlySection(Section):
    """``[yearly]``: one comparison with the year before, when a season is over."""

    season: str = "08-15/10-15"
    """First and last day of the season, ``MM-DD/MM-DD``; one that crosses the new
    year belongs to the year in which it ends."""
    damage: str = "canopy-damage"
    """Name of a shipped model, folder of one of your own, or ``none``: where canopy
    was damaged since the year before."""
    cause: str = "disturbance-cause"
    """Likewise: what disturbed the forest there, from ten years of Landsat."""

    @model_validator(mode="after")
    def _season_is_one(self) -> Self:
        Season.parse(self.season)
        return self

    @property
    def days(self) -> Season:
        """The season."""
        return Season.parse(self.season)


class FireSection(Section):
    """``[fire]``: danger, hotspots and scars; every layer may be missing.

    Paths start at the pipeline's folder.
    """

    cell_m: Annotated[float, Field(ge=100, le=50_000)] = 1000.0
    """Side of a cell of danger, metres."""
    weather: Path | None = None
    """Noon weather: a CSV of stations, NetCDF or Zarr of a grid; docs/fire.md.
    Without it there is no danger, and alerts are not gated."""
    mapping: Path | None = None
    """TOML of a CSV's columns."""
    source: str | None = None
    """Maker of a grid of several times a day."""
    forecast: str = ""
    """Weather of the days after a night; ``{night}`` in the path stands for the
    night. Only days after the night are taken from it."""
    history: Path | None = None
    """Weather of five years or more, for the place's own classes; `weather` itself
    unless given."""
    hotspots: tuple[str, ...] = ()
    """Patterns of FIRMS files, such as ``../feeds/*.csv``."""
    counties: Path | None = None
    townships: Path | None = None
    datum: Literal["", "wgs84", "gcj02"] = ""
    """Of the two; must be said where it cannot be told."""
    land_cover: Path | None = None
    static_sources: Path | None = None
    """Mask of static heat sources; learned from the feeds unless given."""
    terrain: Path | None = None
    climatology: Path | None = None
    """GeoTIFF of ``agroforest fire climatology``."""
    fuel_moisture: Path | None = None
    roads: Path | None = None
    settlements: Path | None = None
    htz: Path | None = None
    """TOML of the tables of LY/T 1172-95."""
    ground: str = ""
    """State of the ground in them."""
    model: str = ""
    """Folder of a ``fire-occurrence`` model trained on one's own hotspots."""
    gap_hours: Annotated[float, Field(ge=24, le=48)] = 36.0
    """An event may go unseen this long."""
    verify_minutes: Annotated[int, Field(ge=1, le=10_080)] = 60
    """After this time somebody must have looked at a new alert."""
    scars: bool = True
    """Whether scars are looked for in catalogued images once a fire is over."""


class WaterSection(Section):
    """``[water]``: soil water of the parcels; every layer but `weather` may be missing.

    Paths start at the pipeline's folder.
    """

    weather: Path | None = None
    """Daily weather: a CSV of stations; docs/soil-and-water.md."""
    mapping: Path | None = None
    """TOML of its columns."""
    forecast: str = ""
    """Weather of the days after a night; ``{night}`` in the path stands for the
    night. Only days after the night are taken from it."""
    ahead_days: Annotated[int, Field(ge=1, le=15)] = 7
    """Days after the night that advice looks at."""
    irrigation: Path | None = None
    """CSV of irrigations: parcel, date, and mm or m3."""
    calibrations: Path | None = None
    """TOML of the probes' calibrations; docs/sensors.md."""
    crops: Path | None = None
    """TOML of crops of one's own, of the form of the shipped table."""
    satellite: Literal["none", "optram", "ndmi"] = "none"
    """Wetness of the parcels from the nights' own index maps."""
    greenness: bool = True
    """Whether NDVI maps of the nights, where there are any, give the crop
    coefficient."""
    assimilate: bool = True
    """Whether the balance is drawn to what trusted probes and satellites measure."""
    efficiency: Annotated[float, Field(gt=0, le=1)] | None = None
    """Share of the water that reaches the roots, of parcels that do not say; that of
    their way of irrigation unless given."""
    method: Literal["surface", "sprinkler", "drip"] = "sprinkler"
    """Way of irrigation of parcels that do not say."""
    sand: Annotated[float, Field(ge=0, le=1)] | None = None
    """Texture of the soil of parcels that do not say, as shares."""
    clay: Annotated[float, Field(ge=0, le=1)] | None = None
    organic_matter: Annotated[float, Field(ge=0, le=100)] = 2.0
    """Percent."""
    elevation: float | None = None
    """Metres, of a station whose file does not say."""

    @model_validator(mode="after")
    def _texture_is_whole(self) -> Self:
        if (self.sand is None) != (self.clay is None):
            raise ValueError("give both sand and clay, or neither")
        return self


class SensorsSection(Section):
    """``[sensors]``: which stored readings the map shows."""

    ids: tuple[str, ...] = ()
    """Sensor ids; empty means every sensor inside the AOI."""
    days: Annotated[int, Field(ge=1, le=3660)] = 90
    """Days of readings in the popup."""


class MapSection(Section):
    """``[map]``: the page."""

    title_zh: str = ""
    title_en: str = ""
    indices: tuple[str, ...] = ("ndvi", "ndmi")
    """Indices shown as layers; a subset of ``indices.names``."""
    nights: Annotated[int, Field(ge=1, le=400)] = 12
    """Nights with news that the date slider holds."""
    utc_offset_hours: Annotated[int, Field(ge=-12, le=14)] = 8
    """Time zone of the sensor charts; 8 is China."""
    attribution: tuple[str, ...] = (
        "Contains modified Copernicus Sentinel data, processed by agroforest",
    )
    """Whose data is shown."""


class EnergySection(Section):
    """``[energy]``: the grid's carbon, and when its hours are clean; docs/energy.md."""

    province: str | None = None
    """Province of China where the machine stands, such as ``guangxi``, which it is
    unless something is given."""
    country: Annotated[str, Field(pattern=r"^[A-Z]{3}$")] | None = None
    """Elsewhere: ISO code of the country, such as ``VNM``; needs the extra
    ``energy``."""
    factor_g_per_kwh: Annotated[float, Field(ge=0, le=2000)] | None = None
    """Grams of CO2 for a kilowatt-hour, where neither is good enough."""
    factor_source: str = ""
    """Where that number is from; must be said with it."""
    watts_per_core: Annotated[float, Field(gt=0, le=100)] | None = None
    """Of a processor core at work, from a meter or the maker's sheet; an assumption
    unless given."""
    hours: Path | None = None
    """CSV of the grid's grams of CO2 for a kilowatt-hour, for 24 or 48 hours; the
    night starts when they are cleanest. At once without it."""
    deadline: Annotated[str, Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")] = "06:00"
    """By then a night must be over, if it can; local time of ``[map]``."""

    @model_validator(mode="after")
    def _factor_has_a_source(self) -> Self:
        if self.factor_g_per_kwh is not None and not self.factor_source.strip():
            raise ValueError(
                "factor_g_per_kwh needs factor_source: say where it is from"
            )
        return self


class BudgetSection(Section):
    """``[budget]``: what a night may cost; it stops in order once it has.

    What is left is done the next night.
    """

    minutes: Annotated[float, Field(gt=0)] | None = None
    """Wall time."""
    gigabytes: Annotated[float, Field(gt=0)] | None = None
    """Of scenes that are read, compressed as they come; 10^9 bytes."""
    kwh: Annotated[float, Field(gt=0)] | None = None
    """Of processor and memory."""
