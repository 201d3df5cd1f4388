"""Messages that nights are not being run, and that they are again."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, datetime

from agroforest.core.account import Account, Role
from agroforest.core.message import Delivery, Message, News
from agroforest.notify.policy import Note, write
from agroforest.notify.settings import NotifySection
from agroforest.notify.told import Told

#: Nights that are over and were not run before anybody is told: one may be a machine
#: that was off for a day, and the next catches up on it.
ENOUGH = 2
_LOST = frozenset({Delivery.FAILED, Delivery.DROPPED})
_FIRST = "first"


@dataclass(frozen=True, kw_only=True, slots=True)
class MissedNights:
    """Where the nights of a pipeline stand.

    Attributes
    ----------
    pipeline
        Its name.
    last
        The newest night that was run.
    missed
        Nights that are over and were not, in order.
    """

    pipeline: str
    last: date
    missed: tuple[date, ...] = ()


def subject_of(pipeline: str) -> str:
    """Subject of messages about the nights of a pipeline."""
    return f"nights:{pipeline}"


def report_nights(
    standing: Iterable[MissedNights],
    accounts: Iterable[Account],
    settings: NotifySection,
    now: datetime,
    *,
    told: Collection[Message] = (),
) -> tuple[Message, ...]:
    """Tell administrators of nights that are not run, and when they are again.

    Parameters
    ----------
    standing
        Of each pipeline that is expected to run.
    accounts
        Everybody. Where no administrator can be reached, supervisors are told.
    settings
        Of messages.
    now
        With a time zone.
    told
        Messages of before about these subjects, and those of the last days.

    Returns
    -------
    tuple of Message
        New ones only. From `ENOUGH` missed nights on, once until all of them are
        made up for; then that they are, to those who know.
    """
    known = Told(told, settings.zone)
    last = _find_last(told)
    people = _find_people(accounts, settings)
    made: list[Message] = []
    for each in standing:
        subject = subject_of(each.pipeline)
        for account in people:
            before = last.get((subject, account.name))
            note = _choose(each, before)
            if note is not None:
                made += write(note, account, settings, now, known)
    return tuple(made)


def _choose(each: MissedNights, before: Message | None) -> Note | None:
    """Choose what somebody is told, given what they know."""
    is_open = before is not None and before.news is News.MISSED
    if len(each.missed) >= ENOUGH and not is_open:
        return _note(each, News.MISSED, each.missed[0].isoformat())
    if not each.missed and before is not None and is_open:
        return _note(each, News.RESUMED, str(before.facts.get(_FIRST, "")))
    return None


def _note(each: MissedNights, news: News, first: str) -> Note:
    return Note(
        subject=subject_of(each.pipeline),
        state=f"{news}:{first}",
        news=news,
        urgent=False,
        facts={
            "pipeline": each.pipeline,
            _FIRST: first,
            "last": each.last.isoformat(),
            "count": len(each.missed),
        },
    )


def _find_last(told: Collection[Message]) -> dict[tuple[str, str], Message]:
    """Newest message to each person about each pipeline that reached them."""
    found: dict[tuple[str, str], Message] = {}
    for message in sorted(told, key=lambda m: (m.created, m.key)):
        kinds = {News.MISSED, News.RESUMED}
        if message.news in kinds and message.delivery not in _LOST:
            found[message.subject, message.account] = message
    return found


def _find_people(accounts: Iterable[Account], settings: NotifySection) -> list[Account]:
    reached = [
        each
        for each in sorted(accounts, key=lambda a: a.name)
        if not each.disabled and not settings.channels.keys().isdisjoint(each.contacts)
    ]
    for role in (Role.ADMIN, Role.SUPERVISOR):
        found = [each for each in reached if each.role is role]
        if found:
            return found
    return []
