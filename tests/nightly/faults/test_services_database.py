"""A database that is away in the middle of a night, and comes back, or does not."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from tests.lacking import lacking
from tests.nightly.conftest import Site
from tests.nightly.faults.nights import NIGHT, Clean, differ
from tests.nightly.outcome import look, rows

from agroforest.core.errors import SourceError
from agroforest.nightly.execution import DATABASE_PATIENCE_S, Patience
from agroforest.nightly.run import NightOutcome, Silence, run_nights
from agroforest.store.copying import copy_to_file, fill_from_file
from agroforest.testing.reliability import record
from agroforest.testing.servers import PostgreSQL, has_postgresql, lend_database

pytestmark = [
    pytest.mark.slow,
    pytest.mark.enable_socket,
    pytest.mark.usefixtures("alone"),
]
GONE_S = 60.0
# When in the night: before the first tile, after it, after the last, at the map.
MOMENTS = ("tiles", "1", "2", "map")


class AtMoment(Silence):
    """Does something at a moment of the night."""

    def __init__(self, moment: str, act: Callable[[], object]) -> None:
        self._moment, self._act = moment, act
        self._done = 0

    def begin(self, label: str, total: int) -> None:
        del total
        if label.endswith(self._moment):
            self._act()

    def advance(self) -> None:
        self._done += 1
        if self._moment == str(self._done):
            self._act()


class Clock:
    """Waits that take no time, and what happens when enough of them have passed."""

    def __init__(self, after_s: float, act: Callable[[], object]) -> None:
        self._after_s, self._act = after_s, act
        self.waited_s = 0.0

    def pause(self, seconds: float) -> None:
        before, self.waited_s = self.waited_s, self.waited_s + seconds
        if before < self._after_s <= self.waited_s:
            self._act()


@pytest.fixture(scope="module")
def server() -> Iterator[PostgreSQL]:
    if not has_postgresql():
        raise lacking("PostgreSQL (make database)")
    with TemporaryDirectory() as name, PostgreSQL(Path(name)) as found:
        yield found


@pytest.fixture
def database(server: PostgreSQL, learned: Site) -> Iterator[str]:
    """URL of a database that holds what the learned district's file does."""
    with lend_database(server.url) as url:
        fill_from_file(learned.work / "agroforest.db", url)
        yield url


def run_with(
    site: Site, url: str | Path, watcher: Silence, patience: Patience
) -> list[NightOutcome]:
    nights = run_nights(
        site.pipeline,
        [NIGHT],
        work=site.work,
        database=url,
        progress=watcher,
        patience=patience,
    )
    return list(nights)


def bring_home(url: str, site: Site) -> None:
    """Put what a server holds where `look` finds it."""
    home = site.work / "agroforest.db"
    home.unlink(missing_ok=True)
    copy_to_file(url, home)


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_server_gone_for_sixty_seconds(
    moment: str,
    server: PostgreSQL,
    database: str,
    learned: Site,
    clean: Clean,
    tmp_path: Path,
) -> None:
    site = learned.copy(tmp_path)
    clock = Clock(GONE_S, server.start)
    (outcome,) = run_with(
        site,
        database,
        AtMoment(moment, server.stop),
        Patience(back_off_s=(), pause=clock.pause),
    )
    assert not outcome.failed
    assert clock.waited_s >= GONE_S
    bring_home(database, site)
    right = differ(look(site.work), clean.first) == []
    record(
        "fault",
        "database server killed in the night, back after 60 s",
        tried=1,
        survived=int(right),
        note="the same run ends with the files and rows of a clean one; the server is "
        "real, and the seconds are those that the run says it waits",
    )
    assert right


def test_a_server_that_does_not_come_back(
    server: PostgreSQL, database: str, learned: Site, clean: Clean, tmp_path: Path
) -> None:
    site = learned.copy(tmp_path)
    bring_home(database, site)
    before = rows(site.work)
    clock = Clock(10 * GONE_S, server.start)
    with pytest.raises(SourceError) as told:
        run_with(
            site,
            database,
            AtMoment("2", server.stop),
            Patience(back_off_s=(), pause=clock.pause),
        )
    server.start()
    one_line = "\n" not in str(told.value)
    waited = DATABASE_PATIENCE_S <= clock.waited_s < 2 * DATABASE_PATIENCE_S
    bring_home(database, site)
    untouched = rows(site.work) == before
    run_with(site, database, Silence(), Patience(back_off_s=(), database_s=0))
    bring_home(database, site)
    right = differ(look(site.work), clean.first) == []
    record(
        "fault",
        "database server gone for longer than a night waits",
        tried=1,
        survived=int(one_line and waited and untouched and right),
        note="the night fails in one line and records nothing; the next run ends as a "
        "clean one",
    )
    assert one_line
    assert waited
    assert untouched
    assert right


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_file_that_another_has_locked(
    moment: str,
    learned: Site,
    clean: Clean,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("agroforest.store.database.BUSY_TIMEOUT_MS", 1)
    site = learned.copy(tmp_path)
    path = site.work / "agroforest.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        clock = Clock(GONE_S, lambda: other.execute("ROLLBACK"))
        (outcome,) = run_with(
            site,
            path,
            AtMoment(moment, lambda: other.execute("BEGIN IMMEDIATE")),
            Patience(back_off_s=(), pause=clock.pause),
        )
    assert not outcome.failed
    # The map only reads, which a lock does not hinder.
    assert (clock.waited_s >= GONE_S) is (moment != "map")
    right = differ(look(site.work), clean.first) == []
    record(
        "fault",
        "SQLite file locked by another for 60 s",
        tried=1,
        survived=int(right),
        note="the same run ends with the files and rows of a clean one",
    )
    assert right
