"""The listener: brokers and webhook, spool, consumer, until it is told to stop."""

import logging
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from agroforest.core.errors import ConfigurationError, SourceError
from agroforest.listen.arrival import Position
from agroforest.listen.consumer import Consumer, Taken
from agroforest.listen.decode import Decoder
from agroforest.listen.inbox import Inbox
from agroforest.listen.settings import BrokerSection, ListenSettings
from agroforest.listen.spool import Spool, measure
from agroforest.listen.webhook import Webhook
from agroforest.store import Store

if TYPE_CHECKING:
    from agroforest.listen.broker import Subscriber

_LOG = logging.getLogger(__name__)

#: Seconds between looks at the spool when nothing comes, which bound how late a
#: request to stop is seen.
_LOOK_S = 0.5
#: Seconds between attempts on a database that does not answer.
_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 30.0
#: Seconds between looks for segments to remove. Arbitrary.
_TIDY_S = 600.0
#: Seconds that reading may go on after a request to stop.
_FINISH_S = 5.0
_MB = 1 << 20


@dataclass(frozen=True, kw_only=True, slots=True)
class Figures:
    """What a listener has done since it started.

    Attributes
    ----------
    received
        Messages on the disk.
    decoded
        Messages read from the spool; also those left by a listener before.
    added, known, conflicts
        Readings: new, stored before, and contradicting a stored one.
    dead
        Messages of which something could not be read.
    lag_bytes
        Bytes of the spool that are not read yet.
    lag_s
        How long ago the message came that was read last, in seconds; 0 when all
        are read.
    torn
        Bytes of a half-written message that were cut off at the start.
    brokers
        Which brokers we are connected with.
    """

    received: int
    decoded: int
    added: int
    known: int
    conflicts: int
    dead: int
    lag_bytes: int
    lag_s: float
    torn: int
    brokers: dict[str, bool]


def listen(
    settings: ListenSettings,
    folder: Path,
    store: Store,
    *,
    stop: threading.Event,
    tell: Callable[[Figures], None] = lambda _: None,
    opened: Callable[[int | None], None] = lambda _: None,
) -> Figures:
    """Take messages until told to stop; then finish what is on the disk.

    Parameters
    ----------
    settings
        Brokers, webhook, devices.
    folder
        The spool.
    store
        Takes readings and dead letters.
    stop
        Set it to end.
    tell
        Called about twice a second, and after each batch.
    opened
        Called once, with the webhook's port if there is one.

    Returns
    -------
    Figures
        What was done.

    Raises
    ------
    ConfigurationError
        There is nothing to listen to, a secret or certificate is missing, or an
        address is taken.
    LockedError
        Another listener has the spool.
    """
    if not settings.broker and settings.webhook is None:
        raise ConfigurationError(
            "the settings",
            "name neither a broker nor a webhook",
            "add one, see docs/listener.md",
        )
    with Inbox(_open_spool(settings, folder)) as inbox:
        work = _Work(settings, inbox, store)
        with ExitStack() as senders:
            opened(work.open_senders(senders))
            while not stop.is_set():
                work.turn(stop)
                tell(work.figures())
        inbox.settle()  # nothing comes in any more
        work.finish()
        return work.figures()


class _Work:
    """One listener at work."""

    def __init__(self, settings: ListenSettings, inbox: Inbox, store: Store) -> None:
        self._settings = settings
        self._inbox = inbox
        self._store = store
        self._decoder = Decoder(settings)
        self._consumer: Consumer | None = None
        self._taken = Taken()
        self._subscribers: list[Subscriber] = []
        self._pause = 0.0
        self._tidied = float("-inf")

    def open_senders(self, senders: ExitStack) -> int | None:
        """Let messages in; the webhook's port."""
        limit = self._settings.max_message_bytes
        # All are built before any is started: a missing password stops the rest.
        for section in self._settings.broker:
            self._subscribers.append(_build_subscriber(section, self._inbox, limit))
        port = None
        if self._settings.webhook is not None:
            webhook = Webhook(self._settings.webhook, self._inbox, limit=limit)
            port = webhook.port
            webhook.start()
            senders.callback(webhook.close)
        for subscriber in self._subscribers:
            subscriber.start()
            senders.callback(subscriber.close)
        return port

    def turn(self, stop: threading.Event) -> None:
        """Read a batch, or wait a moment for one."""
        position = self._consumer.position if self._consumer else Position(0, 0)
        end = self._inbox.wait_beyond(position, _LOOK_S)
        try:
            self._read(end)
        except SourceError as error:
            self._pause = min(max(_FIRST_PAUSE, 2 * self._pause), _LONGEST_PAUSE)
            _LOG.warning("%s (trying again in %.1f s)", error, self._pause)
            stop.wait(self._pause)
        else:
            self._pause = 0.0
        self._tidy()

    def finish(self) -> None:
        """Read what is on the disk, unless that takes long; the rest comes next."""
        deadline = time.monotonic() + _FINISH_S
        end = self._inbox.end
        try:
            while self._read(end) and time.monotonic() < deadline:
                pass
        except SourceError as error:
            _LOG.warning("%s (what came is in the spool)", error)

    def figures(self) -> Figures:
        """Say how far we are."""
        behind, seconds = self._lag()
        return Figures(
            received=self._inbox.received,
            decoded=self._taken.messages,
            added=self._taken.added,
            known=self._taken.known,
            conflicts=self._taken.conflicts,
            dead=self._taken.dead,
            lag_bytes=behind,
            lag_s=seconds,
            torn=self._inbox.spool.torn,
            brokers={each.name: each.connected for each in self._subscribers},
        )

    def _read(self, end: Position) -> bool:
        """Read a batch before `end`; whether there was anything."""
        if self._consumer is None:
            spool = self._inbox.spool
            self._consumer = Consumer(
                spool.folder, spool.id, decoder=self._decoder, store=self._store
            )
        taken = self._consumer.step(end)
        self._taken += taken
        return taken.messages > 0

    def _lag(self) -> tuple[int, float]:
        state = self._consumer.state if self._consumer is not None else None
        at = self._consumer.position if self._consumer is not None else Position(0, 0)
        behind = measure(self._inbox.spool.folder, at, self._inbox.end)
        if behind == 0 or state is None or state.received is None:
            return behind, 0.0
        return behind, max(0.0, (datetime.now(UTC) - state.received).total_seconds())

    def _tidy(self) -> None:
        now = time.monotonic()
        if self._consumer is None or now - self._tidied < _TIDY_S:
            return
        self._tidied = now
        since = datetime.now(UTC) - timedelta(days=self._settings.spool.keep_days)
        removed = self._inbox.spool.expire(self._consumer.position, since)
        if removed:
            _LOG.info("spool: %d old segments removed", removed)


def _open_spool(settings: ListenSettings, folder: Path) -> Spool:
    return Spool(folder, segment_bytes=int(settings.spool.segment_mb * _MB))


def _build_subscriber(section: BrokerSection, inbox: Inbox, limit: int) -> "Subscriber":
    try:
        from agroforest.listen.broker import Subscriber  # noqa: PLC0415  an extra
    except ImportError as error:
        raise ConfigurationError(
            f"broker {section.name}",
            f"needs an MQTT client ({error})",
            "install it: pip install 'agroforest[iot]'",
        ) from error
    return Subscriber(section, inbox, limit=limit)
