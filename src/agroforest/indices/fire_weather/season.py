"""Winter: when the codes rest, and with which drought they wake.

South China has no such winter: there the codes run all year, which is the default of
`step`. In mountains and farther north the season is that of Wotton & Flannigan (1993,
The Forestry Chronicle 69, 187-192): it begins after three days above 12 °C and ends
after three days below 5 °C, the day itself not counted. At its end the codes rest at
their last values and rain is summed up; at its start fine fuel and duff begin at the
start-up values, and the drought code at what winter left of it (Van Wagner 1985,
Drought, timelag and fire danger rating; Lawson & Armitage 2008, Eqs. 2 to 4).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from agroforest.core.errors import DataError
from agroforest.indices.fire_weather.state import Codes, StartUp

START_CELSIUS = 12.0
END_CELSIUS = 5.0
DAYS_IN_A_ROW = 3


@dataclass(frozen=True, kw_only=True, slots=True)
class Winter:
    """How much of autumn's drought survives (Lawson & Armitage 2008, Table 9).

    Attributes
    ----------
    carry_over
        Share of the last autumn's moisture that is left: 1.0 where codes ran to the
        freeze-up, 0.75 where they stopped before, 0.5 where long dry spells follow.
    wetting
        Share of winter's rain that refills the soil: 0.9 on boggy sites, 0.75 where
        frost comes late, 0.5 where the ground freezes early and deep.
    """

    carry_over: float = 0.75
    wetting: float = 0.75


def overwinter(
    dc: NDArray[np.float64],
    rain: NDArray[np.float64],
    *,
    winter: Winter | None = None,
    least: float = StartUp().dc,
) -> NDArray[np.float64]:
    """Drought code with which a season starts.

    Parameters
    ----------
    dc
        Any shape, float64: drought code of the last day of the season before.
    rain
        Same shape, millimetres from then on.
    winter
        The site.
    least
        Lower bound: the start-up value.

    Returns
    -------
    ndarray
        Same shape, float64.
    """
    site = winter or Winter()
    autumn = 800.0 * np.exp(-dc / 400.0)  # Lawson & Armitage Eq. 3
    spring = site.carry_over * autumn + site.wetting * 3.94 * rain  # Eq. 2
    with np.errstate(divide="ignore"):
        started = 400.0 * np.log(800.0 / spring)  # Eq. 4
    return np.maximum(started, least)


def find_season(
    temperature: NDArray[np.floating],
    *,
    start: float = START_CELSIUS,
    end: float = END_CELSIUS,
    days: int = DAYS_IN_A_ROW,
) -> NDArray[np.bool_]:
    """Tell on which days the fire season is on (Wotton & Flannigan 1993).

    Parameters
    ----------
    temperature
        ``(day, …)`` °C, the day's maximum, as the source has it; noon will do. A
        missing day neither starts nor ends a season.
    start, end
        Above and below which, in °C.
    days
        How many days in a row, before the day itself.

    Returns
    -------
    ndarray
        Same shape, bool. False on the first `days` days.
    """
    on = np.zeros(temperature.shape, dtype=np.bool_)
    for day in range(days + 1, len(temperature)):
        before = temperature[day - days : day]
        starts = np.all(before > start, axis=0)
        ends = np.all(before < end, axis=0)
        on[day] = (on[day - 1] | starts) & ~ends
    return on


def turn_season(
    codes: Codes,
    active: NDArray[np.bool_],
    rain: NDArray[np.float64],
    *,
    start_up: StartUp | None = None,
    winter: Winter | None = None,
) -> Codes:
    """Let codes rest or wake.

    Parameters
    ----------
    codes
        Not modified.
    active
        Shape of the codes: where the season is on today.
    rain
        Same shape, today's millimetres; a missing number adds nothing.
    start_up
        With what fine fuel and duff wake; the published values unless given.
    winter
        The site.

    Returns
    -------
    Codes
        Of the same day; `step` then adds today's weather where the season is on.
    """
    if active.shape != codes.shape:
        raise DataError(
            "fire season",
            f"has the shape {active.shape}, the codes have {codes.shape}",
            "give one value a cell",
        )
    values = start_up or StartUp()
    wakes = active & ~codes.active
    rests = ~active
    woken = overwinter(codes.dc, codes.winter_rain, winter=winter, least=values.dc)
    woken = np.where(np.isnan(codes.winter_rain), values.dc, woken)  # no autumn known
    total = codes.winter_rain + np.where(np.isnan(rain), 0.0, rain)
    return codes.patch(
        ffmc=np.where(wakes, values.ffmc, codes.ffmc),
        dmc=np.where(wakes, values.dmc, codes.dmc),
        dc=np.where(wakes, woken, codes.dc),
        active=active.copy(),
        winter_rain=np.where(rests, total, 0.0),
    )
