"""A tile chunk by chunk: what a night says and keeps is that of the whole tile."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agroforest.core.errors import DataError
from agroforest.core.grid import Grid
from agroforest.core.risk import EPOCH, RiskMap
from agroforest.indices import baseline
from agroforest.indices.baseline import BaselineState, Take
from agroforest.indices.season import seasonal_basis
from agroforest.nightly import standing
from agroforest.nightly.history import learn_seasons
from agroforest.nightly.standing import Question
from agroforest.nightly.state import TileState
from agroforest.risk import Model, load_model, models_dir, predict
from agroforest.store import chunks
from agroforest.store.state import StateUpdate, load_state, open_state

SHAPE = (21, 27)  # 3 x 4 chunks of 8
GRID = Grid(crs="EPSG:32649", left=0.0, top=0.0, resolution=10.0, width=27, height=21)
CANOPY = np.array([0.02, 0.04, 0.03, 0.30, 0.15, 0.08])
SOIL = np.array([0.03, 0.08, 0.12, 0.20, 0.30, 0.25])
START = 17_000
HISTORY_END = START + 600
MIN_CLEAR, RING = 6, 7
GROUP = "49QCE"


@pytest.fixture(autouse=True, scope="module")
def _small_chunks() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(chunks, "CHUNK", 8)
        yield


@pytest.fixture(scope="module")
def model() -> Model:
    return load_model(models_dir() / "canopy-stress")


def find_forest() -> np.ndarray:
    forest = np.random.default_rng(1).random(SHAPE) < 0.9
    forest[8:16, 8:16] = False  # a chunk without any
    forest[:3, 20:] = False
    return forest


FOREST = find_forest()


def see(
    day: int, clear: np.ndarray, *, soil: np.ndarray | None = None, version: int = 0
) -> Take:
    """A repeatable scene of a forest with a season, some of it bare."""
    rng = np.random.default_rng((day, version))
    basis = seasonal_basis(day)
    level = CANOPY * (1 + 0.05 * basis[1] - 0.1 * basis[2])
    bands = np.broadcast_to(level[:, None, None], (6, *SHAPE)).copy()
    if soil is not None:
        bands[:, soil] = SOIL[:, None]
    bands += rng.normal(size=bands.shape) * 0.004 + rng.normal() * 0.005
    bands[3, ~clear] = np.nan
    return day, bands.astype(np.float32), clear, f"{day}.{version}"


def history() -> list[Take]:
    takes = []
    for day in range(START, HISTORY_END + 1, 25):
        clear = np.random.default_rng(day).random(SHAPE) < 0.7
        clear[:, :2] = False  # never seen: learned later, from the ring
        clear[10:, 20:] &= day < HISTORY_END - 100
        takes.append(see(day, clear))
    return takes


def of_forest(take: Take) -> Take:
    day, bands, usable, scene_id = take
    return day, bands, usable & FOREST, scene_id


def learn(path: Path, takes: list[Take]) -> None:
    with StateUpdate(path, GROUP, shape=SHAPE) as update:
        log = learn_seasons(
            update,
            takes,
            grid=GRID,
            forest=FOREST,
            min_clear=MIN_CLEAR,
            ring=RING,
            scratch=path.parent,
        )
        TileState(
            update, grid=GRID, log=log, forest=FOREST, min_clear=MIN_CLEAR
        ).commit()


def learn_whole(takes: list[Take]) -> BaselineState:
    return baseline.fit(
        [of_forest(t) for t in takes],
        GRID,
        forest=FOREST,
        min_clear=MIN_CLEAR,
        ring=RING,
    )


def take_whole(state: BaselineState, take: Take) -> BaselineState:
    day, bands, usable, scene_id = of_forest(take)
    return baseline.update(
        state,
        day=day,
        bands=bands,
        usable=usable,
        scene_id=scene_id,
        forest=FOREST,
        min_clear=MIN_CLEAR,
    )


def run(
    path: Path, takes: list[Take], question: Question
) -> tuple[tuple[RiskMap, RiskMap], int, date | None]:
    with StateUpdate(path, GROUP) as update:
        state = TileState.open(update, min_clear=MIN_CLEAR)
        for take in takes:
            state.take(take)
        return state.judge(question), state.commit(), state.last_clear


def ask(day: int, model: Model | None) -> Question:
    return Question(
        night=EPOCH + timedelta(days=day), tile="t", model=model, threshold=None
    )


def judge_whole(state: BaselineState, question: Question) -> tuple[RiskMap, RiskMap]:
    return predict(
        state,
        night=question.night,
        tile=question.tile,
        model=question.model,
        forest=FOREST,
        threshold=question.threshold,
    )


def same_maps(one: tuple[RiskMap, RiskMap], other: tuple[RiskMap, RiskMap]) -> None:
    for a, b in zip(one, other, strict=True):
        for name in ("probability", "since", "evidence"):
            np.testing.assert_array_equal(getattr(a, name), getattr(b, name), name)
        for name in ("hazard", "model", "threshold", "night", "tile", "grid"):
            assert getattr(a, name) == getattr(b, name)


def same_state(path: Path, whole: BaselineState) -> None:
    saved = load_state(path, GROUP)
    assert saved is not None
    found = BaselineState.from_saved(*saved)
    for name, array in whole.arrays().items():
        np.testing.assert_array_equal(found.arrays()[name], array, err_msg=name)
    np.testing.assert_array_equal(found.scene_day, whole.scene_day)
    np.testing.assert_array_equal(found.scene_median, whole.scene_median)
    assert found.scenes == whole.scenes
    assert found.grid == whole.grid


@dataclass(frozen=True)
class Night:
    """Days since the night before; its scenes; days by which it is judged late."""

    step: int
    scenes: list[tuple[int, str, bool]]
    late: int

    def takes(self, day: int, seed: int) -> list[Take]:
        found = []
        for number, (offset, sky, bare) in enumerate(self.scenes):
            rng = np.random.default_rng((seed, number))
            soil = np.zeros(SHAPE, dtype=bool)
            soil[4:14, 3:12] = bare
            clear = look(sky, rng)
            version = 100 * seed + number + 1
            found.append(see(day + offset, clear, soil=soil, version=version))
        return found


def look(sky: str, rng: np.random.Generator) -> np.ndarray:
    clear = np.zeros(SHAPE, dtype=bool)
    if sky == "blue":
        clear[:] = True
    elif sky == "corner":
        clear[:7, :8] = True
    elif sky == "hole":
        top, left = rng.integers(0, 15), rng.integers(0, 20)
        clear[top : top + 6, left : left + 9] = True
    elif sky == "specks":
        clear = rng.random(SHAPE) < 0.03
    return clear


NIGHTS = st.lists(
    st.builds(
        Night,
        step=st.sampled_from([1, 2, 10, 60, 120]),
        scenes=st.lists(
            st.tuples(
                st.sampled_from([0, 0, 0, -1, -10, -60]),
                st.sampled_from(["blue", "blue", "corner", "hole", "specks", "grey"]),
                st.booleans(),
            ),
            max_size=3,
        ),
        late=st.sampled_from([0, 0, 0, 1, 20, -1, -30]),
    ),
    min_size=2,
    max_size=7,
)


@pytest.fixture(scope="module")
def learned(
    tmp_path_factory: pytest.TempPathFactory, _small_chunks: None
) -> tuple[Path, BaselineState]:
    """The history, learned by chunks and at once."""
    path = tmp_path_factory.mktemp("learned") / "state.zarr"
    learn(path, history())
    return path, learn_whole(history())


def compare(
    folder: Path,
    learned: tuple[Path, BaselineState],
    nights: list[Night],
    model: Model | None,
) -> None:
    first, whole = learned
    path = folder / "state.zarr"
    shutil.copytree(first, path)
    same_state(path, whole)
    day = HISTORY_END
    for number, night in enumerate(nights):
        day += night.step
        takes, question = night.takes(day, number), ask(day + night.late, model)
        for take in takes:
            whole = take_whole(whole, take)
        maps, _, last_clear = run(path, takes, question)
        same_maps(maps, judge_whole(whole, question))
        same_state(path, whole)
        newest = int(whole.ring_day[-1][FOREST].max())
        assert last_clear == EPOCH + timedelta(days=newest)
        # The same night again changes nothing.
        again, written, _ = run(path, takes, question)
        assert written == 0
        same_maps(maps, again)


@pytest.mark.slow
@settings(deadline=None, max_examples=20)
@given(nights=NIGHTS)
def test_by_chunks_is_the_whole_under_the_rule(
    nights: list[Night],
    learned: tuple[Path, BaselineState],
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    compare(tmp_path_factory.mktemp("rule"), learned, nights, None)


@pytest.mark.slow
@settings(deadline=None, max_examples=8)
@given(nights=NIGHTS)
def test_by_chunks_is_the_whole_under_a_model(
    nights: list[Night],
    learned: tuple[Path, BaselineState],
    model: Model,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    compare(tmp_path_factory.mktemp("model"), learned, nights, model)


BLUE, GREY = np.ones(SHAPE, dtype=bool), np.zeros(SHAPE, dtype=bool)
CORNER = GREY.copy()
CORNER[:8, :8] = True


@pytest.fixture
def path(tmp_path: Path, learned: tuple[Path, BaselineState]) -> Path:
    """A state that one clear night has judged."""
    path = tmp_path / "state.zarr"
    shutil.copytree(learned[0], path)
    run(path, [see(HISTORY_END + 5, BLUE)], ask(HISTORY_END + 5, None))
    return path


def files(path: Path) -> dict[str, tuple[int, bytes]]:
    return {
        str(f.relative_to(path / GROUP)): (f.stat().st_mtime_ns, f.read_bytes())
        for f in sorted(path.rglob("*"))
        if f.is_file() and f.parent != path
    }


def test_only_chunks_with_news_are_read_and_written(path: Path) -> None:
    before = files(path)
    for name in ("ring", "ring_day", "coefficients"):  # whoever reads them is told
        for file in (path / GROUP / name).rglob("*"):
            if file.is_file() and "/c/" in str(file) and not file.match("0/0"):
                file.write_bytes(b"damaged")
    damaged = files(path)
    run(path, [see(HISTORY_END + 9, CORNER)], ask(HISTORY_END + 9, None))
    after = files(path)
    changed = {name for name in after if after[name] != damaged[name]}
    assert {n for n in changed if "/c/" in n} == {
        "ring/c/0/0/0/0",
        "ring_day/c/0/0/0",
        "evidence/c/0/0/0",  # nothing else changed of what the rule says
    }
    assert before.keys() == after.keys()
    with pytest.raises(DataError, match="its content is not what was saved"):
        run(path, [see(HISTORY_END + 14, BLUE)], ask(HISTORY_END + 14, None))


def test_nothing_new_reads_and_writes_no_season(path: Path) -> None:
    question = ask(HISTORY_END + 5, None)
    maps, _, _ = run(path, [], question)
    stored = open_state(path, GROUP)
    assert stored is not None
    for name in ("ring", "ring_day", "coefficients", "model_from", "cut_day"):
        for file in (path / GROUP / name / "c").rglob("*"):
            if file.is_file():
                file.unlink()
    before = files(path)
    again, written, _ = run(path, [see(HISTORY_END + 5, BLUE)], question)
    assert written == 0
    assert files(path) == before
    same_maps(maps, again)


def test_a_second_scene_of_a_day_moves_what_its_first_said_elsewhere(
    path: Path,
) -> None:
    whole = learn_whole(history())
    takes = [see(HISTORY_END + 5, BLUE)]
    for number in range(3):  # dry, in all of the forest
        day, bands, clear, scene_id = see(HISTORY_END + 10 + 5 * number, BLUE)
        takes.append(
            (
                day,
                bands * [[[1]], [[1]], [[1]], [[1]], [[1.25]], [[1]]],
                clear,
                scene_id,
            )
        )
    for take in takes:
        whole = take_whole(whole, take)
    question = ask(takes[-1][0], None)
    first, _, _ = run(path, takes[1:], question)
    same_maps(first, judge_whole(whole, question))
    # A scene of the last day of which only a corner is clear, and not dry.
    again = see(takes[-1][0], CORNER, version=1)
    whole = take_whole(whole, again)
    second, _, _ = run(path, [again], question)
    expected = judge_whole(whole, question)
    same_maps(second, expected)
    beyond = ~CORNER & FOREST
    assert (first[0].probability[beyond] != second[0].probability[beyond]).any()


@pytest.mark.parametrize("other", ["model", "threshold", "release"])
def test_another_judge_judges_everything(
    other: str, path: Path, model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    day = HISTORY_END + 5
    question = ask(day, model)
    if other != "model":
        run(path, [], question)
    if other == "threshold":
        question = replace(question, threshold=0.01)
    if other == "release":
        monkeypatch.setattr(standing, "__version__", "another")
    for file in (path / GROUP / "ring" / "c").rglob("2/3"):
        file.write_bytes(b"damaged")
    with pytest.raises(DataError, match="ring"):
        run(path, [], question)


def test_a_season_learned_tonight_judges_from_tomorrow_on(path: Path) -> None:
    """The rule then says of pixels that nothing saw another thing than tonight."""
    whole = take_whole(learn_whole(history()), see(HISTORY_END + 5, BLUE))
    soil = GREY.copy()
    soil[9:15, 2:8] = True
    day, tonight = HISTORY_END + 10, None
    bare, learned = iter([True] * 3), False
    while not learned:  # felled, and grown again
        day += 60
        take = see(day, BLUE, soil=soil & next(bare, False))
        whole = take_whole(whole, take)
        tonight, _, _ = run(path, [take], ask(day, None))
        same_maps(tonight, judge_whole(whole, ask(day, None)))
        learned = bool((whole.model_from[soil & FOREST] == day + 1).all())
        assert day < HISTORY_END + 2000
    assert (whole.cut_day[soil & FOREST] > 0).all()
    question = ask(day + 1, None)
    tomorrow, _, _ = run(path, [], question)
    same_maps(tomorrow, judge_whole(whole, question))
    assert tonight is not None
    assert tonight[1].detected[soil & FOREST].all()
    assert not tomorrow[1].detected[soil & FOREST].any()


def test_a_night_before_what_the_state_has_seen(path: Path) -> None:
    """After a night that was killed before it was recorded, an earlier one runs."""
    whole = learn_whole(history())
    for take in (see(HISTORY_END + 5, BLUE), see(HISTORY_END + 30, CORNER)):
        whole = take_whole(whole, take)
    run(path, [see(HISTORY_END + 30, CORNER)], ask(HISTORY_END + 30, None))
    for day in (HISTORY_END + 12, HISTORY_END + 4, HISTORY_END + 30):
        maps, _, _ = run(path, [], ask(day, None))
        same_maps(maps, judge_whole(whole, ask(day, None)))


def test_a_tile_without_forest_remembers_only_its_scenes(tmp_path: Path) -> None:
    path = tmp_path / "state.zarr"
    with StateUpdate(path, GROUP, shape=SHAPE) as update:
        log = learn_seasons(
            update,
            history(),
            grid=GRID,
            forest=GREY,
            min_clear=MIN_CLEAR,
            ring=RING,
            scratch=tmp_path,
        )
        state = TileState(update, grid=GRID, log=log, forest=GREY, min_clear=MIN_CLEAR)
        state.take(see(HISTORY_END + 5, BLUE))
        stress, loss = state.judge(ask(HISTORY_END + 5, None))
        state.commit()
    assert state.last_clear is None
    assert not stress.evidence.any()
    assert np.isnan(loss.probability).all()
    saved = load_state(path, GROUP)
    assert saved is not None
    assert len(saved[1]["scenes"]) == len(history()) + 1  # type: ignore[arg-type]
    assert not saved[0]["ring_day"].any()


def test_a_scene_on_another_grid_is_refused(path: Path) -> None:
    day, bands, usable, scene_id = see(HISTORY_END + 9, BLUE)
    with pytest.raises(DataError, match=r"bands are \(6, 20, 27\)"):
        run(path, [(day, bands[:, 1:], usable, scene_id)], ask(day, None))


def test_order_and_repetition_of_the_history_do_not_matter(tmp_path: Path) -> None:
    one, other = tmp_path / "a.zarr", tmp_path / "b.zarr"
    learn(one, history())
    learn(other, history()[::-1] + history()[:3])
    expected, found = load_state(one, GROUP), load_state(other, GROUP)
    assert expected is not None
    assert found is not None
    for name, array in expected[0].items():
        np.testing.assert_array_equal(found[0][name], array)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.zarr", "b.zarr"]
