"""One run at a time on a database, with a real server."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest

from agroforest.core.errors import LockedError
from agroforest.store import open_store


def test_a_second_run_on_a_server_is_refused(postgresql: str) -> None:
    with open_store(postgresql) as one, open_store(postgresql) as two:
        with one.exclusive("p") as held:
            with (
                pytest.raises(LockedError, match="another run holds pipeline p"),
                two.exclusive("p"),
            ):
                pytest.fail("two runs")
            with two.exclusive("q"):
                assert held.require()
        with two.exclusive("p"):
            pass


def test_a_lock_that_was_lost_is_noticed_and_taken_again(postgresql: str) -> None:
    with open_store(postgresql) as store, store.exclusive("p") as held:
        assert held.require()
        end_sessions(postgresql)
        assert not held.require()
        # Whoever asks twice, because what followed failed, still hears of it.
        assert not held.require()


def test_a_lock_that_another_has_meanwhile_is_lost(postgresql: str) -> None:
    with open_store(postgresql) as one, one.exclusive("p") as held:
        end_sessions(postgresql)
        with (
            open_store(postgresql) as two,
            two.exclusive("p"),
            pytest.raises(LockedError),
        ):
            held.require()


def test_who_opens_a_new_server_together_upgrades_it_once(postgresql: str) -> None:
    def read(_: int) -> object:
        with open_store(postgresql) as store:
            return store.last_night("p")

    with ThreadPoolExecutor(3) as pool:
        assert list(pool.map(read, range(3))) == [None] * 3


def test_a_file_is_held_by_its_work_folder(tmp_path: Path) -> None:
    with (
        open_store(tmp_path / "a.db") as store,
        store.exclusive("p") as held,
        store.exclusive("p"),
    ):
        assert held.require()


def end_sessions(url: str) -> None:
    """What a restart of the server does to its sessions."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
