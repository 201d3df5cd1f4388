"""Numbers, days, times and cases as people read them, in their language."""

from dataclasses import dataclass, field
from datetime import date, datetime
from zoneinfo import ZoneInfo

from agroforest.core.queue import QueueRow
from agroforest.core.review import WAITING, Case, Stage
from agroforest.core.units import MU_PER_HA
from agroforest.web.words import Words

_MONTHS = (
    *("Jan", "Feb", "Mar", "Apr", "May", "Jun"),
    *("Jul", "Aug", "Sep", "Oct", "Nov", "Dec"),
)
_MINUTE, _HOUR, _DAY = 60, 3600, 86_400
#: A deadline nearer than this is pressing, seconds. Arbitrary.
_SOON_S = 1800


@dataclass(frozen=True, kw_only=True, slots=True)
class Speech:
    """How one reader is told numbers and times.

    Attributes
    ----------
    words
        In their language.
    zone
        Of the desk.
    now
        UTC.
    today
        Day at the desk.
    """

    words: Words
    zone: ZoneInfo
    now: datetime
    today: date = field(init=False)

    def __post_init__(self) -> None:
        today = self.now.astimezone(self.zone).date()
        object.__setattr__(self, "today", today)

    def number(self, value: float, digits: int = 0) -> str:
        """Write a number with thousands apart."""
        return f"{value:,.{digits}f}"

    def area(self, ha: float) -> str:
        """Write an area in hectares and mu, with about three figures."""
        return self.words("unit.area", ha=_figures(ha), mu=_figures(ha * MU_PER_HA))

    def percent(self, share: float | None) -> str:
        """Write a share of one; a word where it is not known."""
        if share is None:
            return self.words("unit.unknown")
        return self.words("unit.percent", value=f"{100 * share:.0f}")

    def day(self, day: date) -> str:
        """Write a day."""
        if self.words.language == "zh":
            return f"{day.year}年{day.month}月{day.day}日"
        return f"{day.day} {_MONTHS[day.month - 1]} {day.year}"

    def time(self, moment: datetime) -> str:
        """Write a moment to the minute, as clocks at the desk show it."""
        there = moment.astimezone(self.zone)
        return f"{self.day(there.date())} {there:%H:%M}"

    def age(self, day: date) -> str:
        """Say how long ago a day was."""
        days = (self.today - day).days
        near = {-1: "age.tomorrow", 0: "age.today", 1: "age.yesterday"}
        if days in near:
            return self.words(near[days])
        return self.words("age.days" if days > 0 else "age.ahead", n=abs(days))

    def left(self, due: datetime) -> str:
        """Say how long there is until a deadline, or since."""
        seconds = (due - self.now).total_seconds()
        kind, size = "left" if seconds >= 0 else "late", abs(seconds)
        if size < 2 * _HOUR:
            return self.words(f"{kind}.minutes", n=int(size // _MINUTE))
        if size < 2 * _DAY:
            return self.words(f"{kind}.hours", n=int(size // _HOUR))
        return self.words(f"{kind}.days", n=int(size // _DAY))


@dataclass(frozen=True, kw_only=True, slots=True)
class RowView:
    """A row of the queue, in words.

    Attributes
    ----------
    id, version, hazard, stage
        As on the case; the last two for style sheets and scripts.
    short
        Start of the id, enough to tell neighbours apart.
    name, place, area, probability, first, age, clear, clear_age, stage_name
        As shown.
    verdict
        Name of the verdict and of its reason; empty before the first.
    assignee
        Name of whoever is responsible.
    due, pressing
        How long is left, and ``late``, ``soon`` or nothing.
    is_waiting
        Whether somebody has to act.
    mark
        What the box that marks it is called.
    acts
        What the keys of the queue may do with it, with blanks between.
    """

    id: str
    short: str
    version: int
    hazard: str
    stage: str
    name: str
    place: str
    area: str
    probability: str
    first: str
    age: str
    clear: str
    clear_age: str
    stage_name: str
    verdict: str
    assignee: str
    due: str
    pressing: str
    is_waiting: bool
    mark: str
    acts: str = ""


def view_row(
    row: QueueRow | Case, speech: Speech, *, assignee: str, may_judge: bool = False
) -> RowView:
    """Put a row of the queue into words."""
    words = speech.words
    stated = [words.name(x) for x in (row.verdict, row.reason) if x is not None]
    is_pressing = row.due is not None and row.stage in WAITING
    return RowView(
        id=row.id,
        short=row.id[:8],
        version=row.version,
        hazard=str(row.hazard),
        stage=str(row.stage),
        name=words.name(row.hazard),
        place=words.pick(row.county[1:]) or words("queue.unknown_county"),
        area=speech.area(row.area_ha),
        probability="" if row.probability is None else speech.percent(row.probability),
        first=speech.day(row.first_night),
        age=speech.age(row.first_night),
        clear=speech.day(row.evidence),
        clear_age=speech.age(row.evidence),
        stage_name=words.name(row.stage),
        verdict=" · ".join(stated),
        assignee=assignee,
        due=speech.left(row.due) if row.due is not None and is_pressing else "",
        pressing=_pressing(row.due, speech.now) if is_pressing else "",
        is_waiting=row.stage in WAITING,
        mark=words("queue.mark", id=row.id[:8]),
        acts=" ".join(_find_key_acts(row.stage)) if may_judge else "",
    )


def _find_key_acts(stage: Stage) -> tuple[str, ...]:
    """Acts that the queue has keys for, at a stage."""
    if stage == Stage.PRESCREEN:
        return ("pass", "dismiss")
    return ("confirm", "dismiss") if stage == Stage.VERDICT else ()


def _pressing(due: datetime | None, now: datetime) -> str:
    if due is None:
        return ""
    seconds = (due - now).total_seconds()
    return "late" if seconds < 0 else "soon" if seconds < _SOON_S else ""


def _figures(value: float) -> str:
    """About three figures: 0.052, 1.24, 18.1, 271, 12,450."""
    digits = 3 if value < 0.1 else 2 if value < 10 else 1 if value < 100 else 0
    return f"{value:,.{digits}f}"
