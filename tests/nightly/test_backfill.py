"""Thirty nights: interrupted ten times, and backed up while they run."""

import multiprocessing
import os
import random
import shutil
import signal
import sqlite3
import sys
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any

import pytest
from tests.nightly.alone import run_alone
from tests.nightly.conftest import Site

from agroforest.core.errors import SourceError
from agroforest.keep.backup import Source, write_backup
from agroforest.keep.restore import restore
from agroforest.nightly.run import Silence
from agroforest.store import Store
from agroforest.testing.reliability import record
from agroforest.testing.world import World

pytestmark = [pytest.mark.slow, pytest.mark.enable_socket, pytest.mark.timeout(600)]

# Seasons are learned the night before: no need to learn them anew for each kill.
EVE = date(2024, 11, 1)
FIRST = date(2024, 11, 2)
NIGHTS = [FIRST + timedelta(days=n) for n in range(30)]
LAST = NIGHTS[-1]
_KILLS = 10
_WITH_SCENES = date(2024, 11, 6)
_ROOT = Path(__file__).parents[2]
# Tables that say what was found and written; `run` says how long it took, too.
_FACTS = ("alert", "alert_change", "scene_use", "tile_task", "output", "quarantine")


def rows(work: Path) -> dict[str, list[tuple[Any, ...]]]:
    with sqlite3.connect(work / "agroforest.db") as database:
        found = {
            name: sorted(database.execute(f'SELECT * FROM "{name}"'), key=repr)  # noqa: S608
            for name in _FACTS
        }
        found["run"] = database.execute(
            "SELECT pipeline, night, config_digest, status FROM run ORDER BY rowid"
        ).fetchall()
        return found


def files(work: Path, pipeline: str) -> dict[str, bytes]:
    """What nights wrote; of reports only which there are, for they tell the time."""
    folder = work / pipeline
    return {
        str(path.relative_to(folder)): b""
        if "reports" in path.parts
        else path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
        and not any(p.startswith(".") for p in path.relative_to(folder).parts)
        and path.parent.name != "maps"
    }


# Children come from a process that never ran a night: one that did has threads, and
# whatever is forked from it may wait for them for ever.
_CHILDREN = multiprocessing.get_context("forkserver")
_CHILDREN.set_forkserver_preload(["agroforest.nightly.run", "agroforest.nightly.tile"])


def run_in_child(world: World, work: Path, victim: date, steps: int) -> None:
    """Run all nights; killed (-9) at the n-th step of one that others can see."""
    site = Site(world=world, work=work)
    with run_alone():
        if steps:
            site.run(FIRST, victim - timedelta(days=1))
            kill_after(steps)
        site.run(FIRST, LAST)


def start(site: Site, victim: date = FIRST, steps: int = 0) -> ForkServerProcess:
    child = _CHILDREN.Process(
        target=run_in_child, args=(site.world, site.work, victim, steps)
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "path", [str(_ROOT), *sys.path])  # of the child
        child.start()
    return child


def kill_after(steps: int) -> None:
    """Kill this process (-9) at the n-th step that others can see."""
    left = [steps]

    def counting(real: Callable[..., Any]) -> Callable[..., Any]:
        def step(*arguments: Any, **options: Any) -> Any:
            left[0] -= 1
            if left[0] == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            return real(*arguments, **options)

        return step

    for place, name in ((Path, "replace"), (Path, "rename"), (Store, "record_night")):
        setattr(place, name, counting(getattr(place, name)))


@pytest.fixture(scope="module")
def eve(tmp_path_factory: pytest.TempPathFactory, _catalogued: Site) -> Site:
    """The evening before the first of the nights."""
    work = tmp_path_factory.mktemp("eve") / "work"
    shutil.copytree(_catalogued.work, work)
    site = Site(world=_catalogued.world, work=work)
    with run_alone():
        site.run(EVE)
    return site


@pytest.fixture
def site(eve: Site, tmp_path: Path) -> Site:
    shutil.copytree(eve.work, tmp_path / "work")
    return Site(world=eve.world, work=tmp_path / "work")


@pytest.fixture(scope="module")
def clean(eve: Site, tmp_path_factory: pytest.TempPathFactory) -> Site:
    """The same nights on a machine where nothing happened."""
    work = tmp_path_factory.mktemp("clean") / "work"
    shutil.copytree(eve.work, work)
    site = Site(world=eve.world, work=work)
    with run_alone():
        assert not any(o.failed for o in site.run(FIRST, LAST))
    return site


def is_like(work: Path, clean: Site) -> bool:
    name = clean.pipeline.name
    return rows(work) == rows(clean.work) and files(work, name) == files(
        clean.work, name
    )


@pytest.mark.usefixtures("alone")
def test_thirty_nights_of_which_ten_are_killed(site: Site, clean: Site) -> None:
    chance = random.Random(8)  # noqa: S311  nothing secret
    quiet = [night for night in NIGHTS[1:] if night != _WITH_SCENES]
    victims = sorted([_WITH_SCENES, *chance.sample(quiet, _KILLS - 1)])
    killed = 0
    reached = []
    for victim in victims:
        most = 60 if victim == _WITH_SCENES else 3
        child = start(site, victim, chance.randint(1, most))
        child.join()
        killed += child.exitcode == -signal.SIGKILL
        reached.append([night for _, night, *_ in rows(site.work)["run"]])
    assert not any(o.failed for o in site.run(FIRST, LAST))
    expected = [str(night) for night in (EVE, *NIGHTS)]
    in_order = all(nights == expected[: len(nights)] for nights in reached)
    like = is_like(site.work, clean)
    record(
        "fault",
        "backfill of 30 nights, ten interrupted (-9)",
        tried=killed,
        survived=killed if in_order and like else 0,
        note="complete, in order, and equal byte for byte to nights left in peace",
    )
    assert killed == _KILLS
    assert in_order
    assert rows(site.work) == rows(clean.work)
    name = site.pipeline.name
    assert files(site.work, name).keys() == files(clean.work, name).keys()
    assert like


@pytest.mark.usefixtures("alone")
def test_backups_taken_while_nights_run_are_finished_like_all_others(
    site: Site, clean: Site, tmp_path: Path
) -> None:
    source = Source(work=site.work, database=site.work / "agroforest.db")
    child = start(site)
    taken: dict[str, Path] = {}
    now = datetime(2025, 1, 1, tzinfo=UTC)
    while child.is_alive():
        target = tmp_path / f"{len(taken)}.tar.zst"
        try:
            head = write_backup(source, target, now=now, progress=Silence()).head
        except SourceError:
            continue  # nights of a third of a second may be over before it is taken
        taken[head.nights.get(site.pipeline.name, "")] = target
    nights = sorted(taken)
    assert child.exitcode == 0
    assert len(nights) > 3
    survived = 0
    chosen = [nights[len(nights) // 3], nights[-2]]
    for night in chosen:
        work = tmp_path / f"again-{night}"
        done = restore(taken[night], work, now=now, progress=Silence())
        again = Site(world=site.world, work=done.work)
        reports = list((work / site.pipeline.name / "reports").glob("*.json"))
        assert max(p.stem for p in reports) >= night
        assert not any(o.failed for o in again.run(FIRST, LAST))
        survived += is_like(work, clean)
    record(
        "fault",
        "restored from a backup taken while nights ran",
        tried=len(chosen),
        survived=survived,
        note="the nights after it are equal byte for byte to those of the original",
    )
    assert survived == len(chosen)
