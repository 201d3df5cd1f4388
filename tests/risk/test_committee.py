"""A committee answers with the mean of its members."""

import numpy as np
import pytest
import torch

from agroforest.risk.card import Learner
from agroforest.risk.committee import Committee, mean_surprise

SPEC = Learner(family="dense", width=4, blocks=2, kernel=3)


@pytest.fixture
def committee() -> Committee:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        return Committee(SPEC, 5, 1)


def member(committee: Committee, number: int, rows: torch.Tensor) -> torch.Tensor:
    """One member by hand."""
    hidden = rows
    for layer in range(3):
        weight, bias = committee.weight[layer], committee.bias[layer]
        hidden = hidden @ weight[number] + bias[number]
        hidden = torch.tanh(hidden) if layer < 2 else hidden
    return hidden[:, 0]


def test_mean_of_members(committee: Committee) -> None:
    rows = torch.from_numpy(np.random.default_rng(2).uniform(-2, 2, (7, 5))).float()
    with torch.no_grad():
        said = committee.eval()(rows)
        members = torch.stack([member(committee, n, rows) for n in range(3)])
    assert said.shape == (7, 1)
    torch.testing.assert_close(said[:, 0], members.mean(dim=0))
    assert not torch.allclose(members[0], members[1])


def test_it_does_not_extrapolate(committee: Committee) -> None:
    far = torch.tensor([[9.0, -9, 9, 9, -9], [2, -2, 2, 2, -2]])
    first, second = committee.eval()(far)
    torch.testing.assert_close(first, second)


def test_members_learn_apart(committee: Committee) -> None:
    committee.train()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        batch = {
            "values": torch.randn(6, 5),
            "target": torch.tensor([0.0, 1, 0, 1, 0, 1]),
            "weight": torch.ones(6),
        }
        assert committee(batch["values"]).shape == (6, 3)
        loss = mean_surprise(committee, batch)
    loss.backward()  # type: ignore[no-untyped-call]
    # Three members that know nothing are surprised by three times log 2.
    assert float(loss.detach()) == pytest.approx(3 * np.log(2), rel=0.15)
    gradient = committee.weight[0].grad
    assert gradient is not None
    assert (gradient.flatten(1).abs().sum(dim=1) > 0).all()


def test_weight_says_what_counts(committee: Committee) -> None:
    committee.noise = committee.lose = committee.lose_input = 0.0
    batch = {
        "values": torch.randn(2, 5),
        "target": torch.tensor([0.0, 1.0]),
        "weight": torch.tensor([1.0, 0.0]),
    }
    committee.train()
    found = mean_surprise(committee, batch)
    said = committee(batch["values"])[0]
    torch.testing.assert_close(found, torch.log1p(said.exp()).sum() / 2)


def test_one_output_only() -> None:
    with pytest.raises(ValueError, match="not 2"):
        Committee(SPEC, 5, 2)
