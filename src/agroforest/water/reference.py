"""Reference evapotranspiration: Penman-Monteith, and what is left with less weather.

The equation is the standardized one (ASCE 2005, "The ASCE standardized reference
evapotranspiration equation"), which for grass is FAO-56 Eq. 6 but for the third digit
of a constant. What is missing is estimated as its appendix E and FAO-56 chapter 3 say,
and every day says how it came about.
"""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import ArrayLike, NDArray

from agroforest.core.crop import Amount
from agroforest.core.errors import ConfigurationError
from agroforest.core.field import DailyWeather
from agroforest.core.weather import find_saturation

Field = NDArray[np.float64]

#: Numerator and denominator constants for grass and for alfalfa (ASCE 2005, Table 1).
_SHORT = (900.0, 0.34)
_TALL = (1600.0, 0.38)
_ALBEDO = 0.23
_STEFAN_BOLTZMANN = 4.901e-9  # MJ m-2 d-1 K-4
_SOLAR_CONSTANT = 4.92  # MJ m-2 h-1
_MM_PER_MJ = 0.408
#: m/s where wind was not measured (ASCE 2005, appendix E).
USUAL_WIND = 2.0
#: °C of the dew point below the daily minimum where humidity was not measured (same).
_DEW_BELOW_MINIMUM = 2.0
#: Share of the sky's radiation for each √K of the daily range: inland (FAO-56 Eq. 50).
INLAND = 0.16


class Origin(IntEnum):
    """How a day's reference evapotranspiration came about.

    ==========================  ===================================================
    ``MISSING``                 not even temperatures
    ``GIVEN``                   by the source of the weather
    ``MEASURED``                Penman-Monteith, radiation measured
    ``RADIATION_ESTIMATED``     Penman-Monteith, radiation from the range of temperature
    ``TEMPERATURE_ONLY``        Hargreaves
    ==========================  ===================================================
    """

    MISSING = 0
    GIVEN = 1
    MEASURED = 2
    RADIATION_ESTIMATED = 3
    TEMPERATURE_ONLY = 4


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class ReferenceEt:
    """Reference evapotranspiration of a series.

    Attributes
    ----------
    eto
        (days,) float64, mm; NaN is missing.
    origin
        (days,) int8, values of `Origin`.
    """

    eto: Field
    origin: NDArray[np.int8]

    def count(self) -> dict[Origin, int]:
        """Days of each origin, without those that do not occur."""
        found = {kind: int(np.sum(self.origin == kind)) for kind in Origin}
        return {kind: number for kind, number in found.items() if number}


def find_reference_et(weather: DailyWeather) -> ReferenceEt:
    """Find the reference evapotranspiration of every day.

    What the source gives is taken as it is. Otherwise radiation, humidity and wind
    decide; a day with temperatures alone is Hargreaves', unless the reference is
    alfalfa, for which Hargreaves is not made.

    Raises
    ------
    ConfigurationError
        If a day must be computed and the station's place is unknown.
    """
    given = np.isfinite(weather.reference_et)
    warm = np.isfinite(weather.t_max) & np.isfinite(weather.t_min)
    sunny = warm & np.isfinite(weather.radiation)
    humid = np.any(
        np.isfinite(
            [weather.vapour, weather.dew_point, weather.rh_max, weather.rh_min]
        ),
        axis=0,
    )
    aired = warm & (weather.tall | (humid & np.isfinite(weather.wind)))
    origin = np.select(
        [given, sunny, aired, warm],
        [
            Origin.GIVEN,
            Origin.MEASURED,
            Origin.RADIATION_ESTIMATED,
            Origin.TEMPERATURE_ONLY,
        ],
        Origin.MISSING,
    ).astype(np.int8)
    eto = weather.reference_et.copy()
    if np.all(given | ~warm):
        return ReferenceEt(eto=eto, origin=origin)
    _check_place(weather)
    sky = find_sky_radiation(weather.latitude, find_day_of_year(weather.days))
    estimated = estimate_radiation(sky, t_max=weather.t_max, t_min=weather.t_min)
    radiation = np.where(np.isfinite(weather.radiation), weather.radiation, estimated)
    full = find_penman_monteith(weather, radiation=radiation, sky=sky)
    plain = find_hargreaves(sky, t_max=weather.t_max, t_min=weather.t_min)
    eto = np.select(
        [given, sunny | aired, warm], [weather.reference_et, full, plain], np.nan
    )
    return ReferenceEt(eto=np.where(given, eto, np.maximum(eto, 0.0)), origin=origin)


def find_day_of_year(days: NDArray[np.int64]) -> Field:
    """Day of the year, 1 to 366, of days since 1970-01-01."""
    dates = days.astype("datetime64[D]")
    years = dates.astype("datetime64[Y]").astype("datetime64[D]")
    past: Field = (dates - years).astype(np.float64)
    return past + 1.0


