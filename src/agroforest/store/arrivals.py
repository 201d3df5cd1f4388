"""Messages of a spool, as rows: readings, dead letters and how far it was read.

All of one batch is one transaction, so what a process that was killed had not
committed is read again, and what it had is not. Every function works on a
connection inside the caller's transaction.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, delete, func, select, tuple_, update

from agroforest.core.errors import DataError, LockedError
from agroforest.core.reading import Reading
from agroforest.store import measurements
from agroforest.store.records import (
    AddedReadings,
    ArrivedBatch,
    DeadLetter,
    SpoolState,
)
from agroforest.store.schema import dead_letter, reading, spool
from agroforest.store.statements import insert_missing, insert_tuples, upsert
from agroforest.store.times import from_microseconds, to_microseconds

#: Keys looked up with one statement: SQLite takes 32,766 variables. Arbitrary below.
_KEYS = 2000
_SERIES = 65_536

#: Series and microseconds since the epoch; value and quality.
_Key = tuple[int, int]
_Value = tuple[float | None, int]


def write_batch(connection: Connection, batch: ArrivedBatch) -> AddedReadings:
    """Record what a stretch of a spool gave, and that it was read.

    Raises
    ------
    LockedError
        Another process has read this stretch meanwhile.
    DataError
        A reading of an unknown sensor, or a value that is not a number.
    """
    if batch.sensors:
        measurements.write_sensors(connection, batch.sensors)
    added = _write_readings(connection, batch.readings)
    for letter in batch.dead:
        upsert(connection, dead_letter, _row(letter))
    if batch.settled:
        place = tuple_(dead_letter.c.segment, dead_letter.c.byte)
        for some in _portions(batch.settled):
            connection.execute(
                delete(dead_letter).where(
                    dead_letter.c.spool == batch.spool, place.in_(some)
                )
            )
    if batch.after is not None:
        _advance(connection, batch.spool, batch.before, batch.after, added.added)
    return added


def read_spool(connection: Connection, name: str) -> SpoolState | None:
    """Read how far a spool was read; ``None`` if it never was."""
    row = connection.execute(select(spool).where(spool.c.id == name)).mappings().first()
    if row is None:
        return None
    received = row["received_us"]
    return SpoolState(
        segment=row["segment"],
        byte=row["byte"],
        messages=row["messages"],
        readings=row["readings"],
        dead=row["dead"],
        received=None if received is None else from_microseconds(received),
    )


def read_dead_letters(
    connection: Connection, *, since: datetime | None, limit: int | None
) -> list[DeadLetter]:
    """Read dead letters, the newest first."""
    query = select(dead_letter).order_by(
        dead_letter.c.received_us.desc(),
        dead_letter.c.spool,
        dead_letter.c.segment.desc(),
        dead_letter.c.byte.desc(),
    )
    if since is not None:
        query = query.where(dead_letter.c.received_us >= to_microseconds(since))
    if limit is not None:
        query = query.limit(limit)
    return [
        DeadLetter(received=from_microseconds(row.pop("received_us")), **row)
        for row in map(dict[str, Any], connection.execute(query).mappings())
    ]


def read_dead_places(connection: Connection, name: str) -> set[tuple[int, int]]:
    """Read where in a spool its dead letters are."""
    query = select(dead_letter.c.segment, dead_letter.c.byte).where(
        dead_letter.c.spool == name
    )
    return {(row.segment, row.byte) for row in connection.execute(query)}


def count_dead(connection: Connection) -> int:
    """Count dead letters."""
    query = select(func.count()).select_from(dead_letter)
    return int(connection.execute(query).scalar_one())


def drop_dead_letters(connection: Connection, before: datetime) -> int:
    """Remove dead letters of messages that came before `before`; how many."""
    statement = delete(dead_letter).where(
        dead_letter.c.received_us < to_microseconds(before)
    )
    return int(connection.execute(statement).rowcount)


def _write_readings(
    connection: Connection, readings: Iterable[Reading]
) -> AddedReadings:
    rows, known, conflicts, keys = _norm(readings)
    if not rows:
        return AddedReadings(0, known, conflicts)
    measurements.add_series(connection, keys)
    # Neighbours in the table lie together.
    added = insert_tuples(connection, reading, [(*k, *rows[k]) for k in sorted(rows)])
    if added < len(rows):
        more = _count_conflicts(connection, rows)
        known += len(rows) - added - more
        conflicts += more
    return AddedReadings(added, known, conflicts)


def _norm(
    readings: Iterable[Reading],
) -> tuple[dict[_Key, _Value], int, int, set[measurements.SeriesKey]]:
    """Rows by key, the first of each; how many repeat or contradict it; the series."""
    rows: dict[_Key, _Value] = {}
    keys: set[measurements.SeriesKey] = set()
    known = conflicts = 0
    for each in readings:
        if each.value is not None and not math.isfinite(each.value):
            raise DataError(
                each.sensor,
                f"{each.variable} is {each.value} at {each.time.isoformat()}",
                "give a number, or None with the flag MISSING",
            )
        name = (each.sensor, each.variable, each.depth_m)
        keys.add(name)
        key = (_series(name), to_microseconds(each.time))
        if key not in rows:
            rows[key] = (each.value, int(each.quality))
        elif rows[key][0] == each.value:
            known += 1
        else:
            conflicts += 1
    return rows, known, conflicts, keys


@lru_cache(_SERIES)
def _series(key: measurements.SeriesKey) -> int:
    return measurements.series_id(key)


def _count_conflicts(connection: Connection, rows: dict[_Key, _Value]) -> int:
    """Count rows that are stored with another value."""
    place = tuple_(reading.c.series, reading.c.time_us)
    columns = (reading.c.series, reading.c.time_us, reading.c.value)
    return sum(
        rows[series, time][0] != value
        for some in _portions(list(rows))
        for series, time, value in connection.execute(
            select(*columns).where(place.in_(some))
        )
    )


def _advance(
    connection: Connection,
    name: str,
    before: SpoolState | None,
    after: SpoolState,
    readings: int,
) -> None:
    values = {**asdict(after), "id": name}
    received = values.pop("received")
    values["received_us"] = None if received is None else to_microseconds(received)
    values["readings"] = (before.readings if before is not None else 0) + readings
    if before is None:
        moved = insert_missing(connection, spool, [values])
    else:
        moved = connection.execute(
            update(spool)
            .where(
                spool.c.id == name,
                spool.c.segment == before.segment,
                spool.c.byte == before.byte,
            )
            .values(**values)
        ).rowcount
    if moved != 1:
        raise LockedError(
            f"spool {name}",
            "another process reads it into this database",
            "let one listener do it",
        )


def _row(letter: DeadLetter) -> dict[str, object]:
    row = asdict(letter)
    row["received_us"] = to_microseconds(row.pop("received"))
    return row


def _portions(keys: Sequence[_Key]) -> Iterable[Sequence[_Key]]:
    return (keys[i : i + _KEYS] for i in range(0, len(keys), _KEYS))
