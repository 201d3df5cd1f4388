"""A page of an entity set, as SQL."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    RowMapping,
    Select,
    and_,
    func,
    not_,
    select,
    true,
)

from agroforest.core.errors import DataError
from agroforest.store.schema import reading, series
from agroforest.web.sensorthings.compiler import Compiler
from agroforest.web.sensorthings.declared import EntitySet, Where
from agroforest.web.sensorthings.entities import join_series
from agroforest.web.sensorthings.fields import read_reading, write_reading
from agroforest.web.sensorthings.options import Options

_TIME = "phenomenonTime"
_TOKEN = re.compile(r"[0-9a-f]{16}\.-?[0-9]{1,18}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Scope:
    """A set, or the part of it that a path leads to.

    Attributes
    ----------
    set
        The set.
    where
        Which part.
    needs
        Tables that `where` needs.
    one_series
        Whether all of it are readings of one series, which lie in order of time.
    """

    set: EntitySet
    where: Where | None = None
    needs: frozenset[str] = field(default=frozenset())
    one_series: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Page:
    """Rows of a page.

    Attributes
    ----------
    rows
        At most ``$top``.
    more
        Whether there are more behind them.
    token
        ``$skiptoken`` that goes on behind them, where there is one.
    count
        How many there are on all pages, if asked for.
    """

    rows: Sequence[RowMapping]
    more: bool
    token: str | None
    count: int | None


def read_page(
    connection: Connection, scope: Scope, options: Options, *, now: datetime
) -> Page:
    """Read a page.

    Raises
    ------
    DataError
        The options do not fit the set.
    """
    compiler = Compiler(scope.set.fields, dialect=connection.dialect.name, now=now)
    parts = [scope.set.where, scope.where]
    if options.filter is not None:
        parts.append(compiler.compile(options.filter))
    where = and_(true(), *(part for part in parts if part is not None))
    order = _build_order(compiler, scope, options)
    needs = scope.set.needs | scope.needs | compiler.needs
    by_time = _find_time_order(scope, options)
    count = None
    if options.count:
        whole = select(func.count()).select_from(scope.set.source(needs)).where(where)
        count = connection.scalar(whole)
    if options.token is not None:
        where = and_(where, _build_continuation(options, by_time))
    query = select(*scope.set.columns).select_from(scope.set.source(needs))
    wanted = options.skip + options.top + 1
    if by_time and not scope.one_series:
        late = by_time == "desc"
        bound = _bound(connection, needs, where, late=late, wanted=wanted)
        where = and_(bound, reading.c.series.in_(select(series.c.id)), where)
    rows = _fetch(connection, query.where(where).order_by(*order), options)
    more = len(rows) > options.top
    rows = rows[: options.top]
    token = None
    if more and rows and by_time is not None:
        token = write_reading(rows[-1]["series"], rows[-1]["time_us"])
    return Page(rows=rows, more=more, token=token, count=count)


def find_one(connection: Connection, scope: Scope) -> RowMapping | None:
    """Find the only entity of a scope; ``None`` if it is not there."""
    return connection.execute(_build_query(scope).limit(1)).mappings().first()


def find_all(connection: Connection, scope: Scope) -> Sequence[RowMapping]:
    """Find all entities of a scope, which is known to be small."""
    return connection.execute(_build_query(scope)).mappings().all()


def _build_query(scope: Scope) -> Select[Any]:
    parts = [part for part in (scope.set.where, scope.where) if part is not None]
    source = scope.set.source(scope.set.needs | scope.needs)
    return select(*scope.set.columns).select_from(source).where(and_(true(), *parts))


def _fetch(
    connection: Connection, query: Select[Any], options: Options
) -> Sequence[RowMapping]:
    limited = query.limit(options.top + 1).offset(options.skip)
    return connection.execute(limited).mappings().all()


def _build_order(
    compiler: Compiler, scope: Scope, options: Options
) -> list[ColumnElement[Any]]:
    order: list[ColumnElement[Any]] = []
    for each in options.orderby:
        found = compiler.find_field(each.path)
        column = found.column.desc() if each.descending else found.column.asc()
        if found.nullable:  # databases differ
            column = column.nulls_last() if each.descending else column.nulls_first()
        order.append(column)
    return [*order, *scope.set.keys]


def _find_time_order(scope: Scope, options: Options) -> str | None:
    """Tell which order of readings is asked for, if it can be gone on with.

    Returns
    -------
    str or None
        ``"asc"`` or ``"desc"`` in time, ``""`` by id, which is by series and then by
        time; ``None`` for any other.
    """
    if scope.set.name != "Observations":
        return None
    if not options.orderby:
        return ""
    if len(options.orderby) == 1 and options.orderby[0].path == _TIME:
        return "desc" if options.orderby[0].descending else "asc"
    return None


def _build_continuation(options: Options, by_time: str | None) -> Where:
    """Build the condition that a reading comes after that of the token."""
    token = options.token or ""
    last = read_reading(token) if _TOKEN.fullmatch(token) else None
    if last is None or by_time is None:
        raise DataError("$skiptoken", f"is {token[:40]!r}", "follow @iot.nextLink")
    number, time = last
    if by_time == "":
        done = and_(reading.c.series == number, reading.c.time_us <= time)
        return and_(reading.c.series >= number, not_(done))
    done = and_(reading.c.time_us == time, reading.c.series <= number)
    if by_time == "asc":
        return and_(reading.c.time_us >= time, not_(done))
    return and_(reading.c.time_us <= time, not_(done))


def _bound(
    connection: Connection,
    needs: frozenset[str],
    where: Where,
    *,
    late: bool,
    wanted: int,
) -> Where:
    """Bound the times among which the first readings of all series are.

    The table is ordered by series and then by time, and has no other index. The
    `wanted` first readings of all are none later than the `wanted`-th of any one
    series; that is found without reading the rest, and so are all before it, where
    SQLite is told to look for them series by series.
    """
    column = reading.c.time_us
    own = (
        select(column)
        .where(reading.c.series == series.c.id, where)
        .order_by(column.desc() if late else column.asc())
        .limit(1)
        .offset(wanted - 1)
        .correlate_except(reading)
        .scalar_subquery()
    )
    best = func.max(own) if late else func.min(own)
    found = connection.scalar(select(best).select_from(join_series(needs)))
    if found is None:
        return true()
    bound: Where = column >= found if late else column <= found
    return bound