def find_sky_radiation(latitude: Amount, day_of_year: Field) -> Field:
    """Radiation above the atmosphere, MJ m⁻² d⁻¹ (ASCE 2005, Eqs. 21 to 27)."""
    angle = 2.0 * np.pi / 365.0 * day_of_year
    distance = 1.0 + 0.033 * np.cos(angle)  # Eq. 23
    declination = 0.409 * np.sin(angle - 1.39)  # Eq. 24
    place = np.deg2rad(latitude)
    # Beyond the polar circles the sun does not set, or does not rise.
    sunset = np.arccos(np.clip(-np.tan(place) * np.tan(declination), -1.0, 1.0))
    height = sunset * np.sin(place) * np.sin(declination)
    height = height + np.cos(place) * np.cos(declination) * np.sin(sunset)
    radiation: Field = 24.0 / np.pi * _SOLAR_CONSTANT * distance * height  # Eq. 21
    return radiation


def estimate_radiation(
    sky: Field, *, t_max: Field, t_min: Field, coefficient: float = INLAND
) -> Field:
    """Solar radiation from the daily range of temperature (FAO-56 Eq. 50).

    Parameters
    ----------
    sky
        Above the atmosphere, MJ m⁻² d⁻¹.
    t_max, t_min
        °C.
    coefficient
        0.16 inland, 0.19 at the coast.
    """
    found: Field = coefficient * np.sqrt(np.maximum(t_max - t_min, 0.0)) * sky
    return found


def find_hargreaves(sky: Field, *, t_max: Field, t_min: Field) -> Field:
    """Estimate it from temperatures alone, mm (Hargreaves; FAO-56 Eq. 52)."""
    mean = (t_max + t_min) / 2.0
    spread = np.sqrt(np.maximum(t_max - t_min, 0.0))
    found: Field = 0.0023 * (mean + 17.8) * spread * sky * _MM_PER_MJ
    return found


def find_vapour(weather: DailyWeather) -> Field:
    """Actual vapour pressure, kPa, by what was measured (ASCE 2005, Table 3)."""
    high, low = find_saturation(weather.t_max), find_saturation(weather.t_min)
    moist = [
        weather.vapour,
        find_saturation(weather.dew_point),
        (low * weather.rh_max + high * weather.rh_min) / 200.0,  # Eq. 11
        low * weather.rh_max / 100.0,  # Eq. 12
        high * weather.rh_min / 100.0,  # Eq. 13
    ]
    otherwise = find_saturation(weather.t_min - _DEW_BELOW_MINIMUM)
    return np.select([np.isfinite(one) for one in moist], moist, otherwise)


def norm_wind(wind: ArrayLike, height: float) -> Field:
    """Wind at 2 m, m/s, from that at another height (ASCE 2005, Eq. 33)."""
    factor = 4.87 / np.log(67.8 * height - 5.42)
    found: Field = np.asarray(wind, dtype=np.float64) * factor
    return found


def find_penman_monteith(
    weather: DailyWeather, *, radiation: Field, sky: Field
) -> Field:
    """Standardized Penman-Monteith, mm (ASCE 2005, Eq. 1).

    Parameters
    ----------
    weather
        Temperatures, humidity, wind; its place.
    radiation, sky
        Solar radiation on the ground and above the atmosphere, MJ m⁻² d⁻¹.
    """
    mean = (weather.t_max + weather.t_min) / 2.0
    pressure = 101.3 * ((293.0 - 0.0065 * weather.elevation) / 293.0) ** 5.26  # Eq. 3
    psychrometric = 0.000665 * pressure  # Eq. 4
    slope = 2503.0 * np.exp(17.27 * mean / (mean + 237.3)) / (mean + 237.3) ** 2  # 5
    saturation = (find_saturation(weather.t_max) + find_saturation(weather.t_min)) / 2
    vapour = find_vapour(weather)
    net = _find_net_radiation(weather, radiation=radiation, sky=sky, vapour=vapour)
    measured = np.where(np.isnan(weather.wind), USUAL_WIND, weather.wind)
    wind = norm_wind(measured, weather.wind_height)
    numerator, denominator = _TALL if weather.tall else _SHORT
    drying = psychrometric * numerator / (mean + 273.0) * wind * (saturation - vapour)
    above = _MM_PER_MJ * slope * net + drying
    eto: Field = above / (slope + psychrometric * (1.0 + denominator * wind))
    return eto


def _find_net_radiation(
    weather: DailyWeather, *, radiation: Field, sky: Field, vapour: Field
) -> Field:
    """Net radiation, MJ m⁻² d⁻¹ (ASCE 2005, Eqs. 15 to 19)."""
    clear = (0.75 + 2e-5 * weather.elevation) * sky  # Eq. 19
    ratio = np.divide(radiation, clear, out=np.ones_like(radiation), where=clear > 0)
    cloud = np.clip(1.35 * np.clip(ratio, 0.3, 1.0) - 0.35, 0.05, 1.0)  # Eq. 18
    heat = (weather.t_max + 273.16) ** 4 + (weather.t_min + 273.16) ** 4
    emission = 0.34 - 0.14 * np.sqrt(vapour)
    out = _STEFAN_BOLTZMANN * cloud * emission * heat / 2.0  # Eq. 17
    net: Field = (1.0 - _ALBEDO) * radiation - out
    return net


def _check_place(weather: DailyWeather) -> None:
    for name in ("latitude", "elevation"):
        if not np.isfinite(getattr(weather, name)):
            raise ConfigurationError(
                "weather",
                f"has no reference evapotranspiration on every day and no {name}",
                f"give the station's {name}",
            )
