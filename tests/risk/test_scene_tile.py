"""Whole tiles: what a block says is what the whole scene would say."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.special import logit

from agroforest.core.errors import ModelError
from agroforest.core.grid import Grid
from agroforest.risk import ensemble, scene_tile
from agroforest.risk.background import Background
from agroforest.risk.blocks import Window
from agroforest.risk.card import Model, models_dir
from agroforest.risk.scene_tile import judge_tile
from agroforest.risk.scenes import Scenes, SceneStudent
from agroforest.risk.task import Task
from agroforest.risk.tasks import find_task

SHAPE = (150, 210)


@pytest.fixture(scope="module")
def task() -> Task[Scenes]:
    return find_task("canopy-damage")


@pytest.fixture(scope="module")
def model(task: Task[Scenes]) -> Model:
    return ensemble.load(task, models_dir() / "canopy-damage")


@pytest.fixture(scope="module")
def values() -> NDArray[np.float32]:
    rng = np.random.default_rng(0)
    tile = rng.uniform(0.02, 0.3, (24, *SHAPE)).astype(np.float32)
    tile[:12, 30:60, 40:90] = np.nan  # the earlier year has a gap
    return tile


def judge(
    task: Task[Scenes], model: Model, tile: NDArray[np.float32], *, exact: bool = True
) -> NDArray[np.float32]:
    found = np.full(tile.shape[1:], np.nan, np.float32)
    times = np.zeros(tile.shape[1:], int)

    def read(window: Window) -> NDArray[np.float32]:
        return tile[:, *window]

    for window, chance in judge_tile(task, model, read, SHAPE, workers=2, exact=exact):
        found[window] = chance
        times[window] += 1
    assert (times == 1).all()
    return found


def test_a_tile_is_judged_as_the_networks_judge_a_scene(
    task: Task[Scenes],
    model: Model,
    values: NDArray[np.float32],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    height, width = SHAPE
    scene = Scenes(
        values=(values,),
        place=np.array(["new"]),
        name=("new",),
        grid=(
            Grid(
                crs="EPSG:32649",
                left=0.0,
                top=0.0,
                resolution=10.0,
                width=width,
                height=height,
            ),
        ),
    )
    folds = range(task.folds)
    said = [
        task.students[0].say(ensemble.own_tensors(model.tensors, 0, fold), scene)
        for fold in folds
    ]
    logits = np.mean(said, axis=0)[:, 0] / model.card.learners[0].temperature
    wanted = (1 / (1 + np.exp(-logits))).reshape(SHAPE)
    monkeypatch.setattr(scene_tile, "_BLOCK", 64)
    np.testing.assert_allclose(judge(task, model, values), wanted, atol=2e-5)


def test_a_levelled_student_is_levelled_here_too(
    task: Task[Scenes], model: Model, values: NDArray[np.float32]
) -> None:
    """In one block, the answer moves as a whole: by what its background is off."""
    network = task.students[0]
    assert isinstance(network, SceneStudent)
    temperature = model.card.learners[0].temperature
    plain = judge(task, model, values)
    stands = float(np.quantile(logit(plain), 0.7)) * temperature

    def level(usual: float) -> NDArray[np.float32]:
        background = Background(quantile=0.7, usual=usual, furthest=9.0)
        own = replace(network, background=background)
        changed = replace(task, students=(own, *task.students[1:]))
        return judge(changed, model, values)

    found = level(stands - 1)
    moved = logit(found.astype(np.float64)) - logit(plain.astype(np.float64))
    np.testing.assert_allclose(moved, moved.mean(), atol=1e-3)
    assert np.quantile(logit(found), 0.7) * temperature == pytest.approx(
        stands - 1, abs=0.2
    )
    np.testing.assert_array_equal(level(stands + 9), plain)  # lower already


def test_sixteen_bits_change_little(
    task: Task[Scenes], model: Model, values: NDArray[np.float32]
) -> None:
    exact = judge(task, model, values)
    rough = judge(task, model, values, exact=False)
    assert np.abs(exact - rough).max() < 0.1
    assert np.abs(exact - rough).mean() < 0.01


def test_where_nothing_is_known_nothing_is_said(
    task: Task[Scenes],
    model: Model,
    values: NDArray[np.float32],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(scene_tile, "_BLOCK", 64)
    empty = values.copy()
    empty[:, :, 100:] = np.nan
    found = judge(task, model, empty)
    assert np.isfinite(found[:, :100]).all()
    assert np.isnan(found[:, 192:]).all()  # the surroundings of the last block too


def test_a_task_without_a_network_is_refused(task: Task[Scenes], model: Model) -> None:
    trees = replace(task, students=task.students[1:])
    with pytest.raises(ModelError, match="no network over space"):
        list(judge_tile(trees, model, lambda _: np.zeros(0, np.float32), SHAPE))
