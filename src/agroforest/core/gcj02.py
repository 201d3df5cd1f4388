"""GCJ-02, the shifted coordinates of Chinese web maps, to WGS 84 and back.

Maps sold or shown to the public in China are moved by 300 to 700 m in a way that
changes from place to place. The state has not published the formula; this is the one
that leaked in 2009 and that every open implementation uses (``wgtochina``,
"eviltransform"), which reproduces AMap and Tencent to about a metre.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

_Degrees = NDArray[np.float64]

# Krasovsky 1940, which the formula uses whatever the ellipsoid of its input.
_AXIS = 6_378_245.0  # metres
_ECCENTRICITY2 = 0.006_693_421_622_965_943
# Coordinates outside this rectangle are not shifted.
_WEST, _EAST = 72.004, 137.8347
_SOUTH, _NORTH = 0.8293, 55.8271
# Each pass divides what is left by some thousands; three reach a millimetre.
_PASSES = 5


def to_gcj02(longitude: ArrayLike, latitude: ArrayLike) -> tuple[_Degrees, _Degrees]:
    """Shift WGS 84 coordinates as Chinese web maps do.

    Parameters
    ----------
    longitude, latitude
        Degrees, WGS 84; arrays of one shape.

    Returns
    -------
    longitude, latitude : ndarray of float64
        Degrees, GCJ-02; unchanged outside the rectangle of the formula.
    """
    lon = np.asarray(longitude, dtype=np.float64)
    lat = np.asarray(latitude, dtype=np.float64)
    inside = (lon >= _WEST) & (lon <= _EAST) & (lat >= _SOUTH) & (lat <= _NORTH)
    x, y = lon - 105.0, lat - 35.0
    sine = np.sin(np.radians(lat))
    squeeze = 1.0 - _ECCENTRICITY2 * sine * sine
    prime = _AXIS / np.sqrt(squeeze)  # radius of curvature, prime vertical
    meridian = _AXIS * (1.0 - _ECCENTRICITY2) / squeeze**1.5
    east = np.degrees(_east_metres(x, y) / (prime * np.cos(np.radians(lat))))
    north = np.degrees(_north_metres(x, y) / meridian)
    return np.where(inside, lon + east, lon), np.where(inside, lat + north, lat)


def from_gcj02(longitude: ArrayLike, latitude: ArrayLike) -> tuple[_Degrees, _Degrees]:
    """Undo `to_gcj02`, to better than a millimetre.

    Parameters
    ----------
    longitude, latitude
        Degrees, GCJ-02; arrays of one shape.

    Returns
    -------
    longitude, latitude : ndarray of float64
        Degrees, WGS 84.
    """
    aimed_lon = np.asarray(longitude, dtype=np.float64)
    aimed_lat = np.asarray(latitude, dtype=np.float64)
    lon, lat = aimed_lon, aimed_lat
    for _ in range(_PASSES):
        shifted_lon, shifted_lat = to_gcj02(lon, lat)
        lon, lat = lon + aimed_lon - shifted_lon, lat + aimed_lat - shifted_lat
    return lon, lat


def _ripple(value: _Degrees) -> _Degrees:
    """Return the term that both directions share, metres."""
    short, long = np.sin(6.0 * np.pi * value), np.sin(2.0 * np.pi * value)
    return (20.0 * short + 20.0 * long) * 2.0 / 3.0


def _wave(value: _Degrees, amplitudes: tuple[float, ...]) -> _Degrees:
    """Sum sines of 2, 6, 24 and 60 degrees' length, metres."""
    halves = (1.0, 3.0, 12.0, 30.0)
    waves = (
        a * np.sin(value / h * np.pi) for a, h in zip(amplitudes, halves, strict=True)
    )
    return sum(waves, np.zeros_like(value)) * 2.0 / 3.0


def _east_metres(x: _Degrees, y: _Degrees) -> _Degrees:
    bend = 300.0 + x + 2.0 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * np.sqrt(np.abs(x))
    return bend + _ripple(x) + _wave(x, (20.0, 40.0, 150.0, 300.0))


def _north_metres(x: _Degrees, y: _Degrees) -> _Degrees:
    bend = -100.0 + 2.0 * x + 3.0 * y + 0.2 * y * y + 0.1 * x * y
    bend = bend + 0.2 * np.sqrt(np.abs(x))
    return bend + _ripple(x) + _wave(y, (20.0, 40.0, 160.0, 320.0))
