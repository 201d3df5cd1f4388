"""Ways to the cases that a query asks for: which index leads to them, stage by stage.

Cases of a stage are found in two ways: walk along the queue's order and pass over what
was not asked for, or gather whatever a filter finds and sort that. The first is slow
where little matches, the second where much does. PostgreSQL knows its columns well
enough to choose; SQLite does not, so here it is told: a column behind a unary plus is
not looked up in an index (https://www.sqlite.org/optoverview.html, section 2.2).

How many cases match is read from the tally, which knows all combinations of the words
that the queue is filtered by, or counted as far as `_COUNTED`.
"""

from collections.abc import Callable, Collection, Iterator
from typing import Any, NamedTuple

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Select,
    and_,
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

from agroforest.core.queue import CaseQuery
from agroforest.store.database import has_geometry
from agroforest.store.desk_schema import case_tally, review_case

#: Stands for nobody in `CaseQuery.assignee`.
NOBODY = "-"
#: How far matching cases are counted to choose a way. Arbitrary: so many rows are
#: looked up and sorted in some milliseconds.
_COUNTED = 2000
#: The same for boxes, which have no order to walk along. Arbitrary.
_BOXED = 8000


Box = tuple[float, float, float, float]


class Way(NamedTuple):
    """How to find the cases of one stage, or of some.

    Attributes
    ----------
    stages
        The stages.
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
    connection: Connection, query: CaseQuery, *, order: str = "", limit: int
) -> list[Way]:
    """Find the ways to the first `limit` cases of a query, of each stage that has any.

    Parameters
    ----------
    connection
        In a transaction.
    query
        What is asked for.
    order
        Column that is sorted by; none if empty.
    limit
        How many cases are wanted.
    """
    counted = connection.execute(_count_by_stage(query)).all()
    stages = [row for row in counted if row.matching]
    names = tuple(row.stage for row in stages)
    is_told = connection.dialect.name == "sqlite"
    boxes = "rtree" if is_told else "geom" if has_geometry(connection) else ""
    if names and query.box and boxes and _is_small(connection, query.box, boxes):
        return [Way(names, _NUMBER if is_told else _ANY, boxes)]
    if not is_told:
        return [Way((name,)) for name in names]
    found = _count_candidates(connection, query, names)
    ways = []
    for row in stages:
        candidates = [(row.grouped, _COUNTY)] if query.counties else []
        candidates += found.get(row.stage, [])
        fewest, columns = min(candidates, default=(row.cases, _ANY), key=_first)
        passed = row.cases * limit / max(1, min(row.matching, fewest))
        if order and fewest >= min(_COUNTED, passed):
            columns = frozenset({"stage", order})
        ways.append(Way((row.stage,), columns))
    return ways


def count_by_words(connection: Connection, query: CaseQuery) -> int | None:
    """Count the cases of a query that asks for nothing but words; ``None`` if not."""
    bare = CaseQuery(
        stages=query.stages,
        hazards=query.hazards,
        verdicts=query.verdicts,
        pipelines=query.pipelines,
        counties=query.counties,
        order=query.order,
        after=query.after,
        limit=query.limit,
    )
    if query != bare:
        return None
    rows = connection.execute(_count_by_stage(query))
    return int(sum(row.matching for row in rows))


def build_conditions(query: CaseQuery, way: Way) -> Iterator[ColumnElement[bool]]:
    """Build what cases of a stage must fulfil to be those that a query asks for."""
    c = review_case.c
    stage, *others = way.stages  # only one by itself keeps the order of an index
    yield way.name(c.stage).in_(way.stages) if others else way.name(c.stage) == stage
    for asked, words in _list_words(query):
        if words and asked.name != "stage":
            yield way.name(asked).in_(words)
    for _, condition in _build_ranges(query, way.name):
        yield condition
    # Boxes in an index are rounded outwards; the other conditions are exact.
    if query.box is not None and way.boxes:
        yield _build_inside(query.box, way.boxes)


def _build_inside(box: Box, boxes: str) -> ColumnElement[bool]:
    """Build the condition that an index of boxes answers."""
    if boxes == "geom":
        geom: ColumnElement[Any] = literal_column("review_case.geom")
        return geom.bool_op("&&")(func.ST_MakeEnvelope(*box, 4326))
    return review_case.c.number.in_(_select_boxes(box))


def _select_boxes(box: Box) -> Select[Any]:
    west, south, east, north = box
    c = _RTREE.c
    inside = (c.west <= east, c.east >= west, c.south <= north, c.north >= south)
    return select(c.number).where(*inside)


def _is_small(connection: Connection, box: Box, boxes: str) -> bool:
    if boxes == "rtree":
        numbers = _select_boxes(box)
    else:
        numbers = select(review_case.c.number).where(_build_inside(box, boxes))
    found = numbers.limit(_BOXED).subquery()
    counted = connection.execute(select(func.count()).select_from(found))
    return int(counted.scalar_one()) < _BOXED


#: Boxes of cases, kept by triggers; only SQLite has it.
_RTREE = table("case_box", *map(column, ("number", "west", "east", "south", "north")))
_NUMBER = frozenset({"number"})
_ANY: frozenset[str] = frozenset()
_COUNTY = frozenset({"stage", "county_code", "hazard"})


def _first(candidate: tuple[int, Collection[str]]) -> int:
    return candidate[0]


def _list_words(query: CaseQuery) -> list[tuple[Column[Any], list[str]]]:
    c = review_case.c
    asked: tuple[tuple[Column[Any], tuple[str, ...]], ...] = (
        (c.stage, query.stages),
        (c.hazard, query.hazards),
        (c.verdict, query.verdicts),
        (c.pipeline, query.pipelines),
        (c.county_code, query.counties),
    )
    return [(each, sorted(set(map(str, words)))) for each, words in asked]


def _build_ranges(
    query: CaseQuery, name: Callable[[Column[Any]], ColumnElement[Any]]
) -> Iterator[tuple[frozenset[str], ColumnElement[bool]]]:
    """Build the conditions that no word says, with the columns of their index."""
    c = review_case.c
    if query.assignee == NOBODY:
        yield frozenset(), name(c.assignee) == ""
    elif query.assignee:
        # The second condition is that of the index.
        own = name(c.assignee) == query.assignee
        is_somebody = name(c.assignee) != literal_column("''")
        yield frozenset({"assignee", "stage"}), and_(own, is_somebody)
    spans = (
        (c.area_ha, query.least_ha, query.most_ha),
        (c.probability, query.least_probability, None),
        (c.first_night, query.since, query.until),
    )
    for span, least, most in spans:
        both = []
        if least is not None:
            both.append(name(span) >= least)
        if most is not None:
            both.append(name(span) <= most)
        if both:
            yield frozenset({"stage", span.name}), and_(*both)
    if query.box is not None:
        west, south, east, north = query.box
        sides = (c.west <= east, c.east >= west, c.south <= north, c.north >= south)
        # Four conditions would look four times as rare to PostgreSQL as they are.
        yield _ANY, case((and_(*sides), true()), else_=false())


def _count_by_stage(query: CaseQuery) -> Select[Any]:
    """Count all cases, those of the hazards and counties, and those of all words."""
    c = case_tally.c
    words = {each.name: values for each, values in _list_words(query)}
    grouped: list[ColumnElement[bool]] = []
    matching: list[ColumnElement[bool]] = []
    for name, values in words.items():
        if values and name != "stage":
            condition = c[name].in_(values)
            matching.append(condition)
            if name in _COUNTY:
                grouped.append(condition)
    counted: Select[Any] = select(
        c.stage,
        func.sum(c.cases).label("cases"),
        _sum_where(grouped).label("grouped"),
        _sum_where(matching).label("matching"),
    ).group_by(c.stage)
    return counted.where(c.stage.in_(words["stage"])) if words["stage"] else counted


def _sum_where(conditions: list[ColumnElement[bool]]) -> ColumnElement[int]:
    c = case_tally.c
    counted = (
        case((and_(True, *conditions), c.cases), else_=0) if conditions else c.cases
    )
    return func.sum(counted)


def _count_candidates(
    connection: Connection, query: CaseQuery, stages: Collection[str]
) -> dict[str, list[tuple[int, frozenset[str]]]]:
    """Count what each index finds by stage, as far as `_COUNTED`; in one question."""
    asked = [
        (stage, columns, condition)
        for stage in stages
        for columns, condition in _build_ranges(query, lambda each: each)
        if columns
    ]
    if not asked:
        return {}
    counts = [
        select(func.count())
        .select_from(
            select(literal_column("1"))
            .where(review_case.c.stage == stage, condition)
            .limit(_COUNTED)
            .subquery()
        )
        .scalar_subquery()
        for stage, _, condition in asked
    ]
    row = connection.execute(select(*counts)).one()
    found: dict[str, list[tuple[int, frozenset[str]]]] = {}
    for (stage, columns, _), counted in zip(asked, row, strict=True):
        found.setdefault(stage, []).append((counted, columns))
    return found
