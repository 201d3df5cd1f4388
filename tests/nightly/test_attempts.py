"""What follows an attempt: a table, and what holds for any sequence of faults."""

import errno
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agroforest.core.errors import (
    ConfigurationError,
    DataError,
    FencedError,
    LockedError,
    ModelError,
    SourceError,
)
from agroforest.core.execution import Attempt, Outcome, TileQuarantine
from agroforest.nightly.attempts import (
    COUNTED,
    LIMIT,
    RETRIED,
    Fault,
    Next,
    count_against,
    decide,
    find_fault,
    find_outcome,
)

WORDS = ("here", "is wrong", "mend it")
START = datetime(2024, 11, 1, 2, tzinfo=UTC)


@pytest.mark.parametrize(
    ("error", "fault"),
    [
        (SourceError(*WORDS), Fault.SOURCE),
        (LockedError(*WORDS), Fault.LOCKED),
        (FencedError(*WORDS), Fault.FENCED),
        (ConfigurationError(*WORDS), Fault.PLACE),
        (ModelError(*WORDS), Fault.PLACE),
        (DataError(*WORDS), Fault.DATA),
        (OSError(errno.ENOSPC, "No space left on device"), Fault.PLACE),
        (OSError(errno.EROFS, "Read-only file system"), Fault.PLACE),
        (ZeroDivisionError(), Fault.UNEXPECTED),
        (MemoryError(), Fault.UNEXPECTED),
    ],
)
def test_each_error_says_one_thing(error: Exception, fault: Fault) -> None:
    assert find_fault(error) is fault


def test_a_full_disk_is_no_fault_of_the_scene_that_met_it() -> None:
    error = DataError("B04.tif", "cannot be read", "get it anew")
    assert find_fault(error) is Fault.DATA
    error.__cause__ = OSError(errno.ENOSPC, "No space left on device")
    assert find_fault(error) is Fault.PLACE


@pytest.mark.parametrize(
    ("fault", "tonight", "counted", "expected"),
    [
        (None, 1, 0, Next.DONE),
        (None, 3, 2, Next.DONE),
        (Fault.SOURCE, 1, 0, Next.RETRY),
        (Fault.SOURCE, 3, 0, Next.FAIL),
        (Fault.SOURCE, 3, 99, Next.FAIL),
        (Fault.LOCKED, 2, 0, Next.RETRY),
        (Fault.KILLED, 1, 1, Next.RETRY),
        (Fault.KILLED, 1, 3, Next.SET_ASIDE),
        (Fault.KILLED, 3, 3, Next.SET_ASIDE),
        (Fault.UNEXPECTED, 2, 2, Next.RETRY),
        (Fault.DATA, 1, 1, Next.FAIL),
        (Fault.DATA, 1, 3, Next.SET_ASIDE),
        (Fault.PLACE, 1, 0, Next.FAIL),
        (Fault.PLACE, 1, 7, Next.FAIL),
        (Fault.FENCED, 1, 0, Next.RETRY),
    ],
)
def test_what_follows(
    fault: Fault | None, tonight: int, counted: int, expected: Next
) -> None:
    assert decide(fault, tonight=tonight, counted=counted).next is expected


def test_each_attempt_waits_longer() -> None:
    waits = [
        decide(Fault.SOURCE, tonight=n, counted=0, back_off_s=(2, 10)).wait_s
        for n in (1, 2)
    ]
    assert waits == [2, 10]
    assert decide(Fault.SOURCE, tonight=1, counted=0, back_off_s=()).wait_s == 0


@given(st.lists(st.lists(st.sampled_from(Fault), min_size=LIMIT, max_size=LIMIT)))
def test_nights_of_faults_end(nights: Sequence[Sequence[Fault]]) -> None:
    """However nights go, a task is tried thrice in each, and not once set aside."""
    counted = 0
    for faults in nights:
        for tonight, fault in enumerate(faults, start=1):
            counted += fault in COUNTED
            verdict = decide(fault, tonight=tonight, counted=counted)
            if verdict.next is Next.SET_ASIDE:
                assert counted >= LIMIT
                return
            if verdict.next is Next.RETRY:
                assert fault in RETRIED
                assert tonight < LIMIT
                continue
            assert tonight == LIMIT or fault not in RETRIED
            break
        else:
            pytest.fail("a fourth attempt")
    assert counted < LIMIT or not nights


@pytest.mark.parametrize("fault", [None, *Fault])
def test_the_ledger_counts_what_the_decision_counted(fault: Fault | None) -> None:
    attempt = build_attempt(0, find_outcome(fault))
    assert count_against([attempt]) == (fault in COUNTED)


def test_runs_that_were_killed_speak_against_nothing() -> None:
    assert count_against([build_attempt(n, Outcome.RUNNING) for n in range(9)]) == 0


def test_attempts_before_it_was_redriven_count_no_more() -> None:
    attempts = [build_attempt(n, Outcome.KILLED) for n in range(4)]
    known = TileQuarantine(
        pipeline="p",
        tile="t",
        kind="night",
        inputs="i",
        night=date(2024, 11, 1),
        attempts=3,
        reason="",
        since=START,
    )
    assert count_against(attempts, known) == 4
    redriven = {name: getattr(known, name) for name in known.__slots__}
    redriven["redriven"] = START + timedelta(minutes=2.5)
    assert count_against(attempts, TileQuarantine(**redriven)) == 1


def build_attempt(minute: int, outcome: Outcome) -> Attempt:
    moment = START + timedelta(minutes=minute)
    return Attempt(
        task="t1",
        number=minute + 1,
        execution="e",
        pipeline="p",
        tile="t",
        kind="night",
        inputs="i",
        started=moment,
        lease_until=moment,
        outcome=outcome,
    )
