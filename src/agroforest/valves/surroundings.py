"""What the interlock is told of sensors and weather; values, no questions asked."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class SensorWord:
    """Whether a sensor can be believed.

    Attributes
    ----------
    time
        Of its newest reading; ``None`` if there is none.
    trusted
        False if quality control distrusts that reading.
    reason
        Why.
    moisture
        Its newest soil moisture, m3/m3, where it measures that.
    """

    time: datetime | None
    trusted: bool = True
    reason: str = ""
    moisture: float | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class WeatherWord:
    """Rain and wind around a moment; ``None`` where unknown.

    Attributes
    ----------
    time
        For which moment it speaks: how old it is.
    rain_forecast_mm, rain_measured_mm
        Millimetres in the hours ahead and past.
    wind_ms
        Metres a second.
    """

    time: datetime
    rain_forecast_mm: float | None = None
    rain_measured_mm: float | None = None
    wind_ms: float | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Surroundings:
    """Both.

    Attributes
    ----------
    sensors
        By id; one that is absent is not known.
    weather
        ``None`` if nothing is known.
    """

    sensors: Mapping[str, SensorWord] = field(default_factory=dict)
    weather: WeatherWord | None = None
