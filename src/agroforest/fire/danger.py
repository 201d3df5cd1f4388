"""Fire danger of an area: from files to ranks, drivers and a summary, day by day."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from agroforest.core.aoi import Aoi, read_aoi
from agroforest.core.errors import ConfigurationError, NoInputError
from agroforest.core.risk import EPOCH, epoch_day
from agroforest.fire.assemble import Layers, Setting, find_drivers, read_setting
from agroforest.fire.cells import SIDE, Cells, build_cells
from agroforest.fire.days import LEAST_RAIN, SETTLED, CellDay, walk
from agroforest.fire.drivers import Driver, Floats, Name, absent, given
from agroforest.fire.rank import combine, find_dryness
from agroforest.fire.totals import Total, Units, gather_units, sum_up
from agroforest.fire.weather_on_cells import CellWeather, WeatherFile, open_weather
from agroforest.hotspots.datum import Datum
from agroforest.hotspots.districts import read_districts
from agroforest.indices.fire_weather.classes import UNKNOWN, DangerClasses
from agroforest.indices.fire_weather.htz import (
    HtzTables,
    find_htz,
    read_htz_tables,
)
from agroforest.weather.network import REACH_KM

Progress = Callable[[int, int, str], None]


@dataclass(frozen=True, kw_only=True, slots=True)
class DangerRequest:
    """What to judge.

    Attributes
    ----------
    weather
        Of the days asked and of those before.
    history
        Weather of earlier years, for the classes; that of `weather` unless given.
    aoi
        The area.
    day, until
        First and last day; the last day that happened, and all forecast days after
        it, unless given. With `day` alone: that day and the forecast days after it.
    side
        Of a cell, metres.
    layers
        What is known beside the weather.
    counties
        Polygons to sum up by; `datum` says what their coordinates are.
    htz, ground
        Tables of LY/T 1172-95, and the state of the ground in them.
    """

    weather: WeatherFile
    aoi: Path
    history: WeatherFile | None = None
    day: date | None = None
    until: date | None = None
    side: float = SIDE
    layers: Layers = field(default_factory=Layers)
    counties: Path | None = None
    datum: Datum | None = None
    htz: Path | None = None
    ground: str = ""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Danger:
    """Danger of a day.

    Attributes
    ----------
    day
        Which.
    forecast
        True if the weather was forecast.
    rank
        ``(y, x)`` int8, 1 to 5; 0 where it is not known and outside the area.
    probability
        ``(y, x)`` float32, of a hotspot in the cell that day; NaN unless a model was
        trained.
    model
        Who judged the probability; empty for nobody.
    drivers
        All of them, missing ones too.
    led
        Days with weather behind the codes.
    totals
        By unit.
    """

    day: date
    forecast: bool
    rank: NDArray[np.int8] = field(repr=False)
    probability: NDArray[np.float32] = field(repr=False)
    model: str
    drivers: tuple[Driver, ...] = field(repr=False)
    led: int
    totals: tuple[Total, ...] = field(repr=False)

    def patch(self, **changes: object) -> "Danger":
        """Copy with some fields changed."""
        return replace(self, **changes)  # type: ignore[arg-type]

    def find(self, name: Name) -> Driver:
        """Return one driver."""
        return next(driver for driver in self.drivers if driver.name == name)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Scene:
    """An area made ready to be judged.

    Attributes
    ----------
    aoi, cells, setting, weather, units
        What was read.
    limits
        Classes of the fire weather index, on the cells; not known until `classify`.
    tables
        Of HTZ; ``None`` if they are not complete.
    ground
        Its state.
    notes
        What was decided, and what is missing.
    history
        Weather that the classes were made from.
    first, last
        Days to judge, since 1970-01-01; none until they are chosen.
    """

    aoi: Aoi
    cells: Cells
    setting: Setting
    weather: CellWeather
    units: Units
    limits: DangerClasses
    tables: HtzTables | None
    ground: str
    notes: tuple[str, ...]
    history: CellWeather
    first: int = 0
    last: int = -1

    @property
    def least_rain(self) -> float:
        """Millimetres a day that end a dry spell."""
        return LEAST_RAIN if self.tables is None else self.tables.c.least

    def patch(self, **changes: object) -> "Scene":
        """Copy with some fields changed."""
        return replace(self, **changes)  # type: ignore[arg-type]

    def classify(self, until: date | None = None) -> "Scene":
        """Copy with the classes of the place, from its history.

        Parameters
        ----------
        until
            Last day of it that counts; all unless given.
        """
        limits, problem = self.history.find_classes(until)
        notes = (*self.notes, problem) if problem else self.notes
        return self.patch(limits=self.history.spread(limits), notes=notes)


def prepare(request: DangerRequest) -> Scene:
    """Read everything that a danger of some days needs, and choose the days.

    Raises
    ------
    ConfigurationError, DataError, NoInputError
        A file cannot be used; or the weather lacks the day asked.
    """
    scene = gather(request).classify()
    first, last = _choose_days(request, scene.weather)
    return scene.patch(first=first, last=last)


def gather(request: DangerRequest) -> Scene:
    """Read everything that a danger needs; no days and no classes are chosen yet.

    Until `Scene.classify` every rank is 0, not known.

    Raises
    ------
    ConfigurationError, DataError
        A file cannot be used.
    """
    aoi = read_aoi(request.aoi)
    cells = build_cells(aoi.area, side=request.side)
    setting = read_setting(aoi, cells, request.layers)
    weather = open_weather(request.weather, cells, elevation=setting.elevation)
    notes = list(weather.notes)
    longer = weather
    if request.history is not None:
        longer = open_weather(request.history, cells)
    tables = _read_tables(request, notes)
    counties = (
        None
        if request.counties is None
        else read_districts(request.counties, datum=request.datum)
    )
    return Scene(
        aoi=aoi,
        cells=cells,
        setting=setting,
        weather=weather,
        units=gather_units(aoi, cells, counties),
        limits=UNKNOWN,
        tables=tables,
        ground=request.ground,
        notes=tuple(notes),
        history=longer,
    )


def _choose_days(request: DangerRequest, weather: CellWeather) -> tuple[int, int]:
    happened = weather.days[~weather.forecast]
    if request.day is not None:
        first = epoch_day(request.day)
        if first not in weather.days:
            have = [EPOCH + timedelta(days=int(d)) for d in weather.days[[0, -1]]]
            raise NoInputError(
                f"weather of {request.day}",
                "is not in the file",
                f"ask for a day of {have[0]} to {have[1]} that has sound weather",
            )
    else:
        first = int(happened[-1] if happened.size else weather.days[0])
    if request.until is not None:
        last = epoch_day(request.until)
        if last < first:
            raise ConfigurationError(
                "--until", f"{request.until} is before the first day", "turn them round"
            )
        return first, last
    coming = weather.days[weather.forecast & (weather.days > first)]
    return first, int(coming[-1]) if coming.size else first


def _read_tables(request: DangerRequest, notes: list[str]) -> HtzTables | None:
    tables = read_htz_tables() if request.htz is None else read_htz_tables(request.htz)
    lost = tables.missing()
    if lost:
        notes.append(
            f"HTZ: table {', '.join(lost)} of {tables.standard} is not given, so the "
            "rank is without it"
        )
        return None
    if not request.ground:
        notes.append("HTZ: the state of the ground is not said")
        return None
    if request.ground not in tables.e:
        raise ConfigurationError(
            "--ground",
            f"{request.ground!r} has no points",
            f"use one of {', '.join(tables.e)}",
        )
    if tables.verify:
        notes.append(
            f"HTZ: the tables of {tables.standard} are not verified, so the rank is "
            "without it"
        )
    return tables


def judge(scene: Scene, *, progress: Progress | None = None) -> Iterator[Danger]:
    """Judge the days of a scene one after another.

    Yields
    ------
    Danger
        Of each day that the weather has, in order.
    """
    for day in walk_scene(scene, progress=progress):
        yield judge_day(scene, day)


def walk_scene(scene: Scene, *, progress: Progress | None = None) -> Iterator[CellDay]:
    """Weather and codes of the days of a scene, one after another."""
    return walk(
        scene.weather,
        first=scene.first,
        last=scene.last,
        least_rain=scene.least_rain,
        progress=progress,
    )


def judge_day(scene: Scene, day: CellDay) -> Danger:
    """Judge one day."""
    inside = scene.cells.inside
    drivers = find_drivers(scene.setting, day)
    classes = np.where(inside, scene.limits.classify(day.indices.fwi), 0)
    htz = _find_htz(scene, day)
    by_name = {driver.name: driver for driver in drivers}
    dry = find_dryness(
        by_name[Name.FUEL_MOISTURE].values, by_name[Name.NDMI_ANOMALY].values
    )
    verified = scene.tables is not None and not scene.tables.verify
    counted = np.where(inside, htz, 0) if htz is not None and verified else None
    rank = combine(classes.astype(np.int8), counted, dry)
    ranked = given(Name.FWI_CLASS, _known(classes), scene.limits.source, ranked=True)
    chinese = (
        absent(Name.HTZ, "no tables of LY/T 1172-95, or no state of the ground")
        if htz is None
        else given(
            Name.HTZ,
            _known(htz),
            f"LY/T 1172-95{'' if verified else ' (verify)'}, noon values",
            ranked=verified,
        )
    )
    order = {name: n for n, name in enumerate(Name)}
    every = sorted((*drivers, ranked, chinese), key=lambda d: order[d.name])
    return Danger(
        day=day.weather.date,
        forecast=day.weather.forecast,
        rank=rank,
        probability=np.full(rank.shape, np.nan, dtype=np.float32),
        model="",
        drivers=tuple(every),
        led=day.led,
        totals=tuple(sum_up(scene.units, rank, scene.cells)),
    )


def _known(classes: NDArray[np.int8]) -> Floats:
    return np.where(classes > 0, classes, np.nan).astype(np.float64)


def _find_htz(scene: Scene, day: CellDay) -> NDArray[np.int8] | None:
    """Rank HTZ of a day, from noon values instead of the day's extremes."""
    if scene.tables is None:
        return None
    weather = day.weather
    _, rank = find_htz(
        scene.tables,
        temperature=weather.temperature,
        humidity=weather.humidity,
        wind=weather.wind,
        spell=day.spell,
        ground=scene.ground,
    )
    return rank


def explain(days: Sequence[Danger], cells: Cells) -> list[str]:
    """Say what a reader must know of the days: codes not settled, cells not known."""
    notes = []
    if days[0].led < SETTLED:
        notes.append(
            f"{days[0].day}: {days[0].led} days of weather behind the moisture codes, "
            f"the drought code settles in about {SETTLED}"
        )
    unknown = int((cells.inside & (days[0].rank == 0)).sum())
    if unknown:
        notes.append(
            f"{days[0].day}: {unknown} of {cells.count} cells have no rank: no weather "
            f"there that day (stations speak for {REACH_KM:g} km)"
        )
    return notes
