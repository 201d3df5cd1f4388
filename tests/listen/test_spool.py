"""Records on the disk: whole, in order, and none behind a torn one."""

import os
import resource
import signal
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.listen.conftest import NOW, make_arrival

from agroforest.core.errors import ConfigurationError, LockedError
from agroforest.listen.arrival import (
    HEAD_BYTES,
    Arrival,
    Position,
    build_arrival,
    decode_arrival,
    encode_arrival,
)
from agroforest.listen.inbox import Inbox
from agroforest.listen.reader import read_entries
from agroforest.listen.segment import MAGIC, build_frame, read_frames, sound_length
from agroforest.listen.spool import Spool, find_end, find_segments, measure

START = Position(0, 0)
_BODIES = st.lists(st.binary(max_size=60), max_size=8)


def frame(text: str) -> bytes:
    return build_frame(encode_arrival(make_arrival(text.encode())))


def read_all(folder: Path, start: Position = START, **options: int) -> list[bytes]:
    entries = read_entries(folder, start, find_end(folder), **options)
    return [e.arrival.payload if e.arrival else b"?" for e in entries]


@given(bodies=_BODIES)
def test_frames_come_back(bodies: list[bytes]) -> None:
    content = b"".join(map(build_frame, bodies))
    assert [f.body for f in read_frames(content)] == bodies
    assert sound_length(content) == len(content)


@given(bodies=_BODIES, cut=st.integers(min_value=0))
def test_a_torn_end_costs_one_record(bodies: list[bytes], cut: int) -> None:
    content = b"".join(map(build_frame, bodies))
    torn = content[: cut % (len(content) + 1)]
    whole = [f.body for f in read_frames(torn) if f.body is not None]
    assert whole == bodies[: len(whole)]
    kept = sound_length(torn)
    assert kept == len(b"".join(map(build_frame, whole)))
    rest = torn[kept:]
    assert len(rest) == 0 or len(rest) < len(build_frame(bodies[len(whole)]))


@given(bodies=_BODIES.filter(bool), data=st.data())
def test_a_flipped_bit_costs_one_record(
    bodies: list[bytes], data: st.DataObject
) -> None:
    content = bytearray(b"".join(map(build_frame, bodies)))
    at = data.draw(st.integers(0, len(content) - 1))
    content[at] ^= 1 << data.draw(st.integers(0, 7))
    frames = list(read_frames(bytes(content)))
    assert [f.start for f in frames[1:]] == [f.stop for f in frames[:-1]]
    assert frames[-1].stop == len(content)
    ends = [
        len(b"".join(map(build_frame, bodies[: i + 1]))) for i in range(len(bodies))
    ]
    hit = next(i for i, end in enumerate(ends) if at < end)
    expected = [b for i, b in enumerate(bodies) if i != hit]
    assert [f.body for f in frames if f.body is not None] == expected


@given(
    source=st.text(max_size=30).filter(lambda s: s.isprintable()),
    payload=st.binary(max_size=50),
)
def test_an_arrival_comes_back(source: str, payload: bytes) -> None:
    arrival = Arrival(received=NOW, source=source, payload=payload, size=len(payload))
    assert decode_arrival(encode_arrival(arrival)) == arrival


def test_a_long_message_is_cut_to_its_head() -> None:
    arrival = build_arrival("s", b"x" * 5_000_000, received=NOW, limit=262_144)
    assert (len(arrival.payload), arrival.size) == (HEAD_BYTES, 5_000_000)
    assert not decode_arrival(encode_arrival(arrival)).is_whole


def test_what_was_appended_is_read_in_order(tmp_path: Path) -> None:
    with Spool(tmp_path, segment_bytes=200) as spool:
        for number in range(20):
            spool.append([frame(f"{number}a"), frame(f"{number}b")])
        middle = spool.end
        spool.append([frame("last")])
        expected = [f"{n}{x}".encode() for n in range(20) for x in "ab"] + [b"last"]
        assert len(find_segments(tmp_path)) > 5
        assert read_all(tmp_path) == expected
        assert read_all(tmp_path, middle) == [b"last"]
        assert read_all(tmp_path, limit_bytes=7) == expected
        one, two, *_ = read_entries(tmp_path, START, spool.end)
        assert next(read_entries(tmp_path, one.after, spool.end)).at == two.at
        assert measure(tmp_path, START, spool.end) == sum(
            p.stat().st_size - len(MAGIC) for _, p in find_segments(tmp_path)
        )
    assert read_all(tmp_path) == expected


@pytest.mark.parametrize("lost", [1, 5, 12, 30])
def test_a_torn_record_is_cut_off_and_counted(tmp_path: Path, lost: int) -> None:
    with Spool(tmp_path, segment_bytes=10_000) as spool:
        spool.append([frame("one")])
        kept = spool.end
        spool.append([frame("two")])
        end = spool.end
    path = tmp_path / "000000000001.seg"
    os.truncate(path, end.byte - lost)
    with Spool(tmp_path, segment_bytes=10_000) as spool:
        assert spool.end == kept
        assert spool.torn == end.byte - lost - kept.byte
        spool.append([frame("three")])
    assert read_all(tmp_path) == [b"one", b"three"]


