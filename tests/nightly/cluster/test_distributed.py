"""Nights on workers that are other processes and see the storage elsewhere."""

import gc
import json
import logging
import os
import shutil
import signal
import sqlite3
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from tests.networking import needs_namespaces, switched
from tests.nightly.cluster.machines import Cluster, Machine, make_certificates
from tests.nightly.conftest import Site
from tests.nightly.outcome import OWN
from tests.nightly.test_nights import FIRST

from agroforest import __version__
from agroforest.catalog import LocalCatalog, add_scenes
from agroforest.core.config import Pipeline
from agroforest.core.errors import ConfigurationError, SourceError
from agroforest.core.identity import digest_file
from agroforest.nightly import NightOutcome, run_nights
from agroforest.nightly.cluster import crew, silence
from agroforest.nightly.cluster.scheduler import Certificates, Scheduler
from agroforest.nightly.lease import LENGTH_S
from agroforest.nightly.run import Silence
from agroforest.testing.reliability import record

pytestmark = [
    pytest.mark.slow,
    pytest.mark.enable_socket,
    pytest.mark.skipif(not shutil.which("openssl"), reason="openssl is not installed"),
]

DAMAGED = "20241106T"
VICTIM = "49QBF-7284"
LATER = [date(2024, 11, day) for day in range(2, 8)]


