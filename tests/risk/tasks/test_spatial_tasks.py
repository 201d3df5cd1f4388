"""The shipped models of scenes: what a user gets for a folder without labels."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from affine import Affine
from numpy.typing import NDArray

from agroforest.risk import ensemble
from agroforest.risk.card import models_dir
from agroforest.risk.metrics import average_precision
from agroforest.risk.tasks import find_task

SHAPE = (40, 52)
# Reflectance of a spruce stand and of the bare ground it leaves, in the order of the
# composites; rounded from textbooks.
STAND = [0.02, 0.02, 0.03, 0.02, 0.05, 0.15, 0.19, 0.2, 0.21, 0.21, 0.09, 0.04]
BARE = [0.04, 0.05, 0.07, 0.08, 0.12, 0.18, 0.2, 0.22, 0.24, 0.25, 0.27, 0.18]


def write(path: Path, numbers: NDArray[Any], crs: str, side: float) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        count=numbers.shape[0],
        height=numbers.shape[1],
        width=numbers.shape[2],
        dtype=numbers.dtype,
        crs=crs,
        transform=Affine(side, 0, 100.0, 0, -side, 40.0),
    ) as data:
        data.write(numbers)


def patch() -> NDArray[np.bool_]:
    where = np.zeros(SHAPE, bool)
    where[10:26, 14:34] = True
    return where


def paint(inside: list[float], outside: list[float]) -> NDArray[np.float64]:
    rng = np.random.default_rng(0)
    where = patch()[None]
    plain = np.where(where, np.array(inside)[:, None, None],
                     np.array(outside)[:, None, None])  # fmt: skip
    noise = rng.normal(1, 0.05, plain.shape)
    return np.asarray(plain * noise * 10_000)


def build_canopy(folder: Path) -> Path:
    for year, inside in (("2023", STAND), ("2024", BARE)):
        numbers = paint(inside, STAND).astype(np.uint16)
        write(folder / year / "stand.tif", numbers, "EPSG:3857", 10.0)
    return folder


def build_fire(folder: Path) -> Path:
    char, grass = [0.03, 0.035, 0.04, 0.07, 0.15], [0.06, 0.08, 0.11, 0.25, 0.2]
    write(folder / "post" / "x.tif", paint(char, grass), "EPSG:4326", 2e-4)
    index = {
        "fire": "x",
        "bands": ["B2", "B3", "B4", "B8", "B12"],
        "shape": list(SHAPE),
        "post": "post/x.tif",
    }
    (folder / "index").mkdir()
    (folder / "index" / "x.json").write_text(json.dumps(index), encoding="utf-8")
    return folder


@pytest.mark.parametrize(
    ("name", "build", "file"),
    [
        ("canopy-damage", build_canopy, "stand.tif"),
        ("burned-area", build_fire, "x.tif"),
    ],
)
def test_the_shipped_model_finds_what_is_plain_to_see(
    tmp_path: Path, name: str, build: Any, file: str
) -> None:
    task = find_task(name)
    model = ensemble.load(task, models_dir() / name)
    out = tmp_path / "out"
    data = tmp_path / "data"
    data.mkdir()
    files = ensemble.predict(task, model, build(data), out)
    assert [f.name for f in files] == [file, "threshold.json"]
    threshold = json.loads((out / "threshold.json").read_text())["threshold"]
    assert threshold == next(iter(model.card.calibration.thresholds.values()))
    with rasterio.open(out / file) as found:
        chance = found.read(1)
        assert found.dtypes == ("float32",)
    assert chance.shape == SHAPE
    assert (chance >= 0).all()
    assert (chance <= 1).all()
    where = patch()
    assert chance[where].mean() > chance[~where].mean() + 0.2
    assert average_precision(where.ravel(), chance.ravel()) > 0.8


@pytest.mark.data
@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "folder", "items", "at_least"),
    [
        ("canopy-damage", "pest_s2_patches", 12, 0.55),
        ("burned-area", "burned_area_s2", 6, 0.6),
    ],
)
def test_copies_judge_places_that_they_have_not_seen(
    data_dir: Path, name: str, folder: str, items: int, at_least: float
) -> None:
    task = find_task(name)
    model = ensemble.load(task, models_dir() / name)
    samples = task.read(data_dir / folder)
    assert model.card.ensemble is not None
    assert set(samples.place.tolist()) == set(model.card.ensemble.held_out)
    some = samples.take(np.argsort(samples.sizes, kind="stable")[-items:])
    answers = ensemble.ask_unseen(task, model, some)
    threshold = ensemble.threshold_of(task, model)
    found = task.measures(some, answers, threshold)
    assert found["f1"](np.ones(len(answers.value))) > at_least
