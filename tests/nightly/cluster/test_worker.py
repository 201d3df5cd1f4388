"""What a worker checks before it works, on real files and locks."""

import asyncio
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from tests.nightly.cluster.test_mounts import task

from agroforest import __version__
from agroforest.core.errors import ConfigurationError, LockedError
from agroforest.nightly.attempts import Fault
from agroforest.nightly.cluster.beacon import Beacon, lit
from agroforest.nightly.cluster.worker import Terms, inspect, work, work_for
from agroforest.nightly.workplace import Workplace
from agroforest.risk import load_model, models_dir

_MODEL = "canopy-stress"
# The process that holds a beacon is another one, as it is on the client.
_HOLDER = """
import sys, pathlib
from agroforest.nightly.cluster.beacon import lit
with lit(pathlib.Path(sys.argv[1])) as beacon:
    print(beacon.name, flush=True)
    sys.stdin.read()
"""


@pytest.fixture(scope="module")
def _client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Terms]:
    root = tmp_path_factory.mktemp("client") / "srv"
    with subprocess.Popen(  # noqa: S603  our own program
        [sys.executable, "-c", _HOLDER, str(root / "p")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as holder:
        assert holder.stdout is not None
        yield Terms(
            version=__version__,
            roots=(str(root),),
            pipeline="p",
            beacon=Beacon(name=holder.stdout.readline().strip()),
            model=None,
            identity="rule",
        )
        holder.communicate()
    assert not list((root / "p").iterdir())


@pytest.fixture
def terms(_client: Terms, monkeypatch: pytest.MonkeyPatch) -> Terms:
    """Terms of another process, whose work folder is the only root."""
    monkeypatch.delenv("AGROFOREST_WORK", raising=False)
    monkeypatch.delenv("AGROFOREST_MOUNTS", raising=False)
    return _client


def problem(terms: Terms) -> str:
    return asyncio.run(inspect(terms)).problem


def test_a_worker_that_shares_everything_is_fit(terms: Terms) -> None:
    found = asyncio.run(inspect(terms))
    assert (found.problem, found.shares_locks) == ("", True)


def test_the_storage_may_be_under_another_path(
    terms: Terms, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mnt").symlink_to(terms.roots[0])
    monkeypatch.setenv("AGROFOREST_WORK", str(tmp_path / "mnt"))
    assert problem(terms) == ""


def test_an_empty_folder_is_not_the_storage(
    terms: Terms, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "disk" / "p").mkdir(parents=True)
    monkeypatch.setenv("AGROFOREST_WORK", str(tmp_path / "disk"))
    assert "disk/p: is not the shared work folder (No such file" in problem(terms)
    # A task that came before the worker was looked at is not done either.
    sent = task(terms.roots[0], f"{terms.roots[0]}/B01.tif")
    with pytest.raises(ConfigurationError, match="is not the shared work folder"):
        work_for(terms, sent)


def test_a_folder_that_cannot_be_written_is_named(terms: Terms) -> None:
    folder = Path(terms.roots[0], "p")
    folder.chmod(0o555)
    try:
        probe = folder / "probe"
        try:
            probe.touch()
        except PermissionError:
            assert "srv/p: cannot be written (Permission denied)" in problem(terms)
        else:
            probe.unlink()
            pytest.skip("this user may write anywhere")
    finally:
        folder.chmod(0o755)


def test_other_versions_are_both_named(terms: Terms) -> None:
    found = problem(replace(terms, version="9.9"))
    assert f"is {__version__} here and 9.9 at the client" in found


def test_locks_that_are_not_felt_are_told(tmp_path: Path, terms: Terms) -> None:
    # As on storage mounted without shared locks: the same file, and nobody's lock.
    copy = tmp_path / "copy"
    shutil.copytree(terms.roots[0], copy)
    found = asyncio.run(inspect(replace(terms, roots=(str(copy),))))
    assert (found.problem, found.shares_locks) == ("", False)


def test_the_model_must_be_the_clients(terms: Terms) -> None:
    identity = load_model(models_dir() / _MODEL).identity
    assert problem(replace(terms, model=_MODEL, identity=identity)) == ""
    other = problem(replace(terms, model=_MODEL, identity="0123"))
    assert f"model {_MODEL}: is {identity} here and 0123 at the client" in other
    assert "no such file" in problem(replace(terms, model="none")).lower()


def test_beacons_of_killed_runs_are_removed(tmp_path: Path) -> None:
    stale = tmp_path / ".beacon-0123"
    stale.touch()
    with lit(tmp_path) as beacon:
        assert [p.name for p in tmp_path.iterdir()] == [beacon.name]


def test_writers_of_a_tile_never_meet(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agroforest.nightly.workplace._TILE_PATIENCE", 0.6)
    place = Workplace(root=tmp_path, pipeline="p")
    scratch = place.folder / "risk" / "49QBF-1" / ".x.0123.part.tif"
    scratch.parent.mkdir(parents=True)
    scratch.touch()
    with place.tile_leased("49QBF-1"):
        assert not scratch.exists()  # a killed worker's
        scratch.touch()
        started = time.monotonic()
        with (
            pytest.raises(LockedError, match="another worker is still busy"),
            place.tile_leased("49QBF-1"),
        ):
            pytest.fail("two writers")
        assert time.monotonic() - started >= 0.6
        assert scratch.exists()
        with place.tile_leased("49QBF-2"):
            pass


def test_no_room_for_a_lease_is_the_machines_fault(tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))  # as a full disk: not a byte
    try:
        result = work(task(str(tmp_path)), model=None)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert result.fault is Fault.PLACE
    assert "cannot be written" in str(result.error)
