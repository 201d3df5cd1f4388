"""Chains of records: what is kept for good must be found whole years later."""

from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest

from agroforest.core.audit import Deed
from agroforest.core.chain import GENESIS, Sealed, check_chain, seal
from agroforest.core.errors import DataError
from agroforest.core.valve import AuditEntry

HALF_PAST_EIGHT = datetime(2025, 6, 1, 8, 30, tzinfo=timezone(timedelta(hours=8)))
DEED = Deed(
    time=HALF_PAST_EIGHT,
    who="li",
    what="case.confirm",
    subject="a1",
    why="看到 fire",
    before={"status": "new"},
    after={"status": "confirmed", "n": 1},
)
STEP = AuditEntry(
    time=HALF_PAST_EIGHT,
    valve="v1",
    order="o1",
    who="li",
    what="approved",
    why="干",
    after={"stage": "approved", "seconds": 60},
)


def test_digests_of_older_databases_hold() -> None:
    """Made by the program before the two kinds of entries shared their chain."""
    assert seal(DEED, number=3, previous="ab").digest == (
        "a3355c1e6b21d049feaa6183c6c91e70f09df90cdca31728d895376f46bef35d"
    )
    assert seal(STEP, number=3, previous="ab").digest == (
        "5bc8691d6b37b3d6e4cbfc90c930f214ee7cc0284990141caf9d7c92ccf5032e"
    )


def make_chain(count: int) -> list[Sealed[Deed]]:
    chain: list[Sealed[Deed]] = []
    for number in range(1, count + 1):
        previous = chain[-1].digest if chain else GENESIS
        entry = replace(DEED, subject=f"a{number}")
        chain.append(seal(entry, number=number, previous=previous))
    return chain


def test_a_whole_chain() -> None:
    chain = make_chain(4)
    assert check_chain(chain) == chain[-1].digest
    assert check_chain([]) == GENESIS


def test_whatever_is_changed_is_noticed_where_it_is() -> None:
    chain = make_chain(4)
    said_otherwise = replace(chain[1], entry=replace(DEED, who="wang"))
    resealed = seal(said_otherwise.entry, number=2, previous=chain[0].digest)
    for number, changed in (
        (2, [chain[0], said_otherwise, *chain[2:]]),
        (3, [chain[0], resealed, *chain[2:]]),
        (3, [*chain[:2], chain[3]]),
        (2, [chain[0], chain[2], chain[1], chain[3]]),
        (1, chain[1:]),
    ):
        with pytest.raises(DataError, match=f"entry {number} of the audit"):
            check_chain(changed)
