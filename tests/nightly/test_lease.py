"""Leases of tiles, on real files, locks and stopped processes."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from agroforest.core.errors import FencedError, LockedError
from agroforest.core.files import write_text
from agroforest.nightly import lease as leases
from agroforest.nightly.lease import LENGTH_S, Token, leased, may_take, read_token
from agroforest.store.state import StateUpdate, load_state, save_state
from agroforest.testing.reliability import record

TILE = "49QBF-1"
# Takes the tile, says so, and writes when it is told to; by itself it is stopped.
_STALLED = """
import sys
from pathlib import Path
import numpy as np
from agroforest.core.errors import FencedError
from agroforest.core.files import write_text
from agroforest.nightly.lease import leased
from agroforest.store.state import StateUpdate

folder = Path(sys.argv[1])
try:
    with leased(folder / "locks", "49QBF-1", key="late", length_s=0.6, patience_s=0):
        with StateUpdate(folder / "state.zarr", "t") as update:
            for chunk in update.chunks:
                update.write(chunk, {"a": np.full(chunk.shape, 9, dtype="int16")})
            print("at work", flush=True)
            sys.stdin.readline()
            said = []
            for step in (
                lambda: write_text(folder / "output", "late"),
                lambda: update.commit({"by": "late"}),
            ):
                try:
                    step()
                except FencedError as error:
                    said.append("fenced")
            print(" ".join(said), flush=True)
except FencedError:
    print("fenced", flush=True)
"""


def test_fences_only_grow(tmp_path: Path) -> None:
    fences = []
    for number in range(4):
        with leased(tmp_path, TILE, key=f"k{number}", patience_s=0) as lease:
            lease.require()
            token = read_token(tmp_path, TILE)
            assert token is not None
            assert (token.key, token.free, token.locked) == (f"k{number}", False, True)
            fences.append(lease.fence)
        token = read_token(tmp_path, TILE)
        assert token is not None
        assert token.free
    assert fences == [1, 2, 3, 4]
    assert [p.name for p in (tmp_path / "leases" / TILE).iterdir()] == ["4"]


def test_a_holder_that_is_alive_is_waited_for(tmp_path: Path) -> None:
    with leased(tmp_path, TILE, length_s=0.3, patience_s=0):
        began = time.monotonic()
        with (
            pytest.raises(LockedError, match="another worker is still busy"),
            leased(tmp_path, TILE, patience_s=1.2),
        ):
            pytest.fail("two holders")
        assert time.monotonic() - began >= 1.2
        with leased(tmp_path, "49QBF-2", patience_s=0):
            pass


def test_a_holder_that_hangs_for_too_long_loses_its_tile(tmp_path: Path) -> None:
    with (
        leased(tmp_path, TILE, length_s=0.3, hold_s=0.1, patience_s=0) as hung,
        leased(tmp_path, TILE, patience_s=5) as next_one,
    ):
        assert next_one.fence == hung.fence + 1
        with pytest.raises(FencedError, match="taken this tile over"):
            hung.require()
        next_one.require()


def test_a_killed_holder_is_followed_at_once(tmp_path: Path) -> None:
    with _stalled(tmp_path) as process:
        process.kill()
        process.wait()
        with leased(tmp_path / "locks", TILE, patience_s=0) as lease:
            assert lease.fence == 2


def test_a_stopped_worker_that_comes_back_writes_nothing(tmp_path: Path) -> None:
    save_state(tmp_path / "state.zarr", "t", _array(1), {"by": "before"})
    with _stalled(tmp_path) as process:
        os.kill(process.pid, signal.SIGSTOP)
        began = time.monotonic()
        with leased(tmp_path / "locks", TILE, patience_s=20) as lease:
            assert time.monotonic() - began >= 0.6
            assert lease.fence == 2
            save_state(tmp_path / "state.zarr", "t", _array(2), {"by": "next"})
            write_text(tmp_path / "output", "next")
            os.kill(process.pid, signal.SIGCONT)
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.write("go\n")
            process.stdin.flush()
            said = process.stdout.readline().split()
            lease.require()
        # And after the tile was given back it is still another's.
        process.wait(timeout=20)
    state = load_state(tmp_path / "state.zarr", "t")
    assert state is not None
    right = (
        said == ["fenced", "fenced"]
        and (tmp_path / "output").read_text() == "next"
        and state[1] == {"by": "next"}
        and bool((state[0]["a"] == 2).all())
    )
    left = [p.name for p in tmp_path.iterdir() if p.name.startswith(".")]
    record(
        "fault",
        "worker stopped, overtaken and woken",
        tried=1,
        survived=int(right and not left),
        note="it writes neither an output nor the state",
    )
    assert right
    assert left == []


def test_whoever_was_overtaken_between_check_and_commit_is_found_out(
    tmp_path: Path,
) -> None:
    path = tmp_path / "state.zarr"
    save_state(path, "t", _array(1), {"by": "before"})
    with StateUpdate(path, "t") as late:
        for chunk in late.chunks:
            late.write(chunk, {"a": _array(9)["a"][chunk.window]})
        save_state(path, "t", _array(2), {"by": "next"})
        with pytest.raises(FencedError, match="changed it meanwhile"):
            late.commit({"by": "late"})
    state = load_state(path, "t")
    assert state is not None
    assert state[1] == {"by": "next"}


def test_a_token_nobody_could_write_is_taken_over(tmp_path: Path) -> None:
    place = tmp_path / "leases" / TILE
    place.mkdir(parents=True)
    (place / "7").touch()  # killed between making it and writing it
    with leased(tmp_path, TILE, patience_s=0) as lease:
        assert lease.fence == 8


def test_two_that_see_the_same_token_do_not_both_get_the_tile(tmp_path: Path) -> None:
    place = tmp_path / "leases" / TILE
    place.mkdir(parents=True)
    leases._claim(place, Token(fence=1))
    with pytest.raises(LockedError, match="was faster"):
        leases._claim(place, Token(fence=1))
    leases._claim(place, Token(fence=2))
    with pytest.raises(FencedError):  # the first was removed meanwhile
        leases._claim(place, Token(fence=1))


@given(
    st.none() | st.builds(Token, fence=st.just(1), free=..., locked=...),
    st.booleans(),
    st.floats(0, 2 * LENGTH_S),
)
def test_nobody_alive_loses_a_tile(
    token: Token | None, has_lock: bool, silent: float
) -> None:
    taken = may_take(token, has_lock=has_lock, silent_s=silent)
    if silent >= LENGTH_S:
        assert taken
    elif not has_lock:
        assert not taken
    elif token is not None and not (token.free or token.locked):
        assert not taken  # it lives, though the lock is another's that is stopped
    else:
        assert taken


def _array(value: int) -> dict[str, NDArray[np.int16]]:
    return {"a": np.full((8, 9), value, dtype="int16")}


def _stalled(folder: Path) -> "subprocess.Popen[str]":
    if not (folder / "state.zarr").exists():
        save_state(folder / "state.zarr", "t", _array(1), {"by": "before"})
    process = subprocess.Popen(  # noqa: S603  our own program
        [sys.executable, "-c", _STALLED, str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "at work\n"
    return process
