"""The desk's part of the store: cases, deeds, messages, thresholds; accounts."""

from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import datetime, timedelta

from agroforest.core.alert import Alert, Instruction
from agroforest.core.audit import Deed
from agroforest.core.chain import Sealed
from agroforest.core.errors import DataError
from agroforest.core.fire import FireFacts
from agroforest.core.message import Delivery, Message
from agroforest.core.queue import CasePage, CaseQuery, DeskChanges
from agroforest.core.review import Case, Stage, Step
from agroforest.core.risk import Hazard
from agroforest.core.threshold import ThresholdSet
from agroforest.store import cases, deeds, following, outbox, queue
from agroforest.store import thresholds as taken
from agroforest.store.members import Members


class Desk(Members):
    """What people do about alerts, and who they are, in the database of a `Store`.

    Each method is one transaction, and fails as those of `Store` do.
    """

    # ------------------------------------------------------------------- cases

    def decide(
        self,
        ids: Iterable[str],
        decide: Callable[[Mapping[str, Case]], DeskChanges],
        *,
        seen: Mapping[str, int] | None = None,
    ) -> DeskChanges:
        """Decide on cases, and keep what was decided: all of it or nothing.

        Nobody else decides meanwhile. What is to be done outside of the database must
        wait until this has returned.

        Parameters
        ----------
        ids
            Of the cases to decide on.
        decide
            From cases, by id, to what changes; it may raise, and then nothing is
            changed.
        seen
            Versions on which the decision rests, by id of the case.

        Raises
        ------
        DataError
            There is no case of one of the ids.
        ConflictError
            A case is not at the version that was seen; with who did what, and when.
        """
        wanted, seen = dict.fromkeys(ids), seen or {}
        with self._database.writing() as connection:
            cases.lock(connection)
            found = cases.read_cases(connection, [*wanted, *seen])
            for name in (*wanted, *seen):
                if name not in found:
                    raise _lack(name)
            cases.check_seen(connection, found, seen)
            changes = decide({name: found[name] for name in wanted})
            cases.write_cases(connection, changes.cases, changes.steps)
            deeds.write_deeds(connection, changes.deeds)
            outbox.write_messages(connection, changes.messages)
            return changes

    def record(self, changes: DeskChanges) -> None:
        """Keep changes that rest on what was read before: all of them or nothing.

        Of a case whose step follows a night's change that was followed already,
        nothing is kept: neither its other steps, nor deeds and messages about it.

        Raises
        ------
        ConflictError
            Somebody else changed one of the cases first; with who did what, and when.
        """
        with self._database.writing() as connection:
            cases.lock(connection)
            kept, steps, known = cases.drop_followed(
                connection, changes.cases, changes.steps
            )
            cases.write_cases(connection, kept, steps)
            deeds.write_deeds(
                connection, (d for d in changes.deeds if d.subject not in known)
            )
            outbox.write_messages(
                connection, (m for m in changes.messages if m.subject not in known)
            )

    def case(self, id: str) -> Case | None:  # noqa: A002  as above
        """Find the case of that id, or ``None``."""
        return self.cases([id]).get(id)

    def cases(self, ids: Iterable[str]) -> dict[str, Case]:
        """Find the cases of those ids that there are, by id."""
        with self._database.asking() as connection:
            return cases.read_cases(connection, list(ids))

    def parts(self, id: str) -> list[Case]:  # noqa: A002
        """Find the cases that were split off a case, by id."""
        with self._database.asking() as connection:
            return cases.read_parts(connection, id)

    def steps(self, id: str) -> list[Step]:  # noqa: A002
        """Find what was done to a case, from the beginning."""
        with self._database.asking() as connection:
            return cases.read_steps(connection, id)

    def queue(self, query: CaseQuery) -> CasePage:
        """Find one page of the cases that a query asks for.

        Raises
        ------
        DataError
            The cursor is not one of this order, or the limit out of bounds.
        """
        with self._database.asking() as connection:
            return queue.read_page(connection, query)

    def count(self, query: CaseQuery, limit: int = 1000) -> int:
        """Count the cases on all pages of a query, `limit` at most."""
        with self._database.reading() as connection:
            return queue.count_cases(connection, query, limit)

    def tally(self) -> dict[tuple[Stage, Hazard], int]:
        """Count the cases of every stage and hazard that has any."""
        with self._database.reading() as connection:
            return cases.read_tally(connection)

    def unfollowed(
        self, limit: int
    ) -> list[tuple[Instruction, Alert, FireFacts | None]]:
        """Find changes of alerts that no step has followed, oldest night first.

        Parameters
        ----------
        limit
            About how many: a night's changes of one alert come together.
        """
        with self._database.reading() as connection:
            return following.read_unfollowed(connection, limit)

    # ------------------------------------------------------------------- audit

    def add_deeds(self, new: Iterable[Deed]) -> None:
        """Add to the audit, behind its last entry."""
        with self._database.writing() as connection:
            cases.lock(connection)
            deeds.write_deeds(connection, new)

    def deeds(
        self,
        *,
        subject: str = "",
        who: str = "",
        what: str = "",
        before: int | None = None,
        limit: int = 200,
    ) -> list[Sealed[Deed]]:
        """Find entries of the audit, the newest first.

        Parameters
        ----------
        subject, who, what
            Of these; of all if empty.
        before
            Only entries of lower numbers: the page after.
        limit
            How many at most.
        """
        with self._database.reading() as connection:
            return deeds.read_deeds(
                connection,
                subject=subject,
                who=who,
                what=what,
                before=before,
                limit=limit,
            )

    def check_audit(self, heads: Collection[str] = ()) -> int:
        """Follow the whole audit; how many entries it has.

        Parameters
        ----------
        heads
            Digests that it is known to have held.

        Raises
        ------
        DataError
            An entry was changed, removed, added or moved; with its number. Or the
            audit does not hold one of the digests.
        """
        with self._database.reading() as connection:
            return deeds.check_deeds(connection, heads)

    # ---------------------------------------------------------------- messages

    def add_messages(self, new: Iterable[Message]) -> int:
        """Record messages whose key is not there yet; how many those were."""
        with self._database.writing() as connection:
            return outbox.write_messages(connection, new)

    def claim(
        self, now: datetime, *, limit: int, lease: timedelta, channel: str = ""
    ) -> list[Message]:
        """Take messages to send, urgent ones first; nobody else gets them.

        Parameters
        ----------
        now
            Messages due later wait.
        limit
            How many at most.
        lease
            For how long they are nobody else's; then whoever asks gets them again.
        channel
            Only for this one; for any if empty.
        """
        with self._database.reading() as connection:
            if not outbox.is_due(connection, now, channel):
                return []
        with self._database.writing() as connection:
            return outbox.claim_messages(
                connection, now, limit=limit, lease=lease, channel=channel
            )

    def settle(self, message: Message) -> bool:
        """Record how sending a message ended, and when it is due again.

        What was sent stays sent, and who was overtaken by a later attempt can only
        say that theirs was sent.

        Returns
        -------
        bool
            Whether it was recorded.
        """
        with self._database.writing() as connection:
            return outbox.settle_message(connection, message)

    def message(self, key: str) -> Message | None:
        """Find the message of that key, or ``None``."""
        with self._database.reading() as connection:
            return outbox.read_message(connection, key)

    def messages(
        self,
        *,
        subject: str = "",
        account: str = "",
        delivery: Collection[Delivery] = (),
        since: datetime | None = None,
        limit: int = 200,
    ) -> list[Message]:
        """Find messages, the newest first; what is empty asks for all."""
        with self._database.reading() as connection:
            return outbox.read_messages(
                connection,
                subject=subject,
                account=account,
                delivery=delivery,
                since=since,
                limit=limit,
            )

    def acknowledge(self, key: str, now: datetime) -> bool:
        """Record that somebody followed a message's link; whether that is news."""
        with self._database.writing() as connection:
            return outbox.acknowledge_message(connection, key, now)

    # -------------------------------------------------------------- thresholds

    def add_thresholds(self, new: ThresholdSet, entries: Iterable[Deed] = ()) -> None:
        """Record thresholds that are in force from now on, and who took them.

        Raises
        ------
        ConflictError
            Somebody else has taken others meanwhile.
        """
        with self._database.writing() as connection:
            cases.lock(connection)
            taken.add_thresholds(connection, new)
            deeds.write_deeds(connection, entries)

    def thresholds(self) -> list[ThresholdSet]:
        """Find every version of the thresholds; the last one is in force."""
        with self._database.reading() as connection:
            return taken.read_thresholds(connection)


def _lack(name: str) -> DataError:
    return DataError(
        f"case {name}", "is not known", "list them: agroforest alerts list"
    )
