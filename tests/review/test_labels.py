from datetime import UTC, date, datetime
from typing import Any

import pytest
from tests.review.cases import NOW, case, later

from agroforest.core.review import Act, FieldCheck, Reason, Stage, Step, Verdict
from agroforest.core.risk import Hazard
from agroforest.review.labels import CaseLabel, Kind, Refusal, Refused, label_case

STEPS = [
    Step(case="a1", number=2, time=NOW, by="li", act=Act.DISMISS, note="first thought"),
    Step(case="a1", number=4, time=later(9), by="wang", act=Act.CONFIRM, note="枯死"),
    Step(case="a1", number=5, time=later(20), by="chen", act=Act.APPROVE),
]


def label(**fields: Any) -> CaseLabel | Refused:
    told = {
        "stage": Stage.DECIDED,
        "verdict": Verdict.CONFIRMED,
        "reason": Reason.SEEN_IN_IMAGES,
        "judged_by": "wang",
    }
    return label_case(case(**{**told, **fields}), STEPS)


def dismissed(reason: Reason, hazard: Hazard) -> CaseLabel | Refused:
    return label(verdict=Verdict.DISMISSED, reason=reason, hazard=hazard)


def test_a_label_says_who_when_and_why():
    made = label()
    assert isinstance(made, CaseLabel)
    assert (made.kind, made.seen, made.by, made.at, made.note, made.approved_by) == (
        Kind.DAMAGED,
        date(2024, 4, 30),
        "wang",
        later(9),
        "枯死",
        "chen",
    )


def test_the_day_in_the_field_counts_where_somebody_was_there():
    done = datetime(2024, 5, 20, 3, tzinfo=UTC)
    made = label(check=FieldCheck(by="li", ordered=NOW, done=done))
    assert isinstance(made, CaseLabel)
    assert made.seen == date(2024, 5, 20)


LOSS, STRESS, FIRE = Hazard.CANOPY_LOSS, Hazard.CANOPY_STRESS, Hazard.ACTIVE_FIRE


@pytest.mark.parametrize(
    ("reason", "hazard", "kind"),
    [
        (Reason.CLOUD, LOSS, Kind.CLEAN),
        (Reason.SHADOW, STRESS, Kind.CLEAN),
        (Reason.KNOWN_FIRE_PLACE, FIRE, Kind.STATIC),
        (Reason.HARVEST, LOSS, Refusal.HARVEST),
        (Reason.DUPLICATE, STRESS, Refusal.DUPLICATE),
        (Reason.DUPLICATE, FIRE, Refusal.DUPLICATE),
        (Reason.OTHER, LOSS, Refusal.UNCLEAR),
        (Reason.KNOWN_FIRE_PLACE, LOSS, Refusal.UNCLEAR),
        (Reason.CLOUD, FIRE, Refusal.FIRE),
        (Reason.OTHER, FIRE, Refusal.FIRE),
    ],
)
def test_what_a_dismissal_teaches(reason: Reason, hazard: Hazard, kind: Kind | Refusal):
    made = dismissed(reason, hazard)
    assert (made.kind if isinstance(made, CaseLabel) else made.why) == kind


@pytest.mark.parametrize(
    ("stage", "why"),
    [
        (Stage.PRESCREEN, Refusal.UNDECIDED),
        (Stage.VERDICT, Refusal.UNDECIDED),
        (Stage.SUPERVISOR, Refusal.UNDECIDED),
        (Stage.MERGED, Refusal.MERGED),
        (Stage.SPLIT, Refusal.MERGED),
    ],
)
def test_only_what_stands_is_a_label(stage: Stage, why: Refusal):
    made = label(stage=stage)
    assert isinstance(made, Refused)
    assert made.why == why


def test_confirmed_fires_are_hotspots():
    made = label(hazard=FIRE)
    assert isinstance(made, CaseLabel)
    assert made.kind == Kind.FIRE
