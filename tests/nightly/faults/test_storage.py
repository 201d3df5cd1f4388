"""Storage that does not deliver a scene for a while: no fault of the scene."""

import errno
import os
import resource
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from tests.erring import Storage, storage
from tests.nightly.alone import run_alone
from tests.nightly.conftest import Site
from tests.nightly.faults.nights import NIGHTS, differ, run
from tests.nightly.faults.test_files_scenes import look_afterwards, own_scene
from typer.testing import CliRunner

from agroforest.cli.app import app
from agroforest.core.errors import StorageError
from agroforest.core.scene import Asset
from agroforest.cube.source import opened
from agroforest.nightly.attempts import LIMIT
from agroforest.nightly.run import NightOutcome

pytestmark = [
    pytest.mark.slow,
    pytest.mark.enable_socket,
    pytest.mark.usefixtures("alone"),
]

NIGHT = NIGHTS[1]
FIRST = date(2024, 11, 1)  # learns the seasons


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Storage]:
    with storage(tmp_path / "storage") as found:
        yield found


@pytest.fixture(scope="module")
def clean(learned: Site, tmp_path_factory: pytest.TempPathFactory) -> dict[str, object]:
    site = learned.copy(tmp_path_factory.mktemp("whole"))
    with run_alone():
        run(site, [NIGHT])
    return look_afterwards(site)


def test_the_storage_errs(disk: Storage) -> None:
    path = disk.root / "file"
    path.write_bytes(bytes(100_000))
    with disk.erring():
        assert path.stat().st_size == 100_000
        with pytest.raises(OSError, match="Input/output") as caught:
            path.read_bytes()
    assert caught.value.errno == errno.EIO
    assert path.read_bytes() == bytes(100_000)


def fail(site: Site, disk: Storage) -> NightOutcome:
    """Run the night while the disk errs, and see that it is no fault of the scene."""
    with disk.erring():
        (outcome,) = run(site, [NIGHT])
    report = outcome.report
    assert report is not None
    assert report["status"] == "partial"
    assert outcome.failed == ()
    assert set(outcome.unread) == {t.tile.id for t in outcome.plan.tasks}
    assert report["quarantined"] == []
    (where,) = {row["where"] for row in report["unread"]}
    assert Path(where).is_relative_to(disk.root)
    (gap,) = {g["en"] for g in report["gaps"] if g["kind"] == "unread"}
    assert gap == "its storage does not deliver it (Input/output error)"
    return outcome


def test_a_scene_is_read_when_its_storage_delivers_again(
    disk: Storage, learned: Site, clean: dict[str, object], tmp_path: Path
) -> None:
    site = learned.copy(tmp_path / "site")
    own_scene(site, disk.root, NIGHT)
    fail(site, disk)
    fail(site, disk)  # a night that is not whole is tried again
    (outcome,) = run(site, [NIGHT])
    assert not outcome.unread
    assert differ(look_afterwards(site), clean) == []
    assert run(site, [NIGHT])[0].report is None  # and then there is nothing to do


def test_the_next_night_reads_what_storage_did_not_deliver(
    disk: Storage, learned: Site, tmp_path: Path
) -> None:
    site = learned.copy(tmp_path / "site")
    own_scene(site, disk.root, NIGHT)
    missed = {s.id for t in fail(site, disk).plan.tasks for s in t.scenes}
    (outcome,) = run(site, [NIGHTS[2]])
    assert not outcome.unread
    assert missed <= {s.id for t in outcome.plan.tasks for s in t.scenes}


def test_nights_are_told_to_try_again(
    disk: Storage, learned: Site, tmp_path: Path
) -> None:
    """By their exit code: schedules go by that."""
    site = learned.copy(tmp_path / "site")
    own_scene(site, disk.root, NIGHT)
    words = [str(site.world.pipeline), "--night", str(NIGHT), "--work", str(site.work)]
    with disk.erring():
        first = CliRunner().invoke(app, ["nightly", *words])
    again = CliRunner().invoke(app, ["nightly", *words])
    assert (first.exit_code, again.exit_code) == (3, 0)
    assert "NOT WHOLE, storage does not deliver: 49QBF-" in first.output


def test_a_block_that_is_not_delivered_is_no_damage(
    disk: Storage, learned: Site, tmp_path: Path
) -> None:
    """The head is known, and GDAL is told nothing but that a block is missing."""
    site = learned.copy(tmp_path / "site")
    path = own_scene(site, disk.root, NIGHT) / "B04.tif"
    asset = Asset(href=str(path), resolution=10.0)
    with opened(asset, crs="EPSG:32649") as source:
        rows, columns = slice(0, source.shape[0]), slice(0, source.shape[1])
        with disk.erring(), pytest.raises(StorageError, match="Input/output"):
            source.numbers(rows, columns)
        assert source.numbers(rows, columns).any()


def test_a_baseline_waits_for_storage(
    disk: Storage, site: Site, tmp_path: Path
) -> None:
    """It is made once, so not without a part of its history."""
    whole = site.copy(tmp_path / "whole")
    day = date(2024, 6, 4)
    own_scene(site, disk.root, day)
    with disk.erring():
        (outcome,) = run(site, [FIRST])
    assert outcome.report is not None
    tiles = {t.tile.id for t in outcome.plan.baselines}
    assert set(outcome.failed) == tiles
    assert not any(row["scenes"] for row in outcome.report["baselines"])
    with disk.erring():
        for _ in range(LIMIT):  # however often: storage speaks against no tile
            (outcome,) = run(site, [FIRST])
            assert set(outcome.failed) == tiles
    run(site, [FIRST])
    run(whole, [FIRST])
    assert differ(look_afterwards(site), look_afterwards(whole)) == []


def test_what_a_process_may_open_is_no_damage(learned: Site) -> None:
    path = next(learned.world.scenes.rglob("B04.tif"))
    asset = Asset(href=str(path), resolution=10.0)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    held = os.open(os.devnull, os.O_RDONLY)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (held, hard))
        with (
            pytest.raises(StorageError, match="Too many open files"),
            opened(asset, crs="EPSG:32649"),
        ):
            pass
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        os.close(held)
