"""Changed series are still series: bounded, and honest about what was seen."""

from typing import Any

import pytest
import torch

from agroforest.features import NAMES, Z_CLIP
from agroforest.risk.series_changes import SeriesChanges

CENTRE = torch.linspace(-1, 1, len(NAMES))
SCALE = torch.linspace(0.5, 2, len(NAMES))


@pytest.fixture
def values() -> torch.Tensor:
    """``(200, 16, 17)`` features as they are, not normalised."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(2)
        made = torch.randn(200, 16, len(NAMES))
        seen = torch.rand(200, 16, 7) < 0.8
    made[..., 7:14] = seen
    made[..., :7] *= seen
    return made


def change(values: torch.Tensor, **settings: Any) -> torch.Tensor:
    changes = SeriesChanges(centre=CENTRE, scale=SCALE, **settings)
    batch = {"values": (values - CENTRE) / SCALE, "mask": torch.ones(1)}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        changed = changes(batch)
    assert changed["mask"] is batch["mask"]
    return changed["values"] * SCALE + CENTRE


def test_nothing_asked_nothing_changed(values: torch.Tensor) -> None:
    torch.testing.assert_close(
        change(values, rough=0.0, hidden=0.0), values, atol=1e-5, rtol=1e-5
    )


def test_noise_stays_where_something_was_seen(values: torch.Tensor) -> None:
    found = change(values, rough=1.0, hidden=0.0, gain=1.0, noise=3.0)
    seen = values[..., 7:14] > 0.5
    assert (found[..., :7][~seen].abs() < 1e-5).all()
    assert (found[..., :7].abs() <= Z_CLIP + 1e-4).all()
    assert ((found[..., :7] - values[..., :7]).abs()[seen] > 0.01).float().mean() > 0.9
    torch.testing.assert_close(found[..., 7:], values[..., 7:], atol=1e-5, rtol=1e-5)


def test_hidden_bands_are_hidden_on_all_dates(values: torch.Tensor) -> None:
    found = change(values, rough=0.0, hidden=1.0, most=3)
    seen = values[..., 7:14] > 0.5
    lost = (seen & (found[..., 7:14] < 0.5)).any(dim=1)  # (series, signal)
    kept = (found[..., 7:14] > 0.5).any(dim=1)
    assert not (lost & kept).any()
    assert ((lost[:, :6].sum(dim=1) >= 1) & (lost[:, :6].sum(dim=1) <= 3)).all()
    # CRSWIR is made of B8A, B11 and B12.
    assert torch.equal(lost[:, 6], lost[:, 3:6].any(dim=1))
    gone = lost[:, None] & seen
    assert (found[..., :7][gone].abs() < 1e-5).all()


def test_the_card_tells() -> None:
    told = SeriesChanges(centre=CENTRE, scale=SCALE, hidden=0.4).describe()
    assert "40%" in told
