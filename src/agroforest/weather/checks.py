"""What weather cannot be. Units are declared, never guessed: odd numbers are named.

The limits are those of the planet, a little widened, so nothing that happened is
refused; a column in the wrong unit leaves them at once or is noted as odd.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from agroforest.core.weather import Field

#: °C at 2 m; the records are 56.7 and -89.2.
COLDEST, WARMEST = -90.0, 60.0
#: km/h, ten-minute mean; gusts of typhoons reach 300.
STRONGEST = 300.0
#: mm in a day; the record is 1,825 mm (Foc-Foc, Réunion, 1966).
WETTEST = 2000.0
#: Percent. No screen on land has reported less at noon; a fraction always does.
DRIEST = 1.0
#: Percent above 100 that are a matter of rounding, and taken as 100.
ROUNDING = 0.1
#: Median km/h of a series above which "km/h read as m/s" is likely. Arbitrary.
_WINDY = 45.0

_LEAST_KELVIN = 180.0


def explain_row(
    *, temperature: float, humidity: float, wind: float, rain: float
) -> str | None:
    """Say what is wrong with a row, or ``None``.

    Parameters
    ----------
    temperature, humidity, wind, rain
        In °C, %, km/h and mm; NaN is missing.
    """
    values = {
        "temperature": temperature,
        "humidity": humidity,
        "wind": wind,
        "rain": rain,
    }
    lost = [name for name, value in values.items() if not np.isfinite(value)]
    if lost:
        return f"no {' and no '.join(lost)}"
    return next(_find_faults(temperature, humidity, wind, rain), None)


def _find_faults(
    temperature: float, humidity: float, wind: float, rain: float
) -> Iterator[str]:
    if not COLDEST <= temperature <= WARMEST:
        hint = ": in kelvin?" if temperature >= _LEAST_KELVIN else ""
        yield f"temperature {temperature:g} °C cannot be{hint}"
    if humidity > 100:
        yield f"humidity {humidity:g} % is above 100"
    if humidity < 0:
        yield f"humidity {humidity:g} % is negative"
    if humidity < DRIEST:
        yield f"humidity {humidity:g} % is below 1: a fraction?"
    if wind < 0:
        yield f"wind {wind:g} km/h is negative"
    if wind > STRONGEST:
        yield f"wind {wind:g} km/h cannot be: another unit?"
    if rain < 0:
        yield f"rain {rain:g} mm is negative"
    if rain > WETTEST:
        yield f"rain {rain:g} mm in a day cannot be: another unit?"


def find_notes(wind: NDArray[np.float64]) -> tuple[str, ...]:
    """Say what looks odd in a whole series of wind, km/h."""
    middle = float(np.median(wind)) if len(wind) else 0.0
    if middle > _WINDY:
        odd = f"half of the days have more than {middle:.0f} km/h of wind"
        return (f"{odd}: is it in km/h, and declared as m/s?",)
    return ()


def find_bad_cells(
    temperature: Field, humidity: Field, wind: Field, rain: Field
) -> dict[str, NDArray[np.bool_]]:
    """Tell which cells have numbers that cannot be.

    Parameters
    ----------
    temperature, humidity, wind, rain
        One shape, in °C, %, km/h and mm; NaN is missing, and not bad.

    Returns
    -------
    dict
        By what is wrong, for people: bool, True where it is.
    """
    with np.errstate(invalid="ignore"):
        return {
            "temperature that cannot be": (temperature < COLDEST)
            | (temperature > WARMEST),
            "humidity above 100": humidity > 100,
            "humidity below 1": humidity < DRIEST,
            "wind that cannot be": (wind < 0) | (wind > STRONGEST),
            "negative rain": rain < 0,
            "rain that cannot be": rain > WETTEST,
        }
