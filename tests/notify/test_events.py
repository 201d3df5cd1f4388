"""Which steps of cases are news."""

from datetime import timedelta
from typing import Any

import pytest
from tests.notify.people import NOW, make_case

from agroforest.core.message import News
from agroforest.core.review import Act, Case, FieldCheck, Stage, Step, Verdict
from agroforest.core.risk import Hazard
from agroforest.notify.events import Event, find_events


def find(act: Act, *, key: str = "", **case: Any) -> list[Event]:
    made = make_case(**case)
    step = Step(case=made.id, number=4, time=NOW, by="wei", act=act, key=key)
    return list(find_events([step], {made.id: made}, lambda c: {"id": c.id}))


FIRE = {"hazard": Hazard.ACTIVE_FIRE}
CONFIRMED = {"verdict": Verdict.CONFIRMED, "stage": Stage.DECIDED}
DISMISSED = {"verdict": Verdict.DISMISSED, "stage": Stage.DECIDED}


@pytest.mark.parametrize(
    ("act", "case", "news", "state"),
    [
        (Act.OPEN, {}, News.RAISED, "raised"),
        (Act.OPEN, {"stage": Stage.CLOSED}, None, ""),  # below the county's threshold
        (Act.APPROVE, CONFIRMED, News.CONFIRMED, "confirmed:4"),
        (Act.APPROVE, DISMISSED, News.CANCELLED, "cancelled:4"),
        (Act.CONFIRM, {"stage": Stage.SUPERVISOR}, None, ""),
        (Act.CONFIRM, FIRE, News.CONFIRMED, "confirmed:4"),  # does not wait
        (Act.APPROVE, {**FIRE, **CONFIRMED}, None, ""),  # told when it was confirmed
        (Act.APPROVE, {**FIRE, **DISMISSED}, News.CANCELLED, "cancelled:4"),
        (Act.REOPEN, {}, News.WORSE, "worse:4"),
        (Act.CLOSE, {**CONFIRMED, "stage": Stage.CLOSED}, News.ENDED, "ended:4"),
        (Act.CLOSE, {**DISMISSED, "stage": Stage.CLOSED}, None, ""),
        *((act, {}, None, "") for act in (Act.PASS, Act.DISMISS, Act.RETURN)),
        *((act, {}, None, "") for act in (Act.NOTE, Act.MERGE, Act.SPLIT, Act.SAMPLE)),
    ],
)
def test_what_people_do(
    act: Act, case: dict[str, Any], news: News | None, state: str
) -> None:
    found = [(each.news, each.state) for each in find(act, **case)]
    assert found == ([] if news is None else [(news, state)])


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ("grown", [(News.WORSE, "worse:2024-05-03")]),
        ("reopened", [(News.WORSE, "worse:2024-05-03")]),
        ("released", [(News.ENDED, "ended:2024-05-03")]),
        ("closed", []),  # told when it was released
        ("merged", []),
    ],
)
def test_what_nights_see(change: str, told: list[tuple[News, str]]) -> None:
    found = find(Act.SEE, key=f"a:b:2024-05-03:{change}")
    assert [(each.news, each.state) for each in found] == told
    assert find(Act.SEE, key=f"a:2024-05-03:{change}", stage=Stage.MERGED) == []


def test_a_step_without_a_key_or_a_case_is_no_news() -> None:
    assert find(Act.SEE) == []
    step = Step(case="gone", number=1, time=NOW, by="night", act=Act.OPEN)
    assert find_events([step], {}, lambda _: {}) == ()


def test_a_field_check_is_a_task_of_who_shall_go() -> None:
    check = FieldCheck(by="mei", ordered=NOW)
    (task,) = find(Act.ORDER_CHECK, check=check)
    assert (task.news, task.state, task.to) == (News.TASK, "task:4", "mei")


def test_a_check_of_another_step_is_not_told_again() -> None:
    before = FieldCheck(by="mei", ordered=NOW - timedelta(hours=1))
    assert find(Act.ORDER_CHECK, check=before) == []
    done = FieldCheck(by="mei", ordered=NOW, done=NOW)
    assert find(Act.ORDER_CHECK, check=done) == []


def test_facts_are_made_for_news_alone() -> None:
    made: list[str] = []

    def describe(case: Case) -> dict[str, str]:
        made.append(case.id)
        return {}

    case = make_case()
    steps = [
        Step(case=case.id, number=n, time=NOW, by="wei", act=act)
        for n, act in enumerate((Act.OPEN, Act.NOTE, Act.PASS), 1)
    ]
    find_events(steps, {case.id: case}, describe)
    assert made == ["c1"]
