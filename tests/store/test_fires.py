"""Fire alerts in the database: facts, clocks, verifications, and the way there."""

import sqlite3
from datetime import date, datetime, timedelta, timezone
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command
from tests.alerts.fires import START, go, make_event
from tests.store.schemas import compare_schema
from tests.store.test_findings import make_alert

from agroforest.alerts.fire import FireAlert
from agroforest.core.alert import Alert, AlertStatus, Change, Instruction
from agroforest.core.errors import DataError
from agroforest.core.fire import FireFacts, Outcome, Verification
from agroforest.core.risk import Hazard
from agroforest.store import Store, migration, open_store
from agroforest.store.database import open_database

HOUR = timedelta(hours=1)


def make_fire(name: str = "e1", **changes: object) -> tuple[Alert, FireFacts]:
    event = make_event(name).patch(**changes)
    (one,) = go([], [event]).alerts
    return one.alert, one.facts


def found(
    hours: float = 0.5, outcome: Outcome = Outcome.FOREST_FIRE, **changes: str
) -> Verification:
    return Verification(
        time=START + hours * HOUR, outcome=outcome, by=changes.pop("by", "x"), **changes
    )


def record(store: Store, *fires: tuple[Alert, FireFacts]) -> None:
    store.record_night(alerts=[a for a, _ in fires], fires=[f for _, f in fires])


# ------------------------------------------------------------------------ facts


def test_a_fire_comes_back_exactly(store: Store) -> None:
    hostile = "'); DROP TABLE alert; --<b>武鸣"
    full = make_fire(
        frp_max_mw=0.1 + 0.2,
        crop_share=1 / 3,
        township=(hostile, hostile),
        county_code="450110",
        satellites=("A", hostile),
        first=START - timedelta(microseconds=1) - HOUR,
    )
    bare = make_fire("e2", county=("", ""), satellites=())
    record(store, full, bare)
    assert store.fire_alerts("p") == sorted([full, bare], key=lambda f: f[0].id)
    assert store.alerts("p") == [a for a, _ in store.fire_alerts("p")]


def test_a_text_that_no_database_holds_does_not_stop_a_night(store: Store) -> None:
    record(store, make_fire(county=("a\0b", "")))
    assert store.fire_alerts("p")[0][1].event.county == ("ab", "")


def test_fires_are_chosen_by_pipeline_status_and_age(store: Store) -> None:
    alert, facts = make_fire()
    old, old_facts = make_fire("e2")
    old = old.patch(status=AlertStatus.CLOSED, last_night=date(2024, 1, 5))
    record(store, (alert, facts), (old, old_facts))
    store.record_night(alerts=[make_alert("canopy", pipeline="p")])
    assert store.fire_alerts("q") == []
    assert store.fire_alerts("p", statuses=[AlertStatus.OPEN]) == [(alert, facts)]
    assert store.fire_alerts("p", statuses=()) == []
    assert len(store.fire_alerts("p", since=date(2024, 1, 5))) == 2
    assert store.fire_alerts("p", since=date(2024, 1, 6)) == [(alert, facts)]
    living = alert.patch(status=AlertStatus.RELEASED, last_night=date(2024, 1, 1))
    record(store, (living, facts))
    assert store.fire_alerts("p", since=date(2024, 1, 6)) == [(living, facts)]
    fires = store.alerts("p", hazards=[Hazard.ACTIVE_FIRE])
    assert {a.id for a in fires} == {alert.id, old.id}
    assert [a.id for a in store.alerts("p", hazards=[Hazard.CANOPY_STRESS])] == [
        "canopy"
    ]


def test_alerts_fires_and_changes_are_saved_together_or_not_at_all(
    store: Store,
) -> None:
    alert, facts = make_fire()
    lost = Instruction(
        alert="nobody", night=START.date(), change=Change.NEW, area_ha=1.0
    )
    with pytest.raises(sa.exc.IntegrityError):
        store.record_night(alerts=[alert], fires=[facts], instructions=[lost])
    assert store.alerts("p") == []
    with pytest.raises(sa.exc.IntegrityError):
        store.record_night(fires=[facts])  # facts of no alert
    assert store.fire_alerts("p") == []


# ----------------------------------------------------------------- verifications


