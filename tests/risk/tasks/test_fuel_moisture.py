"""Fuel moisture: learned, found again, and what is shipped."""

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from agroforest.risk import ensemble, models_dir
from agroforest.risk.datasets.fuel_moisture import CHANNELS, FEATURES
from agroforest.risk.evaluate import evaluate
from agroforest.risk.rows import Items
from agroforest.risk.task import Answers
from agroforest.risk.tasks import find_task
from agroforest.risk.tasks.fuel_moisture import TASK, Placed, Rooted


def draw(folder: Path, sites: int, seed: int) -> Path:
    """Sites whose vegetation is wet where and when the canopy is, NDMI -0.2..0.4."""
    rng = np.random.default_rng(seed)
    count = sites * 12
    wet = rng.uniform(-0.2, 0.4, (count, 1))
    values = np.zeros((count, 3, len(CHANNELS)))
    values[..., :2] = (-12, -18)
    values[..., 2:13] = rng.uniform(500, 1500, (count, 1, 11))
    values[..., CHANNELS.index("B8A")] = 3000
    values[..., CHANNELS.index("B11")] = 3000 * (1 - wet) / (1 + wet)
    values[..., CHANNELS.index("temperature")] = rng.uniform(275, 300, (count, 1))
    values[..., CHANNELS.index("elevation")] = 700
    values[..., CHANNELS.index("NDVI")] = 0.5
    folder.mkdir()
    np.save(folder / "s1_s2_era5_srtm.npy", values)
    np.save(folder / "month.npy", np.tile([5, 6, 7], (count, 1)))
    np.save(folder / "latlon.npy", np.tile([38.0, -115], (count, 1)))
    np.save(folder / "site.npy", np.repeat([f"s{n}" for n in range(sites)], 12))
    np.save(folder / "target.npy", 110 + 150 * wet[:, 0] + rng.normal(0, 5, count))
    return folder


def test_it_is_the_task_of_that_name() -> None:
    assert find_task("fuel-moisture") is TASK
    assert sum(student.spec.share for student in TASK.students) == pytest.approx(1)


def test_it_learns_and_is_found_again_from_its_weights(tmp_path: Path) -> None:
    data = draw(tmp_path / "data", 20, 1)
    model = ensemble.train(TASK, data, tmp_path / "model", seed=2)
    found = evaluate(TASK, ensemble.load(TASK, tmp_path / "model"), data)
    assert found.metrics == model.card.metrics
    value = {m.name: m.value for m in found.metrics}
    assert value["r2"] > 0.8
    assert value["rmse"] < 15

    new = draw(tmp_path / "new", 3, 3)
    truth = np.load(new / "target.npy")
    (new / "target.npy").unlink()
    (new / "site.npy").unlink()
    (path,) = ensemble.predict(TASK, model, new, tmp_path / "out")
    with path.open(newline="") as file:
        said = np.array([float(row["lfmc"]) for row in csv.DictReader(file)])
    assert said.shape == truth.shape
    assert np.corrcoef(said, truth)[0, 1] > 0.9
    assert abs(said - truth).mean() < 15


def test_unknown_targets_are_not_learned_from(tmp_path: Path) -> None:
    data = draw(tmp_path / "data", 12, 4)
    target = np.load(data / "target.npy")
    target[::5] = np.nan
    np.save(data / "target.npy", target)
    model = ensemble.train(TASK, data, tmp_path / "model")
    assert all(np.isfinite(m.value) for m in model.card.metrics)


def test_measures_count_what_they_say() -> None:
    samples = Items(
        values=np.zeros((4, 3, len(FEATURES)), np.float32),
        place=np.array(["a", "a", "b", "b"]),
        name=np.arange(4),
        truth=np.array([80, 100, 120, np.nan], np.float32),
    )
    answers = Answers(
        value=np.array([[90], [100], [110], [7]], np.float32),
        spread=np.zeros(4, np.float32),
    )
    found = TASK.measures(samples, answers, np.nan)
    once = np.ones(4)
    assert found["rmse"](once) == pytest.approx((200 / 3) ** 0.5)
    assert found["r2"](once) == pytest.approx(1 - 200 / 800)


def test_roots_are_squared_again() -> None:
    (student, *_) = TASK.students
    assert isinstance(student, Rooted)
    rows = np.zeros((60, 3, len(FEATURES)), np.float32)
    samples = Items(
        values=rows,
        place=np.repeat("a", 60),
        name=np.arange(60),
        truth=np.full(60, 81, np.float32),
    )
    tensors = student.fit(samples, seed=0, progress=lambda _share, _note: None)
    said = student.say(tensors, replace(samples, truth=None))
    np.testing.assert_allclose(said, 81, rtol=1e-4)


def draw_places(sizes: dict[str, int]) -> Items:
    """Water that follows how much warmer a sample is than its place's usual."""
    rng = np.random.default_rng(5)
    place = np.repeat(list(sizes), list(sizes.values()))
    usual = {name: rng.uniform(275, 300) for name in sizes}
    departure = rng.uniform(-8, 8, len(place))
    values = np.full((len(place), 3, len(FEATURES)), 0.5, np.float32)
    warmth = np.array([usual[name] for name in place]) + departure
    values[..., FEATURES.index("temperature")] = warmth[:, None]
    truth = (100 - 5 * departure).astype(np.float32)
    return Items(values=values, place=place, name=np.arange(len(place)), truth=truth)


def test_a_place_with_enough_samples_is_judged_beside_itself() -> None:
    (student, *_) = TASK.students
    assert isinstance(student, Rooted)
    assert isinstance(student.student, Placed)
    learned_from = draw_places({f"p{n}": 20 for n in range(60)})
    tensors = student.fit(learned_from, seed=0, progress=lambda _share, _note: None)
    new = draw_places({"many": 30, "few": 5})
    said = student.say(tensors, replace(new, truth=None))[:, 0]
    assert new.truth is not None
    off = abs(said - new.truth)
    many, few = new.place == "many", new.place == "few"
    assert off[many].mean() < 8
    # Where its place is hardly known a sample is judged as if it were alone.
    alone = replace(new, place=np.arange(len(said)).astype(str), truth=None)
    by_itself = student.say(tensors, alone)[:, 0]
    np.testing.assert_array_equal(said[few], by_itself[few])
    assert abs(by_itself - new.truth)[many].mean() > 2 * off[many].mean()


def test_the_shipped_model_knows_wet_from_dry() -> None:
    """A green May in the mountains after rain, and the end of a dry summer below."""
    model = ensemble.load(TASK, models_dir() / TASK.name)
    metrics = {m.name: m.value for m in model.card.metrics}
    assert metrics["r2"] > 0.58
    wet = [-12, -18, 300, 600, 400, 900, 2400, 2900, 3000, 3200, 3000, 1500, 700]
    dry = [-13, -21, 900, 1200, 1500, 1800, 2000, 2100, 2200, 2400, 2300, 3300, 2600]
    values = np.array(
        [
            [[*wet, 285, 0.003, 2000, 5, 0.75, month, 44] for month in (3, 4, 5)],
            [[*dry, 297, 0, 500, 5, 0.2, month, 34.5] for month in (7, 8, 9)],
        ],
        np.float32,
    )
    samples = Items(values=values, place=np.array(["a", "b"]), name=np.arange(2))
    high, low = ensemble.ask(TASK, model, samples).value[:, 0]
    assert 120 < high < 250
    assert 50 < low < 90
