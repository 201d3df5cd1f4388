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
from typing import NamedTuple

from agroforest.store.queue_words import NOBODY, Asked

#: How far matching cases are counted to choose a way. Arbitrary: so many rows are
#: looked up and sorted in some milliseconds.
_COUNTED = 2000
#: The same for boxes, which have no order to walk along. Arbitrary.
_BOXED = 8000


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

    def name(self, column: str) -> str:
        """Write a column so that it is looked up only where it should be."""
        is_free = not self.columns or column in self.columns
        return column if is_free else f"+{column}"


def find_ways(asked: Asked, *, order: str = "", limit: int) -> list[Way]:
    """Find the ways to the first `limit` cases of a query, of each stage that has any.

    Parameters
    ----------
    asked
        What is asked for.
    order
        Column that is sorted by; none if empty.
    limit
        How many cases are wanted.
    """
    stages = [row for row in _count_by_stage(asked) if row.matching]
    names = tuple(row.stage for row in stages)
    is_told = asked.is_sqlite
    boxes = "rtree" if is_told else "geom" if asked.has_geometry else ""
    if names and asked.query.box and boxes and _is_small(asked, boxes):
        return [Way(names, _NUMBER if is_told else _ANY, boxes)]
    if not is_told:
        return [Way((name,)) for name in names]
    found = _count_candidates(asked, names)
    ways = []
    for row in stages:
        candidates = [(row.grouped, _COUNTY)] if asked.query.counties else []
        candidates += found.get(row.stage, [])
        fewest, columns = min(candidates, default=(row.cases, _ANY), key=_first)
        passed = row.cases * limit / max(1, min(row.matching, fewest))
        if order and fewest >= min(_COUNTED, passed):
            columns = frozenset({"stage", order})
        ways.append(Way((row.stage,), columns))
    return ways


def count_by_words(asked: Asked) -> int | None:
    """Count the cases of a query that asks for nothing but words; ``None`` if not."""
    query = asked.query
    if query.assignee or query.box or any(True for _ in _write_ranges(asked, str)):
        return None
    return int(sum(row.matching for row in _count_by_stage(asked)))


def write_conditions(asked: Asked, way: Way, number: int) -> str:
    """Write what cases must fulfil to be those that a query asks for, on one way.

    Parameters
    ----------
    asked
        What is asked for.
    way
        To the cases of some stages.
    number
        Of the way among those of one statement.
    """
    stages = asked.write_all(f"way_{number}", way.stages)
    # Only one by itself keeps the order of an index.
    one = len(way.stages) == 1
    written = [f"{way.name('stage')} = {stages}" if one else f"stage IN ({stages})"]
    written += [f"{way.name(c)} IN ({words})" for c, words in asked.words.items()]
    written += [condition for _, condition in _write_ranges(asked, way.name)]
    # Boxes in an index are rounded outwards; the other conditions are exact.
    if asked.query.box is not None and way.boxes:
        written.append(_write_inside(asked, way.boxes))
    return " AND ".join(written)


def _write_inside(asked: Asked, boxes: str) -> str:
    """Write the condition that an index of boxes answers."""
    if boxes == "geom":
        sides = ", ".join(_write_box(asked))
        return f"review_case.geom && ST_MakeEnvelope({sides}, 4326)"
    meeting = _write_meeting(asked)
    return f"number IN (SELECT number FROM case_box WHERE {meeting})"  # noqa: S608  as below


def _write_box(asked: Asked) -> list[str]:
    box = dict(
        zip(("west", "south", "east", "north"), asked.query.box or (), strict=True)
    )
    return [asked.write(f"box_{side}", value) for side, value in box.items()]


def _write_meeting(asked: Asked) -> str:
    """Write the four conditions under which boxes meet."""
    west, south, east, north = _write_box(asked)
    return (
        f"west <= {east} AND east >= {west} AND south <= {north} AND north >= {south}"
    )


