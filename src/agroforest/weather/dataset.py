"""Gridded files opened: one time dimension, cells, variables by what they are."""

from collections.abc import Hashable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from agroforest.core.errors import ConfigurationError, DataError
from agroforest.core.weather import Field
from agroforest.weather.names import (
    LATITUDES,
    LONGITUDES,
    TIMES,
    find_names,
    find_standard,
)
from agroforest.weather.units import Quantity, is_rate, resolve_unit

_MOMENT = "moment"
_REFERENCES = ("forecast_reference_time", "reftime", "time")


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Gridded:
    """A file of weather, its values not read yet.

    Attributes
    ----------
    where
        The file.
    times
        ``(time,)`` datetime64[s], UTC, rising, each once.
    reference
        When a forecast began; ``None`` for anything else.
    dims
        Of the cells.
    latitude, longitude
        As in `GriddedWeather`.
    variables
        By what they are, dimensions ``("moment", *dims)``.
    """

    where: str
    times: NDArray[np.datetime64]
    reference: np.datetime64 | None
    dims: tuple[str, ...]
    latitude: NDArray[np.float64]
    longitude: NDArray[np.float64]
    variables: dict[Quantity, xr.DataArray] = field(repr=False)

    def read(self, quantity: Quantity, at: NDArray[np.intp] | None = None) -> Field:
        """Values in the unit kept, ``(time, …)``; at some times, or all."""
        variable = self.variables[quantity]
        unit = str(variable.attrs.get("units", ""))
        where = f"{self.where}: {variable.name}"
        rate = quantity is Quantity.RAIN and is_rate(unit)
        kind = Quantity.RAIN_RATE if rate else quantity
        factor, offset = resolve_unit(unit, kind, where=where)
        part = variable if at is None else variable.isel({_MOMENT: at})
        try:
            values = np.asarray(part.values, dtype=np.float64)
        except (OSError, RuntimeError, ValueError) as error:
            raise DataError(where, f"is damaged ({error})", "fetch it again") from error
        return values * factor + offset

    @property
    def rain_is_rate(self) -> bool:
        """True where rain is millimetres in a time rather than since a time."""
        return is_rate(str(self.variables[Quantity.RAIN].attrs.get("units", "")))


def open_gridded(path: Path) -> Gridded:
    """Open NetCDF or Zarr.

    Raises
    ------
    ConfigurationError
        If a variable that is needed is not there.
    DataError
        If the file is neither, or its dimensions are of another kind.
    """
    data = _norm_time(_open(path), path)
    times, reference = _find_times(data, path)
    order = np.argsort(times, kind="stable")
    if len(times) > 1 and (np.diff(times[order]) <= np.timedelta64(0, "s")).any():
        raise DataError(path, "has a time twice", "leave one of them out")
    data = data.isel({_MOMENT: order})
    variables = find_variables(data, path)
    first = next(iter(variables.values()))
    dims = tuple(str(d) for d in first.dims if d != _MOMENT)
    latitude, longitude = _find_places(data, dims, path)
    return Gridded(
        where=str(path),
        times=times[order],
        reference=reference,
        dims=dims,
        latitude=latitude,
        longitude=longitude,
        variables={n: v.transpose(_MOMENT, *dims) for n, v in variables.items()},
    )


def _open(path: Path) -> xr.Dataset:
    if not path.exists():
        raise DataError(path, "is not there", "give the path of a file")
    try:
        if path.is_dir():
            store: xr.Dataset = xr.open_zarr(path, chunks=None)
            return store
        return xr.open_dataset(path, engine="netcdf4", decode_timedelta=True)
    except (OSError, ValueError, KeyError, RuntimeError) as error:
        raise DataError(
            path,
            f"is neither NetCDF nor Zarr ({error})",
            "convert it, or fetch it again",
        ) from error


def _norm_time(data: xr.Dataset, path: Path) -> xr.Dataset:
    """Bring runs and steps, and versions of ERA5, to the one dimension ``moment``."""
    if "expver" in data.dims:  # ERA5 final and preliminary, one missing in each
        first, *rest = (
            data.isel(expver=i, drop=True) for i in range(data.sizes["expver"])
        )
        for other in rest:
            first = first.combine_first(other)
        data = first
    if {"time", "step"} <= set(data.dims):
        valid = data["time"] + data["step"]
        data = data.stack({_MOMENT: ("time", "step")})
        moments = valid.stack({_MOMENT: ("time", "step")}).values
        data = data.drop_vars([_MOMENT, "time", "step"])
        return data.assign_coords(valid_time=(_MOMENT, moments))
    if "step" in data.dims and "valid_time" in data.coords:
        return data.rename_dims(step=_MOMENT)
    for name in TIMES:
        if name in data.dims:
            return data.rename_dims({name: _MOMENT})
    raise DataError(
        path,
        f"has no dimension of time (there are {', '.join(map(str, data.dims))})",
        "name it time",
    )


