"""The spatial network: how far it looks, and what it makes of missing pixels."""

import pytest
import torch
from torch import Tensor, nn

from agroforest.risk.card import Learner
from agroforest.risk.scene_net import Prepared, SceneNet, reach, stride


def build(blocks: int = 2, kernel: int = 3, seed: int = 0) -> tuple[Learner, SceneNet]:
    spec = Learner(family="scene", width=4, blocks=blocks, kernel=kernel)
    torch.manual_seed(seed)
    return spec, SceneNet(spec, 3, 2).eval()


@pytest.mark.parametrize("blocks", [1, 2, 3])
def test_every_pixel_gets_every_output(blocks: int) -> None:
    _, network = build(blocks)
    assert network(torch.randn(2, 3, 24, 40)).shape == (2, 2, 24, 40)


@pytest.mark.parametrize(("blocks", "kernel"), [(1, 3), (2, 3), (2, 5), (3, 3)])
def test_a_pixel_depends_on_nothing_beyond_its_reach(blocks: int, kernel: int) -> None:
    spec, network = build(blocks, kernel)
    around, side = reach(spec), stride(spec)
    size = 2 * around + 4 * side
    scene = torch.randn(1, 3, size, size)
    changed = scene.clone()
    changed[..., : size // 2] += 1.0
    apart = (network(scene) - network(changed)).abs().amax(dim=(0, 1, 2))
    assert apart[: size // 2].min() > 0
    assert apart[size // 2 + around :].max() < 1e-6
    assert apart[size // 2 + side].item() > 0  # it does look around


class _Last(nn.Module):
    def forward(self, scene: Tensor) -> Tensor:
        return scene


def test_missing_is_the_mean_and_said_for_each_source() -> None:
    prepared = Prepared(
        _Last(), torch.tensor([1.0, 2.0, 3.0]), torch.tensor([1.0, 2.0, 4.0]), (2, 1)
    )
    scene = torch.tensor([[2.0, torch.nan], [6.0, 2.0], [3.0, 1003.0]]).view(1, 3, 1, 2)
    out = prepared(scene)[0, :, 0]
    assert out[:, 0].tolist() == [1.0, 2.0, 0.0, 1.0, 1.0]
    assert out[:, 1].tolist() == [0.0, 0.0, 5.0, 0.0, 1.0]  # 250 spreads are five
