"""Causes of disturbance: what counts, what is learned, and what is shipped."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from numpy.typing import NDArray

from agroforest.risk import ensemble, models_dir
from agroforest.risk.datasets.disturbance_cause import BANDS, CAUSES, STEPS
from agroforest.risk.evaluate import evaluate
from agroforest.risk.rows import Items, NetworkStudent, TreesStudent
from agroforest.risk.task import Answers
from agroforest.risk.tasks import find_task
from agroforest.risk.tasks.disturbance_cause import TASK

FOREST = np.array([0.02, 0.04, 0.03, 0.25, 0.12, 0.06])
CHAR = np.array([0.04, 0.05, 0.06, 0.09, 0.16, 0.18])
WATER = np.array([0.03, 0.03, 0.02, 0.01, 0.005, 0.004])


def draw(rng: np.random.Generator, label: str) -> NDArray[np.int16]:
    series = np.tile(WATER if label == "EAU" else FOREST, (STEPS, 1))
    if label == "BR":
        series[rng.integers(2, 8) :] = CHAR
    noisy = series * rng.lognormal(0, 0.15, series.shape)
    return (noisy * 10_000).round().astype(np.int16)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six places of fires, forest and water in turning shares."""
    folder = tmp_path_factory.mktemp("cells")
    rng = np.random.default_rng(0)
    for place in range(6):
        shares = np.roll([0.6, 0.3, 0.1], place)
        labels = rng.choice(["BR", "FOREST", "EAU"], 60, p=shares)
        series = np.stack([draw(rng, label) for label in labels])
        columns = {
            f"B_{band}_{step + 1}": series[:, step, n]
            for step in range(STEPS)
            for n, band in enumerate(BANDS)
        }
        known = [None, *labels.tolist()[1:]]
        table = pa.table({**columns, "label": known})
        pq.write_table(table, folder / f"{place}.parquet")
    return folder


def test_it_is_the_task_of_that_name() -> None:
    assert find_task("disturbance-cause") is TASK
    assert sum(student.spec.share for student in TASK.students) == pytest.approx(1)


def test_it_learns_and_is_found_again_from_its_weights(
    data: Path, tmp_path: Path
) -> None:
    network, trees = TASK.students
    assert isinstance(network, NetworkStudent)
    assert isinstance(trees, TreesStudent)
    small = replace(
        TASK,
        students=(
            replace(network, recipe=replace(network.recipe, epochs=8, batch=32)),
            replace(trees, spec=trees.spec.model_copy(update={"blocks": 8})),
        ),
    )
    model = ensemble.train(small, data, tmp_path / "model", seed=3)
    found = evaluate(small, ensemble.load(small, tmp_path / "model"), data)
    assert found.metrics == model.card.metrics
    value = {m.name: m.value for m in found.metrics}
    assert value["macro_f1"] > 0.95
    assert value["f1_fire"] > 0.95
    assert "f1_insects" not in value
    shares = dict(zip(CAUSES, model.card.calibration.prior, strict=True))
    assert shares["TBE"] == 0
    assert sum(shares.values()) == pytest.approx(1, abs=1e-5)

    unlabelled = tmp_path / "new"
    unlabelled.mkdir()
    table = pq.read_table(data / "2.parquet")
    pq.write_table(table.drop_columns(["label"]), unlabelled / "x.parquet")
    (written,) = ensemble.predict(small, model, unlabelled, tmp_path / "out")
    said = pq.read_table(written)
    pairs = zip(said["label"].to_pylist(), table["label"].to_pylist(), strict=True)
    assert np.mean([a == b for a, b in pairs if b]) > 0.95
    total = sum(said[f"p_{cause}"].to_numpy() for cause in CAUSES)
    np.testing.assert_allclose(total, 1, rtol=1e-4)


def test_measures_count_what_they_say() -> None:
    names = ["BR", "BR", "ARP", "ARP", "TBE", "FOREST"]
    called = ["BR", "CT", "TBE", "ARP", "TBE", "ARP"]
    truth = np.array([CAUSES.index(name) for name in names] + [-1])
    value = np.eye(11, dtype=np.float32)[[*map(CAUSES.index, called), 0]]
    samples = Items(
        values=np.zeros((7, 10, 6), np.float32),
        place=np.repeat("a", 7),
        name=np.arange(7),
        truth=truth,
    )
    answers = Answers(value=value, spread=np.zeros(7, np.float32))
    found = {
        name: statistic(np.ones(7))
        for name, statistic in TASK.measures(samples, answers, np.nan).items()
    }
    fire, looper, budworm = 2 / 3, 1 / 2, 2 / 3
    assert found == pytest.approx(
        {
            "macro_f1": (fire + looper + budworm + 0) / 4,
            "accuracy": 3 / 6,
            "f1_fire": fire,
            "f1_insects": 6 / 7,
            "f1_insects_mean": (looper + budworm) / 2,
        }
    )


def test_the_shipped_model_tells_fire_from_forest_and_water() -> None:
    model = ensemble.load(TASK, models_dir() / TASK.name)
    metrics = {m.name: m.value for m in model.card.metrics}
    assert metrics["macro_f1"] > 0.7
    rng = np.random.default_rng(1)
    labels = ["BR", "FOREST", "EAU"] * 40
    series = np.stack([draw(rng, label) for label in labels]) / np.float32(10_000)
    samples = Items(
        values=series.astype(np.float32),
        place=np.repeat("a", 120),
        name=np.arange(120),
    )
    said = np.array(CAUSES)[ensemble.ask(TASK, model, samples).value.argmax(axis=1)]
    assert (said == "BR")[::3].mean() > 0.8
    assert (said == "EAU")[2::3].mean() > 0.8
