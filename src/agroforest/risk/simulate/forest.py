"""A whole simulated forest: what is true of it, and what a satellite records."""

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from agroforest.core.grid import Grid
from agroforest.indices.season import BANDS, YEAR_DAYS
from agroforest.risk.simulate.canopy import darken, disturb, draw_stand, ground, trees
from agroforest.risk.simulate.events import Events, Kind, draw_events, label, progress
from agroforest.risk.simulate.sky import draw_sky, observe
from agroforest.risk.simulate.spectra import SPECTRUM, Emulator

#: Changes whenever the same seed gives another forest.
VERSION = "1"

_TAKEN = [SPECTRUM.index(band) for band in BANDS]
# Charred ground: dark, rising slowly towards the short-wave infrared.
_CHAR = np.array([0.025, 0.030, 0.035, 0.060, 0.110, 0.120], dtype=np.float32)
# Band sets of sensors and of archives that lack some.
_SENSORS = (
    (BANDS, 0.7),
    (("B04", "B8A", "B11", "B12"), 0.12),
    (("B03", "B04", "B8A", "B11", "B12"), 0.09),
    (("B02", "B03", "B04", "B8A", "B11"), 0.09),
)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Forest:
    """A simulated forest on a grid of one row.

    Attributes
    ----------
    grid
        ``1 x n`` pixels.
    day
        ``(scenes,)`` int32 epoch days, rising.
    bands
        ``(scenes, 6, 1, n)`` float32 reflectance, NaN where not clear or where
        the sensor has no such band.
    usable
        ``(scenes, 1, n)`` bool.
    label
        ``(scenes, n)`` int8: what each pixel was on that day.
    events
        What befell each pixel.
    history
        Epoch day of the last scene of the history.
    """

    grid: Grid
    day: NDArray[np.int32]
    bands: NDArray[np.float32]
    usable: NDArray[np.bool_]
    label: NDArray[np.int8]
    events: Events
    history: int


def build_forest(
    emulator: Emulator,
    seed: int,
    pixels: int = 160,
    *,
    bands: Collection[str] | None = None,
) -> Forest:
    """Simulate a forest from its seed.

    Parameters
    ----------
    emulator
        Gives spectra.
    seed
        The same seed gives the same forest.
    pixels
        How many.
    bands
        Those of `BANDS` that the satellite sees; the seed says unless given.

    Returns
    -------
    Forest
        With a history of one and a half to four years and one to two and a half
        years after it.
    """
    rng = np.random.default_rng([seed, 20_240_601])
    start = int(rng.integers(16_000, 19_700))
    history = start + int(rng.uniform(1.5, 4.0) * YEAR_DAYS)
    stop = history + int(rng.uniform(1.0, 2.5) * YEAR_DAYS)
    stand = draw_stand(rng, pixels, start)
    disturbed = rng.choice([0.0, 0.1, 0.25, 0.5], p=[0.15, 0.3, 0.35, 0.2])
    events = draw_events(rng, pixels, disturbed, history - 150, stop - 30)
    sky = draw_sky(rng, pixels, start, stop, stand.south)

    scene, pixel = np.nonzero(sky.clear)
    day = sky.day[scene].astype(np.float32)
    angles = sky.angles[scene]
    happened = events.take(pixel)
    healthy = trees(stand, pixel, day, angles)
    grass = ground(stand, pixel, day, angles)
    spoiled = disturb(healthy, grass, happened, day)
    dark = darken(stand, pixel, angles[:, 0])[:, None]

    def spectra(parameters: NDArray[np.float32]) -> NDArray[np.float32]:
        return emulator.reflectance(parameters)[:, _TAKEN]

    open_ground = spectra(grass)
    affected = spectra(spoiled)
    burned = _char_left(happened, day)
    affected += burned * (_CHAR - affected)
    standing = dark + (1 - dark) * _felled(happened, day)  # no crowns, no shadows
    share = happened.share[:, None]
    canopy = (1 - share) * dark * spectra(healthy) + share * standing * affected
    cover = stand.cover[pixel][:, None]
    truth = cover * canopy + (1 - cover) * open_ground
    seen = observe(rng, sky, truth, open_ground, scene, pixel)

    values = np.full((sky.day.size, len(BANDS), pixels), np.nan, dtype=np.float32)
    values[scene, :, pixel] = seen
    odds = np.array([odds for _, odds in _SENSORS])
    drawn = _SENSORS[rng.choice(len(_SENSORS), p=odds)][0]
    present = drawn if bands is None else bands
    values[:, [b not in present for b in BANDS]] = np.nan
    each = np.arange(pixels)
    called = [label(events.take(each), np.full(pixels, d, np.float32)) for d in sky.day]
    return Forest(
        grid=Grid(
            crs="EPSG:32649", left=0, top=10, resolution=10, width=pixels, height=1
        ),
        day=sky.day,
        bands=values[:, :, None],
        usable=sky.clear[:, None],
        label=np.array(called),
        events=events,
        history=history,
    )


def _felled(event: Events, day: NDArray[np.float32]) -> NDArray[np.float32]:
    return (day > event.removed).astype(np.float32)[:, None]


def _char_left(event: Events, day: NDArray[np.float32]) -> NDArray[np.float32]:
    """Share of burned ground that is still black; rain washes it off."""
    fading = np.exp(-np.maximum(day - event.onset, 0) / 120)
    burned = (event.kind == Kind.FIRE) * progress(event, day)
    return np.asarray(0.6 * burned * fading)[:, None]
