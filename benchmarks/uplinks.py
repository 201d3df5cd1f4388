"""What the listener costs, and whether it loses or doubles anything.

    python benchmarks/uplinks.py [--count N] [--runs N] [--storm N] [--json FILE]

1. Replay. N uplinks (200,000) of 500 probes as The Things Stack publishes them, in a
   spool, are decoded and stored: into SQLite, and into PostgreSQL where a server is
   installed (with its usual flushing). Seconds by the clock and of this process; the
   target is 60 s on two cores. The rows of both databases are compared.
2. Storm, with --storm N (20,000 for the figures in the documentation; needs
   Mosquitto). N different uplinks, each sent ten times in random order, while the
   listener is killed ten times and the broker restarted twice, into SQLite. Rows
   missing, rows twice, and whether they are those of a replay in peace.

``--count 0`` leaves the replay out.
"""

import argparse
import json
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

from agroforest.listen.arrival import build_arrival, encode_arrival
from agroforest.listen.replay import replay
from agroforest.listen.segment import build_frame
from agroforest.listen.settings import ListenSettings
from agroforest.listen.spool import Spool
from agroforest.store import Store, open_store
from agroforest.testing.servers import has_postgresql, serve_postgresql
from agroforest.testing.storm import Storm, weather
from agroforest.testing.uplinks import READINGS, START, build_uplinks

_TARGET_S = 60.0
_PROBES = 500
_SETTINGS = ListenSettings.model_validate(
    {
        "broker": [
            {
                "name": "farm",
                "host": "127.0.0.1",
                "topic": [{"filter": "v3/+/devices/+/up", "kind": "ttn"}],
            }
        ]
    }
)


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--count", type=int, default=200_000)
    options.add_argument("--runs", type=int, default=3)
    options.add_argument("--storm", type=int, default=0)
    options.add_argument("--json", type=Path)
    chosen = options.parse_args()
    figures: dict[str, Any] = {}
    if chosen.count:
        figures["replay"] = measure_replay(chosen.count, chosen.runs)
    if chosen.storm:
        figures["storm"] = measure_storm(chosen.storm)
    if chosen.json:
        chosen.json.write_text(json.dumps(figures, indent=1))


def measure_replay(count: int, runs: int) -> dict[str, Any]:
    """Decode and store a spool, some times from the start."""
    found: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as name:
        spool = Path(name) / "spool"
        begin = time.perf_counter()
        fill(spool, count)
        print(f"{count} uplinks into the spool: {time.perf_counter() - begin:.1f} s")
        seconds = [
            replay_once(spool, Path(name) / f"{r}.db", count) for r in range(runs)
        ]
        found["sqlite"] = tell("SQLite", count, seconds)
        if not has_postgresql():
            print("PostgreSQL is not installed")
            return found
        with (
            tempfile.TemporaryDirectory() as folder,
            serve_postgresql(Path(folder), settings="") as url,
        ):
            found["postgresql"] = tell(
                "PostgreSQL", count, [replay_once(spool, url, count)]
            )
            with open_store(url) as one, open_store(Path(name) / "0.db") as other:
                same = digest(one) == digest(other)
        print(f"the same rows in both: {same}")
        assert same
        found["same_rows"] = same
    return found


def fill(folder: Path, count: int) -> None:
    """Write a spool as the listener would, five hundred messages a flush."""
    frames: list[bytes] = []
    with Spool(folder, segment_bytes=16 << 20) as spool:
        for sent in build_uplinks(count, probes=_PROBES):
            arrival = build_arrival(
                f"mqtt/farm/{sent.topic}",
                sent.payload,
                received=START.replace(year=START.year + 1),
                limit=1 << 18,
            )
            frames.append(build_frame(encode_arrival(arrival)))
            if len(frames) == 500:
                spool.append(frames)
                frames.clear()
        spool.append(frames)


def replay_once(spool: Path, database: str | Path, count: int) -> tuple[float, float]:
    """Seconds by the clock and of this process."""
    with open_store(database) as store:
        begin, busy = time.perf_counter(), time.process_time()
        done = replay(_SETTINGS, spool, store)
        seconds = time.perf_counter() - begin, time.process_time() - busy
    assert (done.added, done.dead) == (count * READINGS, 0)
    return seconds


def tell(name: str, count: int, seconds: list[tuple[float, float]]) -> dict[str, float]:
    """Print the medians of the runs."""
    clock, busy = (median(each) for each in zip(*seconds, strict=True))
    print(
        f"{name}: {count} uplinks, {count * READINGS} readings in {clock:.1f} s "
        f"({busy:.1f} s of this process), {count / clock:.0f} a second; "
        f"target {_TARGET_S:.0f} s: {'kept' if clock <= _TARGET_S else 'MISSED'}"
    )
    return {"clock_s": clock, "process_s": busy}


def digest(store: Store) -> int:
    """Digest of every row, whatever its order."""
    end = START.replace(year=START.year + 100)
    total = 0
    for sensor in store.sensors():
        for each in store.readings([sensor.id], START, end):
            total ^= hash((each.key, each.value, int(each.quality)))
    return total


def measure_storm(uplinks: int) -> dict[str, Any]:
    """Let the worst happen, count, and compare with a calm night's rows."""
    storm = Storm(uplinks=uplinks, probes=_PROBES, copies=10, kills=10, restarts=2)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        found = weather(storm, folder)
        fill(folder / "calm", uplinks)
        replay_once(folder / "calm", folder / "calm.db", uplinks)
        with (
            open_store(folder / "work" / "agroforest.db") as one,
            open_store(folder / "calm.db") as other,
        ):
            same = digest(one) == digest(other)
    wanted = uplinks * READINGS
    figures = {
        "uplinks": uplinks,
        "deliveries": uplinks * storm.copies,
        "kills": storm.kills,
        "restarts": storm.restarts,
        "rows expected": wanted,
        "rows found": found.readings,
        "lost": wanted - found.different,
        "twice": found.readings - found.different,
        "dead letters": found.dead,
        "messages read": found.messages,
        "as on a calm night": same,
        "seconds": round(found.seconds),
    }
    print("storm: " + ", ".join(f"{what} {value}" for what, value in figures.items()))
    assert found.different == found.readings == wanted
    assert found.messages >= uplinks * storm.copies
    assert found.dead == 0
    assert same
    return figures


if __name__ == "__main__":
    main()
