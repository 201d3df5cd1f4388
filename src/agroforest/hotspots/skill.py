"""How well a climatology tells burning cells from others on days it has not seen."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from agroforest.hotspots.climatology import History, Smoothing, estimate

#: Share of the cells that a bureau could watch.
TOP = 0.05
#: Days around a held-out one that are hidden with it: a dry spell lasts about a week.
NEIGHBOURS = 7
_RESAMPLES = 1000
_INTERVAL = (2.5, 97.5)
_BINS = 2000

_Days = NDArray[np.datetime64]


class HoldOut(StrEnum):
    """What is hidden from the model that judges a day."""

    DATE = "date"  #: the day itself
    WEEK = "week"  #: and `NEIGHBOURS` days to both sides
    YEAR = "year"  #: and all other days of its year


@dataclass(frozen=True, kw_only=True, slots=True)
class Score:
    """A figure with its interval.

    Attributes
    ----------
    value
        The figure.
    low, high
        95 % of the resamples of whole days lie between.
    """

    value: float
    low: float
    high: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Skill:
    """Figures on held-out, fully covered days.

    Attributes
    ----------
    days, cells, burning, detections
        Held-out days; cells a day; burning cell-days; detections in them.
    auroc
        Of all cell-days: the chance that a burning one is ranked above another.
    top_share
        Share of the detections in the 5 % of cells ranked highest on their day.
    expected
        Detections that the model expects on these days, to be held against
        `detections`.
    """

    days: int
    cells: int
    burning: int
    detections: int
    auroc: Score
    top_share: Score
    expected: float


def measure(
    history: History,
    *,
    hold_out: HoldOut,
    smoothing: Smoothing | None = None,
    model: Callable[[History, int, NDArray[np.bool_]], NDArray[np.float64]]
    | None = None,
    seed: int = 0,
) -> Skill:
    """Judge every fully covered day with a model that has not seen it.

    Parameters
    ----------
    history
        Days and detections.
    hold_out
        What else the model has not seen.
    smoothing
        Of the climatology.
    model
        Another one to be measured: given the history, the place of the day to judge
        and the days it may learn from, it returns a value a cell.
    seed
        Of the resamples.

    Raises
    ------
    ValueError
        No covered day, or none with and without detections.
    """
    chosen = np.flatnonzero(history.covered)
    if not len(chosen):
        raise ValueError("no day is covered fully")
    rates = []
    for day in chosen.tolist():
        known = ~_hidden(history.days, day, hold_out)
        if model is not None:
            rates.append(model(history, day, known))
            continue
        rates.append(
            estimate(history, _yearday(history, day), known=known, smoothing=smoothing)
        )
    rate, counts = np.array(rates), history.counts[chosen].astype(np.float64)
    lit = counts > 0
    if not lit.any() or lit.all():
        raise ValueError("burning and other cells are both needed")
    draws = np.random.default_rng(seed).multinomial(
        len(chosen), np.full(len(chosen), 1 / len(chosen)), size=_RESAMPLES
    )
    held, total = _top_hits(rate, counts), counts.sum(axis=1)
    return Skill(
        days=len(chosen),
        cells=counts.shape[1],
        burning=int(lit.sum()),
        detections=int(counts.sum()),
        auroc=Score(value=_auroc(rate, lit), **_interval(_aurocs(rate, lit, draws))),
        top_share=Score(
            value=float(held.sum() / total.sum()),
            **_interval(_quotients(draws @ held, draws @ total)),
        ),
        expected=float(rate.sum()),
    )


def _yearday(history: History, day: int) -> float:
    moment = history.days[day]
    start = moment.astype("datetime64[Y]").astype("datetime64[D]")
    return float((moment - start).astype(np.int64) + 1)


def _hidden(days: _Days, day: int, hold_out: HoldOut) -> NDArray[np.bool_]:
    if hold_out == HoldOut.YEAR:
        year = days.astype("datetime64[Y]")
        return np.asarray(year == year[day])
    width = NEIGHBOURS if hold_out == HoldOut.WEEK else 0
    return np.asarray(np.abs((days - days[day]).astype(np.int64)) <= width)


def _auroc(rate: NDArray[np.float64], lit: NDArray[np.bool_]) -> float:
    """Chance that a burning cell is ranked above another; a tie is half a win."""
    rank = rankdata(rate.ravel())[lit.ravel()]
    hot, cold = int(lit.sum()), int((~lit).sum())
    return float((rank.sum() - hot * (hot + 1) / 2) / (hot * cold))


def _aurocs(
    rate: NDArray[np.float64], lit: NDArray[np.bool_], draws: NDArray[np.int64]
) -> NDArray[np.float64]:
    """AUROC of each resample of days, from histograms of the days.

    Cells of one bin count as ties, which moves a figure by less than one in a
    thousand; ranking every resample would take minutes.
    """
    edges = np.unique(np.quantile(rate, np.linspace(0, 1, _BINS + 1)[1:-1]))
    bins = np.searchsorted(edges, rate, side="right")
    hot = np.zeros((len(rate), len(edges) + 1), dtype=np.float32)
    cold = np.zeros_like(hot)
    for n, row in enumerate(bins):
        hot[n] = np.bincount(row[lit[n]], minlength=hot.shape[1])
        cold[n] = np.bincount(row[~lit[n]], minlength=hot.shape[1])
    weights = draws.astype(np.float32)
    hots, colds = (weights @ hot).astype(np.float64), (weights @ cold).astype(float)
    below = np.cumsum(colds, axis=1) - colds / 2.0
    wins = (hots * below).sum(axis=1)
    return _quotients(wins, hots.sum(axis=1) * colds.sum(axis=1))


def _top_hits(
    rate: NDArray[np.float64], counts: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Count detections of each day in its highest cells; ties share what they hold."""
    most = int(np.ceil(TOP * rate.shape[1]))
    hits = np.zeros(len(rate))
    for n, values in enumerate(rate):
        cut = np.partition(values, -most)[-most]
        above, equal = values > cut, values == cut
        room = (most - above.sum()) / equal.sum()
        hits[n] = counts[n][above].sum() + room * counts[n][equal].sum()
    return hits


def _quotients(
    above: NDArray[np.float64], below: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Quotients; resamples of days without a fire say nothing and are left out."""
    return above[below > 0] / below[below > 0]


def _interval(values: NDArray[np.float64]) -> dict[str, float]:
    low, high = np.percentile(values, _INTERVAL)
    return {"low": float(low), "high": float(high)}
