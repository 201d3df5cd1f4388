"""A network of stations brought to a tile's grid.

Temperature, vapour pressure and wind are weighted by the inverse square of the
distance (Shepard 1968). Where a terrain model is given, temperature is first brought
to sea level with the lapse rate of the standard atmosphere, and back to each pixel's
height; humidity then follows from the vapour pressure at the pixel's temperature, so
it is not copied from the valley to the ridge. Rain is that of the nearest station
(Thiessen 1911), for the same reason as in `regrid`.

This is simple on purpose. It knows nothing of valleys that fill with cold air, of
windward slopes or of inversions, and says nothing beyond `REACH_KM` of any station.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from pyproj import Transformer

from agroforest.core.errors import ConfigurationError, DataError
from agroforest.core.grid import WGS84, Grid
from agroforest.core.weather import Field, NoonWeather, find_saturation
from agroforest.weather.record import Station, StationSeries

#: °C a metre (ISO 2533).
LAPSE = 0.0065
#: Kilometres from a station within which it speaks for a pixel. Arbitrary.
REACH_KM = 100.0
# Nearer stations count as this near, in metres: a pixel at a station takes its numbers.
_NEAREST = 1.0


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Network:
    """Stations around a grid.

    Attributes
    ----------
    grid
        The pixels.
    series
        Weather of the stations.
    x, y
        ``(station,)`` metres in the grid's system.
    terrain
        ``(y, x)`` float64 metres above the sea, NaN where it is not known; or
        ``None``.
    """

    grid: Grid
    series: tuple[StationSeries, ...]
    x: NDArray[np.float64] = field(repr=False)
    y: NDArray[np.float64] = field(repr=False)
    terrain: Field | None = field(repr=False)

    def bring(self, day: int) -> NoonWeather:
        """Weather of a day on the grid.

        Parameters
        ----------
        day
            Days since 1970-01-01.

        Returns
        -------
        NoonWeather
            ``(y, x)``, NaN where no station within reach has that day, or the
            terrain is not known; a forecast if any of the stations' numbers is.
        """
        at = [series.find(day) for series in self.series]
        there = [n for n, place in enumerate(at) if place is not None]
        picked = [(self.series[n], at[n] or 0) for n in there]
        celsius = np.array([s.temperature[i] for s, i in picked])
        humidity = np.array([s.humidity[i] for s, i in picked])
        vapour = humidity / 100.0 * find_saturation(celsius)
        if self.terrain is not None:
            height = [s.station.elevation or 0.0 for s, _ in picked]
            celsius = celsius + LAPSE * np.array(height)
        wind = np.array([s.wind[i] for s, i in picked])
        smooth = np.stack([celsius, vapour, wind]) if there else np.empty((3, 0))
        rain = np.array([s.rain[i] for s, i in picked])
        (temperature, pressure, speed), nearest = self._weigh(there, smooth, rain)
        if self.terrain is not None:
            temperature = temperature - LAPSE * self.terrain
        relative = 100.0 * pressure / find_saturation(temperature)
        return NoonWeather(
            day=day,
            temperature=temperature,
            humidity=np.minimum(relative, 100.0),
            wind=speed,
            rain=nearest,
            forecast=any(bool(s.forecast[i]) for s, i in picked),
        )

    def _weigh(
        self, there: Sequence[int], smooth: Field, rain: Field
    ) -> tuple[Field, Field]:
        """``(3, y, x)`` weighted means, and ``(y, x)`` of the nearest station."""
        xx, yy = self.grid.x_centres()[None, :], self.grid.y_centres()[:, None]
        total = np.zeros((len(smooth), *self.grid.shape))
        weight = np.zeros(self.grid.shape)
        least = np.full(self.grid.shape, (REACH_KM * 1000.0) ** 2)
        nearest = np.full(self.grid.shape, np.nan)
        for n, station in enumerate(there):
            square = (xx - self.x[station]) ** 2 + (yy - self.y[station]) ** 2
            within = square <= (REACH_KM * 1000.0) ** 2
            share = np.where(within, 1.0 / np.maximum(square, _NEAREST**2), 0.0)
            total += share * smooth[:, n, None, None]
            weight += share
            closer = within & (square <= least)
            nearest = np.where(closer, rain[n], nearest)
            least = np.where(closer, square, least)
        weight[weight == 0] = np.nan
        return total / weight, nearest


def build_network(
    series: Sequence[StationSeries], grid: Grid, *, terrain: Field | None = None
) -> Network:
    """Place stations around a grid.

    Parameters
    ----------
    series
        One a station, each with longitude and latitude.
    grid
        In metres.
    terrain
        ``(y, x)`` metres above the sea; every station then needs its elevation.

    Raises
    ------
    ConfigurationError
        If a station's place, or its elevation beside a terrain model, is not given.
    DataError
        If there is no station, or the terrain has another shape.
    """
    if not series:
        raise DataError("weather stations", "there is none", "give at least one")
    if terrain is not None and terrain.shape != grid.shape:
        raise DataError(
            "terrain",
            f"has the shape {terrain.shape}, the grid {grid.shape}",
            "bring it to the grid",
        )
    places = [_find_place(s.station, terrain is not None) for s in series]
    transformer = Transformer.from_crs(WGS84, grid.crs, always_xy=True)
    x, y = transformer.transform(*np.array(places).T)
    return Network(
        grid=grid, series=tuple(series), x=np.array(x), y=np.array(y), terrain=terrain
    )


def _find_place(station: Station, with_terrain: bool) -> tuple[float, float]:
    if station.longitude is None or station.latitude is None:
        raise ConfigurationError(
            f"station {station.id}",
            "has no longitude and latitude",
            "give them in the mapping, [station]",
        )
    if with_terrain and station.elevation is None:
        raise ConfigurationError(
            f"station {station.id}",
            "has no elevation, which a terrain model needs",
            "give it in the mapping, [station] elevation",
        )
    return station.longitude, station.latitude
