"""Before and after, on the same answers."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from agroforest.risk.calibrate import keep_threshold
from agroforest.risk.metrics import average_precision, f1, interval
from agroforest.risk.task import Statistic
from agroforest.risk.tuned import Comparison, Verdict


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Judged:
    """Answers to the same questions from two models, where the truth is known.

    Attributes
    ----------
    truth
        ``(n,)`` bool.
    weight
        ``(n,)`` float64, how much each counts.
    place, part
        ``(n,)``: its block, numbered from 0 on, and the part that this was held out
        with.
    before, after
        ``(n,)`` float32, probabilities by copies that have not seen the block.
    threshold
        That comes with the model before.
    """

    truth: NDArray[np.bool_]
    weight: NDArray[np.float64]
    place: NDArray[np.intp]
    part: NDArray[np.int64]
    before: NDArray[np.float32]
    after: NDArray[np.float32]
    threshold: float


def compare(judged: Judged) -> tuple[Comparison, ...]:
    """Compare two models on blocks that neither copy asked has seen.

    Returns
    -------
    tuple of Comparison
        ``f1``: as each would be used, the model before with the threshold that
        comes with it, the one after with one chosen on the other parts. ``f1, both
        thresholds chosen here``: what of this is left if the old model had its
        threshold chosen anew, too. ``average precision``, which knows no threshold.
    """
    old = judged.before >= judged.threshold
    old_anew, new = (
        _decide(judged, chance) for chance in (judged.before, judged.after)
    )

    def of_decisions(said: NDArray[np.bool_]) -> Statistic:
        return lambda counts: f1(judged.truth, said, counts)

    def of_ranking(chance: NDArray[np.float32]) -> Statistic:
        order = np.argsort(-chance, kind="stable")
        truth, score = judged.truth[order], chance[order]
        return lambda counts: average_precision(truth, score, counts[order])

    rows = (
        ("f1", of_decisions(old), of_decisions(new)),
        (
            "f1, both thresholds chosen here",
            of_decisions(old_anew),
            of_decisions(new),
        ),
        ("average precision", of_ranking(judged.before), of_ranking(judged.after)),
    )
    return tuple(_compare(name, a, b, judged) for name, a, b in rows)


def judge_differences(comparisons: Sequence[Comparison]) -> Verdict:
    """Say whether it became better: decisions and ranking must agree on it.

    Parameters
    ----------
    comparisons
        As `compare` gives them. With few blocks one interval alone is too sure of
        itself; the first and the last must both lie above 0. One below 0 is enough
        for the contrary.
    """
    told = comparisons[0], comparisons[-1]
    if any(row.difference_high < 0 for row in told):
        return "worse"
    return "better" if all(row.difference_low > 0 for row in told) else "unsure"


def _decide(judged: Judged, chance: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Decide every part with a threshold from the other parts, as `settle` does."""
    said = np.zeros(chance.size, bool)
    for part in np.unique(judged.part):
        own = judged.part == part
        threshold = keep_threshold(
            judged.threshold,
            judged.truth[~own],
            chance[~own],
            judged.weight[~own],
            judged.place[~own],
        )
        said[own] = chance[own] >= threshold
    return said


def _compare(
    name: str, before: Statistic, after: Statistic, judged: Judged
) -> Comparison:
    places = int(judged.place.max()) + 1

    def three(statistic: Statistic) -> Sequence[float]:
        def drawn(counts: NDArray[np.float64]) -> float:
            return statistic(counts[judged.place] * judged.weight)

        found = (drawn(np.ones(places)), *interval(places, drawn))
        return [round(value, 4) for value in found]

    (a, a_low, a_high), (b, b_low, b_high) = three(before), three(after)
    gain, low, high = three(lambda counts: after(counts) - before(counts))
    return Comparison(
        name=name,
        before=a,
        before_low=a_low,
        before_high=a_high,
        after=b,
        after_low=b_low,
        after_high=b_high,
        difference=gain,
        difference_low=low,
        difference_high=high,
    )
