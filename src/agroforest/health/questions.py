"""What is asked of the store about its own state: counts, each a query or two."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from sqlalchemy import func, select

from agroforest.core.alert import AlertStatus
from agroforest.core.message import Delivery
from agroforest.store import Store
from agroforest.store.desk_schema import message
from agroforest.store.schema import (
    alert,
    execution,
    output,
    quarantine,
    run,
    tile_task,
)
from agroforest.store.times import from_microseconds, to_microseconds

#: A message that has been due for so long is held up by something: a channel tries
#: again after an hour at the latest. Arbitrary beyond that.
OVERDUE = timedelta(hours=2)
#: Messages that failed longer ago are history.
_FAILED_DAYS = 7


@dataclass(frozen=True, kw_only=True, slots=True)
class Messages:
    """Messages to people.

    Attributes
    ----------
    waiting
        Not sent yet, due or not.
    overdue
        Due for `OVERDUE` and longer.
    failed
        Given up in the last days.
    oldest_due
        When the first of those that are due became so, UTC.
    """

    waiting: int = 0
    overdue: int = 0
    failed: int = 0
    oldest_due: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class NightFacts:
    """What a night left in the ledger."""

    status: str | None = None
    tiles: Mapping[str, int] = field(default_factory=dict)
    quarantined: int = 0


def find_pipelines(store: Store) -> set[str]:
    """Find the pipelines that ever tried a night."""
    with store.reading() as connection:
        return {
            str(name)
            for column in (run.c.pipeline, execution.c.pipeline)
            for name in connection.scalars(select(column).distinct())
        }


def read_night(store: Store, pipeline: str, night: date | None) -> NightFacts:
    """Count what a night did."""
    if night is None:
        return NightFacts()
    of_run = (run.c.pipeline == pipeline, run.c.night == night)
    of_task = (tile_task.c.pipeline == pipeline, tile_task.c.night == night)
    of_input = (quarantine.c.pipeline == pipeline, quarantine.c.night == night)
    counts = select(tile_task.c.status, func.count()).where(*of_task)
    with store.reading() as connection:
        status = connection.scalar(select(run.c.status).where(*of_run))
        tiles = connection.execute(counts.group_by(tile_task.c.status)).all()
        inputs = connection.scalar(
            select(func.count()).select_from(quarantine).where(*of_input)
        )
    return NightFacts(
        status=status,
        tiles={str(word): int(count) for word, count in tiles},
        quarantined=int(inputs or 0),
    )


def count_alerts(store: Store, pipeline: str) -> dict[str, int]:
    """Count open alerts by hazard."""
    query = (
        select(alert.c.hazard, func.count())
        .where(alert.c.pipeline == pipeline, alert.c.status == str(AlertStatus.OPEN))
        .group_by(alert.c.hazard)
    )
    with store.reading() as connection:
        return {str(hazard): int(n) for hazard, n in connection.execute(query)}


def sum_costs(store: Store, pipeline: str) -> tuple[float, float]:
    """Sum energy (kWh) and carbon (g) of all tries on record."""
    energy = execution.c.cost["energy_kwh"].as_float()
    factor = execution.c.cost["factor_g_per_kwh"].as_float()
    query = select(func.sum(energy), func.sum(energy * factor))
    with store.reading() as connection:
        found = connection.execute(query.where(execution.c.pipeline == pipeline)).one()
    return float(found[0] or 0.0), float(found[1] or 0.0)


def count_messages(store: Store, now: datetime) -> Messages:
    """Count messages that are on their way, and those that came to nothing."""
    count = select(func.count()).select_from(message)
    waiting = message.c.delivery.in_([Delivery.WAITING, Delivery.SENDING])
    due = message.c.due_us <= to_microseconds(now)
    overdue = message.c.due_us <= to_microseconds(now - OVERDUE)
    recent = to_microseconds(now - timedelta(days=_FAILED_DAYS))
    failed = (message.c.delivery == Delivery.FAILED, message.c.created_us >= recent)
    with store.reading() as connection:
        oldest = connection.scalar(
            select(func.min(message.c.due_us)).where(waiting, due)
        )
        return Messages(
            waiting=int(connection.scalar(count.where(waiting)) or 0),
            overdue=int(connection.scalar(count.where(waiting, overdue)) or 0),
            failed=int(connection.scalar(count.where(*failed)) or 0),
            oldest_due=None if oldest is None else from_microseconds(oldest),
        )


def read_newest(store: Store) -> dict[str, datetime | None]:
    """Read the time of the newest reading of each sensor that is real."""
    ids = [sensor.id for sensor in store.sensors() if not sensor.simulated]
    newest: dict[str, datetime | None] = dict.fromkeys(ids)
    for (sensor, _, _), time in store.newest_readings(ids).items():
        known = newest[sensor]
        newest[sensor] = time if known is None else max(known, time)
    return newest


def read_outputs(store: Store, pipeline: str) -> dict[str, str]:
    """Read the SHA-256 of every file on record, by path in the work folder."""
    query = (
        select(output.c.path, output.c.sha256, tile_task.c.night)
        .join(tile_task, tile_task.c.id == output.c.task)
        .where(tile_task.c.pipeline == pipeline, tile_task.c.status == "done")
        .order_by(tile_task.c.night)  # what a later night wrote again counts
    )
    with store.reading() as connection:
        return {str(path): str(sha) for path, sha, _ in connection.execute(query)}
