"""Cases come back as they were kept, and nobody overwrites what somebody did first."""

from collections import Counter
from collections.abc import Mapping
from datetime import date, timedelta
from multiprocessing.pool import ThreadPool
from pathlib import Path
from threading import Barrier

import pytest
import shapely
from tests.store.desks import (
    NOW,
    acted,
    make_case,
    make_deed,
    make_message,
    make_step,
    open_cases,
    opened,
)
from tests.store.test_findings import NIGHT, make_alert

from agroforest.core.alert import Alert, Change, Instruction
from agroforest.core.errors import ConflictError, DataError
from agroforest.core.queue import CaseQuery, DeskChanges
from agroforest.core.review import (
    Act,
    Case,
    FieldCheck,
    Reason,
    Sampling,
    Stage,
    Verdict,
)
from agroforest.core.risk import Hazard
from agroforest.store import Store, open_store


def stored(store: Store, name: str = "a1") -> Case:
    found = store.desk.case(name)
    assert found is not None
    return found


# ---------------------------------------------------------------------- round trips


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
    assert stored(desk_store) == full
    assert desk_store.desk.steps("a1")[1] == step
    assert desk_store.desk.steps("a1")[0].act == Act.OPEN
    assert desk_store.desk.case("a2") is None
    assert desk_store.desk.steps("a2") == []


def test_a_check_that_is_open_comes_back(desk_store: Store) -> None:
    (case,) = open_cases(desk_store, "a1")
    check = FieldCheck(by="x", ordered=NOW)
    desk_store.desk.record(acted(case, check=check))
    assert stored(desk_store).check == check
    desk_store.desk.record(acted(stored(desk_store), check=None))
    assert stored(desk_store).check is None


def test_a_case_has_the_outline_of_its_alert_and_a_part_its_own(
    desk_store: Store,
) -> None:
    (case,) = open_cases(desk_store, "a1")
    half = shapely.box(108, 22, 108.05, 22.1)
    part = make_case(make_alert("a1"), id="p1", of="a1", geometry=half)
    split = acted(case, act=Act.SPLIT, stage=Stage.SPLIT)
    first = make_step("p1", act=Act.SPLIT)
    both = split + DeskChanges(cases=(part,), steps=(first,))
    desk_store.desk.decide(["a1"], lambda _: both)
    grown = make_alert("a1", geometry=shapely.box(107, 21, 109, 23))
    desk_store.record_night(alerts=[grown])
    assert stored(desk_store).geometry == grown.geometry
    assert stored(desk_store, "p1").geometry == half
    assert desk_store.desk.parts("a1") == [part]
    assert desk_store.desk.parts("p1") == []


def test_texts_that_no_database_holds_are_cleaned(desk_store: Store) -> None:
    (case,) = open_cases(desk_store, "a1", county=("1\0", "武\ud800鸣", ""))
    step = make_step("a1", 2, note="a\0b", data={"k\0": ["\udfff", 1]})
    desk_store.desk.record(
        DeskChanges(
            cases=(case.patch(version=2, assignee="x\0"),),
            steps=(step,),
            deeds=(make_deed("a1", why="\0", after={"\0a": "\ud801"}),),
            messages=(make_message("k\0", facts={"a": "\0"}, error="\ud802"),),
        )
    )
    assert stored(desk_store).county == ("1", "武鸣", "")
    assert stored(desk_store).assignee == "x"
    assert desk_store.desk.steps("a1")[1].note == "ab"
    assert desk_store.desk.steps("a1")[1].data == {"k": ["", 1]}
    assert desk_store.desk.message("k") is not None
    assert desk_store.desk.check_audit() == 1


# ------------------------------------------------------------------------- versions


def test_who_decides_on_an_old_version_is_told_who_was_faster(
    desk_store: Store,
) -> None:
    (case,) = open_cases(desk_store, "a1")
    first = acted(case, by="李工", act=Act.DISMISS, stage=Stage.SUPERVISOR)
    desk_store.desk.decide(["a1"], lambda _: first, seen={"a1": 1})
    with pytest.raises(
        ConflictError, match=r"case a1: .*李工: dismiss at 2020-06-02 08:02:00 UTC"
    ):
        desk_store.desk.decide(["a1"], lambda _: acted(case), seen={"a1": 1})
    with pytest.raises(ConflictError, match="李工"):
        desk_store.desk.record(acted(case))
    assert stored(desk_store) == first.cases[0]
    assert len(desk_store.desk.steps("a1")) == 2
    assert len(desk_store.desk.deeds()) == 1


