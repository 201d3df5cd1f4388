"""Simulated passes: which days, under which sky, and what goes wrong."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from agroforest.testing.covers import BANDS
from agroforest.testing.fields import Floats, generator
from agroforest.testing.landscape import LATITUDE, Landscape
from agroforest.testing.products import (
    FINE,
    REVISIT_DAYS,
    Delivered,
    Product,
    write_product,
)
from agroforest.testing.sky import Sky, build_sky, classify, halve

# How far the noise of a pixel reaches, as for Sentinel-2 L2A over forest.
_NOISE_FLOOR, _NOISE_SHARE = 0.0012, 0.008


@dataclass(frozen=True, kw_only=True, slots=True)
class Troubles:
    """What goes wrong with simulated deliveries; each can be switched off."""

    clouds: bool = True
    """Cloudy Guangxi; off, every scene is clear."""
    strips: bool = True
    """Every ninth pass comes as two granules, north and south."""
    reprocessed: bool = True
    """One scene is also there in an older baseline with wrong pixels."""
    missing: bool = True
    """Some passes were never delivered."""
    truncated: bool = True
    """One clear scene has a file that was cut off."""
    damaged: bool = True
    """One clear scene has a file whole in length but spoilt inside."""


def pass_days(start: date, end: date) -> list[date]:
    """Every fifth day back from the last one."""
    count = (end - start).days // REVISIT_DAYS
    return [end - timedelta(REVISIT_DAYS * n) for n in range(count, -1, -1)]


def write_scenes(
    landscape: Landscape,
    folder: Path,
    *,
    start: date,
    end: date,
    troubles: Troubles | None = None,
) -> Iterator[Delivered]:
    """Write every pass from `start` to `end`, one product folder after the other.

    Parameters
    ----------
    landscape
        The ground.
    folder
        Products become folders in it.
    start, end
        First and last day.
    troubles
        What goes wrong; everything, unless given.

    Yields
    ------
    Delivered
        As each product is written.
    """
    troubles = troubles or Troubles()
    spoilt = _spoilt_days(landscape, start, end, troubles)
    for day in pass_days(start, end):
        lot = generator(landscape.seed, 50, day.toordinal()).random()
        if troubles.missing and lot < 0.06 and day not in spoilt and day != end:
            continue
        sky = build_sky(
            seed=landscape.seed,
            day=day,
            shape=landscape.cover.shape,
            latitude=LATITUDE,
            clouds=troubles.clouds,
        )
        measured, scl = _measure(landscape, sky, day)
        for product in _products(day, spoilt.get(day, ""), troubles, scl.shape[0]):
            yield write_product(landscape.district.grid, folder, product, measured, scl)


def _spoilt_days(
    landscape: Landscape, start: date, end: date, troubles: Troubles
) -> Mapping[date, str]:
    """Clear passes late in the series on which one thing each goes wrong."""
    kinds = ("damaged", "truncated", "reprocessed")
    wanted = [name for name in kinds if getattr(troubles, name)]
    late = [d for d in pass_days(start, end) if (end - d).days < 190]
    clear = []
    for day in late:
        sky = build_sky(
            seed=landscape.seed,
            day=day,
            shape=landscape.cover.shape,
            latitude=LATITUDE,
            clouds=troubles.clouds,
        )
        if sky.opacity.mean() < 0.2:
            clear.append(day)
    # one each, well apart, never the newest
    places = np.linspace(0.2, 0.85, len(wanted)) * max(len(clear) - 1, 0)
    return {
        clear[round(p)]: name for p, name in zip(places, wanted, strict=True) if clear
    }


def _products(
    day: date, trouble: str, troubles: Troubles, rows: int
) -> Iterator[Product]:
    if trouble == "reprocessed":
        yield Product(
            day=day, baseline="05.10", hours=3, shift=0.06, trouble="reprocessed"
        )
        yield Product(day=day, hours=72)
    elif troubles.strips and not trouble and day.toordinal() // REVISIT_DAYS % 9 == 4:
        cut = round(rows * 0.58)
        yield Product(day=day, south=cut + 2, trouble="strip")
        yield Product(day=day, north=cut - 2, seconds=24, trouble="strip")
    else:
        yield Product(day=day, trouble=trouble)


def _measure(
    landscape: Landscape, sky: Sky, day: date
) -> tuple[dict[str, Floats], NDArray[np.uint8]]:
    """Measure each band, and classify."""
    shape = landscape.cover.shape
    half = (shape[0] // 2, shape[1] // 2)
    rng = generator(landscape.seed, 51, day.toordinal())
    if sky.overcast:
        level = sky.cover(np.zeros((len(BANDS), 1, 1), dtype=np.float32))
        flat = {
            band: np.full(shape if band in FINE else half, level[n].mean())
            for n, band in enumerate(BANDS)
        }
        return flat, np.full(half, 9, dtype=np.uint8)
    ground = _blur(landscape.reflectance(day), rng)
    scl = classify(sky, halve(ground), seed=landscape.seed, day=day)
    seen = sky.cover(ground)
    measured = {}
    for n, band in enumerate(BANDS):
        values = seen[n] if band in FINE else halve(seen[n])
        noise = rng.standard_normal(values.shape, dtype=np.float32)
        measured[band] = values + noise * (_NOISE_FLOOR + _NOISE_SHARE * values)
    return measured, scl


def _blur(spectra: Floats, rng: np.random.Generator) -> Floats:
    """Neighbours mix: the optics, and a registration error of up to 0.3 pixels."""
    dy, dx = np.clip(rng.normal(0.0, 0.12, 2), -0.3, 0.3)
    for axis, offset in ((-2, dy), (-1, dx)):
        before, after = 0.13 - offset / 2, 0.13 + offset / 2
        padding = [(0, 0)] * 3
        padding[axis] = (1, 1)
        wide = np.pad(spectra, padding, mode="edge")
        count = spectra.shape[axis]
        left = wide.take(range(count), axis=axis)
        right = wide.take(range(2, count + 2), axis=axis)
        spectra = before * left + (1.0 - before - after) * spectra + after * right
    return spectra.astype(np.float32)


def without(troubles: Troubles, *names: str) -> Troubles:
    """Copy with some troubles switched off."""
    return replace(troubles, **dict.fromkeys(names, False))
