"""The seasonal model's regressors, and the numbers in which its state is kept."""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

#: Length of the mean Gregorian year in days.
YEAR_DAYS = 365.2425
#: Regressors: 1, sin wt, cos wt, sin 2wt, cos 2wt.
COEFFICIENTS = 5
#: Reflectance and CRSWIR are kept as int16 at this many steps a unit.
SCALE = 10_000
#: "Nothing known" in every int16 array of the baseline.
NODATA = -32768
#: Order of the observed bands and, after them, of the derived signals.
BANDS = ("B02", "B03", "B04", "B8A", "B11", "B12")
SIGNALS = (*BANDS, "CRSWIR")


def seasonal_basis(day: ArrayLike) -> NDArray[np.float64]:
    """Regressors of the seasonal model.

    Parameters
    ----------
    day
        Days since 1970-01-01, any shape.

    Returns
    -------
    ndarray
        float64, shape of `day` + ``(5,)``: 1, sin ωt, cos ωt, sin 2ωt, cos 2ωt
        with ω = 2π / 365.2425 (Zhu & Woodcock 2014, eq. 1, without trend).
    """
    angle = np.asarray(day, dtype=np.float64) * (2.0 * math.pi / YEAR_DAYS)
    return np.stack(
        [
            np.ones_like(angle),
            np.sin(angle),
            np.cos(angle),
            np.sin(2.0 * angle),
            np.cos(2.0 * angle),
        ],
        axis=-1,
    )


class Calendar(NamedTuple):
    """What the model needs to know of every day of a period, one row a day.

    A tuple, because kernels read it.

    Attributes
    ----------
    start
        Day of the first row.
    basis
        ``(days, 5)`` float64, regressors.
    offset
        ``(days, 7)`` float64, scene medians; 0 where no scene is known.
    """

    start: int
    basis: NDArray[np.float64]
    offset: NDArray[np.float64]

    @classmethod
    def over(
        cls,
        day: NDArray[np.int32],
        scene_day: NDArray[np.int32],
        scene_median: NDArray[np.floating],
    ) -> "Calendar":
        """Cover all days in `day` (0 is none) with the medians of some scenes."""
        start = int(np.min(day, where=day > 0, initial=np.iinfo(np.int32).max))
        stop = int(np.max(day, initial=0)) + 1
        if stop <= start:  # nothing observed at all
            start, stop = 0, 1
        offset = np.zeros((stop - start, len(SIGNALS)))
        inside = (scene_day >= start) & (scene_day < stop)
        offset[scene_day[inside] - start] = scene_median[inside]
        return cls(start, seasonal_basis(np.arange(start, stop)), offset)

    def median_of(self, day: NDArray[np.int32]) -> NDArray[np.float32]:
        """Return the scene medians of some days, as the state keeps them."""
        return self.offset[day - self.start].astype(np.float32)


def quantise(value: NDArray[np.floating]) -> NDArray[np.int16]:
    """Numbers as the state keeps them: x 10000, clipped, `NODATA` for NaN."""
    known = np.isfinite(value)
    number = np.rint(np.where(known, value, 0.0) * SCALE)
    limit = -NODATA - 1
    return np.where(known, number.clip(-limit, limit), NODATA).astype(np.int16)
