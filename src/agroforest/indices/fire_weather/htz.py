"""Chinese forest fire-weather rank after LY/T 1172-95: HTZ = A + B + C + D - E.

A follows from the day's highest temperature, B from its lowest humidity, C from the
last rain and the dry days since, D from its strongest wind, E from how green or snowy
the ground is. The points are tables of the standard. They are settings here, not code:
`SHIPPED` holds them as they are commonly reproduced, marked "verify": until an office
that holds the standard has compared them, a rank made with them is shown and decides
nothing (docs/fire.md). A table that is missing is refused by name.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, model_validator

from agroforest.core.config import read_settings
from agroforest.core.errors import ConfigurationError

SHIPPED = Path(__file__).with_name("htz.toml")

#: Least wind of force 1, 2, … 12, m/s at 10 m (Beaufort scale, WMO-No. 306).
BEAUFORT = (0.3, 1.6, 3.4, 5.5, 8.0, 10.8, 13.9, 17.2, 20.8, 24.5, 28.5, 32.7)
_KMH = 3.6  # km/h in a m/s

_Points = tuple[Annotated[float, Field(ge=0)], ...]


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Steps(_Section):
    """Points of a number: as many limits, rising, and one more class of points."""

    limits: tuple[float, ...] = ()
    """A number on a limit belongs to the class below it."""
    points: _Points = ()

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.points and len(self.points) != len(self.limits) + 1:
            raise ValueError("points are one more than limits")
        if list(self.limits) != sorted(set(self.limits)):
            raise ValueError("limits rise")
        return self

    def read(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Points of numbers; NaN stays NaN."""
        place = np.searchsorted(self.limits, values, side="left")
        found = np.asarray(self.points)[place]
        return np.where(np.isnan(values), np.nan, found)


class RainSteps(_Section):
    """Points of the last rain (rows) and of the dry days since (columns)."""

    least: float = 0.0
    """Less rain than this, in mm, is none."""
    limits: tuple[float, ...] = ()
    """Millimetres between the rows."""
    points: tuple[_Points, ...] = ()
    """A row is for 0, 1, 2, … dry days; its last number holds from there on."""

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.points and len(self.points) != len(self.limits) + 1:
            raise ValueError("rows of points are one more than limits")
        if len({len(row) for row in self.points}) > 1:
            raise ValueError("rows of points are equally long")
        return self

    def read(
        self, rain: NDArray[np.float64], dry_days: NDArray[np.integer]
    ) -> NDArray[np.float64]:
        """Points; NaN where no rain is known yet."""
        table = np.asarray(self.points)
        row = np.searchsorted(self.limits, rain, side="left")
        column = np.minimum(dry_days, table.shape[1] - 1)
        return np.where(np.isnan(rain), np.nan, table[row, column])


class HtzTables(_Section):
    """A whole file of tables."""

    standard: str = "LY/T 1172-95"
    verify: bool = True
    """True until someone has compared the file with the printed standard."""
    source: str = ""
    a: Steps = Steps()
    """Highest temperature, °C."""
    b: Steps = Steps()
    """Lowest relative humidity, %."""
    c: RainSteps = RainSteps()
    d: _Points = ()
    """By wind force 0, 1, 2, …; the last number holds from there on."""
    e: dict[str, float] = {}
    """By the state of the ground."""
    ranks: tuple[float, ...] = (25.0, 50.0, 72.0, 90.0)
    """Highest HTZ of rank I, II, III and IV."""

    def missing(self) -> tuple[str, ...]:
        """Tables without points, by letter."""
        has = {
            "A": self.a.points,
            "B": self.b.points,
            "C": self.c.points,
            "D": self.d,
            "E": self.e,
        }
        return tuple(letter for letter, points in has.items() if not points)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class DrySpell:
    """The last rain and the dry days since.

    Attributes
    ----------
    rain
        Any shape, float64, mm of the last rainy day; NaN before the first is known.
    days
        Same shape, int16, days without rain since.
    """

    rain: NDArray[np.float64]
    days: NDArray[np.int16]

    @classmethod
    def start(cls, shape: tuple[int, ...]) -> "DrySpell":
        """Nothing known yet."""
        return cls(rain=np.full(shape, np.nan), days=np.zeros(shape, dtype=np.int16))

    def step(self, rain: NDArray[np.float64], *, least: float) -> "DrySpell":
        """One day on; a missing number breaks the count, and the spell is unknown."""
        wet = rain >= max(least, np.nextafter(0.0, 1.0))
        last = np.where(wet, rain, np.where(np.isnan(rain), np.nan, self.rain))
        days = np.where(wet, 0, np.minimum(self.days + 1, np.iinfo(np.int16).max))
        return DrySpell(rain=last, days=days.astype(np.int16))


def read_htz_tables(path: Path = SHIPPED) -> HtzTables:
    """Read a file of tables.

    Raises
    ------
    ConfigurationError
        One line with the file, the setting, its value and the way out.
    """
    return read_settings(path, HtzTables, manual="docs/fire.md")


def find_wind_force(wind: NDArray[np.floating]) -> NDArray[np.int8]:
    """Beaufort force, 0 to 12, of a wind in km/h; -1 for NaN."""
    force = np.searchsorted(BEAUFORT, np.asarray(wind) / _KMH, side="right")
    return np.where(np.isnan(wind), -1, force).astype(np.int8)


def find_htz(
    tables: HtzTables,
    *,
    temperature: NDArray[np.float64],
    humidity: NDArray[np.float64],
    wind: NDArray[np.float64],
    spell: DrySpell,
    ground: str,
) -> tuple[NDArray[np.float64], NDArray[np.int8]]:
    """HTZ and its rank.

    Parameters
    ----------
    tables
        Complete.
    temperature, humidity, wind
        One shape, NaN missing: the day's highest °C, lowest %, strongest km/h.
    spell
        Same shape: the last rain.
    ground
        A key of table E.

    Returns
    -------
    tuple
        HTZ, float64, NaN where something is missing; and the rank, int8, 1 to 5, 0
        where it is not known.

    Raises
    ------
    ConfigurationError
        If a table is missing, or the ground has no entry.
    """
    if lost := tables.missing():
        raise ConfigurationError(
            tables.standard,
            f"table {', '.join(lost)} is not given",
            "copy it from the standard into a file of tables, see docs/fire.md",
        )
    if ground not in tables.e:
        raise ConfigurationError(
            tables.standard,
            f"ground {ground!r} has no points",
            f"use one of {', '.join(tables.e)}",
        )
    force = find_wind_force(wind)
    strength = np.asarray(tables.d)[np.clip(force, 0, len(tables.d) - 1)]
    total = (
        tables.a.read(temperature)
        + tables.b.read(humidity)
        + tables.c.read(spell.rain, spell.days)
        + np.where(force < 0, np.nan, strength)
        - tables.e[ground]
    )
    rank = 1 + np.searchsorted(tables.ranks, total, side="left")
    return total, np.where(np.isnan(total), 0, rank).astype(np.int8)
