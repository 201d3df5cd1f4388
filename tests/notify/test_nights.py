"""Administrators hear of nights that are not run, once, and that they are again."""

from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st
from tests.notify.people import NOW, make_account, make_settings

from agroforest.core.account import Role
from agroforest.core.message import Delivery, Message, News
from agroforest.notify.nights import MissedNights, report_nights, subject_of
from agroforest.notify.overtaken import find_objection
from agroforest.notify.words import compose

SETTINGS = make_settings()
ADA = make_account("ada", role=Role.ADMIN)
SUN = make_account("sun", role=Role.SUPERVISOR)
LAST = date(2024, 4, 29)


def stand(missed: int, last: date = LAST) -> MissedNights:
    nights = tuple(last + timedelta(days=n + 1) for n in range(missed))
    return MissedNights(pipeline="south", last=last, missed=nights)


def tell(
    standing: MissedNights,
    *people: object,
    told: tuple[Message, ...] = (),
    days: int = 0,
) -> tuple[Message, ...]:
    crowd = people or (ADA, SUN, make_account("wei"))
    now = NOW + timedelta(days=days)
    return report_nights([standing], crowd, SETTINGS, now, told=told)  # type: ignore[arg-type]


def test_one_night_is_no_alarm_and_two_are() -> None:
    assert tell(stand(0)) == tell(stand(1)) == ()
    (made,) = tell(stand(2))
    assert (made.account, made.news, made.subject) == (
        "ada",
        News.MISSED,
        subject_of("south"),
    )
    assert made.facts["count"] == 2


def test_supervisors_are_told_where_no_administrator_is_reached() -> None:
    silent = ADA.patch(contacts={})
    assert [m.account for m in tell(stand(2), silent, SUN)] == ["sun"]
    assert tell(stand(2), silent, ADA.patch(disabled=True)) == ()


@given(
    counts=st.lists(st.integers(0, 5), min_size=1, max_size=12),
    again=st.integers(1, 3),
)
def test_each_stop_is_told_once_and_then_its_end(counts: list[int], again: int) -> None:
    """However often it is asked, and whatever comes between."""
    told: tuple[Message, ...] = ()
    expected: list[News] = []
    for day, count in enumerate(counts):
        # Nights before `day` are over; `count` of them, at most, were not run.
        standing = stand(count, LAST + timedelta(days=day * 6))
        if count >= 2 and (not expected or expected[-1] is News.RESUMED):
            expected.append(News.MISSED)
        elif count == 0 and expected and expected[-1] is News.MISSED:
            expected.append(News.RESUMED)
        for _ in range(again):
            told += tell(standing, told=told, days=day)
    assert [m.news for m in told] == expected
    assert len({m.key for m in told}) == len(told)


def test_what_reached_nobody_is_no_end_either() -> None:
    (lost,) = tell(stand(2))
    failed = lost.patch(delivery=Delivery.FAILED)
    assert tell(stand(0), told=(failed,), days=1) == ()


def test_an_alarm_that_is_overtaken_is_not_sent() -> None:
    (alarm,) = tell(stand(3))
    (end,) = tell(stand(0, date(2024, 5, 2)), told=(alarm,), days=1)
    assert end.news is News.RESUMED
    assert "made up for" in find_objection(alarm, [alarm, end])
    assert "ever sent" in find_objection(end, [alarm, end])
    sent = alarm.patch(delivery=Delivery.SENT, attempts=1)
    assert find_objection(end, [sent, end]) == ""


def test_words_in_both_languages() -> None:
    (alarm,) = tell(stand(2))
    section = SETTINGS.channels["mail"]
    for language, wanted in (
        ("zh", ("已漏跑 2 夜", "south", "2024-04-30", "--catch-up")),
        ("en", ("Nights not run: 2", "south", "2024-04-30", "--catch-up")),
    ):
        text = compose(
            alarm, language=language, settings=SETTINGS, section=section
        ).whole
        assert all(each in text for each in wanted), text
