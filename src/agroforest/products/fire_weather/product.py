"""One weather file in, one file of fire weather out."""

import json
from dataclasses import asdict, dataclass, field, replace
from datetime import date, timedelta
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from agroforest.core.errors import ConfigurationError
from agroforest.core.risk import EPOCH, epoch_day
from agroforest.indices.fire_weather import Codes, Method, StartUp
from agroforest.products.fire_weather.climate import read_classes
from agroforest.products.fire_weather.outputs import (
    write_grid,
    write_metadata,
    write_table,
)
from agroforest.products.fire_weather.run import Run, run_days
from agroforest.products.fire_weather.saved import load_codes, save_codes
from agroforest.weather import (
    GriddedWeather,
    Refused,
    StationSeries,
    read_gridded,
    read_station,
)

_GRIDS = {".nc", ".nc4", ".cdf", ".zarr"}
#: Degrees by which a latitude given may differ from the table's. A tenth of the
#: distance at which a band of day lengths would be noticed; arbitrary.
_SAME_PLACE = 0.1


@dataclass(frozen=True, kw_only=True, slots=True)
class FireWeatherRequest:
    """What to compute.

    Attributes
    ----------
    weather
        CSV of a station, NetCDF or Zarr of a grid.
    out
        CSV of a station, NetCDF of a grid.
    latitude
        Of the station, degrees north; not needed where the table has it.
    start_up
        Codes on the day before the first.
    method
        Scale and day lengths.
    mapping
        TOML of a table's columns.
    station
        Its id, where a table has several.
    source
        Maker of a grid of several times a day; see `weather.names.SOURCES`.
    utc_offset
        Of a grid's noon; by longitude unless given.
    forecast_from
        First day that had not happened.
    state
        File of codes to go on with and to keep.
    restart_after
        Days without weather after which the codes begin again.
    climate
        Table of fire weather of the same station over some years, from which the
        limits of the classes are learned.
    extended
        Write more columns.
    threads
        For grids.
    """

    weather: Path
    out: Path
    latitude: float | None = None
    start_up: StartUp = field(default_factory=StartUp)
    method: Method = field(default_factory=Method)
    mapping: Path | None = None
    station: str | None = None
    source: str | None = None
    utc_offset: float | None = None
    forecast_from: date | None = None
    state: Path | None = None
    restart_after: int | None = None
    climate: Path | None = None
    extended: bool = False
    threads: int = 1


@dataclass(frozen=True, kw_only=True, slots=True)
class FireWeatherReport:
    """What was computed.

    Attributes
    ----------
    place
        Station id, or the grid's file.
    latitude
        Degrees north; southern and northern edge of a grid.
    ffmc_scale, day_length, start_up
        The method.
    first, last
        Days written.
    days, forecast_days
        How many, and how many of them are forecast.
    known
        Days left out because the state held them.
    rows, used, set_aside
        Of a table: rows it has, days that were used, rows set aside. Of a grid:
        cell-days, those with whole weather, and numbers set aside.
    refused
        Rows set aside, with line, day and reason.
    bad
        Numbers of a grid set aside, by reason.
    gaps
        First and last day of each run of days without weather; codes are carried.
    missed
        Days without weather in all (of a grid, days it does not have).
    restarts
        Days at which the codes began again.
    class_limits
        FWI between the local classes, rising.
    notes
        What looks odd, and what was decided on the way.
    out, files
        The file written, and all of them.
    """

    place: str
    latitude: tuple[float, ...]
    ffmc_scale: float
    day_length: str
    start_up: dict[str, float]
    first: str
    last: str
    days: int
    forecast_days: int
    known: int
    rows: int = 0
    used: int = 0
    set_aside: int = 0
    refused: tuple[Refused, ...] = ()
    bad: dict[str, int] = field(default_factory=dict)
    gaps: tuple[tuple[str, str], ...] = ()
    missed: int = 0
    restarts: tuple[str, ...] = ()
    class_limits: tuple[float, ...] = ()
    notes: tuple[str, ...] = ()
    out: str = ""
    files: tuple[str, ...] = ()

    def plain(self) -> dict[str, object]:
        """As plain values, for JSON."""
        return asdict(self)


def write_fire_weather(request: FireWeatherRequest) -> FireWeatherReport:
    """Compute the fire weather of a file.

    Raises
    ------
    ConfigurationError
        A latitude is missing, a unit is not known, or the state is of another place.
    DataError
        The weather is damaged or unusable.
    NoInputError
        The state holds all days already.
    """
    if request.weather.suffix.casefold() in _GRIDS or request.weather.is_dir():
        return _write_grid(request)
    return _write_station(request)


def _write_station(request: FireWeatherRequest) -> FireWeatherReport:
    _check_out(request, ".csv")
    series = read_station(
        request.weather, mapping=request.mapping, station=request.station
    )
    series = _flag_forecast(series, request.forecast_from)
    notes = list(series.notes)
    latitude = _resolve_latitude(series, request, notes)
    place = f"station {series.station.id}"
    codes = _load(request, place, int(series.days[0]), ())
    run = _run(request, series, codes, latitude)
    classes = None if request.climate is None else read_classes(request.climate)
    columns = write_table(request.out, run, extended=request.extended, classes=classes)
    report = _report(request, run, place=series.station.id, latitude=(latitude,))
    report = replace(
        report,
        rows=series.rows,
        used=len(series.days),
        set_aside=len(series.refused),
        refused=series.refused,
        gaps=tuple((a.isoformat(), b.isoformat()) for a, b in series.gaps),
        missed=sum((b - a).days + 1 for a, b in series.gaps),
        class_limits=() if classes is None else tuple(classes.limits.tolist()),
        notes=tuple(notes),
    )
    metadata = write_metadata(request.out, columns, _describe(report))
    return _finish(request, run, replace(report, files=(str(metadata),)), place)


