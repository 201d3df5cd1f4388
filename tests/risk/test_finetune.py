"""Learning on: from where it stood, without what is held out, and honest about it."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from agroforest.core.errors import ConfigurationError, DataError
from agroforest.core.grid import Grid
from agroforest.risk import ensemble
from agroforest.risk.card import Answer, Learner, Limits, Model, Purpose
from agroforest.risk.collection import Collection
from agroforest.risk.crops import Crops
from agroforest.risk.finetune import finetune, share_out_blocks
from agroforest.risk.probability_map import count_pixels, write_maps
from agroforest.risk.scene_trees import SceneTrees
from agroforest.risk.scenes import Scenes, SceneStudent
from agroforest.risk.task import Task
from agroforest.risk.train import Recipe

ANSWER = Answer(head="probability", outputs=("dark",))
SIDE = 24


def as_they_are(values: NDArray[np.float32]) -> NDArray[np.float32]:
    return values


def build_scenes(count: int, seed: int, sign: float = -1.0) -> Scenes:
    """Noise with a square that is darker, or brighter where signs are turned."""
    rng = np.random.default_rng(seed)
    values, truth = [], []
    for _ in range(count):
        mask = np.zeros((SIDE, SIDE), np.float32)
        y, x = rng.integers(SIDE - 12, size=2)
        mask[y : y + 12, x : x + 12] = 1
        noise = rng.normal(size=(2, SIDE, SIDE)).astype(np.float32)
        noise[0] += 2 * sign * mask
        values.append(noise)
        truth.append(mask)
    grid = Grid(crs="EPSG:3857", left=0, top=0, resolution=10, width=SIDE, height=SIDE)
    return Scenes(
        values=tuple(values),
        place=np.array([f"{seed}-{n}" for n in range(count)]),
        name=tuple(f"{seed}-{n}" for n in range(count)),
        grid=(grid,) * count,
        truth=tuple(truth),
    )


TASK: Task[Scenes] = Task(
    name="dark-squares",
    version="1.2.3",
    purpose=Purpose(zh="测试", en="test"),
    limits=Limits(zh=("旧",), en=("old",), never_tested=("Guangxi",)),
    answer=ANSWER,
    features=("a", "b"),
    data="made up",
    split="by place",
    read=lambda _folder: build_scenes(6, 0),
    students=(
        SceneStudent(
            spec=Learner(family="scene", width=4, blocks=1, kernel=3, share=0.5),
            answer=ANSWER,
            recipe=Recipe(epochs=25, batch=4, rate=1e-2, average=0.9),
            crops=Crops(side=16),
            sources=(1, 1),
            features=as_they_are,
            refining=Recipe(epochs=12, batch=4, rate=1e-2, average=0.5),
            kept=0.0,
        ),
        SceneTrees(
            spec=Learner(family="trees", width=4, blocks=10, share=0.5),
            answer=ANSWER,
            settings={"min_data_in_leaf": 10, "learning_rate": 0.2},
            features=as_they_are,
            rows=2000,
            refining=(Learner(family="trees", width=4, blocks=20), {}),
        ),
    ),
    folds=2,
    measures=count_pixels,
    write=write_maps,
    threshold="dark",
)


def collect(scenes: Scenes, *, kept: float = 0.1, seed: int = 0) -> Collection[Scenes]:
    """Labels of some pixels; one block a scene."""
    rng = np.random.default_rng(seed)
    assert scenes.truth is not None
    truth = tuple(
        np.where(rng.random(t.shape) < kept, t, np.nan).astype(np.float32)
        for t in scenes.truth
    )
    known = np.concatenate([t[np.isfinite(t)] for t in truth])
    return Collection(
        source=Path("survey.csv"),
        digest="ab" * 32,
        samples=replace(scenes, truth=truth, counts=(1.2, 0.5)),
        touched=(frozenset(),) * len(truth),
        labels={"damaged": 7, "clean": 9},
        answers={"damaged": int((known > 0).sum()), "clean": int((known == 0).sum())},
        seen=(date(2020, 8, 15), date(2020, 9, 30)),
        set_aside={"unsure": 3},
        split="by blocks of 1000 m",
    )


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Model:
    out = tmp_path_factory.mktemp("base")
    return ensemble.train(TASK, tmp_path_factory.mktemp("data"), out)


@pytest.fixture(scope="module")
def survey() -> Collection[Scenes]:
    """Of another country, where what was dark is bright."""
    return collect(build_scenes(8, 5, sign=1.0))


@pytest.fixture(scope="module")
def tuned(
    base: Model, survey: Collection[Scenes], tmp_path_factory: pytest.TempPathFactory
) -> Model:
    return finetune(TASK, base, survey, tmp_path_factory.mktemp("tuned"))


def test_what_is_new_is_learned_and_said(base: Model, tuned: Model) -> None:
    found = tuned.card.fine_tuning
    assert found is not None
    assert found.verdict == "better"
    gain = found.comparisons[0]
    assert gain.name == "f1"
    assert gain.difference == pytest.approx(gain.after - gain.before, abs=2e-4)
    assert gain.difference_low > 0.1
    assert found.base == "dark-squares 1.2.3"
    assert found.base_sha256 == base.card.weights.sha256 != tuned.card.weights.sha256
    assert found.labels_sha256 == "ab" * 32
    assert (found.first, found.last) == ("2020-08-15", "2020-09-30")
    assert (found.blocks, found.left_out) == (8, 0)
    assert found.set_aside == {"unsure": 3}
    assert tuned.card.title == "dark-squares 1.2.3+survey.abababab"
    assert tuned.identity != base.identity
    assert tuned.card.limits.en[0] == "old"
    assert "16 labels" in tuned.card.limits.en[-1]
    assert "on from dark-squares 1.2.3: scene" in tuned.card.training.recipe


def test_the_result_is_a_model_like_any_other(
    base: Model, tuned: Model, tmp_path: Path
) -> None:
    model = ensemble.load(TASK, tuned.folder)
    unseen = replace(build_scenes(3, 9, sign=1.0), truth=None)
    truth = build_scenes(3, 9, sign=1.0).target
    assert truth is not None
    old, new = (ensemble.ask(TASK, m, unseen).value[:, 0] for m in (base, model))
    assert new[truth > 0].mean() > old[truth > 0].mean() + 0.2
    task = replace(TASK, read=lambda _folder: unseen)
    files = ensemble.predict(task, model, tmp_path, tmp_path / "out")
    assert len(files) == 4


def test_places_of_both_trainings_are_judged_by_who_has_not_seen_them(
    base: Model, tuned: Model, survey: Collection[Scenes]
) -> None:
    assert base.card.ensemble is not None
    assert tuned.card.ensemble is not None
    blocks = share_out_blocks(survey, 2)
    assert tuned.card.ensemble.held_out == {**base.card.ensemble.held_out, **blocks}


def test_learning_on_repeats_itself_and_leaves_the_base(
    base: Model, survey: Collection[Scenes], tuned: Model, tmp_path: Path
) -> None:
    before = {name: a.copy() for name, a in base.tensors.items()}
    finetune(TASK, base, survey, tmp_path)
    for name in ("card.toml", "weights.safetensors"):
        assert (tmp_path / name).read_bytes() == (tuned.folder / name).read_bytes()
    assert all(np.array_equal(base.tensors[n], a) for n, a in before.items())


def same_copies(one: Model, two: Model) -> dict[tuple[int, int], bool]:
    def tensors(
        model: Model, number: int, fold: int
    ) -> Mapping[str, NDArray[np.generic]]:
        return ensemble.own_tensors(model.tensors, number, fold)

    return {
        (number, fold): all(
            np.array_equal(a, tensors(two, number, fold)[name])
            for name, a in tensors(one, number, fold).items()
        )
        for number in range(2)
        for fold in range(2)
    }


def test_no_copy_learns_from_what_it_is_judged_on(
    base: Model, survey: Collection[Scenes], tuned: Model, tmp_path: Path
) -> None:
    part = share_out_blocks(survey, 2)
    scenes = survey.samples
    assert scenes.truth is not None
    # What one part looks like is changed, and where its labels are; not how many.
    held = [part[place] == 1 for place in scenes.place]
    pairs = zip(scenes.truth, scenes.values, held, strict=True)
    other = [(np.roll(t, 3, axis=1), v + 1) if m else (t, v) for t, v, m in pairs]
    truth, values = zip(*other, strict=True)
    moved = replace(survey, samples=replace(scenes, truth=truth, values=values))
    assert share_out_blocks(moved, 2) == part
    found = finetune(TASK, base, moved, tmp_path)
    assert same_copies(tuned, found) == {
        (0, 0): False, (0, 1): True, (1, 0): False, (1, 1): True,
    }  # fmt: skip


def test_what_touches_held_out_labels_is_not_learned_from(
    base: Model, survey: Collection[Scenes], tuned: Model, tmp_path: Path
) -> None:
    part = share_out_blocks(survey, 2)
    place = survey.samples.place.tolist()
    own = next(n for n, p in enumerate(place) if part[p] == 0)
    other = next(p for p in place if part[p] == 1)
    touched = list(survey.touched)
    touched[own] = frozenset({other})
    found = finetune(TASK, base, replace(survey, touched=tuple(touched)), tmp_path)
    assert found.card.fine_tuning is not None
    assert found.card.fine_tuning.left_out == 1
    # The copy of part 1 would have learned from it; the copy of part 0 never does.
    same = same_copies(tuned, found)
    assert same[0, 0]
    assert same[1, 0]
    assert not same[0, 1]
    assert not same[1, 1]


def test_labels_without_sense_are_not_called_better(
    base: Model, tmp_path: Path
) -> None:
    scenes = build_scenes(8, 3)
    rng = np.random.default_rng(1)
    senseless = tuple(rng.permuted(t) for t in scenes.truth or ())
    found = finetune(TASK, base, collect(replace(scenes, truth=senseless)), tmp_path)
    assert found.card.fine_tuning is not None
    assert found.card.fine_tuning.verdict != "better"


def test_too_few_labels_are_refused_with_their_number(
    base: Model, survey: Collection[Scenes], tmp_path: Path
) -> None:
    few = collect(build_scenes(8, 5, sign=1.0), kept=0.01)
    few = replace(few, strange=("'?!'",))
    with pytest.raises(DataError) as caught:
        finetune(TASK, base, few, tmp_path / "out")
    message = str(caught.value)
    damaged, clean = few.answers["damaged"], few.answers["clean"]
    assert f"gives {damaged} damaged and {clean} clean pixels in 8 blocks" in message
    assert "3 unsure ('?!')" in message
    assert "at least 30 of each are needed, in 4 blocks" in message
    narrow = replace(survey, samples=survey.samples.take(np.arange(3)))
    with pytest.raises(DataError, match="in 3 blocks"):
        share_out_blocks(narrow, 2)
    crowded = replace(
        survey,
        touched=tuple(frozenset(survey.samples.place.tolist()) for _ in range(8)),
    )
    with pytest.raises(DataError, match="so close together"):
        finetune(TASK, base, crowded, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_blocks_of_both_kinds_are_in_every_part(survey: Collection[Scenes]) -> None:
    scenes = survey.samples
    assert scenes.truth is not None
    # Three blocks of damage alone, the others clean.
    only = tuple(
        np.where(np.isfinite(t), float(n < 3), np.nan).astype(np.float32)
        for n, t in enumerate(scenes.truth)
    )
    part = share_out_blocks(replace(survey, samples=replace(scenes, truth=only)), 2)
    for kind in (scenes.place[:3], scenes.place[3:]):
        assert {part[p] for p in kind.tolist()} == {0, 1}
    lonely = tuple(t if n else 0 * t + 1 for n, t in enumerate(only))
    lonely = (lonely[0], *(0 * t for t in lonely[1:]))
    with pytest.raises(DataError, match="each kind in 2 of them"):
        share_out_blocks(replace(survey, samples=replace(scenes, truth=lonely)), 2)


def test_only_models_from_scratch_learn_on(
    base: Model, tuned: Model, survey: Collection[Scenes], tmp_path: Path
) -> None:
    with pytest.raises(ConfigurationError, match="learned on from a survey already"):
        finetune(TASK, tuned, survey, tmp_path)
    value = replace(TASK, answer=Answer(head="value", outputs=("dark",)))
    with pytest.raises(ConfigurationError, match="cannot learn on"):
        finetune(value, base, survey, tmp_path)


def test_networks_alone_keep_a_threshold_of_their_own(
    base: Model, survey: Collection[Scenes], tuned: Model, tmp_path: Path
) -> None:
    assert set(tuned.card.calibration.thresholds) == {"dark"}
    old = base.card.calibration.thresholds
    calibration = base.card.calibration.model_copy(
        update={"thresholds": {**old, "dark-networks": 0.001}}
    )
    card = base.card.model_copy(update={"calibration": calibration})
    with_one, task = replace(base, card=card), replace(TASK, alone="scene")
    found = finetune(task, with_one, survey, tmp_path).card.calibration.thresholds
    assert found["dark"] == tuned.card.calibration.thresholds["dark"]
    assert 0.05 < found["dark-networks"] < 0.95  # nothing speaks for one in a thousand