@dataclass(frozen=True, kw_only=True)
class Province:
    """Storage that the machines share, each under another path.

    ``storage`` is the folder of the file server, with the work folder and, beside
    it, an archive of scenes. Everybody else reaches it by a link of his own.
    """

    folder: Path
    pipeline: Pipeline
    pristine: Path
    learned: Path
    reference: Path

    @property
    def storage(self) -> Path:
        return self.folder / "storage"

    @property
    def client(self) -> Path:
        return self.folder / "client" / "srv"

    @property
    def work(self) -> Path:
        return self.client / "work"

    def restore(self, copy: Path) -> None:
        shutil.rmtree(self.storage / "work", ignore_errors=True)
        shutil.copytree(copy, self.storage / "work")

    def machine(self, folder: Path, **settings: object) -> Machine:
        """A machine with the storage under a path of its own."""
        mount = folder / "mnt"
        folder.mkdir(parents=True)
        mount.symlink_to(self.storage)
        archive = f"{self.storage / 'archive'}={mount / 'archive'}"
        plain: dict[str, object] = {"work": mount / "work", "mounts": (archive,)}
        foreign = (self.storage, self.client)
        return Machine(folder=folder, foreign=foreign, **{**plain, **settings})  # type: ignore[arg-type]

    def run_alone(self, nights: Sequence[date]) -> list[NightOutcome]:
        """Run nights in this process."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(os, "cpu_count", lambda: 1)
            return self.run(nights)

    def run(
        self, nights: Sequence[date], scheduler: Scheduler | None = None
    ) -> list[NightOutcome]:
        return list(
            run_nights(self.pipeline, nights, work=self.work, scheduler=scheduler)
        )

    def made(self, work: Path | None = None) -> dict[str, object]:
        """Every file by name, and every row; wall times are left out."""
        work = work or self.storage / "work"
        found: dict[str, object] = {}
        for path in sorted(work.rglob("*")):
            name = str(path.relative_to(work))
            if not path.is_file() or "agroforest.db" in name or "/.lock" in name:
                continue
            if "/reports/" in name:
                if path.suffix == ".json":
                    found[name] = without_times(json.loads(path.read_text()))
            else:
                found[name] = digest_file(path)
        return found | rows(work / "agroforest.db")


def without_times(report: dict[str, Any]) -> dict[str, object]:
    tiles = {
        kind: [
            {k: v for k, v in tile.items() if k != "seconds"} for tile in report[kind]
        ]
        for kind in ("tiles", "baselines")
    }
    return {k: v for k, v in report.items() if k not in OWN} | tiles


def rows(path: Path) -> dict[str, object]:
    with sqlite3.connect(path) as database:
        tables = ("tile_task", "output", "scene_use", "alert", "quarantine")
        return {
            table: sorted(map(str, database.execute(f"SELECT * FROM {table}")))  # noqa: S608
            for table in tables
        }


@pytest.fixture(scope="module")
def province(tmp_path_factory: pytest.TempPathFactory, _catalogued: Site) -> Province:
    """Four tiles; one process has run their nights and left a copy to compare with."""
    folder = tmp_path_factory.mktemp("province")
    plain = _catalogued.pipeline
    short = {
        "grid": plain.grid.model_copy(update={"tile_size": 500.0}),
        "baseline": plain.baseline.model_copy(update={"start": date(2023, 10, 1)}),
    }
    province = Province(
        folder=folder,
        pipeline=plain.model_copy(update=short),
        pristine=folder / "pristine",
        learned=folder / "learned",
        reference=folder / "reference",
    )
    work, archive = province.storage / "work", province.storage / "archive"
    work.mkdir(parents=True)
    province.client.parent.mkdir()
    province.client.symlink_to(province.storage)
    for product in sorted(_catalogued.world.scenes.iterdir()):
        recent = "_2024" in product.name
        shutil.copytree(
            product, (archive if recent else work / "scenes") / product.name
        )
    catalog = LocalCatalog(province.work / "catalog")
    add_scenes([province.work / "scenes", province.client / "archive"], catalog)
    (spoilt,) = archive.glob(f"*_{DAMAGED}*")
    band = spoilt / "B04.tif"
    band.write_bytes(band.read_bytes()[:900])
    shutil.copytree(work, province.pristine)
    province.run_alone([FIRST])
    shutil.copytree(work, province.learned)
    outcomes = province.run_alone(LATER)
    quarantined = [q for o in outcomes if o.report for q in o.report["quarantined"]]
    assert len(quarantined) == 4
    assert all(q["where"].startswith(str(spoilt)) for q in quarantined), quarantined
    assert rows(work / "agroforest.db")["alert"]
    work.rename(province.reference)
    return province


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return make_certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="module")
def machines(
    province: Province, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Machine, Machine]:
    """One started by us, one by Dask."""
    folder = tmp_path_factory.mktemp("machines")
    return (
        province.machine(folder / "a"),
        province.machine(folder / "b", plain=True),
    )


@pytest.fixture(scope="module")
def _cluster(
    certificates: Certificates, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Cluster]:
    with Cluster(tmp_path_factory.mktemp("scheduler"), certificates) as cluster:
        yield cluster


@pytest.fixture
def cluster(_cluster: Cluster, machines: tuple[Machine, Machine]) -> Cluster:
    """A scheduler with two machines; what the last test killed is started again."""
    _cluster.start(*machines)
    return _cluster


def test_two_machines_make_what_one_process_makes(
    province: Province, cluster: Cluster, machines: tuple[Machine, Machine]
) -> None:
    province.restore(province.pristine)
    province.run([FIRST], cluster.at)
    province.run(LATER, cluster.at)
    assert cluster.listening() == {"127.0.0.1"}
    assert province.made() == province.made(province.reference)
    # Both worked, and none of them on a path of somebody else.
    assert [machine.opened() for machine in machines] == [{"own"}, {"own"}]


def test_workers_that_are_not_fit_are_named_and_sent_away(
    province: Province,
    cluster: Cluster,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    province.restore(province.learned)
    newer = province.machine(tmp_path / "c", environment={"WITNESS_VERSION": "9.9"})
    cluster.start(newer)
    cluster.await_workers(3)
    outcomes = province.run(LATER, cluster.at)
    cluster.workers[newer.folder].wait(timeout=30)
    assert not any(o.failed for o in outcomes)
    assert f"agroforest: is 9.9 here and {__version__} at the client" in caplog.text
    assert province.made() == province.made(province.reference)


def test_a_worker_without_the_storage_is_named(
    province: Province, certificates: Certificates, tmp_path: Path
) -> None:
    province.restore(province.learned)
    elsewhere = tmp_path / "disk" / "work"
    elsewhere.mkdir(parents=True)
    stranger = province.machine(tmp_path / "a", work=elsewhere)
    with Cluster(tmp_path / "s", certificates) as cluster:
        cluster.start(stranger)
        cluster.await_workers(1)
        with pytest.raises(ConfigurationError) as refused:
            province.run(LATER, replace(cluster.at, patience=3))
        cluster.workers[stranger.folder].wait(timeout=30)
    problem = f"{elsewhere / province.pipeline.name}: is not the shared work folder"
    assert f"worker on 127.0.0.1: {problem}" in str(refused.value)
    assert not list(elsewhere.iterdir())


def test_a_machine_that_dies_mid_task_costs_nothing(
    province: Province,
    cluster: Cluster,
    machines: tuple[Machine, Machine],
    tmp_path: Path,
) -> None:
    province.restore(province.learned)
    for machine in machines:  # one of them, whoever takes the tile first
        machine.doom(VICTIM, once=tmp_path / "died")
    outcomes = province.run(LATER, cluster.at)
    assert (tmp_path / "died").exists()
    alive = [cluster.workers[m.folder].poll() is None for m in machines]
    assert sorted(alive) == [False, True]
    assert not any(o.failed for o in outcomes)
    same = province.made() == province.made(province.reference)
    record(
        "fault",
        "a machine of the cluster lost (-9) while it works on a tile",
        tried=1,
        survived=int(same),
        note="another machine takes its tile; files and rows are those of a clean run",
    )
    assert same


def test_a_machine_that_stands_still_is_given_up(
    province: Province,
    certificates: Certificates,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Nobody can end it from here. When it goes on, it writes nothing."""
    province.restore(province.learned)
    # Longer than between two signs of life of a worker that works.
    monkeypatch.setattr(silence, "SILENT_S", LENGTH_S / 2)
    name = {"WITNESS_HOST": "elsewhere"}
    pair = [province.machine(tmp_path / n, environment=name) for n in "ab"]
    soon = {"DASK_DISTRIBUTED__SCHEDULER__WORKER_TTL": "20s"}
    with Cluster(tmp_path / "s", certificates, settings=soon) as cluster:
        cluster.start(*pair)
        cluster.await_workers(2)
        for machine in pair:  # one of them, whoever takes the tile first
            machine.doom(VICTIM, once=tmp_path / "stopped", fate=signal.SIGSTOP)
        outcomes = province.run(LATER, cluster.at)
        (still,) = [m for m in pair if cluster.stands_still(m)]
        assert not any(o.failed for o in outcomes)
        errors = [
            attempt["error"]
            for outcome in outcomes
            if outcome.report
            for attempt in outcome.report.get("attempts", ())
            if attempt["error"]
        ]
        first = province.made()
        assert cluster.has_open(still, VICTIM)  # its lock of the tile
        cluster.go_on(still)
        deadline = time.monotonic() + 60
        while cluster.has_open(still, VICTIM):
            assert time.monotonic() < deadline
            time.sleep(0.1)
        second = province.made()
    assert len(errors) == 1
    assert f"{VICTIM}: its worker (elsewhere:" in errors[0]
    assert "stood still; end it" in errors[0]
    same = first == second == province.made(province.reference)
    record(
        "fault",
        "a machine of the cluster that stands still while it works on a tile",
        tried=1,
        survived=int(same),
        note="it is given up after ten minutes (half of one in the test), its tile "
        "done by another, and nothing written when it goes on",
    )
    assert same


