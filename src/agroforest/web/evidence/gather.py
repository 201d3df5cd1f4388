"""Everything that a case rests on, gathered for its page."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path

import rasterio
from rasterio.errors import RasterioIOError
from shapely.geometry import Point
from sqlalchemy import select

from agroforest.core.config import Pipeline, Watched
from agroforest.core.errors import AgroforestError
from agroforest.core.fire import FireFacts
from agroforest.core.grid import WGS84, reproject
from agroforest.core.reading import Reading, Sensor, Variable
from agroforest.core.review import Case
from agroforest.core.risk import CANOPY_HAZARDS, Hazard
from agroforest.nightly.plan import Watch
from agroforest.nightly.watch import build_watch
from agroforest.risk import load_model, models_dir
from agroforest.store import Store
from agroforest.store.schema import alert
from agroforest.web.evidence.chart import Drawing, draw
from agroforest.web.evidence.chips import Chip, choose_chips
from agroforest.web.evidence.season import Season, read_season

#: Sensors so near tell of the same ground, degrees: about three kilometres.
_NEAR = 0.03
#: Readings older than this say nothing of now.
_RECENT = timedelta(days=7)
_MOST_READINGS = 8
#: What tells of the place, not of the device.
_TELLING = tuple(set(Variable) - {Variable.BATTERY, Variable.BATTERY_LEVEL})
#: Metric of a card that says how late a decline is found, and as which hazard.
_DELAY = "dieback_delay_days"
_METRES_A_DEGREE = 111_320.0


@dataclass(frozen=True, kw_only=True, slots=True)
class NearReading:
    """A reading close to a case.

    Attributes
    ----------
    sensor
        Whose.
    reading
        The newest of its variable and depth.
    metres
        How far away.
    """

    sensor: Sensor
    reading: Reading
    metres: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Delay:
    """How late a model finds what it looks for, as far as that was measured.

    Attributes
    ----------
    days, low, high
        Median and interval.
    on
        Measured on what.
    """

    days: float
    low: float
    high: float
    on: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Evidence:
    """What a case rests on; ``None`` and empty where there is nothing.

    Attributes
    ----------
    chips
        Pictures before and after.
    season
        What the nights remember of the place.
    drawings
        Of its curves.
    smallest_ha
        The smallest spot that the pipeline reports.
    delay
        How late a decline is usually found.
    readings
        Of sensors nearby, the nearest first.
    weather
        Name, value and unit of that day, from the night's own maps.
    weather_day
        Which day.
    fire
        What satellites saw of a fire.
    damaged
        What could not be read, and why.
    """

    chips: tuple[Chip, ...] = ()
    season: Season | None = field(default=None, repr=False)
    drawings: tuple[Drawing, ...] = field(default=(), repr=False)
    smallest_ha: float | None = None
    delay: Delay | None = None
    readings: tuple[NearReading, ...] = ()
    weather: tuple[tuple[str, float], ...] = ()
    weather_day: date | None = None
    fire: FireFacts | None = None
    damaged: str = ""


class Gatherer:
    """Gathers what cases rest on.

    Parameters
    ----------
    work
        The work folder.
    pipelines
        Definitions by name.
    store
        Open.
    """

    def __init__(
        self, work: Path, pipelines: Mapping[str, Pipeline], store: Store
    ) -> None:
        self._work, self._pipelines, self._store = work, pipelines, store
        self._watches: dict[str, Watch | None] = {}

    def watch(self, pipeline: str) -> Watch | None:
        """Find what a pipeline watches; ``None`` if its definition is not known."""
        if pipeline not in self._watches:
            known = self._pipelines.get(pipeline)
            try:
                found = None if known is None else build_watch(known, self._work).watch
            except AgroforestError:
                found = None  # its area moved away: what is on record is shown
            self._watches[pipeline] = found
        return self._watches[pipeline]

    def gather(self, case: Case, *, now: datetime) -> Evidence:
        """Gather what a case rests on."""
        watch = self.watch(case.pipeline)
        readings = find_readings(self._store, case, now)
        if case.hazard == Hazard.ACTIVE_FIRE:
            fire = self._find_fire(case)
            weather_day, weather = _sample_weather(watch, case)
            return Evidence(
                readings=readings, fire=fire, weather=weather, weather_day=weather_day
            )
        if watch is None or not watch.pipeline.watches(Watched.CANOPY):
            return Evidence(readings=readings)
        season, damaged = _read_season(watch, case)
        weather_day, weather = _sample_weather(watch, case)
        return Evidence(
            chips=tuple(
                choose_chips(
                    watch,
                    case.geometry,
                    since=self.find_since(case),
                    evidence=now.date(),
                )
            ),
            season=season,
            drawings=_draw_all(season, case),
            smallest_ha=find_smallest(watch.pipeline),
            delay=_find_delay(watch.pipeline, case.hazard),
            readings=readings,
            weather=weather,
            weather_day=weather_day,
            damaged=damaged,
        )

    def find_since(self, case: Case) -> date:
        """Day of the earliest evidence, which comes before the night of the alert."""
        query = select(alert.c.since).where(alert.c.id == case.alert)
        with self._store.reading() as connection:
            return connection.execute(query).scalar() or case.first_night

    def _find_fire(self, case: Case) -> FireFacts | None:
        found = self._store.fire_alerts(case.pipeline, since=case.first_night)
        return next((facts for alert, facts in found if alert.id == case.alert), None)


def find_readings(store: Store, case: Case, now: datetime) -> tuple[NearReading, ...]:
    """Find the newest readings close to a case, the nearest first; bad ones too."""
    near: dict[str, tuple[Sensor, float]] = {}
    for sensor in store.sensors():
        if sensor.longitude is None or sensor.latitude is None:
            continue
        away = case.geometry.distance(Point(sensor.longitude, sensor.latitude))
        if away <= _NEAR:
            near[sensor.id] = sensor, away * _METRES_A_DEGREE
    readings = (
        store.readings(list(near), now - _RECENT, now, variables=_TELLING)
        if near
        else []
    )
    newest: dict[tuple[str, str, float | None], Reading] = {}
    for reading in readings:
        newest[reading.sensor, str(reading.variable), reading.depth_m] = reading
    found = [
        NearReading(sensor=near[r.sensor][0], reading=r, metres=near[r.sensor][1])
        for r in newest.values()
    ]
    found.sort(key=lambda n: (n.metres, n.sensor.id, str(n.reading.variable)))
    return tuple(found[:_MOST_READINGS])


def find_smallest(pipeline: Pipeline) -> float:
    """Find the smallest area that a pipeline reports, hectares."""
    pixel = pipeline.grid.resolution**2 / 10_000
    return max(pipeline.alerts.min_area_ha, pipeline.alerts.min_pixels * pixel)


def _read_season(watch: Watch, case: Case) -> tuple[Season | None, str]:
    try:
        return read_season(watch, case.geometry), ""
    except AgroforestError as error:
        return None, error.problem


def _draw_all(season: Season | None, case: Case) -> tuple[Drawing, ...]:
    if season is None:
        return ()
    until = max(case.evidence, case.first_night)
    return tuple(
        draw(curve, raised=case.first_night, until=until)
        for curve in season.curves
        if curve.seen.size
    )


def _find_delay(pipeline: Pipeline, hazard: Hazard) -> Delay | None:
    if hazard not in CANOPY_HAZARDS[:1] or pipeline.risk.model == "rule":
        return None
    try:
        metrics = load_model(models_dir() / pipeline.risk.model).card.metrics
    except AgroforestError:
        return None
    for metric in metrics:
        if metric.name == _DELAY and metric.low is not None and metric.high is not None:
            return Delay(
                days=metric.value, low=metric.low, high=metric.high, on=metric.on
            )
    return None


def _sample_weather(
    watch: Watch | None, case: Case
) -> tuple[date | None, tuple[tuple[str, float], ...]]:
    """Sample the weather that a night of fire mapped, at the case."""
    if watch is None:
        return None, ()
    folder = watch.workplace.folder / "fire" / "danger"
    day = case.first_night
    files = sorted(folder.glob("drivers_????-??-??.tif"))
    wanted = [f for f in files if f.stem.removeprefix("drivers_") <= day.isoformat()]
    if not wanted:
        return None, ()
    try:
        with rasterio.open(wanted[-1], driver="GTiff") as opened:
            shape = reproject(case.geometry, WGS84, opened.crs.to_string())
            (values,) = opened.sample([shape.representative_point().coords[0]])
            names = opened.descriptions
    except (RasterioIOError, ValueError):
        return None, ()
    found = tuple(
        (str(name), float(value))
        for name, value in zip(names, values, strict=True)
        if value == value
    )
    return date.fromisoformat(wanted[-1].stem.removeprefix("drivers_")), found