def test_versions_and_steps_must_fit(desk_store: Store) -> None:
    (case,) = open_cases(desk_store, "a1")
    gap = DeskChanges(cases=(case.patch(version=3),), steps=(make_step("a1", 3),))
    jump = DeskChanges(cases=(case.patch(version=2),))
    alone = DeskChanges(steps=(make_step("a1", 2),))
    behind = DeskChanges(
        cases=(case.patch(version=2),), steps=(make_step("a1", 2), make_step("a1", 3))
    )
    for wrong in (alone, behind):
        with pytest.raises(DataError, match="case a1"):
            desk_store.desk.record(wrong)
    for late in (gap, jump):
        with pytest.raises(ConflictError, match="case a1: is not at version 2"):
            desk_store.desk.record(late)
    assert stored(desk_store) == case


def test_a_case_may_change_without_a_step(desk_store: Store) -> None:
    """A rank is worked out anew; nobody did anything."""
    (case,) = open_cases(desk_store, "a1")
    desk_store.desk.record(DeskChanges(cases=(case.patch(rank=0.9),)))
    assert stored(desk_store) == case.patch(rank=0.9)
    desk_store.desk.record(acted(case))
    with pytest.raises(ConflictError):
        desk_store.desk.record(DeskChanges(cases=(case.patch(rank=0.1),)))


def test_the_last_of_many_states_counts(desk_store: Store) -> None:
    (case,) = open_cases(desk_store, "a1")
    one = acted(case, rank=0.1)
    desk_store.desk.record(one + acted(one.cases[0], rank=0.2))
    assert stored(desk_store).rank == 0.2
    assert stored(desk_store).version == 3


def test_a_decision_that_fails_keeps_nothing(desk_store: Store) -> None:
    (case,) = open_cases(desk_store, "a1")

    def fail(cases: Mapping[str, Case]) -> DeskChanges:
        assert cases == {"a1": case}
        raise DataError("case a1", "is wrong", "mend it")

    with pytest.raises(DataError, match="is wrong"):
        desk_store.desk.decide(["a1"], fail)
    with pytest.raises(DataError, match="case nobody: is not known"):
        desk_store.desk.decide(["a1", "nobody"], fail)
    half = acted(case) + DeskChanges(steps=(make_step("a9"),))
    with pytest.raises(DataError, match="case a9"):
        desk_store.desk.decide(["a1"], lambda _: half)
    assert stored(desk_store) == case
    assert desk_store.desk.deeds() == []


def test_many_cases_are_found_at_once(desk_store: Store) -> None:
    open_cases(desk_store, "a1", "a2")
    names = [f"n{number}" for number in range(2500)]
    assert set(desk_store.desk.cases([*names, "a1", "a2", "a1"])) == {"a1", "a2"}


# ------------------------------------------------------------------------ following


def test_what_was_followed_is_not_followed_again(desk_store: Store) -> None:
    alert, other = make_alert("a1"), make_alert("a2")
    desk_store.record_night(alerts=[alert, other])
    extra = DeskChanges(
        deeds=(make_deed("a1"),), messages=(make_message("a1:raised", subject="a1"),)
    )
    desk_store.desk.record(opened(alert) + extra)
    desk_store.desk.record(acted(stored(desk_store)))
    again = DeskChanges(
        deeds=(make_deed("a1", why="twice"),),
        messages=(make_message("a1:twice", subject="a1"),),
    )
    desk_store.desk.record(opened(alert) + opened(other) + again)
    assert stored(desk_store).version == 2
    assert stored(desk_store, "a2").version == 1
    assert [d.entry.why for d in desk_store.desk.deeds(subject="a1")] == ["", ""]
    assert [m.key for m in desk_store.desk.messages()] == ["a1:raised"]


def _change(alert: Alert, change: Change, days: int = 0) -> Instruction:
    return Instruction(
        alert=alert.id, night=NIGHT + timedelta(days=days), change=change, area_ha=1.5
    )


