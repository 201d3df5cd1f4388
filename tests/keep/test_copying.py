"""Copies of a database between files and servers."""

import sqlite3
import threading
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.keep.conftest import NOW, SILENCE, Place
from tests.store.desks import make_account, make_case, make_deed, make_step
from tests.store.test_findings import make_alert

from agroforest.core.errors import ConfigurationError
from agroforest.core.queue import CaseQuery, DeskChanges
from agroforest.core.reading import Reading, Sensor, Variable
from agroforest.keep.backup import Source, write_backup
from agroforest.keep.restore import restore
from agroforest.store import Store, open_store
from agroforest.store.copying import copy_to_file, fill_from_file
from agroforest.store.database import open_database
from agroforest.store.schema import metadata

_ALERT = make_alert("a1")
_ORPHANS = "SELECT count(*) FROM review_case WHERE alert NOT IN (SELECT id FROM alert)"
_SERVER = pytest.mark.enable_socket


def fill(store: Store) -> None:
    """Rows of every kind that has something odd: JSON, geometry, counters, digests."""
    store.record_night(alerts=[_ALERT])
    case = make_case(_ALERT)
    store.desk.add_account(make_account("wei"), "argon2-hash")
    store.desk.record(
        DeskChanges(
            cases=(case,),
            steps=(make_step(case.id),),
            deeds=(make_deed("a1", before={"甲": [1, 2.5, None]}), make_deed("a2")),
        )
    )
    store.add_sensors([Sensor(id="s1", name="甘蔗地 3", longitude=108.0)])
    store.add_readings(
        Reading(
            sensor="s1",
            time=datetime(2024, 1, 1, tzinfo=UTC) + timedelta(minutes=n),
            variable=Variable.BATTERY,
            depth_m=None,
            value=3.0 + n / 3,
        )
        for n in range(5000)
    )


def contents(url: str | Path) -> dict[str, list[dict[str, object]]]:
    with closing(open_database(url)) as database, database.snapshot() as connection:
        return {
            table.name: [
                dict(row)
                for row in connection.execute(
                    table.select().order_by(*table.primary_key.columns)
                ).mappings()
            ]
            for table in metadata.sorted_tables
        }


@_SERVER
def test_a_server_and_back_again(postgresql: str, tmp_path: Path) -> None:
    with open_store(tmp_path / "a.db") as store:
        fill(store)
    fill_from_file(tmp_path / "a.db", postgresql)
    known = contents(tmp_path / "a.db")
    assert len(known["reading"]) == 5000
    assert contents(postgresql) == known
    copy_to_file(postgresql, tmp_path / "b.db")
    assert contents(tmp_path / "b.db") == known
    with open_store(postgresql) as store:
        # digests of the audit hold, boxes are found, and numbers go on
        assert store.desk.check_audit() == 2
        assert store.desk.queue(CaseQuery()).rows
        other = make_alert("a2")
        store.record_night(alerts=[other])
        store.desk.record(
            DeskChanges(cases=(make_case(other),), steps=(make_step("a2"),))
        )
        assert len(contents(postgresql)["review_case"]) == 2


@_SERVER
def test_a_backup_moves_from_a_file_to_a_server(
    postgresql: str, place: Place, tmp_path: Path
) -> None:
    write_backup(place.source, tmp_path / "b.tar.zst", now=NOW, progress=SILENCE)
    done = restore(
        tmp_path / "b.tar.zst",
        tmp_path / "again",
        database=postgresql,
        now=NOW,
        progress=SILENCE,
    )
    assert not (done.work / "agroforest.db").exists()
    assert contents(postgresql) == contents(place.database)
    # and back, with what was reviewed there
    source = Source(work=done.work, database=postgresql)
    write_backup(source, tmp_path / "c.tar.zst", now=NOW, progress=SILENCE)
    back = restore(
        tmp_path / "c.tar.zst", tmp_path / "third", now=NOW, progress=SILENCE
    )
    assert contents(back.work / "agroforest.db") == contents(place.database)


@_SERVER
def test_a_server_with_rows_is_refused_and_nothing_is_restored(
    postgresql: str, place: Place, tmp_path: Path
) -> None:
    write_backup(place.source, tmp_path / "b.tar.zst", now=NOW, progress=SILENCE)
    with open_store(postgresql) as store:
        store.add_sensors([Sensor(id="other", name="x")])
    with pytest.raises(ConfigurationError, match="has rows already"):
        restore(
            tmp_path / "b.tar.zst",
            tmp_path / "again",
            database=postgresql,
            now=NOW,
            progress=SILENCE,
        )
    assert not (tmp_path / "again").exists()
    assert [r["id"] for r in contents(postgresql)["sensor"]] == ["other"]


@_SERVER
def test_a_copy_of_a_server_sees_one_moment(postgresql: str, tmp_path: Path) -> None:
    """Whoever writes meanwhile is in the copy with all of it or with nothing."""
    check_one_moment(postgresql, tmp_path)


def test_a_copy_of_a_file_sees_one_moment(tmp_path: Path) -> None:
    check_one_moment(tmp_path / "a.db", tmp_path)


def check_one_moment(url: str | Path, tmp_path: Path) -> None:
    stop = threading.Event()

    def write() -> None:
        with open_store(url) as store:
            number = 0
            while not stop.is_set():
                number += 1
                alert = make_alert(f"w{number}")
                store.record_night(alerts=[alert])
                store.desk.record(
                    DeskChanges(
                        cases=(make_case(alert),),
                        steps=(make_step(alert.id),),
                        deeds=(make_deed(alert.id),),
                    )
                )

    open_store(url).close()
    writer = threading.Thread(target=write)
    writer.start()
    try:
        for number in range(6):
            copy = tmp_path / f"copy{number}.db"
            copy_to_file(url, copy)
            with closing(sqlite3.connect(copy)) as found:
                cases, deeds, orphans = (
                    found.execute(query).fetchone()[0]
                    for query in (
                        "SELECT count(*) FROM review_case",
                        "SELECT count(*) FROM deed",
                        _ORPHANS,
                    )
                )
                assert cases == deeds
                assert orphans == 0
            with open_store(copy) as store:
                assert store.desk.check_audit() == deeds
    finally:
        stop.set()
        writer.join()


def test_a_copy_is_one_file(tmp_path: Path) -> None:
    with open_store(tmp_path / "a.db") as store:
        fill(store)
        (tmp_path / "out").mkdir()
        copy_to_file(tmp_path / "a.db", tmp_path / "out" / "b.db")
    assert [p.name for p in (tmp_path / "out").iterdir()] == ["b.db"]
    assert contents(tmp_path / "out" / "b.db") == contents(tmp_path / "a.db")


def test_a_copy_keeps_an_older_schema(place: Place, tmp_path: Path) -> None:
    with sqlite3.connect(place.database) as database:
        database.execute("UPDATE agroforest_schema SET version_num = '0006'")
    copy_to_file(place.database, tmp_path / "b.db")
    with sqlite3.connect(tmp_path / "b.db") as copy:
        row = copy.execute("SELECT version_num FROM agroforest_schema").fetchone()
    assert row == ("0006",)
