"""Runs, tile tasks, the scenes they consumed and what was put aside.

Every function works on a connection inside the caller's transaction.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict
from datetime import date
from typing import Any

from sqlalchemy import Connection, Row, Select, delete, func, insert, select

from agroforest.core.identity import digest
from agroforest.store.records import QuarantineRecord, RunRecord, TaskRecord
from agroforest.store.schema import output, quarantine, run, scene_use, tile_task
from agroforest.store.statements import insert_missing, split, upsert


def write_task(connection: Connection, task: TaskRecord) -> None:
    """Record a task, its outputs and the scenes it consumed."""
    row = asdict(task)
    outputs = row.pop("outputs")
    row["scenes"] = list(task.scenes)
    row["summary"] = dict(task.summary)
    upsert(connection, tile_task, row)
    connection.execute(delete(output).where(output.c.task == task.id))
    if outputs:
        files = [
            {"task": task.id, "path": path, "sha256": sha256}
            for path, sha256 in sorted(outputs.items())
        ]
        connection.execute(insert(output), files)
    uses = [
        {
            "pipeline": task.pipeline,
            "state": task.state,
            "scene": scene,
            "night": task.night,
        }
        for scene in dict.fromkeys(task.scenes)
    ]
    insert_missing(connection, scene_use, uses)


def read_tasks(connection: Connection, query: Select[Any]) -> list[TaskRecord]:
    """Read the tasks that a query on `tile_task` selects, by night, tile and id."""
    rows = connection.execute(query).all()
    files = _read_outputs(connection, [row.id for row in rows])
    tasks = [_build_task(row, files.get(row.id, {})) for row in rows]
    return sorted(tasks, key=lambda t: (t.night, t.tile, t.id))


def read_scene_uses(
    connection: Connection, pipeline: str, state: str
) -> dict[str, date]:
    """Read the night on which each scene was consumed, by scene id."""
    query = select(scene_use.c.scene, scene_use.c.night).where(
        scene_use.c.pipeline == pipeline, scene_use.c.state == state
    )
    return {row.scene: row.night for row in sorted(connection.execute(query))}


def write_run(connection: Connection, record: RunRecord) -> None:
    """Record a run; the same pipeline, night and configuration is one row."""
    row = asdict(record)
    row["summary"] = dict(record.summary)
    upsert(connection, run, row)


def read_runs(connection: Connection, pipeline: str) -> list[RunRecord]:
    """Read the runs of a pipeline, by night."""
    rows = connection.execute(select(run).where(run.c.pipeline == pipeline))
    records = [RunRecord(**row) for row in rows.mappings()]
    return sorted(records, key=lambda r: (r.night, r.config_digest))


def read_last_night(connection: Connection, pipeline: str) -> date | None:
    """Read the newest night of a pipeline that was run."""
    query = select(func.max(run.c.night)).where(run.c.pipeline == pipeline)
    return connection.execute(query).scalar()


def read_active_nights(
    connection: Connection,
    pipeline: str,
    until: date,
    limit: int,
    without: Collection[str],
) -> list[date]:
    """Read the newest nights up to `until` that had a task, rising."""
    query = (
        select(tile_task.c.night)
        .where(tile_task.c.pipeline == pipeline, tile_task.c.night <= until)
        .where(tile_task.c.tile.not_in(without))
        .distinct()
        .order_by(tile_task.c.night.desc())
        .limit(limit)
    )
    return sorted(connection.execute(query).scalars())


def write_quarantine(connection: Connection, record: QuarantineRecord) -> None:
    """Record an input put aside; the same problem on the same night is one row."""
    row = asdict(record)
    row["subject"] = row.pop("where")
    row["id"] = digest(record.pipeline, record.night, record.where, record.problem)
    upsert(connection, quarantine, row)


def read_quarantine(
    connection: Connection, pipeline: str, night: date | None
) -> list[QuarantineRecord]:
    """Read the inputs put aside, by night and place."""
    query = select(quarantine).where(quarantine.c.pipeline == pipeline)
    if night is not None:
        query = query.where(quarantine.c.night == night)
    records = [
        QuarantineRecord(
            pipeline=row.pipeline,
            night=row.night,
            where=row.subject,
            problem=row.problem,
            remedy=row.remedy,
        )
        for row in connection.execute(query)
    ]
    return sorted(records, key=lambda r: (r.night, r.where, r.problem))


def _read_outputs(
    connection: Connection, tasks: Sequence[str]
) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for some in split(tasks):
        query = select(output).where(output.c.task.in_(some))
        for row in sorted(connection.execute(query)):
            found.setdefault(row.task, {})[row.path] = row.sha256
    return found


def _build_task(row: Row[Any], outputs: Mapping[str, str]) -> TaskRecord:
    return TaskRecord(
        id=row.id,
        pipeline=row.pipeline,
        tile=row.tile,
        state=row.state,
        night=row.night,
        status=row.status,
        scenes=tuple(row.scenes),
        outputs=outputs,
        summary=row.summary,
    )
