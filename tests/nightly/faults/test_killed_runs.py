"""Runs that are killed (-9), and what they were at work on is done by the next."""

import random
import signal
from pathlib import Path

import pytest
from tests.nightly.conftest import Site
from tests.nightly.faults.forked import Forked
from tests.nightly.faults.nights import NIGHT, Clean, differ
from tests.nightly.outcome import look

from agroforest.testing.reliability import record

pytestmark = [
    pytest.mark.slow,
    pytest.mark.enable_socket,
    pytest.mark.usefixtures("crew"),
    pytest.mark.timeout(300),
]

KILLS, IN_ONE_NIGHT = 50, 10
# Files that a run touches: the first, which does the tasks itself; and each further
# one, whose tasks have a process of their own, which is left behind when it is killed.
_FIRST, _FURTHER = 400, 200


def test_runs_killed_at_fifty_random_moments(
    learned: Site, clean: Clean, tmp_path: Path
) -> None:
    chance = random.Random(50)  # noqa: S311  no secret
    killed = survived = 0
    for place in range(KILLS // IN_ONE_NIGHT):
        site = learned.copy(tmp_path / str(place))
        with Forked() as runs:
            for number in range(IN_ONE_NIGHT):
                steps = chance.randint(1, _FURTHER if number else _FIRST)
                ended = runs.run(site, [NIGHT], steps)
                assert ended == -signal.SIGKILL, (place, number, steps)
                killed += 1
            assert runs.run(site, [NIGHT]) == 0
        assert differ(look(site.work), clean.first) == []
        survived += IN_ONE_NIGHT
    record(
        "fault",
        "run killed (-9) at a random moment, ten times a night",
        tried=KILLS,
        survived=survived,
        note="the next run ends with the files, rows and alerts of a clean one",
    )
    assert killed == KILLS
