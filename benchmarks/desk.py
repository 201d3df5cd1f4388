"""How long the desk makes people wait, with 200,000 cases and twenty of them at once.

    python benchmarks/desk.py [--database sqlite|postgresql|URL] [--cases N]
                              [--work DIR] [--clients N] [--seconds S] [--json FILE]

`agroforest serve` runs as anybody would run it, on a database of made-up cases
(`benchmarks/desk_store.py`) and a made-up index map of a tile of 20 km. Each client is
a reviewer with a session and a connection of their own, who asks for pages of the queue
under random filters (6 of 10), for map tiles anywhere on the map (3 of 10) and for
cases (1 of 10), reads for a moment as people do (`--pause`, a second on average), and
asks again; what is asked in the first `_WARM_S` seconds is not counted, for the first
page of a new server compiles its templates. The same is then done without any pause: no
people, but the most that the machine gives. Client and server share the machine; the
client is one process that does little more than read bytes.

The 95th percentiles with pauses are to stay under `PROMISED_MS`, and nothing may fail.
"""

import argparse
import asyncio
import contextlib
import json
import os
import random
import statistics
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
from desk_store import (  # type: ignore[import-not-found]  # beside it
    LAST_NIGHT,
    fill,
    provide,
)

from agroforest.core.account import Account, Role
from agroforest.core.errors import DataError
from agroforest.core.grid import Grid
from agroforest.core.queue import CaseQuery, Order
from agroforest.core.review import Stage
from agroforest.core.risk import Hazard
from agroforest.cube import write_cog
from agroforest.store import Store, open_store
from agroforest.web.sessions import Sessions

#: 95th percentile by database and kind of question.
PROMISED_MS: Mapping[str, Mapping[str, float]] = {
    "sqlite": {"queue": 250.0, "tile": 80.0},
    "postgresql": {"queue": 150.0, "tile": 80.0},
}
_SIDE = 2048  # pixels of 10 m: some twenty kilometres
_GRID = Grid(
    crs="EPSG:32649",
    left=230_000,
    top=2_540_000,
    resolution=10,
    width=_SIDE,
    height=_SIDE,
)
_CENTRE, _ZOOMS = (108.47, 22.84), (9, 14)
_WARM_S = 5.0
_KINDS = ("queue",) * 6 + ("tile",) * 3 + ("case",)
_PIPELINE = "load"


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
        with _serve(url, folder) as address:
            for pause in (options.pause, 0.0):
                took = asyncio.run(
                    _load(address, cookies, cases, seconds=options.seconds, pause=pause)
                )
                name = f"{pause:g} s between" if pause else "without a pause"
                figures[name] = _print(name, took, options.seconds)
    if options.json:
        options.json.write_text(json.dumps(figures, indent=1), encoding="utf-8")
    kind = "sqlite" if options.database == "sqlite" else "postgresql"
    people = figures[f"{options.pause:g} s between"]
    broken = [
        asked
        for asked, most in PROMISED_MS[kind].items()
        if people[asked]["p95"] > most
    ]
    failed = sum(
        int(f.get("failed", 0)) for run in figures.values() for f in run.values()
    )
    raise SystemExit(f"too slow: {broken}, failed: {failed}" if broken or failed else 0)


# ------------------------------------------------------------------------ the server


def _admit(store: Store, number: int) -> str:
    """Log a reviewer in; the value of their cookie."""
    now = datetime.now(UTC)
    account = Account(
        name=f"load{number}",
        title=f"Reviewer {number}",
        role=Role.REVIEWER,
        created=now,
    )
    with contextlib.suppress(DataError):  # there since the last time
        store.desk.add_account(account)
    sessions = Sessions(store, idle=timedelta(hours=2), absolute=timedelta(hours=12))
    return sessions.begin(account, now)


