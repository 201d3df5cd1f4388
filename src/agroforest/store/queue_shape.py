"""What the queue is asked for, apart from the values.

Building a statement takes longer than running it. Queries that ask for the same things
share one statement, which is built once, and send their values beside it.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

from sqlalchemy import BindParameter, Column, bindparam

from agroforest.core.queue import CaseQuery
from agroforest.store.desk_schema import review_case

#: Stands for nobody in `CaseQuery.assignee`.
NOBODY = "-"
#: Names of the sides of a box, as values.
BOX = ("box_west", "box_south", "box_east", "box_north")
#: Columns that are asked for by words, and what the query calls them.
_WORDS = (
    ("stage", "stages"),
    ("hazard", "hazards"),
    ("verdict", "verdicts"),
    ("pipeline", "pipelines"),
    ("county_code", "counties"),
)
_BOUNDS = ("least_ha", "most_ha", "least_probability", "since", "until")

#: Values by the names under which statements expect them.
Values = dict[str, Any]


class Shape(NamedTuple):
    """What a query asks for, apart from the values.

    Attributes
    ----------
    words
        By column: how many words are asked for, if any.
    given
        What else is: ``nobody``, or names of values.
    """

    words: tuple[tuple[str, int], ...]
    given: frozenset[str]

    def asks(self, name: str) -> bool:
        """Whether a value is given."""
        return name in self.given

    def list_words(self) -> Iterator[tuple[Column[Any], list[BindParameter[Any]]]]:
        """List the columns that are asked for by words, with those."""
        for name, number in self.words:
            column = review_case.c[name]
            yield column, [bind(f"{name}_{n}", column) for n in range(number)]


def bind(name: str, column: Column[Any]) -> BindParameter[Any]:
    """Stand for a value of a column."""
    return bindparam(name, type_=column.type)


def read_shape(query: CaseQuery) -> tuple[Shape, Values]:
    """Take a query apart; order, cursor and limit are not in it."""
    words: list[tuple[str, int]] = []
    values: Values = {}
    for name, asked in _WORDS:
        chosen = sorted(set(map(str, getattr(query, asked))))
        if chosen:
            words.append((name, len(chosen)))
            values |= {f"{name}_{n}": word for n, word in enumerate(chosen)}
    given: Values = {
        name: value for name in _BOUNDS if (value := getattr(query, name)) is not None
    }
    if query.assignee == NOBODY:
        given["nobody"] = True  # asked for, but no value: no statement expects it
    elif query.assignee:
        given["assignee"] = query.assignee
    if query.box is not None:
        given |= dict(zip(BOX, query.box, strict=True))
    return Shape(tuple(words), frozenset(given)), values | given
