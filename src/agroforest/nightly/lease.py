"""A tile is one worker's at a time, and whoever was overtaken writes no more.

A worker holds two things: the kernel's lock of a file, which ends with its process,
and a token, a file named by a number that only grows (a fence) and changed by its
holder every few seconds. A lock tells at once that a process is dead, but not that it
is stopped, or its machine lost; a token that has not changed for its length tells
that. Whoever follows makes the token of the next number, which only one can; from then
on the one before finds that it is not the newest, before each step that others would
see (`agroforest.core.files.permitted`).

No clock of another machine is read: a token is old when this process has seen it
unchanged for long enough. docs/adr/0015-nights-that-hold.md says what can still happen
between a check and the rename that follows it.
"""

import fcntl
import json
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from agroforest.core.errors import ConfigurationError, FencedError, LockedError
from agroforest.core.files import permitted

#: Seconds after which an unchanged token is nobody's; longer than a page-out or a
#: storm on the storage, shorter than a person waits. Arbitrary.
LENGTH_S = 60.0
#: Seconds after which a worker stops saying that it is alive: whatever hangs for so
#: long loses its tile. The slowest tile on record took minutes. Arbitrary.
HOLD_S = 4 * 3600.0
_POLL_S = 0.5


@dataclass(frozen=True, kw_only=True, slots=True)
class Token:
    """What is known of who has, or had, a tile.

    Attributes
    ----------
    fence
        Its number.
    holder
        Machine and process; empty where the file says nothing.
    key
        What it was taken for.
    free
        Whether it was given back.
    locked
        Whether the holder has the kernel's lock too.
    beat
        Changed by a holder that is alive.
    length
        Seconds after which it is nobody's if it does not change.
    """

    fence: int
    holder: str = ""
    key: str = ""
    free: bool = False
    locked: bool = True
    beat: int = 0
    length: float = LENGTH_S

    @property
    def text(self) -> str:
        """As the file says it, always equally long for one holder."""
        return json.dumps(
            {
                "holder": self.holder,
                "key": self.key,
                "free": int(self.free),
                "locked": int(self.locked),
                "beat": f"{self.beat:012d}",
                "length": self.length,
            }
        )


def may_take(token: Token | None, *, has_lock: bool, silent_s: float) -> bool:
    """Decide whether a tile may be taken.

    Parameters
    ----------
    token
        The newest there is, if there is any.
    has_lock
        Whether whoever asks got the kernel's lock.
    silent_s
        Seconds for which whoever asks has seen nothing change.
    """
    nobodys = token is None or token.free or token.locked
    length = LENGTH_S if token is None else token.length
    return (has_lock and nobodys) or silent_s >= length


def read_token(folder: Path, tile: str) -> Token | None:
    """Read the newest token of a tile."""
    place = folder / "leases" / tile
    fence = max(_fences(place), default=0)
    if not fence:
        return None
    try:
        kept = json.loads((place / str(fence)).read_text(encoding="utf-8"))
    except (OSError, ValueError):  # its holder died before it was written
        return Token(fence=fence)
    return Token(
        fence=fence,
        holder=kept["holder"],
        key=kept["key"],
        free=bool(kept["free"]),
        locked=bool(kept["locked"]),
        beat=int(kept["beat"]),
        length=kept["length"],
    )


class Lease:
    """A tile that was taken.

    Attributes
    ----------
    fence
        Number of its token.
    """

    def __init__(self, place: Path, token: Token) -> None:
        self._place, self._token = place, token
        self._path = place / str(token.fence)
        self._lock = threading.Lock()
        self.fence = token.fence

    def require(self) -> None:
        """Refuse to go on once another has taken the tile.

        Raises
        ------
        FencedError
            There is a newer token.
        """
        if max(_fences(self._place), default=0) != self.fence:
            raise FencedError(
                self._path,
                "another worker has taken this tile over",
                "nothing is to be done: this one was stopped for too long, and wrote "
                "nothing more",
            )

    def beat(self, *, free: bool = False) -> None:
        """Say that its holder is alive, or has done with it."""
        with self._lock:
            kept = self._token
            self._token = Token(
                fence=kept.fence,
                holder=kept.holder,
                key=kept.key,
                free=free or kept.free,
                locked=kept.locked,
                beat=kept.beat + 1,
                length=kept.length,
            )
            # Not made again: whoever followed has removed it.
            with suppress(FileNotFoundError), self._path.open("r+b") as file:
                file.write(self._token.text.encode())


