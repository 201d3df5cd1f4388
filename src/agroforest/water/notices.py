"""Heat and frost: what the air and the soil are about to do to a crop."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

#: °C of the soil below which it is frozen at the depth measured.
FROZEN_SOIL = 0.0
#: °C of the soil near the surface above which roots and seedlings suffer. Arbitrary:
#: most crops of the tropics stop growing roots between 35 and 40 °C.
HOT_SOIL = 38.0
#: °C in the screen at which leaves can freeze: on clear nights they are colder than the
#: air. Arbitrary, the usual two degrees.
CLEAR_NIGHT = 2.0


class Hazard(StrEnum):
    """What a notice speaks of."""

    COLD = "cold"  #: air at or below what harms the crop
    FROST_POSSIBLE = "frost-possible"  #: air near freezing, on a clear night
    HEAT = "heat"  #: air at or above what harms the crop
    FROZEN_SOIL = "frozen-soil"
    HOT_SOIL = "hot-soil"


@dataclass(frozen=True, kw_only=True, slots=True)
class TemperatureDay:
    """Temperatures of a day, °C; ``None`` where unknown.

    Attributes
    ----------
    day
        The day.
    air_low, air_high
        Lowest and highest at 2 m.
    soil
        At the shallowest probe.
    forecast
        True if the day has not happened.
    """

    day: date
    air_low: float | None = None
    air_high: float | None = None
    soil: float | None = None
    forecast: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Notice:
    """A word of warning; in two languages.

    Attributes
    ----------
    hazard
        Of what.
    day
        When.
    celsius
        The temperature.
    zh, en
        The sentence.
    """

    hazard: Hazard
    day: date
    celsius: float
    zh: str
    en: str


_WORDS: dict[Hazard, tuple[str, str]] = {
    Hazard.COLD: ("低温冻害", "cold that harms the crop"),
    Hazard.FROST_POSSIBLE: ("可能有霜", "frost possible on a clear night"),
    Hazard.HEAT: ("高温热害", "heat that harms the crop"),
    Hazard.FROZEN_SOIL: ("土壤冻结", "frozen soil"),
    Hazard.HOT_SOIL: ("土温过高", "hot soil"),
}


def find_notices(
    days: Sequence[TemperatureDay], *, cold: float, heat: float
) -> tuple[Notice, ...]:
    """Find days whose temperatures harm a crop.

    Parameters
    ----------
    days
        Measured and forecast.
    cold, heat
        Daily lowest and highest air temperature that harm it, °C.
    """
    return tuple(
        _tell(hazard, day, celsius)
        for day in days
        for hazard, celsius in _find(day, cold, heat)
    )


def _find(
    day: TemperatureDay, cold: float, heat: float
) -> Sequence[tuple[Hazard, float]]:
    found: list[tuple[Hazard, float]] = []
    low, high, soil = day.air_low, day.air_high, day.soil
    if low is not None and low <= cold:
        found.append((Hazard.COLD, low))
    elif low is not None and low <= CLEAR_NIGHT:
        found.append((Hazard.FROST_POSSIBLE, low))
    if high is not None and high >= heat:
        found.append((Hazard.HEAT, high))
    if soil is not None and soil <= FROZEN_SOIL:
        found.append((Hazard.FROZEN_SOIL, soil))
    if soil is not None and soil >= HOT_SOIL:
        found.append((Hazard.HOT_SOIL, soil))
    return found


def _tell(hazard: Hazard, day: TemperatureDay, celsius: float) -> Notice:
    zh, en = _WORDS[hazard]
    foreseen_zh, foreseen_en = ("预报", "forecast ") if day.forecast else ("", "")
    return Notice(
        hazard=hazard,
        day=day.day,
        celsius=celsius,
        zh=f"{day.day.month} 月 {day.day.day} 日{foreseen_zh}{zh}，{celsius:.1f} °C",
        en=f"{day.day:%d %B}: {foreseen_en}{en}, {celsius:.1f} °C",
    )
