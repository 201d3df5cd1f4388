from dataclasses import replace
from datetime import date, timedelta

import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from agroforest.alerts import step
from agroforest.core.alert import (
    Alert,
    AlertStatus,
    Change,
    Instruction,
    Observation,
    Revisit,
)
from agroforest.core.aoi import Place, PlaceKind
from agroforest.core.config import AlertsSection
from agroforest.core.risk import Hazard

START = date(2024, 1, 1)
DEGREE = 1e-4  # about a pixel


def observation(
    left: float,
    width: float,
    night: date = START,
    hazard: Hazard = Hazard.CANOPY_STRESS,
) -> Observation:
    return Observation(
        tile="49QCE",
        night=night,
        hazard=hazard,
        model="test",
        geometry=shapely.box(
            108 + left * DEGREE, 23, 108 + (left + width) * DEGREE, 23 + DEGREE
        ),
        area_ha=width * 0.01,
        probability=0.8,
        since=night - timedelta(days=15),
        evidence=night - timedelta(days=1),
    )


def go(
    alerts: list[Alert],
    seen: list[Observation],
    day: int,
    words: list[Revisit] | None = None,
    **changes: float,
) -> tuple[list[Alert], list[Instruction]]:
    return step(
        alerts,
        seen,
        words or [],
        pipeline="p",
        night=START + timedelta(days=day),
        settings=AlertsSection(**changes),
    )


def changes(said: list[Instruction]) -> list[Change]:
    return [i.change for i in said]


def test_first_sight_opens_an_alert_once() -> None:
    alerts, said = go([], [observation(0, 10)], 0)
    assert changes(said) == [Change.NEW]
    again, nothing = go(alerts, [observation(0, 10)], 0)
    assert again == alerts
    assert nothing == []


def test_growth_is_reported_from_the_last_report() -> None:
    alerts, _ = go([], [observation(0, 10)], 0)
    reports = []
    for day in range(1, 9):  # 10 % a night of the first area
        alerts, said = go(alerts, [observation(0, 10 + day)], day)
        reports += [(day, c) for c in changes(said)]
    assert reports == [(2, Change.GROWN), (5, Change.GROWN), (8, Change.GROWN)]
    assert alerts[0].area_ha == pytest.approx(0.18)


def test_cloud_releases_nothing() -> None:
    alerts, _ = go([], [observation(0, 10)], 0)
    stale = Revisit(
        alert=alerts[0].id, pixels=10, detected=0.0, evidence=alerts[0].evidence
    )
    assert go(alerts, [], 30, [stale]) == (alerts, [])
    assert go(alerts, [], 30) == (alerts, [])


def test_release_reopen_and_close() -> None:
    alerts, _ = go([], [observation(0, 10)], 0)
    clear = Revisit(
        alert=alerts[0].id, pixels=10, detected=0.1, evidence=START + timedelta(days=9)
    )
    released, said = go(alerts, [], 10, [clear])
    assert changes(said) == [Change.RELEASED]
    reopened, said = go(released, [observation(0, 10)], 20)
    assert changes(said) == [Change.REOPENED]
    assert reopened[0].id == alerts[0].id
    closed, said = go(released, [], 70)
    assert changes(said) == [Change.CLOSED]
    assert closed[0].status == AlertStatus.CLOSED
    fresh, said = go(closed, [observation(0, 10)], 80)
    assert changes(said) == [Change.NEW]
    assert len(fresh) == 2


def test_half_of_an_alert_left_keeps_it_open() -> None:
    alerts, _ = go([], [observation(0, 10)], 0)
    half = Revisit(
        alert=alerts[0].id, pixels=10, detected=0.5, evidence=START + timedelta(days=9)
    )
    assert go(alerts, [], 10, [half])[1] == []


def test_two_tiles_speak_together() -> None:
    alerts, _ = go([], [observation(0, 10)], 0)
    day = START + timedelta(days=9)
    one = Revisit(alert=alerts[0].id, pixels=8, detected=0.0, evidence=day)
    other = Revisit(alert=alerts[0].id, pixels=2, detected=1.0, evidence=day)
    assert changes(go(alerts, [], 10, [one, other])[1]) == [Change.RELEASED]
    clouded = replace(other, evidence=None)
    assert go(alerts, [], 10, [one, clouded])[1] == []


def test_objects_on_both_sides_of_a_tile_edge_are_one_alert() -> None:
    alerts, said = go([], [observation(0, 5), observation(5, 5)], 0)
    assert changes(said) == [Change.NEW]
    assert alerts[0].area_ha == pytest.approx(0.1)


def test_alerts_that_grow_together_become_the_older_one() -> None:
    first, _ = go([], [observation(0, 4)], 0)
    both, _ = go(first, [observation(0, 4), observation(8, 4)], 5)
    assert len(both) == 2
    joined, said = go(both, [observation(0, 12)], 10)
    assert set(changes(said)) == {Change.GROWN, Change.MERGED}
    merged = next(i for i in said if i.change == Change.MERGED)
    assert merged.into == first[0].id
    assert {a.id: a.status for a in joined} == {
        first[0].id: AlertStatus.OPEN,
        merged.alert: AlertStatus.CLOSED,
    }


def test_hazards_do_not_mix() -> None:
    alerts, _ = go([], [observation(0, 4)], 0)
    alerts, said = go(alerts, [observation(0, 4, hazard=Hazard.CANOPY_LOSS)], 5)
    assert changes(said) == [Change.NEW]
    assert len(alerts) == 2


def test_alert_names_the_places_it_touches_largest_first() -> None:
    def place(name: str, left: float, width: float) -> Place:
        return Place(
            id=name,
            kind=PlaceKind.COMPARTMENT,
            name_zh=name,
            name_en=name,
            cover="",
            geometry=observation(left, width).geometry,
        )

    alerts, _ = step(
        [],
        [observation(0, 10)],
        [],
        pipeline="p",
        night=START,
        places=[place("a", -5, 7), place("b", 2, 20), place("c", 40, 5)],
    )
    assert alerts[0].places == ("b", "a")


_Told = tuple[list[Alert], list[Instruction]]
nights = st.lists(
    st.lists(
        st.tuples(st.integers(0, 30), st.integers(1, 12), st.sampled_from(Hazard)),
        max_size=4,
    ),
    min_size=1,
    max_size=6,
)


def live(story: list[list[tuple[int, int, Hazard]]], *, twice: bool) -> _Told:
    alerts: list[Alert] = []
    log: list[Instruction] = []
    for day, objects in enumerate(story):
        night = START + timedelta(days=5 * day)
        seen = [observation(x, w, night, h) for x, w, h in objects]
        for _ in range(2 if twice else 1):
            alerts, said = step(alerts, seen, [], pipeline="p", night=night)
            log += said
    return alerts, log


@settings(max_examples=80, deadline=None)
@given(nights)
def test_a_replayed_night_changes_nothing(
    story: list[list[tuple[int, int, Hazard]]],
) -> None:
    assert live(story, twice=True) == live(story, twice=False)


@settings(max_examples=80, deadline=None)
@given(nights)
def test_every_change_has_its_own_key(
    story: list[list[tuple[int, int, Hazard]]],
) -> None:
    _, log = live(story, twice=False)
    keys = [i.key for i in log]
    assert len(keys) == len(set(keys))
