"""Stands: the leaf and canopy parameters of every pixel through the years."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from agroforest.indices.season import YEAR_DAYS
from agroforest.risk.simulate.events import (
    Events,
    Floats,
    Kind,
    progress,
    removal,
)
from agroforest.risk.simulate.spectra import PARAMETERS

_AT = {name: i for i, name in enumerate(PARAMETERS)}
#: Calendar years a forest may span.
YEARS = 9
_LOWEST = np.array(
    [1.2, 2, 1, 0, 0.001, 0.002, 0.05, 30, 0.01, 15, 0, 0, 0.3, 0], dtype=np.float32
)
_HIGHEST = np.array(
    [2.2, 80, 16, 1.5, 0.05, 0.02, 7.5, 70, 0.4, 65, 12, 180, 1.3, 1], dtype=np.float32
)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Stand:
    """Fixed traits of ``n`` pixels and the weather they share.

    Attributes
    ----------
    traits
        ``(n, 14)`` float32: summer parameters of the tree canopy, in the order
        of `PARAMETERS` (sun and view are filled in by date).
    evergreen
        ``(n,)`` bool.
    cover
        ``(n,)`` share of the pixel under trees; the rest is ground vegetation.
    spring, autumn
        ``(n,)`` day of year of leaf-out and leaf fall.
    shift
        ``(years,)`` days by which a year's spring and autumn are late.
    vigour
        ``(years, n)`` leaf area relative to the usual.
    growth
        ``(n,)`` share of leaf area added a year.
    drought
        ``(years,)`` 0 none .. 1 worst.
    drought_from, drought_to
        ``(years,)`` day of year.
    thirst
        ``(n,)`` how strongly a pixel feels a drought.
    swing
        ``(n,)`` seasonal amplitude of an evergreen canopy.
    shade
        ``(n,)`` darkening with a low sun: crowns' shadows and slope.
    light
        ``(n,)`` share of the canopy that is sunlit at a high sun.
    start
        Epoch day of 1 January of the first year.
    south
        Half a year's shift of the seasons, in days (0 in the north).
    """

    traits: Floats
    evergreen: NDArray[np.bool_]
    cover: Floats
    spring: Floats
    autumn: Floats
    shift: Floats
    vigour: Floats
    growth: Floats
    drought: Floats
    drought_from: Floats
    drought_to: Floats
    thirst: Floats
    swing: Floats
    shade: Floats
    light: Floats
    start: int
    south: float


def draw_stand(rng: np.random.Generator, n: int, start: int) -> Stand:
    """Draw a forest of `n` pixels: one dominant type, stands that vary."""
    mostly_evergreen = rng.choice([0.0, 0.3, 0.7, 0.97, 1.0])
    base, within = _draw_species(rng)
    traits = base + within * rng.standard_normal((n, len(PARAMETERS)))
    young = rng.random() < 0.3
    spring, length = rng.uniform(70, 140), rng.uniform(150, 230)
    dry = rng.random(YEARS) < 0.4
    dry_from = rng.uniform(120, 220, YEARS)
    return Stand(
        traits=traits.clip(_LOWEST, _HIGHEST).astype(np.float32),
        evergreen=rng.random(n) < mostly_evergreen,
        cover=rng.beta(8, rng.uniform(0.5, 3), n).astype(np.float32),
        spring=rng.normal(spring, 4, n).astype(np.float32),
        autumn=rng.normal(spring + length, 6, n).astype(np.float32),
        shift=rng.normal(0, 7, YEARS).astype(np.float32),
        vigour=rng.normal(1, rng.uniform(0.01, 0.06), (YEARS, n)).astype(np.float32),
        growth=(rng.uniform(0, 0.15) * rng.random(n) * young).astype(np.float32),
        drought=(dry * rng.uniform(0.2, 1, YEARS)).astype(np.float32),
        drought_from=dry_from.astype(np.float32),
        drought_to=(dry_from + rng.uniform(40, 140, YEARS)).astype(np.float32),
        thirst=rng.lognormal(-0.1, rng.uniform(0.1, 0.6), n).astype(np.float32),
        swing=(rng.uniform(0, 1.2) * rng.uniform(0.6, 1.4, n)).astype(np.float32),
        shade=(rng.uniform(0, 0.5) * rng.uniform(0.4, 1.6, n)).astype(np.float32),
        light=rng.beta(5, rng.uniform(1, 4), n).clip(0.35, 1).astype(np.float32),
        start=start,
        south=YEAR_DAYS / 2 if rng.random() < 0.15 else 0.0,
    )


def _draw_species(rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Typical summer canopy of a forest, and how its stands differ from it."""
    chlorophyll = rng.uniform(30, 65)
    low = [1.3, 0, 0, 0.0, 0.010, 0.004, 2.5, 40, 0.02, 0, 0, 0, 0.4, 0.2]
    high = [2.1, 0, 0, 0.35, 0.030, 0.016, 6.5, 65, 0.30, 0, 0, 0, 1.2, 0.7]
    base = rng.uniform(low, high)
    base[_AT["chlorophyll"]] = chlorophyll
    base[_AT["carotenoids"]] = chlorophyll / rng.uniform(4, 6)
    within = [0.05, 4, 0.7, 0.04, 0.0015, 0.0008, 0.5, 2, 0.02, 0, 0, 0, 0.08, 0.06]
    return base.astype(np.float32), np.array(within, dtype=np.float32)


