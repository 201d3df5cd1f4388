"""Records that hold on to one another: whoever changes one changes all after it."""

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from agroforest.core.errors import DataError

#: What the first entry follows.
GENESIS = "0" * 64


class Linked(Protocol):
    """Something that can be put into a chain."""

    def tell(self) -> Sequence[Any]:
        """Give all that it says, as values of JSON, always in the same order."""


E = TypeVar("E", bound=Linked)


@dataclass(frozen=True, kw_only=True, slots=True)
class Sealed(Generic[E]):
    """An entry with its place in the chain.

    Attributes
    ----------
    number
        From 1, without gaps.
    entry
        What it says.
    previous
        Digest of the entry before.
    digest
        SHA-256 of `previous`, `number` and the entry.
    """

    number: int
    entry: E
    previous: str
    digest: str


def seal(entry: E, *, number: int, previous: str) -> Sealed[E]:
    """Put an entry behind another; changing either changes the digest."""
    return Sealed(
        number=number,
        entry=entry,
        previous=previous,
        digest=_digest(entry, number, previous),
    )


def check_chain(entries: Iterable[Sealed[E]]) -> str:
    """Follow a whole chain; return the digest of its last entry.

    Raises
    ------
    DataError
        An entry was changed, removed, added or moved; with its number.
    """
    previous = GENESIS
    for number, each in enumerate(entries, 1):
        right = _digest(each.entry, number, previous)
        if (each.number, each.previous, each.digest) != (number, previous, right):
            raise DataError(
                f"entry {number} of the audit",
                "does not follow from the one before it: the record was changed",
                "compare with a copy of the database from before",
            )
        previous = each.digest
    return previous


def _digest(entry: Linked, number: int, previous: str) -> str:
    content = [previous, number, *entry.tell()]
    text = json.dumps(content, sort_keys=True, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()
