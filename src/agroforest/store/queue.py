"""The queue: pages of cases, in an order, from a place in it.

A page begins behind the last row of the page before, which its cursor names by value
and number; so page 1000 costs what the first does, and rows that come or go meanwhile
shift nothing.

Every function works on a connection inside the caller's transaction.
"""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import date
from functools import lru_cache
from typing import Any, NamedTuple

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Integer,
    Select,
    bindparam,
    func,
    select,
    tuple_,
    union_all,
)

from agroforest.core.errors import DataError
from agroforest.core.queue import CasePage, CaseQuery, Order
from agroforest.store.desk_schema import review_case
from agroforest.store.queue_paths import (
    KEPT,
    Way,
    bind_stages,
    build_conditions,
    count_by_words,
    find_ways,
)
from agroforest.store.queue_rows import SHOWN, Read, build_row
from agroforest.store.queue_shape import Shape, bind, read_shape

#: Most rows of a page.
MOST = 500


class _Sorting(NamedTuple):
    """By which column, and whether the greatest comes first; ids go the same way."""

    column: Column[Any]
    falling: bool

    def order(self, *keys: ColumnElement[Any]) -> list[ColumnElement[Any]]:
        """Sort by keys in this direction."""
        return [key.desc() if self.falling else key.asc() for key in keys]


_LARGEST_VALUE, _LARGEST_NUMBER = 1 << 63, 1 << 31
#: How many rows, as a value.
_WANTED = bindparam("wanted", type_=Integer)
_SORTINGS = {
    Order.RANK: _Sorting(review_case.c.rank, True),
    Order.NEWEST: _Sorting(review_case.c.first_night, True),
    Order.OLDEST: _Sorting(review_case.c.first_night, False),
    Order.AREA: _Sorting(review_case.c.area_ha, True),
    Order.PROBABILITY: _Sorting(review_case.c.probability, True),
    Order.CHANGED: _Sorting(review_case.c.changed_us, True),
}


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
    shape, values = read_shape(query)
    order = sorting.column.name
    ways = find_ways(connection, shape, values, order=order, limit=wanted)
    if not ways:
        return CasePage(rows=())
    named, stages = bind_stages(ways)
    values |= stages | {"wanted": wanted}
    if place is not None:
        values["place"], values["place_number"] = place
    statement = _build_page(shape, named, query.order, is_later=place is not None)
    rows = [Read._make(row) for row in connection.execute(statement, values).all()]
    shown = rows[: query.limit]
    more = len(rows) > query.limit
    return CasePage(
        rows=tuple(map(build_row, shown)),
        next=_build_cursor(query.order, shown[-1], sorting) if more else "",
    )


def count_cases(connection: Connection, query: CaseQuery, limit: int) -> int:
    """Count the cases that a query finds on all its pages, `limit` at most."""
    shape, values = read_shape(query)
    counted = count_by_words(connection, shape, values)
    if counted is not None:
        return min(counted, limit)
    ways = find_ways(connection, shape, values, limit=limit)
    if not ways:
        return 0
    named, stages = bind_stages(ways)
    statement = _build_count(shape, named)
    row = connection.execute(statement, values | stages | {"wanted": limit})
    return int(row.scalar_one())


@lru_cache(maxsize=KEPT)
def _build_page(
    shape: Shape, ways: tuple[Way, ...], order: Order, *, is_later: bool
) -> Select[Any]:
    """Build the question for a page, the first or a later one."""
    sorting = _SORTINGS[order]
    branches = (_build_branch(shape, way, sorting, is_later=is_later) for way in ways)
    found = union_all(
        *(select(each.limit(_WANTED).subquery()) for each in branches)
    ).subquery()
    return (
        select(*SHOWN)
        .join(found, found.c.number == review_case.c.number)
        .order_by(*sorting.order(found.c.place, found.c.number))
        .limit(_WANTED)
    )


@lru_cache(maxsize=KEPT)
def _build_count(shape: Shape, ways: tuple[Way, ...]) -> Select[Any]:
    branches = (
        select(review_case.c.number)
        .where(*build_conditions(shape, way))
        .limit(_WANTED)
        .subquery()
        for way in ways
    )
    found = union_all(*(select(each) for each in branches)).limit(_WANTED).subquery()
    return select(func.count()).select_from(found)


def _build_branch(
    shape: Shape, way: Way, sorting: _Sorting, *, is_later: bool
) -> Select[Any]:
    """Build the question for the cases of one stage, behind a place in the order."""
    column, number = way.name(sorting.column), review_case.c.number
    branch = select(column.label("place"), number).where(*build_conditions(shape, way))
    if is_later:
        here = tuple_(column, number)
        there = tuple_(
            bind("place", sorting.column), bind("place_number", review_case.c.number)
        )
        branch = branch.where(here < there if sorting.falling else here > there)
    return branch.order_by(*sorting.order(column, number))


def _build_cursor(order: Order, row: Read, sorting: _Sorting) -> str:
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
    # Larger ones than the columns hold are no mistake of the database.
    is_held = not isinstance(value, int) or abs(value) < _LARGEST_VALUE
    if not (is_held and 0 <= number < _LARGEST_NUMBER):
        raise problem
    return value, number
