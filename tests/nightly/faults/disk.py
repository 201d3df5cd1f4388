"""A small disk in memory, which can be filled, or forbidden to be written."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

_PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True, kw_only=True)
class Disk:
    """A file system of some megabytes.

    Attributes
    ----------
    root
        Where it is.
    """

    root: Path

    @property
    def free(self) -> int:
        """Bytes."""
        found = os.statvfs(self.root)
        return found.f_bavail * found.f_frsize

    def fill(self, room: int = 0) -> None:
        """Leave some bytes, in whole pages."""
        length = (self.free - room) // _PAGE * _PAGE
        if length > 0:
            with (self.root / "filler").open("ab") as filler:
                os.posix_fallocate(filler.fileno(), filler.tell(), length)

    def give_back(self) -> None:
        """Take away what `fill` put there."""
        (self.root / "filler").unlink(missing_ok=True)

    @contextmanager
    def forbidden(self, folder: Path) -> Iterator[None]:
        """Let nobody write into a folder, the superuser included."""
        _mount("--bind", folder, folder)
        try:
            _mount("-o", "remount,bind,ro", folder)
            yield
        finally:
            _run("umount", folder)


@contextmanager
def mounted(root: Path, size: int) -> Iterator[Disk]:
    """Mount a disk of some bytes, which is gone afterwards.

    Who is not root runs the tests in a namespace: ``unshare -Urm make test``.
    """
    root.mkdir(parents=True, exist_ok=True)
    try:
        _mount("-t", "tmpfs", "-o", f"size={size}", "tmpfs", root)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("nobody may mount a disk here: unshare -Urm make test")
    try:
        yield Disk(root=root)
    finally:
        _run("umount", "--lazy", root)


def _mount(*words: str | Path) -> None:
    _run("mount", *words)


def _run(*words: str | Path) -> None:
    subprocess.run(  # noqa: S603  words of this file
        list(map(str, words)), check=True, capture_output=True
    )
