"""Scenes that are damaged, replaced or changed while they are read."""

import json
import random
import shutil
from collections.abc import Callable
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.nightly.alone import run_alone
from tests.nightly.conftest import Site
from tests.nightly.faults.nights import NIGHTS, differ, run
from tests.nightly.outcome import look, rows

from agroforest.core.scene import Asset
from agroforest.cube import reader, source
from agroforest.nightly.observe import DayImage, read_days
from agroforest.nightly.plan import TileTask
from agroforest.nightly.result import Refusal
from agroforest.nightly.run import run_nights
from agroforest.products.compute import MaskRule
from agroforest.testing.reliability import record

pytestmark = [
    pytest.mark.slow,
    pytest.mark.enable_socket,
    pytest.mark.usefixtures("alone"),
]

POSITIONS = 48
NIGHT = NIGHTS[1]  # its scene sees most of both tiles


def truncate(content: bytes, at: float) -> bytes:
    return content[: int(at * len(content))]


def flip(content: bytes, at: float) -> bytes:
    place = int(at * len(content))
    bit = 1 << int(at * 1e6) % 8
    return content[:place] + bytes([content[place] ^ bit]) + content[place + 1 :]


def zero(content: bytes, at: float) -> bytes:
    """Blank a block of a disk, with the end of it not before something is lost."""
    start = int(at * len(content))
    stop = start + 4096
    while stop < len(content) and not any(content[start:stop]):
        stop += 4096
    blank = content[:start] + bytes(len(content[start:stop])) + content[stop:]
    return blank if blank != content else content[:start]


DAMAGES = [truncate, flip, zero]


@pytest.fixture(scope="module")
def task(learned: Site) -> TileTask:
    """A tile's task of a night, with a scene that sees it."""
    with run_alone():
        (outcome,) = run_nights(
            learned.pipeline, [NIGHT], work=learned.work, dry_run=True
        )
    found = outcome.plan.tasks[0]
    return found.patch(scenes=tuple(s for s in found.scenes if s.date == NIGHT))


@pytest.fixture(scope="module")
def seen(task: TileTask) -> DayImage:
    """What the tile sees of the scene."""
    (image,), refused = read(task)
    assert not refused
    assert image.usable.mean() > 0.5
    return image


def read(task: TileTask) -> tuple[list[DayImage], list[Refusal]]:
    refused: list[Refusal] = []
    days = read_days(task, names=task.pipeline.indices, refused=refused)
    return list(days), refused


def pick_files(task: TileTask) -> list[str]:
    """Names of the bands that a night reads, and of the mask."""
    (granule,) = task.scenes[0].granules
    return [*sorted(granule.bands), "mask"]


def find_asset(task: TileTask, name: str) -> Asset:
    (granule,) = task.scenes[0].granules
    return granule.mask if name == "mask" else granule.bands[name]


def put(task: TileTask, name: str, asset: Asset) -> TileTask:
    """Have a band, or the mask, read from another file."""
    (scene,) = task.scenes
    (granule,) = scene.granules
    if name == "mask":
        changed = granule.patch(mask=asset)
    else:
        changed = granule.patch(bands={**granule.bands, name: asset})
    return task.patch(scenes=(type(scene)(id=scene.id, granules=(changed,)),))


def is_same(image: DayImage, other: DayImage) -> bool:
    return (
        np.array_equal(image.bands, other.bands, equal_nan=True)
        and np.array_equal(image.usable, other.usable)
        and image.indices.keys() == other.indices.keys()
        and all(np.array_equal(image.indices[k], v) for k, v in other.indices.items())
    )


@pytest.mark.parametrize("damage", DAMAGES)
def test_damage_anywhere_is_found(
    damage: Callable[[bytes, float], bytes],
    task: TileTask,
    seen: DayImage,
    tmp_path: Path,
) -> None:
    chance = random.Random(damage.__name__)  # noqa: S311  no secret
    names = pick_files(task)
    survived = 0
    for number in range(POSITIONS):
        name = names[number % len(names)]
        asset = find_asset(task, name)
        path = tmp_path / f"{number}-{Path(asset.href).name}"
        path.write_bytes(damage(Path(asset.href).read_bytes(), chance.random()))
        images, refused = read(put(task, name, asset.patch(href=str(path))))
        if refused:
            survived += not images and refused[0].where == str(path)
        else:  # a band that no index of tonight asks for
            survived += is_same(images[0], seen)
    record(
        "fault",
        f"scene damaged at a random byte: {damage.__name__}",
        tried=POSITIONS,
        survived=survived,
        note="put aside and named, or pixels equal where the file is not needed",
    )
    assert survived == POSITIONS


@pytest.mark.parametrize("damage", DAMAGES)
def test_damage_without_a_checksum_is_no_crash(
    damage: Callable[[bytes, float], bytes], task: TileTask, tmp_path: Path
) -> None:
    """Of remote files nobody has a checksum: what the codec misses is not found."""
    chance = random.Random(damage.__name__)  # noqa: S311  no secret
    names = pick_files(task)
    survived = 0
    for number in range(POSITIONS):
        name = names[number % len(names)]
        asset = find_asset(task, name)
        path = tmp_path / f"{number}-{Path(asset.href).name}"
        path.write_bytes(damage(Path(asset.href).read_bytes(), chance.random()))
        bare = asset.patch(href=str(path), sha256=None)
        images, refused = read(put(task, name, bare))
        survived += bool(images) != bool(refused)
    record(
        "fault",
        f"scene without a checksum damaged: {damage.__name__}",
        tried=POSITIONS,
        survived=survived,
        note="put aside, or read as it is: numbers are only sure with a checksum",
    )
    assert survived == POSITIONS


