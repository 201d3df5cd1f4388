"""Networks without trees, and composites without the bands of 60 m."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from agroforest.core.errors import ModelError
from agroforest.core.grid import Grid
from agroforest.core.scene import BANDS
from agroforest.products.composite import FILLED, NEEDED
from agroforest.products.composite.stand_in import fill
from agroforest.risk import ensemble
from agroforest.risk.card import Model, models_dir
from agroforest.risk.networks_alone import SUFFIX, choose_networks_threshold
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
    return choose_networks_threshold(TASK, model, scenes)


@pytest.mark.data
@pytest.mark.slow
def test_the_card_holds_the_best_threshold_of_the_networks(
    model: Model, best: tuple[float, float]
) -> None:
    found, f1 = best
    assert found == model.card.calibration.thresholds[DAMAGED + SUFFIX]
    assert f1 == pytest.approx(0.681, abs=0.001)


@pytest.mark.data
@pytest.mark.slow
def test_filled_bands_cost_less_than_a_hundredth(
    model: Model, scenes: Scenes, best: tuple[float, float]
) -> None:
    values = tuple(_without_60_m(v) for v in scenes.values)
    _, whole = best
    _, left = choose_networks_threshold(TASK, model, replace(scenes, values=values))
    assert whole - 0.01 < left <= whole


def test_a_place_that_was_not_learned_from_is_refused(model: Model) -> None:
    one = np.zeros((24, 8, 8), np.float32)
    grid = Grid(crs="EPSG:3857", left=0, top=0, resolution=10, width=8, height=8)
    scenes = Scenes(
        values=(one,),
        place=np.array(["elsewhere"]),
        name=("elsewhere",),
        grid=(grid,),
        truth=(one[0],),
    )
    with pytest.raises(ModelError, match="not been trained on elsewhere"):
        choose_networks_threshold(TASK, model, scenes)


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
