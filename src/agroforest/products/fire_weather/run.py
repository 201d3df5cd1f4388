"""Day after day: the codes led through a series of weather."""

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from agroforest.core.errors import NoInputError
from agroforest.core.weather import Field, NoonWeather
from agroforest.indices.fire_weather import Codes, FireWeather, StartUp, step

#: What is written of each day.
NAMES = ("ffmc", "dmc", "dc", "isi", "bui", "fwi")


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Day:
    """What a day's weather made of the codes."""

    weather: NoonWeather
    codes: Codes
    indices: FireWeather

    def values(self) -> dict[str, Field]:
        """By name, in the order of `NAMES`, and the daily severity rating."""
        codes, found = self.codes, self.indices
        return {
            "ffmc": codes.ffmc,
            "dmc": codes.dmc,
            "dc": codes.dc,
            "isi": found.isi,
            "bui": found.bui,
            "fwi": found.fwi,
            "dsr": found.dsr,
        }


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Run:
    """A series led through.

    Attributes
    ----------
    days
        In order.
    codes
        After the last day that had happened: what to go on with tomorrow. Forecast
        days leave no trace in it.
    known
        Days left out because the codes held them already.
    restarts
        Days at which the codes began again after a long gap.
    """

    days: tuple[Day, ...] = field(repr=False)
    codes: Codes
    known: int
    restarts: tuple[int, ...]


def run_days(
    weather: Iterable[NoonWeather],
    codes: Codes,
    *,
    latitude: float | NDArray[np.floating],
    start_up: StartUp,
    restart_after: int | None = None,
    threads: int = 1,
) -> Run:
    """Lead codes through days of weather.

    Parameters
    ----------
    weather
        In order of days.
    codes
        Of a day before, or of one in between: days up to it are left out.
    latitude
        As for `step`.
    start_up
        Codes to begin with again after a gap.
    restart_after
        Days without weather after which the codes begin again; never unless given,
        they are then carried over the gap, however long.
    threads
        As for `step`.

    Raises
    ------
    NoInputError
        If no day is later than the codes.
    """
    done: list[Day] = []
    restarts: list[int] = []
    known, kept = 0, codes
    for today in weather:
        if today.day <= codes.day:
            known += 1
            continue
        gap = today.day - codes.day - 1
        if restart_after is not None and gap > restart_after:
            restarts.append(today.day)
            codes = Codes.start(
                codes.shape,
                day=today.day - 1,
                start_up=start_up,
                method=codes.method,
            )
        codes, indices = step(codes, today, latitude=latitude, threads=threads)
        done.append(Day(weather=today, codes=codes, indices=indices))
        if not today.forecast:
            kept = codes
    if not done:
        raise NoInputError(
            "weather",
            f"has no day after the {known} that the state holds",
            "give newer weather, or start without the state",
        )
    return Run(days=tuple(done), codes=kept, known=known, restarts=tuple(restarts))