def test_what_was_found_is_kept_once_and_survives_the_next_night(store: Store) -> None:
    alert, facts = make_fire()
    record(store, (alert, facts))
    word = found(note="山脚\n有烟 <script>")
    assert store.verify(alert.id, word) is True
    assert store.verify(alert.id, word) is False
    assert store.verify(alert.id, found(note="another text")) is False
    record(store, (alert, facts))  # a night that had begun before
    assert store.fire_alerts("p") == [(alert, facts.patch(verification=word))]
    record(store, *store.fire_alerts("p"))
    assert store.fire_alerts("p") == [(alert, facts.patch(verification=word))]


def test_the_newest_word_counts_and_of_one_time_the_last(store: Store) -> None:
    alert, facts = make_fire()
    record(store, (alert, facts))

    def counts() -> Verification | None:
        return store.fire_alerts("p")[0][1].verification

    late = found(2, Outcome.NOTHING)
    assert store.verify(alert.id, late)
    assert store.verify(alert.id, found(1))
    assert counts() == late
    corrected = found(2, Outcome.CROP_BURNING)
    assert store.verify(alert.id, corrected)
    assert counts() == corrected


def test_the_same_instant_in_another_zone_is_the_same_word(store: Store) -> None:
    alert, facts = make_fire()
    record(store, (alert, facts))
    word = found()
    local = Verification(
        time=word.time.astimezone(timezone(8 * HOUR)), outcome=word.outcome, by=word.by
    )
    assert store.verify(alert.id, local)
    assert not store.verify(alert.id, word)


def test_a_clock_started_anew_is_not_stopped_by_an_old_word(store: Store) -> None:
    alert, facts = make_fire()
    record(store, (alert, facts))
    store.verify(alert.id, found())
    anew = facts.patch(raised=START + 40 * HOUR, verify_by=START + 41 * HOUR)
    record(store, (alert, anew))
    assert store.fire_alerts("p") == [(alert, anew)]
    word = found(40.5, Outcome.NOTHING)
    store.verify(alert.id, word)
    assert store.fire_alerts("p") == [(alert, anew.patch(verification=word))]


def test_an_alert_nobody_knows_cannot_be_verified(store: Store) -> None:
    store.record_night(alerts=[make_alert("canopy")])
    for name in ("nobody", "canopy", "' OR 1=1 --"):
        with pytest.raises(DataError, match="no fire alert on record"):
            store.verify(name, found())


def test_a_story_told_through_the_database_is_the_same_story(store: Store) -> None:
    """The step and the store agree about clocks: nights with words between them."""
    events = [make_event(last=-1), make_event(last=3), make_event(last=60, looks=3)]
    words = [Outcome.NOTHING, Outcome.FOREST_FIRE, None]
    kept: list[FireAlert] = []
    for hours, event, word in zip((0, 4, 61), events, words, strict=True):
        after = go(kept, [event], hours)
        store.record_night(
            alerts=[a.alert for a in after.alerts],
            fires=[a.facts for a in after.alerts],
            instructions=after.instructions,
        )
        kept = list(after.alerts)
        if word is not None:
            said = found(hours + 0.5, word)
            store.verify(kept[0].alert.id, said)
            kept = [
                FireAlert(alert=a.alert, facts=a.facts.patch(verification=said))
                for a in kept
            ]
        assert store.fire_alerts("p") == [(a.alert, a.facts) for a in kept]
    changes = [i.change for i in store.instructions("p")]
    assert changes == [Change.NEW, Change.REOPENED]


# --------------------------------------------------------------------- migration

_OLD_ALERT = """
INSERT INTO alert (id, pipeline, hazard, model, status, geometry, west, south, east,
  north, area_ha, reported_area_ha, probability, first_night, last_night, since,
  evidence, changed, places)
VALUES ('a1', 'gx', 'canopy-loss', '规则', 'open', :shape, 108, 22, 108.1, 22.3, 1.5,
  1.25, 0.75, '2020-06-01', '2020-06-02', '2020-05-02', '2020-05-30', '2020-06-01',
  '["小班-7"]')
"""
_OLD_CHANGE = """
INSERT INTO alert_change ("key", alert, night, change, area_ha, "into")
VALUES ('a1:2020-06-01:new', 'a1', '2020-06-01', 'new', 1.5, NULL)
"""
_OLD_READINGS = (
    "INSERT INTO sensor VALUES ('s1', '甘蔗地 3', 108, NULL, NULL, false)",
    "INSERT INTO series VALUES (7, 's1', 'soil_moisture', 0.1)",
    "INSERT INTO reading VALUES (7, 1590000000000000, 31.5, 0)",
)