def trees(stand: Stand, pixel: NDArray[np.intp], day: Floats, sky: Floats) -> Floats:
    """Parameters of undisturbed tree canopy.

    Parameters
    ----------
    stand
        The forest.
    pixel, day
        ``(m,)``: which pixel, and when.
    sky
        ``(m, 3)``: sun zenith, view zenith, relative azimuth in degrees.

    Returns
    -------
    ndarray
        ``(m, 14)`` float32.
    """
    p = stand.traits[pixel].copy()
    p[:, 9:12] = sky
    year, doy = _calendar(stand, day)
    late = stand.shift[year]
    leaf, ageing = _leaf_season(stand, pixel, doy - late)
    wave = np.cos(2 * np.pi * (doy - late - 200) / YEAR_DAYS) * stand.swing[pixel]
    evergreen = stand.evergreen[pixel]
    lai = p[:, 6] * stand.vigour[year, pixel]
    lai *= 1 + stand.growth[pixel] * (day - stand.start) / YEAR_DAYS
    p[:, 6] = lai * np.where(evergreen, 1 + 0.08 * wave, 0.08 + 0.92 * leaf)
    p[:, 1] *= np.where(evergreen, 1 + 0.12 * wave, 1 - 0.75 * ageing)
    p[:, 3] += np.where(evergreen, 0.05 * (1 - wave) * stand.swing[pixel], ageing)
    p[:, 4] *= np.where(evergreen, 1 + 0.06 * wave, 1 - 0.4 * ageing)
    dry = _drought(stand, year, doy) * stand.thirst[pixel]
    p[:, 4] *= np.exp(-0.30 * dry)
    p[:, 6] *= np.exp(-0.20 * dry)
    p[:, 1] *= np.exp(-0.12 * dry)
    p[:, 3] += 0.10 * dry
    p[:, 13] += 0.25 * np.cos(2 * np.pi * (doy - 15) / YEAR_DAYS) - 0.3 * dry
    return p.clip(_LOWEST, _HIGHEST)


