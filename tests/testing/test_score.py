"""Scoring, with squares whose areas are known by heart."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
import shapely

from agroforest.core.alert import Alert, AlertStatus
from agroforest.core.grid import WGS84, reproject
from agroforest.core.reading import Quality, Reading, Variable
from agroforest.core.risk import Hazard
from agroforest.testing.events import EventKind, Planted
from agroforest.testing.score import (
    PlantedFault,
    score_alerts,
    score_drought,
    score_faults,
    score_world,
)
from agroforest.testing.table import HEADER, summary, to_rows

CRS = "EPSG:32649"
EAST, NORTH = 236_000.0, 2_542_000.0
START = date(2024, 9, 1)


def _square(dx: float, dy: float, side: float = 100.0) -> shapely.Polygon:
    return shapely.box(EAST + dx, NORTH + dy, EAST + dx + side, NORTH + dy + side)


def _event(kind: EventKind = EventKind.DIEBACK, **changes: object) -> Planted:
    ground = _square(0, 0)
    event = Planted(
        id=f"{kind}-1",
        kind=kind,
        name_zh="枯死",
        name_en="Dieback",
        geometry=reproject(ground, CRS, WGS84),
        ground=ground,
        start=START,
        area_ha=1.0,
        clear_days=(date(2024, 9, 6), date(2024, 9, 16), date(2024, 10, 1)),
    )
    return event.patch(**changes)


def _alert(
    name: str, ground: shapely.Polygon, first: date = date(2024, 9, 20)
) -> Alert:
    return Alert(
        id=name,
        pipeline="demo",
        hazard=Hazard.CANOPY_STRESS,
        model="rule",
        status=AlertStatus.OPEN,
        geometry=reproject(ground, CRS, WGS84),
        area_ha=1.0,
        reported_area_ha=1.0,
        probability=0.9,
        first_night=first,
        last_night=max(first, date(2024, 10, 10)),
        since=first,
        evidence=first,
        changed=first,
    )


def test_shifted_square_has_half_the_area_and_a_third_of_the_union() -> None:
    score = score_alerts(
        [_event()], [_alert("a", _square(50, 0))], watched_ha=200, crs=CRS
    )
    (event,) = score.events
    assert event.found
    assert event.recall == pytest.approx(0.5, abs=1e-3)
    assert event.iou == pytest.approx(1 / 3, abs=1e-3)
    assert event.delay_days == 19
    assert event.wait_days == 14
    assert event.clear_looks == 2
    assert event.hazards == ("canopy-stress",)
    assert score.false_alerts == ()
    assert score.recall == 1.0


def test_earliest_of_several_alerts_counts_and_their_union_is_the_area() -> None:
    alerts = [
        _alert("late", _square(0, 0, 50), date(2024, 10, 5)),
        _alert("early", _square(50, 0, 50), date(2024, 9, 10)),
        _alert("again", _square(50, 0, 50), date(2024, 9, 12)),
    ]
    (event,) = score_alerts([_event()], alerts, watched_ha=1, crs=CRS).events
    assert event.alerts == ("again", "early", "late")
    assert event.first_night == date(2024, 9, 10)
    assert event.clear_looks == 1
    assert event.recall == pytest.approx(0.5, abs=1e-3)


@pytest.mark.parametrize(("gap", "explained"), [(9.0, True), (11.0, False)])
def test_a_touch_is_ten_metres(gap: float, explained: bool) -> None:
    alert = _alert("a", _square(100 + gap, 0))
    score = score_alerts([_event()], [alert], watched_ha=50, crs=CRS)
    assert (score.false_alerts == ()) is explained
    assert score.false_per_100_ha == (0.0 if explained else 2.0)


def test_an_alert_before_the_event_is_false() -> None:
    alert = _alert("a", _square(0, 0), START - timedelta(1))
    score = score_alerts([_event()], [alert], watched_ha=100, crs=CRS)
    assert score.false_alerts == ("a",)
    (event,) = score.events
    assert not event.found
    assert event.delay_days is None
    assert event.recall == event.iou == 0.0
    assert event.clear_looks == 3


def test_drought_explains_no_canopy_alert() -> None:
    drought = _event(EventKind.DROUGHT)
    score = score_alerts(
        [drought], [_alert("a", _square(0, 0))], watched_ha=100, crs=CRS
    )
    assert score.events == ()
    assert score.false_alerts == ("a",)
    assert score.recall == 0.0


def _series(values: Sequence[float | None], flags: dict[int, Quality]) -> list[Reading]:
    start = datetime(2024, 9, 1, tzinfo=UTC)
    return [
        Reading(
            sensor="s",
            time=start + timedelta(hours=3 * n),
            variable=Variable.SOIL_MOISTURE,
            depth_m=0.1,
            value=value,
            quality=flags.get(n, Quality.GOOD),
        )
        for n, value in enumerate(values)
    ]


def _fault(flag: Quality, *steps: int) -> PlantedFault:
    start = datetime(2024, 9, 1, tzinfo=UTC)
    return PlantedFault(
        sensor="s",
        variable=Variable.SOIL_MOISTURE,
        depth_m=0.1,
        flag=flag,
        times=tuple(start + timedelta(hours=3 * n) for n in steps),
    )


def test_flags_are_counted_by_kind_and_neighbours_left_out() -> None:
    flags = {
        3: Quality.SPIKE,  # right
        4: Quality.SPIKE,  # beside it: neither right nor wrong
        7: Quality.RANGE,  # a fault, but another kind
        11: Quality.FLAT,  # nothing is wrong here
    }
    readings = _series([0.2] * 14, flags)
    scores, false_flags, good = score_faults(
        [_fault(Quality.SPIKE, 3, 7)], readings[::-1]
    )
    (score,) = scores
    assert (score.present, score.flagged, score.noticed) == (2, 1, 2)
    assert score.found
    assert false_flags == 1
    assert good == 14 - 6  # steps 2 to 4 and 6 to 8 are left out


def test_a_fault_of_another_depth_is_not_this_one() -> None:
    deeper = replace(_fault(Quality.SPIKE, 3), depth_m=0.3)
    ((score,), false_flags, _) = score_faults(
        [deeper], _series([0.2] * 6, {3: Quality.SPIKE})
    )
    assert score.present == 0
    assert not score.found
    assert false_flags == 1


def test_drought_is_seen_on_the_first_dry_day_of_good_upper_readings() -> None:
    # eight readings a day; days 0 and 1 moist, day 2 dry but flagged, day 3 dry
    values = [0.28] * 16 + [0.10] * 8 + [0.15] * 8
    flagged = dict.fromkeys(range(16, 24), Quality.RANGE)
    event = _event(EventKind.DROUGHT, end=date(2024, 9, 30))
    score = score_drought(
        event,
        _series(values, flagged),
        field_capacity=0.30,
        ndmi={
            date(2024, 8, 1): 0.9,  # more than a month before: not counted
            date(2024, 8, 20): 0.40,
            date(2024, 8, 30): 0.30,
            date(2024, 9, 15): 0.20,
            date(2024, 10, 5): 0.05,  # after its end
        },
    )
    assert score.found
    assert score.soil_first == date(2024, 9, 4)
    assert score.soil_lowest == pytest.approx(0.5)
    assert score.ndmi_fall == pytest.approx(0.15)


def test_no_readings_no_drought() -> None:
    score = score_drought(_event(EventKind.DROUGHT), [], field_capacity=0.3)
    assert not score.found
    assert score.soil_lowest is None
    assert score.ndmi_fall is None


def test_table_has_a_row_for_everything_planted() -> None:
    score = score_world(
        planted=[_event(), _event(EventKind.DROUGHT)],
        faults=[_fault(Quality.SPIKE, 3)],
        alerts=[_alert("a", _square(50, 0)), _alert("b", _square(500, 500))],
        readings=_series([0.12] * 8, {3: Quality.SPIKE}),
        watched_ha=50,
        crs=CRS,
        field_capacity=0.3,
    )
    rows = to_rows(score)
    assert {len(row) for row in rows} == {len(HEADER)}
    found = [dict(zip(HEADER, row, strict=True)) for row in rows]
    assert found[0]["planted"] == "dieback"
    assert found[0]["found"] == "canopy-stress"
    assert found[0]["area recall"] == "50%"
    assert found[0]["delay (days)"] == "19"
    assert found[1]["found"] == "soil at 40% of field capacity"
    assert found[2]["found"] == "1 of 1 readings"
    assert "1 of 1 canopy events found; 1 false objects in 50 ha" in summary(score)
    assert "2.00 per 100 ha" in summary(score)


def test_what_was_not_found_says_no() -> None:
    score = score_world(
        planted=[_event(), _event(EventKind.DROUGHT)],
        faults=[_fault(Quality.SPIKE, 3)],
        alerts=[],
        readings=[],
        watched_ha=50,
        crs=CRS,
        field_capacity=0.3,
    )
    assert [row[3] for row in to_rows(score)] == ["no", "no", "no"]
