"""The network looks back only, and only at what is there."""

import numpy as np
import pytest
import torch

from agroforest.features import NAMES
from agroforest.risk.card import Learner
from agroforest.risk.net import AttentionBlock, DenseNet, SeriesNet, WindowNet

SPEC = Learner(family="series", width=8, blocks=3, kernel=3)


@pytest.fixture
def network() -> SeriesNet:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        return SeriesNet(SPEC, len(NAMES), 2).eval()


@pytest.fixture
def values() -> torch.Tensor:
    rng = np.random.default_rng(4)
    return torch.from_numpy(rng.normal(size=(5, 16, len(NAMES))).astype(np.float32))


@pytest.mark.parametrize("changed", [0, 7, 15])
def test_causal(network: SeriesNet, values: torch.Tensor, changed: int) -> None:
    mask = torch.ones(5, 16, dtype=torch.bool)
    with torch.inference_mode():
        before = network(values, mask)
        other = values.clone()
        other[:, changed] += 1
        after = network(other, mask)
    assert torch.equal(before[:, :changed], after[:, :changed])
    assert not torch.allclose(before[:, changed], after[:, changed])
    # Three blocks reach over 2 + 4 + 8 earlier dates.
    last = min(changed + 14, 15)
    assert not torch.equal(before[:, last], after[:, last])


def test_empty_places_say_nothing(network: SeriesNet, values: torch.Tensor) -> None:
    mask = torch.ones(5, 16, dtype=torch.bool)
    mask[:, :6] = False
    filled = values.clone()
    filled[:, :6] = 99.0
    with torch.inference_mode():
        empty = network(values, mask)[:, 6:]
        assert torch.equal(network(filled, mask)[:, 6:], empty)
        # A shorter series without the empty places is the same series.
        short = network(values[:, 6:], mask[:, 6:])
    torch.testing.assert_close(short, empty)


@pytest.mark.parametrize("changed", [0, 7, 15])
def test_a_window_looks_at_every_date_and_its_place(
    values: torch.Tensor, changed: int
) -> None:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(5)
        spec = Learner(family="series", width=8, blocks=2, kernel=2)
        window = WindowNet(spec, len(NAMES), 3, 16).eval()
    with torch.inference_mode():
        before = window(values)
        assert before.shape == (5, 3)
        other = values.clone()
        other[:, changed] += 1
        assert (window(other) != before).any(dim=1).all()
        # Dates in another order are another series, series in another order are not.
        assert not torch.allclose(window(values.flip(1)), before)
        torch.testing.assert_close(window(values.flip(0)).flip(0), before)


def test_attention_by_hand() -> None:
    """One head, one date: attention gives that date's own value."""
    block = WindowNet(
        Learner(family="series", width=4, blocks=1, kernel=2), 3, 2, 1
    ).blocks[0]
    assert isinstance(block, AttentionBlock)
    hidden = torch.randn(6, 1, 4, generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        value = block.ask(block.norm(hidden))[..., 8:]
        seen = hidden + block.mix(value)
        own = block.own_mix(torch.nn.functional.gelu(block.own(block.norm_own(seen))))
        torch.testing.assert_close(block(hidden), seen + own)


def test_dense_network_by_hand() -> None:
    network = DenseNet(Learner(family="dense", width=1, blocks=1), 2, 1)
    with torch.no_grad():
        weights = ([[1.0, -1.0]], [0.5], [[2.0]], [1.0])
        for parameter, value in zip(network.parameters(), weights, strict=True):
            parameter.copy_(torch.tensor(value))
        found = network(torch.tensor([[0.25, 0.75]]))
    assert found.tolist() == [[1.0]]  # 2 tanh(0.25 - 0.75 + 0.5) + 1
