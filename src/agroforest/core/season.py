"""Seasons: the same days of every year, so that years can be compared."""

import re
from dataclasses import dataclass
from datetime import date
from typing import Self

_SPELLING = re.compile(r"(\d\d)-(\d\d)/(\d\d)-(\d\d)")


@dataclass(frozen=True, kw_only=True, slots=True)
class Season:
    """A window of the year, both days included.

    Attributes
    ----------
    start, end
        Month and day. A season whose end comes before its start crosses the new
        year and belongs to the year in which it ends.
    """

    start: tuple[int, int]
    end: tuple[int, int]

    def __post_init__(self) -> None:
        for month, day in (self.start, self.end):
            try:
                date(2001, month, day)  # a year without 29 February
            except ValueError as error:
                raise ValueError(
                    f"{month:02d}-{day:02d} is not a day of every year"
                ) from error

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``MM-DD/MM-DD``.

        Raises
        ------
        ValueError
            If it is spelled otherwise, or names a day that some years do not have.
        """
        match = _SPELLING.fullmatch(text.strip())
        if match is None:
            raise ValueError(f"season {text!r} is not MM-DD/MM-DD, as 08-15/10-15")
        a, b, c, d = (int(part) for part in match.groups())
        return cls(start=(a, b), end=(c, d))

    def __str__(self) -> str:
        """As `parse` reads it."""
        return "{:02d}-{:02d}/{:02d}-{:02d}".format(*self.start, *self.end)

    def window(self, year: int) -> tuple[date, date]:
        """First and last day of a year's season."""
        began = year if self.start <= self.end else year - 1
        return date(began, *self.start), date(year, *self.end)

    def holds(self, day: date, year: int) -> bool:
        """Whether a day lies in a year's season."""
        first, last = self.window(year)
        return first <= day <= last

    def latest(self, day: date) -> int:
        """Year of the newest season that is over before a day."""
        return day.year if self.window(day.year)[1] < day else day.year - 1
