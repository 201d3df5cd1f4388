"""What people have been told, as far as a decision needs it."""

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

from agroforest.core.message import Delivery, Message, News

#: Fact of messages that go out within a digest.
IN_DIGEST = "in_digest"
#: Longer than any local day with its quiet hours.
_RECENT = timedelta(days=3)
_MOST = 10_000
_LOST = frozenset({Delivery.FAILED, Delivery.DROPPED})


class Told:
    """Messages of before, and those that a decision adds.

    Parameters
    ----------
    messages
        About the subjects and to the people concerned.
    zone
        Of the days that quotas are counted by.
    """

    def __init__(self, messages: Iterable[Message], zone: ZoneInfo) -> None:
        self._zone = zone
        self._keys: set[str] = set()
        self._people: set[tuple[str, str]] = set()
        self._days: dict[tuple[str, date], set[tuple[str, str]]] = {}
        for message in messages:
            self.add(message)

    def add(self, message: Message) -> None:
        """Take note of a message."""
        self._keys.add(message.key)
        if message.delivery not in _LOST:
            self._people.add((message.subject, message.account))
        if _counts(message):
            day = message.account, self._day(message.due)
            self._days.setdefault(day, set()).add((message.subject, message.state))

    def has(self, key: str) -> bool:
        """Whether there is a message of this key."""
        return key in self._keys

    def was_told(self, subject: str, account: str) -> bool:
        """Whether somebody was told of a subject, or is about to be."""
        return (subject, account) in self._people

    def count(self, account: str, moment: datetime) -> int:
        """Count the changes that somebody is told of on the local day of `moment`.

        Neither fires count nor what goes out within a digest; several channels are
        one.
        """
        return len(self._days.get((account, self._day(moment)), ()))

    def _day(self, moment: datetime) -> date:
        return moment.astimezone(self._zone).date()


def _counts(message: Message) -> bool:
    return not (
        message.urgent or message.news is News.DIGEST or message.facts.get(IN_DIGEST)
    )


class Outbox(Protocol):
    """What keeps messages, as far as reading them goes."""

    def messages(
        self,
        *,
        subject: str = "",
        account: str = "",
        delivery: tuple[Delivery, ...] = (),
        since: datetime | None = None,
        limit: int = 200,
    ) -> list[Message]:
        """Messages that fit, the newest first."""
        ...


def find_told(
    outbox: Outbox, subjects: Iterable[str], now: datetime
) -> tuple[Message, ...]:
    """Find the messages that `agroforest.notify.policy.plan` has to know.

    Parameters
    ----------
    outbox
        Where they are kept.
    subjects
        Ids of the cases, or subjects of parcels.
    now
        With a time zone.
    """
    found = {m.key: m for m in outbox.messages(since=now - _RECENT, limit=_MOST)}
    for subject in set(subjects):
        for message in outbox.messages(subject=subject, limit=_MOST):
            found[message.key] = message
    return tuple(found.values())
