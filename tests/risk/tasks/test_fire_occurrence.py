"""Fire occurrence: learned, found again, and what is shipped."""

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from agroforest.risk import ensemble, models_dir
from agroforest.risk.datasets.fire_occurrence import FEATURES, POSITION
from agroforest.risk.evaluate import evaluate
from agroforest.risk.rows import Items, NetworkStudent
from agroforest.risk.task import Answers
from agroforest.risk.tasks import find_task
from agroforest.risk.tasks.fire_occurrence import TASK

NEAR = FEATURES.index("distanceBurn1yrBefore")
WIDTH = len(FEATURES) + len(POSITION)


def draw(folder: Path, years: int, seed: int, *, labelled: bool = True) -> Path:
    """Points that burn, mostly, where it burned the year before: in the west."""
    rng = np.random.default_rng(seed)
    values = rng.uniform(0.2, 0.8, (years * 60, len(FEATURES)))
    burned = rng.random(len(values)) < 0.5
    values[burned, NEAR] = 0
    east = np.where(burned, 99.0, 99.3) + rng.uniform(0, 0.1, len(values))
    north = rng.uniform(18, 18.2, len(values))
    position = np.stack([east, north], axis=1).round(5)
    fires = np.where(rng.random(len(values)) < 0.9, burned, ~burned)
    folder.mkdir()
    with (folder / "points.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        label = ["fireBinary"] if labelled else []
        writer.writerow([*FEATURES, *POSITION, "year", *label])
        for n, row in enumerate(np.hstack([values.round(4), position]).tolist()):
            label = [str(int(fires[n]))] if labelled else []
            writer.writerow([*row, 2000 + n // 60, *label])
    return folder


def test_it_is_the_task_of_that_name() -> None:
    assert find_task("fire-occurrence") is TASK
    assert sum(student.spec.share for student in TASK.students) == pytest.approx(1)


def test_it_learns_and_is_found_again_from_its_weights(tmp_path: Path) -> None:
    data = draw(tmp_path / "data", 5, 1)
    model = ensemble.train(TASK, data, tmp_path / "model", seed=2)
    found = evaluate(TASK, ensemble.load(TASK, tmp_path / "model"), data)
    assert found.metrics == model.card.metrics
    value = {m.name: m.value for m in found.metrics}
    assert value["auroc"] > 0.85
    assert value["ece"] < 0.15
    assert len(found.places) == 5

    new = draw(tmp_path / "new", 2, 3, labelled=False)
    (path,) = ensemble.predict(TASK, model, new, tmp_path / "out")
    with path.open(newline="") as file:
        said = np.array([float(row["probability"]) for row in csv.DictReader(file)])
    burned = TASK.read(new).values[:, NEAR] == 0
    assert ((said >= 0) & (said <= 1)).all()
    assert said[burned].min() > said[~burned].max()


def test_every_student_learns_by_itself(tmp_path: Path) -> None:
    data = draw(tmp_path / "data", 5, 5)
    for student in TASK.students:
        spec = student.spec.model_copy(update={"share": 1.0})
        alone = replace(TASK, students=(replace(student, spec=spec),))  # type: ignore[type-var]
        model = ensemble.train(alone, data, tmp_path / spec.variant)
        assert model.card.metrics[0].value > 0.8, spec.variant


def test_fire_is_never_likelier_far_from_last_years_fire() -> None:
    """The boosted trees cannot say otherwise, whatever they learn."""
    student = TASK.students[1]
    rng = np.random.default_rng(6)
    values = rng.random((300, WIDTH)).astype(np.float32)
    samples = Items(
        values=values,
        place=np.repeat("a", 300),
        name=np.arange(300),
        truth=(values[:, NEAR] > 0.5).astype(np.float32),  # the wrong way round
    )
    tensors = student.fit(samples, seed=0, progress=lambda _share, _note: None)
    path = np.repeat(values[:20], 9, axis=0)
    path[:, NEAR] = np.tile(np.linspace(0, 1, 9), 20)
    far = Items(values=path, place=np.repeat("a", 180), name=np.arange(180))
    said = student.say(tensors, far).reshape(20, 9)
    assert (np.diff(said, axis=1) <= 1e-6).all()


def test_measures_count_what_they_say() -> None:
    samples = Items(
        values=np.zeros((5, WIDTH), np.float32),
        place=np.repeat("2016", 5),
        name=np.arange(5),
        truth=np.array([1, 0, 1, 0, np.nan], np.float32),
    )
    chance = np.array([[0.9], [0.8], [0.7], [0.1], [0.99]], np.float32)
    answers = Answers(value=chance, spread=np.zeros(5, np.float32))
    found = TASK.measures(samples, answers, 0.75)
    once = np.ones(5)
    assert found["auroc"](once) == pytest.approx(3 / 4)
    assert found["ap"](once) == pytest.approx((1 + 2 / 3) / 2)
    assert found["f1"](once) == pytest.approx(1 / 2)


def test_the_shipped_model_answers_without_positions() -> None:
    """What is nearby then says nothing, and the answer is as good as anywhere else."""
    model = ensemble.load(TASK, models_dir() / TASK.name)
    values = np.full((2, WIDTH), 0.5, np.float32)
    values[0, len(FEATURES) :] = np.nan
    values[1, len(FEATURES) :] = (108.3, 22.8)  # Nanning
    samples = Items(values=values, place=np.array(["a", "a"]), name=np.arange(2))
    nowhere, far = ensemble.ask(TASK, model, samples).value[:, 0]
    assert nowhere == far


def test_the_shipped_model_fears_where_it_burned() -> None:
    model = ensemble.load(TASK, models_dir() / TASK.name)
    metrics = {m.name: m.value for m in model.card.metrics}
    assert metrics["auroc"] > 0.81
    assert isinstance(TASK.students[0], NetworkStudent)
    values = np.full((2, WIDTH), 0.5, np.float32)
    for name in ("distanceBurn1yrBefore", "distanceBurn2yrBefore"):
        values[:, FEATURES.index(name)] = (0.0, 0.2)
    samples = Items(values=values, place=np.array(["a", "a"]), name=np.arange(2))
    burned, far = ensemble.ask(TASK, model, samples).value[:, 0]
    assert burned > far + 0.2
