"""What people have been told, as far as a decision needs it."""

from collections.abc import Collection, Iterable
from datetime import date, datetime, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

from agroforest.core.account import Account, Role
from agroforest.core.message import Delivery, Message, News

#: Fact of messages that go out within a digest: the local day that had no room for it.
IN_DIGEST = "in_digest"
#: Longer than any local day with its quiet hours.
_RECENT = timedelta(days=3)
_MOST = 10_000
#: Messages of one person that are read to count their day. More than a quota over a few
#: channels: where there are more, one of them went into a digest, which says it all.
_OF_ONE = 200
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
        self._full: set[tuple[str, str]] = set()
        for message in messages:
            self.add(message)

    def add(self, message: Message) -> None:
        """Take note of a message."""
        self._keys.add(message.key)
        if message.delivery not in _LOST:
            self._people.add((message.subject, message.account))
        if message.facts.get(IN_DIGEST):
            self._full.add((message.account, str(message.facts[IN_DIGEST])))
        elif not message.urgent and message.news is not News.DIGEST:
            day = message.account, self._day(message.due)
            self._days.setdefault(day, set()).add((message.subject, message.state))

    def has(self, key: str) -> bool:
        """Whether there is a message of this key."""
        return key in self._keys

    def was_told(self, subject: str, account: str) -> bool:
        """Whether somebody was told of a subject, or is about to be."""
        return (subject, account) in self._people

    def has_room(self, account: Account, moment: datetime) -> bool:
        """Whether the local day of `moment` has room for one more change.

        Neither fires count nor what goes out within a digest, and several channels are
        one; once something had to go into a digest, the rest of the day does too.
        """
        day = self._day(moment)
        if (account.name, day.isoformat()) in self._full:
            return False
        known = self._days.get((account.name, day), ())
        return len(known) < account.interest.quota

    def _day(self, moment: datetime) -> date:
        return moment.astimezone(self._zone).date()


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
    outbox: Outbox,
    subjects: Iterable[str],
    now: datetime,
    *,
    accounts: Iterable[Account],
    places: Collection[str],
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
    accounts
        Everybody.
    places
        Ids of the parcels that are told of: farmers of others are not looked up.
    """
    found: dict[str, Message] = {}
    wanted = frozenset(places)
    for account in accounts:
        far = account.role is Role.FARMER and wanted.isdisjoint(account.parcels)
        if account.contacts and not account.disabled and not far:
            of_one = outbox.messages(
                account=account.name, since=now - _RECENT, limit=_OF_ONE
            )
            found |= {message.key: message for message in of_one}
    for subject in set(subjects):
        about = outbox.messages(subject=subject, limit=_MOST)
        found |= {message.key: message for message in about}
    return tuple(found.values())
