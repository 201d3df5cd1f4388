"""Crops: pixels stay with their truth, and every change is what was asked for."""

import numpy as np
import pytest
import torch

from agroforest.risk.crops import Crops, Cutter


def cut(
    how: Crops, shape: tuple[int, int] = (40, 30), batch: int = 16
) -> tuple[Cutter, dict[str, torch.Tensor]]:
    """Crops of one scene whose truth is its first channel, doubled in the third."""
    rng = np.random.default_rng(0)
    plane = rng.random(shape).astype(np.float32)
    scene = np.stack([plane, rng.random(shape).astype(np.float32), 2 * plane])
    source = how.of([scene], [plane], np.ones(3, np.float32), batch, (1, 2))
    torch.manual_seed(1)
    return source, dict(next(iter(source)))


@pytest.mark.parametrize("zoom", [0.0, 0.7])
def test_pixels_keep_their_truth(zoom: float) -> None:
    _, batch = cut(Crops(side=16, zoom=zoom))
    values, target = batch["values"], batch["target"]
    assert values.shape == (16, 3, 16, 16)
    known = torch.isfinite(target)
    assert known.float().mean() > 0.5
    torch.testing.assert_close(values[:, 0][known], target[known])
    torch.testing.assert_close(values[:, 2][known], 2 * target[known])


def test_crops_are_turned_and_mirrored() -> None:
    _, batch = cut(Crops(side=40), shape=(40, 40), batch=64)
    assert len({tuple(t.flatten().tolist()) for t in batch["target"]}) == 8


def test_small_scenes_lie_anywhere_among_missing_pixels() -> None:
    _, batch = cut(Crops(side=48), shape=(10, 12))
    known = torch.isfinite(batch["target"])
    assert (known.sum(dim=(1, 2)) == 120).all()
    assert torch.isnan(batch["values"][:, 0][~known]).all()
    assert len({tuple(k.nonzero()[0].tolist()) for k in known}) > 8


def test_sources_are_lost_together_and_as_often_as_asked() -> None:
    _, batch = cut(Crops(side=8, forget=(0.0, 0.5)), batch=400)
    lost = torch.isnan(batch["values"]).all(dim=(2, 3))
    assert not lost[:, 0].any()
    assert (lost[:, 1] == lost[:, 2]).all()
    assert 0.4 < lost[:, 1].float().mean() < 0.6


def test_noise_and_gain_are_as_large_as_asked() -> None:
    _, batch = cut(Crops(side=24, noise=0.1, gain=0.5), batch=300)
    off = batch["values"][:, 0] - batch["target"]
    assert off.mean(dim=(1, 2)).std().item() == pytest.approx(0.5, rel=0.1)
    assert off.flatten(1).std(dim=1).mean().item() == pytest.approx(0.1, rel=0.1)


def test_an_epoch_sees_every_pixel_once_on_average() -> None:
    source, _ = cut(Crops(side=10), shape=(100, 80), batch=4)
    assert len(source) == 20
    assert sum(1 for _ in source) == 20


def test_the_same_seed_cuts_the_same_crops() -> None:
    _, one = cut(Crops(side=16, noise=0.1, zoom=0.5))
    _, other = cut(Crops(side=16, noise=0.1, zoom=0.5))
    torch.testing.assert_close(one, other, equal_nan=True)
