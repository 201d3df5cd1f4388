"""From the spool into the database: once in effect, whatever happens on the way."""

import json
import os
import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy.exc import IntegrityError
from tests.listen.conftest import NOW, make_arrival, make_settings
from tests.listen.test_decode import POISON

from agroforest.core.errors import LockedError, NoInputError, SourceError
from agroforest.core.reading import Reading, Variable
from agroforest.listen import consumer as module
from agroforest.listen.arrival import (
    HEAD_BYTES,
    Arrival,
    Position,
    build_arrival,
    encode_arrival,
)
from agroforest.listen.consumer import Consumer, Taken
from agroforest.listen.decode import Decoder
from agroforest.listen.replay import replay
from agroforest.listen.segment import build_frame
from agroforest.listen.settings import ListenSettings
from agroforest.listen.spool import Spool, find_end
from agroforest.store import Store, open_store
from agroforest.testing.uplinks import READINGS, build_uplinks

ALWAYS = (datetime(2000, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC))


def fill(folder: Path, arrivals: list[Arrival]) -> str:
    with Spool(folder, segment_bytes=20_000) as spool:
        spool.append([build_frame(encode_arrival(each)) for each in arrivals])
        return spool.id


def uplinks(count: int, probes: int = 5) -> list[Arrival]:
    return [make_arrival(u.payload) for u in build_uplinks(count, probes=probes)]


def shuffle(arrivals: list[Arrival]) -> list[Arrival]:
    order = np.random.default_rng(5).permutation(len(arrivals))
    return [arrivals[place] for place in order]


def make_consumer(
    folder: Path, name: str, store: Store, settings: ListenSettings | None = None
) -> Consumer:
    decoder = Decoder(settings or make_settings())
    return Consumer(folder, name, decoder=decoder, store=store)


def drain(consumer: Consumer, folder: Path) -> Taken:
    total = Taken()
    while (taken := consumer.step(find_end(folder))).messages:
        total += taken
    return total


def rows(store: Store) -> list[Reading]:
    return store.readings([s.id for s in store.sensors()], *ALWAYS)


def test_every_message_gives_its_readings_once(tmp_path: Path, store: Store) -> None:
    sent = uplinks(60) * 10
    sent = shuffle(sent)
    name = fill(tmp_path / "s", sent)
    taken = drain(make_consumer(tmp_path / "s", name, store), tmp_path / "s")
    assert taken == Taken(messages=600, added=60 * READINGS, known=540 * READINGS)
    assert len(rows(store)) == 60 * READINGS
    state = store.spools.spool_state(name)
    assert state is not None
    assert (state.messages, state.readings, state.dead) == (600, 60 * READINGS, 0)
    assert state.received == NOW
    assert drain(make_consumer(tmp_path / "s", name, store), tmp_path / "s") == Taken()


