"""Active fire in the short-wave infrared of Landsat and Sentinel-2: two votes of three.

A flame shines at 2.2 um more than at 1.6 and 0.86 um; hardly anything else on land
does by day. Three published rules judge each pixel, and two of them have to agree:

* Schroeder et al. 2016, Remote Sensing of Environment 185, 210-220;
* Murphy et al. 2016, Remote Sensing of Environment 177, 78-88;
* Kumar & Roy 2018, International Journal of Digital Earth 11, 154-178.

They were made for Landsat-8 by day and for reflectance at the top of the atmosphere
(level 1). Surface reflectance is refused: correction clips what shines and assumes
that all light comes from the sun. Equations and their numbers are those of the masks
of Pereira et al. 2021 (ISPRS Journal of Photogrammetry and Remote Sensing 178,
171-186); those of Schroeder were compared with two other implementations, those of
Murphy with one, those of Kumar & Roy with none, and none with the printed papers. The
tests over time of Schroeder and of Kumar & Roy need past images and are left out, so
hot roofs and furnaces remain. Sentinel-2 takes the bands of the same part of the
spectrum; its thresholds were never fitted. Neither sensor comes often enough for an
alarm.
"""

import math
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from agroforest.core.errors import DataError

Bands = NDArray[np.floating]
Flags = NDArray[np.bool_]

#: Rules that have to agree.
VOTES_NEEDED = 2
_WIDEST = 30  # pixels from the middle of the widest window, 61 x 61, to its edge
#: Pixels around one that may decide over it: the widest window, and what lies beside
#: it, since neighbours of a flame are no background.
MARGIN = _WIDEST + 1
_NARROWEST = 2  # of the narrowest of Kumar & Roy, 5 x 5
_KEPT_SHARE = 0.25  # of a window of Kumar & Roy that must be background
_SIGMAS = 3.0  # equations 4 and 5 of Schroeder, 8 and 9 of Kumar & Roy
_LEAST_RATIO = 0.8  # by which a ratio stands out at least, same equations
_LEAST_SWIR2 = 0.08  # and a reflectance
# A bright cloud reflects 1, and a saturated pixel not much more than 2 at low sun: if
# half of an image lies above, it holds counts, not fractions. Arbitrary.
_NO_FRACTION = 3.0


class Level(StrEnum):
    """What reflectance was measured at."""

    TOP_OF_ATMOSPHERE = "top of atmosphere"  #: Level 1: Sentinel-2 L1C, Landsat L1TP
    SURFACE = "surface"  #: Level 2: corrected for the atmosphere


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class DayImage:
    """Reflectance of one image by day, and what it is.

    Attributes
    ----------
    source
        Named in errors.
    level
        Only `Level.TOP_OF_ATMOSPHERE` is taken.
    sun_elevation
        Degrees above the horizon at the middle of the image, above 0.
    coastal, blue, green, red, nir, swir1, swir2
        ``(y, x)`` float, fractions corrected for the sun's elevation, NaN where nothing
        was measured: bands 1 to 7 of Landsat-8; B01, B02, B03, B04, B8A, B11, B12.
    saturated
        ``(y, x)`` bool: `swir1` or `swir2` is saturated; None where nobody knows.
    """

    source: str
    level: Level
    sun_elevation: float
    coastal: Bands = field(repr=False)
    blue: Bands = field(repr=False)
    green: Bands = field(repr=False)
    red: Bands = field(repr=False)
    nir: Bands = field(repr=False)
    swir1: Bands = field(repr=False)
    swir2: Bands = field(repr=False)
    saturated: Flags | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        """Refuse what the rules were not made for."""
        if self.level is not Level.TOP_OF_ATMOSPHERE:
            raise DataError(
                self.source,
                f"holds {self.level} reflectance; fire rules need that at the top of "
                "the atmosphere",
                "give the level-1 product (Sentinel-2 L1C, Landsat L1TP)",
            )
        if not 0.0 < self.sun_elevation <= 90.0:
            raise DataError(
                self.source,
                f"the sun is at {self.sun_elevation} degrees; fire rules are for day",
                "give an image taken by day, with its sun elevation in degrees",
            )
        shapes = {band.shape for band in self._all()}
        if len(shapes) != 1 or len(self.swir2.shape) != 2:
            raise DataError(
                self.source,
                f"bands have the shapes {sorted(shapes)}",
                "bring all bands onto one grid (y, x)",
            )
        known = self.swir2[np.isfinite(self.swir2)]
        if known.size and np.median(known) > _NO_FRACTION:
            raise DataError(
                self.source,
                f"reflectance of {np.median(known):g} is no fraction",
                "apply the scale and offset of the product first",
            )

    def _all(self) -> tuple[NDArray[np.generic], ...]:
        bands = (self.coastal, self.blue, self.green, self.red)
        infrared = (self.nir, self.swir1, self.swir2)
        flags = () if self.saturated is None else (self.saturated,)
        return (*bands, *infrared, *flags)

    @property
    def measured(self) -> Flags:
        """``(y, x)``: all bands hold a number, and `swir2` is above 0."""
        finite = [np.isfinite(b) for b in self._all() if b.dtype.kind == "f"]
        measured: Flags = np.logical_and.reduce(finite) & (self.swir2 > 0)
        return measured


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class FireVotes:
    """What the three rules say of each pixel.

    Attributes
    ----------
    schroeder, murphy, kumar_roy
        ``(y, x)`` bool: fire by that rule.
    judged
        ``(y, x)`` bool: the pixel could be judged; elsewhere all rules are False.
    """

    schroeder: Flags
    murphy: Flags
    kumar_roy: Flags
    judged: Flags

    @property
    def count(self) -> NDArray[np.uint8]:
        """``(y, x)`` uint8: how many rules say fire, 0 to 3."""
        rules = (self.schroeder, self.murphy, self.kumar_roy)
        count: NDArray[np.uint8] = np.sum(rules, axis=0, dtype=np.uint8)
        return count

    @property
    def fire(self) -> Flags:
        """``(y, x)`` bool: two rules or all three say fire."""
        return self.count >= VOTES_NEEDED


