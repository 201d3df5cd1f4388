"""Sending what the outbox holds: take one message, hand it over, record how it went.

Each channel has a thread of its own, which takes one message at a time under a lease.
Who dies between handing over and recording leaves a message whose lease runs out, and
which is sent again: nobody is left out, and at most the one message that each channel
had in hand is sent twice.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Protocol

from agroforest.core.account import Account
from agroforest.core.audit import Deed
from agroforest.core.errors import AgroforestError, DataError, SourceError
from agroforest.core.message import Delivery, Message
from agroforest.notify.acknowledge import link_to
from agroforest.notify.channel import Channel, Outgoing
from agroforest.notify.digests import gather
from agroforest.notify.overtaken import POSTPONED, find_objection
from agroforest.notify.settings import NotifySection
from agroforest.notify.timing import end_quiet
from agroforest.notify.told import IN_DIGEST, Outbox
from agroforest.notify.words import compose

_LOG = logging.getLogger(__name__)

#: Failures in a row after which a channel is left alone until the next round.
_PATIENCE = 3
#: Longer than a digest that was not recorded whole lies about.
_RECENT = timedelta(days=30)
_MOST = 10_000
_ERROR_LENGTH = 300
#: Seconds between attempts to record what was sent.
_AGAIN_S = (0.1, 0.5, 2.0, 10.0)


class DeskStore(Outbox, Protocol):
    """What keeps messages, accounts and the audit; the store's desk does."""

    def account(self, name: str) -> Account | None:
        """Account of that name."""
        ...

    def add_deeds(self, new: Iterable[Deed]) -> None:
        """Add to the audit."""
        ...

    def add_messages(self, new: Iterable[Message]) -> int:
        """Record messages whose key is not there yet."""
        ...

    def claim(
        self, now: datetime, *, limit: int, lease: timedelta, channel: str = ""
    ) -> list[Message]:
        """Take messages that are due, or whose lease ran out."""
        ...

    def settle(self, message: Message) -> bool:
        """Record how an attempt ended."""
        ...


@dataclass(kw_only=True, slots=True)
class Tally:
    """What a round did on one channel.

    Attributes
    ----------
    sent, retried, failed, digested, dropped, postponed
        Messages.
    late
        Whether the channel was still busy when the round ended.
    error
        Of the last message that was not taken.
    """

    sent: int = 0
    retried: int = 0
    failed: int = 0
    digested: int = 0
    dropped: int = 0
    postponed: int = 0
    late: bool = False
    error: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Office:
    """All that sending needs beside the channels.

    Attributes
    ----------
    desk
        What keeps messages; used by several threads at once.
    settings
        Of messages.
    secret
        Key of the links; see `agroforest.notify.acknowledge.read_key`.
    clock
        Now, with a time zone.
    """

    desk: DeskStore
    settings: NotifySection
    secret: bytes = field(repr=False)
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)


class Crew:
    """Those who send: one for each channel.

    Parameters
    ----------
    office
        Where messages are, and by which rules.
    channels
        Open channels by name.
    """

    def __init__(self, office: Office, channels: Mapping[str, Channel]) -> None:
        self.office = office
        self._channels = dict(channels)
        self._busy: dict[str, threading.Thread] = {}

    def deliver(self) -> dict[str, Tally]:
        """Send what is due, over all channels at once.

        Returns within the settings' deadline whatever a channel does: one that hangs
        is left behind with the message that it has, and its other messages wait until
        it is done with that one.

        Returns
        -------
        dict of Tally
            What was done, by channel.
        """
        self._busy = {
            n: thread for n, thread in self._busy.items() if thread.is_alive()
        }
        until = time.monotonic() + self.office.settings.deadline_s
        workers = {
            name: _Worker(self.office, name, channel, until)
            for name, channel in self._channels.items()
            if name not in self._busy
        }
        for worker in workers.values():
            worker.thread.start()
        for name, worker in workers.items():
            worker.thread.join(max(0.0, until - time.monotonic()))
            if worker.thread.is_alive():
                self._busy[name] = worker.thread
        tallies = {name: worker.tally for name, worker in workers.items()}
        return {
            name: replace(tallies.get(name, Tally()), late=name in self._busy)
            for name in self._channels
        }


