"""Ways to the cases that a query asks for: which index leads to them, stage by stage.

Cases of a stage are found in two ways: walk along the queue's order and pass over what
was not asked for, or gather whatever a filter finds and sort that. The first is slow
where little matches, the second where much does. PostgreSQL knows its columns well
enough to choose; SQLite does not, so here it is told: a column behind a unary plus is
not looked up in an index (https://www.sqlite.org/optoverview.html, section 2.2).

How many cases match is read from the tally, which knows all combinations of the words
that the queue is filtered by, or counted as far as `_COUNTED`.
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Integer,
    Select,
    and_,
    bindparam,
    case,
    column,
    false,
    func,
    literal_column,
    select,
    table,
    true,
)
from sqlalchemy.sql.elements import UnaryExpression
from sqlalchemy.sql.operators import custom_op

from agroforest.store.database import has_geometry
from agroforest.store.desk_schema import case_tally, review_case
from agroforest.store.queue_shape import BOX, Shape, Values, bind

#: How far matching cases are counted to choose a way. Arbitrary: so many rows are
#: looked up and sorted in some milliseconds.
_COUNTED = 2000
#: The same for boxes, which have no order to walk along. Arbitrary.
_BOXED = 8000
#: Statements of each kind that are kept, some tens of kilobytes each. Arbitrary; what
#: people ask for takes a few dozen.
KEPT = 256


class Way(NamedTuple):
    """How to find the cases of one stage, or of some.

    Attributes
    ----------
    stages
        The stages; in a statement the names of the values that they are, see
        `bind_stages`.
    columns
        Those that may be looked up in an index; any if empty.
    boxes
        Where boxes are to be looked up: nowhere if empty, else in the ``geom`` of
        PostGIS or the ``rtree`` of SQLite.
    """

    stages: tuple[str, ...]
    columns: frozenset[str] = frozenset()
    boxes: str = ""

    def name(self, each: Column[Any]) -> ColumnElement[Any]:
        """Write a column so that it is looked up only where it should be."""
        if not self.columns or each.name in self.columns:
            return each
        return UnaryExpression(each, operator=custom_op("+"), type_=each.type)


def find_ways(
    connection: Connection,
    shape: Shape,
    values: Values,
    *,
    order: str = "",
    limit: int,
) -> list[Way]:
    """Find the ways to the first `limit` cases of a query, of each stage that has any.

    Parameters
    ----------
    connection
        In a transaction.
    shape, values
        What is asked for.
    order
        Column that is sorted by; none if empty.
    limit
        How many cases are wanted.
    """
    counted = connection.execute(_count_by_stage(shape), values).all()
    stages = [row for row in counted if row.matching]
    names = tuple(row.stage for row in stages)
    is_told = connection.dialect.name == "sqlite"
    boxes = "rtree" if is_told else "geom" if has_geometry(connection) else ""
    is_boxed = names and boxes and shape.asks(BOX[0])
    if is_boxed and _is_small(connection, values, boxes):
        return [Way(names, _NUMBER if is_told else _ANY, boxes)]
    if not is_told:
        return [Way((name,)) for name in names]
    found = _count_candidates(connection, shape, values, names)
    ways = []
    for row in stages:
        is_grouped = any(name == "county_code" for name, _ in shape.words)
        candidates = [(row.grouped, _COUNTY)] if is_grouped else []
        candidates += found.get(row.stage, [])
        fewest, columns = min(candidates, default=(row.cases, _ANY), key=_first)
        passed = row.cases * limit / max(1, min(row.matching, fewest))
        if order and fewest >= min(_COUNTED, passed):
            columns = frozenset({"stage", order})
        ways.append(Way((row.stage,), columns))
    return ways


def bind_stages(ways: Sequence[Way]) -> tuple[tuple[Way, ...], Values]:
    """Take the stages out of ways: statements expect them as values."""
    values: Values = {}
    named = []
    for number, way in enumerate(ways):
        names = tuple(f"way_{number}_{n}" for n in range(len(way.stages)))
        values |= dict(zip(names, way.stages, strict=True))
        named.append(way._replace(stages=names))
    return tuple(named), values


def count_by_words(connection: Connection, shape: Shape, values: Values) -> int | None:
    """Count the cases of a query that asks for nothing but words; ``None`` if not."""
    if shape.given:
        return None
    rows = connection.execute(_count_by_stage(shape), values)
    return int(sum(row.matching for row in rows))


def build_conditions(shape: Shape, way: Way) -> Iterator[ColumnElement[bool]]:
    """Build what cases of a stage must fulfil to be those that a query asks for."""
    c = review_case.c
    stage, *others = [bind(name, c.stage) for name in way.stages]
    # Only one by itself keeps the order of an index.
    named = way.name(c.stage)
    yield named.in_([stage, *others]) if others else named == stage
    for asked, words in shape.list_words():
        if asked.name != "stage":
            yield way.name(asked).in_(words)
    for _, condition in _build_ranges(shape, way.name):
        yield condition
    # Boxes in an index are rounded outwards; the other conditions are exact.
    if shape.asks(BOX[0]) and way.boxes:
        yield _build_inside(way.boxes)


def _build_inside(boxes: str) -> ColumnElement[bool]:
    """Build the condition that an index of boxes answers."""
    if boxes == "geom":
        geom: ColumnElement[Any] = literal_column("review_case.geom")
        return geom.bool_op("&&")(func.ST_MakeEnvelope(*_bind_box(), 4326))
    return review_case.c.number.in_(_select_boxes())


def _bind_box() -> list[ColumnElement[Any]]:
    return [bind(name, review_case.c.west) for name in BOX]


def _select_boxes() -> Select[Any]:
    return select(_RTREE.c.number).where(*_build_meeting(_RTREE.c))


def _build_meeting(c: Any) -> tuple[ColumnElement[bool], ...]:  # noqa: ANN401  columns
    """Build the four conditions under which boxes meet."""
    west, south, east, north = _bind_box()
    return (c.west <= east, c.east >= west, c.south <= north, c.north >= south)


def _is_small(connection: Connection, values: Values, boxes: str) -> bool:
    counted = connection.execute(_count_boxes(boxes), values | {"boxed": _BOXED})
    return int(counted.scalar_one()) < _BOXED


@lru_cache(maxsize=2)
def _count_boxes(boxes: str) -> Select[Any]:
    if boxes == "rtree":
        numbers = _select_boxes()
    else:
        numbers = select(review_case.c.number).where(_build_inside(boxes))
    found = numbers.limit(bindparam("boxed", type_=Integer)).subquery()
    return select(func.count()).select_from(found)


#: Boxes of cases, kept by triggers; only SQLite has it.
_RTREE = table("case_box", *map(column, ("number", "west", "east", "south", "north")))
_NUMBER = frozenset({"number"})
_ANY: frozenset[str] = frozenset()
_COUNTY = frozenset({"stage", "county_code", "hazard"})


def _first(candidate: tuple[int, Collection[str]]) -> int:
    return candidate[0]


def _build_ranges(
    shape: Shape, name: Callable[[Column[Any]], ColumnElement[Any]]
) -> Iterator[tuple[frozenset[str], ColumnElement[bool]]]:
    """Build the conditions that no word says, with the columns of their index."""
    c = review_case.c
    if shape.asks("nobody"):
        yield frozenset(), name(c.assignee) == ""
    elif shape.asks("assignee"):
        # The second condition is that of the index.
        own = name(c.assignee) == bind("assignee", c.assignee)
        is_somebody = name(c.assignee) != literal_column("''")
        yield frozenset({"assignee", "stage"}), and_(own, is_somebody)
    spans = (
        (c.area_ha, "least_ha", "most_ha"),
        (c.probability, "least_probability", ""),
        (c.first_night, "since", "until"),
    )
    for span, least, most in spans:
        both = []
        if shape.asks(least):
            both.append(name(span) >= bind(least, span))
        if shape.asks(most):
            both.append(name(span) <= bind(most, span))
        if both:
            yield frozenset({"stage", span.name}), and_(*both)
    if shape.asks(BOX[0]):
        # Four conditions would look four times as rare to PostgreSQL as they are.
        yield _ANY, case((and_(*_build_meeting(c)), true()), else_=false())


@lru_cache(maxsize=KEPT)
def _count_by_stage(shape: Shape) -> Select[Any]:
    """Count all cases, those of the hazards and counties, and those of all words."""
    c = case_tally.c
    grouped: list[ColumnElement[bool]] = []
    matching: list[ColumnElement[bool]] = []
    stages: list[ColumnElement[bool]] = []
    for asked, words in shape.list_words():
        condition = c[asked.name].in_(words)
        if asked.name == "stage":
            stages.append(condition)
            continue
        matching.append(condition)
        if asked.name in _COUNTY:
            grouped.append(condition)
    counted: Select[Any] = select(
        c.stage,
        func.sum(c.cases).label("cases"),
        _sum_where(grouped).label("grouped"),
        _sum_where(matching).label("matching"),
    ).group_by(c.stage)
    return counted.where(*stages)


def _sum_where(conditions: list[ColumnElement[bool]]) -> ColumnElement[int]:
    c = case_tally.c
    counted = (
        case((and_(True, *conditions), c.cases), else_=0) if conditions else c.cases
    )
    return func.sum(counted)


def _count_candidates(
    connection: Connection, shape: Shape, values: Values, stages: Sequence[str]
) -> dict[str, list[tuple[int, frozenset[str]]]]:
    """Count what each index finds by stage, as far as `_COUNTED`; in one question."""
    columns, statement = _build_candidates(shape, len(stages))
    if statement is None:
        return {}
    named = {f"stage_of_{number}": stage for number, stage in enumerate(stages)}
    row = connection.execute(statement, values | named | {"counted": _COUNTED}).one()
    counts = iter(row)
    return {stage: [(next(counts), each) for each in columns] for stage in stages}


@lru_cache(maxsize=KEPT)
def _build_candidates(
    shape: Shape, stages: int
) -> tuple[tuple[frozenset[str], ...], Select[Any] | None]:
    """Build that question, for so many stages; with the columns of each index."""
    asked = [each for each in _build_ranges(shape, lambda column: column) if each[0]]
    c = review_case.c
    counts = [
        select(func.count())
        .select_from(
            select(literal_column("1"))
            .where(c.stage == bind(f"stage_of_{number}", c.stage), condition)
            .limit(bindparam("counted", type_=Integer))
            .subquery()
        )
        .scalar_subquery()
        for number in range(stages)
        for _, condition in asked
    ]
    return tuple(columns for columns, _ in asked), select(*counts) if counts else None
