"""Growth: crop coefficients, height, roots and cover along the four stages."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from agroforest.core.crop import Amount, Crop

Field = NDArray[np.float64]

#: Least height and root depth, metres, and bounds of cover and of exposed soil: they
#: keep FAO-56 Eqs. 75 and 76 defined (FAO-56 p. 149: cover at most 0.99).
LEAST_SIZE = 0.001
MOST_COVER = 0.99
#: A basal coefficient can be no nearer than this to the largest (FAO-56 Eq. 72).
_HEADROOM = 0.05
#: Limits within which FAO-56 Eq. 72 holds: wind at 2 m in m/s, humidity in %.
_WIND = (1.0, 6.0)
_HUMIDITY = (20.0, 80.0)
#: Middle and late coefficients below this are not adjusted to the climate (Eq. 62).
_ADJUSTED_FROM = 0.45


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Coefficients:
    """A day on the curves of FAO-56 Figures 34 and 37; places' shape, float64.

    Attributes
    ----------
    kc
        Single crop coefficient.
    kcb
        Basal crop coefficient.
    daily_rise
        By how much `kcb` differs from the day before within a stage; 0 in flat ones.
    flat
        True in the initial and mid-season stages and after the last.
    """

    kc: Field
    kcb: Field
    daily_rise: Field
    flat: NDArray[np.bool_]


def find_coefficients(crop: Crop, age: Amount | NDArray[np.int64]) -> Coefficients:
    """Crop coefficients some days after the season began (FAO-56 Eq. 66).

    Parameters
    ----------
    crop
        The crop.
    age
        Places' shape: days since the first day of the season, which is 0.
    """
    age = np.asarray(age, dtype=np.float64)
    first = np.asarray(crop.days_ini, dtype=np.float64)
    second = first + crop.days_dev
    third = second + crop.days_mid
    fourth = third + crop.days_end
    growing = (age > first) & (age <= second)
    ripening = (age > third) & (age <= fourth)
    grown = _find_progress(age, first, second)
    ripe = _find_progress(age, third, fourth)

    def along(ini: Amount, mid: Amount, end: Amount) -> Field:
        rising = ini + grown * (np.asarray(mid) - ini)
        return rising + ripe * (np.asarray(end) - mid)

    rise = np.where(
        growing, _share(np.asarray(crop.kcb_mid) - crop.kcb_ini, second - first), 0.0
    )
    fall = np.where(
        ripening, _share(np.asarray(crop.kcb_end) - crop.kcb_mid, fourth - third), 0.0
    )
    return Coefficients(
        kc=along(crop.kc_ini, crop.kc_mid, crop.kc_end),
        kcb=along(crop.kcb_ini, crop.kcb_mid, crop.kcb_end),
        daily_rise=rise + fall,
        flat=~(growing | ripening),
    )


def find_height(crop: Crop, kcb: Field) -> Field:
    """Height of the plants, metres."""
    return _find_size(crop, kcb, first=crop.height_ini, largest=crop.height_max)


def find_root_depth(crop: Crop, kcb: Field) -> Field:
    """Depth of the roots, metres, never below the deepest (FAO-56 p. 279)."""
    depth = _find_size(crop, kcb, first=crop.root_ini, largest=crop.root_max)
    return np.minimum(depth, crop.root_max)


def _find_size(crop: Crop, kcb: Field, *, first: Amount, largest: Amount) -> Field:
    """Size on the way from the first to the mid-season one, by the coefficient.

    A crop whose two coefficients are equal is full-grown (an evergreen stand).
    """
    span = np.asarray(crop.kcb_mid, dtype=np.float64) - crop.kcb_ini
    way = (np.asarray(largest) - first) * (kcb - crop.kcb_ini)
    grown = first + _share(way, span)
    return np.maximum(np.where(span == 0, largest, grown), LEAST_SIZE)


def find_climate_term(wind: Amount, humidity: Amount, height: Amount) -> Field:
    """Second term of FAO-56 Eq. 72: more in wind and dry air, for tall plants.

    Parameters
    ----------
    wind
        At 2 m, m/s.
    humidity
        Daily minimum, %.
    height
        Metres.
    """
    calm = np.clip(wind, *_WIND)
    dry = np.clip(humidity, *_HUMIDITY)
    slope = 0.04 * (calm - 2.0) - 0.004 * (dry - 45.0)
    term: Field = slope * (np.asarray(height) / 3.0) ** 0.3
    return term


def find_kc_max(
    kcb: Field, *, wind: Amount, humidity: Amount, height: Field, tall: bool
) -> Field:
    """Largest crop coefficient after rain (FAO-56 Eq. 72; 1.0 for a tall reference)."""
    top = 1.0 if tall else 1.2 + find_climate_term(wind, humidity, height)
    return np.maximum(top, kcb + _HEADROOM)


def find_cover(crop: Crop, kcb: Field, *, kc_max: Field, height: Field) -> Field:
    """Share of the ground under leaves, 0 to 0.99 (FAO-56 Eq. 76)."""
    share = _share(kcb - crop.bare, kc_max - crop.bare)
    cover = np.clip(share, 0.0, None) ** (1.0 + 0.5 * height)
    return np.clip(cover, 0.0, MOST_COVER)


def adjust_to_climate(
    crop: Crop,
    *,
    mid: tuple[Amount, Amount],
    end: tuple[Amount, Amount],
) -> Crop:
    """Fit mid-season and late coefficients to wind and humidity (Eqs. 62, 65, 70).

    Parameters
    ----------
    crop
        With the coefficients of the tables, which are for 45 % and 2 m/s.
    mid, end
        Mean wind at 2 m, m/s, and mean daily minimum humidity, %, over the stage; NaN
        leaves its coefficients alone.
    """
    changed: dict[str, Field] = {}
    for stage, (wind, humidity) in (("mid", mid), ("end", end)):
        term = np.round(find_climate_term(wind, humidity, crop.height_max), 3)
        for kind in ("kc", "kcb"):
            value = np.asarray(getattr(crop, f"{kind}_{stage}"), dtype=np.float64)
            fits = (value >= _ADJUSTED_FROM) & np.isfinite(term)
            changed[f"{kind}_{stage}"] = np.where(fits, value + term, value)
    return crop.patch(**changed)


def _find_progress(age: Field, start: Field, stop: Field) -> Field:
    """How much of a stage is over, 0 to 1; one of no days is over at once."""
    part = np.clip(_share(age - start, stop - start), 0.0, 1.0)
    return np.where(stop == start, age > start, part)


def _share(part: Field, whole: Field) -> Field:
    """Quotient; 1 where the whole is 0."""
    part, whole = np.broadcast_arrays(part, whole)
    safe = np.where(whole == 0, 1.0, whole)
    return np.where(whole == 0, 1.0, part / safe)
