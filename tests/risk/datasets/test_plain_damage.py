"""Made-up damage: where it lies, what it looks like, and that the truth says so."""

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from agroforest.risk.crops import Crops
from agroforest.risk.datasets.canopy_damage import BANDS, CHANNELS, network_planes
from agroforest.risk.datasets.plain_damage import PlainDamage

# Reflectance of a spruce stand and of the ground it leaves, in the order of `BANDS`;
# rounded from textbooks.
STAND = [0.02, 0.02, 0.03, 0.02, 0.05, 0.15, 0.19, 0.2, 0.21, 0.21, 0.09, 0.04]
BARE = [0.04, 0.05, 0.07, 0.08, 0.12, 0.18, 0.2, 0.22, 0.24, 0.25, 0.27, 0.18]
NDVI = len(BANDS)


def build_scene() -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """A stand of which a corner went bare; the last row is not known."""
    noise = np.random.default_rng(0).normal(1, 0.03, (2, len(BANDS), 60, 60))
    years = np.array(STAND)[:, None, None] * noise
    years[1, :, :20, :20] = np.array(BARE)[:, None, None] * noise[1, :, :20, :20]
    years[:, :, -1] = np.nan
    truth = np.zeros((60, 60), np.float32)
    truth[:20, :20] = 1
    return network_planes(np.concatenate(years).astype(np.float32)), truth


def draw(
    scene: NDArray[np.float32], share: float = 1.0, crops: int = 40
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    """Crops of the undamaged part before and after damage is made up in them."""
    planes, truth = build_scene()
    change = PlainDamage(share=share).learn([planes], [truth])
    values = torch.from_numpy(np.stack([scene] * crops))
    target = torch.zeros(crops, *scene.shape[1:])
    torch.manual_seed(0)
    return values, target, *change(values, target)


def test_what_was_green_is_dead_and_the_truth_says_so() -> None:
    planes, _ = build_scene()
    values, target, made, truth = draw(planes[:, 20:, 20:])
    hit = truth == 1
    assert not target.any(), "what is given stays as it is"
    assert hit.any(dim=2).any(dim=1).all()
    before, after = made[:, :CHANNELS], made[:, CHANNELS:]
    torch.testing.assert_close(before, values[:, :CHANNELS], equal_nan=True)
    stays = ~hit[:, None].expand_as(after)
    old = values[:, CHANNELS:]
    torch.testing.assert_close(after[stays], old[stays], equal_nan=True)
    assert (after[:, NDVI][hit] < old[:, NDVI][hit] - 0.1).float().mean() > 0.95
    bare = (torch.tensor(BARE) + 0.01).log()
    off = (after[:, : len(BANDS)] - bare.view(-1, 1, 1)).movedim(1, -1)[hit]
    assert off.abs().mean() < 0.1, "noise alone sets it apart from the ground there was"


def test_dead_stands_are_rectangles_of_many_sizes() -> None:
    planes, _ = build_scene()
    *_, truth = draw(planes[:, :59])
    sizes = set()
    for one in truth[:, 20:, 20:]:
        rows, columns = one.any(dim=1).nonzero(), one.any(dim=0).nonzero()
        if len(rows):
            box = one[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
            assert (box == 1).all()
            sizes.add(tuple(box.shape))
    assert len(sizes) > 20


def test_indices_are_those_of_the_made_up_bands() -> None:
    planes, _ = build_scene()
    _, _, made, truth = draw(planes[:, 20:, 20:])
    after = made[:, CHANNELS:].movedim(1, -1)[truth == 1].double()
    red, nir = (after[:, BANDS.index(b)].exp() - 0.01 for b in ("B04", "B08"))
    torch.testing.assert_close(
        after[:, NDVI], (nir - red) / (nir + red), atol=1e-4, rtol=0
    )


def test_bare_and_unknown_ground_does_not_die() -> None:
    planes, _ = build_scene()
    went_bare = planes[CHANNELS:, :20, :20]
    twice = np.concatenate([went_bare, went_bare])
    for scene in (twice, planes[:, -1:]):
        values, target, made, truth = draw(scene)
        torch.testing.assert_close(made, values, equal_nan=True)
        torch.testing.assert_close(truth, target)


def test_so_many_crops_get_damage() -> None:
    planes, _ = build_scene()
    *_, truth = draw(planes[:, 20:, 20:], share=0.2, crops=400)
    share = truth.any(dim=2).any(dim=1).float().mean()
    assert share.item() == pytest.approx(0.2, abs=0.06)


def test_nothing_is_made_up_of_scenes_without_damage() -> None:
    planes, truth = build_scene()
    change = PlainDamage(share=1.0).learn([planes], [np.zeros_like(truth)])
    values, target = torch.from_numpy(planes)[None], torch.from_numpy(truth)[None]
    made, found = change(values, target)
    torch.testing.assert_close(made, values, equal_nan=True)
    torch.testing.assert_close(found, target)


def test_the_same_seed_makes_up_the_same_crops() -> None:
    planes, truth = build_scene()
    how = Crops(side=24, noise=0.1, made_up=PlainDamage(share=0.5))
    batches = []
    for _ in range(2):
        source = how.of(
            [planes], [truth], np.ones(len(planes), np.float32), 8, (17, 17)
        )
        torch.manual_seed(3)
        batches.append(next(iter(source)))
    torch.testing.assert_close(*batches, equal_nan=True)
    assert "plain damage made up in 0.5" in how.describe()