def find_active_fire(image: DayImage) -> FireVotes:
    """Let the three rules judge an image.

    Parameters
    ----------
    image
        Of any size; windows are cut at its edges, so give `MARGIN` pixels more on each
        side. Needs some 150 bytes a pixel where anything may burn: cut whole scenes up.

    Returns
    -------
    FireVotes
        A pixel in which a band is not known is not judged.
    """
    # Dark water divides by nearly nothing, and NaN is compared: both come out False.
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        return FireVotes(
            schroeder=_schroeder(image),
            murphy=_murphy(image),
            kumar_roy=_kumar_roy(image),
            judged=image.measured,
        )


def _schroeder(image: DayImage) -> Flags:
    """Schroeder et al. 2016, without the tests over time.

    Its thresholds are for reflectance that is not corrected for the sun's elevation, as
    Pereira et al. 2021 apply them.
    """
    sine = math.sin(math.radians(image.sun_elevation))
    r1, r2, r3, r4 = (
        b * sine for b in (image.coastal, image.blue, image.green, image.red)
    )
    r5, r6, r7 = (b * sine for b in (image.nir, image.swir1, image.swir2))
    ratio = _ratio(r7, r5)
    sure = (ratio > 2.5) & (r7 - r5 > 0.3) & (r7 > 0.5)  # eq. 1
    # eq. 2: Landsat-8 folds the counts of what is far too bright.
    sure |= (r6 > 0.8) & (r1 < 0.2) & ((r5 > 0.4) | (r7 < 0.1))
    water = (r4 > r5) & (r5 > r6) & (r6 > r7) & (r1 - r7 < 0.2)  # eq. 7
    water &= (r3 > r2) | ((r1 > r2) & (r2 > r3) & (r3 > r4))  # eq. 8 and 9
    maybe = (ratio > 1.8) & (r7 - r5 > 0.17)  # eq. 3
    maybe &= _ratio(r7, r6) > 1.6  # eq. 6
    maybe &= image.measured & ~sure
    kept = image.measured & ~sure & ~water
    y, x = np.nonzero(maybe)
    if len(y):
        stands_out = _Surroundings(ratio=ratio, swir2=r7, kept=kept)
        maybe[y, x] = stands_out.judge(y, x, reach=_WIDEST)[0]  # eq. 4 and 5
    fire: Flags = (sure | maybe) & ~water & image.measured
    return fire


def _murphy(image: DayImage) -> Flags:
    """Murphy et al. 2016, daytime."""
    r5, r6, r7 = image.nir, image.swir1, image.swir2
    sure = (_ratio(r7, r6) >= 1.4) & (_ratio(r7, r5) >= 1.4) & (r7 >= 0.15)  # eq. 2
    sure &= image.measured
    near = (_ratio(r6, r5) >= 2.0) & (r6 >= 0.5)  # eq. 3, beside a pixel of eq. 2
    if image.saturated is not None:
        near |= image.saturated
    fire: Flags = sure | (near & widen(sure) & image.measured)
    return fire


