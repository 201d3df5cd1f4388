"""Cases and what was done to them, as rows.

A case and its steps move together: its version is the number of its steps. Who writes
one must have known the version before; if not, somebody else was faster.

Every function works on a connection inside the caller's transaction.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import date, datetime
from typing import Any

import shapely
from shapely.geometry.base import BaseGeometry
from sqlalchemy import (
    Connection,
    Row,
    Select,
    bindparam,
    insert,
    literal_column,
    select,
    text,
    update,
)

from agroforest.core.errors import ConflictError, DataError
from agroforest.core.review import (
    Act,
    Case,
    FieldCheck,
    Reason,
    Sampling,
    Stage,
    Step,
    Verdict,
)
from agroforest.core.risk import Hazard
from agroforest.store.desk_schema import (
    UNKNOWN_PROBABILITY,
    case_tally,
    review_case,
    review_step,
)
from agroforest.store.schema import alert, alert_change
from agroforest.store.statements import build_insert
from agroforest.store.texts import plain
from agroforest.store.times import from_microseconds, to_microseconds

#: Ids a query is given at once; SQLite takes 32,766, PostgreSQL 65,535.
_AT_ONCE = 1000
#: What cases are counted by.
TALLIED = ("stage", "hazard", "county_code", "pipeline", "verdict")
#: Any number that no other program takes for a lock of its own: "desk" in ASCII.
_LOCK = 0x6465736B


def lock(connection: Connection) -> None:
    """Let nobody else write cases or deeds until the transaction ends."""
    if connection.dialect.name != "sqlite":  # there, writers come one by one anyway
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})


def read_cases(connection: Connection, ids: Collection[str]) -> dict[str, Case]:
    """Read the cases of those ids that there are."""
    found: dict[str, Case] = {}
    for some in _in_portions(sorted(set(ids))):
        for case in _read(connection, _SELECT.where(review_case.c.id.in_(some))):
            found[case.id] = case
    return found


def read_parts(connection: Connection, id: str) -> list[Case]:  # noqa: A002  as above
    """Read the cases that were split off a case, by id."""
    # The second condition is that of the index.
    wanted = (review_case.c.of == id, review_case.c.of != literal_column("''"))
    query = _SELECT.where(*wanted).order_by(review_case.c.id)
    return _read(connection, query)


def read_steps(connection: Connection, id: str) -> list[Step]:  # noqa: A002
    """Read what was done to a case, from the beginning."""
    query = select(review_step).where(review_step.c.case == id)
    rows = connection.execute(query.order_by(review_step.c.number))
    return [_build_step(row) for row in rows]


def check_seen(
    connection: Connection, cases: Mapping[str, Case], seen: Mapping[str, int]
) -> None:
    """Refuse versions that are not the newest any more.

    Raises
    ------
    ConflictError
        Who did what, and when, since that version.
    """
    for name, version in seen.items():
        if name in cases and cases[name].version != version:
            raise _build_conflict(connection, name, version)


def drop_followed(
    connection: Connection, cases: Iterable[Case], steps: Iterable[Step]
) -> tuple[list[Case], list[Step], set[str]]:
    """Leave out the cases of which a night's change was followed already.

    Returns
    -------
    tuple
        Cases and steps that remain, and the ids of the others.
    """
    steps = list(steps)
    by_key = {step.key: step.case for step in steps if step.key}
    known: set[str] = set()
    for some in _in_portions(sorted(by_key)):
        query = select(review_step.c.key).where(review_step.c.key.in_(some))
        known |= {by_key[key] for key in connection.scalars(query)}
    return (
        [case for case in cases if case.id not in known],
        [step for step in steps if step.case not in known],
        known,
    )


def write_cases(
    connection: Connection, cases: Iterable[Case], steps: Sequence[Step]
) -> None:
    """Record cases as they are now, and the steps that made them so.

    Of a case that is given more than once the last counts.

    Raises
    ------
    ConflictError
        Somebody else recorded steps of one of them first.
    DataError
        Steps and versions do not fit each other.
    """
    latest = {case.id: case for case in cases}
    before = _read_standing(connection, latest)
    _check_versions(connection, latest, steps, before)
    rows = [_build_row(case) for case in latest.values()]
    _write_rows(connection, rows, before)
    _move_tally(connection, before.values(), rows)
    if steps:
        connection.execute(insert(review_step), [_build_step_row(s) for s in steps])
    _mark_followed(connection, steps)


def read_tally(connection: Connection) -> dict[tuple[Stage, Hazard], int]:
    """Count cases by stage and hazard; pairs without any are left out."""
    counted: Counter[tuple[Stage, Hazard]] = Counter()
    for row in connection.execute(select(case_tally).where(case_tally.c.cases > 0)):
        counted[Stage(row.stage), Hazard(row.hazard)] += row.cases
    return dict(counted)


# ------------------------------------------------------------------------ versions


def _read_standing(connection: Connection, ids: Collection[str]) -> dict[str, Any]:
    c = review_case.c
    query = select(c.version, c.id, *(c[name] for name in TALLIED))
    return {
        row.id: row
        for some in _in_portions(sorted(ids))
        for row in connection.execute(query.where(c.id.in_(some)))
    }


def _check_versions(
    connection: Connection,
    cases: Mapping[str, Case],
    steps: Sequence[Step],
    before: Mapping[str, Any],
) -> None:
    numbers: dict[str, list[int]] = {name: [] for name in cases}
    for step in steps:
        if step.case not in cases:
            raise DataError(
                f"case {step.case}", "has a step but was not changed", "give it, too"
            )
        numbers[step.case].append(step.number)
    for name, case in cases.items():
        known = case.version - len(numbers[name])
        if numbers[name] != list(range(known + 1, case.version + 1)):
            raise DataError(
                f"case {name}",
                f"version {case.version} does not follow from steps {numbers[name]}",
                "number the steps without gaps, up to the version",
            )
        if known != (before[name].version if name in before else 0):
            raise _build_conflict(connection, name, known)


def _build_conflict(connection: Connection, name: str, seen: int) -> ConflictError:
    since = [s for s in read_steps(connection, name) if s.number > seen]
    if not since:
        return ConflictError(
            f"case {name}",
            f"is not at version {seen}",
            "read it again and decide anew",
        )
    acts = ", ".join(
        f"{s.by}: {s.act}{f' ({s.reason})' if s.reason else ''} "
        f"at {s.time:%Y-%m-%d %H:%M:%S} UTC"
        for s in since[-3:]
    )
    return ConflictError(
        f"case {name}",
        f"somebody was faster: {acts}",
        "look at it again and decide anew",
    )


def _mark_followed(connection: Connection, steps: Iterable[Step]) -> None:
    marks = [
        {"of": step.key, "at": to_microseconds(step.time)} for step in steps if step.key
    ]
    if marks:
        statement = update(alert_change).where(alert_change.c.key == bindparam("of"))
        connection.execute(statement.values(followed_us=bindparam("at")), marks)


def _write_rows(
    connection: Connection, rows: Iterable[Mapping[str, Any]], before: Collection[str]
) -> None:
    new: list[Mapping[str, Any]] = []
    known: list[Mapping[str, Any]] = []
    for row in rows:
        (known if row["id"] in before else new).append(row)
    if new:
        connection.execute(insert(review_case), new)
    if known:
        # Not an upsert: that takes a number for each row, also where it is there.
        names = [name for name in known[0] if name != "id"]
        values: dict[str, Any] = {name: bindparam(f"new_{name}") for name in names}
        statement = update(review_case).where(review_case.c.id == bindparam("new_id"))
        named = [{f"new_{name}": row[name] for name in row} for row in known]
        connection.execute(statement.values(values), named)


def _move_tally(
    connection: Connection, before: Iterable[Any], after: Iterable[Mapping[str, Any]]
) -> None:
    moved: Counter[tuple[str, ...]] = Counter()
    moved.update(tuple(row[name] or "" for name in TALLIED) for row in after)
    moved.subtract(tuple(getattr(row, n) or "" for n in TALLIED) for row in before)
    names = (*TALLIED, "cases")
    rows = [dict(zip(names, (*key, n), strict=True)) for key, n in moved.items() if n]
    if rows:
        statement = build_insert(connection, case_tally)
        statement = statement.on_conflict_do_update(
            index_elements=TALLIED,
            set_={"cases": case_tally.c.cases + statement.excluded.cases},
        )
        connection.execute(statement, rows)


# ---------------------------------------------------------------------------- rows

_SELECT = select(review_case, alert.c.geometry).join(
    alert, alert.c.id == review_case.c.alert
)


def _read(connection: Connection, query: Select[Any]) -> list[Case]:
    rows = connection.execute(query).all()
    shapes = shapely.from_wkb([row.part or row.geometry for row in rows])
    return [_build_case(row, shape) for row, shape in zip(rows, shapes, strict=True)]


def _build_row(case: Case) -> dict[str, Any]:
    west, south, east, north = case.geometry.bounds
    code, zh, en = case.county
    chance = UNKNOWN_PROBABILITY if case.probability is None else case.probability
    row: dict[str, object] = {
        "id": case.id,
        "alert": case.alert,
        "pipeline": case.pipeline,
        "hazard": case.hazard,
        "stage": case.stage,
        "version": case.version,
        "opened_us": to_microseconds(case.opened),
        "changed_us": to_microseconds(case.changed),
        "west": west,
        "south": south,
        "east": east,
        "north": north,
        "area_ha": case.area_ha,
        "probability": chance,
        "county_code": code,
        "county_zh": zh,
        "county_en": en,
        "places": case.places,
        "verdict": case.verdict,
        "reason": case.reason,
        "judged_by": case.judged_by,
        "assignee": case.assignee,
        "field_check": None if case.check is None else asdict(case.check),
        "sampling": case.sampling,
        "into": case.into,
        "of": case.of,
        "rank": case.rank,
        "due_us": None if case.due is None else to_microseconds(case.due),
    }
    row = dict(plain(row))
    row["first_night"], row["evidence"] = case.first_night, case.evidence
    row["part"] = shapely.to_wkb(case.geometry, byte_order=1) if case.of else None
    return row


def _build_case(row: Row[Any], shape: BaseGeometry) -> Case:
    return Case(
        id=row.id,
        alert=row.alert,
        pipeline=row.pipeline,
        hazard=Hazard(row.hazard),
        stage=Stage(row.stage),
        version=row.version,
        opened=from_microseconds(row.opened_us),
        changed=from_microseconds(row.changed_us),
        geometry=shape,
        area_ha=row.area_ha,
        probability=norm_probability(row.probability),
        first_night=row.first_night,
        evidence=row.evidence,
        county=(row.county_code, row.county_zh, row.county_en),
        places=tuple(row.places),
        verdict=None if row.verdict is None else Verdict(row.verdict),
        reason=None if row.reason is None else Reason(row.reason),
        judged_by=row.judged_by,
        assignee=row.assignee,
        check=None if row.field_check is None else _build_check(row.field_check),
        sampling=None if row.sampling is None else Sampling(row.sampling),
        into=row.into,
        of=row.of,
        rank=row.rank,
        due=None if row.due_us is None else from_microseconds(row.due_us),
    )


def norm_probability(kept: float) -> float | None:
    """Probability as the database keeps it, or ``None`` where it is unknown."""
    return None if kept == UNKNOWN_PROBABILITY else kept


def _build_check(body: Mapping[str, Any]) -> FieldCheck:
    due, done = body["due"], body["done"]
    return FieldCheck(
        by=body["by"],
        ordered=datetime.fromisoformat(body["ordered"]),
        due=None if due is None else date.fromisoformat(due),
        sample=body["sample"],
        done=None if done is None else datetime.fromisoformat(done),
        found=body["found"],
    )


def _build_step_row(step: Step) -> dict[str, object]:
    row: dict[str, object] = {
        "case": step.case,
        "number": step.number,
        "time_us": to_microseconds(step.time),
        "by": step.by,
        "act": step.act,
        "reason": step.reason,
        "note": step.note,
        "key": step.key or None,
        "data": step.data,
    }
    return dict(plain(row))


def _build_step(row: Row[Any]) -> Step:
    return Step(
        case=row.case,
        number=row.number,
        time=from_microseconds(row.time_us),
        by=row.by,
        act=Act(row.act),
        reason=None if row.reason is None else Reason(row.reason),
        note=row.note,
        key=row.key or "",
        data=row.data,
    )


def _in_portions(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    return (ids[at : at + _AT_ONCE] for at in range(0, len(ids), _AT_ONCE))
