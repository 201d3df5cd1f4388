from datetime import date
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.review.cases import NOW

from agroforest.core.queue import QueueRow
from agroforest.core.review import Reason, Stage, Verdict
from agroforest.core.risk import Hazard
from agroforest.core.threshold import Threshold, ThresholdSet
from agroforest.review.thresholds import (
    Judged,
    Outcome,
    find_tails,
    join_thresholds,
    list_judged,
    propose,
    weigh,
    wilson,
)

EAST, WEST = ("1", "东县", "East"), ("2", "西县", "West")


def judged(
    probability: float, confirmed: bool, county: tuple[str, str, str] = EAST
) -> Judged:
    return Judged(
        hazard=Hazard.CANOPY_LOSS,
        county=county,
        probability=probability,
        confirmed=confirmed,
    )


def row(**fields: Any) -> QueueRow:
    return QueueRow(
        **{
            "id": "a1",
            "pipeline": "demo",
            "hazard": Hazard.CANOPY_LOSS,
            "stage": Stage.DECIDED,
            "version": 4,
            "opened": NOW,
            "changed": NOW,
            "box": (102.0, 25.0, 102.1, 25.1),
            "area_ha": 1.0,
            "probability": 0.7,
            "first_night": date(2024, 5, 1),
            "evidence": date(2024, 4, 30),
            "county": EAST,
            "places": (),
            "verdict": Verdict.CONFIRMED,
            "reason": Reason.SEEN_IN_IMAGES,
            "assignee": "",
            "rank": 1.0,
            "due": None,
            **fields,
        }
    )


def threshold(value: float, county: str = "1") -> Threshold:
    return Threshold(
        hazard=Hazard.CANOPY_LOSS,
        county=county,
        value=value,
        target=0.8,
        verdicts=40,
        precision=0.8,
        low=0.7,
        high=0.9,
    )


class TestWilson:
    # Newcombe (1998), Two-sided confidence intervals for the single proportion,
    # Statistics in Medicine 17:857-872, table I, method 3.
    @pytest.mark.parametrize(
        ("hits", "count", "low", "high"),
        [
            (81, 263, 0.2553, 0.3662),
            (15, 148, 0.0624, 0.1605),
            (0, 20, 0.0000, 0.1611),
            (1, 29, 0.0061, 0.1718),
        ],
    )
    def test_published_intervals(self, hits: int, count: int, low: float, high: float):
        assert wilson(hits, count) == pytest.approx((low, high), abs=5e-5)

    def test_of_nothing_nothing_is_known(self):
        assert wilson(0, 0) == (0.0, 1.0)


class TestJudged:
    @pytest.mark.parametrize(
        ("fields", "counts"),
        [
            ({}, True),
            ({"stage": Stage.CLOSED}, True),
            ({"stage": Stage.SUPERVISOR}, False),
            ({"stage": Stage.MERGED}, False),
            ({"verdict": None}, False),
            ({"probability": None}, False),
            ({"verdict": Verdict.DISMISSED, "reason": Reason.DUPLICATE}, False),
            ({"verdict": Verdict.DISMISSED, "reason": Reason.CLOUD}, True),
        ],
    )
    def test_what_stands_counts(self, fields: dict[str, Any], counts: bool):
        assert bool(list_judged([row(**fields)])) == counts


