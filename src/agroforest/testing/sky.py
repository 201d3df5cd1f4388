"""Clouds, shadows and haze over the simulated ground, and the mask drawn of them."""

import math
from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import binary_dilation

from agroforest.testing.fields import (
    Floats,
    generator,
    periodic_noise,
    smooth_noise,
    sun_position,
)

# Chance of a clear, a broken and an overcast sky by month: cloudy southern China,
# clearest in autumn. Chosen so that about 35 % of the dates are usable.
_CLEAR = (0.28, 0.18, 0.14, 0.17, 0.22, 0.18, 0.30, 0.32, 0.40, 0.46, 0.44, 0.38)
_BROKEN = (0.16, 0.14, 0.14, 0.18, 0.22, 0.24, 0.28, 0.28, 0.24, 0.20, 0.18, 0.16)

# Reflectance of thick cloud in the order of covers.BANDS, as level 2A shows it.
_CLOUD = np.array([0.56, 0.54, 0.55, 0.56, 0.60, 0.60, 0.42, 0.33], dtype=np.float32)
# Haze left by the atmospheric correction, strongest in the blue.
_HAZE = np.array(
    [0.030, 0.023, 0.018, 0.014, 0.007, 0.006, 0.003, 0.002], dtype=np.float32
)
# What is left of the light under a cloud: more in the blue, which the sky sends.
_SHADOW = np.array([0.70, 0.58, 0.52, 0.48, 0.42, 0.42, 0.36, 0.36], dtype=np.float32)

CLOUD_HIGH, CLOUD_MEDIUM, CIRRUS, SHADOW, VEGETATION, BARE, WATER = 9, 8, 10, 3, 4, 5, 6
#: Classes the default mask takes as clear.
_CLEAR_CLASSES = (4, 5, 6, 7)


@dataclass(frozen=True, kw_only=True, slots=True)
class Sky:
    """The sky at one overpass.

    Attributes
    ----------
    opacity
        ``(y, x)`` float32, 0..1, share of the light that comes from cloud.
    shade
        ``(y, x)`` float32, 0..1, depth of cloud shadow.
    haze
        ``(y, x)`` float32, 0 or more, in units of a thin residual haze.
    thin
        True where the cloud is cirrus.
    gain
        Factor on the whole scene: what is left of viewing geometry and
        atmosphere.
    """

    opacity: Floats
    shade: Floats
    haze: Floats
    thin: bool
    gain: float

    @property
    def overcast(self) -> bool:
        """Nothing of the ground is to be seen."""
        return bool(self.opacity.min() > 0.98)

    def cover(self, reflectance: Floats) -> Floats:
        """Put the sky over the ground: ``(band, y, x)`` in, the same out."""
        dark = 1.0 - self.shade * (1.0 - _SHADOW[:, None, None])
        seen = reflectance * dark * self.gain + self.haze * _HAZE[:, None, None]
        return seen + self.opacity * (_CLOUD[:, None, None] * 0.95 - seen)


def weather_of_day(seed: int, day: date) -> str:
    """``clear``, ``broken`` or ``overcast``, by lot and month."""
    lot = generator(seed, 40, day.toordinal()).random()
    month = day.month - 1
    if lot < _CLEAR[month]:
        return "clear"
    return "broken" if lot < _CLEAR[month] + _BROKEN[month] else "overcast"


def build_sky(
    *, seed: int, day: date, shape: tuple[int, int], latitude: float, clouds: bool
) -> Sky:
    """Sky of a day.

    Parameters
    ----------
    seed
        Of the world.
    day
        Day of the overpass.
    shape
        Rows and columns of 10 m pixels.
    latitude
        Degrees, for the direction of the shadows.
    clouds
        False for a sky without clouds; haze and gain stay.
    """
    rng = generator(seed, 41, day.toordinal())
    kind = weather_of_day(seed, day) if clouds else "clear"
    gain = float(rng.normal(1.0, 0.018))
    thickness = 1.6 if rng.random() < 0.15 else 0.35
    veil = smooth_noise(rng, shape, scale=70.0, slope=4.0)
    haze = np.clip(thickness * (rng.random() + 0.25 * veil), 0.0, None)
    share = {"clear": rng.beta(0.35, 12.0), "broken": rng.uniform(0.12, 0.75)}.get(kind)
    thin = kind == "broken" and rng.random() < 0.2
    nothing = np.zeros(shape, dtype=np.float32)
    if not clouds or (share is not None and share < 0.004):
        opacity, shade = nothing, nothing
    elif share is None:
        opacity, shade = np.ones(shape, dtype=np.float32), nothing
    else:
        # a repeating sky twice as large: shadows come in from outside, too
        whole = _opacity(rng, shape, share=share, thin=thin)
        opacity = whole[: shape[0], : shape[1]]
        shade = nothing
        if not thin:
            thrown = _throw(rng, whole, day, latitude)[: shape[0], : shape[1]]
            shade = thrown * (1.0 - opacity)
    return Sky(
        opacity=opacity,
        shade=shade,
        haze=haze.astype(np.float32),
        thin=thin,
        gain=gain,
    )


