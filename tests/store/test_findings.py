"""Alerts and their changes."""

from datetime import date, timedelta

import pytest
import shapely

from agroforest.core.alert import Alert, AlertStatus, Change, Instruction
from agroforest.core.risk import Hazard
from agroforest.store import Store

NIGHT = date(2020, 6, 1)


def make_alert(name: str = "a1", **changes: object) -> Alert:
    alert = Alert(
        id=name,
        pipeline="gx",
        hazard=Hazard.CANOPY_STRESS,
        model="rule-based: fordead three dates",
        status=AlertStatus.OPEN,
        geometry=shapely.Polygon([(108, 22), (108.1, 22), (108.05, 22.3)]),
        area_ha=1.5,
        reported_area_ha=1.5,
        probability=0.75,
        first_night=NIGHT,
        last_night=NIGHT,
        since=date(2020, 5, 2),
        evidence=date(2020, 5, 30),
        changed=NIGHT,
        places=("小班-7", "小班-8"),
    )
    return alert.patch(**changes)


def _instruction(alert: str = "a1", **changes: object) -> Instruction:
    values: dict[str, object] = {
        "alert": alert,
        "night": NIGHT,
        "change": Change.NEW,
        "area_ha": 1.5,
    }
    return Instruction(**values | changes)  # type: ignore[arg-type]


def test_alert_comes_back_exactly(store: Store) -> None:
    hole = shapely.Polygon(
        shapely.box(108, 22, 109, 23).exterior,
        [shapely.box(108.1 / 3 + 72.3, 22.3, 108.7, 22.7).exterior],
    )
    alert = make_alert(geometry=shapely.MultiPolygon([hole]), probability=0.1 + 0.2)
    store.record_night(alerts=[alert])
    [found] = store.alerts("gx")
    assert found == alert
    assert shapely.to_wkb(found.geometry) == shapely.to_wkb(alert.geometry)


def test_same_night_twice_adds_nothing(store: Store) -> None:
    alert, instruction = make_alert(), _instruction()
    assert store.record_night(alerts=[alert], instructions=[instruction]) == 1
    assert (
        store.record_night(alerts=[alert], instructions=[instruction, instruction]) == 0
    )
    assert store.alerts("gx") == [alert]
    assert store.instructions("gx") == [instruction]


def test_alert_is_followed(store: Store) -> None:
    store.record_night(alerts=[make_alert("b"), make_alert("a")])
    later = NIGHT + timedelta(days=5)
    store.record_night(
        alerts=[make_alert("b", status=AlertStatus.RELEASED, changed=later)],
        instructions=[_instruction("b", night=later, change=Change.RELEASED)],
    )
    assert [a.id for a in store.alerts("gx")] == ["a", "b"]
    assert [a.id for a in store.alerts("gx", statuses={AlertStatus.OPEN})] == ["a"]
    assert store.alerts("gx", statuses=()) == []
    assert store.alerts("other") == []
    assert [i.alert for i in store.instructions("gx", later)] == ["b"]
    assert store.instructions("gx", date(2019, 1, 1)) == []
    assert store.instructions("other") == []


def test_alerts_and_changes_are_saved_together_or_not_at_all(store: Store) -> None:
    with pytest.raises(Exception, match="FOREIGN KEY"):
        store.record_night(alerts=[make_alert()], instructions=[_instruction("nobody")])
    assert store.alerts("gx") == []
