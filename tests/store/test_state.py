"""State of a tile: exact, partial writes, and whole nights or none."""

import hashlib
import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
import zarr
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from agroforest.core.errors import DataError
from agroforest.store import redo
from agroforest.store.state import (
    StateUpdate,
    load_state,
    open_state,
    save_state,
)

SHAPE = (300, 520)  # 2 x 3 chunks of 256
ATTRS: dict[str, object] = {
    "crs": "EPSG:32649",
    "left": 300_000.0,
    "top": 2_500_000.0,
    "resolution": 20.0,
    "width": SHAPE[1],
    "height": SHAPE[0],
    "scenes": ["a"],
}


def arrays(seed: int = 0) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    return {
        "ring": rng.integers(-32768, 9000, (4, 6, *SHAPE)).astype(np.int16),
        "ring_day": rng.integers(0, 20_000, (4, *SHAPE)).astype(np.int32),
        "model_from": np.zeros(SHAPE, dtype=np.int32),
    }


def check(path: Path, expected: dict[str, np.ndarray], attrs: object) -> None:
    loaded = load_state(path, "49QCE")
    assert loaded is not None
    assert loaded[1] == attrs
    assert loaded[0].keys() == expected.keys()
    for name, array in expected.items():
        assert loaded[0][name].dtype == array.dtype
        np.testing.assert_array_equal(loaded[0][name], array)


def content(path: Path) -> dict[str, bytes]:
    files = (f for f in path.parent.rglob("*") if f.is_file())
    return {str(f.relative_to(path.parent)): f.read_bytes() for f in sorted(files)}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state.zarr"


def test_nothing_saved_is_none(path: Path) -> None:
    assert load_state(path, "49QCE") is None
    assert not path.exists()


def test_save_then_load_is_the_identity(path: Path) -> None:
    assert save_state(path, "49QCE", arrays(), ATTRS) == 18
    check(path, arrays(), ATTRS)
    assert load_state(path, "49QCF") is None


