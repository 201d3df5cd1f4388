"""Canadian Fire Weather Index System: one day, compiled.

Equation numbers are those of Van Wagner & Pickett (1985), Forestry Technical Report
33; the system is described in Van Wagner (1987), Technical Report 35. Where the two
differ in decimals from the Canadian Forest Service's R package (Eqs. 12, 15), the
package is followed.

The functions of a cell know no missing values: they are given numbers in range. The
loop over cells is in this file, too: numba's cache on disk notices a change of a
function's own file, but not of the files of what it calls.
"""
# mypy: disable-error-code="no-any-return"
# (a float to a float power may be complex, as far as mypy knows)

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

#: Moisture scale of the fine fuel moisture code as published (Eqs. 1 and 10).
PUBLISHED_SCALE = 147.2
#: The same without rounding, 147.27723: a code of 0 is then exactly 250 % moisture.
#: Used by releases of cffdrs since 1.9.
EXACT_SCALE = 250.0 * 59.5 / 101.0

_compiled = njit(nogil=True, cache=True, error_model="numpy")


@_compiled
def find_ffmc(
    before: float,
    temperature: float,
    humidity: float,
    wind: float,
    rain: float,
    scale: float,
) -> float:
    """Fine fuel moisture code, 0 to 101.

    Parameters
    ----------
    before
        Yesterday's code.
    temperature, humidity, wind, rain
        °C, %, km/h, mm.
    scale
        `PUBLISHED_SCALE` or `EXACT_SCALE`.
    """
    moisture = scale * (101.0 - before) / (59.5 + before)  # Eq. 1
    if rain > 0.5:
        moisture = _wet(moisture, rain - 0.5)  # Eq. 2
    power = math.exp((humidity - 100.0) / 10.0)
    warmth = 0.18 * (21.1 - temperature) * (1.0 - math.exp(-0.115 * humidity))
    drying = 0.942 * humidity**0.679 + 11.0 * power + warmth  # Eq. 4
    if moisture > drying:
        share = humidity / 100.0
        rate = _rate(share, temperature, wind)  # Eq. 6
        moisture = drying + (moisture - drying) * 10.0**-rate  # Eq. 8
    else:
        wetting = 0.618 * humidity**0.753 + 10.0 * power + warmth  # Eq. 5
        if moisture < wetting:
            share = (100.0 - humidity) / 100.0
            rate = _rate(share, temperature, wind)  # Eq. 7
            moisture = wetting - (wetting - moisture) * 10.0**-rate  # Eq. 9
    code = 59.5 * (250.0 - moisture) / (scale + moisture)  # Eq. 10
    return min(max(code, 0.0), 101.0)


@_compiled
def _wet(moisture: float, rain: float) -> float:
    """Moisture of fine fuel after rain that reached it, at most 250 %."""
    more = 42.5 * rain * math.exp(-100.0 / (251.0 - moisture))
    wetter = moisture + more * (1.0 - math.exp(-6.93 / rain))  # Eq. 3a
    if moisture > 150.0:
        wetter += 0.0015 * (moisture - 150.0) ** 2 * math.sqrt(rain)  # Eq. 3b
    return min(wetter, 250.0)


@_compiled
def _rate(share: float, temperature: float, wind: float) -> float:
    """Log drying rate (Eq. 6), or wetting rate (Eq. 7), a day."""
    still = 0.424 * (1.0 - share**1.7)
    windy = 0.0694 * math.sqrt(wind) * (1.0 - share**8)
    return (still + windy) * 0.581 * math.exp(0.0365 * temperature)


@_compiled
def find_dmc(
    before: float, temperature: float, humidity: float, rain: float, hours: float
) -> float:
    """Duff moisture code, from 0.

    Parameters
    ----------
    before
        Yesterday's code.
    temperature, humidity, rain
        °C, %, mm.
    hours
        Effective day length of the month.
    """
    code = before
    if rain > 1.5:
        net = 0.92 * rain - 1.27  # Eq. 11
        moisture = 20.0 + 280.0 / math.exp(0.023 * before)  # Eq. 12
        if before <= 33.0:
            slope = 100.0 / (0.5 + 0.3 * before)  # Eq. 13a
        elif before <= 65.0:
            slope = 14.0 - 1.3 * math.log(before)  # Eq. 13b
        else:
            slope = 6.2 * math.log(before) - 17.2  # Eq. 13c
        moisture += 1000.0 * net / (48.77 + slope * net)  # Eq. 14
        code = max(0.0, 43.43 * (5.6348 - math.log(moisture - 20.0)))  # Eq. 15
    warm = max(temperature, -1.1) + 1.1
    return code + 1.894e-4 * warm * (100.0 - humidity) * hours  # Eqs. 16, 17


