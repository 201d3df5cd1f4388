"""Tries at nights, attempts at tasks, tiles set aside: rows beside the ledger's.

Every function works on a connection inside the caller's transaction.
"""

from collections.abc import Collection
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, Select, exists, select, update

from agroforest.core.cost import Cost
from agroforest.core.execution import (
    Attempt,
    Execution,
    ExecutionStatus,
    Outcome,
    TileQuarantine,
)
from agroforest.store.schema import execution, task_attempt, tile_quarantine
from agroforest.store.statements import split, upsert
from agroforest.store.times import from_microseconds, to_microseconds


def write_execution(connection: Connection, record: Execution) -> None:
    """Record a try at a night, or how it stands now."""
    upsert(
        connection,
        execution,
        {
            "id": record.id,
            "pipeline": record.pipeline,
            "night": record.night,
            "config_digest": record.config_digest,
            "host": record.host,
            "pid": record.pid,
            "started_us": to_microseconds(record.started),
            "ended_us": _count(record.ended),
            "status": str(record.status),
            "error": record.error,
            "cost": record.cost.plain(),
        },
    )


def read_executions(
    connection: Connection,
    pipeline: str | None,
    first: date | None,
    last: date | None,
    limit: int | None,
) -> list[Execution]:
    """Read tries at nights, of one pipeline or of all, by start."""
    query = select(execution)
    if pipeline is not None:
        query = query.where(execution.c.pipeline == pipeline)
    if first is not None:
        query = query.where(execution.c.night >= first)
    if last is not None:
        query = query.where(execution.c.night <= last)
    query = query.order_by(execution.c.started_us.desc(), execution.c.id).limit(limit)
    found = [_build_execution(row) for row in connection.execute(query).mappings()]
    return found[::-1]


def write_attempt(connection: Connection, record: Attempt) -> None:
    """Record an attempt, or how it stands now."""
    upsert(
        connection,
        task_attempt,
        {
            "task": record.task,
            "number": record.number,
            "execution": record.execution,
            "pipeline": record.pipeline,
            "tile": record.tile,
            "kind": record.kind,
            "inputs": record.inputs,
            "fence": record.fence,
            "started_us": to_microseconds(record.started),
            "lease_until_us": to_microseconds(record.lease_until),
            "ended_us": _count(record.ended),
            "outcome": str(record.outcome),
            "error": record.error,
        },
    )


def read_attempts(
    connection: Connection,
    pipeline: str,
    tile: str | None,
    inputs: Collection[str] | None,
) -> list[Attempt]:
    """Read attempts at the tasks of a pipeline, by start."""
    query = select(task_attempt).where(task_attempt.c.pipeline == pipeline)
    if tile is not None:
        query = query.where(task_attempt.c.tile == tile)
    if inputs is not None:
        query = query.where(task_attempt.c.inputs.in_(inputs))
    query = query.order_by(
        task_attempt.c.started_us, task_attempt.c.task, task_attempt.c.number
    )
    return [_build_attempt(row) for row in connection.execute(query).mappings()]


def read_history(
    connection: Connection,
    pipeline: str,
    tasks: Collection[str],
    inputs: Collection[str],
) -> list[Attempt]:
    """Read attempts at tasks, and at others with the same inputs, by start."""
    found: dict[tuple[str, int], Attempt] = {}
    for column, wanted in (
        (task_attempt.c.task, tasks),
        (task_attempt.c.inputs, inputs),
    ):
        for some in split(sorted(set(wanted))):
            query = select(task_attempt).where(
                task_attempt.c.pipeline == pipeline, column.in_(some)
            )
            for row in connection.execute(query).mappings():
                one = _build_attempt(row)
                found[one.task, one.number] = one
    return sorted(found.values(), key=lambda a: (a.started, a.task, a.number))


