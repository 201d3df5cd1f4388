"""A disk that is full, and folders that cannot be written: the next run mends it."""

import gc
import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import pytest
from tests.nightly.alone import run_alone
from tests.nightly.conftest import Site
from tests.nightly.faults.disk import Disk, mounted
from tests.nightly.faults.nights import NIGHT, differ, run
from tests.nightly.outcome import look

from agroforest.core.errors import AgroforestError
from agroforest.nightly import night as nightly
from agroforest.nightly.workplace import Workplace
from agroforest.store import Store
from agroforest.store.state import StateUpdate
from agroforest.testing.reliability import record

pytestmark = [
    pytest.mark.slow,
    pytest.mark.enable_socket,
    pytest.mark.usefixtures("alone"),
]

SIZES = 8
# What a night that was disturbed says of itself, and what is drawn of that.
OWN = frozenset({"reports", "maps", "run"})


@pytest.fixture(scope="module")
def disk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Disk]:
    with mounted(tmp_path_factory.mktemp("disk") / "mount", 64 << 20) as found:
        yield found


@pytest.fixture(scope="module")
def clean(disk: Disk, learned: Site) -> tuple[dict[str, object], int]:
    """What an undisturbed night leaves, and the bytes that it takes."""
    site = start(disk, learned)
    before = disk.free
    with run_alone():
        run(site, [NIGHT])
    return look(site.work, without=OWN), before - disk.free


def start(disk: Disk, learned: Site) -> Site:
    gc.collect()  # files of a failed run that are still open take room
    work = disk.root / "work"
    shutil.rmtree(work, ignore_errors=True)
    shutil.copytree(learned.work, work)
    return Site(world=learned.world, work=work)


def disturb(site: Site, harm: AbstractContextManager[Any] | None = None) -> str:
    """Run a night that hardly goes well; what it says about that, if anything."""
    with harm or nullcontext():
        try:
            (outcome,) = run(site, [NIGHT])
        except AgroforestError as error:
            return str(error)
    assert outcome.report is not None
    if outcome.report["status"] == "done":
        return ""
    errors = [t["error"] for t in outcome.report["tiles"] if t["error"]]
    assert outcome.report["status"] == "partial"
    named = {
        s for g in outcome.report["gaps"] if g["kind"] == "failed" for s in g["tiles"]
    }
    assert named == set(outcome.failed)
    return str(errors[0])


def test_a_full_disk_of_any_size(
    disk: Disk, learned: Site, clean: tuple[dict[str, object], int]
) -> None:
    wanted, need = clean
    survived = 0
    for number in range(SIZES):
        site = start(disk, learned)
        disk.fill(need * number // SIZES)
        said = disturb(site)
        disk.give_back()
        assert "\n" not in said
        assert not said or (str(site.work) in said and "room" in said)
        assert said or number
        run(site, [NIGHT])
        assert differ(look(site.work, without=OWN), wanted) == []
        survived += 1
    record(
        "fault",
        "disk full, after none to seven eighths of what a night writes",
        tried=SIZES,
        survived=survived,
        note="one line names the folder; with room again, the next run completes it",
    )


@pytest.mark.parametrize(
    ("place", "step"),
    [
        (StateUpdate, "commit"),
        (Store, "record_night"),
        (nightly, "write_report"),
        (nightly, "write_map"),
    ],
)
def test_a_disk_that_is_full_from_one_step_on(
    place: object,
    step: str,
    disk: Disk,
    learned: Site,
    clean: tuple[dict[str, object], int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    site = start(disk, learned)
    with monkeypatch.context() as patch:
        patch.setattr(place, step, after(disk.fill, getattr(place, step)))
        said = disturb(site)
    disk.give_back()
    run(site, [NIGHT])
    right = differ(look(site.work, without=OWN), clean[0]) == []
    whole = Workplace(root=site.work, pipeline=site.pipeline.name).map(NIGHT).exists()
    record(
        "fault",
        "disk full when state, rows, report or map are written",
        tried=1,
        survived=int(right and whole),
        note="one line names the folder; with room again, the next run completes it",
    )
    assert right
    assert whole
    assert str(site.work) in said
    assert "\n" not in said


def after(first: Callable[[], None], then: Callable[..., Any]) -> Callable[..., Any]:
    def both(*args: Any, **kwargs: Any) -> Any:
        first()
        return then(*args, **kwargs)

    return both


@pytest.mark.parametrize("part", ["", "gaofeng-demo", "gaofeng-demo/state.zarr"])
def test_a_folder_that_cannot_be_written(
    part: str, disk: Disk, learned: Site, clean: tuple[dict[str, object], int]
) -> None:
    site = start(disk, learned)
    folder = site.work / part
    before = look(site.work, without=OWN)
    said = disturb(site, disk.forbidden(folder))
    written = differ(look(site.work, without=OWN), before)
    run(site, [NIGHT])
    right = differ(look(site.work, without=OWN), clean[0]) == []
    record(
        "fault",
        "read-only folder: work, pipeline or state",
        tried=1,
        survived=int(right),
        note="one line names the folder; once it can be written the next run is right",
    )
    assert right
    assert str(site.work) in said, said
    assert "\n" not in said
    # Whatever was written says that the tiles failed: no row says that they are done.
    assert "alert" not in written
    assert "scene_use" not in written
