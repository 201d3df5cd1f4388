"""The compiled network says what torch says, of every pixel for itself."""

from collections.abc import Callable

import numpy as np
import pytest
import torch

from agroforest.core.errors import ModelError
from agroforest.features import NAMES
from agroforest.risk.card import Answer, Learner, Model, ModelCard
from agroforest.risk.net import SeriesNet, weights_of
from agroforest.risk.series_kernel import logits, prepare


@pytest.fixture
def make_model(make_card: Callable[..., ModelCard], tmp_path) -> Callable[..., Model]:
    def make(width: int, blocks: int, kernel: int, outputs: int) -> Model:
        card = make_card()
        rng = np.random.default_rng(width)
        spec = Learner(family="series", width=width, blocks=blocks, kernel=kernel)
        names = tuple(f"o{i}" for i in range(outputs))
        inputs = card.inputs.model_copy(
            update={
                "centre": tuple(rng.normal(size=len(NAMES))),
                "scale": tuple(rng.uniform(0.3, 3, len(NAMES))),
            }
        )
        answer = Answer(head="classes", outputs=names)
        changes = {"learners": (spec,), "inputs": inputs, "answer": answer}
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(width)
            network = SeriesNet(spec, len(NAMES), outputs)
            with torch.no_grad():  # norms, too, are not 1 and 0
                for weight in network.parameters():
                    weight.add_(torch.randn_like(weight), alpha=0.2)
        changed = card.model_copy(update=changes)
        return Model(folder=tmp_path, card=changed, tensors=weights_of(network))

    return make


def series(dates: int, pixels: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    mask = rng.random((dates, pixels)) < 0.7
    mask[: dates // 3] &= rng.random(pixels) < 0.3  # some begin late
    mask[:, pixels // 2] = False  # and one never
    values = rng.normal(size=(dates, len(NAMES), pixels)) * mask[:, None]
    return values.astype(np.float32), mask


def torch_says(model: Model, values: np.ndarray, mask: np.ndarray) -> np.ndarray:
    spec, inputs = model.card.learners[0], model.card.inputs
    network = SeriesNet(spec, len(NAMES), len(model.card.answer.outputs)).eval()
    network.load_state_dict(
        {name: torch.from_numpy(np.array(t)) for name, t in model.tensors.items()}
    )
    normal = (values.transpose(2, 0, 1) - np.array(inputs.centre)) / inputs.scale
    with torch.inference_mode():
        found = network(
            torch.from_numpy(normal.astype(np.float32)),
            torch.from_numpy(mask.T.copy()),
        )
    said: np.ndarray = found.numpy().transpose(1, 2, 0)
    return said


@pytest.mark.parametrize(
    ("width", "blocks", "kernel", "outputs", "dates", "pixels"),
    [
        (24, 3, 3, 4, 16, 100),
        (8, 2, 3, 3, 15, 33),
        (10, 1, 2, 1, 1, 16),
        (6, 4, 3, 5, 40, 3),
    ],
)
def test_it_says_what_torch_says(
    make_model, width, blocks, kernel, outputs, dates, pixels
) -> None:
    model = make_model(width, blocks, kernel, outputs)
    values, mask = series(dates, pixels)
    found = logits(prepare(model.card, model.tensors), values, mask, outputs)
    assert found.shape == (dates, outputs, pixels)
    assert found.dtype == np.float32
    asked = np.broadcast_to(mask[:, None], found.shape)
    expected = torch_says(model, values, mask)
    assert expected[asked].std() > 0.1
    np.testing.assert_allclose(found[asked], expected[asked], rtol=1e-4, atol=2e-5)


def test_a_pixel_does_not_know_its_neighbours(make_model) -> None:
    model = make_model(24, 3, 3, 4)
    weights = prepare(model.card, model.tensors)
    values, mask = series(16, 50)
    whole = logits(weights, values, mask, 4)
    order = np.random.default_rng(1).permutation(50)[:21]
    part = logits(weights, values[..., order], mask[:, order], 4)
    asked = np.broadcast_to(mask[:, None, order], part.shape)
    np.testing.assert_array_equal(part[asked], whole[..., order][asked])


def test_no_pixels(make_model) -> None:
    model = make_model(8, 2, 3, 3)
    values, mask = series(16, 1)
    weights = prepare(model.card, model.tensors)
    assert logits(weights, values[..., :0], mask[:, :0], 3).shape == (16, 3, 0)


def test_weights_of_another_card(make_model) -> None:
    model = make_model(8, 2, 3, 3)
    tensors = {k: v for k, v in model.tensors.items() if k != "blocks.1.mix.bias"}
    with pytest.raises(ModelError, match=r"blocks\.1\.mix\.bias"):
        prepare(model.card, tensors)
    wide = Learner(family="series", width=16, blocks=2, kernel=3)
    other = model.card.model_copy(update={"learners": (wide,)})
    with pytest.raises(ModelError, match="do not fit"):
        prepare(other, model.tensors)


def test_features_of_another_schema(make_model) -> None:
    model = make_model(8, 2, 3, 3)
    values, mask = series(16, 20)
    with pytest.raises(ValueError, match="16 features"):
        logits(prepare(model.card, model.tensors), values[:, :16], mask, 3)
