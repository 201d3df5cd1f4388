"""To which year's composite a label belongs.

A composite of a year shows a season of it. What was seen in the field belongs to a
year if, and only if, that season's composite must show it:

- **Damage does not go away.** A canopy seen damaged on a day is damaged in every
  composite after it, so the label belongs to the first season that ends after that
  day. Whether the composite before showed it already is not known unless somebody
  looked: damage seen before the season of the earlier composite was over belongs to
  the earlier year, and damage seen after the later one's to the next.
- **A healthy canopy was healthy before.** Seen healthy on a day, it was so in the
  season that had last begun by then; of later ones nothing is known.

Both allow for some days of tolerance: damage seen shortly after a season had begun
while it lasted, and a canopy that is healthy shortly before a season stays so. Where
only a window of days is known, damage must give the same year from end to end;
health is taken to have been seen on its first day.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

from agroforest.core.season import Season
from agroforest.risk.datasets.survey.labels import Label, Reason, Status

#: Season of the composites that the shipped model knows, and that nights make.
SEASON = Season.parse("08-15/10-15")
#: Days by which a survey may come late (damaged) or early (clean). Arbitrary.
TOLERANCE_DAYS = 30


@dataclass(frozen=True, kw_only=True, slots=True)
class Timing:
    """How days and composites go together.

    Attributes
    ----------
    season
        Of the composites.
    tolerance
        Days that damage may be seen after the season is over, and health before it
        begins, and still be taken for what the composite shows.
    """

    season: Season = field(default=SEASON)
    tolerance: int = TOLERANCE_DAYS

    def find_year(self, label: Label, years: Sequence[int]) -> int | Reason:
        """Find the year whose composite must show what was seen.

        Parameters
        ----------
        label
            What was seen.
        years
            Years that have composites, rising; the first one only as the earlier
            of two.

        Returns
        -------
        int or Reason
            The later year of the two to compare, or why there is none.
        """
        if label.status == Status.CLEAN:
            year = self._begun(label.start)
            return year if year in years[1:] else Reason.YEAR
        closed = [self._closes(year) for year in years]
        first, last = (
            sum(end < day for end in closed) for day in (label.start, label.end)
        )
        if first != last:
            return Reason.WINDOW
        return years[first] if 0 < first < len(years) else Reason.YEAR

    def _closes(self, year: int) -> date:
        """Last day on which damage seen is taken for the year's."""
        return self.season.window(year)[1] + timedelta(days=self.tolerance)

    def _begun(self, day: date) -> int:
        """Year of the newest season that has begun by a day."""
        late = day + timedelta(days=self.tolerance)
        tried = (late.year + 1, late.year, late.year - 1)
        return next(y for y in tried if self.season.window(y)[0] <= late)
