"""A model or a catalogue that is damaged or gone for a night, and whole again."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.nightly.alone import run_alone
from tests.nightly.conftest import Site
from tests.nightly.faults.nights import NIGHTS, differ, run
from tests.nightly.outcome import look

from agroforest.nightly.run import NightOutcome, run_nights
from agroforest.risk import models_dir
from agroforest.testing.reliability import record

pytestmark = [
    pytest.mark.slow,
    pytest.mark.enable_socket,
    pytest.mark.usefixtures("alone"),
]

NIGHT, LATER = NIGHTS[0], NIGHTS[1]
# Reports and maps are of nights, and nights were told apart what they had.
OWN = frozenset({"reports", "maps", "run", "catalog"})


@pytest.fixture(scope="module")
def clean(learned: Site, tmp_path_factory: pytest.TempPathFactory) -> dict[str, object]:
    site = learned.copy(tmp_path_factory.mktemp("whole"))
    with run_alone():
        run(site, [NIGHT])
    return look(site.work, without=OWN)


def vanish_items(catalog: Path) -> None:
    for item in catalog.rglob("202411*.json"):
        item.unlink()


def vanish_lists(catalog: Path) -> None:
    for name in ("catalog.json", "collection.json"):
        for path in list(catalog.rglob(name)):
            path.unlink()


def repeat_items(catalog: Path) -> None:
    for item in list(catalog.rglob("202411*.json")):
        shutil.copyfile(item, item.with_name(f"{item.stem}_again.json"))


@pytest.mark.parametrize("harm", [vanish_items, vanish_lists, repeat_items])
def test_a_catalogue_that_forgets(
    harm: Callable[[Path], None],
    learned: Site,
    clean: dict[str, object],
    tmp_path: Path,
) -> None:
    site = learned.copy(tmp_path)
    catalog = site.work / "catalog"
    shutil.copytree(catalog, tmp_path / "kept")
    harm(catalog)
    run(site, [NIGHT])
    shutil.rmtree(catalog)
    shutil.copytree(tmp_path / "kept", catalog)
    run(site, [NIGHT])
    found = differ(look(site.work, without=OWN), clean)
    record(
        "fault",
        "catalogue forgets scenes or lists, or names a scene twice, for a night",
        tried=1,
        survived=int(not found),
        note="nothing is lost, nothing is taken twice",
    )
    assert found == []


def flip(folder: Path) -> None:
    path = folder / "weights.safetensors"
    content = path.read_bytes()
    middle = len(content) // 2
    path.write_bytes(
        content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]
    )


def truncate(folder: Path) -> None:
    path = folder / "weights.safetensors"
    os.truncate(path, path.stat().st_size // 2)


def lose_weights(folder: Path) -> None:
    (folder / "weights.safetensors").unlink()


def lose_all(folder: Path) -> None:
    shutil.rmtree(folder)


def judge(site: Site, model: Path) -> NightOutcome:
    risk = site.pipeline.risk.model_copy(update={"model": str(model)})
    pipeline = site.pipeline.model_copy(update={"risk": risk})
    (outcome,) = run_nights(pipeline, [NIGHT], work=site.work)
    return outcome


@pytest.mark.parametrize("harm", [flip, truncate, lose_weights, lose_all])
def test_a_model_that_is_damaged_judges_nothing(
    harm: Callable[[Path], None],
    learned: Site,
    clean: dict[str, object],
    tmp_path: Path,
) -> None:
    site = learned.copy(tmp_path)
    model = tmp_path / "canopy-stress"
    shutil.copytree(models_dir() / "canopy-stress", model)
    harm(model)
    report = judge(site, model).report
    assert report is not None
    named = any("canopy-stress" in note for note in report["notes"])
    ruled = report["model"].startswith("rule-based")
    shutil.rmtree(model, ignore_errors=True)
    shutil.copytree(models_dir() / "canopy-stress", model)
    mended = judge(site, model).report
    assert mended is not None
    rasters = {k for k in clean if k.endswith(".tif")}
    found = {k for k in differ(look(site.work, without=OWN), clean) if k in rasters}
    right = named and ruled and not found
    record(
        "fault",
        "model damaged, cut, without weights or gone for a night",
        tried=1,
        survived=int(right),
        note="named, the published rule judges; mended, it judges everything again",
    )
    assert named
    assert ruled
    assert found == set()
