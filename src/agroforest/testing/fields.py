"""Random fields that look like nature: correlated noise, hills, sunlight on them."""

import math
from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]


def generator(seed: int, *stream: int) -> np.random.Generator:
    """Independent generator for one purpose: same numbers give the same stream."""
    return np.random.default_rng((seed, *stream))


def smooth_noise(
    rng: np.random.Generator,
    shape: tuple[int, int],
    *,
    scale: float,
    slope: float = 3.0,
) -> Floats:
    """Make correlated Gaussian noise, mean 0 and variance 1.

    Parameters
    ----------
    rng
        Source of the white noise that is filtered.
    shape
        Rows and columns.
    scale
        Pixels beyond which values are nearly independent.
    slope
        Fall of the power spectrum beyond that scale; 2 is rough, 4 smooth.

    Returns
    -------
    ndarray
        ``(y, x)`` float32. The field is cut from one twice as large, so that
        opposite edges do not match.
    """
    whole = periodic_noise(rng, (2 * shape[0], 2 * shape[1]), scale=scale, slope=slope)
    field = whole[: shape[0], : shape[1]]
    return np.asarray((field - field.mean()) / field.std(), dtype=np.float32)


def periodic_noise(
    rng: np.random.Generator,
    shape: tuple[int, int],
    *,
    scale: float,
    slope: float = 3.0,
) -> Floats:
    """Make the same noise, but repeating: opposite edges match.

    Parameters
    ----------
    rng, shape, scale, slope
        As of `smooth_noise`.

    Returns
    -------
    ndarray
        ``(y, x)`` float32, mean 0 and variance 1.
    """
    rows, columns = shape
    white = rng.standard_normal((rows, columns), dtype=np.float32)
    fy = np.fft.fftfreq(rows)[:, None]
    fx = np.fft.rfftfreq(columns)[None, :]
    power = (1.0 + (scale * np.hypot(fy, fx) * 2.0 * math.pi) ** 2) ** (-slope / 2)
    power[0, 0] = 0.0
    field = np.fft.irfft2(np.fft.rfft2(white) * np.sqrt(power), s=(rows, columns))
    return np.asarray((field - field.mean()) / field.std(), dtype=np.float32)


@dataclass(frozen=True, kw_only=True, slots=True)
class Sun:
    """Where the sun stands.

    Attributes
    ----------
    zenith, azimuth
        Degrees; azimuth clockwise from north.
    """

    zenith: float
    azimuth: float


def sun_position(day: date, *, latitude: float, hours_from_noon: float = -0.95) -> Sun:
    """Sun at the overpass, about eleven o'clock by the sun.

    Notes
    -----
    Declination after Cooper (1969): 23.45° sin(360° (284 + n) / 365).
    """
    n = day.timetuple().tm_yday
    declination = math.radians(23.45) * math.sin(2 * math.pi * (284 + n) / 365)
    hour = math.radians(15.0 * hours_from_noon)
    phi = math.radians(latitude)
    height = math.sin(phi) * math.sin(declination)
    height += math.cos(phi) * math.cos(declination) * math.cos(hour)
    east = -math.cos(declination) * math.sin(hour)
    north = math.cos(phi) * math.sin(declination)
    north -= math.sin(phi) * math.cos(declination) * math.cos(hour)
    return Sun(
        zenith=math.degrees(math.acos(height)),
        azimuth=math.degrees(math.atan2(east, north)) % 360.0,
    )


def illumination(heights: Floats, *, resolution: float, sun: Sun) -> Floats:
    """Cosine of the angle between sun and ground, relative to flat ground.

    Parameters
    ----------
    heights
        ``(y, x)`` float32, metres; rows run south.
    resolution
        Pixel side in metres.
    sun
        Where the sun stands.

    Returns
    -------
    ndarray
        ``(y, x)`` float32; 1 on flat ground.
    """
    south, east = np.gradient(heights, resolution)
    zenith, azimuth = math.radians(sun.zenith), math.radians(sun.azimuth)
    toward_sun = east * math.sin(azimuth) - south * math.cos(azimuth)
    cosine = math.cos(zenith) - math.sin(zenith) * toward_sun
    cosine /= np.sqrt(1.0 + south**2 + east**2)
    light = np.clip(cosine / math.cos(zenith), 0.0, 2.0)
    return np.asarray(light, dtype=np.float32)
