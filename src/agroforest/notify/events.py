"""Which steps of cases are news to people."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from agroforest.core.alert import Change
from agroforest.core.message import News
from agroforest.core.review import Act, Case, Stage, Step, Verdict
from agroforest.core.risk import Hazard

#: News that alone tell that something came back, or got larger.
_WORSE = frozenset({Change.GROWN, Change.REOPENED})

_PARTS = 3  # of the key of an alert's change: alert, night, change


@dataclass(frozen=True, kw_only=True, slots=True)
class Event:
    """Something that happened to a case, and that people may be told.

    Attributes
    ----------
    news
        What it is.
    case
        As it is afterwards.
    state
        Told once to each person and channel: ``raised``, ``worse:2024-05-03``.
    facts
        From `agroforest.notify.facts.describe_case`.
    to
        Name of the account that alone is told; empty for whoever is concerned.
    """

    news: News
    case: Case
    state: str
    facts: Mapping[str, Any] = field(default_factory=dict, hash=False)
    to: str = ""

    @property
    def urgent(self) -> bool:
        """Whether it may wake people: fires, and where a fire was told of."""
        return self.case.hazard is Hazard.ACTIVE_FIRE


def find_events(
    steps: Iterable[Step],
    cases: Mapping[str, Case],
    describe: Callable[[Case], Mapping[str, Any]],
) -> tuple[Event, ...]:
    """Find the news among steps.

    Parameters
    ----------
    steps
        As recorded, in order.
    cases
        Each case after all of them, by id.
    describe
        Makes a case's facts; called for news only.
    """
    found = []
    for step in steps:
        case = cases.get(step.case)
        if case is None:
            continue
        told = _find_news(step, case)
        if told is not None:
            news, state = told
            found.append(Event(news=news, case=case, state=state, facts=describe(case)))
        if _orders_check(step, case) and case.check is not None:
            found.append(
                Event(
                    news=News.TASK,
                    case=case,
                    state=f"task:{step.number}",
                    facts=describe(case),
                    to=case.check.by,
                )
            )
    return tuple(found)


def _orders_check(step: Step, case: Case) -> bool:
    """Whether this step ordered the open check; a later one would have its time."""
    if step.act not in {Act.ORDER_CHECK, Act.CONFIRM} or case.check is None:
        return False
    return case.check.done is None and case.check.ordered == step.time


def _find_news(step: Step, case: Case) -> tuple[News, str] | None:
    """News of one step with the state it stands for; ``None`` if there is none."""
    number = f"{step.number}"
    match step.act:
        case Act.OPEN if case.waiting:
            return News.RAISED, "raised"
        case Act.SEE:
            return _see(step, case)
        case Act.REOPEN:
            return News.WORSE, f"worse:{number}"
        case Act.CONFIRM if case.hazard is Hazard.ACTIVE_FIRE:
            # A fire does not wait for a second person.
            return News.CONFIRMED, f"confirmed:{number}"
        case Act.APPROVE if case.verdict is Verdict.DISMISSED:
            return News.CANCELLED, f"cancelled:{number}"
        case Act.APPROVE if case.hazard is not Hazard.ACTIVE_FIRE:
            return News.CONFIRMED, f"confirmed:{number}"
        case Act.CLOSE if case.verdict is not Verdict.DISMISSED:
            return News.ENDED, f"ended:{number}"
    return None


def _see(step: Step, case: Case) -> tuple[News, str] | None:
    """News of a night: the change and the night are in its key."""
    parts = step.key.rsplit(":", 2)
    if len(parts) != _PARTS or case.stage in {Stage.MERGED, Stage.SPLIT}:
        return None
    _, night, change = parts
    if change in _WORSE:
        return News.WORSE, f"worse:{night}"
    if change == Change.RELEASED:
        return News.ENDED, f"ended:{night}"
    return None
