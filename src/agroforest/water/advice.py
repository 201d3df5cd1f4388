"""What advice says: whether to irrigate, how much, until when, and how sure that is."""

from dataclasses import asdict, dataclass, replace
from datetime import date
from enum import Enum, StrEnum
from typing import NamedTuple

from agroforest.water.drought import Drought
from agroforest.water.notices import Notice
from agroforest.water.plot import Amount, Evidence, Plot


class Reason(NamedTuple):
    """Why, in two languages."""

    zh: str
    en: str


class Verdict(StrEnum):
    """What to do."""

    IRRIGATE = "irrigate"
    RAIN_COMES = "rain-comes"  #: short without the rain that is forecast
    ENOUGH = "enough"  #: not short in the days ahead, rain or not
    WITHHELD = "withheld"  #: rests on a reading that is not trusted


class Confidence(StrEnum):
    """How sure the verdict is, in words."""

    HIGH = "high"
    FAIR = "fair"
    LOW = "low"


@dataclass(frozen=True, kw_only=True, slots=True)
class Advice:
    """Advice for one field.

    Attributes
    ----------
    plot
        The field.
    day
        Evening that it rests on.
    verdict
        What to do.
    depletion_mm
        Water short of field capacity that evening; ``None`` when withheld, like the
        other numbers.
    short_mm, short_day
        Largest shortage beyond the readily available water in the days ahead, and
        when; ``None`` if never short.
    latest
        Last day on which irrigation still prevents stress; tomorrow if it is overdue,
        the first day on which water can still be given.
    overdue
        True if the shortage is there already and tomorrow's rain does not end it.
    amount
        Water to give.
    rain_mm, until
        Forecast for the days ahead, and the last of them.
    probability
        That the verdict is right, 0 to 1, by the uncertainty of the balance alone.
    confidence
        The same in words.
    drought
        By relative soil moisture.
    reasons
        Why, in two languages.
    readings
        Ids of what the balance was drawn to.
    distrusted
        Those of them for which advice is withheld, with the reason.
    notices
        Heat and frost.
    zh, en
        The advice as a sentence.
    """

    plot: Plot
    day: date
    verdict: Verdict
    depletion_mm: float | None = None
    short_mm: float | None = None
    short_day: date | None = None
    latest: date | None = None
    overdue: bool = False
    amount: Amount | None = None
    rain_mm: float | None = None
    until: date | None = None
    probability: float | None = None
    confidence: Confidence | None = None
    drought: Drought | None = None
    reasons: tuple[Reason, ...] = ()
    readings: tuple[str, ...] = ()
    distrusted: tuple[Evidence, ...] = ()
    notices: tuple[Notice, ...] = ()
    zh: str = ""
    en: str = ""

    def patch(self, **changes: object) -> "Advice":
        """Copy with some fields changed."""
        return replace(self, **changes)  # type: ignore[arg-type]

    def plain(self) -> dict[str, object]:
        """As plain values, for JSON: dates as ISO 8601, classes as words."""
        found = asdict(self) | {
            "drought": None if self.drought is None else self.drought.name.lower(),
            "reasons": [reason._asdict() for reason in self.reasons],
        }
        return {name: _norm(value) for name, value in found.items()}


def _norm(value: object) -> object:
    """Plain value of a value, its parts and theirs."""
    if isinstance(value, dict):
        return {key: _norm(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_norm(one) for one in value]
    if isinstance(value, date):
        return value.isoformat()
    return value.value if isinstance(value, Enum) else value
