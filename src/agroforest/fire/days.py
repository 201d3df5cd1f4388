"""Day after day on the cells: moisture codes led through the weather."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np

from agroforest.core.errors import NoInputError
from agroforest.core.weather import NoonWeather
from agroforest.fire.weather_on_cells import CellWeather
from agroforest.indices.fire_weather import Codes, FireWeather, Method, step
from agroforest.indices.fire_weather.htz import DrySpell

#: Days led through before the first that is shown. The drought code forgets its
#: start-up value in several months; a year and a month: our choice.
SPIN_UP = 400
#: Fewer days before the first shown are said: the drought code has not settled.
SETTLED = 90
#: Less rain in a day, in mm, is none: the canopy's share in the fine fuel moisture code
#: (Van Wagner 1987, Eq. 2).
LEAST_RAIN = 0.5


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class CellDay:
    """A day on the cells.

    Attributes
    ----------
    weather
        ``(y, x)``.
    codes, indices
        After its weather.
    spell
        The last rain and the dry days since; unknown after a missing day until it
        rains again.
    led
        Days with weather that the codes were led through, this one too.
    """

    weather: NoonWeather
    codes: Codes
    indices: FireWeather
    spell: DrySpell = field(repr=False)
    led: int


def walk(
    weather: CellWeather,
    *,
    first: int,
    last: int,
    spin_up: int = SPIN_UP,
    least_rain: float = LEAST_RAIN,
    method: Method | None = None,
    progress: Callable[[int, int, str], None] | None = None,
) -> Iterator[CellDay]:
    """Lead the codes over the cells and give each day from the first asked.

    Parameters
    ----------
    weather
        On the cells.
    first, last
        Days since 1970-01-01, both given out if the weather has them.
    spin_up
        Days before the first, at most, that the codes are led through.
    least_rain
        Millimetres a day that end a dry spell.
    method
        Scale and day lengths; the published ones unless given.
    progress
        Told days done, days in all, and what.

    Raises
    ------
    NoInputError
        The weather has none of the days.
    """
    asked = weather.days[
        (weather.days >= first - spin_up) & (weather.days <= last)
    ].tolist()
    if not any(day >= first for day in asked):
        start, end, *have = np.array(
            [first, last, weather.days[0], weather.days[-1]], dtype="datetime64[D]"
        )
        raise NoInputError(
            "weather",
            f"has no day from {start} to {end}",
            f"ask for one of {have[0]} to {have[1]}",
        )
    shape = weather.cells.grid.shape
    codes = Codes.start(shape, day=asked[0] - 1, method=method)
    spell = DrySpell.start(shape)
    before = asked[0] - 1
    latitude = np.ascontiguousarray(weather.cells.latitude)
    for led, day in enumerate(asked, start=1):
        today = weather.bring(day)
        codes, indices = step(codes, today, latitude=latitude, threads=2)
        if day != before + 1:
            spell = DrySpell.start(shape)
        spell = spell.step(today.rain, least=least_rain)
        before = day
        if progress is not None:
            progress(led, len(asked), str(today.date))
        if day >= first:
            yield CellDay(
                weather=today, codes=codes, indices=indices, spell=spell, led=led
            )
