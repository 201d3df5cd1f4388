"""Gridded weather brought to a tile's grid.

Temperature, humidity and wind vary smoothly and are interpolated bilinearly, among
the valid ones of the four cells around a place, where the cell at the place itself is
valid. Rain is that of the cell at the place: for a grid much finer than the source
this is first-order conservative remapping (Jones 1999, Monthly Weather Review 127,
2204-2210), whereas interpolation spreads drizzle around every wet cell and lowers the
showers, and the codes have thresholds at 0.5, 1.5 and 2.8 mm.
"""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from pyproj import Transformer

from agroforest.core.errors import DataError
from agroforest.core.grid import WGS84, Grid
from agroforest.core.weather import Field, NoonWeather
from agroforest.weather.record import GriddedWeather

# Coordinates are rounded when files are written. Share of a cell.
_SLACK = 0.01


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Placement:
    """Where the pixels of a grid lie among the cells of a source.

    Attributes
    ----------
    grid
        The pixels.
    latitude
        ``(y, x)`` degrees north of each pixel.
    row, column
        ``(y, x)`` float64: place among the source's cells, their centres at whole
        numbers, north or south first as the source has them; NaN outside.
    shape
        Rows and columns of the source.
    """

    grid: Grid
    latitude: NDArray[np.float64] = field(repr=False)
    row: NDArray[np.float64] = field(repr=False)
    column: NDArray[np.float64] = field(repr=False)
    shape: tuple[int, int]

    def bring(self, weather: NoonWeather) -> NoonWeather:
        """Weather of one day on the grid; NaN outside the source and where missing."""
        if weather.shape != self.shape:
            raise DataError(
                f"weather of {weather.date}",
                f"has the shape {weather.shape}, expected {self.shape}",
                "place the source that it comes from",
            )
        return NoonWeather(
            day=weather.day,
            temperature=self._interpolate(weather.temperature),
            humidity=self._interpolate(weather.humidity),
            wind=self._interpolate(weather.wind),
            rain=self._take(weather.rain),
            forecast=weather.forecast,
        )

    def _take(self, values: Field) -> Field:
        inside = ~np.isnan(self.row)
        out = np.full(self.row.shape, np.nan)
        row = np.rint(self.row[inside]).astype(np.intp)
        column = np.rint(self.column[inside]).astype(np.intp)
        out[inside] = values[row, column]
        return out

    def _interpolate(self, values: Field) -> Field:
        rows, columns = self.shape
        own = self._take(values)
        inside = ~np.isnan(own)
        if not inside.any():
            return own
        row = np.clip(self.row[inside], 0, rows - 1)
        column = np.clip(self.column[inside], 0, columns - 1)
        top, left = np.floor(row).astype(np.intp), np.floor(column).astype(np.intp)
        down, right = row - top, column - left
        total, weight = np.zeros(row.shape), np.zeros(row.shape)
        for below in (0, 1):
            for after in (0, 1):
                share = (down if below else 1 - down) * (right if after else 1 - right)
                found = values[
                    np.minimum(top + below, rows - 1),
                    np.minimum(left + after, columns - 1),
                ]
                known = ~np.isnan(found)
                total += np.where(known, share * found, 0.0)
                weight += np.where(known, share, 0.0)
        # The cell at the place itself has weight; rounding leaves no bounds.
        own[inside] = np.clip(total / weight, np.nanmin(values), np.nanmax(values))
        return own


def find_degrees(grid: Grid) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Longitude and latitude of each pixel's centre, ``(y, x)`` WGS84 degrees."""
    transformer = Transformer.from_crs(grid.crs, WGS84, always_xy=True)
    xx, yy = np.meshgrid(grid.x_centres(), grid.y_centres())
    longitude, latitude = transformer.transform(xx, yy)
    return np.asarray(longitude, np.float64), np.asarray(latitude, np.float64)


def place(weather: GriddedWeather, grid: Grid) -> Placement:
    """Find where the pixels of a grid lie in a source.

    Raises
    ------
    DataError
        If the source is no grid of rows and columns, or the grid lies outside it.
    """
    if not weather.is_grid or 1 in {len(weather.latitude), len(weather.longitude)}:
        raise DataError(
            weather.source,
            "is no grid of at least two rows and columns",
            "fetch a larger area",
        )
    longitude, latitude = find_degrees(grid)
    # Degrees from the source's first column stand the date line.
    start = weather.longitude[0]
    columns = _around(weather.longitude - start)
    row = _locate(weather.latitude, latitude)
    column = _locate(columns, _around(longitude - start))
    outside = np.isnan(row) | np.isnan(column)
    if outside.all():
        raise DataError(
            weather.source, f"does not cover the grid {grid.bounds}", "fetch its area"
        )
    row, column = (np.where(outside, np.nan, a) for a in (row, column))
    shape = (len(weather.latitude), len(weather.longitude))
    return Placement(
        grid=grid,
        latitude=latitude,
        row=row,
        column=column,
        shape=shape,
    )


def _around(degrees: NDArray[np.float64]) -> NDArray[np.float64]:
    """Degrees east of a meridian, -180 up to 180."""
    return np.asarray((degrees + 180.0) % 360.0 - 180.0, dtype=np.float64)


def _locate(
    centres: NDArray[np.float64], values: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Place among cells, NaN more than half a cell outside the outer centres."""
    numbers = np.arange(len(centres), dtype=np.float64)
    falling = centres[0] > centres[-1]
    rising = centres[::-1] if falling else centres
    if (np.diff(rising) <= 0).any():
        raise DataError("weather", "has coordinates in disorder", "sort them")
    # one more centre on each side, so that the outer half cells are inside
    first, last = 2 * rising[0] - rising[1], 2 * rising[-1] - rising[-2]
    wider = np.concatenate([[first], rising, [last]])
    found = np.interp(values, wider, np.arange(-1.0, len(centres) + 1.0))
    most = numbers[-1] + 0.5 + _SLACK
    found = np.where((found < -0.5 - _SLACK) | (found > most), np.nan, found)
    found = np.clip(found, -0.5 + 1e-9, numbers[-1] + 0.5 - 1e-9)
    return numbers[-1] - found if falling else found