#: Before which a file is changed: the first opens the scene.
STEPS: list[tuple[Any, str]] = [
    (source, "read_window"),
    (reader, "read_plane"),
    (reader, "read_flags"),
    (MaskRule, "reader"),
]


def rename_over(path: Path, content: bytes) -> None:
    other = path.with_suffix(".new")
    other.write_bytes(content)
    other.replace(path)


def write_into(path: Path, content: bytes) -> None:
    path.write_bytes(content)


def cut(path: Path, content: bytes) -> None:
    del content
    with path.open("r+b") as stream:
        stream.truncate(path.stat().st_size // 2)


@pytest.mark.parametrize("change", [rename_over, write_into, cut])
def test_a_file_replaced_while_it_is_read(
    change: Callable[[Path, bytes], None],
    task: TileTask,
    seen: DayImage,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """At each moment between the opening of a scene's files and the last pixel."""
    survived = tried = 0
    for name in ("mask", "B04", "B8A"):
        asset = find_asset(task, name)
        other = flip(Path(asset.href).read_bytes(), 0.9)
        for moment in range(4):
            path = tmp_path / f"{name}-{moment}.tif"
            shutil.copyfile(asset.href, path)
            changed = put(task, name, asset.patch(href=str(path)))
            left = [moment]
            with monkeypatch.context() as patch:
                harm = partial(change, path, other)
                for place, step in STEPS:
                    stepping = at(left, harm, getattr(place, step))
                    patch.setattr(place, step, stepping)
                images, refused = read(changed)
            assert left[0] < 0, "it was never changed"
            tried += 1
            if refused:
                survived += not images and refused[0].where == str(path)
            else:  # it was closed before it was changed
                survived += is_same(images[0], seen)
    record(
        "fault",
        "scene replaced while it is read: renamed over, written into, cut",
        tried=tried,
        survived=survived,
        note="put aside and named, or its old pixels throughout",
    )
    assert survived == tried


def at(left: list[int], then: Callable[[], None], step: Callable[..., Any]) -> Any:
    """Do something before the step whose turn it is."""

    def stepping(*args: Any, **kwargs: Any) -> Any:
        if left[0] == 0:
            then()
        left[0] -= 1
        return step(*args, **kwargs)

    return stepping


#: Column of `alert`: the night on which it was last seen. The night without the scene
#: saw what was known before, and a night that has been judged is not unlearned.
_LAST_NIGHT = 13


def look_afterwards(site: Site) -> dict[str, object]:
    """What a night leaves, but for what it says of itself and of the scene."""
    found = look(site.work, without=OWN)
    alerts = rows(site.work)["alert"]
    return found | {
        "alert": [a[:_LAST_NIGHT] + a[_LAST_NIGHT + 1 :] for a in alerts],
    }


def own_scene(site: Site, folder: Path, day: date) -> Path:
    """Give a site its own copy of a day's product; its folder."""
    (item,) = (site.work / "catalog").rglob(f"{day:%Y%m%d}_*.json")
    text = item.read_text(encoding="utf-8")
    asset = next(iter(json.loads(text)["assets"].values()))["href"]
    old = Path(asset).parent
    new = folder / old.name
    shutil.copytree(old, new)
    item.write_text(text.replace(str(old), str(new)), encoding="utf-8")
    return new


# What a night that was disturbed says of itself; and that the scene was put aside.
OWN = frozenset(
    {"reports", "maps", "run", "catalog", "quarantine", "scene_use", "tile_task"}
)


@pytest.fixture(scope="module")
def clean(learned: Site, tmp_path_factory: pytest.TempPathFactory) -> dict[str, object]:
    site = learned.copy(tmp_path_factory.mktemp("whole"))
    with run_alone():
        run(site, [NIGHT])
    return look_afterwards(site)


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("band", ["B04.tif", "SCL.tif"])
def test_a_damaged_scene_is_put_aside_and_read_once_it_is_mended(
    damage: Callable[[bytes, float], bytes],
    band: str,
    learned: Site,
    clean: dict[str, object],
    tmp_path: Path,
) -> None:
    spoiled = learned.copy(tmp_path)
    found = own_scene(spoiled, tmp_path, NIGHT) / band
    whole = found.read_bytes()
    found.write_bytes(damage(whole, 0.7))
    (outcome,) = run(spoiled, [NIGHT])
    report = outcome.report
    assert report is not None
    named = {q["where"] for q in report["quarantined"]}
    again = run(spoiled, [NIGHT])[0].report  # nobody mended it: nothing to do
    found.write_bytes(whole)
    run(spoiled, [NIGHT])
    right = (
        named == {str(found)}
        and again is None
        and differ(look_afterwards(spoiled), clean) == []
    )
    record(
        "fault",
        "scene damaged for a night, then mended",
        tried=1,
        survived=int(right),
        note="put aside and named; mended, it is read and all is as in a clean run",
    )
    assert named == {str(found)}
    assert again is None
    assert differ(look_afterwards(spoiled), clean) == []