@settings(deadline=None, max_examples=20)
@given(
    data=hnp.arrays(
        st.sampled_from([np.int16, np.int32, np.float32, np.bool_]),
        hnp.array_shapes(min_dims=2, max_dims=4, max_side=6),
        elements=None,
    )
)
def test_any_array_survives(
    data: np.ndarray, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("any") / "state.zarr"
    save_state(path, "t", {"a": data}, {})
    loaded = load_state(path, "t")
    assert loaded is not None
    assert loaded[0]["a"].tobytes() == data.tobytes()
    assert loaded[0]["a"].shape == data.shape


def test_other_tools_can_read_it(path: Path) -> None:
    save_state(path, "49QCE", arrays(), ATTRS)
    group = zarr.open_group(path, mode="r")
    assert list(group.group_keys()) == ["49QCE"]
    for name, array in arrays().items():
        member = group[f"49QCE/{name}"]
        assert isinstance(member, zarr.Array)
        np.testing.assert_array_equal(member[...], array)
    ring = group["49QCE/ring"]
    assert isinstance(ring, zarr.Array)
    assert ring.chunks == (4, 6, 256, 256)
    np.testing.assert_array_equal(
        ring[:, :, 290:, 500:], arrays()["ring"][..., 290:, 500:]
    )


def test_only_changed_chunks_are_written(path: Path) -> None:
    first = arrays()
    save_state(path, "49QCE", first, ATTRS)
    old = {f: f.stat().st_mtime_ns for f in path.rglob("*") if f.is_file()}
    second = {name: array.copy() for name, array in first.items()}
    second["ring"][2, 3, 299, 519] += 1
    assert save_state(path, "49QCE", second, {**ATTRS, "scenes": ["a", "b"]}) == 1
    touched = {
        str(f.relative_to(path))
        for f in path.rglob("*")
        if f.is_file() and old.get(f) != f.stat().st_mtime_ns
    }
    assert touched == {
        "49QCE/ring/c/0/0/1/2",
        "49QCE/ring/zarr.json",
        "49QCE/zarr.json",
    }
    check(path, second, {**ATTRS, "scenes": ["a", "b"]})


def test_chunk_that_became_empty_is_written(path: Path) -> None:
    save_state(path, "49QCE", arrays(), ATTRS)
    empty = arrays() | {"ring_day": np.zeros((4, *SHAPE), dtype=np.int32)}
    save_state(path, "49QCE", empty, ATTRS)
    check(path, empty, ATTRS)


def test_saving_again_changes_no_byte(path: Path) -> None:
    save_state(path, "49QCE", arrays(), ATTRS)
    before = content(path)
    assert save_state(path, "49QCE", arrays(), ATTRS) == 0
    assert content(path) == before


def test_bytes_do_not_depend_on_the_way(path: Path, tmp_path: Path) -> None:
    save_state(path, "49QCE", arrays(1), ATTRS)
    save_state(path, "49QCE", arrays(2), ATTRS)
    other = tmp_path / "other" / "state.zarr"
    save_state(other, "49QCE", arrays(2), ATTRS)
    assert content(path).items() >= content(other).items()


class Killed(BaseException):
    """What a killed process does: nothing more."""


@pytest.mark.parametrize("existing", [False, True])
def test_killed_at_any_rename_leaves_a_whole_state(
    existing: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, new = (
        {k: v[..., :7, :9].copy() for k, v in arrays(i).items()} for i in (1, 2)
    )
    newer = {**ATTRS, "scenes": ["a", "b"]}
    real = Path.replace
    seen: set[str] = set()
    finished = False
    for n in range(60):
        path = tmp_path / str(n) / "state.zarr"
        if existing:
            save_state(path, "49QCE", old, ATTRS)
        left = iter(range(n))

        def replace(self: Path, target: Path, left: Iterator[int] = left) -> Path:
            # Zarr renames in threads that would outlive this death, as no thread
            # outlives a real one. Its renames only fill the staging folder.
            if self.suffix != ".partial" and next(left, None) is None:
                raise Killed
            return real(self, target)

        monkeypatch.setattr(Path, "replace", replace)
        try:
            save_state(path, "49QCE", new, newer)
            finished = True
        except Killed:
            finished = False
        monkeypatch.setattr(Path, "replace", real)
        loaded = load_state(path, "49QCE")
        if loaded is None:
            assert not existing
            seen.add("none")
        elif loaded[1] == ATTRS:
            check(path, old, ATTRS)
            seen.add("old")
        else:
            check(path, new, newer)
            seen.add("new")
        assert [f.name for f in path.parent.iterdir()] == ["state.zarr"]
        # Running the night again ends where the night would have ended.
        save_state(path, "49QCE", new, newer)
        check(path, new, newer)
        if finished:
            break
    assert finished
    assert seen == {"old" if existing else "none", "new"}


def test_killed_while_staging_leaves_the_old_state(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_state(path, "49QCE", arrays(1), ATTRS)
    before = content(path)

    def die(*_: object) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(redo, "flush", die)
        with pytest.raises(Killed):
            save_state(path, "49QCE", arrays(2), ATTRS)
    assert content(path) != before  # the staged files lie beside
    check(path, arrays(1), ATTRS)
    assert content(path) == before


@pytest.mark.parametrize(
    ("key", "value"), [("crs", "EPSG:32648"), ("left", 0.0), ("resolution", 10.0)]
)
def test_another_grid_is_refused(path: Path, key: str, value: object) -> None:
    save_state(path, "49QCE", arrays(), ATTRS)
    with pytest.raises(DataError, match=f"{key} is .* there and {value!r} here"):
        save_state(path, "49QCE", arrays(), {**ATTRS, key: value})
    check(path, arrays(), ATTRS)


def test_another_shape_is_refused(path: Path) -> None:
    save_state(path, "49QCE", arrays(), ATTRS)
    more = arrays() | {"ring": np.zeros((5, 6, *SHAPE), dtype=np.int16)}
    with pytest.raises(DataError, match=r"ring: it is int16\(4, 6, 300, 520\) there"):
        save_state(path, "49QCE", more, ATTRS)
    mixed = arrays() | {"ring_day": np.zeros((4, 2, 2), dtype=np.int32)}
    with pytest.raises(DataError, match="one grid a tile"):
        save_state(path, "49QCE", mixed, ATTRS)


@pytest.mark.parametrize("group", ["", "..", "a/b", ".hidden", "a\\b"])
def test_group_is_a_plain_name(path: Path, group: str) -> None:
    with pytest.raises(DataError, match="cannot name a tile"):
        load_state(path, group)


@pytest.mark.parametrize(
    ("file", "damage"),
    [
        ("ring/c/0/0/0/0", b""),
        ("ring/c/0/0/0/0", b"\x00" * 99),
        ("ring/c/0/0/0/0", None),
        ("ring/zarr.json", b"{"),
        ("ring/zarr.json", None),
        ("zarr.json", b"[]"),
        ("zarr.json", b'{"zarr_format": 3, "node_type": "group", "attributes": {}}'),
    ],
)
def test_damage_is_noticed(path: Path, file: str, damage: bytes | None) -> None:
    save_state(path, "49QCE", arrays(), ATTRS)
    victim = path / "49QCE" / file
    if damage is None:
        victim.unlink()
    else:
        victim.write_bytes(damage)
    with pytest.raises(DataError, match="fit the baseline again") as caught:
        load_state(path, "49QCE")
    assert "\n" not in str(caught.value)


def test_flipped_attribute_digest_is_noticed(path: Path) -> None:
    save_state(path, "49QCE", arrays(), ATTRS)
    head = path / "49QCE" / "zarr.json"
    text = json.loads(head.read_text())
    text["attributes"]["file_digests"]["ring"]["0/0"] = "0" * 16
    head.write_text(json.dumps(text))
    with pytest.raises(DataError, match="not what was saved"):
        load_state(path, "49QCE")


def test_a_chunk_is_that_part_of_the_whole(path: Path) -> None:
    save_state(path, "49QCE", arrays(), ATTRS)
    stored = open_state(path, "49QCE")
    assert stored is not None
    assert stored.attributes == ATTRS
    seen = np.zeros(SHAPE, dtype=int)
    for chunk in stored.chunks:
        part = stored.read(chunk)
        assert part.keys() == arrays().keys()
        seen[chunk.window] += 1
        for name, array in arrays().items():
            np.testing.assert_array_equal(part[name], array[(..., *chunk.window)])
            part[name][...] = 0  # the caller's own
        assert stored.read(chunk, ["ring_day"]).keys() == {"ring_day"}
    assert (seen == 1).all()
    check(path, arrays(), ATTRS)


def test_only_what_is_read_is_checked(path: Path) -> None:
    save_state(path, "49QCE", arrays(), ATTRS)
    victim = path / "49QCE" / "ring/c/0/0/1/2"
    victim.write_bytes(victim.read_bytes()[:-1] + b"x")
    stored = open_state(path, "49QCE")
    assert stored is not None
    *others, last = stored.chunks
    for chunk in others:
        stored.read(chunk)
    stored.read(last, ["ring_day", "model_from"])
    with pytest.raises(DataError, match="ring: its content is not what was saved"):
        stored.read(last, ["ring"])


def test_a_digest_is_that_of_the_file(path: Path) -> None:
    save_state(path, "49QCE", arrays(), ATTRS)
    stored = open_state(path, "49QCE")
    assert stored is not None
    for name, digests in stored.digests.items():
        lead = "0/" * (arrays()[name].ndim - 2)
        for key, digest in digests.items():
            data = (path / "49QCE" / name / f"c/{lead}{key}").read_bytes()
            assert hashlib.blake2b(data, digest_size=8).hexdigest() == digest


def test_an_update_is_read_before_it_is_committed_and_not_seen_outside(
    path: Path,
) -> None:
    save_state(path, "49QCE", arrays(1), ATTRS)
    before = content(path)
    expected = arrays(1)
    with StateUpdate(path, "49QCE") as update:
        for chunk in (update.chunks[1], update.chunks[5]):
            part = update.read(chunk)
            part["ring_day"] += 1
            expected["ring_day"][(..., *chunk.window)] += 1
            assert update.write(chunk, part) == 1
            np.testing.assert_array_equal(
                update.read(chunk, ["ring_day"])["ring_day"], part["ring_day"]
            )
        assert {k: v for k, v in content(path).items() if ".next" not in k} == before
        assert update.commit({**ATTRS, "scenes": ["a", "b"]}) == 2
    check(path, expected, {**ATTRS, "scenes": ["a", "b"]})
    assert [f.name for f in path.parent.iterdir()] == ["state.zarr"]


def test_what_is_written_back_as_it_was_is_no_change(path: Path) -> None:
    save_state(path, "49QCE", arrays(), ATTRS)
    before = content(path)
    with StateUpdate(path, "49QCE") as update:
        chunk = update.chunks[0]
        part = update.read(chunk)
        assert update.write(chunk, {"ring": part["ring"] + 1}) == 1
        assert update.write(chunk, part) == 0
        assert update.commit(ATTRS) == 0
    assert content(path) == before


@pytest.mark.parametrize("error", [None, DataError])
def test_an_update_that_is_left_changes_nothing(
    path: Path, error: type[Exception] | None
) -> None:
    save_state(path, "49QCE", arrays(), ATTRS)
    before = content(path)
    with suppress(DataError), StateUpdate(path, "49QCE") as update:
        update.write(update.chunks[0], {"model_from": np.ones((256, 256), np.int32)})
        if error:
            raise error("a", "b", "c")
    assert content(path) == before


def test_an_array_joins_when_all_of_it_is_written(path: Path) -> None:
    save_state(path, "49QCE", arrays(), ATTRS)
    score = np.random.default_rng(0).random((2, *SHAPE)).astype(np.float32)
    with StateUpdate(path, "49QCE") as update:
        for chunk in update.chunks[:-1]:
            update.write(chunk, {"score": score[(..., *chunk.window)]})
        with pytest.raises(DataError, match="5 of 6 chunks"):
            update.commit(ATTRS)
        chunk = update.chunks[-1]
        update.write(chunk, {"score": score[(..., *chunk.window)]})
        assert update.commit(ATTRS) == 6
    check(path, arrays() | {"score": score}, ATTRS)
    # A state that is saved whole holds what it was given, and no more.
    save_state(path, "49QCE", arrays(), ATTRS)
    check(path, arrays(), ATTRS)


def test_a_chunk_of_another_shape_is_refused(path: Path) -> None:
    save_state(path, "49QCE", arrays(), ATTRS)
    with StateUpdate(path, "49QCE") as update:
        for wrong in (
            np.zeros((256, 256), dtype=np.int64),
            np.zeros((2, 256, 256), dtype=np.int32),
            np.zeros((256, 255), dtype=np.int32),
        ):
            with pytest.raises(DataError, match="model_from: it is int32"):
                update.write(update.chunks[0], {"model_from": wrong})


def test_there_must_be_a_state_to_change(path: Path) -> None:
    with pytest.raises(DataError, match="the state of the tile is gone"):
        StateUpdate(path, "49QCE")


def test_tiles_that_begin_together_share_a_new_store(tmp_path: Path) -> None:
    values = {k: v[..., :7, :9].copy() for k, v in arrays(1).items()}
    for n in range(5):
        path = tmp_path / str(n) / "state.zarr"
        start = threading.Barrier(8)

        def save(
            group: str, path: Path = path, start: threading.Barrier = start
        ) -> int:
            start.wait()
            return save_state(path, group, values, ATTRS)

        with ThreadPoolExecutor(8) as pool:
            assert all(pool.map(save, "abcdefgh"))
        assert sorted(zarr.open_group(path, mode="r").group_keys()) == list("abcdefgh")
        for group in "abcdefgh":
            assert load_state(path, group) is not None
