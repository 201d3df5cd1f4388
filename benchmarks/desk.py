"""How long the desk makes people wait, with 200,000 cases and twenty of them at once.

    python benchmarks/desk.py [--database sqlite|postgresql|URL] [--cases N]
                              [--work DIR] [--clients N] [--seconds S] [--json FILE]

`agroforest serve` runs as anybody would run it, on a database of made-up cases
(`benchmarks/desk_store.py`) and made-up index maps of nine tiles of 20 km. The clients
are those of `desk_people.py`: of a hundred requests 57 are pages of the queue under
random filters or, three times in ten where there is one, the next page, 29 map tiles,
9 cases and 5 verdicts, as far as the last page showed anything to judge: some two.
First nobody pauses, beginning with the first request to a server that has just
started; then each reads for a moment as people do (`--pause`, a second on average;
0 leaves that out).
Client and server share the machine; the client is one process that does little more
than read bytes.

The 95th percentiles are to stay under `PROMISED_MS` in both, and nothing may fail.
Pages of the queue are read from the database each time; how many tiles were asked for
before, and come from memory, is printed. So is the load of the machine before, for
where others work on it, that is what is measured.
"""

import argparse
import asyncio
import contextlib
import json
import os
import statistics
import subprocess
import sys
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
from desk_people import (  # type: ignore[import-not-found]  # beside it
    Person,
    Took,
    find_map_path,
)
from desk_store import (  # type: ignore[import-not-found]  # beside it
    LAST_NIGHT,
    fill,
    provide,
)

from agroforest.core.account import Account, Role
from agroforest.core.errors import DataError
from agroforest.core.grid import Grid
from agroforest.core.queue import CaseQuery
from agroforest.cube import write_cog
from agroforest.store import Store, open_store
from agroforest.web.sessions import Sessions

#: 95th percentile by database and kind of question.
PROMISED_MS: Mapping[str, Mapping[str, float]] = {
    "sqlite": {"queue": 250.0, "tile": 80.0},
    "postgresql": {"queue": 150.0, "tile": 80.0},
}
_SIDE, _TILES = 2048, 3  # pixels of 10 m: some twenty kilometres; as many tiles a side
_LEFT, _TOP = 210_000, 2_560_000
_CENTRE, _REACH = (108.47, 22.84), 0.27
_PIPELINE = "load"
#: Of twenty people: who may judge, who approves, who only looks.
_ROLES = (Role.REVIEWER,) * 14 + (Role.SUPERVISOR,) * 3 + (Role.VIEWER,) * 3
#: Ticks of the processor's time a second, as Linux counts it.
_TICKS = os.sysconf("SC_CLK_TCK")


