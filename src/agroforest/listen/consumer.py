"""From the spool into the database, a batch a transaction."""

import hashlib
import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

from agroforest.core.errors import (
    AgroforestError,
    ConfigurationError,
    LockedError,
    SourceError,
)
from agroforest.core.reading import Sensor
from agroforest.listen.arrival import Position
from agroforest.listen.decode import Decoder, Outcome
from agroforest.listen.reader import Entry, read_entries
from agroforest.store import ArrivedBatch, DeadLetter, SpoolState, Store

_LOG = logging.getLogger(__name__)

#: Messages a transaction: many cost less, few are seen sooner. Arbitrary.
BATCH = 2000
#: Bytes of a dead letter that the database shows.
_HEAD = 256
_NEVER = datetime(1970, 1, 1, tzinfo=UTC)

#: One a message; ``None`` for those that were passed over.
Outcomes = Sequence[Outcome | None]


@dataclass(frozen=True, kw_only=True, slots=True)
class Taken:
    """What a stretch of the spool gave.

    Attributes
    ----------
    messages
        How many were read.
    added, known, conflicts
        Readings, as the store counts them.
    dead
        Messages of which something could not be read.
    settled
        Former dead letters that can be read now.
    """

    messages: int = 0
    added: int = 0
    known: int = 0
    conflicts: int = 0
    dead: int = 0
    settled: int = 0

    def __add__(self, other: "Taken") -> "Taken":
        return Taken(
            messages=self.messages + other.messages,
            added=self.added + other.added,
            known=self.known + other.known,
            conflicts=self.conflicts + other.conflicts,
            dead=self.dead + other.dead,
            settled=self.settled + other.settled,
        )


