"""Thresholds learned from verdicts: how sure a map must be before people look.

For each hazard and county the decided cases say which share of them was confirmed from
each probability on. That share is made to rise with the probability (pool adjacent
violators: Ayer et al. 1955, doi:10.1214/aoms/1177728423), so that a higher target never
gives a lower threshold. Intervals are Wilson's (1927,
doi:10.1080/01621459.1927.10502953), 95 %.

Cases are judged only if they were queued: under a threshold nothing new is learned of
what lies below it.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from agroforest.core.queue import QueueRow
from agroforest.core.review import Reason, Stage, Verdict
from agroforest.core.risk import Hazard
from agroforest.core.threshold import EVERYWHERE, Threshold, find_threshold

#: Verdicts that a threshold must rest on, unless asked otherwise. Arbitrary: with 30
#: of which 24 are confirmed the interval is 0.63 to 0.90.
LEAST_VERDICTS = 30
#: Of the normal distribution, two-sided 95 %.
_Z = 1.959964
_BINS = 10


class Outcome(StrEnum):
    """What came of looking for a threshold."""

    PROPOSED = "proposed"
    MET = "met"  #: all that was judged reaches the target already
    TOO_FEW = "too-few"  #: verdicts
    OUT_OF_REACH = "out-of-reach"  #: no threshold reaches the target


@dataclass(frozen=True, kw_only=True, slots=True)
class Judged:
    """A decided case, as far as thresholds ask.

    Attributes
    ----------
    hazard, probability
        As on the case.
    county
        Code, Chinese and English name.
    confirmed
        What people said.
    """

    hazard: Hazard
    county: tuple[str, str, str]
    probability: float
    confirmed: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Band:
    """Decided cases of a band of probability.

    Attributes
    ----------
    low, high
        The band, 0..1.
    verdicts, confirmed
        How many.
    share_low, share_high
        Wilson interval of the share confirmed.
    """

    low: float
    high: float
    verdicts: int
    confirmed: int
    share_low: float
    share_high: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Proposal:
    """What verdicts say about a hazard in a county.

    Attributes
    ----------
    hazard
        Of what.
    county
        Code and names; empty ones for all counties together.
    outcome
        What came of it.
    verdicts, confirmed
        Decided cases with a probability.
    bands
        Where they lie; without those that hold none.
    threshold
        Where one is proposed.
    lost
        Confirmed cases below it, which nobody would have been shown.
    """

    hazard: Hazard
    county: tuple[str, str, str]
    outcome: Outcome
    verdicts: int
    confirmed: int
    bands: tuple[Band, ...]
    threshold: Threshold | None = None
    lost: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Effect:
    """What a threshold would do to cases that wait for pre-screening.

    Attributes
    ----------
    hazard, county
        Of the cases.
    value
        The threshold that holds for them; ``None`` if none does.
    waiting, below
        Cases that wait, and those of them below it.
    """

    hazard: Hazard
    county: tuple[str, str, str]
    value: float | None
    waiting: int
    below: int


def list_judged(rows: Iterable[QueueRow]) -> list[Judged]:
    """List the cases whose verdict stands and says something of the map.

    Left out are verdicts that wait for a second person, cases without a probability,
    and duplicates: they are no false alarms.
    """
    return [
        Judged(
            hazard=row.hazard,
            county=row.county,
            probability=row.probability,
            confirmed=row.verdict == Verdict.CONFIRMED,
        )
        for row in rows
        if row.stage in {Stage.DECIDED, Stage.CLOSED}
        and row.verdict is not None
        and row.probability is not None
        and row.reason != Reason.DUPLICATE
    ]


def propose(
    judged: Iterable[Judged], *, target: float, least: int = LEAST_VERDICTS
) -> list[Proposal]:
    """Propose a threshold for each hazard, everywhere and in each county.

    Parameters
    ----------
    judged
        Decided cases.
    target
        Share of queued cases that shall be confirmed, between 0 and 1.
    least
        Verdicts that a threshold must rest on.

    Returns
    -------
    list of Proposal
        By hazard and county; all counties together come first.
    """
    groups: dict[tuple[Hazard, tuple[str, str, str]], list[Judged]] = defaultdict(list)
    for one in judged:
        groups[one.hazard, (EVERYWHERE, "", "")].append(one)
        if one.county[0]:
            groups[one.hazard, one.county].append(one)
    return [
        _propose(hazard, county, groups[hazard, county], target=target, least=least)
        for hazard, county in sorted(groups)
    ]


def weigh(thresholds: Sequence[Threshold], rows: Iterable[QueueRow]) -> list[Effect]:
    """Count what thresholds would do to the cases that wait for pre-screening.

    Parameters
    ----------
    thresholds
        As they would be in force.
    rows
        Of the queue; others than those that wait are passed over.
    """
    waiting: dict[tuple[Hazard, tuple[str, str, str]], list[float]] = defaultdict(list)
    for row in rows:
        if row.stage == Stage.PRESCREEN:
            sure = math.inf if row.probability is None else row.probability
            waiting[row.hazard, row.county].append(sure)
    found = []
    for (hazard, county), values in sorted(waiting.items()):
        bar = find_threshold(thresholds, hazard, county[0])
        value = None if bar is None else bar.value
        below = 0 if value is None else sum(v < value for v in values)
        found.append(
            Effect(
                hazard=hazard,
                county=county,
                value=value,
                waiting=len(values),
                below=below,
            )
        )
    return found


def join_thresholds(
    standing: Iterable[Threshold], proposals: Iterable[Proposal]
) -> tuple[Threshold, ...]:
    """Put proposed thresholds in the place of those that stand; others stay."""
    found = {(t.hazard, t.county): t for t in standing}
    new = (p.threshold for p in proposals if p.threshold is not None)
    found |= {(t.hazard, t.county): t for t in new}
    return tuple(found[pair] for pair in sorted(found))


def wilson(successes: float, count: int) -> tuple[float, float]:
    """Find the 95 % interval of a share; ``(0, 1)`` of nothing.

    Wilson (1927): the shares that the count does not contradict.
    """
    if count == 0:
        return 0.0, 1.0
    share, z2 = successes / count, _Z * _Z
    middle = (share + z2 / (2 * count)) / (1 + z2 / count)
    spread = share * (1 - share) / count + z2 / (4 * count * count)
    half = _Z * math.sqrt(spread) / (1 + z2 / count)
    return max(0.0, middle - half), min(1.0, middle + half)


def _propose(
    hazard: Hazard,
    county: tuple[str, str, str],
    judged: Sequence[Judged],
    *,
    target: float,
    least: int,
) -> Proposal:
    confirmed = sum(one.confirmed for one in judged)
    outcome, value = _find_value(judged, target=target, least=least)
    threshold, lost = None, 0
    if value is not None:
        above = [one for one in judged if one.probability >= value]
        hits = sum(one.confirmed for one in above)
        low, high = wilson(hits, len(above))
        lost = confirmed - hits
        threshold = Threshold(
            hazard=hazard,
            county=county[0],
            value=value,
            target=target,
            verdicts=len(above),
            precision=hits / len(above),
            low=low,
            high=high,
        )
    return Proposal(
        hazard=hazard,
        county=county,
        outcome=outcome,
        verdicts=len(judged),
        confirmed=confirmed,
        bands=_count_bands(judged),
        threshold=threshold,
        lost=lost,
    )


def _find_value(
    judged: Sequence[Judged], *, target: float, least: int
) -> tuple[Outcome, float | None]:
    """Find the lowest probability from which on the target is reached."""
    if len(judged) < least:
        return Outcome.TOO_FEW, None
    tails = find_tails(judged)
    reached = [v for v, count, share in tails if count >= least and share >= target]
    if not reached:
        return Outcome.OUT_OF_REACH, None
    value = min(reached)
    if value == min(v for v, _, _ in tails):
        return Outcome.MET, None
    return Outcome.PROPOSED, value


def find_tails(judged: Iterable[Judged]) -> list[tuple[float, int, float]]:
    """Find the share confirmed from each probability on.

    Returns
    -------
    list of tuple
        Probability, rising; decided cases at or above it; share of them that is
        confirmed, which never falls from one to the next.
    """
    counts: dict[float, list[int]] = defaultdict(lambda: [0, 0])
    for one in judged:
        counts[one.probability][0] += 1
        counts[one.probability][1] += one.confirmed
    values = sorted(counts)
    rates = _pool([(counts[v][0], counts[v][1]) for v in values])
    tails, count, hits = [], 0, 0.0
    for value, rate in zip(reversed(values), reversed(rates), strict=True):
        count += counts[value][0]
        hits += rate * counts[value][0]
        tails.append((value, count, hits / count))
    return tails[::-1]


def _pool(counts: Sequence[tuple[int, int]]) -> list[float]:
    """Rates that never fall and are nearest to those counted: pool the violators."""
    blocks: list[list[int]] = []  # verdicts, confirmed, values in it
    for verdicts, confirmed in counts:
        blocks.append([verdicts, confirmed, 1])
        # a/b >= c/d, without dividing
        while len(blocks) > 1 and (
            blocks[-2][1] * blocks[-1][0] >= blocks[-1][1] * blocks[-2][0]
        ):
            last = blocks.pop()
            blocks[-1] = [a + b for a, b in zip(blocks[-1], last, strict=True)]
    return [confirmed / n for n, confirmed, values in blocks for _ in range(values)]


def _count_bands(judged: Iterable[Judged]) -> tuple[Band, ...]:
    bands: Mapping[int, list[bool]] = defaultdict(list)
    for one in judged:
        bands[min(int(one.probability * _BINS), _BINS - 1)].append(one.confirmed)
    found = []
    for at, said in sorted(bands.items()):
        low, high = wilson(sum(said), len(said))
        found.append(
            Band(
                low=at / _BINS,
                high=(at + 1) / _BINS,
                verdicts=len(said),
                confirmed=sum(said),
                share_low=low,
                share_high=high,
            )
        )
    return tuple(found)