def _is_small(asked: Asked, boxes: str) -> bool:
    most = asked.write("boxed", _BOXED)
    if boxes == "rtree":
        table, condition = "case_box", _write_meeting(asked)
    else:
        table, condition = "review_case", _write_inside(asked, boxes)
    some = f"SELECT 1 FROM {table} WHERE {condition} LIMIT {most}"  # noqa: S608  our names
    counted = asked.ask(f"SELECT count(*) FROM ({some}) AS boxes")  # noqa: S608
    return int(counted[0][0]) < _BOXED


_NUMBER = frozenset({"number"})
_ANY: frozenset[str] = frozenset()
_COUNTY = frozenset({"stage", "county_code", "hazard"})


def _first(candidate: tuple[int, Collection[str]]) -> int:
    return candidate[0]


def _write_ranges(
    asked: Asked, name: Callable[[str], str]
) -> Iterator[tuple[frozenset[str], str]]:
    """Write the conditions that no word says, with the columns of their index."""
    query, assignee = asked.query, name("assignee")
    if query.assignee == NOBODY:
        yield _ANY, f"{assignee} = ''"
    elif query.assignee:
        own = asked.write("assignee", query.assignee)
        # The second condition is that of the index.
        condition = f"{assignee} = {own} AND {assignee} <> ''"
        yield frozenset({"assignee", "stage"}), condition
    spans = (
        ("area_ha", query.least_ha, query.most_ha),
        ("probability", query.least_probability, None),
        ("first_night", query.since, query.until),
    )
    for span, least, most in spans:
        both = []
        if least is not None:
            both.append(f"{name(span)} >= {asked.write(f'least_{span}', least)}")
        if most is not None:
            both.append(f"{name(span)} <= {asked.write(f'most_{span}', most)}")
        if both:
            yield frozenset({"stage", span}), " AND ".join(both)
    if query.box is not None:
        # Four conditions would look four times as rare to PostgreSQL as they are.
        yield _ANY, f"CASE WHEN {_write_meeting(asked)} THEN true ELSE false END"


class _Counted(NamedTuple):
    """Cases of a stage: all, those of the hazards and counties, those of all words."""

    stage: str
    cases: int
    grouped: int
    matching: int


def _count_by_stage(asked: Asked) -> list[_Counted]:
    """Count the cases of each stage that has any."""
    matching = {c: f"{c} IN ({words})" for c, words in asked.words.items()}
    grouped = [condition for c, condition in matching.items() if c in _COUNTY]
    where = f"WHERE stage IN ({asked.stages})" if asked.stages else ""
    counted = (
        f"SELECT stage, sum(cases) AS cases, {_sum_where(grouped)} AS grouped, "  # noqa: S608  as above
        f"{_sum_where(matching.values())} AS matching "
        f"FROM case_tally {where} GROUP BY stage"
    )
    return [_Counted._make(row) for row in asked.ask(counted)]


def _sum_where(conditions: Collection[str]) -> str:
    if not conditions:
        return "sum(cases)"
    return f"sum(CASE WHEN {' AND '.join(conditions)} THEN cases ELSE 0 END)"


def _count_candidates(
    asked: Asked, stages: Collection[str]
) -> dict[str, list[tuple[int, frozenset[str]]]]:
    """Count what each index finds by stage, as far as `_COUNTED`; in one question."""
    ranges = [(columns, c) for columns, c in _write_ranges(asked, str) if columns]
    if not ranges or not stages:
        return {}
    most = asked.write("counted", _COUNTED)
    counts = [
        f"(SELECT count(*) FROM (SELECT 1 FROM review_case WHERE stage = {stage} "  # noqa: S608  as above
        f"AND {condition} LIMIT {most}) AS some)"
        for stage in asked.write_all("stage_of", stages).split(", ")
        for _, condition in ranges
    ]
    (row,) = asked.ask(f"SELECT {', '.join(counts)}")
    counted = iter(row)
    return {
        stage: [(next(counted), columns) for columns, _ in ranges] for stage in stages
    }