class Consumer:
    """Reads a spool to its end, again and again.

    Parameters
    ----------
    folder, name
        The spool, and its id.
    decoder
        Reads messages.
    store
        Takes what they say, and remembers how far we are.
    again
        Start at the beginning, and leave what the store remembers as it is.

    Raises
    ------
    SourceError
        The database does not answer.
    """

    def __init__(
        self,
        folder: Path,
        name: str,
        *,
        decoder: Decoder,
        store: Store,
        again: bool = False,
    ) -> None:
        self._folder = folder
        self._name = name
        self._decoder = decoder
        self._store = store
        self._again = again
        self._sensors: dict[str, Sensor] = {}
        self._dead = store.spools.dead_places(name) if again else set()
        #: How far the spool was read; ``None`` before the first time.
        self.state = None if again else store.spools.spool_state(name)

    @property
    def position(self) -> Position:
        """The next message to read."""
        if self.state is None:
            return Position(0, 0)
        return Position(self.state.segment, self.state.byte)

    def step(self, until: Position, *, since: datetime | None = None) -> Taken:
        """Read a batch before `until` and commit it; no messages mean the end.

        Parameters
        ----------
        until
            As far as the spool is known to be whole.
        since
            Pass over what came earlier.

        Raises
        ------
        SourceError
            The database does not answer; the same step may succeed later.
        LockedError
            Another process reads this spool.
        """
        entries = list(islice(read_entries(self._folder, self.position, until), BATCH))
        if not entries:
            return Taken()
        outcomes = [self._decode(entry, since) for entry in entries]
        return self._commit(entries, outcomes)

    def _decode(self, entry: Entry, since: datetime | None) -> Outcome | None:
        """Read one message; ``None`` if it is passed over."""
        if entry.arrival is None:
            size = len(entry.body)
            return Outcome(found=[], problem=f"{size} bytes of the spool are damaged")
        if since is not None and entry.arrival.received < since:
            return None
        return self._decoder.decode(entry.arrival)

    def _commit(self, entries: Sequence[Entry], outcomes: Outcomes) -> Taken:
        """Commit a batch; if something in it cannot be stored, all but that."""
        try:
            return self._commit_whole(entries, outcomes)
        except (SourceError, LockedError):
            raise
        except Exception as error:  # noqa: BLE001
            # What the database refuses for its content must not stop what follows.
            if self._sensors:
                self._sensors.clear()  # somebody may have removed one
                return self._commit(entries, outcomes)
            if len(entries) == 1:
                return self._commit_refused(entries, outcomes, error)
        half = len(entries) // 2
        first = self._commit(entries[:half], outcomes[:half])
        return first + self._commit(entries[half:], outcomes[half:])

    def _commit_refused(
        self, entries: Sequence[Entry], outcomes: Outcomes, error: Exception
    ) -> Taken:
        if (
            outcomes[0] is None or not outcomes[0].found
        ):  # then the message is not what is refused
            raise ConfigurationError(
                f"spool {self._folder}",
                f"the database does not take a dead letter ({error})",
                "look at the database",
            ) from error
        _LOG.warning("a message was refused by the database: %s", _name(error))
        problem = f"the database refused it: {_name(error)}"
        return self._commit_whole(entries, [Outcome(found=[], problem=problem)])

    def _commit_whole(self, entries: Sequence[Entry], outcomes: Outcomes) -> Taken:
        sensors = self._find_news(outcomes)
        dead = _build_dead(self._name, entries, outcomes)
        settled = self._find_settled(entries, outcomes)
        after = _advance(self.state, entries, len(dead))
        added = self._store.spools.add_arrivals(
            ArrivedBatch(
                spool=self._name,
                sensors=tuple(sensors.values()),
                readings=tuple(r for o in outcomes if o for _, r in o.found),
                dead=dead,
                settled=settled,
                before=self.state,
                after=None if self._again else after,
            )
        )
        self._sensors |= sensors
        self.state = replace(after, readings=after.readings + added.added)
        return Taken(
            messages=len(entries),
            added=added.added,
            known=added.known,
            conflicts=added.conflicts,
            dead=len(dead),
            settled=len(settled),
        )

    def _find_settled(
        self, entries: Sequence[Entry], outcomes: Outcomes
    ) -> tuple[Position, ...]:
        return tuple(
            entry.at
            for entry, outcome in zip(entries, outcomes, strict=True)
            if entry.at in self._dead and outcome is not None and not outcome.problem
        )

    def _find_news(self, outcomes: Outcomes) -> dict[str, Sensor]:
        """Sensors that this process has not recorded yet, or not as they are now."""
        return {
            sensor.id: sensor
            for outcome in outcomes
            if outcome is not None
            for sensor, _ in outcome.found
            if self._sensors.get(sensor.id) != sensor
        }


def _advance(
    before: SpoolState | None, entries: Sequence[Entry], dead: int
) -> SpoolState:
    told = before or SpoolState(segment=0, byte=0)
    times = (e.arrival.received for e in reversed(entries) if e.arrival is not None)
    return replace(
        told,
        segment=entries[-1].after.segment,
        byte=entries[-1].after.byte,
        messages=told.messages + len(entries),
        dead=told.dead + dead,
        received=next(times, told.received),
    )


def _build_dead(
    spool: str, entries: Sequence[Entry], outcomes: Outcomes
) -> tuple[DeadLetter, ...]:
    return tuple(
        _build_letter(spool, entry, outcome)
        for entry, outcome in zip(entries, outcomes, strict=True)
        if outcome is not None and outcome.problem
    )


def _build_letter(spool: str, entry: Entry, outcome: Outcome) -> DeadLetter:
    arrival = entry.arrival
    payload = entry.body if arrival is None else arrival.payload
    return DeadLetter(
        spool=spool,
        segment=entry.at.segment,
        byte=entry.at.byte,
        source="spool" if arrival is None else arrival.source.replace("\0", "\\0"),
        received=_NEVER if arrival is None else arrival.received,
        size=len(payload) if arrival is None else arrival.size,
        sha256=hashlib.sha256(payload).hexdigest(),
        reason=outcome.problem,
        head=payload[:_HEAD],
        kept=len(outcome.found),
    )


def _name(error: Exception) -> str:
    if isinstance(error, AgroforestError):
        return str(error)
    return f"{type(error).__name__}: {str(error).splitlines()[0][:200]}"
