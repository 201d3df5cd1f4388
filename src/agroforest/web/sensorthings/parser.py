"""Reading a ``$filter``: words, then a tree, both within limits."""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from agroforest.core.errors import DataError
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

#: Longest filter, characters; most conditions in it; deepest nesting. Arbitrary.
LONGEST, MOST_TERMS, DEEPEST = 4000, 100, 20

OPERATORS = frozenset({"eq", "ne", "gt", "ge", "lt", "le"})
_WORDS = {"true": True, "false": False, "null": None}
_TOKEN = re.compile(
    r"""
    (?P<space>\s+)
  | (?P<time>\d{4}-\d\d-\d\dT[0-9:.]+(?:Z|[+-]\d\d:\d\d)?)
  | (?P<number>-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)(?![\w.])
  | (?P<text>'(?:[^']|'')*')
  | (?P<name>[A-Za-z@_][A-Za-z0-9@_.]*)
  | (?P<sign>[(),/])
    """,
    re.VERBOSE | re.ASCII,
)


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    place: int


def parse_filter(text: str) -> Condition:
    """Read a filter.

    Raises
    ------
    DataError
        It cannot be read, or is too long or too deep.
    """
    if len(text) > LONGEST:
        raise refuse(f"has {len(text)} characters", f"use at most {LONGEST}")
    parser = _Parser([*_split(text), _Token("end", "", len(text))])
    condition = parser.read_or(0)
    parser.expect("end", "")
    return condition


def refuse(problem: str, remedy: str) -> DataError:
    """Build the error of a filter."""
    return DataError("$filter", problem, remedy)


def _split(text: str) -> Iterator[_Token]:
    place = 0
    while place < len(text):
        match = _TOKEN.match(text, place)
        if match is None:
            shown = text[place : place + 20]
            raise refuse(
                f"cannot be read at {shown!r}, character {place + 1}",
                "put text in single quotes, and write + in an address as %2B",
            )
        if match.lastgroup != "space":
            yield _Token(str(match.lastgroup), match[0], place)
        place = match.end()


class _Parser:
    """Recursive descent; every method reads from where the last one stopped."""

    def __init__(self, tokens: list[_Token]) -> None:
        self._tokens = tokens
        self._at = 0
        self._terms = 0

    def read_or(self, depth: int) -> Condition:
        return self._read_junction("or", depth)

    def expect(self, kind: str, text: str) -> None:
        token = self._next()
        if (token.kind, token.text) != (kind, text):
            wanted = f"{text!r}" if text else "the end"
            raise self._unexpected(token, f"{wanted} is expected there")

    def _read_junction(self, word: str, depth: int) -> Condition:
        read = self._read_not if word == "and" else self._read_and
        parts = [read(depth)]
        while self._is_word(word):
            self._at += 1
            parts.append(read(depth))
        return parts[0] if len(parts) == 1 else Junction(word, tuple(parts))

    def _read_and(self, depth: int) -> Condition:
        return self._read_junction("and", depth)

    def _read_not(self, depth: int) -> Condition:
        _check_depth(depth)
        if self._is_word("not"):
            self._at += 1
            return Negation(self._read_not(depth + 1))
        if self._peek().text == "(":
            self._at += 1
            inner = self.read_or(depth + 1)
            self.expect("sign", ")")
            return inner
        return self._read_comparison(depth)

    def _read_comparison(self, depth: int) -> Condition:
        self._terms += 1
        if self._terms > MOST_TERMS:
            raise refuse(f"has over {MOST_TERMS} conditions", "ask in several requests")
        left = self._read_value(depth)
        operator = self._peek()
        if operator.kind != "name" or operator.text not in OPERATORS:
            return left
        self._at += 1
        return Compare(operator.text, left, self._read_value(depth))

    def _read_value(self, depth: int) -> Value:
        _check_depth(depth)
        token = self._next()
        if token.kind == "text":
            return Literal(_read_text(token.text), token.text)
        if token.kind == "number":
            return Literal(_read_number(token.text), token.text)
        if token.kind == "time":
            return Literal(read_time(token.text), token.text)
        if token.kind != "name":
            raise self._unexpected(token, "a field or a value is expected there")
        if token.text in _WORDS:
            return Literal(_WORDS[token.text], token.text)
        if self._peek().text == "(":
            return self._read_call(token.text, depth)
        names = [token.text]
        while self._peek().text == "/":
            self._at += 1
            name = self._next()
            if name.kind != "name":
                raise self._unexpected(name, "a field is expected there")
            names.append(name.text)
        return Path(tuple(names))

    def _read_call(self, name: str, depth: int) -> Call:
        self.expect("sign", "(")
        arguments: list[Value] = []
        while self._peek().text != ")":
            if arguments:
                self.expect("sign", ",")
            arguments.append(self._read_value(depth + 1))
        self.expect("sign", ")")
        return Call(name, tuple(arguments))

    def _is_word(self, word: str) -> bool:
        token = self._peek()
        return token.kind == "name" and token.text == word

    def _peek(self) -> _Token:
        return self._tokens[self._at]

    def _next(self) -> _Token:
        token = self._tokens[self._at]
        if token.kind != "end":
            self._at += 1
        return token

    def _unexpected(self, token: _Token, remedy: str) -> DataError:
        shown = token.text[:40] or "end"
        return refuse(f"has {shown!r} at character {token.place + 1}", remedy)


def read_time(text: str) -> datetime:
    """Read a time of ISO 8601 with its zone.

    Raises
    ------
    DataError
        It is none.
    """
    try:
        time = datetime.fromisoformat(text)
        if time.utcoffset() is not None:
            return time
    except ValueError:
        pass
    raise refuse(
        f"has the time {text[:40]!r}", "write it as 2024-05-01T00:00:00Z, with its zone"
    )


def _read_number(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise refuse(f"has the number {text[:40]}", "use one that is finite")
    return number


def _read_text(text: str) -> str:
    if "\x00" in text:  # PostgreSQL knows no such character
        raise refuse("has a text with a NUL character", "leave it out")
    return text[1:-1].replace("''", "'")


def _check_depth(depth: int) -> None:
    if depth > DEEPEST:
        raise refuse(f"is nested over {DEEPEST} deep", "write it flatter")
