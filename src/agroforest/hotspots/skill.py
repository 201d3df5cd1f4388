"""How well a climatology tells burning cells from others on days it has not seen."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from agroforest.hotspots.climatology import History, Smoothing, estimate

#: Share of the cells that a bureau could watch.
TOP = 0.05
#: Days around a held-out one that are hidden with it: a dry spell lasts about a week.
NEIGHBOURS = 7
_RESAMPLES = 1000
_INTERVAL = (2.5, 97.5)

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
    wins, pairs = _compare_days(rate, lit)
    held, total = _top_hits(rate, counts), counts.sum(axis=1)
    whole = np.ones((1, len(chosen)))
    return Skill(
        days=len(chosen),
        cells=counts.shape[1],
        burning=int(lit.sum()),
        detections=int(counts.sum()),
        auroc=_score(
            lambda w: _quadratic(w, wins) / _quadratic(w, pairs), whole, draws
        ),
        top_share=_score(lambda w: (w @ held) / (w @ total), whole, draws),
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


def _compare_days(
    rate: NDArray[np.float64], lit: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Wins of the burning cells of each day over the others of each day, and pairs.

    With these, the AUROC of any resample of days is a quotient of two sums.
    """
    burning = [rate[n][lit[n]] for n in range(len(rate))]
    others = [np.sort(rate[n][~lit[n]]) for n in range(len(rate))]
    wins = np.zeros((len(rate), len(rate)))
    for i, hot in enumerate(burning):
        for j, cold in enumerate(others):
            below = np.searchsorted(cold, hot, side="left")
            upto = np.searchsorted(cold, hot, side="right")
            wins[i, j] = (below + upto).sum() / 2.0
    hots, colds = lit.sum(axis=1), (~lit).sum(axis=1)
    return wins, np.outer(hots, colds).astype(np.float64)


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


def _quadratic(
    weights: NDArray[np.float64], matrix: NDArray[np.float64]
) -> NDArray[np.float64]:
    return np.asarray(np.einsum("ri,ij,rj->r", weights, matrix, weights))


def _score(
    of: Callable[[NDArray[np.float64]], NDArray[np.float64]],
    whole: NDArray[np.float64],
    draws: NDArray[np.int64],
) -> Score:
    with np.errstate(invalid="ignore"):
        spread = of(draws.astype(np.float64))
    low, high = np.nanpercentile(spread, _INTERVAL)
    return Score(value=float(of(whole)[0]), low=float(low), high=float(high))