def ground(stand: Stand, pixel: NDArray[np.intp], day: Floats, sky: Floats) -> Floats:
    """Parameters of the ground vegetation: grass and shrubs on the same soil."""
    p = stand.traits[pixel].copy()
    p[:, 9:12] = sky
    year, doy = _calendar(stand, day)
    green = 0.5 + 0.5 * np.cos(2 * np.pi * (doy - stand.shift[year] - 165) / YEAR_DAYS)
    dry = _drought(stand, year, doy)
    p[:, 0] = 1.6
    p[:, 1] = 15 + 25 * green - 10 * dry
    p[:, 3] = 0.5 - 0.4 * green + 0.5 * dry
    p[:, 4] = 0.008 + 0.008 * green
    p[:, 6] = 0.4 + 2.2 * green * np.exp(-0.7 * dry)
    p[:, 13] += 0.25 * np.cos(2 * np.pi * (doy - 15) / YEAR_DAYS) - 0.3 * dry
    return p.clip(_LOWEST, _HIGHEST)


def disturb(healthy: Floats, grass: Floats, event: Events, day: Floats) -> Floats:
    """Parameters of the affected part of the pixels.

    Parameters
    ----------
    healthy, grass
        ``(m, 14)``: what would stand there, and what grows on the ground.
    event, day
        ``(m,)`` each.
    """
    p = healthy.copy()
    going = progress(event, day)
    kind = event.kind
    fading = going * ((kind == Kind.DIEBACK) | (kind == Kind.FIRE))
    p[:, 1] *= 1 - 0.85 * fading
    p[:, 2] *= 1 - 0.5 * fading
    p[:, 3] += 1.1 * fading
    p[:, 4] *= 1 - 0.70 * fading
    p[:, 6] *= 1 - 0.55 * fading
    # Dead needles fall within a year or two of turning brown.
    grey = 1 - np.exp(-np.maximum(day - event.onset - 3 * event.fade, 0) / 300)
    p[:, 6] *= 1 - 0.7 * grey * (kind == Kind.DIEBACK) * (fading > 0.3)
    p[:, 6] *= 1 - 0.9 * going * (kind == Kind.DEFOLIATION)
    p[:, 6] *= 1 - 0.8 * going * (kind == Kind.FIRE)
    taken = removal(event, day)[:, None]
    back = 1 - np.exp(-np.maximum(day - event.removed, 0) / event.regrow)
    felled = grass.copy()
    felled[:, 6] = 0.05 + felled[:, 6] * back
    felled[:, 3] += event.slash * (1 - back)
    return ((1 - taken) * p + taken * felled).clip(_LOWEST, _HIGHEST)


def darken(stand: Stand, pixel: NDArray[np.intp], sun: Floats) -> Floats:
    """Share of the light that shadows between crowns and slopes leave, ``(m,)``."""
    low_sun = np.tan(np.radians(sun)) - np.tan(np.radians(25.0))
    return np.asarray(stand.light[pixel] * np.exp(-stand.shade[pixel] * low_sun))


def _calendar(stand: Stand, day: Floats) -> tuple[NDArray[np.intp], Floats]:
    elapsed = day - stand.start + stand.south
    year = (elapsed // YEAR_DAYS).astype(np.intp).clip(0, YEARS - 1)
    return year, (elapsed % YEAR_DAYS).astype(np.float32)


def _leaf_season(
    stand: Stand, pixel: NDArray[np.intp], doy: Floats
) -> tuple[Floats, Floats]:
    """Leaf area 0..1 and ageing 0..1 of a deciduous canopy (double logistic)."""
    up = _logistic((doy - stand.spring[pixel]) / 7)
    down = _logistic((stand.autumn[pixel] - doy) / 9)
    ageing = _logistic((doy - stand.autumn[pixel] + 20) / 8) * up
    return up * down, ageing


def _drought(stand: Stand, year: NDArray[np.intp], doy: Floats) -> Floats:
    begins = _logistic((doy - stand.drought_from[year]) / 12)
    ends = _logistic((stand.drought_to[year] - doy) / 12)
    return stand.drought[year] * begins * ends


def _logistic(x: Floats) -> Floats:
    return np.asarray(1 / (1 + np.exp(-x.clip(-30, 30))))