def test_changes_wait_until_a_step_follows_them(desk_store: Store) -> None:
    a, b = make_alert("a"), make_alert("b")
    changes = [
        _change(b, Change.GROWN, 1),
        _change(a, Change.MERGED),
        _change(b, Change.NEW),
        _change(a, Change.GROWN),
        _change(a, Change.NEW),
    ]
    desk_store.record_night(alerts=[a, b], instructions=changes)
    found = desk_store.desk.unfollowed(99)
    assert [(i.alert, i.change) for i, _, _ in found] == [
        ("a", Change.NEW),
        ("b", Change.NEW),
        ("a", Change.GROWN),
        ("a", Change.MERGED),
        ("b", Change.GROWN),
    ]
    assert [alert for _, alert, _ in found] == [a, b, a, a, b]
    assert {facts for _, _, facts in found} == {None}
    desk_store.desk.record(opened(a) + opened(b))
    assert [i.change for i, _, _ in desk_store.desk.unfollowed(99)] == [
        *(Change.GROWN, Change.MERGED),
        Change.GROWN,
    ]
    desk_store.record_night(alerts=[a, b], instructions=changes)
    assert len(desk_store.desk.unfollowed(99)) == 3


@pytest.mark.parametrize("limit", [1, 2, 3])
def test_changes_of_an_alert_in_a_night_are_not_parted(
    desk_store: Store, limit: int
) -> None:
    a, b = make_alert("a"), make_alert("b")
    three = [_change(a, c) for c in (Change.NEW, Change.GROWN, Change.CLOSED)]
    desk_store.record_night(
        alerts=[a, b], instructions=[*three, _change(b, Change.NEW)]
    )
    assert [i for i, _, _ in desk_store.desk.unfollowed(limit)] == three
    assert desk_store.desk.unfollowed(0) == []


# ------------------------------------------------------------------------ the tally


def test_the_tally_moves_with_the_cases(desk_store: Store) -> None:
    assert desk_store.desk.tally() == {}
    one, two = open_cases(desk_store, "a1", "a2")
    stress = Hazard.CANOPY_STRESS
    assert desk_store.desk.tally() == {(Stage.PRESCREEN, stress): 2}
    desk_store.desk.record(acted(one, stage=Stage.VERDICT))
    moved = acted(stored(desk_store, "a2"), county=("450102", "", ""))
    desk_store.desk.decide(["a2"], lambda _: moved)
    assert desk_store.desk.tally() == {
        (Stage.PRESCREEN, stress): 1,
        (Stage.VERDICT, stress): 1,
    }
    desk_store.desk.record(acted(stored(desk_store), stage=Stage.PRESCREEN))
    assert desk_store.desk.tally() == {(Stage.PRESCREEN, stress): 2}
    assert two.hazard == stress


# ------------------------------------------------------------------------- at once


def test_of_two_who_decide_at_once_one_wins(database_url: str | Path) -> None:
    barrier = Barrier(2)

    def act(name: str) -> str:
        with open_store(database_url) as own:
            seen = stored(own).version
            barrier.wait(60)
            try:
                own.desk.decide(
                    ["a1"],
                    lambda cases: acted(cases["a1"], by=name),
                    seen={"a1": seen},
                )
            except ConflictError as error:
                return str(error)
            return "won"

    with open_store(database_url) as store:
        open_cases(store, "a1")
        for round_ in range(5):
            with ThreadPool(2) as pool:
                told = pool.map(act, ["李工", "韦工"])
            assert Counter(told)["won"] == 1
            lost = next(text for text in told if text != "won")
            assert "somebody was faster: " in lost
            assert store.desk.steps("a1")[-1].by in lost
            assert stored(store).version == round_ + 2
        assert store.desk.check_audit() == 5


def test_the_audit_stays_whole_with_many_writers(database_url: str | Path) -> None:
    names = [f"a{number}" for number in range(8)]

    def work(name: str) -> None:
        with open_store(database_url) as own:
            for _ in range(5):
                own.desk.decide([name], lambda cases: acted(cases[name], by=name))
                own.desk.add_deeds([make_deed(name, what="token.created")])

    with open_store(database_url) as store:
        open_cases(store, *names)
        with ThreadPool(8) as pool:
            pool.map(work, names)
        assert store.desk.check_audit() == 80
        assert {c.version for c in store.desk.cases(names).values()} == {6}
        assert store.desk.count(CaseQuery()) == 8