def _fill_first_release(engine: sa.Engine) -> Alert:
    """Lay a database of revision 0001 out, with something in it."""
    expected = make_alert(
        "a1",
        hazard=Hazard.CANOPY_LOSS,
        model="规则",
        reported_area_ha=1.25,
        last_night=date(2020, 6, 2),
        places=("小班-7",),
    )
    with engine.begin() as connection:
        if engine.dialect.name == "sqlite":
            connection.exec_driver_sql("PRAGMA foreign_keys = ON")
        command.upgrade(migration.configure(connection), "0001")
        connection.execute(sa.text(_OLD_ALERT), {"shape": expected.geometry.wkb})
        for statement in (_OLD_CHANGE, *_OLD_READINGS):
            connection.execute(sa.text(statement))
    engine.dispose()
    return expected


def _expect_first_release(store: Store, expected: Alert) -> None:
    assert store.alerts("gx") == [expected]
    assert [i.key for i in store.instructions("gx")] == ["a1:2020-06-01:new"]
    assert [s.name for s in store.sensors()] == ["甘蔗地 3"]
    day = datetime(2020, 1, 1, tzinfo=START.tzinfo)
    readings = store.readings(["s1"], day, day + timedelta(days=366))
    assert [r.value for r in readings] == [31.5]


def test_a_database_of_the_first_release_keeps_everything(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    expected = _fill_first_release(sa.create_engine(f"sqlite:///{path}"))
    with open_store(path) as store:
        _expect_first_release(store, expected)
        record(store, make_fire())
        store.verify(make_fire()[0].id, found())
    opened = open_database(path)
    with opened.reading() as connection:
        assert compare_schema(connection) == []
    with opened.writing() as connection:
        migration.downgrade(connection, "0001")
    opened.close()
    with open_store(path) as store:
        _expect_first_release(store, expected)
        assert store.fire_alerts("p") == []
        assert store.alerts("p") == []  # an older schema cannot hold them


def test_an_upgrade_cut_short_leaves_the_first_release(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.db"
    expected = _fill_first_release(sa.create_engine(f"sqlite:///{path}"))

    def fail(*_: object) -> None:
        raise RuntimeError("power cut")

    monkeypatch.setattr(
        "alembic.runtime.migration.HeadMaintainer._update_version", fail
    )
    with pytest.raises(RuntimeError, match="power cut"):
        open_store(path)
    monkeypatch.undo()
    connection = sqlite3.connect(path)
    assert connection.execute("SELECT * FROM agroforest_schema").fetchall() == [
        ("0001",)
    ]
    assert connection.execute("SELECT probability FROM alert").fetchall() == [(0.75,)]
    connection.close()
    with open_store(path) as store:
        _expect_first_release(store, expected)


# -------------------------------------------------------------------- PostgreSQL


def test_postgresql_keeps_what_sqlite_keeps(postgresql: str) -> None:
    engine = sa.create_engine(postgresql.replace("postgresql:", "postgresql+psycopg:"))
    expected = _fill_first_release(engine)
    with open_store(postgresql) as store:
        _expect_first_release(store, expected)
        test_a_fire_comes_back_exactly(store)
        test_a_text_that_no_database_holds_does_not_stop_a_night(store)
    with open_store(postgresql) as store:
        alert, facts = make_fire("pg")
        record(store, (alert, facts))
        assert store.verify(alert.id, found(note="山脚"))
        assert not store.verify(alert.id, found())
        assert store.verify(alert.id, found(outcome=Outcome.NOTHING))
        kept = {a.id: f for a, f in store.fire_alerts("p")}
        assert kept[alert.id].verification == found(outcome=Outcome.NOTHING)
    opened = open_database(postgresql)
    with opened.writing() as connection:
        assert compare_schema(connection) == []
        migration.downgrade(connection, "0001")
    opened.close()
    with open_store(postgresql) as store:
        _expect_first_release(store, expected)
