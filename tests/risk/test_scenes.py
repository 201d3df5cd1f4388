"""Scenes and their students: answers stay with their pixels, and can be learned."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from agroforest.core.errors import ModelError
from agroforest.core.grid import Grid
from agroforest.risk import scenes
from agroforest.risk.background import Background
from agroforest.risk.card import Answer, Learner
from agroforest.risk.crops import Change, Crops
from agroforest.risk.metrics import average_precision
from agroforest.risk.scene_trees import SceneTrees
from agroforest.risk.scenes import Scenes, SceneStudent
from agroforest.risk.train import Recipe

ANSWER = Answer(head="probability", outputs=("dark",))


def silent(share: float, note: str) -> None:
    """Say nothing."""


def as_they_are(values: NDArray[np.float32]) -> NDArray[np.float32]:
    return values


def build_scenes(count: int, seed: int = 0) -> Scenes:
    """Scenes of noise with squares that are darker by less than the noise."""
    rng = np.random.default_rng(seed)
    values, truth, grids = [], [], []
    for number in range(count):
        height, width = 40 + 3 * number, 36 + number
        mask = np.zeros((height, width), np.float32)
        for _ in range(4):
            y, x = rng.integers(height - 10), rng.integers(width - 10)
            mask[y : y + 10, x : x + 10] = 1
        noise = rng.normal(size=(2, height, width)).astype(np.float32)
        noise[0] -= mask
        values.append(
            (7 + noise / 4).astype(np.float32)
        )  # neither centred nor of unit spread
        truth.append(mask)
        grids.append(
            Grid(
                crs="EPSG:3857",
                left=0.0,
                top=0.0,
                resolution=10.0,
                width=width,
                height=height,
            )
        )
    return Scenes(
        values=tuple(values),
        place=np.array([f"p{n}" for n in range(count)]),
        name=tuple(f"s{n}" for n in range(count)),
        grid=tuple(grids),
        truth=tuple(truth),
    )


STUDENT = SceneStudent(
    spec=Learner(family="scene", width=6, blocks=1, kernel=3),
    answer=ANSWER,
    recipe=Recipe(epochs=30, batch=4, rate=1e-2, average=0.9),
    crops=Crops(side=24, noise=0.1),
    sources=(1, 1),
    features=as_they_are,
    overlap=0.2,
)
TREES = SceneTrees(
    spec=Learner(family="trees", width=7, blocks=20),
    answer=ANSWER,
    settings={"min_data_in_leaf": 20},
    features=as_they_are,
    rows=2000,
)


def test_answers_go_back_to_their_scenes() -> None:
    samples = build_scenes(3)
    assert samples.target is not None
    assert samples.sizes.sum() == samples.target.size
    some = samples.take(np.array([2, 0]))
    assert (some.name, some.place.tolist()) == (("s2", "s0"), ["p2", "p0"])
    assert some.target is not None
    assert some.truth is not None
    for part, truth in zip(some.split(some.target), some.truth, strict=True):
        np.testing.assert_array_equal(part, truth)


def test_unlabelled_scenes_have_no_target() -> None:
    bare = replace(build_scenes(2), truth=None)
    assert bare.target is None
    assert bare.take(np.array([1])).truth is None
    for student in (STUDENT, TREES):
        with pytest.raises(ValueError, match="without a target"):
            student.fit(bare, seed=0, progress=silent)


def test_the_network_sees_squares_that_no_pixel_shows() -> None:
    learned, new = build_scenes(6), build_scenes(3, seed=9)
    tensors = STUDENT.fit(learned, seed=1, progress=silent)
    said = STUDENT.say(tensors, new)[:, 0]
    assert new.target is not None
    alone = -np.concatenate([v[0].ravel() for v in new.values])
    truth = new.target > 0
    assert average_precision(truth, said) > average_precision(truth, alone) + 0.2


def test_the_same_seed_learns_the_same() -> None:
    short = replace(STUDENT, recipe=replace(STUDENT.recipe, epochs=1))
    one, other, third = (
        short.fit(build_scenes(2), seed=seed, progress=silent) for seed in (3, 3, 4)
    )
    assert all((one[name] == other[name]).all() for name in one)
    assert any((one[name] != third[name]).any() for name in one)


def test_blocks_say_what_the_whole_scene_says(monkeypatch: pytest.MonkeyPatch) -> None:
    short = replace(STUDENT, recipe=replace(STUDENT.recipe, epochs=1))
    samples = build_scenes(1)
    samples.values[0][0, 5:9, 7:20] = np.nan
    tensors = short.fit(samples, seed=0, progress=silent)
    whole = short.say(tensors, samples)
    monkeypatch.setattr(scenes, "_BLOCK", 16)
    np.testing.assert_allclose(short.say(tensors, samples), whole, atol=1e-5)


def test_holes_are_judged_and_empty_scenes_are_not() -> None:
    short = replace(STUDENT, recipe=replace(STUDENT.recipe, epochs=1))
    samples = build_scenes(2)
    tensors = short.fit(samples, seed=0, progress=silent)
    samples.values[0][:, 3, 4] = np.nan
    samples.values[1][:] = np.nan
    first, second = samples.split(short.say(tensors, samples)[:, 0])
    assert np.isfinite(first).all()
    assert np.isnan(second).all()


def test_scenes_are_levelled_one_by_one() -> None:
    samples = build_scenes(2)
    tensors = STUDENT.fit(samples, seed=1, progress=silent)
    level = Background(quantile=0.7, usual=-5.0, furthest=20.0)
    plain = STUDENT.say(tensors, samples)[:, 0]
    found = replace(STUDENT, background=level).say(tensors, samples)[:, 0]
    for before, after in zip(samples.split(plain), samples.split(found), strict=True):
        assert np.quantile(after, 0.7) == pytest.approx(-5, abs=1e-4)
        np.testing.assert_allclose(after - before, (after - before).mean(), atol=1e-4)


def test_weights_of_another_network_are_refused() -> None:
    short = replace(STUDENT, recipe=replace(STUDENT.recipe, epochs=1))
    samples = build_scenes(1)
    tensors = short.fit(samples, seed=0, progress=silent)
    wider = replace(short, spec=short.spec.model_copy(update={"width": 7}))
    with pytest.raises(ModelError, match="do not fit the network"):
        wider.say(tensors, samples)


def test_trees_learn_pixels_and_do_without_optional_planes() -> None:
    learned, new = build_scenes(4), build_scenes(2, seed=9)
    for values, mask in zip(learned.values, learned.truth or (), strict=True):
        values[1] = mask  # the last plane tells everything
    trees = replace(TREES, forget=0.5, optional=1)
    tensors = trees.fit(learned, seed=0, progress=silent)
    for values, mask in zip(new.values, new.truth or (), strict=True):
        values[1] = mask
    assert new.target is not None
    truth = new.target > 0
    assert average_precision(truth, trees.say(tensors, new)[:, 0]) > 0.99
    for values in new.values:
        values[1] = np.nan
    without = average_precision(truth, trees.say(tensors, new)[:, 0])
    assert truth.mean() + 0.1 < without < 0.9


def test_pixels_of_unknown_truth_are_not_learned() -> None:
    known = build_scenes(2)
    wrong = build_scenes(2)
    for values, mask in zip(wrong.values, wrong.truth or (), strict=True):
        half = mask.shape[1] // 2
        mask[:, :half] = 1 - mask[:, :half]
        mask[:, :half] = np.nan
        assert np.isfinite(values).all()
    for student in (
        replace(STUDENT, recipe=replace(STUDENT.recipe, epochs=1)),
        TREES,
    ):
        tensors = student.fit(wrong, seed=0, progress=silent)
        assert np.isfinite(student.say(tensors, known)).all()


def test_a_network_learns_on_and_keeps_a_part() -> None:
    once = Recipe(epochs=2, batch=4, rate=1e-2)
    student = replace(STUDENT, recipe=once, refining=once, kept=1.0)
    first = student.fit(build_scenes(2), seed=0, progress=silent)
    new = build_scenes(2, seed=7)
    same = student.refine(first, new, seed=0, progress=silent)
    counters = {name for name in first if "num_batches" in name}
    for name in first.keys() - counters:
        np.testing.assert_array_equal(same[name], first[name])
    whole = replace(student, kept=0.0).refine(first, new, seed=0, progress=silent)
    half = replace(student, kept=0.5).refine(first, new, seed=0, progress=silent)
    assert any(not np.array_equal(whole[n], first[n]) for n in first.keys() - counters)
    for name in first.keys() - counters:
        middle = (first[name].astype(np.float32) + whole[name]) / 2
        np.testing.assert_allclose(half[name], middle, rtol=2e-3, atol=1e-6)
    for name in ("centre", "scale"):  # what is new is seen as before
        np.testing.assert_array_equal(whole[name], first[name])
    with pytest.raises(ValueError, match="how to learn on"):
        STUDENT.refine(first, new, seed=0, progress=silent)


class AllDark:
    """Makes up that all is dark."""

    def describe(self) -> str:
        return "all dark"

    def learn(
        self,
        scenes: Sequence[NDArray[np.float32]],
        truth: Sequence[NDArray[np.float32]],
    ) -> Change:
        assert len(scenes) == len(truth)
        return lambda values, target: (values, torch.ones_like(target))


def test_learning_on_has_crops_of_its_own() -> None:
    long, once = (Recipe(epochs=n, batch=4, rate=1e-2) for n in (30, 2))
    plain = replace(STUDENT, recipe=long, refining=once)
    student = replace(
        plain,
        crops=replace(plain.crops, made_up=AllDark()),
        refining_crops=plain.crops,
    )
    samples = build_scenes(2)
    first, other = (s.fit(samples, seed=0, progress=silent) for s in (plain, student))
    said = [plain.say(t, samples).mean() for t in (first, other)]
    assert said[1] > said[0] + 1
    assert "all dark" in student.describe()
    assert "all dark" not in student.describe_refining()
    on, same = (
        s.refine(first, samples, seed=0, progress=silent) for s in (plain, student)
    )
    for name, array in on.items():
        np.testing.assert_array_equal(same[name], array)


def test_pixels_count_by_their_truth() -> None:
    samples = build_scenes(2)
    assert samples.weight is None
    weighed = replace(samples, counts=(0.1, 3.0))
    assert weighed.weight is not None
    assert samples.target is not None
    np.testing.assert_array_equal(
        weighed.weight, np.where(samples.target > 0, 3.0, 0.1)
    )
    assert weighed.take(np.array([1])).counts == (0.1, 3.0)
    short = replace(STUDENT, recipe=replace(STUDENT.recipe, epochs=60, average=0.0))
    for student in (short, TREES):
        even, heavy = (
            student.say(student.fit(s, seed=0, progress=silent), samples).mean()
            for s in (samples, weighed)
        )
        assert heavy > even + 0.5
