"""Danger of a night: one day of weather, and the days forecast after it."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from functools import lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from agroforest.core.config import FireSection, Pipeline
from agroforest.core.errors import AgroforestError, ConfigurationError
from agroforest.core.identity import digest
from agroforest.core.risk import epoch_day
from agroforest.fire.assemble import Layers
from agroforest.fire.danger import Danger, DangerRequest, Scene, gather, judge_day
from agroforest.fire.days import CellDay, advance
from agroforest.fire.fuel import date_maps
from agroforest.fire.weather_on_cells import CellWeather, WeatherFile, open_weather
from agroforest.hotspots.datum import Datum
from agroforest.nightly.fire.trails import KEPT, Trails, fingerprint
from agroforest.nightly.workplace import Workplace

if TYPE_CHECKING:
    from agroforest.fire.forecast import Trained

#: A night without weather shows the danger of a day no older than this, and says so;
#: our choice.
STALE_DAYS = 3
#: Days after the night that are taken from a forecast; beyond them it says little.
AHEAD_DAYS = 10
_NIGHT = "{night}"
_NDMI = "*/*_ndmi.tif"  # as raster_name writes the nights' maps


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class NightDanger:
    """Danger that a night knows.

    Attributes
    ----------
    scene
        The area as it was judged; ``None`` without weather.
    days
        The night's own day, or the last before it that has weather; then forecasts.
    notes
        What was decided, and what is missing.
    """

    scene: Scene | None = field(repr=False)
    days: tuple[Danger, ...] = field(repr=False)
    notes: tuple[str, ...]

    def of(self, night: date) -> Danger | None:
        """Danger of the night's own day, if its weather is known."""
        return self.days[0] if self.days and self.days[0].day == night else None


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class _Night:
    """A night's weather, before anything is led through it."""

    scene: Scene
    day: int | None
    coming: CellWeather | None
    notes: tuple[str, ...]

    def ahead(self, night: int) -> Iterator[tuple[CellWeather, int]]:
        """Days forecast after a night, those of the newer file first."""
        done: set[int] = set()
        for weather in (self.coming, self.scene.weather):
            if weather is None:
                continue
            for day in weather.days[weather.forecast].tolist():
                if night < day <= night + AHEAD_DAYS and day not in done:
                    done.add(day)
                    yield weather, day


