"""What is still read of old nights, and forgetting what is not."""

from collections.abc import Collection, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from sqlalchemy import delete, func, select

from agroforest.core.alert import AlertStatus
from agroforest.core.review import Stage
from agroforest.store.database import open_database
from agroforest.store.desk_schema import review_case
from agroforest.store.schema import alert, output, run, task_attempt, tile_task
from agroforest.store.times import to_microseconds

_LIVING = (AlertStatus.OPEN, AlertStatus.RELEASED)
_ENDED = (Stage.CLOSED, Stage.MERGED, Stage.SPLIT)
# Databases limit how many values one statement may carry.
_AT_ONCE = 500


@dataclass(frozen=True, kw_only=True, slots=True)
class Looked:
    """An alert that somebody may still look at.

    Attributes
    ----------
    pipeline
        Whose.
    west, south, east, north
        Its box, degrees.
    since
        Day of its earliest evidence.
    first_night
        Night that raised it.
    """

    pipeline: str
    west: float
    south: float
    east: float
    north: float
    since: date
    first_night: date


@dataclass(frozen=True, kw_only=True, slots=True)
class Needs:
    """What is still read of old nights.

    Attributes
    ----------
    last
        Last night of each pipeline.
    shown
        Of each pipeline the earliest of its newest nights with tasks.
    looked
        Alerts that live, or whose case is open.
    """

    last: Mapping[str, date]
    shown: Mapping[str, date]
    looked: tuple[Looked, ...]


def read_needs(url: str | Path, *, newest: int) -> Needs:
    """Read what is still needed; `newest` nights with tasks always are.

    Raises
    ------
    ConfigurationError, SourceError
        As `open_store`.
    """
    opened = (
        select(review_case.c.alert)
        .where(review_case.c.stage.not_in([str(s) for s in _ENDED]))
        .union(select(alert.c.id).where(alert.c.status.in_([str(s) for s in _LIVING])))
    )
    columns = [alert.c[name] for name in Looked.__dataclass_fields__]
    with closing(open_database(url)) as database, database.snapshot() as connection:
        rows = connection.execute(select(*columns).where(alert.c.id.in_(opened)))
        looked = tuple(Looked(**row) for row in rows.mappings())
        nights = select(run.c.pipeline, func.max(run.c.night)).group_by(run.c.pipeline)
        last = {str(name): night for name, night in connection.execute(nights)}
        shown = {}
        for name, newest_night in last.items():
            query = (
                select(tile_task.c.night)
                .where(tile_task.c.pipeline == name)
                .distinct()
                .order_by(tile_task.c.night.desc())
                .limit(newest)
            )
            found = connection.execute(query).scalars().all()
            shown[name] = min(found, default=newest_night)
        return Needs(last=last, shown=shown, looked=looked)


def forget(
    url: str | Path, paths: Collection[str], *, attempts_before: datetime | None = None
) -> int:
    """Forget outputs that are to be removed, and attempts that ended long ago.

    A task whose outputs are forgotten stays done: nobody misses its files.

    Parameters
    ----------
    url
        As for `open_store`.
    paths
        Outputs as tasks name them, relative to the work folder.
    attempts_before
        Attempts that ended earlier are removed; none unless given.

    Returns
    -------
    int
        Rows removed.
    """
    names = sorted(paths)
    removed = 0
    with closing(open_database(url)) as database, database.writing() as connection:
        for start in range(0, len(names), _AT_ONCE):
            some = names[start : start + _AT_ONCE]
            removed += connection.execute(
                delete(output).where(output.c.path.in_(some))
            ).rowcount
        if attempts_before is not None:
            limit = to_microseconds(attempts_before)
            removed += connection.execute(
                delete(task_attempt).where(task_attempt.c.ended_us < limit)
            ).rowcount
    return removed
