"""Pipeline definitions: what a night does, read from ``pipelines/*.toml``."""

import tomllib
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Self, TypeVar

from pydantic import BaseModel, Field, ValidationError, model_validator

from agroforest.core.errors import ConfigurationError
from agroforest.core.identity import digest
from agroforest.core.sections import (
    AlertsSection,
    BaselineSection,
    BudgetSection,
    EnergySection,
    FireSection,
    GridSection,
    MapSection,
    MaskSection,
    RiskSection,
    ScenesSection,
    Section,
    SensorsSection,
    WaterSection,
    YearlySection,
)

__all__ = [
    "AlertsSection",
    "BaselineSection",
    "BudgetSection",
    "EnergySection",
    "FireSection",
    "GridSection",
    "MapSection",
    "MaskSection",
    "Pipeline",
    "RiskSection",
    "ScenesSection",
    "SensorsSection",
    "Watched",
    "WaterSection",
    "YearlySection",
    "read_pipeline",
    "read_settings",
]

_Settings = TypeVar("_Settings", bound=BaseModel)


class Watched(StrEnum):
    """What a pipeline watches."""

    CANOPY = "canopy"
    FIRE = "fire"
    WATER = "water"


# Stands for a history where nobody asks for one; no night lies in it.
_NO_HISTORY = BaselineSection(start=date(1970, 1, 1), end=date(1970, 1, 2))


class Pipeline(Section):
    """One nightly definition."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,63}$")]
    """Names the folder under the work folder; lower case, digits and dashes."""
    aoi: Path
    """Area of interest, relative to the pipeline file."""
    hazards: tuple[Watched, ...] = (Watched.CANOPY,)
    """What is watched: ``canopy`` (stress and loss), ``fire``, ``water`` (of the
    parcels' soil)."""
    desk: Path | None = None
    """Settings of the desk where people review the alerts, relative to this file;
    nobody reviews them unless given."""
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
    water: WaterSection = WaterSection()
    sensors: SensorsSection = SensorsSection()
    energy: EnergySection = EnergySection()
    budget: BudgetSection = BudgetSection()
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
            raise ValueError("hazards is empty: name canopy, fire or water")
        if self.watches(Watched.CANOPY) and "baseline" not in self.model_fields_set:
            raise ValueError("hazards has canopy, which needs the section [baseline]")
        fire = self.fire
        if self.watches(Watched.FIRE) and not (fire.weather or fire.hotspots):
            raise ValueError(
                "hazards has fire, which needs weather or hotspots in [fire]"
            )
        if self.watches(Watched.WATER) and self.water.weather is None:
            raise ValueError("hazards has water, which needs weather in [water]")
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
            "desk": None if pipeline.desk is None else here / pipeline.desk,
            "risk": pipeline.risk.model_copy(update=risk),
            "yearly": yearly,
            "fire": _place_fire(here, pipeline.fire),
            "water": _place_water(here, pipeline.water),
            "energy": pipeline.energy.model_copy(
                update=_place_files(here, pipeline.energy)
            ),
        }
    )


def _place_fire(here: Path, fire: FireSection) -> FireSection:
    """Start the relative paths of ``[fire]`` at the pipeline's folder."""
    moved = _place_files(here, fire)
    moved["hotspots"] = tuple(str(here / pattern) for pattern in fire.hotspots)
    if fire.forecast:
        moved["forecast"] = str(here / fire.forecast)
    if fire.model:
        moved["model"] = str(here / fire.model)
    return fire.model_copy(update=moved)


def _place_water(here: Path, water: WaterSection) -> WaterSection:
    """Start the relative paths of ``[water]`` at the pipeline's folder."""
    moved = _place_files(here, water)
    if water.forecast:
        moved["forecast"] = str(here / water.forecast)
    return water.model_copy(update=moved)


def _place_files(here: Path, section: Section) -> dict[str, object]:
    return {
        name: here / value
        for name, value in section
        if isinstance(value, Path) and not value.is_absolute()
    }


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
    except (ValueError, RecursionError) as error:  # a number may be too long, too
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
