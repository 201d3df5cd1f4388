"""Cases come back as they were kept, and nobody overwrites what somebody did first."""

from datetime import date, timedelta

from tests.store.desks import (
    NOW,
    make_step,
    open_cases,
)

from agroforest.core.queue import DeskChanges
from agroforest.core.review import (
    Act,
    FieldCheck,
    Reason,
    Sampling,
    Stage,
    Verdict,
)
from agroforest.store import Store


def test_a_case_comes_back_exactly(desk_store: Store) -> None:
    (case,) = open_cases(desk_store, "a1")
    check = FieldCheck(
        by="农户 3",
        ordered=NOW,
        due=date(2020, 6, 9),
        sample=True,
        done=NOW + timedelta(days=1),
        found="松针发红\n<script>",
    )
    full = case.patch(
        stage=Stage.SUPERVISOR,
        probability=None,
        verdict=Verdict.CONFIRMED,
        reason=Reason.SEEN_IN_FIELD,
        judged_by="韦工",
        assignee="韦工",
        check=check,
        sampling=Sampling.SAMPLED,
        rank=0.1 + 0.2,
        due=NOW + timedelta(microseconds=1),
        version=2,
    )
    step = make_step(
        "a1",
        2,
        act=Act.CONFIRM,
        reason=Reason.SEEN_IN_FIELD,
        note="'); DROP TABLE review_case; --",
        data={"before": {"stage": "pre-screen", "share": 0.1 + 0.2}},
    )
    desk_store.desk.record(DeskChanges(cases=(full,), steps=(step,)))
    assert desk_store.desk.case("a1") == full
    assert desk_store.desk.steps("a1")[1] == step
    assert desk_store.desk.steps("a1")[0].act == Act.OPEN
    assert desk_store.desk.case("a2") is None
    assert desk_store.desk.steps("a2") == []
