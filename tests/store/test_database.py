"""Opening, upgrading and sharing the database."""

import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import date
from pathlib import Path

import psycopg
import pytest
from tests.store.schemas import compare_schema

from agroforest.core.errors import ConfigurationError, SourceError
from agroforest.core.queue import CaseQuery
from agroforest.store import QuarantineRecord, database, migration, open_store
from agroforest.store.database import open_database
from agroforest.store.schema import HEAD, VERSION_TABLE, metadata

pytestmark = pytest.mark.usefixtures("every_migration")
NIGHT = date(2020, 6, 1)
_ASIDE = QuarantineRecord(
    pipeline="gx", night=NIGHT, where="x", problem="y", remedy="z"
)


_OPEN = "from agroforest.store import open_store\nstore = open_store({path!r})\n"


def _run(program: str) -> subprocess.Popen[str]:
    return subprocess.Popen(  # noqa: S603  our own text
        [sys.executable, "-c", program], stdout=subprocess.PIPE, text=True
    )


def _tables(path: Path) -> set[str]:
    connection = sqlite3.connect(path)
    names = {r[0] for r in connection.execute("SELECT name FROM sqlite_master")}
    connection.close()
    return names


def test_head_is_the_newest_script() -> None:
    scripts = migration.scripts(migration.configure())
    assert scripts.get_current_head() == HEAD


def test_tables_are_those_of_the_migrations(tmp_path: Path) -> None:
    opened = database.open_database(tmp_path / "a.db")
    with opened.reading() as connection:
        assert compare_schema(connection) == []
        assert metadata.tables.keys() <= _tables(tmp_path / "a.db")
    opened.close()


def test_downgrade_leaves_nothing_and_upgrade_restores(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    opened = database.open_database(path)
    whole = _tables(path)
    with opened.writing() as connection:
        migration.downgrade(connection, "base")
    opened.close()
    assert _tables(path) == {VERSION_TABLE, f"sqlite_autoindex_{VERSION_TABLE}_1"}
    open_store(path).close()
    assert _tables(path) == whole


def test_failed_upgrade_leaves_the_file_empty(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("power cut")

    monkeypatch.setattr(
        "alembic.runtime.migration.HeadMaintainer._insert_version", fail
    )
    with pytest.raises(RuntimeError, match="power cut"):
        open_store(tmp_path / "a.db")
    monkeypatch.undo()
    assert _tables(tmp_path / "a.db") == set()
    open_store(tmp_path / "a.db").close()


def test_sqlite_is_told_to_be_safe(tmp_path: Path) -> None:
    opened = database.open_database(tmp_path / "a.db")
    with opened.reading() as connection:
        values = [
            connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "foreign_keys", "busy_timeout", "synchronous")
        ]
    opened.close()
    assert values == ["wal", 1, database.BUSY_TIMEOUT_MS, 2]


def test_opening_at_head_needs_no_alembic(tmp_path: Path) -> None:
    path = str(tmp_path / "a.db")
    open_store(path).close()
    child = _run(
        _OPEN.format(path=path) + "import sys\nprint('alembic' in sys.modules)"
    )
    assert child.communicate(timeout=60)[0] == "False\n"


def test_newer_schema_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    open_store(path).close()
    connection = sqlite3.connect(path)
    connection.execute("UPDATE agroforest_schema SET version_num = '9999'")
    connection.commit()
    connection.close()
    with pytest.raises(ConfigurationError, match=r"a\.db: has schema '9999', newer"):
        open_store(path)


def test_file_of_another_kind_is_refused_and_untouched(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    content = b"time,value\n" + b"2020-01-01,1\n" * 999
    path.write_bytes(content)
    with pytest.raises(ConfigurationError, match=r"a\.db: is not a sound database"):
        open_store(path)
    assert path.read_bytes() == content


def test_damaged_page_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    open_store(path).close()
    content = bytearray(path.read_bytes())
    content[4096:] = b"\xff" * (len(content) - 4096)
    content[100:4096] = b"\x00" * 3996
    path.write_bytes(content)
    with pytest.raises(ConfigurationError, match=r"a\.db: is not a sound database"):
        open_store(path)


def test_database_of_another_program_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE gpkg_contents (x)")
    connection.commit()
    connection.close()
    with pytest.raises(ConfigurationError, match="database of another program"):
        open_store(path)
    assert _tables(path) == {"gpkg_contents"}


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("mysql://u:secret@h/d", r"mysql://u:\*\*\*@h/d: mysql databases are not"),
        ("sqlite://", "sqlite://: names no file"),
        ("postgresql://u:secret@h:port/d", "database URL: cannot be read"),
    ],
)
def test_url_is_checked_and_hides_its_password(url: str, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message) as caught:
        open_store(url)
    assert "secret" not in str(caught.value)


