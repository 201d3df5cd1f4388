"""What networks and trees see of a yearly Landsat series.

Both see the series with its gaps filled, and neither sees where they were: where
the archive had no image says something about the year of an event and nothing
about its cause.
"""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

#: Numbers a year, in the order of `by_year`.
FEATURES = (
    *(f"log B{band}" for band in (1, 2, 3, 4, 5, 7)),
    *(f"log B{band} - its median" for band in (1, 2, 3, 4, 5, 7)),
    *(f"log B{band} - the year before" for band in (1, 2, 3, 4, 5, 7)),
    "NBR",
    "NDVI",
    "NDMI",
    "step",
)

_BLUE, _GREEN, _RED, _NIR, _SWIR1, _SWIR2 = range(6)
# Reflectance below which a band is noise; keeps logarithms and ratios over water
# finite.
_FLOOR, _OFFSET = 0.001, 0.005
# Tasselled cap of TM reflectance factors, Crist (1985), *Remote Sensing of
# Environment* 17, 301-306, table 1: brightness, greenness, wetness.
_TASSELLED = np.array(
    [
        [0.2043, 0.4158, 0.5524, 0.5741, 0.3124, 0.2303],
        [-0.1603, -0.2819, -0.4934, 0.7940, -0.0002, -0.1446],
        [0.0315, 0.2021, 0.3102, 0.1594, -0.6806, -0.6109],
    ],
    np.float32,
)


def fill_gaps(values: Floats) -> Floats:
    """Fill missing years linearly from the years around them.

    Parameters
    ----------
    values
        ``(n, step, band)``, NaN where missing.

    Returns
    -------
    ndarray
        The same; before the first and after the last year seen, that year's value.
        NaN where a band was never seen.
    """
    filled = values.copy()
    for row, band in np.argwhere(np.isnan(values).any(axis=1)):
        there = np.flatnonzero(~np.isnan(values[row, :, band]))
        if there.size:
            filled[row, :, band] = np.interp(
                np.arange(values.shape[1]), there, values[row, there, band]
            )
    return filled


def by_year(values: Floats) -> Floats:
    """Numbers a year for a network, ``(n, step, feature)``; see `FEATURES`.

    Parameters
    ----------
    values
        ``(n, step, band)`` reflectance, NaN where missing.
    """
    bands = fill_gaps(values)
    level = np.log(np.maximum(bands, _FLOOR) + _OFFSET)
    step = np.linspace(-1, 1, bands.shape[1], dtype=np.float32)
    return np.concatenate(
        [
            level,
            level - np.median(level, axis=1, keepdims=True),
            np.diff(level, axis=1, prepend=level[:, :1]),
            _indices(bands),
            np.broadcast_to(step[None, :, None], (*bands.shape[:2], 1)),
        ],
        axis=2,
    ).astype(np.float32)


def by_series(values: Floats) -> Floats:
    """Numbers a series for trees, ``(n, column)``.

    Every band and index in every year; of each its order statistics, spread and
    largest rise and fall with their years; and its level before and after the
    strongest fall of NBR, how far it went at once, and how it recovered.

    Parameters
    ----------
    values
        ``(n, step, band)`` reflectance, NaN where missing.
    """
    bands = fill_gaps(values)
    indices, cap = _indices(bands), bands @ _TASSELLED.T
    curves = np.concatenate([indices, cap[..., ::-1], bands], axis=2)
    columns = [
        bands.reshape(len(bands), -1),
        indices.transpose(0, 2, 1).reshape(len(bands), -1),
        cap[..., 2],
        _shape(curves),
        _around_the_break(curves),
    ]
    return np.concatenate(columns, axis=1).astype(np.float32)


def _indices(bands: Floats) -> Floats:
    """NBR, NDVI and NDMI, ``(n, step, 3)``, within -1..1."""
    pairs = ((_NIR, _SWIR2), (_NIR, _RED), (_NIR, _SWIR1))
    found = [
        (bands[..., a] - bands[..., b])
        / np.maximum(bands[..., a] + bands[..., b], 10 * _FLOOR)
        for a, b in pairs
    ]
    return np.stack(found, axis=-1).clip(-1, 1)


def _shape(curves: Floats) -> Floats:
    """Twelve numbers of each curve, ``(n, 12 * curve)``."""
    ordered = np.sort(curves, axis=1)
    change = np.diff(curves, axis=1)
    numbers = [
        *(ordered[:, rank] for rank in (0, 2, 5, 7, 9)),
        curves.std(axis=1),
        curves[:, -3:].mean(axis=1) - curves[:, :3].mean(axis=1),
        change.min(axis=1),
        change.max(axis=1),
        change.argmin(axis=1),
        change.argmax(axis=1),
        np.abs(change).mean(axis=1),
    ]
    return np.concatenate(numbers, axis=1)


def _around_the_break(curves: Floats) -> Floats:
    """Year and size of the strongest fall of NBR, and each curve around it."""
    nbr, steps = curves[..., 0], curves.shape[1]
    falls = [
        nbr[:, k : k + 2].mean(axis=1) - nbr[:, max(0, k - 2) : k].mean(axis=1)
        for k in range(1, steps)
    ]
    fall = np.stack(falls, axis=1)
    at = fall.argmin(axis=1) + 1
    row = np.arange(len(curves))
    before = np.arange(steps) < at[:, None]
    early = (curves * before[..., None]).sum(axis=1) / at[:, None]
    late = (curves * ~before[..., None]).sum(axis=1) / (steps - at)[:, None]
    event, last = curves[row, at], curves[row, at - 1]
    after = curves[row, np.minimum(at + 1, steps - 1)]
    numbers = [
        np.stack([at, fall.min(axis=1)], axis=1),
        early,
        late,
        late - early,
        event - last,
        event - early,
        after - event,
        curves[:, -1] - event,
    ]
    return np.concatenate(numbers, axis=1)
