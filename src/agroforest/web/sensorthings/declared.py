"""What an entity set is: the SQL behind it, its fields and its links."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, FromClause, RowMapping

#: A condition in SQL.
Where = ColumnElement[bool]


class Kind(StrEnum):
    """What a field holds, for comparisons."""

    TEXT = "text"
    NUMBER = "number"
    TIME = "time"
    FLAG = "true or false"
    ID = "id"


@dataclass(frozen=True, kw_only=True, slots=True)
class Field:
    """A field that can be filtered and sorted by.

    Attributes
    ----------
    kind
        What it holds. Times are microseconds since 1970-01-01 UTC in SQL.
    column
        Its SQL; of an id, what it is sorted by.
    needs
        Tables beside the first one of its set; see `EntitySet.source`.
    find
        Of an id: the condition that an entity has it, from its text.
    nullable
        Whether it may be missing.
    """

    kind: Kind
    column: ColumnElement[Any]
    needs: frozenset[str] = frozenset()
    find: Callable[[str], Where] | None = None
    nullable: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Link:
    """From an entity to others.

    Attributes
    ----------
    target
        Name of their set.
    many
        Whether there may be several.
    key
        Column of the entity's row that they have in common.
    where
        Condition on the target's source, from what is in that column.
    needs
        Tables that the condition needs beside the first one of the target.
    column
        The target's id, where it is that which they have in common.
    """

    target: str
    many: bool
    key: str
    where: Callable[[Any], Where]
    needs: frozenset[str] = frozenset()
    column: ColumnElement[Any] | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class EntitySet:
    """A kind of entity.

    Attributes
    ----------
    name, single
        ``Things``, ``Thing``.
    source
        Builds the ``FROM`` with the tables that are needed beside the first one.
    columns
        What is selected of each entity; it may need `needs`.
    keys
        Columns that order the set and together tell its entities apart.
    fields
        By path.
    links
        By name.
    build
        Makes the properties of an entity from its row, in the standard's order.
    id
        Makes its id from its row.
    properties
        Names of what `build` gives.
    where
        A condition on the whole set.
    needs
        Tables that `columns` and `where` need beside the first one.
    """

    name: str
    single: str
    source: Callable[[frozenset[str]], FromClause]
    columns: tuple[ColumnElement[Any], ...]
    keys: tuple[ColumnElement[Any], ...]
    fields: Mapping[str, Field]
    links: Mapping[str, Link]
    build: Callable[[RowMapping], dict[str, Any]]
    id: Callable[[RowMapping], str]
    properties: tuple[str, ...]
    where: Where | None = None
    needs: frozenset[str] = field(default=frozenset())