class _Worker:
    """Sends the messages of one channel, one after the other."""

    def __init__(
        self, office: Office, name: str, channel: Channel, until: float
    ) -> None:
        self.tally = Tally()
        self.thread = threading.Thread(
            target=self._run, name=f"notify-{name}", daemon=True
        )
        self._office = office
        self._name = name
        self._channel = channel
        self._until = until
        self._failures = 0  # in a row

    def _run(self) -> None:
        try:
            while self._send_next():
                pass
        except AgroforestError as error:  # of the database: the next round goes on
            self.tally.error = str(error)
            _LOG.warning("channel %s: %s", self._name, error)

    def _send_next(self) -> bool:
        """Send one message; whether there may be another."""
        office = self._office
        if time.monotonic() > self._until or self._failures >= _PATIENCE:
            return False
        lease = timedelta(seconds=office.settings.lease_s)
        claimed = office.desk.claim(
            office.clock(), limit=1, lease=lease, channel=self._name
        )
        for message in claimed:
            self._settle(message)
        return bool(claimed)

    def _settle(self, message: Message) -> None:
        """Decide what becomes of a message, and record it."""
        office, tally = self._office, self.tally
        account = office.desk.account(message.account)
        if account is None or account.disabled or self._name not in account.contacts:
            self._drop(message, "the account is not written to on this channel")
            return
        quiet = self._find_quiet(message, account)
        if quiet is not None:
            office.desk.settle(
                message.patch(
                    delivery=Delivery.WAITING,
                    due=quiet,
                    lease=None,
                    error=message.error or POSTPONED,
                )
            )
            tally.postponed += 1
            return
        others = office.desk.messages(
            subject=message.subject, account=message.account, limit=_MOST
        )
        objection = find_objection(message, others)
        if objection:
            self._drop(message, objection)
        elif message.facts.get(IN_DIGEST):
            self._gather(message)
        else:
            self._hand_over(message, account)

    def _find_quiet(self, message: Message, account: Account) -> datetime | None:
        """End of the quiet hours that a message has run into."""
        now = self._office.clock()
        if message.urgent:
            return None
        end = end_quiet(account.interest.quiet, now, self._office.settings.zone)
        return end if end > now else None

    def _gather(self, message: Message) -> None:
        """Put it into the day's digest with all that is due."""
        desk, now = self._office.desk, self._office.clock()
        others = desk.messages(
            account=message.account, since=now - _RECENT, limit=_MOST
        )
        made, members = gather(message, others, now)
        if made is not None:
            desk.add_messages([made])
        for member in members:
            told = member.patch(delivery=Delivery.DIGESTED, sent=None, lease=None)
            self.tally.digested += desk.settle(told)

    def _hand_over(self, message: Message, account: Account) -> None:
        """Send it, and record how that ended."""
        office, tally = self._office, self.tally
        try:
            self._channel.send(self._write(message, account))
        except DataError as error:
            self._fail(message, str(error))
        except SourceError as error:
            self._retry(message, account, str(error))
        except Exception as error:  # noqa: BLE001  a library's: one message, not all
            _LOG.debug("channel %s", self._name, exc_info=True)
            self._retry(message, account, f"{self._name}: {type(error).__name__}")
        else:
            sent = message.patch(
                delivery=Delivery.SENT, sent=office.clock(), lease=None, error=""
            )
            # It is out: a database that is away for a moment must not send it again.
            _insist(lambda: self._note(message, "message.sent"))
            _insist(lambda: office.desk.settle(sent))
            tally.sent += 1
            self._failures = 0

    def _write(self, message: Message, account: Account) -> Outgoing:
        """Put it into the person's words."""
        settings = self._office.settings
        link = link_to(settings.link, self._office.secret, message.key)
        text = compose(
            message,
            language=account.language,
            settings=settings,
            section=settings.channels[self._name],
            link=link,
        )
        return Outgoing(
            key=message.key,
            to=account.contacts[self._name],
            case=message.subject,
            subject=text.subject,
            body=text.body,
            language=text.language,
            link=link,
            created=message.created.timestamp(),
        )

    def _retry(self, message: Message, account: Account, error: str) -> None:
        """Try again later, unless it was tried often enough."""
        settings = self._office.settings
        if message.attempts >= settings.retry.tries:
            self._fail(message, error)
            return
        # The key spreads messages that failed together; the same one alike each time.
        jitter = int(message.key[:4], 16) / 0xFFFF
        due = self._office.clock() + settings.retry.wait(message.attempts, jitter)
        if not message.urgent:
            due = end_quiet(account.interest.quiet, due, settings.zone)
        self._office.desk.settle(
            message.patch(
                delivery=Delivery.WAITING,
                due=due,
                lease=None,
                error=error[:_ERROR_LENGTH],
            )
        )
        self.tally.retried += 1
        self._failures += 1
        self.tally.error = error

    def _fail(self, message: Message, error: str) -> None:
        self._note(message, "message.failed", error)
        self._office.desk.settle(
            message.patch(
                delivery=Delivery.FAILED, lease=None, error=error[:_ERROR_LENGTH]
            )
        )
        self.tally.failed += 1
        self.tally.error = error

    def _drop(self, message: Message, why: str) -> None:
        self._note(message, "message.dropped", why)
        self._office.desk.settle(
            message.patch(delivery=Delivery.DROPPED, lease=None, error=why)
        )
        self.tally.dropped += 1

    def _note(self, message: Message, what: str, why: str = "") -> None:
        """Enter it into the audit; before it is settled, so that none is missing."""
        self._office.desk.add_deeds(
            [
                Deed(
                    time=self._office.clock(),
                    who="desk",
                    what=what,
                    subject=message.subject,
                    why=why[:_ERROR_LENGTH],
                    after={
                        "account": message.account,
                        "channel": message.channel,
                        "state": message.state,
                        "key": message.key,
                        "attempt": message.attempts,
                    },
                )
            ]
        )


def _insist(record: Callable[[], object]) -> None:
    """Record something, over a database that may be away for a moment."""
    for wait in _AGAIN_S:
        try:
            record()
        except SourceError as error:
            _LOG.info("recording again: %s", error)
            time.sleep(wait)
        else:
            return
    record()
