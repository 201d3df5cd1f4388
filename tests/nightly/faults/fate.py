"""Kills or stops a process, or its worker, at a step that was chosen beforehand.

A step is a file that is opened, renamed or removed, or a folder that is made, as the
interpreter says (`sys.addaudithook`). No code of the product knows of it.
"""

import json
import os
import signal
import sys
from dataclasses import asdict, dataclass, field
from pathlib import Path

#: Names the file that says what becomes of workers; read when one takes a tile.
VARIABLE = "AGROFOREST_TEST_FATE"
_STEPS = frozenset({"open", "os.rename", "os.remove", "os.mkdir", "os.link"})


@dataclass(frozen=True, kw_only=True, slots=True)
class Fates:
    """What becomes of the workers that take a tile.

    Attributes
    ----------
    fences
        Step after which a worker ends, by ``tile/fence`` of its lease.
    tiles
        The same for every worker of a tile.
    signal
        What it gets; stopped instead of killed, it may go on.
    """

    fences: dict[str, int] = field(default_factory=dict)
    tiles: dict[str, int] = field(default_factory=dict)
    signal: int = int(signal.SIGKILL)

    def write(self, path: Path) -> None:
        """Have it come true from now on."""
        scratch = path.with_suffix(".part")
        scratch.write_text(json.dumps(asdict(self)))
        scratch.replace(path)


class _Countdown:
    """Kills or stops this process after some steps."""

    def __init__(self) -> None:
        self._pid = os.getpid()
        self._left: int | None = None
        self._signal = int(signal.SIGKILL)

    def set(self, steps: int | None, number: int = signal.SIGKILL) -> None:
        self._pid, self._left, self._signal = os.getpid(), steps, number

    def count(self) -> None:
        if self._pid != os.getpid():  # a child has a fate of its own
            return
        if self._left is None:
            return
        self._left -= 1
        if self._left == 0:
            os.kill(self._pid, self._signal)


def count_own_steps(steps: int | None) -> _Countdown:
    """End this process, but none of its children, after some steps."""
    countdown = _Countdown()
    countdown.set(steps)

    def see(event: str, _: tuple[object, ...]) -> None:
        if event in _STEPS:
            countdown.count()

    sys.addaudithook(see)
    return countdown


def _watch_leases(fates: Path) -> None:
    """End workers as their fates say, counted from when they take a tile."""
    countdown = _Countdown()

    def see(event: str, arguments: tuple[object, ...]) -> None:
        if event not in _STEPS:
            return
        path = arguments[0]
        if event == "open" and isinstance(path, str | os.PathLike):
            place = Path(os.fspath(path)).parts[-3:]
            flags = arguments[2]
            if (
                len(place) == 3
                and place[0] == "leases"
                and isinstance(flags, int)
                and flags & os.O_EXCL
            ):
                countdown.set(*_find_fate(fates, *place[1:]))
        countdown.count()

    sys.addaudithook(see)


def _find_fate(path: Path, tile: str, fence: str) -> tuple[int | None, int]:
    try:
        fates = Fates(**json.loads(path.read_text()))
    except FileNotFoundError:
        return None, signal.SIGKILL
    return fates.fences.get(f"{tile}/{fence}", fates.tiles.get(tile)), fates.signal


if VARIABLE in os.environ:  # imported by the process that workers are forked from
    # What workers import, once for all of them.
    import agroforest.nightly.cluster.compute  # noqa: F401
    import agroforest.nightly.tile  # noqa: F401

    _watch_leases(Path(os.environ[VARIABLE]))
