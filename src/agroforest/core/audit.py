"""The record of who did what: every entry holds the one before it.

Valves have a chain of their own (`agroforest.core.valve`), for their interlock reads
it at every step.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from agroforest.core.errors import DataError

#: What the first entry follows.
GENESIS = "0" * 64


@dataclass(frozen=True, kw_only=True, slots=True)
class Deed:
    """Something that was done.

    Attributes
    ----------
    time
        When.
    who
        Name of the account, or ``night``, ``desk``.
    what
        ``case.confirm``, ``message.sent``, ``threshold.taken``, ``model.changed``,
        ``account.created``, ``token.created``, ...
    subject
        Id of what it was done to.
    why
        The reason, in words.
    before, after
        What changed, plain values.
    """

    time: datetime
    who: str
    what: str
    subject: str
    why: str = ""
    before: Mapping[str, Any] = field(default_factory=dict)
    after: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class SealedDeed:
    """A deed with its place in the chain.

    Attributes
    ----------
    number
        From 1, without gaps.
    deed
        What was done.
    previous
        Digest of the entry before.
    digest
        SHA-256 of `previous`, `number` and the deed.
    """

    number: int
    deed: Deed
    previous: str
    digest: str


def seal(deed: Deed, *, number: int, previous: str) -> SealedDeed:
    """Put a deed behind another entry; changing either changes the digest."""
    return SealedDeed(
        number=number,
        deed=deed,
        previous=previous,
        digest=_digest(deed, number, previous),
    )


def check_chain(entries: Iterable[SealedDeed]) -> str:
    """Follow a whole chain; return the digest of its last entry.

    Raises
    ------
    DataError
        An entry was changed, removed, added or moved; with its number.
    """
    previous = GENESIS
    for number, each in enumerate(entries, 1):
        right = _digest(each.deed, number, previous)
        if (each.number, each.previous, each.digest) != (number, previous, right):
            raise DataError(
                f"entry {number} of the audit",
                "does not follow from the one before it: the record was changed",
                "compare with a copy of the database from before",
            )
        previous = each.digest
    return previous


def _digest(deed: Deed, number: int, previous: str) -> str:
    content = [
        *(previous, number, deed.time.astimezone(UTC).isoformat()),
        *(deed.who, deed.what, deed.subject, deed.why),
        *(dict(deed.before), dict(deed.after)),
    ]
    text = json.dumps(content, sort_keys=True, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()
