"""Moisture codes: all that tomorrow's fire weather needs of the days before."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from agroforest.core.errors import ConfigurationError, DataError
from agroforest.indices.fire_weather.daylength import DAY_LENGTHS
from agroforest.indices.fire_weather.equations import PUBLISHED_SCALE

#: Names of the arrays, as they are kept.
CODES = ("ffmc", "dmc", "dc", "stale", "missed", "active", "winter_rain")


@dataclass(frozen=True, kw_only=True, slots=True)
class StartUp:
    """Codes on the day before the first.

    The published start-up values (Van Wagner 1987): fuel three days after snow melt
    or after soaking rain. Fine fuel forgets them in days, duff in about a month, the
    drought code in several months or with a soaking rain.
    """

    ffmc: float = 85.0
    dmc: float = 6.0
    dc: float = 15.0

    def __post_init__(self) -> None:
        if not (0 <= self.ffmc <= 101 and self.dmc >= 0 and self.dc >= 0):
            raise ConfigurationError(
                "start-up codes",
                f"FFMC {self.ffmc}, DMC {self.dmc}, DC {self.dc} cannot be",
                "FFMC lies between 0 and 101, DMC and DC are not negative",
            )
        if not all(map(np.isfinite, (self.dmc, self.dc))):
            raise ConfigurationError("start-up codes", "are not finite", "give numbers")


@dataclass(frozen=True, kw_only=True, slots=True)
class Method:
    """What the codes of two days must have in common.

    Attributes
    ----------
    scale
        Moisture scale of the fine fuel moisture code: 147.2 as published, or
        147.27723 as in newer releases of cffdrs.
    day_length
        ``"cffdrs"`` or ``"gfwed"``; see `daylength`.
    """

    scale: float = PUBLISHED_SCALE
    day_length: str = "cffdrs"

    def __post_init__(self) -> None:
        if not 147.0 < self.scale < 148.0 or self.day_length not in DAY_LENGTHS:
            raise ConfigurationError(
                "fire weather",
                f"scale {self.scale}, day length {self.day_length!r} is no method",
                "use 147.2 or 147.27723, and cffdrs or gfwed",
            )


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Codes:
    """Moisture codes after the weather of a day, at any number of places.

    Attributes
    ----------
    day
        Days since 1970-01-01.
    method
        How they were computed.
    ffmc, dmc, dc
        One shape, float64: fine fuel moisture code (0 to 101), duff moisture code
        and drought code (from 0). Never NaN: where the weather was missing they are
        those of an earlier day, and out of season those of the last day in season.
    stale
        Same shape, int16: days in a row without weather, up to `day`; 0 is fresh.
    missed
        Same shape, int16: days without weather since the start-up, in all.
    active
        Same shape, bool: True in the fire season (all year where there is no winter).
    winter_rain
        Same shape, float64: millimetres since the season ended; 0 in season, NaN
        where no season has been seen yet.
    """

    day: int
    method: Method
    ffmc: NDArray[np.float64]
    dmc: NDArray[np.float64]
    dc: NDArray[np.float64]
    stale: NDArray[np.int16]
    missed: NDArray[np.int16]
    active: NDArray[np.bool_]
    winter_rain: NDArray[np.float64]

    @classmethod
    def start(
        cls,
        shape: tuple[int, ...],
        *,
        day: int,
        start_up: StartUp | None = None,
        method: Method | None = None,
        resting: bool = False,
    ) -> "Codes":
        """Codes of places of which nothing is known yet.

        Parameters
        ----------
        shape
            Of the weather to come; ``()`` for one station.
        day
            The day before the first weather.
        start_up, method
            The published ones unless given.
        resting
            True to begin in a winter whose autumn is not known: the first season
            then starts with the start-up values.
        """
        values = start_up or StartUp()
        return cls(
            day=day,
            method=method or Method(),
            ffmc=np.full(shape, values.ffmc, dtype=np.float64),
            dmc=np.full(shape, values.dmc, dtype=np.float64),
            dc=np.full(shape, values.dc, dtype=np.float64),
            stale=np.zeros(shape, dtype=np.int16),
            missed=np.zeros(shape, dtype=np.int16),
            active=np.full(shape, not resting, dtype=np.bool_),
            winter_rain=np.full(shape, np.nan if resting else 0.0),
        )

    def patch(self, **changes: object) -> "Codes":
        """Copy with some fields changed; the others are shared, not copied."""
        return replace(self, **changes)  # type: ignore[arg-type]

    @property
    def shape(self) -> tuple[int, ...]:
        """Of each array."""
        return self.ffmc.shape

    def arrays(self) -> dict[str, NDArray[np.generic]]:
        """Arrays by name, to be kept."""
        return {name: getattr(self, name) for name in CODES}

    def attributes(self) -> dict[str, object]:
        """Everything else, as plain values: `from_saved` restores it exactly."""
        return {
            "fire_weather_day": self.day,
            "ffmc_scale": self.method.scale,
            "day_length": self.method.day_length,
        }

    @classmethod
    def from_saved(
        cls, arrays: Mapping[str, NDArray[np.generic]], attributes: Mapping[str, object]
    ) -> "Codes":
        """Inverse of `arrays` and `attributes`.

        Raises
        ------
        DataError
            If a field is missing or the arrays differ in shape.
        """
        try:
            fields = {name: arrays[name] for name in CODES}
            day = int(attributes["fire_weather_day"])  # type: ignore[call-overload]
            method = Method(
                scale=float(attributes["ffmc_scale"]),  # type: ignore[arg-type]
                day_length=str(attributes["day_length"]),
            )
        except KeyError as error:
            raise DataError(
                "fire weather state",
                f"has no {error.args[0]!r}",
                "start again from the first day of the weather",
            ) from None
        if len({array.shape for array in fields.values()}) != 1:
            raise DataError(
                "fire weather state",
                "has arrays of several shapes",
                "start again from the first day of the weather",
            )
        return cls(day=day, method=method, **fields)  # type: ignore[arg-type]
