"""Databases from before the desk: what nights found is all there to be followed."""

from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command
from tests.store.desks import opened
from tests.store.test_findings import NIGHT, make_alert
from tests.store.test_fires import make_fire

from agroforest.core.alert import Alert, Change, Instruction
from agroforest.store import Store, findings, fires, migration, open_store
from agroforest.store.database import open_database
from agroforest.store.schema import alert_change

NIGHTS = 7


def tell() -> tuple[list[Alert], list[Instruction]]:
    """Alerts of a week; each night one is new, and the one before has grown."""
    nights = [NIGHT + timedelta(days=number) for number in range(NIGHTS)]
    alerts = [make_alert(f"a{n}", first_night=day) for n, day in enumerate(nights)]
    changes = []
    for number, alert in enumerate(alerts):
        for days, change in ((0, Change.NEW), (1, Change.GROWN)):
            night = NIGHT + timedelta(days=number + days)
            changes.append(
                Instruction(alert=alert.id, night=night, change=change, area_ha=1.5)
            )
    return alerts, changes


def fill_before_desk(url: str) -> list[Instruction]:
    """Lay a database of revision 0004 out, with alerts, changes and a fire in it."""
    alerts, changes = tell()
    fire, facts = make_fire()
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        command.upgrade(migration.configure(connection), "0004")
        findings.write_alerts(connection, [*alerts, fire])
        fires.write_fires(connection, [facts])
        for each in changes:
            values = {
                "key": each.key,
                "alert": each.alert,
                "night": each.night,
                "change": str(each.change),
                "area_ha": each.area_ha,
            }
            connection.execute(sa.insert(alert_change).values(**values))
    engine.dispose()
    return changes


def expect_all(store: Store, changes: list[Instruction]) -> None:
    def order(each: Instruction) -> tuple[object, ...]:
        return each.night, each.change != Change.NEW, each.alert

    found = store.desk.unfollowed(99)
    assert [i for i, _, _ in found] == sorted(changes, key=order)
    assert [alert.id for _, alert, _ in found] == [i.alert for i, _, _ in found]
    assert store.desk.unfollowed(3) == found[:3]
    for each, alert, _ in found:
        if each.change == Change.NEW:
            store.desk.record(opened(alert))
    assert store.desk.unfollowed(99) == [f for f in found if f[0].change != Change.NEW]


def _take_desk_away(url: str | Path) -> None:
    database = open_database(url)
    with database.writing() as connection:
        migration.downgrade(connection, "0004")
    database.close()


def test_a_database_from_before_the_desk_is_followed(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    changes = fill_before_desk(f"sqlite:///{path}")
    with open_store(path) as store:
        expect_all(store, changes)
        alert, facts = make_fire()
        assert store.fire_alerts("p") == [(alert, facts)]
    _take_desk_away(path)
    with open_store(path) as store:
        assert len(store.desk.unfollowed(99)) == len(changes)
        assert store.desk.tally() == {}


def test_postgresql_from_before_the_desk_is_followed(postgresql: str) -> None:
    url = postgresql.replace("postgresql:", "postgresql+psycopg:")
    changes = fill_before_desk(url)
    with open_store(postgresql) as store:
        expect_all(store, changes)
    _take_desk_away(postgresql)
    with open_store(postgresql) as store:
        assert len(store.desk.unfollowed(99)) == len(changes)


def test_facts_of_a_fire_come_with_its_change(desk_store: Store) -> None:
    alert, facts = make_fire()
    new = Instruction(
        alert=alert.id, night=alert.first_night, change=Change.NEW, area_ha=1.0
    )
    desk_store.record_night(alerts=[alert], fires=[facts], instructions=[new])
    assert desk_store.desk.unfollowed(9) == [(new, alert, facts)]


@pytest.mark.parametrize("reads", [1, 20])
def test_who_reads_for_long_stops_nobody(desk_store: Store, reads: int) -> None:
    alerts, changes = tell()
    desk_store.record_night(alerts=alerts, instructions=changes)
    with desk_store._database.reading() as reader:
        counted = sa.select(sa.func.count()).select_from(alert_change)
        before = reader.execute(counted).scalar_one()
        for alert in alerts[:reads]:
            desk_store.desk.record(opened(alert))
        late = Instruction(alert="a0", night=NIGHT, change=Change.CLOSED, area_ha=1.0)
        desk_store.record_night(instructions=[late])
        after = reader.execute(counted).scalar_one()
        if reader.dialect.name == "sqlite":  # there a transaction is a snapshot
            assert after == before
    left = len(changes) + 1 - min(reads, NIGHTS)
    assert len(desk_store.desk.unfollowed(99)) == left
