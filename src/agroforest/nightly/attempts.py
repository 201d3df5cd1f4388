"""What follows an attempt at a task: nothing, another one, the next night, or nobody.

Pure: attempts in, a verdict out. What is tried again is a list, not a guess.
"""

import errno
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from agroforest.core.errors import (
    ConfigurationError,
    DataError,
    FencedError,
    LockedError,
    ModelError,
    SourceError,
)
from agroforest.core.execution import Attempt, Outcome, TileQuarantine

#: Attempts at one task in one night, and attempts that its inputs survive before they
#: are set aside, on however many nights. Arbitrary: one more than a coincidence.
LIMIT = 3
#: Seconds before the second and the third attempt of a night. Arbitrary: a restarted
#: worker needs two, a server that was restarted ten.
BACK_OFF_S: tuple[float, ...] = (2.0, 10.0)


class Fault(StrEnum):
    """Why an attempt came to nothing."""

    SOURCE = "source"  #: a source of scenes did not answer
    LOCKED = "locked"  #: another worker has the tile
    FENCED = "fenced"  #: another worker took the tile over
    LOST = "lost"  #: its worker was lost before it was at work on it
    KILLED = "killed"  #: its worker died of it
    UNEXPECTED = "unexpected"  #: a defect, or something nobody thought of
    DATA = "data"  #: nothing can be made of its inputs
    PLACE = "place"  #: disk, settings, model: what the machine lacks


#: What may go better in some seconds.
RETRIED = frozenset(
    {
        Fault.SOURCE,
        Fault.LOCKED,
        Fault.FENCED,
        Fault.LOST,
        Fault.KILLED,
        Fault.UNEXPECTED,
    }
)
#: What speaks against the inputs. A night without network, or on a full disk, must
#: not set a district aside.
COUNTED = frozenset({Fault.KILLED, Fault.UNEXPECTED, Fault.DATA})

_FAULTS: tuple[tuple[type[BaseException], Fault], ...] = (
    (SourceError, Fault.SOURCE),
    (LockedError, Fault.LOCKED),
    (FencedError, Fault.FENCED),
    (ConfigurationError, Fault.PLACE),
    (ModelError, Fault.PLACE),
    (DataError, Fault.DATA),
    (OSError, Fault.PLACE),
)
#: What the system says when it is the machine's fault, whatever was made of it since.
_PLACE = frozenset(
    {
        errno.ENOSPC,
        errno.EDQUOT,
        errno.EROFS,
        errno.EACCES,
        errno.EPERM,
        errno.EMFILE,
        errno.ENFILE,
        errno.EIO,
        errno.ESTALE,
    }
)


class Next(StrEnum):
    """What follows an attempt."""

    DONE = "done"
    RETRY = "retry"  #: this night, after a while
    FAIL = "fail"  #: the next night tries again
    SET_ASIDE = "set-aside"  #: until the inputs change, or somebody says so


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """What follows an attempt, and when.

    Attributes
    ----------
    next
        What.
    wait_s
        Seconds to wait before it.
    """

    next: Next
    wait_s: float = 0.0


def find_fault(error: BaseException) -> Fault:
    """Find out what an exception says of an attempt."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, OSError) and cause.errno in _PLACE:
            return Fault.PLACE
        cause = cause.__cause__ or cause.__context__
    found = (fault for kind, fault in _FAULTS if isinstance(error, kind))
    return next(found, Fault.UNEXPECTED)


def find_outcome(fault: Fault | None) -> Outcome:
    """Word of the ledger for how an attempt ended."""
    match fault:
        case None:
            return Outcome.DONE
        case Fault.KILLED:
            return Outcome.KILLED
        case Fault.FENCED:
            return Outcome.FENCED
        case Fault.UNEXPECTED | Fault.DATA:
            return Outcome.FAILED
        case _:
            return Outcome.HINDERED


def decide(
    fault: Fault | None,
    *,
    tonight: int,
    counted: int,
    back_off_s: Sequence[float] = BACK_OFF_S,
) -> Verdict:
    """Decide what follows an attempt.

    Parameters
    ----------
    fault
        Of this attempt; ``None`` if it is done.
    tonight
        Attempts at the task this night, with this one.
    counted
        Attempts at the same inputs that speak against them, on all nights, with this
        one.
    back_off_s
        Seconds before the second attempt, the third and so on.
    """
    if fault is None:
        return Verdict(next=Next.DONE)
    if fault in COUNTED and counted >= LIMIT:
        return Verdict(next=Next.SET_ASIDE)
    if fault in RETRIED and tonight < LIMIT:
        wait = back_off_s[min(tonight, len(back_off_s)) - 1] if back_off_s else 0.0
        return Verdict(next=Next.RETRY, wait_s=wait)
    return Verdict(next=Next.FAIL)


def count_against(
    attempts: Iterable[Attempt], known: TileQuarantine | None = None
) -> int:
    """Count attempts that speak against their inputs.

    Parameters
    ----------
    attempts
        At the same inputs.
    known
        What is on record about these inputs: attempts before somebody had them tried
        again count no more.
    """
    since = None if known is None else known.redriven
    return sum(
        a.outcome in (Outcome.KILLED, Outcome.FAILED)
        for a in attempts
        if since is None or a.started >= since
    )


def is_set_aside(
    quarantined: Mapping[tuple[str, str, str], TileQuarantine],
    *,
    tile: str,
    kind: str,
    inputs: str,
) -> bool:
    """Whether these inputs are set aside, by tile, kind and digest."""
    found = quarantined.get((tile, kind, inputs))
    return found is not None and found.redriven is None