class TestProposals:
    #: Below 0.5 a quarter is confirmed, above it nine of ten.
    CLEAR = [judged(0.30 + n / 1000, n % 4 == 0) for n in range(100)] + [
        judged(0.60 + n / 1000, n % 10 != 0) for n in range(100)
    ]

    def test_the_lowest_probability_that_reaches_the_target(self):
        everywhere, east = propose(self.CLEAR, target=0.85)
        assert everywhere.county == ("", "", "")
        assert east.county == EAST
        assert (east.outcome, east.verdicts, east.confirmed) == (
            *(Outcome.PROPOSED, 200),
            115,
        )
        found = east.threshold
        assert found is not None
        # 90 of 100 from 0.600 on; 2 of 8 from 0.392 on make it 92 of 108, .852; one
        # more that was dismissed, .844.
        assert (found.value, found.verdicts, east.lost) == (0.392, 108, 115 - 92)
        assert found.precision == pytest.approx(92 / 108)
        assert found.low < found.precision < found.high
        assert [(b.low, b.verdicts) for b in east.bands] == [(0.3, 100), (0.6, 100)]

    def test_too_few_verdicts_propose_nothing(self):
        few = [judged(0.5, n % 2 == 0) for n in range(29)]
        assert {p.outcome for p in propose(few, target=0.5)} == {Outcome.TOO_FEW}
        assert propose(few, target=0.5, least=29)[0].outcome == Outcome.MET

    def test_a_target_that_everything_reaches_needs_no_threshold(self):
        (everywhere, _) = propose(
            [judged(0.5 + n / 100, True) for n in range(40)], target=0.9
        )
        assert (everywhere.outcome, everywhere.threshold) == (Outcome.MET, None)

    def test_a_target_out_of_reach(self):
        (one, _) = propose(self.CLEAR, target=0.99)
        assert (one.outcome, one.threshold) == (Outcome.OUT_OF_REACH, None)

    def test_counties_are_judged_each_and_together(self):
        both = [judged(0.5, n % 2 == 0, EAST) for n in range(20)]
        both += [judged(0.5, n % 2 == 0, WEST) for n in range(20)]
        both += [judged(0.5, True, ("", "", "")) for _ in range(5)]
        found = {p.county[0]: p.verdicts for p in propose(both, target=0.9)}
        assert found == {"": 45, "1": 20, "2": 20}


probabilities = st.integers(0, 20).map(lambda n: n / 20)
cases = st.lists(st.builds(judged, probabilities, st.booleans()), min_size=1)


@given(cases)
def test_the_share_confirmed_never_falls_with_the_probability(found: list[Judged]):
    tails = find_tails(found)
    assert all(a[2] <= b[2] + 1e-12 for a, b in pairwise(tails))
    assert tails[0][1] == len(found)
    assert tails[0][2] == pytest.approx(sum(j.confirmed for j in found) / len(found))


@given(cases, st.floats(0.01, 0.99), st.floats(0.01, 0.99))
def test_a_higher_target_never_gives_a_lower_threshold(
    found: list[Judged], one: float, other: float
):
    low, high = sorted((one, other))

    def value(target: float) -> float:
        (proposal, *_) = propose(found, target=target, least=5)
        if proposal.outcome == Outcome.MET:
            return 0.0
        return 2.0 if proposal.threshold is None else proposal.threshold.value

    assert value(low) <= value(high)


class TestEffect:
    def test_cases_below_the_threshold_are_counted(self):
        waiting = [
            row(stage=Stage.PRESCREEN, verdict=None, probability=p, county=county)
            for p, county in (
                (0.2, EAST),
                (0.5, EAST),
                (0.6, EAST),
                (None, EAST),
                (0.1, WEST),
            )
        ]
        east, west = weigh([threshold(0.5)], [*waiting, row(probability=0.1)])
        assert (east.county, east.value, east.waiting, east.below) == (EAST, 0.5, 4, 1)
        assert (west.value, west.waiting, west.below) == (None, 1, 0)

    def test_a_county_without_its_own_takes_that_of_everywhere(self):
        waiting = [row(stage=Stage.PRESCREEN, probability=0.6, county=WEST)]
        (west,) = weigh([threshold(0.5), threshold(0.7, "")], waiting)
        assert (west.value, west.below) == (0.7, 1)


def test_proposed_thresholds_take_the_place_of_those_that_stand():
    (_, east) = propose(TestProposals.CLEAR, target=0.85)
    assert east.threshold is not None
    other = threshold(0.4, "9")
    assert join_thresholds([threshold(0.3), other], [east]) == (east.threshold, other)
    (none,) = propose([judged(0.5, True, ("", "", ""))], target=0.9)
    assert join_thresholds([threshold(0.3)], [none]) == (threshold(0.3),)


def test_a_set_finds_a_countys_own_first():
    made = ThresholdSet(
        version=1,
        time=NOW,
        by="chen",
        thresholds=(threshold(0.5), threshold(0.7, "")),
    )
    assert made.find(Hazard.CANOPY_LOSS, "1") == threshold(0.5)
    assert made.find(Hazard.CANOPY_LOSS, "8") == threshold(0.7, "")
    assert made.find(Hazard.ACTIVE_FIRE, "1") is None
