"""Training: repeatable, one command, and it learns."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from agroforest.core.errors import ConfigurationError, DataError
from agroforest.risk import load_model
from agroforest.risk.canopy_stress import Size, choose_threshold, train_canopy_stress
from agroforest.risk.emulator import train_emulator
from agroforest.risk.replay import Replay
from agroforest.risk.simulate.events import NEVER, Kind
from agroforest.risk.train import Recipe, Rows, fit_network
from agroforest.risk.watched import alarms_per_year


def line(network: nn.Module, batch: dict[str, torch.Tensor]) -> torch.Tensor:
    return torch.mean((network(batch["x"]) - batch["y"]) ** 2)


def test_learns_a_line_and_repeats_itself() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(512, 2)).astype(np.float32)
    samples = {"x": x, "y": x @ np.array([[2.0], [-1.0]], np.float32) + 0.5}
    recipe = Recipe(epochs=30, batch=64, rate=0.05, decay=0.0, seed=7)
    notes: list[str] = []

    def fit() -> nn.Linear:
        found = fit_network(
            lambda: nn.Linear(2, 1),
            Rows(arrays=samples, batch=64),
            line,  # type: ignore[arg-type]
            recipe,
            progress=lambda _, note: notes.append(note),
        )
        assert isinstance(found, nn.Linear)
        return found

    state, threads = torch.random.get_rng_state(), torch.get_num_threads()
    first, again = fit(), fit()
    assert torch.equal(state, torch.random.get_rng_state())
    assert torch.get_num_threads() == threads
    assert len(notes) == 60
    np.testing.assert_allclose(first.weight.detach(), [[2, -1]], atol=1e-3)
    assert torch.equal(first.weight, again.weight)


@pytest.mark.parametrize("steps", [1, 9, 10, 11])
def test_few_steps_are_enough(steps: int) -> None:
    sample = {"x": np.ones((1, 1), np.float32), "y": np.ones((1, 1), np.float32)}
    found = fit_network(
        lambda: nn.Linear(1, 1),
        Rows(arrays=sample, batch=1),
        line,  # type: ignore[arg-type]
        Recipe(epochs=steps, batch=1, rate=1e-3),
    )
    assert all(torch.isfinite(p).all() for p in found.parameters())


def quiet(pixels: int, scores: list[float]) -> Replay:
    """One healthy forest, watched for a year, with one score a pixel."""
    m = len(scores)
    zeros = np.zeros(m, dtype=np.float32)
    return Replay(
        pixel=np.arange(m),
        day=np.full(m, 100, dtype=np.int32),
        label=np.zeros(m, dtype=np.int8),
        unwell=zeros,
        gone=zeros,
        unwell_twice=np.array(scores, dtype=np.float32),
        rule_score=zeros,
        rule_detects=np.zeros(m, dtype=bool),
        rule_bare=zeros,
        kind=np.full(pixels, Kind.NONE, dtype=np.int8),
        onset=np.full(pixels, NEVER, dtype=np.float32),
        years=np.ones(pixels, dtype=np.float32),
    )


def test_thresholds_keep_false_alarms_rare() -> None:
    watched = [quiet(400, [0.90, 0.80, 0.70, 0.60])]
    # Two of 400 pixels may alarm in the year.
    assert choose_threshold(watched, accepted=0.005) == 0.705
    assert alarms_per_year(watched, lambda r: r.unwell_twice >= 0.705) == 2 / 400
    assert alarms_per_year(watched, lambda r: r.unwell_twice >= 0.7) == 3 / 400


@pytest.mark.slow
@pytest.mark.timeout(400)  # minutes where others share the cores
def test_canopy_stress_end_to_end(tmp_path: Path) -> None:
    size = Size(train=8, validation=2, test=3, epochs=2)
    model = train_canopy_stress(tmp_path / "a", seed=3, size=size)
    again = train_canopy_stress(tmp_path / "b", seed=3, size=size)
    assert again.card == model.card
    assert load_model(tmp_path / "a").card == model.card
    found = {m.name: m for m in model.card.metrics}
    better = found["ap_disturbed"]
    assert better.prevalence is not None
    assert better.value > 3 * better.prevalence
    assert better.low is not None
    assert better.high is not None
    assert better.low <= better.value <= better.high


def test_another_table_of_spectra_is_refused(tmp_path: Path) -> None:
    table = tmp_path / "lut.npz"
    np.savez(table, X=np.zeros((2, 14)), Y=np.zeros((2, 10)))
    with pytest.raises(ConfigurationError, match="prosail-emulator"):
        train_canopy_stress(tmp_path / "out", lut=table)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("width", [13, 15])
def test_damaged_tables_are_refused(tmp_path: Path, width: int) -> None:
    table = tmp_path / "lut.npz"
    np.savez(table, X=np.zeros((2, width)), Y=np.zeros((2, 10)))
    with pytest.raises(DataError, match=str(width)):
        train_emulator(table, tmp_path / "out")
    table.write_bytes(b"PK\x03\x04 nothing")
    with pytest.raises(DataError, match="not a table"):
        train_emulator(table, tmp_path / "out")


def test_emulator_learns_and_repeats_itself(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    x = rng.uniform(0, 1, (4000, 14)).astype(np.float32)
    y = 0.2 + 0.1 * x[:, :10] * x[:, 4:]
    np.savez(tmp_path / "lut.npz", X=x, Y=y)
    first = train_emulator(tmp_path / "lut.npz", tmp_path / "a", seed=2)
    train_emulator(tmp_path / "lut.npz", tmp_path / "b", seed=2)
    for name in ("card.toml", "weights.safetensors"):
        content = (tmp_path / "a" / name).read_bytes()
        assert (tmp_path / "b" / name).read_bytes() == content
    assert max(m.value for m in first.card.metrics) < 0.2 * float(y.std())
