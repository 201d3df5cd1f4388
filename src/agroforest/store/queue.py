"""The queue: pages of cases, in an order, from a place in it.

A page begins behind the last row of the page before, which its cursor names by value
and number; so page 1000 costs what the first does, and rows that come or go meanwhile
shift nothing.

Every function works on a connection inside the caller's transaction.
"""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import date
from typing import NamedTuple

from sqlalchemy import Connection

from agroforest.core.errors import DataError
from agroforest.core.queue import CasePage, CaseQuery, Order
from agroforest.store.desk_schema import review_case
from agroforest.store.queue_paths import (
    Way,
    count_by_words,
    find_ways,
    write_conditions,
)
from agroforest.store.queue_rows import SHOWN, Read, build_row
from agroforest.store.queue_words import Asked

#: Most rows of a page.
MOST = 500
_LARGEST_VALUE, _LARGEST_NUMBER = 1 << 63, 1 << 31


class _Sorting(NamedTuple):
    """By which column, and whether the greatest comes first; ids go the same way."""

    column: str
    falling: bool

    def write(self, *keys: str) -> str:
        """Write keys that are sorted by in this direction."""
        return ", ".join(f"{key} {'DESC' if self.falling else 'ASC'}" for key in keys)


_SORTINGS = {
    Order.RANK: _Sorting("rank", True),
    Order.NEWEST: _Sorting("first_night", True),
    Order.OLDEST: _Sorting("first_night", False),
    Order.AREA: _Sorting("area_ha", True),
    Order.PROBABILITY: _Sorting("probability", True),
    Order.CHANGED: _Sorting("changed_us", True),
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
    asked = Asked(connection, query)
    ways = find_ways(asked, order=sorting.column, limit=wanted)
    if not ways:
        return CasePage(rows=())
    statement = _write_page(asked, ways, sorting, place, wanted)
    rows = [Read._make(row) for row in asked.ask(statement)]
    shown = rows[: query.limit]
    more = len(rows) > query.limit
    return CasePage(
        rows=tuple(map(build_row, shown)),
        next=_build_cursor(query.order, shown[-1], sorting) if more else "",
    )


def count_cases(connection: Connection, query: CaseQuery, limit: int) -> int:
    """Count the cases that a query finds on all its pages, `limit` at most."""
    asked = Asked(connection, query)
    counted = count_by_words(asked)
    if counted is not None:
        return min(counted, limit)
    ways = find_ways(asked, limit=limit)
    if not ways:
        return 0
    most = asked.write("wanted", limit)
    branches = " UNION ALL ".join(
        f"SELECT * FROM (SELECT number FROM review_case "  # noqa: S608  our own names
        f"WHERE {write_conditions(asked, way, number)} LIMIT {most}) AS way_{number}"
        for number, way in enumerate(ways)
    )
    statement = f"SELECT count(*) FROM ({branches} LIMIT {most}) AS found"  # noqa: S608
    return int(asked.ask(statement)[0][0])


def _write_page(
    asked: Asked,
    ways: list[Way],
    sorting: _Sorting,
    place: tuple[object, int] | None,
    wanted: int,
) -> str:
    """Write the question for a page: the first, or the one behind a place."""
    most = asked.write("wanted", wanted)
    branches = " UNION ALL ".join(
        f"SELECT * FROM ({_write_branch(asked, way, number, sorting, place)} "  # noqa: S608  our own names
        f"LIMIT {most}) AS way_{number}"
        for number, way in enumerate(ways)
    )
    return (
        f"SELECT {SHOWN} FROM review_case JOIN ({branches}) AS found "  # noqa: S608
        f"ON found.number = review_case.number "
        f"ORDER BY {sorting.write('found.place', 'found.number')} LIMIT {most}"
    )


def _write_branch(
    asked: Asked,
    way: Way,
    number: int,
    sorting: _Sorting,
    place: tuple[object, int] | None,
) -> str:
    """Write the question for the cases of one way, behind a place in the order."""
    column = way.name(sorting.column)
    conditions = write_conditions(asked, way, number)
    if place is not None:
        value, last = asked.write("place", place[0]), asked.write("last", place[1])
        behind = "<" if sorting.falling else ">"
        conditions += f" AND ({column}, number) {behind} ({value}, {last})"
    return (
        f"SELECT {column} AS place, number FROM review_case WHERE {conditions} "  # noqa: S608
        f"ORDER BY {sorting.write(column, 'number')}"
    )


def _build_cursor(order: Order, row: Read, sorting: _Sorting) -> str:
    value = getattr(row, sorting.column)
    if isinstance(value, date):
        value = value.isoformat()
    written = json.dumps([str(order), value, row.number])
    return urlsafe_b64encode(written.encode()).decode().rstrip("=")


def _read_cursor(query: CaseQuery) -> tuple[object, int]:
    kind = review_case.c[_SORTINGS[query.order].column].type.python_type
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