class DangerWatch:
    """Judges the danger of one night after another.

    Parameters
    ----------
    pipeline
        Settings; those of ``[fire]`` say where the weather is.
    workplace
        Where codes are kept, and where the nights leave their NDMI maps.

    Raises
    ------
    ConfigurationError
        A layer of the settings cannot be used.
    """

    def __init__(self, pipeline: Pipeline, workplace: Workplace) -> None:
        self._settings = pipeline.fire
        self._indices = workplace.folder / "indices"
        # A night is identified and then judged; its forecast is read once.
        self._look = lru_cache(maxsize=1)(self._look_up)
        self._problem = ""
        self._base: Scene | None = None
        self._trained: Trained | None = None
        if self._settings.weather is None:
            self._problem = "no weather is given"
            return
        self._weather = _weather_file(self._settings, self._settings.weather)
        try:
            self._base = gather(_request(pipeline, self._weather))
        except ConfigurationError:
            raise
        except AgroforestError as error:  # tomorrow's file may be better
            self._problem = str(error)
            return
        cells = self._base.cells
        self._trails = Trails(workplace.folder / "fire" / "codes", cells)
        if self._settings.model:
            # With it comes torch, which nights without such a model do not need.
            from agroforest.fire.forecast import load_trained  # noqa: PLC0415

            self._trained = load_trained(Path(self._settings.model), cells)
        self._classify = lru_cache(maxsize=2)(partial(_classify, self._base))

    def identify(self, night: date) -> str:
        """Digest of what a night's danger depends on."""
        found = self._look(night)
        if found is None:
            return digest("no danger", self._problem)
        scene, last = found.scene, epoch_day(night)
        happened = scene.weather.days[~scene.weather.forecast]
        behind = happened[(happened <= last) & (happened > last - KEPT)].tolist()
        grid = scene.cells.grid
        return digest(
            [grid.crs, grid.left, grid.top, grid.resolution, *grid.shape],
            [[d, fingerprint(scene.weather.bring(d))] for d in behind],
            [[d, fingerprint(w.bring(d))] for w, d in found.ahead(last)],
            np.asarray(scene.limits.limits).round(6).tolist(),
            [[str(day), path.name] for day, path in scene.setting.maps],
            self._trained.model.identity if self._trained else "",
        )

    def judge(self, night: date) -> NightDanger:
        """Judge a night's own day and the days forecast after it."""
        found = self._look(night)
        if found is None:
            return NightDanger(scene=None, days=(), notes=(self._problem,))
        scene, notes = found.scene, list(found.notes)
        today: CellDay | None = None
        if found.day is not None:
            today = self._trails.lead(
                scene.weather, found.day, least_rain=scene.least_rain
            )
        if today is None:
            notes.append(f"no weather of {night} nor of the {STALE_DAYS} days before")
            return NightDanger(scene=scene, days=(), notes=tuple(notes))
        if found.day != epoch_day(night):
            notes.append(f"no weather of {night}: danger of {today.weather.date} shown")
        days = [self._say(scene, today)]
        trail = today.trail
        for weather, day in sorted(found.ahead(epoch_day(night)), key=lambda w: w[1]):
            coming = advance(trail, weather, day, least_rain=scene.least_rain)
            trail = coming.trail
            days.append(self._say(scene, coming))
        return NightDanger(scene=scene, days=tuple(days), notes=tuple(notes))

    def _say(self, scene: Scene, day: CellDay) -> Danger:
        if self._trained is None:
            return judge_day(scene, day)
        return self._trained.judge(scene, day)

    def _look_up(self, night: date) -> _Night | None:
        """Look for what a night may know: nothing that came after it."""
        if self._base is None:
            return None
        base = self._classify(night.year)
        last = epoch_day(night)
        weather = base.weather
        happened = weather.days[~weather.forecast]
        fresh = happened[(happened <= last) & (happened > last - 1 - STALE_DAYS)]
        coming, said = self._open_forecast(night, base)
        maps = [
            (day, path)
            for day, path in date_maps(sorted(self._indices.glob(_NDMI)))
            if day <= night
        ]
        return _Night(
            scene=base.patch(setting=replace(base.setting, maps=tuple(maps))),
            day=int(fresh[-1]) if fresh.size else None,
            coming=coming,
            notes=tuple(dict.fromkeys(n for n in (*base.notes, said) if n)),
        )

    def _open_forecast(
        self, night: date, base: Scene
    ) -> tuple[CellWeather | None, str]:
        if not self._settings.forecast:
            return None, ""
        path = Path(self._settings.forecast.replace(_NIGHT, night.isoformat()))
        file = self._weather.patch(path=path, forecast_from=night + timedelta(days=1))
        try:
            return (
                open_weather(file, base.cells, elevation=base.setting.elevation),
                "",
            )
        except AgroforestError as error:
            return None, f"no forecast: {error.problem} ({path.name})"


def _classify(base: Scene, year: int) -> Scene:
    """Give it the classes of the years before: they stay the same through a year."""
    return base.classify(date(year - 1, 12, 31))


def _weather_file(settings: FireSection, path: Path) -> WeatherFile:
    return WeatherFile(path=path, mapping=settings.mapping, source=settings.source)


def _request(pipeline: Pipeline, weather: WeatherFile) -> DangerRequest:
    settings = pipeline.fire
    history = settings.history
    return DangerRequest(
        weather=weather,
        aoi=pipeline.aoi,
        history=None if history is None else weather.patch(path=history),
        side=settings.cell_m,
        layers=Layers(
            terrain=settings.terrain,
            fuel_moisture=settings.fuel_moisture,
            climatology=settings.climatology,
            roads=settings.roads,
            settlements=settings.settlements,
        ),
        counties=settings.counties,
        datum=read_datum(settings),
        htz=settings.htz,
        ground=settings.ground,
    )


def read_datum(settings: FireSection) -> Datum | None:
    """Read what the coordinates of counties and towns are, where it is said."""
    words: dict[str, Any] = {"wgs84": Datum.WGS84, "gcj02": Datum.GCJ02}
    return words.get(settings.datum)