def _find_times(
    data: xr.Dataset, path: Path
) -> tuple[NDArray[np.datetime64], np.datetime64 | None]:
    names = [n for n in ("valid_time", "time") if n in data.variables]
    along = [n for n in names if data[n].dims == (_MOMENT,)]
    if not along or not np.issubdtype(data[along[0]].dtype, np.datetime64):
        raise DataError(path, "has times without a calendar", "give CF time units")
    times: NDArray[np.datetime64] = data[along[0]].values.astype("datetime64[s]")
    for name in _REFERENCES:
        if name in data.variables and name != along[0] and data[name].ndim == 0:
            value = data[name].values
            if np.issubdtype(value.dtype, np.datetime64):
                return times, np.datetime64(value.astype("datetime64[s]").item(), "s")
    return times, None


def find_variables(data: xr.Dataset, path: Path) -> dict[Quantity, xr.DataArray]:
    """Variables by what they are: by short name, else by standard name.

    Raises
    ------
    ConfigurationError
        If one is missing, or two have the same standard name.
    DataError
        If one has other dimensions than time and one or two of cells.
    """
    arrays = {n: v for n, v in data.data_vars.items() if _MOMENT in v.dims}
    found = {}
    for quantity in Quantity:
        name = _find_variable(quantity, arrays, path)
        if name is not None:
            variable = arrays[name].squeeze(
                [
                    d
                    for d in arrays[name].dims
                    if d != _MOMENT
                    and arrays[name].sizes[d] == 1
                    and str(d) not in LATITUDES + LONGITUDES
                ],
                drop=True,
            )
            found[quantity] = variable
    found = _choose(found, arrays, path)
    dims = {frozenset(v.dims) for v in found.values()}
    if len(dims) != 1 or len(next(iter(dims))) not in {2, 3}:
        shown = ", ".join(f"{v.name}{v.dims}" for v in found.values())
        raise DataError(
            path, f"has variables of several kinds: {shown}", "give time and cells only"
        )
    return found


def _find_variable(
    quantity: Quantity, arrays: dict[Hashable, xr.DataArray], path: Path
) -> Hashable | None:
    by_name = {str(name).casefold(): name for name in arrays}
    for short in find_names(quantity):
        if short in by_name:
            return by_name[short]
    matching = [
        name
        for name, array in arrays.items()
        if find_standard(str(array.attrs.get("standard_name", ""))) is quantity
    ]
    if len(matching) > 1:
        raise ConfigurationError(
            path,
            f"has several variables of {quantity}: {', '.join(map(str, matching))}",
            "leave only the one 2 m (wind: 10 m) above ground",
        )
    return matching[0] if matching else None


# Any one of a line's groups, whole, will do.
_NEEDED: tuple[tuple[str, tuple[set[Quantity], ...]], ...] = (
    ("temperature", ({Quantity.TEMPERATURE},)),
    (
        "humidity, dewpoint, or specific humidity with pressure",
        (
            {Quantity.HUMIDITY},
            {Quantity.DEWPOINT},
            {Quantity.SPECIFIC_HUMIDITY, Quantity.PRESSURE},
        ),
    ),
    ("wind", ({Quantity.WIND}, {Quantity.WIND_EAST, Quantity.WIND_NORTH})),
    ("rain", ({Quantity.RAIN},)),
)


def _choose(
    found: dict[Quantity, xr.DataArray],
    arrays: dict[Hashable, xr.DataArray],
    path: Path,
) -> dict[Quantity, xr.DataArray]:
    """Leave only what is needed; the first whole group of each line."""
    chosen: dict[Quantity, xr.DataArray] = {}
    lost = []
    for words, groups in _NEEDED:
        whole = next((group for group in groups if group <= found.keys()), None)
        if whole is None:
            lost.append(words)
            continue
        chosen |= {quantity: found[quantity] for quantity in whole}
    if lost:
        raise ConfigurationError(
            path,
            f"has no {', no '.join(lost)} (there are {', '.join(map(str, arrays))})",
            "docs/fire.md lists the names that are known",
        )
    return chosen


def _find_places(
    data: xr.Dataset, dims: tuple[str, ...], path: Path
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    latitude = next((data[n] for n in LATITUDES if n in data.variables), None)
    longitude = next((data[n] for n in LONGITUDES if n in data.variables), None)
    expected = [(dims[0],), (dims[-1],)]
    if latitude is None or longitude is None:
        raise DataError(path, "has no latitude and longitude", "name them lat and lon")
    if [latitude.dims, longitude.dims] != expected:
        raise DataError(
            path,
            f"has latitude{latitude.dims} and longitude{longitude.dims}",
            "give rows of one latitude and columns of one longitude, or points",
        )
    degrees = np.asarray(latitude.values, np.float64)
    if not (np.abs(degrees) <= 90).all():
        raise DataError(path, "has latitudes beyond 90°", "give degrees north")
    east = (np.asarray(longitude.values, np.float64) + 180.0) % 360.0 - 180.0
    return degrees, east