@contextmanager
def leased(
    folder: Path,
    tile: str,
    *,
    key: str = "",
    length_s: float = LENGTH_S,
    hold_s: float = HOLD_S,
    patience_s: float,
    clock: Callable[[], float] = time.monotonic,
) -> Iterator[Lease]:
    """Hold a tile for the duration of the block.

    Parameters
    ----------
    folder
        Of locks; made if missing.
    tile
        Its id.
    key
        What for; whoever looks after a dead worker reads it.
    length_s, hold_s
        Of the token, and how long it is kept alive.
    patience_s
        How long to wait for a holder that is alive.
    clock
        Seconds; tests give their own.

    Raises
    ------
    ConfigurationError
        The folder cannot be written, or has no locks.
    LockedError
        The tile's holder is alive and did not end.
    """
    place = folder / "leases" / tile
    with _reported(folder):
        place.mkdir(parents=True, exist_ok=True)
        handle = os.open(folder / tile, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        has_lock, before = _wait(handle, folder, tile, patience_s, clock)
        token = Token(
            fence=before + 1,
            holder=f"{socket.gethostname()}:{os.getpid()}",
            key=key,
            locked=has_lock,
            length=length_s,
        )
        lease = _claim(place, token)
        with _alive(lease, length_s, hold_s), permitted(lease.require):
            yield lease
    finally:
        os.close(handle)


def _wait(
    handle: int, folder: Path, tile: str, patience_s: float, clock: Callable[[], float]
) -> tuple[bool, int]:
    """Wait until a tile may be taken; whether its lock was got, and the last fence."""
    began = changed = clock()
    seen: Token | None = None
    while True:
        has_lock = try_lock(handle, folder / tile)
        token = read_token(folder, tile)
        now = clock()
        if token != seen:
            seen, changed = token, now
        if may_take(token, has_lock=has_lock, silent_s=now - changed):
            return has_lock, 0 if token is None else token.fence
        if now - began >= patience_s:
            raise LockedError(
                folder / tile,
                "another worker is still busy with this tile",
                "wait for it to end",
            )
        time.sleep(_POLL_S)


def try_lock(handle: int, path: Path) -> bool:
    """Take the kernel's lock of an open file, if nobody has it.

    Raises
    ------
    ConfigurationError
        The storage has no locks.
    """
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        raise ConfigurationError(
            path,
            f"cannot be locked ({error.strerror})",
            "keep the work folder on storage with locks (docs/deploy.md)",
        ) from error
    return True


def _claim(place: Path, token: Token) -> Lease:
    """Make a token, which only one can, and remove those before it."""
    path = place / str(token.fence)
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
    except FileExistsError as error:
        raise LockedError(
            path, "another worker was faster", "wait for it to end"
        ) from error
    try:
        os.write(handle, token.text.encode())
        os.fsync(handle)
    finally:
        os.close(handle)
    lease = Lease(place, token)
    lease.require()
    for fence in _fences(place):
        if fence < token.fence:
            (place / str(fence)).unlink(missing_ok=True)
    return lease


@contextmanager
def _alive(lease: Lease, length_s: float, hold_s: float) -> Iterator[None]:
    """Change the token every third of its length while the block lasts."""
    ended = threading.Event()
    beats = int(hold_s / (length_s / 3)) + 1

    def beat() -> None:
        for _ in range(beats):
            if ended.wait(length_s / 3):
                return
            with suppress(OSError):  # the next beat may succeed
                lease.beat()

    thread = threading.Thread(target=beat, name=f"lease {lease.fence}", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
        with suppress(OSError):  # it is nobody's all the same, a minute later
            lease.beat(free=True)


@contextmanager
def _reported(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise ConfigurationError(
            folder,
            f"cannot be written ({error.strerror})",
            "choose another folder with --work",
        ) from error


def _fences(place: Path) -> list[int]:
    with suppress(FileNotFoundError):
        return [int(p.name) for p in place.iterdir() if p.name.isdigit()]
    return []
