"""Files that are never seen half-written."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from uuid import uuid4

_ask: ContextVar[Callable[[], None] | None] = ContextVar("_ask", default=None)


@contextmanager
def permitted(ask: Callable[[], None]) -> Iterator[None]:
    """Have `ask` called before every step of the block that others can see.

    Whoever may be overtaken while stopped says here how to find out. It holds for the
    thread of the block, not for threads that are started in it.

    Parameters
    ----------
    ask
        Raises when nothing more may be written.
    """
    token = _ask.set(ask)
    try:
        yield
    finally:
        _ask.reset(token)


def require_permission() -> None:
    """Ask whether the next step may be seen; see `permitted`."""
    ask = _ask.get()
    if ask is not None:
        ask()


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a scratch path beside `path` and rename it over `path` on success.

    The scratch file is flushed to the disk before the rename, and the folder
    after it, so a power cut leaves either the old file or the new one. When the
    block raises, or the rename is not `permitted`, the scratch file is removed and
    `path` is untouched.

    Parameters
    ----------
    path
        The file to create or replace. Missing parent folders are created.

    Yields
    ------
    Path
        A path in the same folder and with the same suffix (some GDAL drivers
        look at it), which the block must write.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch = path.with_name(f".{path.stem}.{uuid4().hex[:12]}.part{path.suffix}")
    try:
        yield scratch
        _flush(scratch)
        require_permission()
        scratch.replace(path)
    finally:
        scratch.unlink(missing_ok=True)
    _flush(path.parent)


def write_text(path: Path, text: str) -> None:
    """Replace a UTF-8 text file in one step."""
    with replacing(path) as scratch:
        scratch.write_text(text, encoding="utf-8")


def _flush(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