@_compiled
def find_dc(before: float, temperature: float, rain: float, factor: float) -> float:
    """Drought code, from 0.

    Parameters
    ----------
    before
        Yesterday's code.
    temperature, rain
        °C, mm.
    factor
        Day-length factor of the month.
    """
    code = before
    if rain > 2.8:
        net = 0.83 * rain - 1.27  # Eq. 18
        store = 800.0 * math.exp(-before / 400.0)  # Eq. 19
        code = max(0.0, before - 400.0 * math.log(1.0 + 3.937 * net / store))  # Eq. 20
    loss = 0.36 * (max(temperature, -2.8) + 2.8) + factor  # Eq. 22
    return code + max(0.0, 0.5 * loss)  # Eq. 23


@_compiled
def find_isi(ffmc: float, wind: float, scale: float) -> float:
    """Spread that wind (km/h) and fine fuel make at first, from 0."""
    moisture = scale * (101.0 - ffmc) / (59.5 + ffmc)  # Eq. 1
    fuel = 91.9 * math.exp(-0.1386 * moisture)
    fuel *= 1.0 + moisture**5.31 / 4.93e7  # Eq. 25
    return 0.208 * fuel * math.exp(0.05039 * wind)  # Eqs. 24, 26


@_compiled
def find_bui(dmc: float, dc: float) -> float:
    """Build-up index, from 0."""
    if dmc <= 0.0:
        return 0.0
    drought = 0.4 * dc
    if dmc <= drought:
        return 2.0 * drought * dmc / (dmc + drought)  # Eq. 27a
    rest = 1.0 - 2.0 * drought / (dmc + drought)
    return max(0.0, dmc - rest * (0.92 + (0.0114 * dmc) ** 1.7))  # Eq. 27b


@_compiled
def find_fwi(isi: float, bui: float) -> float:
    """Fire weather index, from 0."""
    if bui <= 80.0:
        duff = 0.626 * bui**0.809 + 2.0  # Eq. 28a
    else:
        duff = 1000.0 / (25.0 + 108.64 * math.exp(-0.023 * bui))  # Eq. 28b
    scaled = 0.1 * isi * duff  # Eq. 29
    if scaled <= 1.0:
        return scaled  # Eq. 30b
    return math.exp(2.72 * (0.434 * math.log(scaled)) ** 0.647)  # Eq. 30a


@_compiled
def find_dsr(fwi: float) -> float:
    """Daily severity rating, from 0."""
    return 0.0272 * fwi**1.77  # Eq. 31


@_compiled
def _find_band(edges: NDArray[np.float64], latitude: float) -> int:
    band = 0
    for edge in edges:
        if latitude > edge:
            band += 1
    return band


@_compiled
def advance(
    before: tuple[NDArray[np.float64], ...],
    weather: tuple[NDArray[np.float64], ...],
    active: NDArray[np.bool_],
    latitude: NDArray[np.float64],
    hours: tuple[NDArray[np.float64], NDArray[np.float64]],
    factors: tuple[NDArray[np.float64], NDArray[np.float64]],
    scale: float,
    code: tuple[NDArray[np.float64], ...],
    index: tuple[NDArray[np.float64], ...],
    valid: NDArray[np.bool_],
    start: int,
    stop: int,
) -> None:
    """Advance cells `start` to `stop` by a day.

    Parameters
    ----------
    before
        Three ``(cell,)`` float64: FFMC, DMC, DC of the day before.
    weather
        Four ``(cell,)`` float64: °C, %, km/h, mm; NaN is missing.
    active
        ``(cell,)`` bool, True in season.
    latitude
        ``(cell,)`` or ``(1,)`` degrees north.
    hours, factors
        Edges of bands and the month's value of each band, for DMC and DC.
    scale
        Of the FFMC.
    code, index, valid
        Filled: the three codes; ISI, BUI, FWI and DSR; whether the weather is whole.
    start, stop
        Which cells.
    """
    each = latitude.size > 1
    hour = hours[1][_find_band(hours[0], latitude[0])]
    factor = factors[1][_find_band(factors[0], latitude[0])]
    for i in range(start, stop):
        temperature, humidity = weather[0][i], weather[1][i]
        wind, rain = weather[2][i], weather[3][i]
        good = abs(temperature) < np.inf and 0.0 <= humidity <= 100.0
        good = good and 0.0 <= wind < np.inf and 0.0 <= rain < np.inf
        valid[i] = good
        if not (good and active[i]):
            for k in range(3):
                code[k][i] = before[k][i]
            for k in range(4):
                index[k][i] = np.nan
            continue
        if each:
            hour = hours[1][_find_band(hours[0], latitude[i])]
            factor = factors[1][_find_band(factors[0], latitude[i])]
        ffmc = find_ffmc(before[0][i], temperature, humidity, wind, rain, scale)
        dmc = find_dmc(before[1][i], temperature, humidity, rain, hour)
        dc = find_dc(before[2][i], temperature, rain, factor)
        isi, bui = find_isi(ffmc, wind, scale), find_bui(dmc, dc)
        fwi = find_fwi(isi, bui)
        code[0][i], code[1][i], code[2][i] = ffmc, dmc, dc
        index[0][i], index[1][i], index[2][i] = isi, bui, fwi
        index[3][i] = find_dsr(fwi)
