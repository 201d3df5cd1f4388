"""What older releases left behind: it opens, is upgraded, and survives a kill."""

import logging
import os
import signal
import sqlite3
import tarfile
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
import sqlalchemy as sa
from tests.store.releases import OLD, REVISIONS, count_rows, place_release
from tests.store.schemas import compare_schema

from agroforest.core.errors import ConfigurationError, DataError, SourceError
from agroforest.core.queue import CaseQuery
from agroforest.store import database, migration, open_store
from agroforest.store.reader import open_state
from agroforest.store.schema import HEAD
from agroforest.store.state import StateUpdate, load_state
from agroforest.testing.reliability import record


def read_revision(path: Path) -> str:
    with closing(sqlite3.connect(path)) as opened:
        (found,) = opened.execute("SELECT version_num FROM agroforest_schema")
        return str(found[0])


def read_all(path: Path) -> list[str]:
    """Everything a file says, as statements; without SQLite's look-ups."""
    with closing(sqlite3.connect(path)) as opened:
        names = opened.execute(
            "SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY 1"
        ).fetchall()
        rows = [
            f"{name}: {row}"
            for name, sql in names
            if sql.startswith("CREATE TABLE") and not name.startswith("case_box")
            for row in opened.execute(f'SELECT * FROM "{name}"')  # noqa: S608
        ]
        return [*(f"{name}: {sql}" for name, sql in names), *rows]


def test_every_older_schema_is_here() -> None:
    scripts = migration.scripts(migration.configure()).walk_revisions()
    assert set(REVISIONS) == {s.revision for s in scripts} - {HEAD}


