"""A database made of remembered statements is one that the scripts made."""

import sqlite3
from pathlib import Path

import pytest

from agroforest.store import database, migration, open_store
from agroforest.testing.migrations import forget_migrations, remember_migrations


def dump(path: Path) -> list[str]:
    open_store(path).close()
    with sqlite3.connect(path) as connection:
        found = list(connection.iterdump())
    connection.close()
    return found


def test_the_second_file_is_the_first_and_what_scripts_make(tmp_path: Path) -> None:
    with forget_migrations():
        scripts = dump(tmp_path / "scripts.db")
        with remember_migrations():
            first, second = dump(tmp_path / "first.db"), dump(tmp_path / "second.db")
    assert len(scripts) > 20
    assert first == second == scripts


def test_scripts_run_once_and_again_when_forgotten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with forget_migrations():
        runs: list[str] = []
        before = migration.upgrade

        def upgrade(*arguments: object) -> None:
            runs.append(str(arguments[1]))
            before(*arguments)  # type: ignore[arg-type]

        monkeypatch.setattr(migration, "upgrade", upgrade)
        with remember_migrations():
            for name in "abc":
                dump(tmp_path / f"{name}.db")
            assert len(runs) == 1
            with forget_migrations():
                dump(tmp_path / "d.db")
            assert len(runs) == 2
            dump(tmp_path / "e.db")
            assert len(runs) == 2
        monkeypatch.undo()


def test_a_file_of_an_older_release_is_brought_on_by_the_scripts(
    tmp_path: Path,
) -> None:
    path = tmp_path / "a.db"
    whole = dump(path)
    opened = database.open_database(path)
    with opened.writing() as connection:
        migration.downgrade(connection, "0004")
    opened.close()
    assert sorted(dump(path)) == sorted(whole)
