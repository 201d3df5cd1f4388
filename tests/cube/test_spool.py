"""The spool: what goes in comes out, from many threads and by slow ways."""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from agroforest.cube.spool import Spool


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Spool]:
    spool = Spool(tmp_path)
    yield spool
    spool.close()


def drain(spool: Spool, *, start: int, length: int) -> bytes:
    return b"".join(map(bytes, spool.read(start, length)))


def test_it_has_no_name(spool: Spool, tmp_path: Path) -> None:
    spool.append([b"x"])
    assert list(tmp_path.iterdir()) == []


def test_threads_do_not_write_over_one_another(spool: Spool) -> None:
    pieces = [[bytes([n]) * (1000 + n), b"|", bytes([n])] for n in range(200)]
    with ThreadPoolExecutor(8) as pool:
        starts = list(pool.map(spool.append, pieces))
    for start, piece in zip(starts, pieces, strict=True):
        whole = b"".join(piece)
        found = drain(spool, start=start, length=len(whole))
        assert found == whole


def test_long_stretches_come_in_pieces(spool: Spool) -> None:
    content = os.urandom(3_000_000)
    spool.append([b"before", content, b"after"])
    pieces = [bytes(piece) for piece in spool.read(6, len(content))]
    assert len(pieces) > 1
    assert b"".join(pieces) == content


def test_short_reads_are_completed(
    spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = os.preadv

    def short(file: int, buffers: list[memoryview], offset: int) -> int:
        return whole(file, [buffers[0][:5]], offset)

    monkeypatch.setattr(os, "preadv", short)
    spool.append([b"abcdefghij"])
    assert drain(spool, start=1, length=8) == b"bcdefghi"


def test_what_was_never_written_is_an_error(spool: Spool) -> None:
    spool.append([b"abc"])
    with pytest.raises(OSError, match="no bytes at 3 of 3"):
        drain(spool, start=0, length=4)


def test_short_writes_are_completed(
    spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = os.pwritev

    def short(file: int, buffers: list[bytes], offset: int) -> int:
        return whole(file, [b"".join(buffers)[:5]], offset)

    monkeypatch.setattr(os, "pwritev", short)
    start = spool.append([b"abc", b"defgh", b"ij"])
    assert drain(spool, start=start, length=10) == b"abcdefghij"
