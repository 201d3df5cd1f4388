"""The life of fire alerts, and their clock."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pyproj
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.alerts.fires import PIXEL, START, go, make_event
from tests.hotspots.made import detections_at

from agroforest.alerts.fire import FireAlert, FireStep, check_verification, step
from agroforest.alerts.following import name_alert
from agroforest.alerts.gate import Conditions
from agroforest.core.alert import AlertStatus, Change
from agroforest.core.aoi import Place, PlaceKind
from agroforest.core.config import AlertsSection, FireSection
from agroforest.core.errors import DataError
from agroforest.core.fire import (
    EventConfidence,
    EventKind,
    Gate,
    HotspotEvent,
    Outcome,
    Verification,
)
from agroforest.core.risk import Hazard
from agroforest.hotspots.events import Events, no_events
from agroforest.hotspots.events import step as gather

WET = Conditions(rank=1, rain=12.0)
HOUR = timedelta(hours=1)


def told(after: FireStep) -> list[Change]:
    return [i.change for i in after.instructions]


def verified(
    alerts: Sequence[FireAlert], outcome: Outcome, hours: float = 0.5
) -> list[FireAlert]:
    """The alerts, each verified so many hours after `START`."""
    found = Verification(
        time=START + timedelta(hours=hours), outcome=outcome, by="护林员"
    )
    return [
        FireAlert(alert=a.alert, facts=a.facts.patch(verification=found))
        for a in alerts
    ]


# ------------------------------------------------------------------- beginning


def test_an_event_is_raised_once_and_starts_its_clock() -> None:
    after = go([], [make_event()])
    assert told(after) == [Change.NEW]
    (one,) = after.alerts
    assert one.alert.hazard is Hazard.ACTIVE_FIRE
    assert one.alert.probability is None
    assert one.alert.since == one.alert.evidence == date(2024, 4, 4)
    assert one.facts.alert == one.alert.id == name_alert("p", "e1")
    assert one.facts.raised == START
    assert one.facts.verify_by == START + HOUR
    assert one.facts.gate is Gate.UNGATED
    assert go(after.alerts, [make_event()]) == FireStep(
        alerts=after.alerts, instructions=(), held=()
    )


def test_area_is_that_of_the_ellipsoid() -> None:
    event = make_event(width=3)
    (one,) = go([], [event]).alerts
    east, north = 3 * PIXEL, PIXEL
    geod = pyproj.Geod(ellps="WGS84")
    _, _, height = geod.inv(108, 23, 108, 23 + north)
    _, _, middle = geod.inv(108, 23 + north / 2, 108 + east, 23 + north / 2)
    assert one.alert.area_ha == pytest.approx(height * middle / 1e4, rel=1e-5)


def test_static_sources_are_never_raised() -> None:
    events = [
        make_event("chimney", kind=EventKind.STATIC),
        make_event("field", at=9, kind=EventKind.CROP),
    ]
    after = go([], events)
    assert [a.facts.event.id for a in after.alerts] == ["field"]
    assert after.held == ()


def test_a_fire_that_was_over_before_anybody_asked_is_not_raised() -> None:
    assert go([], [make_event(last=-1)], 35).alerts != ()
    assert go([], [make_event(last=-1)], 35.01) == FireStep(
        alerts=(), instructions=(), held=()
    )


def test_a_wet_quiet_day_holds_one_look_and_lets_two_through() -> None:
    held = go([], [make_event()], conditions={"e1": WET})
    assert (held.alerts, held.instructions) == ((), ())
    (waiting,) = held.held
    assert waiting.verdict.gate is Gate.HELD
    assert waiting.event == make_event()
    after = go([], [make_event(looks=2)], 1, {"e1": WET})
    assert told(after) == [Change.NEW]
    assert after.alerts[0].facts.gate is Gate.PASSED
    assert after.held == ()


@pytest.mark.parametrize("known", [{}, {"e1": Conditions(rank=5, rain=0.0)}])
def test_low_confidence_needs_two_looks_on_any_day(
    known: dict[str, Conditions],
) -> None:
    low = make_event(confidence=EventConfidence.LOW)
    held = go([], [low], conditions=known).held
    assert [h.verdict.needed for h in held] == [2]
    assert "低置信度" in held[0].verdict.reason_zh
    assert told(go([], [low.patch(looks=2)], conditions=known)) == [Change.NEW]


def test_what_was_let_through_is_not_held_later() -> None:
    alerts = go([], [make_event()]).alerts
    after = go(alerts, [make_event(last=3)], 4, {"e1": WET})
    assert after.held == ()
    assert after.alerts[0].alert.status is AlertStatus.OPEN


def test_places_are_named_largest_overlap_first() -> None:
    def place(name: str, left: float, width: float) -> Place:
        west = 108 + left * PIXEL
        return Place(
            id=name,
            kind=PlaceKind.COMPARTMENT,
            name_zh=name,
            name_en=name,
            cover="",
            geometry=shapely.box(west, 23, west + width * PIXEL, 23 + PIXEL),
        )

    after = step(
        [],
        [make_event(width=4)],
        {},
        pipeline="p",
        night=START.date(),
        moment=START,
        places=[place("a", -5, 6), place("far", 90, 5), place("b", 1, 20)],
        settings=FireSection(),
    )
    assert after.alerts[0].alert.places == ("b", "a")


# ----------------------------------------------------------------------- clock


def test_growth_and_later_runs_never_start_the_clock_anew() -> None:
    alerts = go([], [make_event()]).alerts
    reports = []
    for hour in range(1, 30):
        event = make_event(width=1 + hour / 10, last=hour - 0.5)
        after = go(alerts, [event], hour)
        reports += [hour for c in told(after) if c is Change.GROWN]
        alerts = after.alerts
        assert alerts[0].facts.event == event
        assert alerts[0].facts.raised == START
        assert alerts[0].facts.verify_by == START + HOUR
    # Reported from the last report: 1.2, then the first tenth from 1.44 on, and so on.
    assert reports == [2, 5, 8, 12, 17, 23]


def test_overdue_counts_until_somebody_looked() -> None:
    (one,) = go([], [make_event()]).alerts
    assert not one.facts.overdue(START + HOUR)
    assert one.facts.overdue(START + HOUR + timedelta(seconds=1))
    (late,) = verified([one], Outcome.NOTHING, 1.5)
    assert late.facts.overdue(START)
    (soon,) = verified([one], Outcome.NOTHING, 0.9)
    assert not soon.facts.overdue(START + 100 * HOUR)


def test_a_fire_seen_again_after_its_end_gets_a_new_clock() -> None:
    alerts = verified(go([], [make_event()]).alerts, Outcome.FOREST_FIRE)
    released = go(alerts, [make_event()], 36)
    assert told(released) == [Change.RELEASED]
    assert told(go(released.alerts, [make_event()], 37)) == []
    again = go(released.alerts, [make_event(last=36.5)], 38)
    assert told(again) == [Change.REOPENED]
    assert again.alerts[0].alert.id == alerts[0].alert.id
    assert again.alerts[0].facts.raised == START + 38 * HOUR
    assert again.alerts[0].facts.verify_by == START + 39 * HOUR
    assert again.alerts[0].facts.verification is None


def test_the_clock_runs_as_long_as_the_settings_say() -> None:
    (one,) = go([], [make_event()], verify_minutes=90).alerts
    assert one.facts.verify_by - one.facts.raised == timedelta(minutes=90)


# ------------------------------------------------------------------------- end


def test_what_is_seen_late_is_no_new_sight() -> None:
    """A detection of yesterday that comes today: the fire was last seen yesterday."""
    alerts = go([], [make_event()]).alerts
    tomorrow = START.date() + timedelta(days=1)
    wider = go(alerts, [make_event(width=1.1)], 12).alerts[0].alert
    assert (wider.last_night, wider.evidence) == (START.date(), START.date())
    later = go(alerts, [make_event(first=8, last=9)], 12).alerts[0].alert
    assert (later.last_night, later.evidence) == (tomorrow, tomorrow)
    assert later.since == START.date()  # the feed no longer reaches back so far


def test_growth_that_is_not_explained_stays_so_when_it_is_not_seen() -> None:
    alerts = verified(go([], [make_event()]).alerts, Outcome.CROP_BURNING)
    released = go(alerts, [make_event(width=2, last=3)], 50)
    assert told(released) == [Change.RELEASED]
    assert told(go(released.alerts, [make_event(width=2, last=3)], 50)) == []


def test_what_was_found_closes_an_alert_that_is_not_seen() -> None:
    alerts = verified(go([], [make_event()]).alerts, Outcome.NOTHING)
    assert told(go(alerts, [], 1)) == [Change.CLOSED]
    released = go(go([], [make_event()]).alerts, [], 50).alerts
    assert told(go(verified(released, Outcome.NOTHING), [], 51)) == [Change.CLOSED]


def test_not_seen_for_long_enough_releases_and_then_closes() -> None:
    alerts = go([], [make_event()]).alerts
    assert told(go(alerts, [], 35)) == []
    released = go(alerts, [], 35.5)
    assert told(released) == [Change.RELEASED]
    assert told(go(released.alerts, [], 24 * 60)) == []
    closed = go(released.alerts, [], 24 * 62)
    assert told(closed) == [Change.CLOSED]
    assert go(closed.alerts, [], 24 * 400) == FireStep(
        alerts=closed.alerts, instructions=(), held=()
    )


def test_days_until_closed_and_growth_are_those_of_the_alerts() -> None:
    alerts = go([], [make_event()]).alerts
    life = AlertsSection(grow_ratio=3, close_after_days=2)

    def run(alerts: Sequence[FireAlert], width: float, hours: float) -> FireStep:
        moment = START + timedelta(hours=hours)
        return step(
            alerts,
            [make_event(width=width)],
            {},
            pipeline="p",
            night=moment.date(),
            moment=moment,
            settings=FireSection(),
            life=life,
        )

    assert told(run(alerts, 2.9, 1)) == []
    assert told(run(alerts, 3.1, 1)) == [Change.GROWN]
    released = run(alerts, 1, 40)
    assert told(run(released.alerts, 1, 90)) == [Change.CLOSED]


def test_a_feed_that_vanished_takes_nothing_away() -> None:
    alerts = go([], [make_event(width=5)]).alerts
    assert go(alerts, [], 3).alerts == alerts
    less = make_event(width=2, last=-1.5)  # a part of the feed vanished
    after = go(alerts, [less], 3)
    assert after.alerts == alerts
    assert told(after) == []


def test_heat_that_turns_out_static_ends_the_alert() -> None:
    alerts = go([], [make_event()]).alerts
    static = make_event(last=2, kind=EventKind.STATIC)
    after = go(alerts, [static], 3)
    assert told(after) == [Change.RELEASED]
    assert after.alerts[0].facts.event.kind is EventKind.STATIC
    assert told(go(after.alerts, [static], 4)) == []
    back = go(after.alerts, [make_event(last=2)], 5)
    assert told(back) == [Change.REOPENED]


@pytest.mark.parametrize("outcome", list(Outcome))
def test_what_was_found_closes_all_but_a_forest_fire(outcome: Outcome) -> None:
    alerts = verified(go([], [make_event()]).alerts, outcome)
    after = go(alerts, [make_event()], 1)
    if outcome is Outcome.FOREST_FIRE:
        assert told(after) == []
        assert after.alerts == tuple(alerts)
    else:
        assert told(after) == [Change.CLOSED]
        assert after.alerts[0].facts == alerts[0].facts
        assert told(go(after.alerts, [make_event()], 2)) == []


@pytest.mark.parametrize(
    ("outcome", "later", "change"),
    [
        (Outcome.NOTHING, make_event(last=3), Change.REOPENED),
        (Outcome.CROP_BURNING, make_event(last=3, width=1.1), None),
        (Outcome.CROP_BURNING, make_event(last=3, width=1.3), Change.REOPENED),
        (Outcome.PLANNED_BURNING, make_event(last=3, width=1.1), None),
        (Outcome.PLANNED_BURNING, make_event(last=3, width=1.3), Change.REOPENED),
        (Outcome.STATIC_SOURCE, make_event(last=3, width=9), None),
    ],
)
@pytest.mark.parametrize("closed", [False, True])
def test_heat_that_the_finding_does_not_explain_is_a_fire_again(
    outcome: Outcome, later: HotspotEvent, change: Change | None, *, closed: bool
) -> None:
    alerts: Sequence[FireAlert] = verified(go([], [make_event()]).alerts, outcome)
    if closed:
        alerts = go(alerts, [make_event()], 1).alerts
    after = go(alerts, [later], 4)
    if change is None:
        assert told(after) == ([] if closed else [Change.CLOSED])
        assert after.alerts[0].alert.status is AlertStatus.CLOSED
    else:
        assert told(after) == [change]
        assert after.alerts[0].facts.raised == START + 4 * HOUR
        assert after.alerts[0].facts.verification is None


def test_a_corrected_word_opens_again_without_a_new_clock() -> None:
    closed = go(
        verified(go([], [make_event()]).alerts, Outcome.NOTHING), [make_event()], 1
    )
    corrected = verified(closed.alerts, Outcome.FOREST_FIRE, 1.5)
    after = go(corrected, [make_event()], 2)
    assert told(after) == [Change.REOPENED]
    assert after.alerts[0].facts == corrected[0].facts


def test_a_clock_started_anew_is_never_the_one_that_was_stopped() -> None:
    """The same run comes again with more to see, at the same moment."""
    alerts = verified(go([], [make_event()]).alerts, Outcome.NOTHING, -0.5)
    after = go(alerts, [make_event(last=-0.1)])
    assert told(after) == [Change.REOPENED]
    assert after.alerts[0].facts.raised > START
    assert told(go(after.alerts, [make_event(last=-0.1)])) == []


# -------------------------------------------------------------- growing together


def _two() -> tuple[FireAlert, ...]:
    older = go([], [make_event("older")]).alerts
    both = [make_event("older"), make_event("younger", at=2, first=0, last=1)]
    return go(older, both, 2).alerts


_ONE = make_event("older", width=3, last=3)


def test_of_two_that_grow_together_the_older_goes_on() -> None:
    alerts = _two()
    after = go(alerts, [_ONE], 4)
    older, younger = (name_alert("p", n) for n in ("older", "younger"))
    merged = next(i for i in after.instructions if i.change is Change.MERGED)
    assert (merged.alert, merged.into) == (younger, older)
    assert set(told(after)) == {Change.GROWN, Change.MERGED}
    by_id = {a.alert.id: a for a in after.alerts}
    assert by_id[younger].alert.status is AlertStatus.CLOSED
    assert by_id[older].facts.raised == START
    assert go(after.alerts, [_ONE], 4) == FireStep(
        alerts=after.alerts, instructions=(), held=()
    )


def test_what_was_found_at_the_younger_counts_for_the_fire() -> None:
    older, younger = sorted(_two(), key=lambda a: a.facts.raised)
    (seen,) = verified([younger], Outcome.FOREST_FIRE, 3)
    after = go([older, seen], [_ONE], 4)
    (goes_on,) = (a for a in after.alerts if a.alert.living)
    assert goes_on.facts.verification == seen.facts.verification
    assert goes_on.facts.raised == older.facts.raised


def test_a_fire_is_not_ended_by_the_field_it_grew_into() -> None:
    older, younger = sorted(_two(), key=lambda a: a.facts.raised)
    (field,) = verified([older], Outcome.STATIC_SOURCE, 3)
    after = go([field, younger], [_ONE], 4)
    assert set(told(after)) == {Change.REOPENED, Change.MERGED}
    (goes_on,) = (a for a in after.alerts if a.alert.living)
    assert goes_on.alert.id == older.alert.id
    assert goes_on.facts.raised == START + 4 * HOUR
    (both,) = verified([younger], Outcome.CROP_BURNING, 3)
    ended = go([field, both], [_ONE], 4)
    assert not any(a.alert.living for a in ended.alerts)


def test_an_alert_goes_on_when_its_event_gets_another_beginning() -> None:
    """A detection that comes late founds the event anew, under another id."""
    alerts = go([], [make_event("e1")]).alerts
    renamed = make_event("e0", at=-0.1, width=1.1, first=-3)
    after = go(alerts, [renamed], 1)
    assert told(after) == []
    assert [a.alert.id for a in after.alerts] == [a.alert.id for a in alerts]
    assert after.alerts[0].facts.event == renamed
    assert after.alerts[0].facts.raised == START
    # … and a closed one does not rise again under the other name.
    closed = go(verified(alerts, Outcome.CROP_BURNING), [make_event("e1")], 1).alerts
    assert told(go(closed, [renamed], 2)) == []
    # Its beginning is found again, and the rest is another event.
    apart = [make_event("e1"), make_event("e0", at=-5, first=-3)]
    split = go(after.alerts, apart, 2)
    assert told(split) == [Change.NEW]
    ids = {a.alert.id: a.facts.event.id for a in split.alerts}
    assert ids == {name_alert("p", "e1"): "e1", name_alert("p", "e0"): "e0"}


def test_held_event_that_takes_an_alert_over_is_not_held() -> None:
    wet = {"older": WET}
    held = go([], [make_event("older")], conditions=wet)
    assert len(held.held) == 1
    both = [make_event("older"), make_event("younger", at=2, first=0, last=1)]
    alerts = go([], both, 2, wet).alerts
    assert [a.facts.event.id for a in alerts] == ["younger"]
    after = go(alerts, [_ONE], 4, wet)
    assert after.held == ()
    assert [a.facts.event.id for a in after.alerts] == ["older"]
    assert after.alerts[0].facts.raised == START + 2 * HOUR


def test_the_earliest_clock_of_a_fire_runs_on() -> None:
    """The older event was held at first, so its alert is the younger one."""
    alerts = go([], [make_event("younger", at=2)]).alerts
    both = [make_event("older", first=-9), make_event("younger", at=2)]
    alerts = go(alerts, both, 2).alerts
    one = make_event("older", first=-9, width=3, last=3)
    after = go(alerts, [one], 4)
    (goes_on,) = (a for a in after.alerts if a.alert.living)
    assert goes_on.alert.id == name_alert("p", "older")
    assert (goes_on.facts.raised, goes_on.facts.verify_by) == (START, START + HOUR)


def test_an_event_beside_the_outline_is_another_fire() -> None:
    alerts = go([], [make_event(width=2)]).alerts
    beside = make_event("e2", at=0.5, width=2, last=0)
    after = go(alerts, [beside], 1)
    assert told(after) == [Change.NEW]
    assert len(after.alerts) == 2
    within = make_event("e2", at=0.3, width=2, last=0)
    assert told(go(alerts, [within], 1)) == []


def test_an_alert_goes_where_most_of_it_lies() -> None:
    alerts = go([], [make_event(width=2)]).alerts
    some = make_event("a", at=0.35, width=2, last=0)
    most = make_event("b", at=-0.1, width=2, last=0)
    after = go(alerts, [some, most], 1)
    (one,) = (a for a in after.alerts if a.alert.id == name_alert("p", "e1"))
    assert one.facts.event == most


def test_an_alert_goes_on_with_its_event_wherever_that_moves() -> None:
    alerts = go([], [make_event("e1")]).alerts
    alerts = go(alerts, [make_event("e0", first=-3)], 1).alerts
    moved = make_event("e0", first=-3, at=0.5, last=1)  # the archive's better place
    after = go(alerts, [moved], 2)
    assert told(after) == []
    assert after.alerts[0].facts.event == moved


def test_a_static_source_takes_no_fire_over() -> None:
    alerts = go([], [make_event()]).alerts
    chimney = make_event("s", width=3, first=-5, last=1, kind=EventKind.STATIC)
    after = go(alerts, [chimney], 2)
    assert after.alerts == alerts


def test_closed_alerts_leave_an_event_to_living_ones() -> None:
    """All three lie in an event under a new id; each would be the oldest in turn."""
    older, younger = sorted(_two(), key=lambda a: a.facts.raised)
    merged = go([older, younger], [_ONE], 4).alerts
    silent, living = sorted(merged, key=lambda a: a.alert.living)
    silent = FireAlert(
        alert=silent.alert.patch(first_night=date(2024, 4, 1)), facts=silent.facts
    )
    renamed = make_event("e0", width=3, first=-3, last=3.5)
    after = go([silent, living], [renamed], 5)
    assert told(after) == []
    by_id = {a.alert.id: a for a in after.alerts}
    assert by_id[living.alert.id].facts.event == renamed
    # … and the one that somebody explained comes before the one that was merged.
    (field,) = verified([living], Outcome.STATIC_SOURCE, 4)
    closed = go([silent, field], [_ONE], 5).alerts
    assert told(go(closed, [renamed], 6)) == []


def test_another_fire_at_the_same_place_is_another_alert() -> None:
    alerts = go([], [make_event()]).alerts
    released = go(alerts, [make_event()], 40).alerts
    later = make_event("e9", first=70, last=71)
    after = go(released, [make_event(), later], 72)
    assert told(after) == [Change.NEW]
    assert told(go(released, [later], 72)) == [Change.NEW]


# ------------------------------------------------------------------------ input


def test_what_has_no_zone_or_comes_twice_is_refused() -> None:
    with pytest.raises(ValueError, match="no time zone"):
        step(
            [],
            [],
            {},
            pipeline="p",
            night=START.date(),
            moment=datetime(2024, 4, 4),  # noqa: DTZ001  on purpose
            settings=FireSection(),
        )
    with pytest.raises(ValueError, match="twice"):
        go([], [make_event(), make_event()])
    with pytest.raises(ValueError, match="seen after"):
        go([], [make_event(last=1)])
    naive = datetime(2024, 4, 4)  # noqa: DTZ001  on purpose
    with pytest.raises(DataError, match="no time zone"):
        make_event().patch(first=naive)
    with pytest.raises(DataError, match="before first"):
        make_event(first=0, last=-1)
    facts = go([], [make_event()]).alerts[0].facts
    with pytest.raises(DataError, match="no time zone"):
        facts.patch(raised=naive)
    with pytest.raises(DataError, match="before it was raised"):
        facts.patch(verify_by=START - HOUR)
    with pytest.raises(DataError, match="no time zone"):
        Verification(time=naive, outcome=Outcome.NOTHING, by="x")


@pytest.mark.parametrize(
    ("by", "note", "problem"),
    [
        (" ", "", "names nobody"),
        ("x" * 201, "", "201 characters"),
        ("x", "y" * 2001, "2001 characters"),
        ("a\nb", "", r"'\\n'"),
        ("x", "a\x1b[2Jb", r"'\\x1b'"),
        ("x", "a\0b", r"'\\x00'"),
        ("x", "\udce4", "holds the character"),
    ],
)
def test_texts_that_cannot_be_kept_are_refused(
    by: str, note: str, problem: str
) -> None:
    with pytest.raises(DataError, match=problem) as caught:
        Verification(time=START, outcome=Outcome.NOTHING, by=by, note=note)
    str(caught.value).encode()


def test_hostile_texts_stay_what_they_are() -> None:
    text = "<script>alert('火')</script>\"; DROP TABLE alert; --\n=1+1\u202e"
    found = Verification(
        time=START, outcome=Outcome.NOTHING, by=text.replace("\n", " "), note=text
    )
    assert found.note == text


def test_nobody_finds_before_the_heat_or_in_the_future() -> None:
    facts = go([], [make_event()]).alerts[0].facts

    def check(hours: float) -> None:
        found = Verification(time=START + hours * HOUR, outcome=Outcome.NOTHING, by="x")
        check_verification(facts, found, moment=START + HOUR)

    check(-2)
    check(1)
    with pytest.raises(DataError, match="before heat was first seen"):
        check(-2.1)
    with pytest.raises(DataError, match="yet to come"):
        check(1.1)


# ------------------------------------------------------------------- all stories


@dataclass(frozen=True, kw_only=True)
class Hit:
    """A detection `x` pixels east at an hour, in the feeds from then until then."""

    x: int
    hour: int
    delay: int
    stays: int

    def known(self, hour: int) -> bool:
        return self.hour + self.delay <= hour < self.hour + self.delay + self.stays


@dataclass(frozen=True, kw_only=True)
class Story:
    """Detections, hours of runs, and what is found after which run."""

    hits: list[Hit]
    runs: list[int]
    words: dict[int, Outcome]


def stories(*, stays: Sequence[int] = (999,)) -> st.SearchStrategy[Story]:
    hit = st.builds(
        Hit,
        x=st.integers(0, 9),
        hour=st.integers(0, 99),
        delay=st.sampled_from([0, 0, 9, 40]),
        stays=st.sampled_from(stays),
    )
    hours = st.lists(st.integers(1, 140), min_size=2, max_size=9, unique=True)
    words = st.dictionaries(st.integers(0, 6), st.sampled_from(Outcome), max_size=3)
    return st.builds(
        Story,
        hits=st.lists(hit, min_size=3, max_size=14),
        runs=hours.map(sorted),
        words=words,
    )


def see(events: Events) -> list[HotspotEvent]:
    """Events of the real clustering."""
    longitude, latitude = events.centre
    outlines = events.outlines()

    def time(moment: np.datetime64) -> datetime:
        return datetime.fromtimestamp(int(moment.astype(np.int64)), tz=UTC)

    return [
        HotspotEvent(
            id=str(events.id[i]),
            geometry=outlines[i],
            longitude=float(longitude[i]),
            latitude=float(latitude[i]),
            kind=EventKind.FIRE,
            confidence=EventConfidence.NOMINAL,
            sure_viirs=True,
            first=time(events.first[i]),
            last=time(events.last[i]),
            looks=1,
            detections=int(events.size[i]),
        )
        for i in range(len(events))
    ]


Run = tuple[int, list[HotspotEvent], tuple[FireAlert, ...], FireStep]


def live(story: Story, *, twice: bool = False, backwards: bool = False) -> list[Run]:
    """Every run of a story: hour, events, alerts before, and what it made of them."""
    runs: list[Run] = []
    alerts: tuple[FireAlert, ...] = ()
    for number, hour in enumerate(story.runs):
        spots = [
            (108 + hit.x * PIXEL, 23.0, START + hit.hour * HOUR)
            for hit in story.hits
            if hit.known(hour)
        ]
        gathered = gather(no_events(), detections_at(spots)) if spots else no_events()
        events = see(gathered)
        if backwards:
            events, alerts = events[::-1], alerts[::-1]
        after = go(alerts, events, hour)
        runs.append((hour, events, alerts, after))
        if twice:
            assert go(after.alerts, events, hour) == FireStep(
                alerts=after.alerts, instructions=(), held=after.held
            )
        alerts = after.alerts
        word = story.words.get(number)
        if word is not None:
            alerts = tuple(verified(alerts[:1], word, hour)) + alerts[1:]
    return runs


@settings(max_examples=60, deadline=None)
@given(stories(stays=(999, 30)))
def test_a_run_that_comes_again_changes_nothing(story: Story) -> None:
    runs, again = live(story), live(story, twice=True)
    assert [after for *_, after in runs] == [after for *_, after in again]


@settings(max_examples=40, deadline=None)
@given(stories(stays=(999, 30)))
def test_the_order_of_events_and_alerts_does_not_matter(story: Story) -> None:
    quiet = Story(hits=story.hits, runs=story.runs, words={})
    forth, back = live(quiet), live(quiet, backwards=True)
    assert [after for *_, after in forth] == [after for *_, after in back]


@settings(max_examples=60, deadline=None)
@given(stories(stays=(999, 30)))
def test_no_alert_is_lost_and_no_clock_restarts_by_itself(story: Story) -> None:
    for _, _, before, after in live(story):
        now = {a.alert.id: a for a in after.alerts}
        changes = {(i.alert, i.change) for i in after.instructions}
        assert len(now) == len(after.alerts)
        assert {a.alert.id for a in before} <= now.keys()
        for one in before:
            found = one.facts.verification
            corrected = (
                one.alert.status is AlertStatus.CLOSED
                and found is not None
                and found.outcome is Outcome.FOREST_FIRE
            )
            anew = (one.alert.id, Change.REOPENED) in changes and not corrected
            assert (now[one.alert.id].facts.raised > one.facts.raised) == anew
        for i in after.instructions:
            assert (i.change is Change.MERGED) == (i.into is not None)
            assert i.into is None or i.into in now


@settings(max_examples=80, deadline=None)
@given(stories())
def test_every_fire_that_burns_has_one_open_alert(story: Story) -> None:
    """… unless what somebody found there explains it."""
    for hour, events, _, after in live(story):
        burning = {e.id for e in events if hour - (e.last - START) / HOUR <= 36}
        open_ = [
            a.facts.event.id for a in after.alerts if a.alert.status is AlertStatus.OPEN
        ]
        assert len(set(open_)) == len(open_)
        explained = {
            a.facts.event.id
            for a in after.alerts
            if a.facts.verification is not None
            and a.facts.verification.outcome is not Outcome.FOREST_FIRE
        }
        assert set(open_) <= burning <= set(open_) | explained