def _opacity(
    rng: np.random.Generator, shape: tuple[int, int], *, share: float, thin: bool
) -> Floats:
    """Cumulus with ragged edges, or wide thin cirrus, over a share of the scene."""
    scale = 60.0 if thin else 26.0
    double = (2 * shape[0], 2 * shape[1])
    field = periodic_noise(rng, double, scale=scale, slope=3.4)
    field += 0.07 * periodic_noise(rng, double, scale=5.0, slope=3.0)
    above = field - np.quantile(field[: shape[0], : shape[1]], 1.0 - share)
    if thin:
        return np.asarray(0.34 * np.clip(above / 1.2, 0.0, 1.0), dtype=np.float32)
    opacity = 1.0 - np.exp(-np.clip(above, 0.0, None) / 0.16)
    return np.asarray(opacity, dtype=np.float32)


def _throw(
    rng: np.random.Generator, opacity: Floats, day: date, latitude: float
) -> Floats:
    """Throw the clouds' shadow away from the sun, by their height."""
    sun = sun_position(day, latitude=latitude)
    height = rng.uniform(500.0, 1100.0)
    away = height * math.tan(math.radians(sun.zenith)) / 10.0  # pixels
    azimuth = math.radians(sun.azimuth)
    rows, columns = away * math.cos(azimuth), -away * math.sin(azimuth)
    return np.roll(opacity, (round(rows), round(columns)), axis=(0, 1))


def classify(
    sky: Sky, reflectance: Floats, *, seed: int, day: date
) -> NDArray[np.uint8]:
    """Scene classification as a level-2A processor would draw it, with its errors.

    Thin edges of clouds are missed, some soft shadows too, and a little bright
    ground is called cloud.

    Parameters
    ----------
    sky
        The sky.
    reflectance
        ``(band, y, x)`` float32 of the ground, 20 m pixels.
    seed, day
        Of the world and the scene; decide the errors.

    Returns
    -------
    ndarray
        ``(y, x)`` uint8 at 20 m, SCL classes.
    """
    rng = generator(seed, 42, day.toordinal())
    opacity, shade = halve(sky.opacity), halve(sky.shade)
    doubt = 1.0 + 0.35 * smooth_noise(rng, opacity.shape, scale=5.0)
    blue, red, infrared = reflectance[0], reflectance[2], reflectance[5]
    total = np.maximum(infrared + red, 1e-3)
    ndvi = (infrared - red) / total
    scl = np.where(ndvi > 0.38, VEGETATION, BARE).astype(np.uint8)
    scl[(infrared < 0.07) & (blue > red)] = WATER
    scl[shade * doubt > 0.30] = SHADOW
    if sky.thin:
        scl[opacity * doubt > 0.07] = CIRRUS
        return scl
    scl[opacity * doubt > 0.18] = CLOUD_MEDIUM
    scl[opacity > 0.62] = CLOUD_HIGH
    return scl


def clear_after_mask(
    scl: NDArray[np.uint8], *, dilate_m: float = 40.0
) -> NDArray[np.bool_]:
    """Tell what the default mask leaves: clear classes, cloud and shadow grown.

    Parameters
    ----------
    scl
        ``(y, x)`` uint8 at 20 m; 0 is nodata.
    dilate_m
        Growth in metres.
    """
    bad = np.isin(scl, (CLOUD_HIGH, CLOUD_MEDIUM, CIRRUS, SHADOW))
    reach = round(dilate_m / 20.0)
    span = np.arange(-reach, reach + 1)
    disk = np.hypot(span[:, None], span[None, :]) <= reach
    clear = np.isin(scl, _CLEAR_CLASSES) & ~binary_dilation(bad, structure=disk)
    return np.asarray(clear, dtype=bool)


def halve(values: Floats) -> Floats:
    """Mean of 2 x 2 pixels, ``(…, y, x)`` to half the rows and columns."""
    *rest, rows, columns = values.shape
    blocks = values.reshape(*rest, rows // 2, 2, columns // 2, 2)
    return np.asarray(blocks.mean(axis=(-3, -1)), dtype=np.float32)
