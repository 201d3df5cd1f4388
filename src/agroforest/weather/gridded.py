"""Gridded weather: noon and the rain of a day, from files of many makers.

Noon is 12 o'clock in the standard time of the place's own meridian, that is of the
file's middle longitude rounded to 15°: 05 UTC for Guangxi. A file of one time a day is
taken to hold noon values and the rain of the day that ends there.
"""

from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from agroforest.core.errors import DataError
from agroforest.core.weather import Field, find_saturation
from agroforest.weather.accumulation import (
    find_step,
    resolve_kind,
    split_sums,
    sum_day,
)
from agroforest.weather.checks import ROUNDING, find_bad_cells
from agroforest.weather.dataset import Gridded, open_gridded
from agroforest.weather.names import RainKind
from agroforest.weather.record import GriddedWeather
from agroforest.weather.units import HOURS_A_DAY, Quantity

#: Hours by which the nearest time of a file may miss noon.
_TOLERANCE = 1.5
#: Percent by which humidity made of packed numbers may exceed 100. Arbitrary.
_SUPERSATURATED = 3.0
# Molar mass of water over that of dry air.
_EPSILON = 0.622
_DEGREES_AN_HOUR = 15.0
_HOUR = np.timedelta64(3600, "s")


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class _Noons:
    """Where in a file the noons are."""

    days: NDArray[np.int64]
    at: NDArray[np.intp]
    notes: tuple[str, ...]
    daily: bool


def read_gridded(
    path: Path,
    *,
    source: str | None = None,
    utc_offset: float | None = None,
    forecast_from: date | None = None,
) -> GriddedWeather:
    """Read NetCDF or Zarr.

    Parameters
    ----------
    path
        The file, or the folder of a Zarr store. Variables are known by their names
        (ERA5, ERA5-Land, GFS, CMA, CF); units are read from their attributes.
    source
        Who made it, or how its rain is summed up (`RainKind`); needed for files of
        several times a day.
    utc_offset
        Hours from UTC of the time whose 12 o'clock is noon; by longitude unless given.
    forecast_from
        First day that had not happened; unless given, days after the file's own
        forecast reference time.

    Returns
    -------
    GriddedWeather
        Numbers that cannot be are NaN and counted.

    Raises
    ------
    ConfigurationError
        A variable or a unit is missing, or the source is.
    DataError
        The file is damaged or of another kind, or no number in it is usable.
    """
    data = open_gridded(path)
    noons = _find_noons(data, utc_offset)
    kind = resolve_kind(
        source, daily=noons.daily or data.rain_is_rate, where=data.where
    )
    fields = {
        "temperature": data.read(Quantity.TEMPERATURE, noons.at),
        "humidity": _read_humidity(data, noons.at),
        "wind": _read_wind(data, noons.at),
        "rain": _read_rain(data, noons, kind),
    }
    refused = {}
    for problem, bad in find_bad_cells(**fields).items():
        if count := int(bad.sum()):
            refused[problem] = count
            name = next(n for n in fields if n in problem)
            fields[name] = np.where(bad, np.nan, fields[name])
    known = np.logical_and.reduce([~np.isnan(f) for f in fields.values()])
    if not known.any():
        said = ", ".join(f"{p} ({n} times)" for p, n in refused.items())
        raise DataError(
            path, f"has no usable noon{': ' + said if said else ''}", "check its units"
        )
    return GriddedWeather(
        source=data.where,
        dims=data.dims,
        days=noons.days,
        latitude=data.latitude,
        longitude=data.longitude,
        **fields,
        forecast=_find_forecast(data, noons, forecast_from),
        refused=refused,
        notes=noons.notes,
    )


