"""A disk whose files are there, and cannot be read: a real one, of a file."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

_SIZE = 24 << 20


@dataclass(frozen=True, kw_only=True)
class Storage:
    """A file system that can be made to err.

    Attributes
    ----------
    root
        Where it is.
    image
        File that it lies in.
    """

    root: Path
    image: Path

    @contextmanager
    def erring(self) -> Iterator[None]:
        """Have every reading end with an input/output error (``EIO``).

        Names, lengths and times are known all the same.
        """
        _run("sync", "--file-system", self.root)
        for path in self.root.rglob("*"):
            path.stat()
            _forget(path)
        content = self.image.read_bytes()
        os.truncate(self.image, 0)
        try:
            yield
        finally:
            with self.image.open("r+b") as stream:
                stream.write(content)


@contextmanager
def storage(folder: Path) -> Iterator[Storage]:
    """Mount a disk of some megabytes, which is gone afterwards."""
    image, root = folder / "image", folder / "mount"
    root.mkdir(parents=True)
    with image.open("wb") as stream:
        stream.truncate(_SIZE)
    try:
        _run("mkfs.ext4", "-q", "-O", "^has_journal", image)
        _run("mount", "-o", "loop", image, root)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("nobody may mount a disk of a file here")
    try:
        made = Storage(root=root, image=image)
        if not _errs(made):
            pytest.skip("a disk of a file does not err here without the file")
        yield made
    finally:
        _run("umount", "--lazy", root)


def _errs(disk: Storage) -> bool:
    path = disk.root / "probe"
    path.write_bytes(bytes(10_000))
    with disk.erring():
        try:
            path.read_bytes()
        except OSError:
            return True
    return False


def _forget(path: Path) -> None:
    """Let the system read a file anew."""
    if path.is_file():
        with path.open("rb") as stream:
            os.posix_fadvise(stream.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def _run(*words: str | Path) -> None:
    subprocess.run(  # noqa: S603  words of this file
        list(map(str, words)), check=True, capture_output=True
    )
