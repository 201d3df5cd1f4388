"""Networks without trees, and composites without the bands of 60 m."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from agroforest.core.scene import BANDS
from agroforest.products.composite import FILLED, NEEDED
from agroforest.products.composite.stand_in import fill
from agroforest.risk import ensemble
from agroforest.risk.calibrate import choose_threshold, is_known, probabilities
from agroforest.risk.card import ALONE, Model, models_dir
from agroforest.risk.scenes import Scenes
from agroforest.risk.tasks.canopy_damage import DAMAGED, TASK


@pytest.fixture(scope="module")
def model() -> Model:
    return ensemble.load(TASK, models_dir() / TASK.name)


@pytest.fixture(scope="module")
def scenes(data_dir: Path) -> Scenes:
    return TASK.read(data_dir / "pest_s2_patches")


@pytest.fixture(scope="module")
def best(model: Model, scenes: Scenes) -> tuple[float, float]:
    return ask_alone(model, scenes)


def ask_alone(model: Model, scenes: Scenes) -> tuple[float, float]:
    """Best threshold and its F1 of the networks that have not seen the place."""
    assert model.card.ensemble is not None
    held_out = model.card.ensemble.held_out
    part = np.array([held_out[place] for place in scenes.place])
    said = ensemble.out_of_fold(TASK, 0, model.tensors, scenes, part)
    (learner, *_) = model.card.learners
    assert learner.family == TASK.alone
    chance = probabilities(said, TASK.answer, learner.temperature)[:, 0]
    truth = scenes.target
    assert truth is not None
    known = is_known(truth) & np.isfinite(chance)
    return choose_threshold(truth[known] > 0, chance[known])


@pytest.mark.data
@pytest.mark.slow
def test_the_card_holds_the_best_threshold_of_the_networks(
    model: Model, best: tuple[float, float]
) -> None:
    found, f1 = best
    assert found == model.card.calibration.thresholds[DAMAGED + ALONE]
    whole = next(m.value for m in model.card.metrics if m.name == "f1")
    assert whole - 0.015 < f1 < whole


@pytest.mark.data
@pytest.mark.slow
def test_filled_bands_cost_less_than_a_hundredth(
    model: Model, scenes: Scenes, best: tuple[float, float]
) -> None:
    values = tuple(_without_60_m(v) for v in scenes.values)
    _, whole = best
    _, left = ask_alone(model, replace(scenes, values=values))
    assert whole - 0.01 < left <= whole


def _without_60_m(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Both dates with the two bands estimated, as a composite would."""
    changed = values.copy()
    for first in (0, len(BANDS)):
        numbers = np.nan_to_num(np.rint(values[first : first + len(BANDS)] * 10_000))
        needed = numbers[[BANDS.index(b) for b in NEEDED]].astype(np.uint16)
        for band in FILLED:
            filled = fill(band, needed) / np.float32(10_000)
            changed[first + BANDS.index(band)] = np.where(filled > 0, filled, np.nan)
    return changed
