"""The queue: pages of cases, in an order, from a place in it.

A page begins behind the last row of the page before, which its cursor names by value
and id; so page 1000 costs what the first does, and rows that come or go meanwhile
shift nothing.

Every function works on a connection inside the caller's transaction.
"""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import date
from typing import Any, NamedTuple

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Row,
    func,
    select,
    tuple_,
)

from agroforest.core.errors import DataError
from agroforest.core.queue import CasePage, CaseQuery, Order, QueueRow
from agroforest.core.review import Reason, Stage, Verdict
from agroforest.core.risk import Hazard
from agroforest.store.cases import norm_probability
from agroforest.store.desk_schema import review_case
from agroforest.store.texts import clean
from agroforest.store.times import from_microseconds

#: Most rows of a page.
MOST = 500
#: Stands for nobody in `CaseQuery.assignee`.
NOBODY = "-"


class _Sorting(NamedTuple):
    """By which column, and whether the greatest comes first; ids go the same way."""

    column: Column[Any]
    falling: bool


_SORTINGS = {
    Order.RANK: _Sorting(review_case.c.rank, True),
    Order.NEWEST: _Sorting(review_case.c.first_night, True),
    Order.OLDEST: _Sorting(review_case.c.first_night, False),
    Order.AREA: _Sorting(review_case.c.area_ha, True),
    Order.PROBABILITY: _Sorting(review_case.c.probability, True),
    Order.CHANGED: _Sorting(review_case.c.changed_us, True),
}
_SHOWN = tuple(
    review_case.c[name]
    for name in (
        *("id", "pipeline", "hazard", "stage", "version", "opened_us", "changed_us"),
        *("west", "south", "east", "north", "area_ha", "probability"),
        *("first_night", "evidence", "county_code", "county_zh", "county_en"),
        *("places", "verdict", "reason", "assignee", "rank", "due_us"),
    )
)


def read_page(connection: Connection, query: CaseQuery) -> CasePage:
    """Read one page of the queue.

    Raises
    ------
    DataError
        The cursor is not one of this order, or the limit is not 1..`MOST`.
    """
    if not 1 <= query.limit <= MOST:
        raise DataError("limit", f"is {query.limit}", f"ask for 1 to {MOST} rows")
    column, falling = sorting = _SORTINGS[query.order]
    wanted = _build_conditions(query)
    if query.after:
        place = tuple_(*_read_cursor(query))
        here = tuple_(column, review_case.c.id)
        wanted.append(here < place if falling else here > place)
    keys = (column, review_case.c.id)
    statement = (
        select(*_SHOWN)
        .where(*wanted)
        .order_by(*(key.desc() if falling else key for key in keys))
        .limit(query.limit + 1)
    )
    rows = connection.execute(statement).all()
    shown = rows[: query.limit]
    more = len(rows) > query.limit
    return CasePage(
        rows=tuple(_build(row) for row in shown),
        next=_build_cursor(query.order, shown[-1], sorting) if more else "",
    )


def count_cases(connection: Connection, query: CaseQuery, limit: int) -> int:
    """Count the cases that a query finds on all its pages, `limit` at most."""
    found = select(review_case.c.id).where(*_build_conditions(query)).limit(limit)
    counted = connection.execute(select(func.count()).select_from(found.subquery()))
    return int(counted.scalar_one())


def _build_conditions(query: CaseQuery) -> list[ColumnElement[bool]]:
    c = review_case.c
    lists: tuple[tuple[Column[Any], tuple[str, ...]], ...] = (
        (c.stage, query.stages),
        (c.hazard, query.hazards),
        (c.verdict, query.verdicts),
        (c.pipeline, query.pipelines),
        (c.county_code, query.counties),
    )
    wanted: list[ColumnElement[bool]] = [
        column.in_(sorted(map(str, words))) for column, words in lists if words
    ]
    if query.assignee:
        name = "" if query.assignee == NOBODY else query.assignee
        wanted.append(c.assignee == name)
    least: tuple[tuple[Column[Any], object], ...] = (
        (c.area_ha, query.least_ha),
        (c.probability, query.least_probability),
        (c.first_night, query.since),
    )
    wanted += [column >= value for column, value in least if value is not None]
    most: tuple[tuple[Column[Any], object], ...] = (
        (c.area_ha, query.most_ha),
        (c.first_night, query.until),
    )
    wanted += [column <= value for column, value in most if value is not None]
    if query.box is not None:
        west, south, east, north = query.box
        wanted += [c.west <= east, c.east >= west, c.south <= north, c.north >= south]
    return wanted


def _build_cursor(order: Order, row: Row[Any], sorting: _Sorting) -> str:
    value = getattr(row, sorting.column.name)
    if isinstance(value, date):
        value = value.isoformat()
    written = json.dumps([str(order), value, row.id], ensure_ascii=False)
    return urlsafe_b64encode(written.encode()).decode().rstrip("=")


def _read_cursor(query: CaseQuery) -> tuple[object, str]:
    kind = _SORTINGS[query.order].column.type.python_type
    problem = DataError(
        "cursor", "is not one of this order", "begin with the first page"
    )
    try:
        padded = query.after + "=" * (-len(query.after) % 4)
        order, value, name = json.loads(urlsafe_b64decode(padded))
        value = date.fromisoformat(value) if kind is date else kind(value)
    except (ValueError, TypeError, OverflowError, RecursionError) as error:
        raise problem from error
    if order != query.order or not isinstance(name, str):
        raise problem
    return value, clean(name)


def _build(row: Row[Any]) -> QueueRow:
    return QueueRow(
        id=row.id,
        pipeline=row.pipeline,
        hazard=Hazard(row.hazard),
        stage=Stage(row.stage),
        version=row.version,
        opened=from_microseconds(row.opened_us),
        changed=from_microseconds(row.changed_us),
        box=(row.west, row.south, row.east, row.north),
        area_ha=row.area_ha,
        probability=norm_probability(row.probability),
        first_night=row.first_night,
        evidence=row.evidence,
        county=(row.county_code, row.county_zh, row.county_en),
        places=tuple(row.places),
        verdict=None if row.verdict is None else Verdict(row.verdict),
        reason=None if row.reason is None else Reason(row.reason),
        assignee=row.assignee,
        rank=row.rank,
        due=None if row.due_us is None else from_microseconds(row.due_us),
    )
