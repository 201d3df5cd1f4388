"""Files that are never seen half-written."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a scratch path beside `path` and rename it over `path` on success.

    The scratch file is flushed to the disk before the rename, and the folder
    after it, so a power cut leaves either the old file or the new one. When the
    block raises, the scratch file is removed and `path` is untouched.

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
