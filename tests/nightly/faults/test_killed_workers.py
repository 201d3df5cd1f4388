"""Workers that are killed (-9) in the middle of real nights."""

import random
from pathlib import Path

import pytest
from tests.nightly.conftest import Site
from tests.nightly.faults.fate import Fates
from tests.nightly.faults.nights import NIGHTS, Clean, count_attempts, differ, run
from tests.nightly.faults.workers import Crew
from tests.nightly.outcome import look

from agroforest.nightly.lease import read_token
from agroforest.testing.reliability import record

pytestmark = [pytest.mark.slow, pytest.mark.enable_socket]

KILLS = 50
# Files that a worker touches once it has a tile; fewer than on any of the nights. One
# that knows the scenes already touches fewer, and may be done before its step comes.
_STEPS = 120
# Three attempts that its inputs do not survive set a task aside.
_OF_A_TASK = 2


def test_workers_killed_at_fifty_random_moments(
    learned: Site, clean: Clean, crew: Crew, tmp_path: Path
) -> None:
    chance = random.Random(50)  # noqa: S311  no secret
    left = KILLS
    while left > 0:
        site = learned.copy(tmp_path / str(left))
        fences = plan_kills(site, chance, left)
        with crew.at_work():
            Fates(fences=fences).write(crew.fates)
            outcomes = run(site, NIGHTS)
        assert not any(o.failed for o in outcomes)
        attempts = count_attempts(site.work)
        died = attempts["killed"] + attempts.get("hindered", 0)  # between two tasks
        assert len(fences) / 2 < died <= len(fences)
        named = [a for o in outcomes if o.report for a in o.report["attempts"]]
        assert len(named) >= died
        assert differ(look(site.work), clean.all) == []
        left -= died
    record(
        "fault",
        "worker killed (-9) at a random moment",
        tried=KILLS,
        survived=KILLS,
        note="the same run ends with the files, rows and alerts of a clean one; its "
        "report names the worker that died",
    )


def plan_kills(site: Site, chance: random.Random, most: int) -> dict[str, int]:
    """Choose a step for each of the first two workers that take a task."""
    locks = site.work / site.pipeline.name / ".locks"
    fences = {}
    for tile in sorted(p.name for p in (locks / "leases").iterdir()):
        token = read_token(locks, tile)
        assert token is not None
        for night in range(len(NIGHTS)):
            first = token.fence + 1 + night * (_OF_A_TASK + 1)
            for fence in range(first, first + _OF_A_TASK):
                fences[f"{tile}/{fence}"] = chance.randint(2, _STEPS)
    return dict(list(fences.items())[:most])
