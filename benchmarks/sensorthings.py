"""How long a page of Observations takes when there are a million.

    python benchmarks/sensorthings.py [--work DIR] [--observations N] [--json FILE]

A database of simulated probes is filled once, then asked as others would ask it:
through the whole endpoint, to JSON, without the network. The median of each request
is printed; a page of a hundred by time is to take at most `PROMISED_MS`.
"""

import argparse
import json
import statistics
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from agroforest.core.reading import Reading, Sensor, Variable
from agroforest.store import Store, open_store
from agroforest.web.sensorthings import Endpoint

PROMISED_MS = 100.0
START = datetime(2024, 1, 1, tzinfo=UTC)
_STEP = timedelta(minutes=15)
_VARIABLES = (
    Variable.SOIL_MOISTURE,
    Variable.SOIL_TEMPERATURE,
    Variable.SOIL_CONDUCTIVITY,
    Variable.BATTERY,
)
_PROBES = 50
_TIMES = 7


def main() -> None:
    """Print the table; leave with 1 if the promise is broken."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--work", type=Path, default=Path("work/bench"))
    parser.add_argument("--observations", type=int, default=1_000_000)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    path = options.work / f"sensorthings-{options.observations}.db"
    with open_store(path) as store:
        steps = options.observations // (_PROBES * len(_VARIABLES))
        fill(store, steps)
        figures = {name: measure(store, ask) for name, ask in build(store, steps)}
    for name, milliseconds in figures.items():
        print(f"{milliseconds:8.1f} ms  {name}")
    if options.json:
        options.json.write_text(json.dumps(figures, indent=1), encoding="utf-8")
    slow = [n for n, ms in figures.items() if ms > PROMISED_MS and _is_promised(n)]
    raise SystemExit(f"over {PROMISED_MS:g} ms: {', '.join(slow)}" if slow else 0)


def fill(store: Store, steps: int) -> None:
    """Add the readings of every probe, unless they are there."""
    names = [f"bench:{number:03d}" for number in range(_PROBES)]
    if store.newest_readings([names[-1]]):
        return
    store.add_sensors(
        Sensor(id=name, name=name, longitude=108.0, latitude=22.0, simulated=True)
        for name in names
    )
    for name in names:
        store.add_readings(
            Reading(
                sensor=name,
                time=START + step * _STEP,
                variable=variable,
                depth_m=0.1,
                value=20 + step % 97 / 10,
            )
            for variable in _VARIABLES
            for step in range(steps)
        )


def build(store: Store, steps: int) -> Iterator[tuple[str, str]]:
    """Build requests, with what they are called."""
    document = Endpoint(store).answer("Datastreams", "", root="", now=START).body
    stream = document["value"][0]["@iot.id"]
    for share in (0, 50, 99):
        time_text = _write(START + steps * share // 100 * _STEP)
        after = f"$filter=phenomenonTime gt {time_text}"
        own = f"Datastreams('{stream}')/Observations?"
        oldest, newest = "$orderby=phenomenonTime asc", "$orderby=phenomenonTime desc"
        yield f"one Datastream, from {share} % on", f"{own}{after}&{oldest}"
        yield f"all, from {share} % on, by id", f"Observations?{after}"
        yield f"all, from {share} % on, oldest first", f"Observations?{after}&{oldest}"
        yield f"all, from {share} % on, newest first", f"Observations?{after}&{newest}"
    middle = _write(START + steps // 2 * _STEP)
    named = "Datastream/ObservedProperty/name eq 'battery'"
    yield (
        "batteries from 50 % on, oldest first, with Datastream",
        (
            f"Observations?$filter=phenomenonTime gt {middle} and {named}"
            "&$orderby=phenomenonTime&$expand=Datastream"
        ),
    )
    yield (
        "latest value of every Datastream",
        "Datastreams?$expand=Observations($top=1;$orderby=phenomenonTime desc)",
    )
    yield (
        "count of all from 50 % on",
        f"Observations?$count=true&$filter=phenomenonTime gt {middle}&$top=0",
    )


def measure(store: Store, ask: str) -> float:
    """Median milliseconds of a request, after one to warm up."""
    endpoint, spent = Endpoint(store), []
    path, _, query = ask.partition("?")
    for _ in range(_TIMES):
        started = time.perf_counter()
        answer = endpoint.answer(path, query, root="http://localhost/v1.1", now=START)
        json.dumps(answer.body)
        spent.append(1000 * (time.perf_counter() - started))
        assert answer.status == 200, answer.body
    return statistics.median(spent[1:])


def _is_promised(name: str) -> bool:
    """Tell whether a request is a page by time, of one Datastream or of all."""
    return name.startswith(("one Datastream", "all, ", "batteries"))


def _write(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")


if __name__ == "__main__":
    main()
