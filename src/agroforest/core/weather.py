"""Weather as fire danger needs it: one day, at noon, in declared units."""

from dataclasses import dataclass, replace
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

from agroforest.core.risk import EPOCH

#: A station's number or a grid's array; the four of a day have one shape.
Field = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class NoonWeather:
    """Weather of one day at any number of places.

    Attributes
    ----------
    day
        Days since 1970-01-01.
    temperature
        Any shape, float64, degrees Celsius at noon; NaN is missing, here and below.
    humidity
        Same shape, relative humidity at noon, percent, 0 to 100.
    wind
        Same shape, wind speed at noon, 10 m above open ground, km/h.
    rain
        Same shape, millimetres in the 24 hours that end at noon.
    forecast
        True if the day had not happened when the weather was made.
    """

    day: int
    temperature: Field
    humidity: Field
    wind: Field
    rain: Field
    forecast: bool = False

    def __post_init__(self) -> None:
        shapes = {
            field.shape
            for field in (self.temperature, self.humidity, self.wind, self.rain)
        }
        if len(shapes) != 1:
            raise ValueError(f"weather of one day has several shapes: {shapes}")

    def patch(self, **changes: object) -> "NoonWeather":
        """Copy with some fields changed."""
        return replace(self, **changes)  # type: ignore[arg-type]

    @property
    def date(self) -> date:
        """The day as a date."""
        return EPOCH + timedelta(days=self.day)

    @property
    def shape(self) -> tuple[int, ...]:
        """Of each of the four arrays."""
        return self.temperature.shape


def find_saturation(temperature: Field) -> Field:
    """Saturation vapour pressure over water.

    Parameters
    ----------
    temperature
        Any shape, °C; NaN is missing.

    Returns
    -------
    ndarray
        Same shape, float64, kPa (Tetens; FAO-56 Eq. 11).
    """
    found: Field = 0.6108 * np.exp(17.27 * temperature / (temperature + 237.3))
    return found