def test_folder_is_no_database(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="is a folder"):
        open_store(tmp_path)
    (tmp_path / "file").touch()
    with pytest.raises(ConfigurationError, match="its folder cannot be made"):
        open_store(tmp_path / "file" / "a.db")


def test_path_with_odd_characters(tmp_path: Path) -> None:
    path = tmp_path / "100% 田?x=1#y" / "农林.db"
    open_store(str(path)).close()
    assert path.is_file()


def test_url_and_path_open_the_same_file(tmp_path: Path) -> None:
    with open_store(f"sqlite:///{tmp_path}/a.db") as store:
        store.record_night(quarantined=[_ASIDE])
    with open_store(tmp_path / "a.db") as store:
        assert len(store.quarantined("gx")) == 1


def test_lock_held_too_long_is_a_source_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "BUSY_TIMEOUT_MS", 50)
    with open_store(tmp_path / "a.db") as store:
        other = sqlite3.connect(tmp_path / "a.db", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(SourceError, match=r"a\.db: .*database is locked"):
            store.record_night(quarantined=[_ASIDE])
        assert store.quarantined("gx") == []  # readers never wait
        other.execute("ROLLBACK")
        other.close()
        store.record_night(quarantined=[_ASIDE])


def test_connections_that_the_server_closed_are_opened_anew(postgresql: str) -> None:
    with open_store(postgresql) as store:
        with store.reading(), store.reading():  # two are kept
            pass
        with psycopg.connect(postgresql) as other:
            ended = other.execute(
                "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            ).fetchall()
        assert ended == [(True,), (True,)]
        assert store.desk.queue(CaseQuery()).rows == ()
        with store.reading(), store.reading():
            assert store.quarantined("gx") == []


@pytest.mark.parametrize(("asked", "idle"), [("", "60"), ("keepalives_idle=7", "7")])
def test_a_dead_line_is_noticed(postgresql: str, asked: str, idle: str) -> None:
    url = f"{postgresql}{'&' if '?' in postgresql else '?'}{asked}"
    with closing(open_database(url)) as opened, opened.reading() as connection:
        line = connection.connection.driver_connection
        assert isinstance(line, psycopg.Connection)
        told = line.info.get_parameters()
    assert told["keepalives_idle"] == idle
    assert told["keepalives_count"] == "4"


def test_an_error_under_a_page_of_the_queue_is_ours(tmp_path: Path) -> None:
    with open_store(tmp_path / "a.db") as store:
        with sqlite3.connect(tmp_path / "a.db") as other:
            other.execute("ALTER TABLE case_tally RENAME TO elsewhere")
        other.close()
        with pytest.raises(SourceError, match="no such table"):
            store.desk.queue(CaseQuery())


def test_two_processes_write_at_once(tmp_path: Path) -> None:
    path = str(tmp_path / "a.db")
    program = (
        _OPEN.format(path=path)
        + """
from datetime import UTC, datetime, timedelta
from agroforest.core.reading import Reading, Sensor, Variable
start = datetime(2020, 1, 1, tzinfo=UTC)
store.add_sensors([Sensor(id="s", name="s")])
added = 0
for batch in range(40):
    added += store.add_readings(
        Reading(sensor="s", time=start + timedelta(minutes=50 * batch + m),
                variable=Variable.BATTERY, depth_m=None, value=3.6)
        for m in range(50)).added
print(added)
"""
    )
    children = [_run(program) for _ in range(3)]
    added = [int(child.communicate(timeout=100)[0]) for child in children]
    assert [child.returncode for child in children] == [0, 0, 0]
    assert sum(added) == 2000