def _find_noons(data: Gridded, utc_offset: float | None) -> _Noons:
    date_of = data.times.astype("datetime64[D]")
    if len(np.unique(date_of)) == len(date_of):
        every = np.arange(len(date_of))
        return _Noons(days=date_of.astype(np.int64), at=every, notes=(), daily=True)
    offset = utc_offset
    if offset is None:
        radians = np.deg2rad(data.longitude)  # a mean that stands the date line
        middle = np.angle(np.exp(1j * radians).mean(), deg=True)
        offset = float(np.round(middle / _DEGREES_AN_HOUR))
    noon = round((12.0 - offset) * 3600)
    days: list[int] = []
    at: list[int] = []
    away = 0.0
    for day in np.unique(date_of):
        asked = day.astype("datetime64[s]") + np.timedelta64(noon, "s")
        nearest = int(np.argmin(np.abs(data.times - asked)))
        hours = abs(float((data.times[nearest] - asked) / _HOUR))
        if hours <= _TOLERANCE:
            days.append(int(day.astype(np.int64)))
            at.append(nearest)
            away = max(away, hours)
    if not days:
        raise DataError(
            data.where,
            f"has no time within {_TOLERANCE} h of noon, {noon / 3600:g} UTC",
            "fetch the hours around noon",
        )
    notes = [f"noon is {noon / 3600:g} UTC"]
    if away:
        notes.append(f"the nearest time of the file is {away:g} h from noon")
    return _Noons(
        days=np.array(days, np.int64),
        at=np.array(at, np.intp),
        notes=tuple(notes),
        daily=False,
    )


def _read_humidity(data: Gridded, at: NDArray[np.intp]) -> Field:
    """Relative humidity: as it is, or from dewpoint, or from specific humidity."""
    over = _SUPERSATURATED
    if Quantity.HUMIDITY in data.variables:
        relative, over = data.read(Quantity.HUMIDITY, at), ROUNDING
    else:
        vapour = _read_vapour(data, at)
        dry = find_saturation(data.read(Quantity.TEMPERATURE, at))
        relative = 100.0 * vapour / dry
    with np.errstate(invalid="ignore"):
        rounded = (relative > 100.0) & (relative <= 100.0 + over)
    return np.where(rounded, 100.0, relative)


def _read_vapour(data: Gridded, at: NDArray[np.intp]) -> Field:
    """Vapour pressure, kPa."""
    if Quantity.DEWPOINT in data.variables:
        return find_saturation(data.read(Quantity.DEWPOINT, at))
    share = data.read(Quantity.SPECIFIC_HUMIDITY, at)
    pressure = data.read(Quantity.PRESSURE, at)
    return share * pressure / (_EPSILON + (1.0 - _EPSILON) * share)


def _read_wind(data: Gridded, at: NDArray[np.intp]) -> Field:
    if Quantity.WIND in data.variables:
        return data.read(Quantity.WIND, at)
    east, north = (
        data.read(quantity, at)
        for quantity in (Quantity.WIND_EAST, Quantity.WIND_NORTH)
    )
    speed: Field = np.hypot(east, north)
    return speed


def _read_rain(data: Gridded, noons: _Noons, kind: RainKind) -> Field:
    """Millimetres in the day that ends at each noon."""
    rain = data.read(Quantity.RAIN)
    if data.rain_is_rate:
        hours = HOURS_A_DAY if noons.daily else find_step(data.times) / _HOUR
        rain = rain * hours
    else:
        rain = split_sums(
            rain, data.times, kind, where=data.where, start=data.reference
        )
    if noons.daily:
        return rain
    days = [
        sum_day(rain, data.times, end=data.times[i], hours=HOURS_A_DAY)
        for i in noons.at
    ]
    return np.stack(days)


def _find_forecast(
    data: Gridded, noons: _Noons, forecast_from: date | None
) -> NDArray[np.bool_]:
    if forecast_from is not None:
        first = np.datetime64(forecast_from, "D").astype(np.int64)
        return noons.days >= first
    if data.reference is None:
        return np.zeros(len(noons.days), dtype=np.bool_)
    return np.asarray(data.times[noons.at] > data.reference)
