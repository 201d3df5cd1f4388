"""Query options: what of a collection is asked for (OGC 18-088, 9.3)."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import parse_qsl

from agroforest.core.errors import DataError
from agroforest.web.sensorthings.expression import Condition
from agroforest.web.sensorthings.parser import parse_filter

#: Entities a page unless the request says otherwise, and at most.
PAGE, LARGEST_PAGE = 100, 1000
#: Largest ``$skip``: what is skipped has to be read. Arbitrary.
FARTHEST = 10_000_000
#: Names in ``$select``, ``$orderby`` and ``$expand``. Arbitrary.
_MOST_NAMES = 20
_MOST_OPTIONS = 20

_NAME = re.compile(r"[A-Za-z@][A-Za-z0-9_.@]*(?:/[A-Za-z@][A-Za-z0-9_.@]*)*")
_ORDER = re.compile(rf"({_NAME.pattern})(?:\s+(asc|desc))?")
_EXPAND = re.compile(r"([A-Za-z]+)(?:\((.*)\))?", re.DOTALL)
_KNOWN = (
    *("$filter", "$orderby", "$top", "$skip", "$count", "$select", "$expand"),
    "$skiptoken",
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Order:
    """A field to sort by."""

    path: str
    descending: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Expand:
    """A link whose entities are wanted, too."""

    name: str
    options: "Options"
    written: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Options:
    """Everything a request may say of a collection.

    Attributes
    ----------
    filter
        Only these.
    orderby
        Sorted so, and by id.
    top
        At most so many a page; `LARGEST_PAGE` where more are asked for.
    skip
        Leave out so many.
    token
        Go on after this entity; ours, from a ``nextLink``.
    count
        Say how many there are.
    select
        Only these properties and links; ``None`` for all.
    expand
        With these links' entities.
    """

    filter: Condition | None = None
    orderby: tuple[Order, ...] = ()
    top: int = PAGE
    skip: int = 0
    token: str | None = None
    count: bool = False
    select: tuple[str, ...] | None = None
    expand: tuple[Expand, ...] = ()


def split_query(query: str) -> list[tuple[str, str]]:
    """Split the query of an address into names and values.

    Raises
    ------
    DataError
        There are too many.
    """
    try:
        return parse_qsl(query, keep_blank_values=True, max_num_fields=_MOST_OPTIONS)
    except ValueError:
        raise DataError(
            "the request", f"has over {_MOST_OPTIONS} options", "leave some out"
        ) from None


def parse_options(pairs: Sequence[tuple[str, str]], *, nested: bool = False) -> Options:
    """Read options.

    Parameters
    ----------
    pairs
        Names with ``$``, and values. Names without one are passed over.
    nested
        Within ``$expand``: nothing is expanded further there.

    Raises
    ------
    DataError
        One is unknown, stands twice or cannot be read.
    """
    given: dict[str, str] = {}
    for name, value in pairs:
        if not name.startswith("$"):
            continue
        if name not in _KNOWN:
            raise DataError(
                name[:40], "is no option here", f"use one of {', '.join(_KNOWN[:-1])}"
            )
        if name in given:
            raise DataError(name, "is given twice", "give it once")
        given[name] = value
    if nested and "$expand" in given:
        raise DataError("$expand", "goes deeper than one level", "ask for that by link")
    top = _read_number(given, "$top", PAGE, None)
    select = given.get("$select")
    return Options(
        filter=parse_filter(given["$filter"]) if "$filter" in given else None,
        orderby=_read_orders(given.get("$orderby", "")),
        top=min(top, LARGEST_PAGE),
        skip=_read_number(given, "$skip", 0, FARTHEST),
        token=given.get("$skiptoken"),
        count=_read_flag(given, "$count"),
        select=None if select is None else _read_names("$select", select),
        expand=_read_expands(given.get("$expand", "")),
    )


def _read_number(
    given: dict[str, str], name: str, otherwise: int, largest: int | None
) -> int:
    text = given.get(name)
    if text is None:
        return otherwise
    if not (text.isascii() and text.isdecimal() and len(text) <= 18):
        raise DataError(name, f"is {text[:40]!r}", "give a whole number from 0 on")
    number = int(text)
    if largest is not None and number > largest:
        raise DataError(
            name, f"is {number}", f"give at most {largest}; follow @iot.nextLink"
        )
    return number


def _read_flag(given: dict[str, str], name: str) -> bool:
    text = given.get(name, "false")
    if text not in {"true", "false"}:
        raise DataError(name, f"is {text[:40]!r}", "give true or false")
    return text == "true"


def _read_orders(text: str) -> tuple[Order, ...]:
    orders: list[Order] = []
    for part in _split_list("$orderby", text):
        match = _ORDER.fullmatch(part)
        if match is None:
            raise DataError(
                "$orderby",
                f"has {part[:40]!r}",
                "write fields, each with asc or desc after it",
            )
        orders.append(Order(path=match[1], descending=match[2] == "desc"))
    return tuple(orders)


def _read_names(option: str, text: str) -> tuple[str, ...]:
    names = tuple(_split_list(option, text))
    for name in names:
        if not _NAME.fullmatch(name):
            raise DataError(option, f"has {name[:40]!r}", "write names and commas")
    if not names:
        raise DataError(option, "is empty", "name something or leave it out")
    return names


def _read_expands(text: str) -> tuple[Expand, ...]:
    found: dict[str, Expand] = {}
    for part in _split_list("$expand", text):
        match = _EXPAND.fullmatch(part)
        if match is None:
            remedy = "name a link of the entity; one level is expanded"
            raise DataError("$expand", f"has {part[:40]!r}", remedy)
        pairs = [
            (name.strip(), value.strip())
            for name, _, value in (
                each.partition("=") for each in _split_top(match[2] or "", ";")
            )
        ]
        options = parse_options(pairs, nested=True)
        if options.token is not None:
            raise DataError("$expand", "has a $skiptoken", "follow @iot.nextLink")
        if match[1] in found:
            raise DataError("$expand", f"has {match[1]!r} twice", "name it once")
        found[match[1]] = Expand(
            name=match[1], options=options, written="&".join(map("=".join, pairs))
        )
    return tuple(found.values())


def _split_list(option: str, text: str) -> list[str]:
    parts = [part.strip() for part in _split_top(text, ",")]
    if len(parts) > _MOST_NAMES:
        raise DataError(option, f"has over {_MOST_NAMES} parts", "leave some out")
    return parts


def _split_top(text: str, sign: str) -> Iterator[str]:
    """Split at a sign that is not within parentheses or quotes; no empty parts."""
    depth, quoted, start = 0, False, 0
    for place, letter in enumerate(text):
        if letter == "'":
            quoted = not quoted
        elif quoted:
            continue
        elif letter in "()":
            depth += 1 if letter == "(" else -1
        elif letter == sign and depth == 0:
            if text[start:place].strip():
                yield text[start:place]
            start = place + 1
    if text[start:].strip():
        yield text[start:]
