"""The simulated soil under the probes: a bucket of two layers, and its warmth."""

import math
from collections.abc import Sequence
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]

STEP_HOURS = 3
#: Of the simulated red loam, m3/m3.
FIELD_CAPACITY = 0.31
WILTING_POINT = 0.11
SATURATION = 0.45
_LAYER_MM = (200.0, 300.0)  # thickness of the two layers
_WATER_USE_MM = 3.0  # of a moist field on a September day, arbitrary
_LOCAL_HOURS = 8  # ahead of UTC


def soil_moisture(
    rain: Values, times: Sequence[datetime], *, thirst: float
) -> tuple[Values, Values]:
    """Two layers: rain fills, roots take, what field capacity cannot hold drains.

    Parameters
    ----------
    rain
        ``(time,)`` float64, millimetres in each step.
    times
        UTC, every `STEP_HOURS`.
    thirst
        Water use relative to cane.

    Returns
    -------
    upper, lower
        ``(time,)`` float64, m3/m3, 0-20 and 20-50 cm.
    """
    state = [0.27, 0.28]
    layers = np.empty((2, len(rain)))
    for n, (millimetres, moment) in enumerate(zip(rain, times, strict=True)):
        state[0] += min(millimetres, 45.0) / _LAYER_MM[0]
        daylight = max(
            0.0, math.sin(math.pi * ((moment.hour + _LOCAL_HOURS) % 24 - 6) / 12)
        )
        use = _WATER_USE_MM * thirst * daylight * math.pi * STEP_HOURS / 24
        for layer, share in enumerate((0.62, 0.38)):
            wet = (state[layer] - WILTING_POINT) / (FIELD_CAPACITY - WILTING_POINT)
            drawn = use * share * min(1.0, max(0.0, wet) ** 1.6) / _LAYER_MM[layer]
            state[layer] -= drawn
            surplus = max(0.0, state[layer] - FIELD_CAPACITY)
            drained = surplus * (1.0 - math.exp(-STEP_HOURS / 14.0))
            state[layer] = min(SATURATION, state[layer] - drained)
            if layer == 0:
                state[1] += drained * _LAYER_MM[0] / _LAYER_MM[1]
        layers[:, n] = state
    return layers[0], layers[1]


def soil_temperature(times: Sequence[datetime], rng: np.random.Generator) -> Values:
    """Soil temperature at 10 cm: the year, the day, and fronts that pass.

    Parameters
    ----------
    times
        UTC, every `STEP_HOURS`.
    rng
        Makes the fronts.

    Returns
    -------
    ndarray
        ``(time,)`` float64, degrees Celsius.
    """
    day = np.array([t.timetuple().tm_yday + t.hour / 24 for t in times])
    hour = np.array([(t.hour + _LOCAL_HOURS) % 24 for t in times])
    yearly = 23.5 + 6.5 * np.cos(2 * np.pi * (day - 208) / 365.25)
    daily = 2.2 * np.cos(2 * np.pi * (hour - 17) / 24)
    fronts = np.cumsum(rng.normal(0.0, 0.25, len(day)))
    fronts -= np.convolve(fronts, np.ones(81) / 81, mode="same")
    return yearly + daily + np.clip(fronts, -4, 4) + rng.normal(0.0, 0.08, len(day))
