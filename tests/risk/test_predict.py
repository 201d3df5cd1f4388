"""Risk maps: whole tiles, batches, older nights, and no torch without a model."""

import subprocess
import sys
from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pytest

from agroforest.core.errors import DataError, ModelError
from agroforest.core.risk import EPOCH, Hazard
from agroforest.indices.state import BaselineState
from agroforest.risk import RULE, predict, tile
from agroforest.risk.card import Model

START = 17_000
NIGHT = EPOCH + timedelta(days=START + 400)


@pytest.fixture
def state(make_state) -> BaselineState:
    rng = np.random.default_rng(5)
    excess = rng.normal(0, 0.2, (24, 14)) + rng.choice([0, 0.3], (24, 1))
    flat = make_state(excess.clip(-0.3, 1.0).tolist())
    shape = (4, 6)
    arrays = {k: v.reshape(*v.shape[:-2], *shape) for k, v in flat.arrays().items()}
    found: BaselineState = flat.patch(grid=flat.grid.patch(width=6, height=4), **arrays)
    return found


@pytest.mark.parametrize("judge", ["model", "rule"])
def test_batches_change_nothing(
    judge: str,
    state: BaselineState,
    small_model: Model,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    forest = np.ones((4, 6), dtype=bool)
    forest[0, 1] = forest[3] = False
    model = small_model if judge == "model" else None
    whole = predict(state, night=NIGHT, tile="t", model=model, forest=forest)
    for size in (1, 7, 12):
        monkeypatch.setattr(tile, "_BATCH", size)
        for one, other in zip(
            whole,
            predict(state, night=NIGHT, tile="t", model=model, forest=forest),
            strict=True,
        ):
            np.testing.assert_array_equal(one.probability, other.probability)
            np.testing.assert_array_equal(one.since, other.since)
            np.testing.assert_array_equal(one.evidence, other.evidence)
    assert [m.hazard for m in whole] == [Hazard.CANOPY_STRESS, Hazard.CANOPY_LOSS]
    for found in whole:
        assert np.isnan(found.probability[~forest]).all()
        assert not found.evidence[~forest].any()
        assert np.isfinite(found.probability[forest]).all()
        assert found.model == ("small 1.2.3" if model else RULE)
    assert any(found.detected.any() for found in whole)


@pytest.mark.parametrize("judge", ["model", "rule"])
def test_older_night_does_not_see_newer_scenes(
    judge: str, make_state, small_model: Model
) -> None:
    series = [[0.1, 0, 0.2, 0.3, 0.3, 0.3, 0.3, 0.3]]
    model = small_model if judge == "model" else None
    forest = np.ones((1, 1), dtype=bool)
    night = EPOCH + timedelta(days=START + 45)
    long = predict(
        make_state(series), night=night, tile="t", model=model, forest=forest
    )
    short = predict(
        make_state([series[0][:5]]), night=night, tile="t", model=model, forest=forest
    )
    for one, other in zip(long, short, strict=True):
        np.testing.assert_allclose(one.probability, other.probability, atol=1e-6)
        np.testing.assert_array_equal(one.since, other.since)
        assert one.evidence.tolist() == other.evidence.tolist() == [[START + 40]]


def test_detection_follows_the_threshold(
    state: BaselineState, small_model: Model
) -> None:
    forest = np.ones((4, 6), dtype=bool)

    def at(threshold: float) -> np.ndarray:
        stress, loss = predict(
            state,
            night=NIGHT,
            tile="t",
            model=small_model,
            forest=forest,
            threshold=threshold,
        )
        assert stress.threshold == threshold
        assert loss.threshold == threshold
        for found in (stress, loss):
            assert (found.probability[found.detected] >= threshold).all()
            assert (found.since <= found.evidence).all()
        return stress.detected | loss.detected

    low, high = at(0.05), at(0.85)
    assert low.sum() > high.sum()
    assert not (high & ~low).any()
    assert not at(0.999).any()


def test_pixels_without_a_model_say_nothing(
    state: BaselineState, small_model: Model
) -> None:
    none = np.zeros((4, 6), dtype=np.int32)
    for model in (None, small_model):
        for found in predict(
            state.patch(model_from=none),
            night=NIGHT,
            tile="t",
            model=model,
            forest=np.ones((4, 6), dtype=bool),
        ):
            assert np.isnan(found.probability).all()
            assert not found.evidence.any()


def test_forest_of_another_grid(state: BaselineState) -> None:
    with pytest.raises(DataError, match=r"\(6, 4\)"):
        predict(
            state,
            night=date(2020, 1, 1),
            tile="t",
            model=None,
            forest=np.ones((6, 4), dtype=bool),
        )


def test_model_of_another_task(state: BaselineState, small_model: Model) -> None:
    card = small_model.card
    other = card.answer.model_copy(update={"outputs": ("a", "b", "c")})
    model = replace(small_model, card=card.model_copy(update={"answer": other}))
    with pytest.raises(ModelError, match="canopy-stress"):
        predict(
            state,
            night=NIGHT,
            tile="t",
            model=model,
            forest=np.ones((4, 6), dtype=bool),
        )


def test_a_night_is_judged_without_torch() -> None:
    code = (
        "import sys; sys.modules['torch'] = None\n"
        "import agroforest.risk as r, agroforest.risk.infer, agroforest.risk.rule\n"
        "import numpy as np\n"
        "from agroforest.features import NAMES, FeatureBlock\n"
        "model = r.load_model(r.models_dir() / 'canopy-stress')\n"
        "there = np.ones((16, 3), bool)\n"
        "values = np.zeros((16, len(NAMES), 3), np.float32)\n"
        "block = FeatureBlock(values=values, mask=there, judged=there, "
        "day=there.astype(np.int32))\n"
        "print(r.infer.classify(model, block).shape)\n"
    )
    done = subprocess.run(  # noqa: S603  our own interpreter
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert "(16, 3, 3)" in done.stdout