@pytest.mark.parametrize("size", [0, 3, 8])
def test_a_segment_that_was_just_begun_is_taken_up(tmp_path: Path, size: int) -> None:
    with Spool(tmp_path, segment_bytes=10) as spool:
        spool.append([frame("one")])
    (tmp_path / "000000000002.seg").write_bytes(MAGIC[:size])
    with Spool(tmp_path, segment_bytes=10) as spool:
        spool.append([frame("two")])
    assert read_all(tmp_path) == [b"one", b"two"]


def test_damage_within_a_segment_costs_what_it_hit(tmp_path: Path) -> None:
    with Spool(tmp_path, segment_bytes=10_000) as spool:
        spool.append([frame(str(n)) for n in range(4)])
    path = tmp_path / "000000000001.seg"
    content = bytearray(path.read_bytes())
    content[content.index(b"mqtt", len(MAGIC) + len(frame("0")))] ^= 255
    path.write_bytes(content)
    assert read_all(tmp_path) == [b"0", b"?", b"2", b"3"]
    assert read_all(tmp_path, limit_bytes=9) == [b"0", b"?", b"2", b"3"]


def test_a_message_that_holds_a_record_is_one_message(tmp_path: Path) -> None:
    inner = make_arrival(b"x" * 30 + frame("forged") * 3 + b"y" * 30)
    with Spool(tmp_path, segment_bytes=10_000) as spool:
        spool.append([build_frame(encode_arrival(inner)), frame("next")])
    for window in (1, 70, 100, 130, 10_000):
        assert read_all(tmp_path, limit_bytes=window) == [inner.payload, b"next"]


def test_one_listener_a_spool(tmp_path: Path) -> None:
    with Spool(tmp_path, segment_bytes=100) as first:
        with pytest.raises(LockedError, match="another listener writes this spool"):
            Spool(tmp_path, segment_bytes=100)
        name = first.id
    with Spool(tmp_path, segment_bytes=100) as second:
        assert second.id == name


def test_a_folder_that_cannot_be_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigurationError, match="cannot be written"):
        Spool(tmp_path / "file" / "spool", segment_bytes=100)


def test_only_consumed_and_old_segments_go(tmp_path: Path) -> None:
    with Spool(tmp_path, segment_bytes=50) as spool:
        for number in range(6):
            spool.append([frame(str(number))])
        numbers = [n for n, _ in find_segments(tmp_path)]
        assert numbers == [1, 2, 3, 4, 5, 6]
        long_ago = (NOW - timedelta(days=40)).timestamp()
        for _, path in find_segments(tmp_path)[:4]:
            os.utime(path, (long_ago, long_ago))
        since = NOW - timedelta(days=30)
        assert spool.expire(Position(1, 8), since) == 0
        assert spool.expire(Position(3, 8), since) == 2
        assert spool.expire(Position(6, 90), since) == 2  # the fifth is young
        assert read_all(tmp_path) == [b"4", b"5"]
        assert read_all(tmp_path, Position(2, 50)) == [b"4", b"5"]


@pytest.fixture
def small_disk() -> Iterator[int]:
    """No file may grow beyond so many bytes; as a full disk, writing stops half-way."""
    usual = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (400, usual[1]))
    yield 400
    resource.setrlimit(resource.RLIMIT_FSIZE, usual)
    signal.signal(signal.SIGXFSZ, handler)


def test_a_full_disk_takes_all_of_a_batch_or_nothing(
    tmp_path: Path, small_disk: int
) -> None:
    with Spool(tmp_path, segment_bytes=10_000) as spool:
        spool.append([frame("one")])
        before = spool.end
        with pytest.raises(OSError, match="File too large"):
            spool.append([frame("x" * 100)] * 9)
        assert spool.end == before
        assert find_segments(tmp_path)[0][1].stat().st_size == before.byte < small_disk
        spool.append([frame("two")])
    assert read_all(tmp_path) == [b"one", b"two"]


def test_senders_are_told_after_their_message_is_on_the_disk(tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    count = 40
    with Inbox(Spool(tmp_path, segment_bytes=300)) as inbox:

        def send(sender: int) -> None:
            for number in range(count):
                text = f"{sender}:{number}"
                done = threading.Event()

                def check(text: str = text, done: threading.Event = done) -> None:
                    found = read_entries(tmp_path, START, inbox.end)
                    stored = {e.arrival.payload for e in found if e.arrival}
                    told.append((text.encode() in stored, 1))
                    done.set()

                assert inbox.submit(make_arrival(text.encode()), check, patience=5)
                assert done.wait(30)

        senders = [threading.Thread(target=send, args=(n,)) for n in range(4)]
        for sender in senders:
            sender.start()
        for sender in senders:
            sender.join()
        assert inbox.received == 4 * count
    assert told == [(True, 1)] * 4 * count
    assert len(set(read_all(tmp_path))) == 4 * count


def test_nothing_is_taken_while_closing(tmp_path: Path) -> None:
    inbox = Inbox(Spool(tmp_path, segment_bytes=300))
    inbox.settle()
    assert not inbox.submit(make_arrival(b"x"), lambda: None, patience=1)
    inbox.close()
    assert read_all(tmp_path) == []
