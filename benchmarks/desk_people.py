"""Twenty people at a desk, each with an account, a language and filters of their own.

Read by `desk.py`. A person is a connection that asks for pages of the queue under
random filters, now and then for the next one, for tiles anywhere on the map and for
cases, and judges some of the cases that their last page showed.
"""

import asyncio
import math
import random
import re
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date

from desk_cases import (  # type: ignore[import-not-found]  # beside it
    COUNTIES,
    LAST_NIGHT,
    PEOPLE,
)

from agroforest.core.queue import Order
from agroforest.core.review import REASONS, Stage, Verdict
from agroforest.core.risk import Hazard

#: Of a hundred requests of somebody who judges; 3 in 10 pages are the next ones.
_KINDS = ("queue",) * 57 + ("tile",) * 29 + ("case",) * 9 + ("verdict",) * 5
_NEXT = 0.3
ZOOMS = (9, 15)
_NEXT_PAGE = re.compile(rb'rel="next" href="([^"]+)"')
_CSRF = re.compile(rb'name="csrf" value="([0-9a-f]+)"')
_ROW = re.compile(rb'data-case="([^"]+)" data-version="(\d+)" data-acts="([^"]+)"')


@dataclass(kw_only=True)
class Took:
    """What was asked, and how long it took.

    Attributes
    ----------
    ms
        By kind.
    failed
        Statuses that should not be, by kind.
    late
        Verdicts that somebody else was faster with.
    seen
        Tiles that somebody asked for.
    again
        How many were asked for again.
    next
        How many pages of the queue were later ones.
    """

    ms: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    failed: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    late: int = 0
    seen: set[str] = field(default_factory=set)
    again: int = 0
    next: int = 0


class Person:
    """Somebody with a session and a connection.

    Parameters
    ----------
    address
        Host and port.
    cookie
        Of their session.
    cases
        Ids of cases to look at.
    middle, reach
        Longitude and latitude of the middle of the map, and degrees from it.
    map_path
        Address of the tiles, up to the zoom.
    took
        Where it is written down.
    seed
        Makes their choices.
    """

    def __init__(
        self,
        address: tuple[str, int],
        cookie: str,
        *,
        cases: Sequence[str],
        middle: tuple[float, float],
        reach: float,
        map_path: str,
        took: Took,
        seed: int,
    ) -> None:
        self._address, self._cookie, self._cases = address, cookie, cases
        self._middle, self._reach, self._map_path = middle, reach, map_path
        self._took = took
        self._dice = random.Random(seed)  # noqa: S311  nothing secret
        self._page = b""

    async def stay(self, seconds: float, pause: float) -> None:
        """Ask until the time is over, with a pause of so many seconds on average."""
        until = time.monotonic() + seconds
        await asyncio.sleep(self._dice.random() * pause)
        connected = await asyncio.open_connection(*self._address, limit=1 << 20)
        self._reader, self._writer = connected
        while time.monotonic() < until:
            await self._ask(self._dice.choice(_KINDS))
            if pause:
                await asyncio.sleep(self._dice.expovariate(1 / pause))
        self._writer.close()
        await self._writer.wait_closed()

    async def _ask(self, kind: str) -> None:
        verdict = self._choose_verdict() if kind == "verdict" else None
        if verdict is not None:
            path, form = verdict
        else:
            kind = "queue" if kind == "verdict" else kind  # nothing to judge
            path, form = self._choose(kind), ""
        started = time.perf_counter()
        status, body = await self._send(path, form)
        self._took.ms[kind].append((time.perf_counter() - started) * 1000)
        if kind == "queue":
            self._page = body
        if kind == "verdict" and status == 409:
            self._took.late += 1
        elif status != 200:
            self._took.failed[kind].append(status)

    async def _send(self, path: str, form: str) -> tuple[int, bytes]:
        host, port = self._address
        head = f"Host: {host}:{port}\r\nCookie: desk={self._cookie}\r\n"
        if form:
            head += "HX-Request: true\r\n"
            head += "Content-Type: application/x-www-form-urlencoded\r\n"
            head += f"Content-Length: {len(form)}\r\n"
        method = "POST" if form else "GET"
        head = f"{method} {path} HTTP/1.1\r\n{head}Accept: text/html\r\n\r\n"
        self._writer.write((head + form).encode())
        head = (await self._reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
        length = head.partition("content-length: ")[2].partition("\r\n")[0]
        return int(head[9:12]), await self._reader.readexactly(int(length or 0))

    def _choose(self, kind: str) -> str:
        if kind == "case":
            return f"/alerts/{self._dice.choice(self._cases)}"
        if kind == "tile":
            path = self._choose_tile()
            self._took.again += path in self._took.seen
            self._took.seen.add(path)
            return path
        later = _NEXT_PAGE.search(self._page)
        if later and self._dice.random() < _NEXT:
            self._took.next += 1
            return later[1].decode().replace("&amp;", "&")
        return self._choose_page()

    def _choose_page(self) -> str:
        one = self._dice.choice
        asked = {
            "stage": one(["", "", "all", *map(str, (Stage.PRESCREEN, Stage.CLOSED))]),
            "hazard": one(["", "", *map(str, Hazard)]),
            "county": one(["", "", *(c.code for c in COUNTIES)]),
            "assignee": one(["", "", "", "-", one(PEOPLE)]),
            "days": one(["", "", "30", "365"]),
            "confidence": one(["", "", str(self._dice.randint(50, 95))]),
            "least_ha": one(["", "", f"{self._dice.uniform(0.1, 20):.1f}"]),
            "order": one([str(order) for order in Order]),
        }
        return "/queue?" + "&".join(f"{k}={v}" for k, v in asked.items() if v)

    def _choose_tile(self) -> str:
        zoom = self._dice.randint(*ZOOMS)
        count, reach = 1 << zoom, self._reach
        east = self._middle[0] + self._dice.uniform(-reach, reach)
        north = math.radians(self._middle[1] + self._dice.uniform(-reach, reach))
        x = int((east + 180) / 360 * count)
        y = int((1 - math.asinh(math.tan(north)) / math.pi) / 2 * count)
        return f"{self._map_path}/{zoom}/{x}/{y}.png"

    def _choose_verdict(self) -> tuple[str, str] | None:
        """Judge a case of the last page; ``None`` if it showed none to judge."""
        csrf, rows = _CSRF.search(self._page), _ROW.findall(self._page)
        if csrf is None or not rows:
            return None
        case, version, acts = (each.decode() for each in self._dice.choice(rows))
        act = self._dice.choice(acts.split())
        form = f"csrf={csrf[1].decode()}&version={version}&note="
        if act != "pass":
            verdict = Verdict.CONFIRMED if act == "confirm" else Verdict.DISMISSED
            form += f"&reason={REASONS[verdict][0]}"
        return f"/alerts/{case}/{act}", form


def find_map_path(pipeline: str, day: date = LAST_NIGHT) -> str:
    """Address of a pipeline's tiles, up to the zoom."""
    return f"/tiles/{pipeline}/ndvi/{day}"
