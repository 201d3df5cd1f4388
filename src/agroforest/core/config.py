"""Pipeline definitions: what a night does, read from ``pipelines/*.toml``."""

import tomllib
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from agroforest.core.errors import ConfigurationError
from agroforest.core.identity import digest
from agroforest.core.season import Season

_Settings = TypeVar("_Settings", bound=BaseModel)


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class GridSection(_Section):
    """``[grid]``: pixels and tiles."""

    resolution: Annotated[float, Field(gt=0, le=1000)] = 10.0
    """Pixel side in metres; bands of other resolutions are brought to it."""
    tile_size: Annotated[float, Field(gt=0, le=100_000)] = 10_000.0
    """Side of a tile in metres, a divisor of 100 km. One task holds one tile in
    memory: by calculation 1.5 GB for 10 km at 10 m and a hundred clear dates."""


class ScenesSection(_Section):
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


class MaskSection(_Section):
    """``[mask]``: which pixels are usable."""

    scl_classes: tuple[int, ...] = (4, 5, 6, 7)
    """Sentinel-2 scene classes taken as clear."""
    dilate_m: Annotated[float, Field(ge=0, le=1000)] = 40.0
    """Cloud and shadow are grown by this many metres."""


class BaselineSection(_Section):
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


class RiskSection(_Section):
    """``[risk]``: the model that turns residuals into probabilities."""

    model: str = "canopy-stress"
    """Name of a shipped model, folder of one of your own (``../models/mine``), or
    ``rule`` for the published three-date rule."""
    threshold: Annotated[float, Field(gt=0, lt=1)] | None = None
    """Probability that counts as detected; the model card's unless given."""
    forest: Path | Literal["compartments", "everywhere"] = "compartments"
    """Where canopy is judged: the AOI's compartments, everywhere in the AOI, or
    a raster whose non-zero pixels are forest."""


class AlertsSection(_Section):
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


class YearlySection(_Section):
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


class FireSection(_Section):
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


class SensorsSection(_Section):
    """``[sensors]``: which stored readings the map shows."""

    ids: tuple[str, ...] = ()
    """Sensor ids; empty means every sensor inside the AOI."""
    days: Annotated[int, Field(ge=1, le=3660)] = 90
    """Days of readings in the popup."""


class MapSection(_Section):
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


class Watched(StrEnum):
    """What a pipeline watches."""

    CANOPY = "canopy"
    FIRE = "fire"


# Stands for a history where nobody asks for one; no night lies in it.
_NO_HISTORY = BaselineSection(start=date(1970, 1, 1), end=date(1970, 1, 2))


class Pipeline(_Section):
    """One nightly definition."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,63}$")]
    """Names the folder under the work folder; lower case, digits and dashes."""
    aoi: Path
    """Area of interest, relative to the pipeline file."""
    hazards: tuple[Watched, ...] = (Watched.CANOPY,)
    """What is watched: ``canopy`` (stress and loss), ``fire``, or both."""
    simulated: bool = False
    """True if the scenes never existed; every page then says so."""
    indices: tuple[str, ...] = ("ndvi", "ndmi")
    """Index maps to write each night."""
    grid: GridSection = GridSection()
    scenes: ScenesSection = ScenesSection()
    mask: MaskSection = MaskSection()
    baseline: BaselineSection = _NO_HISTORY
    """Needed where canopy is watched."""
    risk: RiskSection = RiskSection()
    alerts: AlertsSection = AlertsSection()
    yearly: YearlySection | None = None
    """Nothing is compared from year to year unless the section is there."""
    fire: FireSection = FireSection()
    sensors: SensorsSection = SensorsSection()
    map: MapSection = MapSection()

    @model_validator(mode="after")
    def _map_shows_what_is_written(self) -> Self:
        missing = set(self.map.indices) - set(self.indices)
        if missing:
            raise ValueError(
                f"map.indices has {sorted(missing)}, which indices does not write"
            )
        return self

    @model_validator(mode="after")
    def _has_what_it_watches(self) -> Self:
        if not self.hazards:
            raise ValueError("hazards is empty: name canopy, fire or both")
        if self.watches(Watched.CANOPY) and "baseline" not in self.model_fields_set:
            raise ValueError("hazards has canopy, which needs the section [baseline]")
        fire = self.fire
        if self.watches(Watched.FIRE) and not (fire.weather or fire.hotspots):
            raise ValueError(
                "hazards has fire, which needs weather or hotspots in [fire]"
            )
        return self

    def watches(self, what: Watched) -> bool:
        """Whether the pipeline watches this."""
        return what in self.hazards

    def season_digest(self) -> str:
        """Digest of the settings that each pixel's season depends on."""
        return digest(
            self.model_dump(mode="json", include={"grid", "mask", "baseline"})
        )

    def output_digest(self) -> str:
        """Digest of the settings that a night's rasters depend on besides."""
        return digest(self.indices, self.risk.threshold)


def read_pipeline(path: Path) -> Pipeline:
    """Read a pipeline file; relative paths in it start at its folder.

    Raises
    ------
    ConfigurationError
        One line with the file, the setting, its value and the way out.
    """
    pipeline = read_settings(path, Pipeline, manual="docs/pipeline.md")
    here = path.parent
    forest = pipeline.risk.forest
    if isinstance(forest, Path):
        forest = here / forest
    risk = {"forest": forest, "model": _find_model(here, pipeline.risk.model)}
    yearly = pipeline.yearly
    if yearly is not None:
        names = {role: getattr(yearly, role) for role in ("damage", "cause")}
        found = {role: _find_model(here, name) for role, name in names.items()}
        yearly = yearly.model_copy(update=found)
    return pipeline.model_copy(
        update={
            "aoi": here / pipeline.aoi,
            "risk": pipeline.risk.model_copy(update=risk),
            "yearly": yearly,
            "fire": _place_fire(here, pipeline.fire),
        }
    )


def _place_fire(here: Path, fire: FireSection) -> FireSection:
    """Start the relative paths of ``[fire]`` at the pipeline's folder."""
    moved: dict[str, object] = {
        name: here / value
        for name, value in fire
        if isinstance(value, Path) and not value.is_absolute()
    }
    moved["hotspots"] = tuple(str(here / pattern) for pattern in fire.hotspots)
    if fire.forecast:
        moved["forecast"] = str(here / fire.forecast)
    if fire.model:
        moved["model"] = str(here / fire.model)
    return fire.model_copy(update=moved)


def _find_model(here: Path, name: str) -> str:
    """Name of a shipped model as it is; the path of a model of one's own from here."""
    return str((here / name).absolute()) if "/" in name else name


def read_settings(path: Path, kind: type[_Settings], *, manual: str) -> _Settings:
    """Read a TOML file of settings.

    Parameters
    ----------
    path
        The file, UTF-8.
    kind
        What it holds.
    manual
        The page that explains it.

    Raises
    ------
    ConfigurationError
        One line with the file, the setting, its value and the way out.
    """
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigurationError(
            path, f"cannot be read ({error.strerror})", "give the path of a file"
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ConfigurationError(path, f"is not TOML ({error})", "mend it") from error
    try:
        return kind.model_validate(document)
    except ValidationError as error:
        first = error.errors()[0]
        setting = ".".join(str(p) for p in first["loc"]) or "the file"
        value = first.get("input")
        shown = f" ({value!r})" if isinstance(value, str | int | float) else ""
        raise ConfigurationError(
            path, f"{setting}{shown}: {first['msg']}", f"see {manual} for the settings"
        ) from error
