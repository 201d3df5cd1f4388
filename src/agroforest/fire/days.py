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

    @property
    def trail(self) -> "Trail":
        """What tomorrow needs of it."""
        return Trail(codes=self.codes, spell=self.spell, led=self.led)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Trail:
    """What a day needs of the days before it.

    Attributes
    ----------
    codes, spell, led
        As of `CellDay`, after the last day with weather.
    """

    codes: Codes
    spell: DrySpell = field(repr=False)
    led: int = 0

    @classmethod
    def begin(
        cls, shape: tuple[int, ...], *, day: int, method: Method | None = None
    ) -> "Trail":
        """Trail of cells of which nothing is known before `day`."""
        codes = Codes.start(shape, day=day - 1, method=method)
        return cls(codes=codes, spell=DrySpell.start(shape))


def advance(
    trail: Trail, weather: CellWeather, day: int, *, least_rain: float = LEAST_RAIN
) -> CellDay:
    """Lead the codes through one day that the weather has.

    Parameters
    ----------
    trail
        Of the days before.
    weather
        On the cells.
    day
        Since 1970-01-01, after those of the trail.
    least_rain
        Millimetres a day that end a dry spell.
    """
    today = weather.bring(day)
    latitude = np.ascontiguousarray(weather.cells.latitude)
    spell = trail.spell
    if day != trail.codes.day + 1:
        spell = DrySpell.start(weather.cells.grid.shape)
    codes, indices = step(trail.codes, today, latitude=latitude, threads=2)
    return CellDay(
        weather=today,
        codes=codes,
        indices=indices,
        spell=spell.step(today.rain, least=least_rain),
        led=trail.led + 1,
    )


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
    trail = Trail.begin(weather.cells.grid.shape, day=asked[0], method=method)
    for day in asked:
        found = advance(trail, weather, day, least_rain=least_rain)
        trail = found.trail
        if progress is not None:
            progress(found.led, len(asked), str(found.weather.date))
        if day >= first:
            yield found
