"""What undisturbed nights leave, and workers that can be killed."""

import os

import pytest
from tests.nightly.alone import run_alone
from tests.nightly.conftest import Site
from tests.nightly.faults.nights import NIGHTS, Clean, run
from tests.nightly.faults.workers import Crew, start_crew
from tests.nightly.outcome import look


@pytest.fixture(scope="session")
def clean(tmp_path_factory: pytest.TempPathFactory, learned: Site) -> Clean:
    """What nights leave when nobody disturbs them."""
    found = []
    for nights in (NIGHTS[:1], NIGHTS):
        site = learned.copy(tmp_path_factory.mktemp("clean"))
        with run_alone():
            outcomes = run(site, nights)
        assert not any(o.failed for o in outcomes)
        found.append(look(site.work))
    assert found[0]["alert_change"] != found[1]["alert_change"]
    return Clean(first=found[0], all=found[1])


@pytest.fixture(scope="session")
def crew(tmp_path_factory: pytest.TempPathFactory) -> Crew:
    """Real worker processes, two for each run."""
    return start_crew(tmp_path_factory.mktemp(f"crew{os.getpid()}"))
