"""What lies between canopy and number: dates, sun, clouds, haze, noise."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from agroforest.indices.season import BANDS, YEAR_DAYS
from agroforest.risk.simulate.events import Floats

# Share of a haze of 1 that each band sees: falls with wavelength.
_HAZE = np.array([0.030, 0.022, 0.015, 0.006, 0.002, 0.001], dtype=np.float32)
# A cloud's edge or a veil that the mask missed, and a snow-covered crown.
_CLOUD = np.array([0.55, 0.55, 0.56, 0.60, 0.42, 0.33], dtype=np.float32)
_SNOW = np.array([0.70, 0.70, 0.68, 0.60, 0.08, 0.07], dtype=np.float32)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Sky:
    """The acquisitions over a forest.

    Attributes
    ----------
    day
        ``(scenes,)`` int32 epoch days, rising.
    clear
        ``(scenes, n)`` bool.
    angles
        ``(scenes, 3)`` float32: sun zenith, view zenith, relative azimuth.
    snowy
        ``(scenes,)`` bool: a day on which snow may lie.
    """

    day: NDArray[np.int32]
    clear: NDArray[np.bool_]
    angles: Floats
    snowy: NDArray[np.bool_]


def draw_sky(
    rng: np.random.Generator, n: int, start: int, stop: int, south: float
) -> Sky:
    """Draw when a forest of `n` pixels is seen, between two epoch days."""
    early, late = rng.choice([(10, 5), (5, 5), (5, 5), (10, 10), (8, 8), (5, 2)])
    change = rng.integers(start, stop)
    day = np.concatenate(
        [np.arange(start, change, early), np.arange(change, stop, late)]
    )
    keep = rng.random(day.size) > rng.uniform(0, 0.3)  # missed or refused scenes
    day = day[keep].astype(np.int32)
    doy = np.asarray((day + south) % YEAR_DAYS)
    clear_share = rng.uniform(0.12, 0.5)
    seasonal = rng.uniform(0, 0.6) * np.cos(
        2 * np.pi * (doy - rng.uniform(0, YEAR_DAYS)) / YEAR_DAYS
    )
    mean = (clear_share * (1 + seasonal)).clip(0.03, 0.9)
    part = rng.beta(0.6 * mean, 0.6 * (1 - mean))
    latitude = rng.uniform(20, 52)
    sun = _sun_zenith(doy, latitude).clip(15, 65)
    orbit = rng.integers(0, 2, day.size)
    view = np.where(orbit == 0, rng.uniform(2, 10), rng.uniform(2, 10))
    azimuth = np.where(orbit == 0, rng.uniform(0, 180), rng.uniform(0, 180))
    return Sky(
        day=day,
        clear=rng.random((day.size, n)) < part[:, None],
        angles=np.stack([sun, view, azimuth], axis=1).astype(np.float32),
        snowy=(np.cos(2 * np.pi * (doy - 15) / YEAR_DAYS) > 0.5) & (latitude > 35),
    )


def observe(
    rng: np.random.Generator,
    sky: Sky,
    truth: Floats,
    beside: Floats,
    scene: NDArray[np.intp],
    pixel: NDArray[np.intp],
) -> Floats:
    """Turn true reflectance into what a product holds.

    Parameters
    ----------
    rng
        Source of chance.
    sky
        The acquisitions.
    truth, beside
        ``(m, 6)`` reflectance of the pixel and of what lies next to it.
    scene, pixel
        ``(m,)``: of each observation.

    Returns
    -------
    ndarray
        ``(m, 6)`` float32 reflectance.
    """
    scenes, n = sky.day.size, int(sky.clear.shape[1])
    bands = len(BANDS)
    # A scene's registration moves every pixel the same way; how much it matters
    # depends on the pixel's edges.
    moved = rng.normal(0, 1, scenes)[scene]
    edge = rng.exponential(rng.uniform(0.01, 0.08), n).clip(0, 0.4)[pixel]
    value = truth + (moved * edge)[:, None].clip(-0.5, 0.5) * (beside - truth)
    value = value * rng.normal(1, 0.02, (scenes, bands))[scene]
    haze = rng.exponential(rng.uniform(0.1, 0.6), scenes)[scene]
    haze = haze * rng.normal(1, 0.25, scene.size)
    value = value + haze[:, None] * _HAZE * (1 - value)
    value = value + rng.normal(0, 0.002, (scenes, bands))[scene]
    value = _spoil(rng, sky, value, scene)
    # Noise: some of it common to all bands (illumination), some of each band.
    common = rng.normal(0, rng.uniform(0.01, 0.05), scene.size)[:, None]
    own = rng.normal(0, rng.uniform(0.008, 0.03), value.shape)
    floor = rng.normal(0, rng.uniform(0.0008, 0.003), value.shape)
    return np.maximum(value * (1 + common + own) + floor, 0.0001).astype(np.float32)


def _spoil(
    rng: np.random.Generator, sky: Sky, value: Floats, scene: NDArray[np.intp]
) -> Floats:
    """Add what the mask missed: veils, shadows and snow, in parts of some scenes."""
    scenes = sky.day.size
    spoiled = np.where(rng.random(scenes) < 0.12, rng.uniform(0.05, 0.5, scenes), 0.015)
    hit = rng.random(scene.size) < spoiled[scene]
    which = rng.random(scenes)[scene]
    veil = hit & (which < 0.45)
    shadow = hit & (which >= 0.45) & (which < 0.85)
    snow = hit & (which >= 0.85) & sky.snowy[scene]
    much = rng.beta(1.2, 4, scene.size)[:, None]
    value = np.where(veil[:, None], value + much * 0.6 * (_CLOUD - value), value)
    value = np.where(shadow[:, None], value * (1 - 0.8 * much), value)
    return np.where(snow[:, None], value + much * (_SNOW - value), value)


def _sun_zenith(doy: NDArray[np.floating], latitude: float) -> NDArray[np.floating]:
    """Sun zenith at 10:30 local solar time, degrees."""
    declination = np.radians(-23.44) * np.cos(2 * np.pi * (doy + 10) / YEAR_DAYS)
    hour = np.radians(-22.5)
    lat = np.radians(latitude)
    cosine = np.sin(lat) * np.sin(declination) + np.cos(lat) * np.cos(
        declination
    ) * np.cos(hour)
    return np.asarray(np.degrees(np.arccos(cosine.clip(-1, 1))))
