"""From the tree of a ``$filter`` to SQL, with every value as a parameter."""

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Double,
    Integer,
    Text,
    and_,
    cast,
    extract,
    false,
    func,
    literal,
    not_,
    or_,
    true,
)

from agroforest.core.errors import DataError
from agroforest.store.times import to_microseconds
from agroforest.web.sensorthings.declared import Field, Kind, Where
from agroforest.web.sensorthings.expression import (
    Call,
    Compare,
    Condition,
    Junction,
    Literal,
    Negation,
    Path,
    Value,
)
from agroforest.web.sensorthings.parser import read_time, refuse

_SECOND_US = 1_000_000
_OPERATORS: dict[str, Callable[[Any, Any], Any]] = {
    "eq": operator.eq,
    "ne": operator.ne,
    "gt": operator.gt,
    "ge": operator.ge,
    "lt": operator.lt,
    "le": operator.le,
}
_EQUALITY = {"eq", "ne"}
_PARTS = ("year", "month", "day", "hour", "minute", "second")
_FUNCTIONS = (
    *("substringof", "startswith", "endswith", "tolower", "toupper", "length"),
    *(*_PARTS, "now"),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Operand:
    """A side of a comparison: its kind (``None`` for null) and its SQL."""

    kind: Kind | None
    sql: ColumnElement[Any]
    field: Field | None = None
    literal: Literal | None = None


class Compiler:
    """Turns conditions on one entity set into SQL.

    Parameters
    ----------
    fields
        Of the set, by path.
    dialect
        ``sqlite`` or ``postgresql``; they spell parts of a time differently.
    now
        What ``now()`` is.

    Attributes
    ----------
    needs
        Tables that what was compiled so far needs.
    """

    def __init__(
        self, fields: Mapping[str, Field], *, dialect: str, now: datetime
    ) -> None:
        self._fields = fields
        self._dialect = dialect
        self._now = now
        self.needs: set[str] = set()

    def compile(self, condition: Condition) -> Where:
        """Build the SQL of a condition.

        Raises
        ------
        DataError
            A field or function is not there, or values of two kinds are compared.
        """
        if isinstance(condition, Junction):
            join = and_ if condition.operator == "and" else or_
            return join(*(self.compile(part) for part in condition.parts))
        if isinstance(condition, Negation):
            return not_(self.compile(condition.inner))
        if isinstance(condition, Compare):
            return self._compare(condition)
        alone = self._operand(condition)
        if alone.kind is not Kind.FLAG:
            raise refuse(f"has {condition} alone", "compare it with something")
        return alone.sql

    def find_field(self, path: str) -> Field:
        """Find a field that a request names, and note what it needs.

        Raises
        ------
        DataError
            There is none of that name.
        """
        field = self._fields.get(path)
        if field is None:
            known = ", ".join(name for name in self._fields if "@" not in name)
            raise DataError(
                "the request",
                f"names {path[:80]!r}, which cannot be filtered or sorted by",
                f"use one of {known or 'none: there are no such fields'}",
            )
        self.needs |= field.needs
        return field

    def _compare(self, compare: Compare) -> Where:
        left, right = self._operand(compare.left), self._operand(compare.right)
        if left.literal is not None and right.literal is None:
            left, right = right, left
            word = compare.operator.translate(str.maketrans("gl", "lg"))
        else:
            word = compare.operator
        if right.kind is None or left.kind is None:
            return _compare_null(left, word)
        if left.kind is Kind.ID:
            return _compare_id(left, right, word)
        if left.kind is Kind.TIME and right.kind is Kind.TEXT and right.literal:
            right = _build_time(read_time(str(right.literal.value)))
        if left.kind is not right.kind:
            raise refuse(
                f"compares {compare.left}, {left.kind}, with {compare.right}, "
                f"{right.kind}",
                "compare like with like",
            )
        if left.kind is Kind.FLAG and word not in _EQUALITY:
            raise refuse(f"sorts true and false by {word}", "use eq or ne")
        found: Where = _OPERATORS[word](left.sql, right.sql)
        return found

    def _operand(self, value: Value) -> _Operand:
        if isinstance(value, Path):
            field = self.find_field(str(value))
            return _Operand(kind=field.kind, sql=field.column, field=field)
        if isinstance(value, Literal):
            return _build_literal(value)
        return self._call(value)

    def _call(self, call: Call) -> _Operand:
        if call.name not in _FUNCTIONS:
            raise refuse(
                f"calls {call.name[:40]}()", f"there are {', '.join(_FUNCTIONS)}"
            )
        if call.name == "now":
            self._arguments(call)
            return _build_time(self._now)
        if call.name in _PARTS:
            (time,) = self._arguments(call, Kind.TIME)
            return _Operand(kind=Kind.NUMBER, sql=self._extract(call.name, time))
        if call.name in {"tolower", "toupper"}:
            (text,) = self._arguments(call, Kind.TEXT)
            change = func.lower if call.name == "tolower" else func.upper
            return _Operand(kind=Kind.TEXT, sql=change(text, type_=Text))
        if call.name == "length":
            (text,) = self._arguments(call, Kind.TEXT)
            return _Operand(kind=Kind.NUMBER, sql=func.length(text, type_=Integer))
        first, second = self._arguments(call, Kind.TEXT, Kind.TEXT)
        return _Operand(kind=Kind.FLAG, sql=_search(call.name, first, second))

    def _arguments(self, call: Call, *kinds: Kind) -> list[ColumnElement[Any]]:
        found = [self._operand(each) for each in call.arguments]
        if [each.kind for each in found] != [*kinds]:
            wanted = " and ".join(kinds) or "nothing"
            raise refuse(f"gives {call} something else", f"it takes {wanted}")
        return [each.sql for each in found]

    def _extract(self, part: str, time_us: ColumnElement[Any]) -> ColumnElement[Any]:
        # Whole seconds, rounded down before 1970 as after.
        rest = (time_us % _SECOND_US + _SECOND_US) % _SECOND_US
        seconds = (time_us - rest) // _SECOND_US
        moment: ColumnElement[Any]
        if self._dialect == "sqlite":
            moment = func.datetime(seconds, "unixepoch")
        else:
            moment = func.timezone("UTC", func.to_timestamp(cast(seconds, Double)))
        return cast(extract(part, moment), Integer)


def _build_literal(written: Literal) -> _Operand:
    value = written.value
    if value is None:
        return _Operand(kind=None, sql=false(), literal=written)
    if isinstance(value, bool):
        sql = true() if value else false()
        return _Operand(kind=Kind.FLAG, sql=sql, literal=written)
    if isinstance(value, float):
        number = literal(value, Double)
        return _Operand(kind=Kind.NUMBER, sql=number, literal=written)
    if isinstance(value, str):
        return _Operand(kind=Kind.TEXT, sql=literal(value, Text), literal=written)
    return _build_time(value, written)


def _build_time(time: datetime, written: Literal | None = None) -> _Operand:
    count = literal(to_microseconds(time), BigInteger)
    return _Operand(kind=Kind.TIME, sql=count, literal=written)


def _compare_null(left: _Operand, word: str) -> Where:
    if word not in _EQUALITY:
        raise refuse(f"compares with null by {word}", "use eq or ne")
    if left.kind is None:
        return true() if word == "eq" else false()
    return left.sql.is_(None) if word == "eq" else left.sql.is_not(None)


def _compare_id(left: _Operand, right: _Operand, word: str) -> Where:
    find = None if left.field is None else left.field.find
    if find is None or right.literal is None or word not in _EQUALITY:
        raise refuse(f"compares an id by {word}", "use eq or ne and a text in quotes")
    text = right.literal
    same = find(text.value if isinstance(text.value, str) else text.written)
    return same if word == "eq" else not_(same)


def _search(
    name: str, first: ColumnElement[str], second: ColumnElement[str]
) -> ColumnElement[bool]:
    """Compare parts of texts, letter for letter, alike in all databases."""
    if name == "startswith":
        return func.substr(first, 1, func.length(second)) == second
    if name == "endswith":
        start = func.length(first) - func.length(second) + 1
        return and_(start > 0, func.substr(first, start) == second)
    # substringof(what, where): what can be taken out is in there
    return or_(second == first, first == "", func.replace(second, first, "") != second)