def test_a_crash_between_any_two_batches_changes_nothing(
    tmp_path: Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BATCH", 7)
    name = fill(tmp_path / "s", uplinks(40))
    for _ in range(6):  # each is a process that did one batch
        make_consumer(tmp_path / "s", name, store).step(find_end(tmp_path / "s"))
    assert len(rows(store)) == 40 * READINGS


def test_a_transaction_that_fails_moves_nothing(
    tmp_path: Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = fill(tmp_path / "s", uplinks(10))
    reader = make_consumer(tmp_path / "s", name, store)

    def fail(*_: object) -> None:
        raise SourceError("a.db", "the disk is full", "make room")

    monkeypatch.setattr("agroforest.store.arrivals._advance", fail)
    with pytest.raises(SourceError):
        drain(reader, tmp_path / "s")
    assert (store.spools.spool_state(name), store.sensors()) == (None, [])
    monkeypatch.undo()
    assert drain(reader, tmp_path / "s").added == 10 * READINGS


def test_two_consumers_do_not_read_one_spool(tmp_path: Path, store: Store) -> None:
    name = fill(tmp_path / "s", uplinks(4))
    first = make_consumer(tmp_path / "s", name, store)
    second = make_consumer(tmp_path / "s", name, store)
    drain(first, tmp_path / "s")
    with pytest.raises(LockedError, match="another process reads it"):
        drain(second, tmp_path / "s")
    assert len(rows(store)) == 4 * READINGS


def test_a_thousand_poison_messages_each_become_a_dead_letter(
    tmp_path: Path, store: Store
) -> None:
    payloads = [payload for payload, _ in POISON.values()]
    sent = [make_arrival(payloads[n % len(payloads)]) for n in range(995)]
    sent += [
        build_arrival("mqtt/b/ttn/x", b"[" * 5_000_000, received=NOW, limit=262_144)
        for _ in range(5)
    ]
    sent += uplinks(3)
    sent = shuffle(sent)
    name = fill(tmp_path / "s", sent)
    taken = drain(make_consumer(tmp_path / "s", name, store), tmp_path / "s")
    assert (taken.messages, taken.dead, taken.added) == (1003, 1000, 3 * READINGS)
    letters = store.spools.dead_letters()
    assert len(letters) == store.spools.count_dead() == 1000
    assert all(each.reason and each.source == "mqtt/b/ttn/x" for each in letters)
    reasons = " ".join({each.reason for each in letters})
    for _, reason in POISON.values():
        assert reason in reasons
    long = [each for each in letters if each.size == 5_000_000]
    assert len(long) == 5
    assert long[0].reason == "5000000 bytes are more than allowed"
    assert long[0].head == b"[" * 256
    assert HEAD_BYTES > 256


def test_one_that_the_database_refuses_does_not_stop_the_others(
    tmp_path: Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = fill(tmp_path / "s", uplinks(64, probes=64))
    usual = store.spools.add_arrivals

    def refuse(batch: object) -> object:
        if any("0017" in r.sensor for r in batch.readings):  # type: ignore[attr-defined]
            raise IntegrityError("INSERT", {}, Exception("no such thing"))
        return usual(batch)  # type: ignore[arg-type]

    monkeypatch.setattr(store.spools, "add_arrivals", refuse)
    taken = drain(make_consumer(tmp_path / "s", name, store), tmp_path / "s")
    assert (taken.messages, taken.dead, taken.added) == (64, 1, 63 * READINGS)
    (letter,) = store.spools.dead_letters()
    assert letter.reason.startswith("the database refused it: IntegrityError")


def test_a_sensor_that_somebody_removed_comes_back(tmp_path: Path) -> None:
    with open_store(tmp_path / "a.db") as store:
        folder = tmp_path / "s"
        name = fill(folder, uplinks(5))
        reader = make_consumer(folder, name, store)
        drain(reader, folder)
        other = sqlite3.connect(tmp_path / "a.db")
        other.execute("PRAGMA foreign_keys = ON")
        other.execute("DELETE FROM sensor")
        other.commit()
        other.close()
        fill(folder, uplinks(10)[5:])
        taken = drain(reader, folder)
        assert (taken.dead, taken.added) == (0, 5 * READINGS)


def test_damage_of_the_spool_is_a_dead_letter(tmp_path: Path, store: Store) -> None:
    folder = tmp_path / "s"
    name = fill(folder, uplinks(6))
    path = folder / "000000000001.seg"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 255
    path.write_bytes(content)
    taken = drain(make_consumer(folder, name, store), folder)
    assert (taken.dead, taken.added) == (1, 5 * READINGS)
    assert "bytes of the spool are damaged" in store.spools.dead_letters()[0].reason


def test_a_new_database_takes_what_the_spool_still_has(tmp_path: Path) -> None:
    folder = tmp_path / "s"
    name = fill(folder, uplinks(8))
    for database in ("a.db", "b.db"):
        with open_store(tmp_path / database) as store:
            drain(make_consumer(folder, name, store), folder)
            assert len(rows(store)) == 8 * READINGS


def test_a_position_that_the_spool_does_not_have(tmp_path: Path, store: Store) -> None:
    folder = tmp_path / "s"
    name = fill(folder, uplinks(100))  # several segments
    reader = make_consumer(folder, name, store)
    reader.step(Position(1, 5000))
    os.truncate(folder / "000000000001.seg", 3000)  # the disk lost its end
    drain(reader, folder)
    assert store.spools.spool_state(name) is not None


# ----------------------------------------------------------------------- replay


def test_replay_settles_what_can_be_read_now(tmp_path: Path, store: Store) -> None:
    folder = tmp_path / "s"
    message = {
        "eui": "a84041ffff180049",
        "time": "2026-06-01T10:00:00Z",
        "fport": 2,
        "hex": "0CD00000033F0714189C01",
    }
    unnamed = make_arrival(json.dumps(message).encode(), "json/x")
    name = fill(folder, [*uplinks(3), unnamed, make_arrival(b"", "json/x")])
    drain(make_consumer(folder, name, store), folder)
    before = store.spools.spool_state(name)
    assert store.spools.count_dead() == 2
    assert replay(make_settings(), folder, store) == Taken(
        messages=5, known=3 * READINGS, dead=2
    )
    done = replay(make_settings(device="LSE01"), folder, store)
    assert done == Taken(
        messages=5, added=READINGS, known=3 * READINGS, dead=1, settled=1
    )
    assert [each.reason for each in store.spools.dead_letters()] == [
        "the message is empty"
    ]
    assert store.spools.spool_state(name) == before


def test_replay_passes_over_what_came_earlier(tmp_path: Path, store: Store) -> None:
    folder = tmp_path / "s"
    old, new = (u.payload for u in build_uplinks(2, probes=2))
    late = NOW + timedelta(days=2)
    fill(folder, [make_arrival(old), make_arrival(new, received=late)])
    done = replay(make_settings(), folder, store, since=late)
    assert (done.messages, done.added) == (2, READINGS)


def test_replay_needs_a_spool(tmp_path: Path, store: Store) -> None:
    with pytest.raises(NoInputError, match="is no spool"):
        replay(make_settings(), tmp_path, store)


def test_dead_letters_can_be_dropped(tmp_path: Path, store: Store) -> None:
    late = NOW + timedelta(days=2)
    name = fill(tmp_path / "s", [make_arrival(b""), make_arrival(b"", received=late)])
    drain(make_consumer(tmp_path / "s", name, store), tmp_path / "s")
    assert [each.received for each in store.spools.dead_letters()] == [late, NOW]
    assert [each.received for each in store.spools.dead_letters(limit=1)] == [late]
    assert [each.received for each in store.spools.dead_letters(since=late)] == [late]
    assert store.spools.drop_dead_letters(late) == 1
    assert store.spools.count_dead() == 1


def test_a_contradiction_is_counted_and_the_first_stays(
    tmp_path: Path, store: Store
) -> None:
    def state(volts: float) -> Arrival:
        content = json.dumps({"ts": NOW.timestamp(), "batt": volts}).encode()
        return make_arrival(content, "farm/3/state")

    folder = tmp_path / "s"
    name = fill(folder, [state(3000), state(3100), state(3000)])
    reader = make_consumer(folder, name, store)
    taken = drain(reader, folder)
    assert (taken.added, taken.known, taken.conflicts) == (1, 1, 1)
    fill(folder, [state(2900), state(3000)])
    taken = drain(reader, folder)
    assert (taken.added, taken.known, taken.conflicts) == (0, 0, 2)
    (reading,) = rows(store)
    assert (reading.variable, reading.value) == (Variable.BATTERY, 3.0)


# ------------------------------------------------------------------- PostgreSQL


def test_postgresql_takes_the_same_rows(
    tmp_path: Path, store: Store, postgresql: str
) -> None:
    sent = uplinks(40) * 2 + [make_arrival(p) for p, _ in POISON.values()]
    sent = shuffle(sent)
    folder = tmp_path / "s"
    name = fill(folder, sent)
    ours = drain(make_consumer(folder, name, store), folder)
    with open_store(postgresql) as other:
        assert drain(make_consumer(folder, name, other), folder) == ours
        assert rows(other) == rows(store)
        assert other.spools.dead_letters() == store.spools.dead_letters()
        assert other.spools.spool_state(name) == store.spools.spool_state(name)
        assert replay(make_settings(), folder, other).added == 0
        assert other.spools.dead_places(name) == store.spools.dead_places(name)