def test_a_tile_that_kills_its_workers_is_a_failed_result(
    province: Province, cluster: Cluster, machines: tuple[Machine, Machine]
) -> None:
    province.restore(province.learned)
    for machine in machines:
        machine.doom(VICTIM)
    outcome = province.run(LATER[:5], cluster.at)[-1]
    assert outcome.report is not None
    errors = {t["tile"]: t["error"] for t in outcome.report["tiles"] if t["error"]}
    assert "2 workers died of it" in errors[VICTIM]
    assert "\n" not in errors[VICTIM]
    assert len(errors) < 4


@pytest.mark.parametrize(
    ("fate", "done"),
    [(signal.SIGKILL, "killed (-9)"), (signal.SIGSTOP, "stopped, for good,")],
)
def test_a_lost_scheduler_ends_the_night_and_harms_nothing(
    fate: signal.Signals,
    done: str,
    province: Province,
    cluster: Cluster,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    province.restore(province.learned)
    monkeypatch.setattr(crew, "_ANSWER_S", 15.0)  # enough for workers to be inspected
    assert cluster.scheduler is not None
    scheduler = cluster.scheduler

    class Assassin(Silence):
        def advance(self) -> None:
            scheduler.send_signal(fate)
            if fate == signal.SIGKILL:
                scheduler.wait()
            time.sleep(0.5)  # until the client has noticed; else it asks for 30 s

    nights = run_nights(
        province.pipeline,
        LATER,
        work=province.work,
        scheduler=cluster.at,
        progress=Assassin(),
    )
    with pytest.raises(SourceError, match=r"was lost; start it again"):
        list(nights)
    gc.collect()  # what nobody asked any more is noted when it goes
    # Dask notes at level INFO, which nobody is shown, what it was sending just then.
    shown = [r for r in caplog.records if r.levelno >= logging.WARNING]
    assert not any(r.exc_info for r in shown)
    assert not list(province.work.rglob(".beacon-*"))
    scheduler.kill()
    scheduler.wait()
    province.run_alone(LATER)
    same = province.made() == province.made(province.reference)
    record(
        "fault",
        f"Dask scheduler {done} while tasks run",
        tried=1,
        survived=int(same),
        note="the night ends in one line; run again, it ends as a clean one",
    )
    assert same


@needs_namespaces
def test_machines_of_their_own_network_and_mounts(
    province: Province,
    certificates: Certificates,
    tmp_path: Path,
) -> None:
    province.restore(province.learned)
    # The storage is mounted, and what the client calls it is gone.
    mount = 'mount --bind "$1" "$2"; mount -t tmpfs none "$3"; shift 3; exec "$@"'
    with switched(2) as network:
        machines = []
        for namespace in network.machines:
            folder = tmp_path / namespace
            (folder / "mnt").mkdir(parents=True)
            shell = [*("sh", "-ec", mount, "sh", str(province.storage))]
            machines.append(
                Machine(
                    folder=folder,
                    work=folder / "mnt" / "work",
                    mounts=(f"{province.storage}/archive={folder}/mnt/archive",),
                    foreign=(province.folder,),
                    prefix=(
                        *("ip", "netns", "exec", namespace, "unshare", "-m"),
                        *(*shell, str(folder / "mnt"), str(province.folder)),
                    ),
                )
            )
        with Cluster(tmp_path / "s", certificates, host=network.host) as cluster:
            cluster.start(*machines)
            province.run(LATER, cluster.at)
        assert province.made() == province.made(province.reference)
        assert [machine.opened() for machine in machines] == [{"own"}, {"own"}]