def _draw_map(folder: Path) -> None:
    path = folder / _PIPELINE / "indices" / "load" / f"load_{LAST_NIGHT}_ndvi.tif"
    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    dice = np.random.default_rng(7)
    coarse = dice.normal(6000, 1500, (_SIDE // 16, _SIDE // 16))
    fine = np.kron(coarse, np.ones((16, 16))) + dice.normal(0, 300, (_SIDE, _SIDE))
    write_cog(path, fine.clip(-9999, 9999).astype(np.int16), _GRID)


@contextlib.contextmanager
def _serve(url: str | Path, folder: Path) -> Iterator[tuple[str, int]]:
    """Run the command; yields host and port."""
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
            yield host, int(port)
        finally:
            server.terminate()


# ----------------------------------------------------------------------- the clients


async def _load(
    address: tuple[str, int],
    cookies: list[str],
    cases: list[str],
    *,
    seconds: float,
    pause: float,
) -> dict[str, list[float]]:
    took: dict[str, list[float]] = defaultdict(list)
    since = time.monotonic() + _WARM_S
    until = since + seconds
    visits = []
    for number, cookie in enumerate(cookies):
        dice = random.Random(number)  # noqa: S311  nothing secret
        visit = _visit(address, cookie, cases, took, dice, (since, until), pause)
        visits.append(visit)
    await asyncio.gather(*visits)
    return took


async def _visit(
    address: tuple[str, int],
    cookie: str,
    cases: list[str],
    took: dict[str, list[float]],
    dice: random.Random,
    counted: tuple[float, float],
    pause: float,
) -> None:
    """Be one person until the time is over."""
    reader, writer = await asyncio.open_connection(*address, limit=1 << 20)
    await asyncio.sleep(dice.random() * pause)
    since, until = counted
    while time.monotonic() < until:
        kind = dice.choice(_KINDS)
        path = _choose(kind, dice, cases)
        started = time.perf_counter()
        writer.write(
            f"GET {path} HTTP/1.1\r\nHost: {address[0]}:{address[1]}\r\n"
            f"Cookie: desk={cookie}\r\nAccept: text/html\r\n\r\n".encode()
        )
        status = await _read(reader)
        if time.monotonic() >= since:
            took[kind].append((time.perf_counter() - started) * 1000)
        if status != 200:
            took[f"{kind} failed"].append(status)
        if pause:
            await asyncio.sleep(dice.expovariate(1 / pause))
    writer.close()
    await writer.wait_closed()


async def _read(reader: asyncio.StreamReader) -> int:
    """Read one answer; its status."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
    status = int(head.split(" ", 2)[1])
    if "transfer-encoding: chunked" in head:
        while size := int(await reader.readline(), 16):
            await reader.readexactly(size + 2)
        await reader.readline()
    else:
        length = head.partition("content-length: ")[2].partition("\r\n")[0]
        await reader.readexactly(int(length or 0))
    return status


def _choose(kind: str, dice: random.Random, cases: list[str]) -> str:
    if kind == "case":
        return f"/alerts/{dice.choice(cases)}"
    if kind == "tile":
        zoom = dice.randint(*_ZOOMS)
        count = 1 << zoom
        east = _CENTRE[0] + dice.uniform(-0.08, 0.08)
        north = _CENTRE[1] + dice.uniform(-0.08, 0.08)
        x = int((east + 180) / 360 * count)
        turned = np.arcsinh(np.tan(np.radians(north))) / np.pi
        y = int((1 - turned) / 2 * count)
        return f"/tiles/{_PIPELINE}/ndvi/{LAST_NIGHT}/{zoom}/{x}/{y}.png"
    asked = {
        "stage": dice.choice(["", "all", *map(str, (Stage.PRESCREEN, Stage.CLOSED))]),
        "order": dice.choice([str(o) for o in Order]),
        "hazard": dice.choice(["", "", *map(str, Hazard)]),
        "confidence": dice.choice(["", "", "80"]),
    }
    return "/queue?" + "&".join(f"{k}={v}" for k, v in asked.items() if v)


# ------------------------------------------------------------------------ the figures


def _print(
    name: str, took: dict[str, list[float]], seconds: float
) -> dict[str, dict[str, float]]:
    print(f"\n{name}")
    figures: dict[str, dict[str, float]] = {}
    for kind in ("queue", "tile", "case"):
        times = sorted(took[kind])
        cuts = statistics.quantiles(times, n=100)
        figures[kind] = {
            "asked": len(times),
            "p50": round(cuts[49], 1),
            "p95": round(cuts[94], 1),
            "p99": round(cuts[98], 1),
            "failed": len(took[f"{kind} failed"]),
        }
        print(
            f"  {kind:6} {len(times):7,} ({len(times) / seconds:5.1f}/s)  "
            f"p50 {cuts[49]:7.1f}  p95 {cuts[94]:7.1f}  p99 {cuts[98]:7.1f} ms  "
            f"failed {figures[kind]['failed']:g}"
        )
    return figures


if __name__ == "__main__":
    main()
