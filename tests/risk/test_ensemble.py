"""Ensembles: honest validation from the weights alone, and answers for new places."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from agroforest.core.errors import DataError, ModelError
from agroforest.risk import ensemble
from agroforest.risk.card import Answer, Learner, Limits, Purpose
from agroforest.risk.evaluate import evaluate
from agroforest.risk.metrics import auroc, average_precision
from agroforest.risk.net import DenseNet
from agroforest.risk.rows import Items, NetworkStudent, TreesStudent
from agroforest.risk.task import Answers, Statistic, Task
from agroforest.risk.train import Batch, Recipe

ANSWER = Answer(head="probability", outputs=("wet",))


def read(folder: Path) -> Items:
    table = np.loadtxt(folder / "points.csv", delimiter=",", ndmin=2)
    truth = table[:, 1].astype(np.float32)
    return Items(
        values=table[:, 2:].astype(np.float32),
        place=np.array([f"p{int(n)}" for n in table[:, 0]]),
        name=np.arange(len(table)),
        truth=None if (truth < 0).all() else truth,
    )


def loss(network: nn.Module, batch: Batch) -> Tensor:
    logits = network(batch["values"])[:, 0]
    return functional.binary_cross_entropy_with_logits(logits, batch["target"])


def measures(
    samples: Items, answers: Answers, threshold: float
) -> Mapping[str, Statistic]:
    assert samples.target is not None
    truth, chance = samples.target > 0, answers.value[:, 0]
    assert 0 < threshold < 1
    return {
        "auroc": lambda w: auroc(truth, chance, w),
        "ap": lambda w: average_precision(truth, chance, w),
    }


def write(
    out: Path, samples: Items, answers: Answers, threshold: float
) -> Sequence[Path]:
    path = out / "answers.json"
    out.mkdir(parents=True, exist_ok=True)
    said = zip(samples.name.tolist(), answers.value[:, 0].tolist(), strict=True)
    found = {"p": dict(said), "threshold": threshold}
    path.write_text(json.dumps(found))
    return [path]


TASK = Task(
    name="wet-points",
    version="1.0.0",
    purpose=Purpose(zh="测试", en="test"),
    limits=Limits(zh=("测试",), en=("test",), never_tested=("Guangxi",)),
    answer=ANSWER,
    features=("a", "b", "c"),
    data="made up",
    split="by place",
    read=read,
    students=(
        NetworkStudent(
            spec=Learner(family="dense", width=8, blocks=1, share=0.5),
            answer=ANSWER,
            build=DenseNet,
            recipe=Recipe(epochs=8, batch=32, rate=0.02, average=0.9),
            loss=loss,
        ),
        TreesStudent(
            spec=Learner(family="trees", width=4, blocks=20, share=0.5),
            answer=ANSWER,
            settings={"learning_rate": 0.2, "min_data_in_leaf": 5},
        ),
    ),
    folds=3,
    measures=measures,
    write=write,
    threshold="wet",
)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    rng = np.random.default_rng(5)
    values = rng.normal(size=(360, 3))
    truth = (values[:, 0] + 0.5 * rng.normal(size=360)) > 0
    place = np.repeat(np.arange(12), 30)
    np.savetxt(folder / "points.csv", np.c_[place, truth, values], delimiter=",")
    return folder


@pytest.fixture(scope="module")
def folder(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("model")
    ensemble.train(TASK, data, out, seed=1)
    return out


def test_validation_is_found_again_from_the_weights(data: Path, folder: Path) -> None:
    model = ensemble.load(TASK, folder)
    found = evaluate(TASK, model, data)
    assert found.metrics == model.card.metrics
    assert found.unseen == 0
    first = found.metrics[0]
    assert first.name == "auroc"
    assert first.value > 0.85
    assert first.low is not None
    assert first.low < first.value
    assert found.metrics[-1].name == "ece"
    assert sum(b.answers for b in found.reliability) == 360
    assert len(found.places) == 12


def test_training_repeats_itself(data: Path, folder: Path, tmp_path: Path) -> None:
    state = torch.random.get_rng_state()
    ensemble.train(TASK, data, tmp_path, seed=1)
    assert torch.equal(state, torch.random.get_rng_state())
    for name in ("card.toml", "weights.safetensors"):
        assert (tmp_path / name).read_bytes() == (folder / name).read_bytes()


def test_no_copy_has_seen_what_it_is_judged_on(
    data: Path, folder: Path, tmp_path: Path
) -> None:
    model = ensemble.load(TASK, folder)
    assert model.card.ensemble is not None
    held_out = model.card.ensemble.held_out
    assert set(held_out.values()) == {0, 1, 2}
    # Trained again with some labels of one part turned round, only the copies that
    # have not seen this part stay the same.
    table = np.loadtxt(data / "points.csv", delimiter=",")
    part = np.array([held_out[f"p{int(n)}"] for n in table[:, 0]])
    turned = (part == 1) & (np.arange(len(table)) % 5 == 0)
    table[turned, 1] = 1 - table[turned, 1]
    np.savetxt(tmp_path / "points.csv", table, delimiter=",")
    other = ensemble.train(TASK, tmp_path, tmp_path / "model", seed=1)
    assert other.card.ensemble == model.card.ensemble
    for student in range(2):
        for fold in range(3):
            one = ensemble.own_tensors(model.tensors, student, fold)
            two = ensemble.own_tensors(other.tensors, student, fold)
            same = all(np.array_equal(one[name], two[name]) for name in one)
            assert same == (fold == 1)


def test_new_places_are_answered_by_all_copies(
    data: Path, folder: Path, tmp_path: Path
) -> None:
    table = np.loadtxt(data / "points.csv", delimiter=",")
    table[:, 0] += 100  # places nobody knows
    table[:, 1] = -1
    np.savetxt(tmp_path / "points.csv", table, delimiter=",")
    model = ensemble.load(TASK, folder)
    (path,) = ensemble.predict(TASK, model, tmp_path, tmp_path / "out")
    found = json.loads(path.read_text())
    answers = ensemble.ask(TASK, model, read(tmp_path))
    np.testing.assert_allclose(list(found["p"].values()), answers.value[:, 0])
    assert found["threshold"] == model.card.calibration.thresholds["wet"]
    assert (answers.spread > 0).all()
    unseen = ensemble.ask_unseen(TASK, model, read(tmp_path))
    np.testing.assert_array_equal(unseen.value, answers.value)
    seen = ensemble.ask_unseen(TASK, model, read(data))
    assert not np.allclose(seen.value, answers.value)
    with pytest.raises(DataError, match="no labels"):
        evaluate(TASK, model, tmp_path)


def test_answers_do_not_depend_on_their_neighbours(data: Path, folder: Path) -> None:
    model, samples = ensemble.load(TASK, folder), read(data)
    whole = ensemble.ask(TASK, model, samples).value
    some = np.arange(7, 40)
    part = ensemble.ask(TASK, model, samples.take(some)).value
    np.testing.assert_allclose(part, whole[some], rtol=1e-5)


def test_models_of_another_make_are_refused(folder: Path) -> None:
    other = replace(TASK, students=TASK.students[:1])
    with pytest.raises(ModelError, match="train it again"):
        ensemble.load(other, folder)
    with pytest.raises(ModelError, match="features"):
        ensemble.load(replace(TASK, features=("a", "b")), folder)


def test_too_few_places(data: Path, tmp_path: Path) -> None:
    table = np.loadtxt(data / "points.csv", delimiter=",")
    np.savetxt(tmp_path / "points.csv", table[:40], delimiter=",")
    with pytest.raises(DataError, match="2 places"):
        ensemble.train(TASK, tmp_path, tmp_path / "out")
