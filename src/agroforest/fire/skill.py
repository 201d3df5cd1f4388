"""How good a score of cell-days is, counted on all of them.

Cell-days are many and those with a hotspot few, so scores are counted in bins of rank,
fine at the top and coarse at the bottom, block by block; a resample of blocks is then
a sum of counts.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

#: Share of all cell-days that a bureau could watch.
TOP = 0.05
_RESAMPLES = 300
_INTERVAL = (2.5, 97.5)
# Bins to each doubling of the rank from the top: ranks are 0.5 % apart.
_FINE = 128
_DECILES = 10


@dataclass(frozen=True, kw_only=True, slots=True)
class Score:
    """A figure, with the interval of 95 % of the resamples of whole blocks."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Skill:
    """Figures of one score.

    Attributes
    ----------
    auroc
        Chance that a cell-day with a hotspot is ranked above another.
    ap
        Average precision; without skill it is the prevalence.
    top_share
        Share of the cell-days with a hotspot among the 5 % ranked highest.
    """

    auroc: Score
    ap: Score
    top_share: Score


@dataclass(frozen=True, kw_only=True, slots=True)
class Bin:
    """A tenth of the expected hotspots, from the unlikeliest cell-days on.

    Attributes
    ----------
    said, was
        Mean probability, and share with a hotspot.
    cell_days
        How many.
    """

    said: float
    was: float
    cell_days: int


def measure(
    truth: NDArray[np.bool_],
    score: NDArray[np.floating],
    block: NDArray[np.integer],
    *,
    seed: int = 0,
) -> Skill:
    """Measure a score.

    Parameters
    ----------
    truth
        ``(n,)`` bool.
    score
        ``(n,)``, higher for more likely; NaN is lowest of all.
    block
        ``(n,)`` from 0: what is resampled whole.
    seed
        Of the resamples.
    """
    bins = find_bins(score)
    width = int(bins.max()) + 1
    blocks = int(block.max()) + 1
    place = block * width + bins
    every = np.bincount(place, minlength=blocks * width).reshape(blocks, width)
    true = np.bincount(place[truth], minlength=blocks * width).reshape(blocks, width)
    draws = np.random.default_rng(seed).multinomial(
        blocks, np.full(blocks, 1 / blocks), size=_RESAMPLES
    )

    def score_of(figure: Callable[[Floats, Floats], float]) -> Score:
        whole = figure(true.sum(axis=0).astype(float), every.sum(axis=0).astype(float))
        drawn = [figure(w @ true, w @ every) for w in draws.astype(float)]
        known = [value for value in drawn if np.isfinite(value)]
        low, high = np.percentile(known, _INTERVAL) if known else (np.nan, np.nan)
        return Score(value=whole, low=float(low), high=float(high))

    return Skill(
        auroc=score_of(_auroc), ap=score_of(_precision), top_share=score_of(_top)
    )


def find_bins(score: NDArray[np.floating]) -> NDArray[np.int64]:
    """Bin of each score, 0 for the highest; equal scores share one."""
    held = np.where(np.isnan(score), -np.inf, score)
    order = np.argsort(-held, kind="stable")
    ranked = held[order]
    fresh = np.concatenate([[True], ranked[1:] != ranked[:-1]])
    first = np.maximum.accumulate(np.where(fresh, np.arange(len(held)), 0))
    found = np.empty(len(held), dtype=np.int64)
    found[order] = (_FINE * np.log2(1.0 + first)).astype(np.int64)
    return found


def _auroc(true: Floats, every: Floats) -> float:
    other = every - true
    pairs = true.sum() * other.sum()
    if not pairs:
        return float("nan")
    below = other.sum() - np.cumsum(other)
    return float((true * (below + other / 2)).sum() / pairs)


def _precision(true: Floats, every: Floats) -> float:
    if not true.sum():
        return float("nan")
    said, hits = np.cumsum(every), np.cumsum(true)
    precision = np.divide(hits, said, out=np.zeros_like(hits), where=said > 0)
    return float((true * precision).sum() / true.sum())


def _top(true: Floats, every: Floats) -> float:
    if not true.sum():
        return float("nan")
    said, hits = np.cumsum(every), np.cumsum(true)
    watched = TOP * every.sum()
    return float(
        np.interp(watched, np.append(0.0, said), np.append(0.0, hits)) / hits[-1]
    )


def find_reliability(
    truth: NDArray[np.bool_], chance: NDArray[np.floating]
) -> tuple[Bin, ...]:
    """Bins that each hold a tenth of the hotspots that were expected."""
    order = np.argsort(chance, kind="stable")
    said = np.asarray(chance, np.float64)[order]
    total = np.cumsum(said)
    edges = np.searchsorted(total, total[-1] * np.arange(1, _DECILES) / _DECILES)
    return tuple(
        Bin(
            said=float(said[part].mean()),
            was=float(truth[order[part]].mean()),
            cell_days=int(part.size),
        )
        for part in np.split(np.arange(len(order)), edges)
        if part.size
    )
