"""The spool: what goes in comes out, from many threads and by slow ways."""

import errno
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from agroforest.cube.spool import Spool


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Spool]:
    spool = Spool(tmp_path)
    yield spool
    spool.close()


def drain(spool: Spool, target: Path, *, start: int, length: int) -> bytes:
    with target.open("wb", buffering=0) as file:
        spool.copy(file, start, length)
    return target.read_bytes()


def test_it_has_no_name(spool: Spool, tmp_path: Path) -> None:
    spool.append([b"x"])
    assert list(tmp_path.iterdir()) == []


def test_threads_do_not_write_over_one_another(spool: Spool, tmp_path: Path) -> None:
    pieces = [[bytes([n]) * (1000 + n), b"|", bytes([n])] for n in range(200)]
    with ThreadPoolExecutor(8) as pool:
        starts = list(pool.map(spool.append, pieces))
    for start, piece in zip(starts, pieces, strict=True):
        whole = b"".join(piece)
        found = drain(spool, tmp_path / "a", start=start, length=len(whole))
        assert found == whole


def no_such_call(*_: object) -> int:
    raise OSError(errno.EXDEV, "another file system")


@pytest.mark.parametrize("copy_range", [None, no_such_call])
def test_it_copies_where_the_kernel_cannot(
    spool: Spool,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    copy_range: Callable[..., int] | None,
) -> None:
    if copy_range is None:
        monkeypatch.delattr(os, "copy_file_range")
    else:
        monkeypatch.setattr(os, "copy_file_range", copy_range)
    content = os.urandom(3_000_000)
    spool.append([b"before", content, b"after"])
    found = drain(spool, tmp_path / "a", start=6, length=len(content))
    assert found == content


def test_other_failures_are_not_hidden(
    spool: Spool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> int:
        raise OSError(errno.EIO, "the disk is broken")

    monkeypatch.setattr(os, "copy_file_range", fail)
    spool.append([b"x"])
    with pytest.raises(OSError, match="broken"):
        drain(spool, tmp_path / "a", start=0, length=1)


def test_what_was_never_written_is_an_error(spool: Spool, tmp_path: Path) -> None:
    spool.append([b"abc"])
    with pytest.raises(OSError, match="no bytes at 3 of 3"):
        drain(spool, tmp_path / "a", start=0, length=4)


def test_short_writes_are_completed(
    spool: Spool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = os.pwritev

    def short(file: int, buffers: list[bytes], offset: int) -> int:
        return whole(file, [b"".join(buffers)[:5]], offset)

    monkeypatch.setattr(os, "pwritev", short)
    start = spool.append([b"abc", b"defgh", b"ij"])
    assert drain(spool, tmp_path / "a", start=start, length=10) == b"abcdefghij"
