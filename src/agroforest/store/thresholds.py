"""Thresholds that were taken, as rows that are only ever added to.

Every function works on a connection inside the caller's transaction.
"""

from dataclasses import asdict
from typing import Any

from sqlalchemy import Connection, Row, insert, select

from agroforest.core.errors import ConflictError
from agroforest.core.risk import Hazard
from agroforest.core.threshold import Threshold, ThresholdSet
from agroforest.store.desk_schema import threshold_version
from agroforest.store.texts import clean, plain
from agroforest.store.times import from_microseconds, to_microseconds


def add_thresholds(connection: Connection, new: ThresholdSet) -> None:
    """Record the thresholds that are in force from now on.

    Raises
    ------
    ConflictError
        Somebody else has taken others meanwhile.
    """
    last = read_thresholds(connection)[-1:]
    if new.version != (last[0].version if last else 0) + 1:
        who = (
            f"{last[0].by} took version {last[0].version}" if last else "there is none"
        )
        raise ConflictError(
            f"thresholds, version {new.version}",
            f"does not follow the one in force: {who}",
            "look at those in force, and propose anew",
        )
    connection.execute(
        insert(threshold_version).values(
            version=new.version,
            time_us=to_microseconds(new.time),
            by=clean(new.by),
            thresholds=[plain(asdict(each)) for each in new.thresholds],
            note=clean(new.note),
            reverts_to=new.reverts_to,
        )
    )


def read_thresholds(connection: Connection) -> list[ThresholdSet]:
    """Read every version; the last one is in force."""
    query = select(threshold_version).order_by(threshold_version.c.version)
    return [_build(row) for row in connection.execute(query)]


def _build(row: Row[Any]) -> ThresholdSet:
    return ThresholdSet(
        version=row.version,
        time=from_microseconds(row.time_us),
        by=row.by,
        thresholds=tuple(
            Threshold(**body | {"hazard": Hazard(body["hazard"])})
            for body in row.thresholds
        ),
        note=row.note,
        reverts_to=row.reverts_to,
    )
