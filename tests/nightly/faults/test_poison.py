"""A tile that kills whoever works on it: the workers, or the run itself."""

import signal
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.nightly.alone import run_alone
from tests.nightly.conftest import Site
from tests.nightly.faults.fate import Fates
from tests.nightly.faults.forked import Forked
from tests.nightly.faults.nights import NIGHT, Clean, count_attempts, differ, run
from tests.nightly.faults.workers import Crew
from tests.nightly.outcome import look

from agroforest.nightly.attempts import LIMIT
from agroforest.store import open_store
from agroforest.testing.reliability import record

pytestmark = [pytest.mark.slow, pytest.mark.enable_socket]

POISON = "49QBF-0810"
# Files that it touches before it kills: it has read scenes and written nothing yet.
_STEPS = 60
#: What says that it was set aside, and which tiles were done when.
_TOLD = frozenset({"reports", "tile_quarantine"})


@pytest.mark.parametrize("who", ["one of two workers", "the run itself"])
def test_a_tile_that_kills_is_set_aside_and_mended(
    who: str, learned: Site, clean: Clean, crew: Crew, tmp_path: Path
) -> None:
    site = learned.copy(tmp_path)
    name = site.pipeline.name
    with crew.at_work():
        Fates(tiles={POISON: _STEPS}).write(crew.fates)
        if who == "the run itself":
            with Forked() as runs, run_alone():
                assert runs.run(site, [NIGHT]) == -signal.SIGKILL
                (outcome,) = run(site, [NIGHT])
        else:
            (outcome,) = run(site, [NIGHT])
    report = outcome.report
    assert report is not None
    assert report["status"] == "partial"
    assert outcome.failed == (POISON,)
    named = [q["tile"] for q in report["set_aside"]] == [POISON]
    assert count_attempts(site.work)["killed"] == LIMIT
    with open_store(site.work / "agroforest.db") as store:
        store.tries.redrive(name, now=datetime.now(UTC))
    with run_alone():
        (mended,) = run(site, [NIGHT])
    assert not mended.failed
    found = look(site.work, without=_TOLD)
    same = differ(found, {k: clean.first[k] for k in found}) == []
    record(
        "fault",
        f"a tile that always kills {who}",
        tried=1,
        survived=int(named and same),
        note="other tiles are done; it is set aside after three attempts, named, and "
        "once mended and redriven as in a clean run",
    )
    assert named
    assert same
