"""Small states of known seasons, and small models."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
import torch

from agroforest.core.grid import Grid
from agroforest.features import DIGEST, NAMES
from agroforest.indices.baseline import BANDS, SIGNALS
from agroforest.indices.season import COEFFICIENTS, NODATA
from agroforest.indices.state import BaselineState
from agroforest.risk.card import (
    Answer,
    Calibration,
    Inputs,
    Learner,
    Limits,
    Model,
    ModelCard,
    Purpose,
    Training,
    Weights,
    save_model,
)
from agroforest.risk.datasets.canopy_stress import OUTPUTS
from agroforest.risk.net import SeriesNet, weights_of

START = 17_000
SEASON = {"B02": 200, "B03": 400, "B04": 300, "B8A": 2000, "B11": 1000, "B12": 2000}

MakeState = Callable[..., BaselineState]


@pytest.fixture
def make_state() -> MakeState:
    """State of pixels with a flat season of CRSWIR 0.5, and given rings.

    With B8A = B12 = 0.2 the continuum under B11 is 0.2, so CRSWIR is B11 / 0.2.
    """

    def make(
        excess: Sequence[Sequence[float]],
        *,
        step: int = 10,
        slots: int = 16,
        model_from: int = START,
        changes: dict[str, int] | None = None,
    ) -> BaselineState:
        n = len(excess)
        ring = np.full((slots, len(BANDS), 1, n), NODATA, dtype=np.int16)
        ring_day = np.zeros((slots, 1, n), dtype=np.int32)
        for pixel, series in enumerate(excess):
            for number, value in enumerate(series):
                slot = slots - len(series) + number
                bands = {**SEASON, **(changes or {})}
                bands["B11"] = round((0.5 + value) * 2000)
                ring[slot, :, 0, pixel] = [bands[b] for b in BANDS]
                ring_day[slot, 0, pixel] = START + step * number
        coefficients = np.zeros((len(SIGNALS), COEFFICIENTS, 1, n), dtype=np.int16)
        season = [*(SEASON[b] for b in BANDS), 5000]
        coefficients[:, 0] = np.array(season, dtype=np.int16)[:, None, None]
        spread = np.full((len(SIGNALS), 1, n), 100, dtype=np.int16)
        return BaselineState(
            grid=Grid(
                crs="EPSG:32649", left=0, top=10, resolution=10, width=n, height=1
            ),
            coefficients=coefficients,
            spread=spread,
            model_from=np.full((1, n), model_from, dtype=np.int32),
            clear_count=np.full((1, n), 20, dtype=np.int16),
            cut_day=np.zeros((1, n), dtype=np.int32),
            ring_day=ring_day,
            ring=ring,
            scene_day=np.zeros(0, dtype=np.int32),
            scene_median=np.zeros((0, len(SIGNALS)), dtype=np.float32),
            scenes=(),
        )

    return make


def _card(features: tuple[str, ...] = NAMES, digest: str = DIGEST) -> ModelCard:
    count = len(features)
    return ModelCard(
        name="small",
        version="1.2.3",
        licence="Apache-2.0",
        purpose=Purpose(zh="测试", en="test"),
        inputs=Inputs(
            features=features,
            digest=digest,
            centre=(0.0,) * count,
            scale=(1.0,) * count,
            steps=16,
        ),
        answer=Answer(head="classes", outputs=OUTPUTS),
        learners=(Learner(family="series", width=8, blocks=2, kernel=3),),
        weights=Weights(sha256="0" * 64, parameters=1),
        training=Training(
            data="none",
            data_sha256="0" * 16,
            simulated=True,
            split="none",
            seed=0,
            recipe="none",
        ),
        calibration=Calibration(
            temperature=1.0,
            thresholds={"canopy-disturbed": 0.3},
            confirmations=2,
        ),
        metrics=(),
        limits=Limits(zh=("测试",), en=("test",), never_tested=("Guangxi",)),
    )


@pytest.fixture
def make_card() -> Callable[..., ModelCard]:
    """Card of a network that nobody trained."""
    return _card


@pytest.fixture
def small_model(tmp_path: Path, make_card: Callable[..., ModelCard]) -> Model:
    """Model of random weights, saved and loaded again."""
    card = make_card()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        network = SeriesNet(card.learners[0], len(NAMES), len(OUTPUTS))
    return save_model(tmp_path / "small", card, weights_of(network))