def _write_grid(request: FireWeatherRequest) -> FireWeatherReport:
    _check_out(request, ".nc")
    weather = read_gridded(
        request.weather,
        source=request.source,
        utc_offset=request.utc_offset,
        forecast_from=request.forecast_from,
    )
    degrees = weather.cell_latitude()
    first = next(iter(weather))
    place = f"grid {'x'.join(map(str, first.shape))} {_edges(weather)}"
    codes = _load(request, place, first.day, first.shape)
    run = _run(request, weather, codes, degrees)
    notes = list(weather.notes)
    if request.latitude is not None:
        notes.append("the grid's own latitudes are used, not the one given")
    report = _report(request, run, place=weather.source, latitude=_edges(weather))
    whole = [~np.isnan(day.indices.isi) for day in run.days]
    report = replace(
        report,
        rows=len(run.days) * first.temperature.size,
        used=int(sum(part.sum() for part in whole)),
        set_aside=sum(weather.refused.values()),
        bad=weather.refused,
        missed=run.days[-1].weather.day - run.days[0].weather.day + 1 - len(run.days),
        notes=tuple(notes),
    )
    about = {k: json.dumps(v) if isinstance(v, dict) else v
             for k, v in _describe(report).items()}  # fmt: skip
    write_grid(request.out, run, weather, about)
    return _finish(request, run, report, place)


def _check_out(request: FireWeatherRequest, suffix: str) -> None:
    if request.out.suffix.casefold() != suffix:
        raise ConfigurationError(
            request.out, f"is no name of a {suffix} file", f"end it in {suffix}"
        )
    if request.out.exists() and request.out.samefile(request.weather):
        raise ConfigurationError(request.out, "is the weather itself", "name another")


def _flag_forecast(series: StationSeries, first: date | None) -> StationSeries:
    if first is None:
        return series
    return series.patch(forecast=series.forecast | (series.days >= epoch_day(first)))


def _resolve_latitude(
    series: StationSeries, request: FireWeatherRequest, notes: list[str]
) -> float:
    own, asked = series.station.latitude, request.latitude
    if asked is None and own is None:
        raise ConfigurationError(
            request.weather, "does not say its latitude", "give --lat, degrees north"
        )
    if asked is None:
        return float(own or 0.0)
    if own is not None and abs(own - asked) > _SAME_PLACE:
        notes.append(f"the table says latitude {own:g}; {asked:g} is used, as asked")
    return asked


def _edges(weather: GriddedWeather) -> tuple[float, float]:
    return float(weather.latitude.min()), float(weather.latitude.max())


def _load(
    request: FireWeatherRequest, place: str, first: int, shape: tuple[int, ...]
) -> Codes:
    """Codes kept, or new ones of the day before the first."""
    kept = None
    if request.state is not None:
        kept = load_codes(request.state, place=place, method=request.method)
    if kept is not None:
        return kept
    return Codes.start(
        shape, day=first - 1, start_up=request.start_up, method=request.method
    )


def _run(
    request: FireWeatherRequest,
    weather: StationSeries | GriddedWeather,
    codes: Codes,
    latitude: float | NDArray[np.float64],
) -> Run:
    return run_days(
        weather,
        codes,
        latitude=latitude,
        start_up=request.start_up,
        restart_after=request.restart_after,
        threads=request.threads,
    )


def _report(
    request: FireWeatherRequest, run: Run, *, place: str, latitude: tuple[float, ...]
) -> FireWeatherReport:
    """Fill in what stations and grids have in common."""
    return FireWeatherReport(
        place=place,
        latitude=latitude,
        ffmc_scale=request.method.scale,
        day_length=request.method.day_length,
        start_up=asdict(request.start_up),
        first=run.days[0].weather.date.isoformat(),
        last=run.days[-1].weather.date.isoformat(),
        days=len(run.days),
        forecast_days=sum(day.weather.forecast for day in run.days),
        known=run.known,
        restarts=tuple(_iso(day) for day in run.restarts),
        out=str(request.out),
    )


def _iso(day: int) -> str:
    return (EPOCH + timedelta(days=day)).isoformat()


def _describe(report: FireWeatherReport) -> dict[str, object]:
    """Say what a file of results must say of itself."""
    return {
        "place": report.place,
        "latitude": list(report.latitude),
        "method": "Canadian Fire Weather Index System, Van Wagner 1987",
        "ffmc_scale": report.ffmc_scale,
        "day_length": report.day_length,
        "start_up": report.start_up,
        "gaps": json.dumps(report.gaps),
        "rows_set_aside": report.set_aside,
    } | ({"class_limits": list(report.class_limits)} if report.class_limits else {})


def _finish(
    request: FireWeatherRequest, run: Run, report: FireWeatherReport, place: str
) -> FireWeatherReport:
    """Keep the codes, last of all: a run that failed is run again as it was."""
    files = [str(request.out), *report.files]
    if request.state is not None:
        save_codes(request.state, run.codes, place=place)
        files.append(str(request.state))
    return replace(report, files=tuple(files))
