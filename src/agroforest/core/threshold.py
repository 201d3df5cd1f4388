"""From which probability on a case is worth a look, as verdicts taught it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from agroforest.core.risk import Hazard

#: Stands for every county that has no threshold of its own.
EVERYWHERE = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Threshold:
    """From which probability on cases of a hazard are opened in a county.

    Attributes
    ----------
    hazard
        Of what.
    county
        Code; `EVERYWHERE` for counties without a threshold of their own.
    value
        Probability, 0..1; alerts below it are recorded, and their cases open closed.
    target
        Share of confirmed cases that was asked for, 0..1.
    verdicts
        Decided cases at or above `value` that it rests on.
    precision, low, high
        Share of them that were confirmed, and its 95 % Wilson interval, 0..1.
    """

    hazard: Hazard
    county: str
    value: float
    target: float
    verdicts: int
    precision: float
    low: float
    high: float


@dataclass(frozen=True, kw_only=True, slots=True)
class ThresholdSet:
    """All thresholds from a moment on; taking and reverting both add one.

    Attributes
    ----------
    version
        From 1, without gaps; the last one is in force.
    time
        When it was taken, UTC.
    by
        Name of the account.
    thresholds
        By hazard and county, each pair once.
    note
        Why, in their words.
    reverts_to
        Version whose thresholds these are; 0 if they are new.
    """

    version: int
    time: datetime
    by: str
    thresholds: tuple[Threshold, ...] = ()
    note: str = ""
    reverts_to: int = 0

    def find(self, hazard: Hazard, county: str) -> Threshold | None:
        """Find what holds for a county: its own, else that of everywhere."""
        return find_threshold(self.thresholds, hazard, county)


def find_threshold(
    thresholds: Iterable[Threshold], hazard: Hazard, county: str
) -> Threshold | None:
    """Find what holds for a hazard in a county: its own, else that of everywhere."""
    known = {t.county: t for t in thresholds if t.hazard == hazard}
    return known.get(county) or known.get(EVERYWHERE)