def read_suspects(connection: Connection, pipeline: str) -> set[tuple[str, str]]:
    """Read tiles and kinds of task whose newest attempt nobody saw the end of."""
    newer = task_attempt.alias()
    query = (
        select(task_attempt.c.tile, task_attempt.c.kind)
        .where(task_attempt.c.pipeline == pipeline)
        .where(task_attempt.c.outcome.in_([str(Outcome.RUNNING), str(Outcome.KILLED)]))
        .where(
            ~exists()
            .where(newer.c.pipeline == task_attempt.c.pipeline)
            .where(newer.c.tile == task_attempt.c.tile)
            .where(newer.c.kind == task_attempt.c.kind)
            .where(newer.c.started_us > task_attempt.c.started_us)
        )
    )
    return {(row.tile, row.kind) for row in connection.execute(query)}


def write_tile_quarantine(connection: Connection, record: TileQuarantine) -> None:
    """Set inputs of a tile aside, or let them be tried again."""
    upsert(
        connection,
        tile_quarantine,
        {
            "pipeline": record.pipeline,
            "tile": record.tile,
            "kind": record.kind,
            "inputs": record.inputs,
            "night": record.night,
            "attempts": record.attempts,
            "reason": record.reason,
            "since_us": to_microseconds(record.since),
            "redriven_us": _count(record.redriven),
        },
    )


def read_tile_quarantine(
    connection: Connection, pipeline: str | None, *, redriven: bool
) -> list[TileQuarantine]:
    """Read what is set aside, by time; with `redriven` also what no longer is."""
    query: Select[Any] = select(tile_quarantine)
    if pipeline is not None:
        query = query.where(tile_quarantine.c.pipeline == pipeline)
    if not redriven:
        query = query.where(tile_quarantine.c.redriven_us.is_(None))
    query = query.order_by(tile_quarantine.c.since_us, tile_quarantine.c.tile)
    return [_build_quarantine(row) for row in connection.execute(query).mappings()]


def redrive(
    connection: Connection, pipeline: str, tiles: Collection[str] | None, now: datetime
) -> int:
    """Let what is set aside be tried again; how many inputs."""
    statement = (
        update(tile_quarantine)
        .where(tile_quarantine.c.pipeline == pipeline)
        .where(tile_quarantine.c.redriven_us.is_(None))
        .values(redriven_us=to_microseconds(now))
    )
    if tiles is not None:
        statement = statement.where(tile_quarantine.c.tile.in_(tiles))
    return int(connection.execute(statement).rowcount)


def _count(time: datetime | None) -> int | None:
    return None if time is None else to_microseconds(time)


def _time(count: int | None) -> datetime | None:
    return None if count is None else from_microseconds(count)


def _build_execution(row: RowMapping) -> Execution:
    return Execution(
        id=row["id"],
        pipeline=row["pipeline"],
        night=row["night"],
        config_digest=row["config_digest"],
        host=row["host"],
        pid=row["pid"],
        started=from_microseconds(row["started_us"]),
        ended=_time(row["ended_us"]),
        status=ExecutionStatus(row["status"]),
        error=row["error"],
        cost=Cost.from_plain(row["cost"]),
    )


def _build_attempt(row: RowMapping) -> Attempt:
    return Attempt(
        task=row["task"],
        number=row["number"],
        execution=row["execution"],
        pipeline=row["pipeline"],
        tile=row["tile"],
        kind=row["kind"],
        inputs=row["inputs"],
        fence=row["fence"],
        started=from_microseconds(row["started_us"]),
        lease_until=from_microseconds(row["lease_until_us"]),
        ended=_time(row["ended_us"]),
        outcome=Outcome(row["outcome"]),
        error=row["error"],
    )


def _build_quarantine(row: RowMapping) -> TileQuarantine:
    return TileQuarantine(
        pipeline=row["pipeline"],
        tile=row["tile"],
        kind=row["kind"],
        inputs=row["inputs"],
        night=row["night"],
        attempts=row["attempts"],
        reason=row["reason"],
        since=from_microseconds(row["since_us"]),
        redriven=_time(row["redriven_us"]),
    )
