"""What a field's records say: its weather, its irrigation, its canopy, its probes."""

from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray

_DAILY = (
    *("t_max", "t_min", "radiation", "vapour", "dew_point"),
    *("rh_max", "rh_min", "wind", "rain", "reference_et"),
)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class DailyWeather:
    """Daily weather of one station; every array is (days,), float64, NaN is missing.

    Attributes
    ----------
    days
        (days,) int64, days since 1970-01-01, each once, in order.
    t_max, t_min
        Air temperature at 2 m, °C.
    radiation
        Incoming solar radiation, MJ m⁻² d⁻¹.
    vapour
        Actual vapour pressure, kPa.
    dew_point
        °C.
    rh_max, rh_min
        Relative humidity, %.
    wind
        Mean wind speed, m/s, at `wind_height`.
    rain
        mm.
    reference_et
        Reference evapotranspiration where the source has it, mm.
    latitude
        Degrees north; NaN is unknown.
    elevation
        Metres; NaN is unknown.
    wind_height
        Metres.
    tall
        True if the reference is alfalfa of 0.50 m instead of grass of 0.12 m.
    """

    days: NDArray[np.int64]
    t_max: NDArray[np.float64]
    t_min: NDArray[np.float64]
    radiation: NDArray[np.float64]
    vapour: NDArray[np.float64]
    dew_point: NDArray[np.float64]
    rh_max: NDArray[np.float64]
    rh_min: NDArray[np.float64]
    wind: NDArray[np.float64]
    rain: NDArray[np.float64]
    reference_et: NDArray[np.float64]
    latitude: float
    elevation: float
    wind_height: float = 2.0
    tall: bool = False

    def __post_init__(self) -> None:
        lengths = {len(getattr(self, name)) for name in ("days", *_DAILY)}
        if len(lengths) != 1:
            raise ValueError(f"weather has columns of several lengths: {lengths}")
        if np.any(np.diff(self.days) <= 0):
            raise ValueError("days of the weather are not in order, each once")

    def patch(self, **changes: object) -> Self:
        """Copy with some fields changed."""
        return replace(self, **changes)  # type: ignore[arg-type]

    def between(self, first: int, last: int) -> Self:
        """Days from `first` to `last`, both included."""
        kept = (self.days >= first) & (self.days <= last)
        cut = {name: getattr(self, name)[kept] for name in ("days", *_DAILY)}
        return self.patch(**cut)


@dataclass(frozen=True, kw_only=True, slots=True)
class Watering:
    """An irrigation.

    Attributes
    ----------
    day
        Days since 1970-01-01.
    depth
        Water that left the pipe, mm over the whole field.
    wetted
        Share of the ground that it wets, above 0 to 1 (FAO-56 Table 20).
    efficiency
        Share that reaches the soil, 0 to 1.
    """

    day: int
    depth: float
    wetted: float = 1.0
    efficiency: float = 1.0


@dataclass(frozen=True, kw_only=True, slots=True)
class CanopySeen:
    """What was seen of a canopy on a day; NaN where it was not seen.

    Attributes
    ----------
    day
        Days since 1970-01-01.
    kcb
        Basal crop coefficient.
    height
        Metres.
    cover
        Share of the ground under leaves, 0 to 1.
    """

    day: int
    kcb: float = np.nan
    height: float = np.nan
    cover: float = np.nan


@dataclass(frozen=True, kw_only=True, slots=True)
class ProfileSeen:
    """Soil moisture measured in layers on a day.

    Attributes
    ----------
    day
        Days since 1970-01-01.
    bottom_mm
        Lower edges of the layers, millimetres, downwards.
    moisture
        m³ in a m³ of each layer.
    """

    day: int
    bottom_mm: tuple[float, ...]
    moisture: tuple[float, ...]
