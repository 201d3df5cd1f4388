"""The queue: pages of cases, in an order, from a place in it.

A page begins behind the last row of the page before, which its cursor names by value
and number; so page 1000 costs what the first does, and rows that come or go meanwhile
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
    Select,
    func,
    select,
    tuple_,
    union_all,
)

from agroforest.core.errors import DataError
from agroforest.core.queue import CasePage, CaseQuery, Order, QueueRow
from agroforest.core.review import Reason, Stage, Verdict
from agroforest.core.risk import Hazard
from agroforest.store.cases import norm_probability
from agroforest.store.desk_schema import review_case
from agroforest.store.queue_paths import (
    Way,
    build_conditions,
    count_by_words,
    find_ways,
)
from agroforest.store.times import from_microseconds

#: Most rows of a page.
MOST = 500


class _Sorting(NamedTuple):
    """By which column, and whether the greatest comes first; ids go the same way."""

    column: Column[Any]
    falling: bool

    def order(self, *keys: ColumnElement[Any]) -> list[ColumnElement[Any]]:
        """Sort by keys in this direction."""
        return [key.desc() if self.falling else key.asc() for key in keys]


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
        *(
            "number",
            "id",
            "pipeline",
            "hazard",
            "stage",
            "version",
            "opened_us",
            "changed_us",
        ),
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
    sorting = _SORTINGS[query.order]
    place = _read_cursor(query) if query.after else None
    wanted = query.limit + 1
    ways = find_ways(connection, query, order=sorting.column.name, limit=wanted)
    if not ways:
        return CasePage(rows=())
    found = union_all(
        *(
            select(_build_branch(query, way, sorting, place).limit(wanted).subquery())
            for way in ways
        )
    ).subquery()
    statement = (
        select(*_SHOWN)
        .join(found, found.c.number == review_case.c.number)
        .order_by(*sorting.order(found.c.place, found.c.number))
        .limit(wanted)
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
    counted = count_by_words(connection, query)
    if counted is not None:
        return min(counted, limit)
    ways = find_ways(connection, query, limit=limit)
    if not ways:
        return 0
    branches = (
        select(review_case.c.number)
        .where(*build_conditions(query, way))
        .limit(limit)
        .subquery()
        for way in ways
    )
    found = union_all(*(select(each) for each in branches)).limit(limit).subquery()
    row = connection.execute(select(func.count()).select_from(found))
    return int(row.scalar_one())


def _build_branch(
    query: CaseQuery, way: Way, sorting: _Sorting, place: tuple[object, int] | None
) -> Select[Any]:
    """Build the question for the cases of one stage, behind a place in the order."""
    column, number = way.name(sorting.column), review_case.c.number
    branch = select(column.label("place"), number).where(*build_conditions(query, way))
    if place is not None:
        here, there = tuple_(column, number), tuple_(*place)
        branch = branch.where(here < there if sorting.falling else here > there)
    return branch.order_by(*sorting.order(column, number))


def _build_cursor(order: Order, row: Row[Any], sorting: _Sorting) -> str:
    value = getattr(row, sorting.column.name)
    if isinstance(value, date):
        value = value.isoformat()
    written = json.dumps([str(order), value, row.number])
    return urlsafe_b64encode(written.encode()).decode().rstrip("=")


def _read_cursor(query: CaseQuery) -> tuple[object, int]:
    kind = _SORTINGS[query.order].column.type.python_type
    problem = DataError(
        "cursor", "is not one of this order", "begin with the first page"
    )
    try:
        padded = query.after + "=" * (-len(query.after) % 4)
        order, value, number = json.loads(urlsafe_b64decode(padded))
        value = date.fromisoformat(value) if kind is date else kind(value)
    except (ValueError, TypeError, OverflowError, RecursionError) as error:
        raise problem from error
    if order != query.order or type(number) is not int:
        raise problem
    return value, number


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