def _kumar_roy(image: DayImage) -> Flags:
    """Kumar & Roy 2018, without the tests over time."""
    r2, r3, r4 = image.blue, image.green, image.red
    r5, r6, r7 = image.nir, image.swir1, image.swir2
    sure = (r4 <= 0.53 * r7 - 0.214) & image.measured  # eq. 12
    sure |= (r4 <= 0.35 * r6 - 0.044) & widen(sure) & image.measured  # eq. 13
    maybe = (r4 <= 0.53 * r7 - 0.125) | (r6 <= 1.08 * r7 - 0.048)  # eq. 14, 15
    maybe &= image.measured & ~sure
    water = (r2 > r3) & (r3 > r4) & (r4 > r5)  # eq. 16
    kept = image.measured & ~sure & ~maybe & ~water
    y, x = np.nonzero(maybe)
    if len(y):
        stands_out = _Surroundings(ratio=_ratio(r7, r5), swir2=r7, kept=kept)
        maybe[y, x] = _in_growing_windows(stands_out, y, x)
    fire: Flags = (sure | maybe) & ~water
    return fire


def _in_growing_windows(
    around: "_Surroundings", y: NDArray[np.intp], x: NDArray[np.intp]
) -> Flags:
    """Judge each pixel in the narrowest window of which a quarter is background.

    Kumar & Roy 2018, equations 8 and 9; without such a window it is no fire.
    """
    hot = np.zeros(len(y), dtype=bool)
    open_ = np.arange(len(y))
    for reach in range(_NARROWEST, _WIDEST + 1):
        found, share = around.judge(y[open_], x[open_], reach=reach)
        enough = share >= _KEPT_SHARE
        hot[open_[enough]] = found[enough]
        open_ = open_[~enough]
    return hot


class _Surroundings:
    """Mean and spread of what does not burn, in windows of any size.

    Sums over a window come from four corners of cumulative sums, so that an image full
    of candidates takes no longer than one with few.
    """

    def __init__(self, *, ratio: Bands, swir2: Bands, kept: Flags) -> None:
        kept = kept & np.isfinite(ratio) & np.isfinite(swir2)
        self._values = (ratio, swir2)
        self._count = _accumulate(kept.astype(np.float64))
        self._sums = [
            [
                _accumulate(np.where(kept, v.astype(np.float64) ** p, 0.0))
                for p in (1, 2)
            ]
            for v in self._values
        ]

    def judge(
        self, y: NDArray[np.intp], x: NDArray[np.intp], *, reach: int
    ) -> tuple[Flags, NDArray[np.float64]]:
        """Tell which pixels stand out from their window, and its share of background.

        Where nothing is background, nothing stands out.
        """
        rows, columns = self._values[0].shape
        top, bottom = np.maximum(y - reach, 0), np.minimum(y + reach + 1, rows)
        left, right = np.maximum(x - reach, 0), np.minimum(x + reach + 1, columns)

        def total(sums: NDArray[np.float64]) -> NDArray[np.float64]:
            upper = sums[top, right] - sums[top, left]
            whole: NDArray[np.float64] = sums[bottom, right] - sums[bottom, left]
            return whole - upper

        count = total(self._count)
        out = count > 0
        some = np.maximum(count, 1.0)
        for value, sums, least in zip(
            self._values, self._sums, (_LEAST_RATIO, _LEAST_SWIR2), strict=True
        ):
            mean, square = (total(s) / some for s in sums)
            spread = np.sqrt(np.maximum(square - mean**2, 0.0))
            out &= value[y, x] > mean + np.maximum(_SIGMAS * spread, least)
        return out, count / ((bottom - top) * (right - left))


def _accumulate(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Sum from the corner, with a row and a column of zeros before the first."""
    sums = np.zeros(tuple(n + 1 for n in values.shape))
    sums[1:, 1:] = values.cumsum(axis=0).cumsum(axis=1)
    return sums


def _ratio(above: Bands, below: Bands) -> Bands:
    """Divide; NaN where the denominator is zero or less."""
    return np.where(below > 0, above / below, np.nan)


def widen(flags: Flags) -> Flags:
    """Add the eight neighbours of each pixel that is set, ``(y, x)`` bool."""
    rows, columns = flags.shape
    padded = np.pad(flags, 1)
    wide = np.zeros_like(flags)
    for y in range(3):
        for x in range(3):
            wide |= padded[y : y + rows, x : x + columns]
    return wide
