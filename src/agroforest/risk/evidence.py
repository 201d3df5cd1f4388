"""From a series of scores to a detection: what is unbroken, and since when."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class Finding:
    """What a series of clear observations amounts to, for `n` pixels.

    Attributes
    ----------
    score
        ``(n,)`` float32, 0..1; NaN where no observation could be judged.
    since
        ``(n,)`` int32, epoch day of the first observation of the unbroken run
        behind a detection; 0 where not detected.
    evidence
        ``(n,)`` int32, epoch day of the newest judged observation; 0 for none.
    """

    score: NDArray[np.float32]
    since: NDArray[np.int32]
    evidence: NDArray[np.int32]


def latest(day: NDArray[np.int32], judged: NDArray[np.bool_]) -> NDArray[np.int32]:
    """Day of the newest judged observation.

    Parameters
    ----------
    day
        ``(slot, n)`` int32, rising.
    judged
        ``(slot, n)`` bool.

    Returns
    -------
    ndarray
        ``(n,)`` int32, 0 where there is none.
    """
    return np.asarray(np.where(judged, day, 0).max(axis=0, initial=0), dtype=np.int32)


def follow_votes(
    vote: NDArray[np.bool_],
    judged: NDArray[np.bool_],
    day: NDArray[np.int32],
    *,
    enter: int,
    leave: int,
) -> NDArray[np.int32]:
    """Confirm what `enter` successive votes say, until `leave` votes deny it.

    Observations that were not judged are passed over: they neither add to a run
    nor break it.

    Parameters
    ----------
    vote
        ``(slot, n)`` bool, True for disturbed.
    judged
        ``(slot, n)`` bool.
    day
        ``(slot, n)`` int32 epoch days, rising.
    enter, leave
        Successive votes that confirm, and that withdraw.

    Returns
    -------
    ndarray
        ``(n,)`` int32: day of the first vote of the run that confirmed the state
        the series ends in; 0 where it ends unconfirmed. A run that began before
        the first slot dates from the first slot, so a caller that follows one
        place over nights keeps the earliest.
    """
    pixels = vote.shape[1]
    ups = np.zeros(pixels, dtype=np.int16)
    downs = np.zeros(pixels, dtype=np.int16)
    first = np.zeros(pixels, dtype=np.int32)
    since = np.zeros(pixels, dtype=np.int32)
    for slot in range(vote.shape[0]):
        up = judged[slot] & vote[slot]
        down = judged[slot] & ~vote[slot]
        first = np.where(up & (ups == 0), day[slot], first)
        ups = np.where(up, ups + 1, np.where(down, 0, ups)).astype(np.int16)
        downs = np.where(down, downs + 1, np.where(up, 0, downs)).astype(np.int16)
        since = np.where((since == 0) & (ups >= enter), first, since)
        since = np.where(downs >= leave, 0, since)
    return since.astype(np.int32)


def unbroken(
    high: NDArray[np.bool_],
    run: NDArray[np.bool_],
    judged: NDArray[np.bool_],
    day: NDArray[np.int32],
    needed: int,
) -> NDArray[np.int32]:
    """Detect where the last `needed` judged observations are all high.

    Parameters
    ----------
    high
        ``(slot, n)`` bool: enough for a detection.
    run
        ``(slot, n)`` bool: enough to carry the run on; True wherever `high` is.
    judged
        ``(slot, n)`` bool; other observations are passed over.
    day
        ``(slot, n)`` int32 epoch days, rising.
    needed
        Successive observations.

    Returns
    -------
    ndarray
        ``(n,)`` int32: day of the first observation of the run that the series
        ends in; 0 where not detected. A run that began before the first slot
        dates from the first slot, so a caller that follows one place over nights
        keeps the earliest.
    """
    pixels = high.shape[1]
    since = np.zeros(pixels, dtype=np.int32)
    going = np.ones(pixels, dtype=bool)
    confirmed = np.ones(pixels, dtype=bool)
    asked = np.zeros(pixels, dtype=np.int16)
    for slot in range(high.shape[0] - 1, -1, -1):  # from the newest backwards
        here = judged[slot]
        confirmed &= ~here | high[slot] | (asked >= needed)
        going &= ~here | run[slot]
        asked += here
        since = np.where(here & going, day[slot], since)
    return np.where(confirmed & (asked >= needed), since, 0).astype(np.int32)


def last_of(
    score: NDArray[np.floating], judged: NDArray[np.bool_]
) -> NDArray[np.float32]:
    """Score of the newest judged observation.

    Parameters
    ----------
    score
        ``(slot, n)``.
    judged
        ``(slot, n)`` bool.

    Returns
    -------
    ndarray
        ``(n,)`` float32; NaN where nothing was judged.
    """
    at = judged.shape[0] - 1 - judged[::-1].argmax(axis=0)
    found = np.take_along_axis(score, at[None], axis=0)[0]
    return np.where(judged.any(axis=0), found, np.nan).astype(np.float32)


def lowest_of(
    score: NDArray[np.floating], judged: NDArray[np.bool_], needed: int
) -> NDArray[np.float32]:
    """Lowest score of the last `needed` judged observations.

    Returns
    -------
    ndarray
        ``(n,)`` float32; -inf where fewer were judged.
    """
    recent = _newest(judged, needed)
    lowest = np.where(recent, score, np.inf).min(axis=0)
    enough = recent.sum(axis=0) >= needed
    return np.where(enough, lowest, -np.inf).astype(np.float32)


def sum_of_newest(
    score: NDArray[np.floating], judged: NDArray[np.bool_], needed: int
) -> NDArray[np.float32]:
    """Sum of the scores of the last `needed` judged observations, or of fewer.

    Returns
    -------
    ndarray
        ``(n,)`` float32; 0 where nothing was judged.
    """
    recent = _newest(judged, needed)
    total = np.where(recent, score, 0.0).sum(axis=0)
    return np.asarray(total, dtype=np.float32)


def _newest(judged: NDArray[np.bool_], needed: int) -> NDArray[np.bool_]:
    """Mark the last `needed` judged observations, or fewer."""
    counted_back = judged[::-1].cumsum(axis=0, dtype=np.int16)[::-1]
    return np.asarray(judged & (counted_back <= needed))
