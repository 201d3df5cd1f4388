"""Who did what, as rows that hold each other and are only ever added to.

Every function works on a connection inside the caller's transaction; who adds holds
the lock of `agroforest.store.cases`, so that the chain has one end.
"""

from collections.abc import Collection, Iterable, Iterator
from typing import Any

from sqlalchemy import Connection, Row, insert, select

from agroforest.core.audit import Deed
from agroforest.core.chain import GENESIS, Sealed, check_chain, seal
from agroforest.core.errors import DataError
from agroforest.store.desk_schema import deed
from agroforest.store.texts import clean, plain
from agroforest.store.times import from_microseconds, to_microseconds

#: Entries in memory while a chain is checked. Arbitrary.
_AT_ONCE = 1000


def write_deeds(connection: Connection, deeds: Iterable[Deed]) -> None:
    """Add entries behind the last one."""
    query = select(deed.c.number, deed.c.digest).order_by(deed.c.number.desc()).limit(1)
    last = connection.execute(query).first()
    number, previous = (0, GENESIS) if last is None else (last.number, last.digest)
    rows = []
    for each in deeds:
        number += 1
        sealed = seal(_clean(each), number=number, previous=previous)
        rows.append(_build_row(sealed))
        previous = sealed.digest
    if rows:
        connection.execute(insert(deed), rows)


def read_deeds(
    connection: Connection,
    *,
    subject: str = "",
    who: str = "",
    what: str = "",
    before: int | None = None,
    limit: int = 200,
) -> list[Sealed[Deed]]:
    """Read entries, the newest first; empty words ask for all."""
    query = select(deed).order_by(deed.c.number.desc()).limit(limit)
    asked = ((deed.c.subject, subject), (deed.c.who, who), (deed.c.what, what))
    for column, word in asked:
        if word:
            query = query.where(column == clean(word))
    if before is not None:
        query = query.where(deed.c.number < before)
    return [_build(row) for row in connection.execute(query)]


def check_deeds(connection: Connection, heads: Collection[str] = ()) -> int:
    """Follow the whole chain; return how many entries it has.

    Parameters
    ----------
    connection
        In the caller's transaction.
    heads
        Digests that it is known to have held.

    Raises
    ------
    DataError
        An entry was changed, removed, added or moved; with its number. Or the chain
        does not hold one of the digests.
    """
    counted, missing = 0, set(heads)

    def read() -> Iterator[Sealed[Deed]]:
        nonlocal counted
        query = select(deed).order_by(deed.c.number)
        for row in connection.execution_options(yield_per=_AT_ONCE).execute(query):
            counted += 1
            missing.discard(row.digest)
            yield _build(row)

    check_chain(read())
    if missing:
        raise DataError(
            "the audit",
            f"does not hold the entry {min(missing)}: "
            "its end was cut off, or all of it was replaced",
            "compare with a copy of the database from before",
        )
    return counted


def _build_row(sealed: Sealed[Deed]) -> dict[str, object]:
    entry = sealed.entry
    return {
        "number": sealed.number,
        "time_us": to_microseconds(entry.time),
        "who": entry.who,
        "what": entry.what,
        "subject": entry.subject,
        "why": entry.why,
        "before": entry.before,
        "after": entry.after,
        "previous": sealed.previous,
        "digest": sealed.digest,
    }


def _build(row: Row[Any]) -> Sealed[Deed]:
    entry = Deed(
        time=from_microseconds(row.time_us),
        who=row.who,
        what=row.what,
        subject=row.subject,
        why=row.why,
        before=row.before,
        after=row.after,
    )
    return Sealed(
        number=row.number, entry=entry, previous=row.previous, digest=row.digest
    )


def _clean(entry: Deed) -> Deed:
    """Say it as it will be read again; the digest is over that."""
    return Deed(
        time=entry.time,
        who=clean(entry.who),
        what=clean(entry.what),
        subject=clean(entry.subject),
        why=clean(entry.why),
        before=plain(entry.before),
        after=plain(entry.after),
    )