@pytest.mark.parametrize("revision", REVISIONS)
def test_an_older_release_opens_with_all_its_rows(
    revision: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = place_release(revision, tmp_path / "agroforest.db")
    before = count_rows(path)
    assert read_revision(path) == revision
    with open_store(path) as store:
        [task] = store.tasks("gx")
        assert task.scenes == ("s1", "s2")
        assert len(store.alerts("gx")) == 1
        readings = store.readings(
            ["s1"], datetime(2024, 11, 1, tzinfo=UTC), datetime(2024, 11, 2, tzinfo=UTC)
        )
        assert [r.value for r in readings] == [3.0 + n / 100 for n in range(24)]
        assert store.desk.check_audit() == before.get("deed", 0)
        found = store.desk.queue(CaseQuery()).rows
        assert len(found) == before.get("review_case", 0)
    after = count_rows(path)
    assert {name: after[name] for name in before} == before
    assert read_revision(path) == HEAD
    opened = database.open_database(path)
    with opened.reading() as connection:
        assert compare_schema(connection) == []
    opened.close()
    # and the file as it was is kept, and said to be
    copy = tmp_path / f"agroforest.db.before-{HEAD}"
    assert read_revision(copy) == revision
    assert count_rows(copy) == before
    assert copy.name in caplog.text


def test_a_database_of_today_leaves_no_copy(tmp_path: Path) -> None:
    open_store(tmp_path / "agroforest.db").close()
    open_store(tmp_path / "agroforest.db").close()
    assert [p.name for p in tmp_path.iterdir()] == ["agroforest.db"]


def test_a_newer_schema_is_refused_and_not_copied(tmp_path: Path) -> None:
    path = place_release("0006", tmp_path / "agroforest.db")
    with closing(sqlite3.connect(path)) as opened, opened:
        opened.execute("UPDATE agroforest_schema SET version_num = '9999'")
    with pytest.raises(ConfigurationError, match=r"schema '9999', newer") as caught:
        open_store(path)
    assert "\n" not in str(caught.value)
    assert not list(tmp_path.glob("*.before-*"))


def test_without_room_for_the_copy_nothing_is_upgraded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(file: Path, _path: Path) -> None:
        raise SourceError(file, "could not be copied (disk full)", "make room")

    path = place_release("0006", tmp_path / "agroforest.db")
    monkeypatch.setattr(migration, "copy_file", fail)
    with pytest.raises(SourceError, match="disk full"):
        open_store(path)
    assert read_revision(path) == "0006"


@pytest.fixture
def quiet(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    with caplog.at_level(logging.ERROR):
        yield


def upgrade_until(path: Path, kill_at: int) -> int:
    """Open a file in a child that is killed (-9) before its n-th statement."""
    child = os.fork()
    if child == 0:
        seen = [0]

        def count(*_: object) -> None:
            seen[0] += 1
            if seen[0] == kill_at:
                os.kill(os.getpid(), signal.SIGKILL)

        try:
            sa.event.listen(sa.engine.Engine, "before_cursor_execute", count)
            open_store(path).close()
        finally:
            os._exit(0)
    _, status = os.waitpid(child, 0)
    return -os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)


@pytest.mark.slow
@pytest.mark.usefixtures("quiet")
@pytest.mark.parametrize("revision", ["0001", "0006"])
def test_an_upgrade_that_is_killed_leaves_the_old_file_whole(
    revision: str, tmp_path: Path
) -> None:
    """SQLite's DDL is transactional, because we say BEGIN ourselves."""
    path = place_release(revision, tmp_path / "agroforest.db")
    open_store(place_release(revision, tmp_path / "clean.db")).close()
    old, new = read_all(path), read_all(tmp_path / "clean.db")
    tried = survived = 0
    kill_at = 1
    while True:
        place_release(revision, path)
        for end in ("-wal", "-shm"):
            path.with_name(path.name + end).unlink(missing_ok=True)
        if upgrade_until(path, kill_at) == 0:
            break  # more statements than an upgrade has
        tried += 1
        found = read_all(path)
        whole = found == old
        open_store(path).close()
        survived += whole and read_all(path) == new
        kill_at += 1 + tried // 2
    record(
        "fault",
        f"upgrade of a database of schema {revision} killed (-9) between statements",
        tried=tried,
        survived=survived,
        note="the old file is whole, and the next start upgrades it",
    )
    assert tried > 5
    assert survived == tried


# ------------------------------------------------------------------------- state


def place_state(folder: Path) -> Path:
    """Put the state of a release before formats had numbers."""
    with tarfile.open(OLD / "state-1.tar.gz") as packed:
        packed.extractall(folder, filter="data")
    return folder / "state.zarr"


def test_a_state_of_the_previous_release_opens_and_goes_on(tmp_path: Path) -> None:
    path = place_state(tmp_path)
    loaded = load_state(path, "49QBF-0810-00")
    assert loaded is not None
    arrays, attributes = loaded
    rows, columns = np.mgrid[:300, :260]
    assert (arrays["ring"] == rows * 3 + columns).all()
    assert (arrays["forest"] == (columns % 2 == 0)).all()
    assert attributes["scenes"] == ["s1"]
    with StateUpdate(path, "49QBF-0810-00") as update:
        chunk = update.chunks[0]
        part = update.read(chunk)
        part["probability"][:] = 0.5
        update.write(chunk, {"probability": part["probability"]})
        update.commit(attributes | {"scenes": ["s1", "s2"]})
    arrays, attributes = load_state(path, "49QBF-0810-00") or ({}, {})
    assert attributes["scenes"] == ["s1", "s2"]
    assert "state_format" not in attributes
    assert (arrays["probability"][chunk.window] == 0.5).all()
    assert (arrays["ring"] == rows * 3 + columns).all()


def test_a_state_of_a_newer_release_is_refused(tmp_path: Path) -> None:
    path = place_state(tmp_path)
    head = path / "49QBF-0810-00" / "zarr.json"
    text = head.read_text().replace('"scenes"', '"state_format": 2, "scenes"')
    head.write_text(text)
    with pytest.raises(DataError, match="format 2, newer than this program"):
        open_state(path, "49QBF-0810-00")
    assert head.read_text() == text
