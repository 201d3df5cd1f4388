"""One round of the office that sends messages: escalate what nobody read, then send."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from agroforest.core.account import Account
from agroforest.core.message import Delivery, Message
from agroforest.core.review import Case, Stage
from agroforest.notify.deliver import Crew, DeskStore, Office, Tally
from agroforest.notify.digests import gather
from agroforest.notify.policy import escalate
from agroforest.notify.told import IN_DIGEST

_MOST = 10_000
_DAY = timedelta(days=1)
_LONG = timedelta(days=30)
_TRIED = (Delivery.SENT, Delivery.SENDING, Delivery.FAILED)


class CaseStore(DeskStore, Protocol):
    """What a round needs of the store's desk."""

    def accounts(self) -> list[Account]:
        """Every account."""
        ...

    def cases(self, ids: Iterable[str]) -> Mapping[str, Case]:
        """Cases of those ids."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Round:
    """What a round did.

    Attributes
    ----------
    escalated
        Messages written because nobody had read others.
    channels
        What was done on each channel.
    """

    escalated: int
    channels: Mapping[str, Tally]

    @property
    def sent(self) -> int:
        """Messages sent, over all channels."""
        return sum(each.sent for each in self.channels.values())


def run_round(desk: CaseStore, crew: Crew) -> Round:
    """Escalate and send; may be repeated, also after it was killed.

    Parameters
    ----------
    desk
        Of the store; that of the crew's office.
    crew
        Who sends; the same from round to round, for it knows which channel hangs.
    """
    escalated = escalate_unread(desk, crew.office)
    return Round(escalated=escalated, channels=crew.deliver())


def escalate_unread(desk: CaseStore, office: Office) -> int:
    """Write to the next role what nobody has read; how many messages that made."""
    settings, now = office.settings, office.clock()
    if not settings.escalate:
        return 0
    longest = max(
        timedelta(minutes=each.after_minutes) * len(each.to)
        for each in settings.escalate.values()
    )
    since = now - longest - _DAY
    # What waits for a digest may be any number, and hides nothing that was sent.
    messages = [
        message
        for delivery in (_TRIED, (Delivery.WAITING,))
        for message in desk.messages(delivery=delivery, since=since, limit=_MOST)
    ]
    subjects = {m.subject for m in messages if m.facts.get("hazard")}
    # Whoever acted on a case has read of it, and nobody acts on one that is not there.
    waiting = {
        case.id
        for case in desk.cases(subjects).values()
        if case.stage is Stage.PRESCREEN and not case.assignee
    }
    made = escalate(
        messages, desk.accounts(), settings, now, handled=subjects - waiting
    )
    return desk.add_messages(made) if made else 0


def digest_now(desk: DeskStore, now: datetime) -> int:
    """Gather at once what waits for a digest; how many messages were gathered."""
    waiting = [
        message
        for message in desk.messages(
            delivery=(Delivery.WAITING,), since=now - _LONG, limit=_MOST
        )
        if message.facts.get(IN_DIGEST)
    ]
    done: set[str] = set()
    for first in sorted(waiting, key=lambda m: (m.created, m.key)):
        if first.key not in done:
            done |= _gather_all(desk, first, now)
    return len(done)


def send_again(desk: DeskStore, now: datetime, *, since: datetime) -> int:
    """Put what failed back among what waits; how many messages that were.

    Each is tried once more at least, when its person is not in quiet hours.
    """
    failed = desk.messages(delivery=(Delivery.FAILED,), since=since, limit=_MOST)
    return sum(
        desk.settle(each.patch(delivery=Delivery.WAITING, due=now)) for each in failed
    )


def _gather_all(desk: DeskStore, first: Message, now: datetime) -> set[str]:
    others = desk.messages(account=first.account, since=now - _LONG, limit=_MOST)
    early = [
        each.patch(due=now) if each.facts.get(IN_DIGEST) else each for each in others
    ]
    made, members = gather(first, early, now)
    if made is not None:
        desk.add_messages([made])
    return {
        each.key
        for each in members
        if desk.settle(each.patch(delivery=Delivery.DIGESTED, lease=None))
    }