def main() -> None:
    """Serve, ask, print; leave with 1 if a promise is broken."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--database", default="sqlite")
    parser.add_argument("--cases", type=int, default=200_000)
    parser.add_argument("--clients", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--pause", type=float, default=1.0)
    parser.add_argument("--work", type=Path, default=Path("work/bench"))
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    figures: dict[str, dict[str, dict[str, float]]] = {}
    with provide(options.database, options.work, options.cases) as url:
        with open_store(url) as store:
            fill(store, options.cases)
            cookies = [_admit(store, number) for number in range(options.clients)]
            cases = [row.id for row in store.desk.queue(CaseQuery(limit=200)).rows]
        folder = options.work / "desk"
        _draw_map(folder)
        with _serve(url, folder) as (address, server):
            for pause in dict.fromkeys((0.0, options.pause)):
                before, load = _read_spent(server), os.getloadavg()[0]
                took = asyncio.run(
                    _load(address, cookies, cases, seconds=options.seconds, pause=pause)
                )
                name = f"{pause:g} s between" if pause else "without a pause"
                print(f"\n{name}; load of the machine before: {load:.1f}")
                figures[name] = _print(took, options.seconds)
                answers = sum(map(len, took.ms.values()))
                spent = 1000 * (_read_spent(server) - before) / answers
                print(f"  processor {spent:.1f} ms an answer, of the server alone")
    if options.json:
        options.json.write_text(json.dumps(figures, indent=1), encoding="utf-8")
    kind = "sqlite" if options.database == "sqlite" else "postgresql"
    broken = [
        f"{asked} {name}"
        for asked, most in PROMISED_MS[kind].items()
        for name, figure in figures.items()
        if figure[asked]["p95"] > most
    ]
    failed = sum(f["failed"] for run in figures.values() for f in run.values())
    raise SystemExit(f"too slow: {broken}, failed: {failed}" if broken or failed else 0)


# ------------------------------------------------------------------------ the server


def _admit(store: Store, number: int) -> str:
    """Log somebody in; the value of their cookie."""
    now = datetime.now(UTC)
    account = Account(
        name=f"load{number}",
        title=f"Person {number}",
        role=_ROLES[number % len(_ROLES)],
        language="en" if number % 4 == 0 else "zh",
        created=now,
    )
    with contextlib.suppress(DataError):  # there since the last time
        store.desk.add_account(account)
    store.desk.change_account(account)
    sessions = Sessions(store, idle=timedelta(hours=2), absolute=timedelta(hours=12))
    return sessions.begin(account, now)


def _draw_map(folder: Path) -> None:
    dice = np.random.default_rng(7)
    for number in range(_TILES**2):
        down, across = divmod(number, _TILES)
        name = f"load{number}"
        path = folder / _PIPELINE / "indices" / name / f"{name}_{LAST_NIGHT}_ndvi.tif"
        if path.exists():
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        grid = Grid(
            crs="EPSG:32649",
            left=_LEFT + across * _SIDE * 10,
            top=_TOP - down * _SIDE * 10,
            resolution=10,
            width=_SIDE,
            height=_SIDE,
        )
        coarse = dice.normal(6000, 1500, (_SIDE // 16, _SIDE // 16))
        fine = np.kron(coarse, np.ones((16, 16))) + dice.normal(0, 300, (_SIDE, _SIDE))
        write_cog(path, fine.clip(-9999, 9999).astype(np.int16), grid)


@contextlib.contextmanager
def _serve(url: str | Path, folder: Path) -> Iterator[tuple[tuple[str, int], int]]:
    """Run the command; yields host and port, and the number of the process."""
    area = folder / "area.geojson"
    west, south = _CENTRE[0] - 0.1, _CENTRE[1] - 0.1
    ring = [
        [west, south],
        [west + 0.2, south],
        [west + 0.2, south + 0.2],
        [west, south],
    ]
    feature = {
        "type": "Feature",
        "properties": {"id": "load"},
        "geometry": {"type": "Polygon", "coordinates": [ring]},
    }
    area.write_text(json.dumps({"type": "FeatureCollection", "features": [feature]}))
    (folder / "load.toml").write_text(
        f'name = "{_PIPELINE}"\naoi = "area.geojson"\nindices = ["ndvi"]\n'
        '[baseline]\nstart = 2020-01-01\nend = 2022-01-01\n[map]\nindices = ["ndvi"]\n'
    )
    (folder / "desk.toml").write_text(
        'pipelines = ["load.toml"]\n[web]\nsecure = false\n'
    )
    command = [
        *(sys.executable, "-m", "agroforest", "serve", "--port", "0", "--json"),
        *("--config", str(folder / "desk.toml"), "--work", str(folder)),
        *("--database", str(url)),
    ]
    with subprocess.Popen(  # noqa: S603  our own
        command, stdout=subprocess.PIPE, text=True, env=dict(os.environ)
    ) as server:
        try:
            if server.stdout is None:  # for the type checker
                raise SystemExit("no output")
            address = json.loads(server.stdout.readline())["url"]
            host, _, port = address.removeprefix("http://").rpartition(":")
            yield (host, int(port)), server.pid
        finally:
            server.terminate()


def _read_spent(server: int) -> float:
    """Processor time of a process and of those it has started, seconds."""
    spent = 0.0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            fields = stat.read_text().rpartition(")")[2].split()
            if server in {int(stat.parent.name), int(fields[1])}:
                spent += (int(fields[11]) + int(fields[12])) / _TICKS
    return spent


# ------------------------------------------------------------------------ the clients


async def _load(
    address: tuple[str, int],
    cookies: list[str],
    cases: list[str],
    *,
    seconds: float,
    pause: float,
) -> Took:
    took = Took()
    people = [
        Person(
            address,
            cookie,
            cases=cases,
            middle=_CENTRE,
            reach=_REACH,
            map_path=find_map_path(_PIPELINE),
            took=took,
            seed=number + (1000 if pause else 0),
        )
        for number, cookie in enumerate(cookies)
    ]
    await asyncio.gather(*(person.stay(seconds, pause) for person in people))
    return took


# ------------------------------------------------------------------------ the figures


def _print(took: Took, seconds: float) -> dict[str, dict[str, float]]:
    figures: dict[str, dict[str, float]] = {}
    for kind in ("queue", "tile", "case", "verdict"):
        times = sorted(took.ms[kind])
        cuts = statistics.quantiles(times, n=100)
        failed = len(took.failed[kind])
        figures[kind] = {
            "asked": len(times),
            "p50": round(cuts[49], 1),
            "p95": round(cuts[94], 1),
            "p99": round(cuts[98], 1),
            "failed": failed,
        }
        print(
            f"  {kind:7} {len(times):7,} ({len(times) / seconds:5.1f}/s)  "
            f"p50 {cuts[49]:7.1f}  p95 {cuts[94]:7.1f}  p99 {cuts[98]:7.1f} ms  "
            f"failed {failed}"
        )
    tiles, pages = len(took.ms["tile"]), len(took.ms["queue"])
    print(
        f"  {took.again / tiles:.0%} of the tiles were asked for before, "
        f"{took.next / pages:.0%} of the pages were later ones, "
        f"{took.late} verdicts came second"
    )
    return figures


if __name__ == "__main__":
    main()
