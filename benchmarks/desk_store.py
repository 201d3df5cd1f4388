"""What the desk asks its database, with 200,000 cases in it.

    python benchmarks/desk_store.py [--cases N] [--work DIR] [--json FILE]
                                    [--database sqlite|postgresql|URL] [--writes]
                                    [--night N]

The cases are made up: ten counties, every hazard, stage and verdict, three years of
nights, most of them closed. They are the same every time, and kept in the work folder.
Every question is asked `_TIMES` times by one client with other words each time; the
95th percentile is to stay under `PROMISED_MS`. With ``--writes`` steps are recorded,
too, and stay in the database. With ``--night`` so many new alerts are recorded at once,
which nobody else can write beside, and nothing else is measured.

Without a URL PostgreSQL is a server of our own, with its settings as they come.
"""

import argparse
import json
import random
import statistics
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from desk_cases import (  # type: ignore[import-not-found]  # beside it
    COUNTIES,
    LAST_NIGHT,
    NIGHTS,
    PEOPLE,
    fill,
    record_new,
)

from agroforest.core.audit import Deed
from agroforest.core.queue import CaseQuery, DeskChanges, Order
from agroforest.core.review import (
    WAITING,
    Act,
    Case,
    Stage,
    Step,
    Verdict,
)
from agroforest.core.risk import Hazard
from agroforest.store import Store, open_store
from agroforest.testing.servers import lend_database, serve_postgresql

PROMISED_MS = {"sqlite": 40.0, "postgresql": 20.0}
_TIMES = 40


def main() -> None:
    """Fill, ask, print; leave with 1 if a question takes too long."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cases", type=int, default=200_000)
    parser.add_argument("--work", type=Path, default=Path("work/bench"))
    parser.add_argument("--json", type=Path)
    parser.add_argument("--database", default="sqlite")
    parser.add_argument("--writes", action="store_true")
    parser.add_argument("--night", type=int, metavar="ALERTS")
    options = parser.parse_args()
    with provide(options.database, options.work, options.cases) as url:
        kind = "postgresql" if "://" in str(url) else "sqlite"
        with open_store(url) as store:
            started = time.perf_counter()
            if fill(store, options.cases):
                print(f"filled in {time.perf_counter() - started:.0f} s")
            if options.night:
                took = record_new(store, options.night)
                print(f"{took:.1f} s: a night of {options.night:,} new alerts")
                return
            figures = {name: measure(ask) for name, ask in build(store)}
            if options.writes:
                figures |= {name: measure(ask) for name, ask in build_writes(store)}
    for name, (median, p95) in figures.items():
        print(f"{median:8.1f} ms  {p95:8.1f} ms  {name}")
    if options.json:
        options.json.write_text(json.dumps(figures, indent=1), encoding="utf-8")
    slow = [name for name, (_, p95) in figures.items() if p95 > PROMISED_MS[kind]]
    raise SystemExit(f"over {PROMISED_MS[kind]:g} ms: {slow}" if slow else 0)


@contextmanager
def provide(wanted: str, work: Path, cases: int) -> Iterator[str | Path]:
    """Yield the address of a database to fill: a file, a server, or a URL."""
    if wanted == "sqlite":
        yield work / f"desk-{cases}.db"
    elif wanted == "postgresql":
        with (
            TemporaryDirectory() as name,
            serve_postgresql(Path(name), settings="") as server,
            lend_database(server) as url,
        ):
            yield url
    else:
        yield wanted


# ---------------------------------------------------------------------------- asking

_BIG, _SURE = 50.0, 0.93
_WEEK = timedelta(days=7)


def build(store: Store) -> Iterator[tuple[str, Callable[[random.Random], object]]]:
    """Build questions that take their words from dice, with what they are called."""
    desk = store.desk
    for name, ask in FILTERS.items():
        for order in Order:
            yield f"{order}, {name}", _ask_page(store, ask, order)
        for order in (Order.RANK, Order.CHANGED):
            yield f"{order}, {name}, far on", _ask_deep(store, ask, order)
        yield f"count, {name}", _ask_count(store, ask)
    for degrees in (0.02, 0.1, 0.5, 3.0):
        for name, stages in (("", ()), (" waiting", tuple(WAITING))):
            yield (
                f"500 in a box of {degrees:g}°{name}",
                _ask_box(store, degrees, stages),
            )
    yield "tally", lambda _: desk.tally()
    yield "nothing to follow", lambda _: desk.unfollowed(200)
    yield "a case", lambda dice: desk.case(f"case{dice.randrange(1000):09d}")
    yield (
        "audit of a case",
        lambda dice: desk.deeds(subject=f"case{dice.randrange(1000):09d}"),
    )


def _day(dice: random.Random) -> date:
    days = dice.randrange(int(NIGHTS))
    return date.fromordinal(LAST_NIGHT.toordinal() - days)


def _county(dice: random.Random) -> tuple[str, ...]:
    return (dice.choice(COUNTIES).code,)


def _hazard(dice: random.Random) -> tuple[Hazard, ...]:
    return (dice.choice(list(Hazard)),)


_OPEN = tuple(sorted(WAITING))
#: Filters as people combine them.
FILTERS: dict[str, Callable[[random.Random], CaseQuery]] = {
    "all": lambda _: CaseQuery(),
    "waiting": lambda _: CaseQuery(stages=_OPEN),
    "one stage": lambda d: CaseQuery(stages=(d.choice(list(Stage)),)),
    "hazard": lambda d: CaseQuery(hazards=_hazard(d)),
    "county": lambda d: CaseQuery(counties=_county(d)),
    "waiting, county": lambda d: CaseQuery(stages=_OPEN, counties=_county(d)),
    "waiting, hazard, county": lambda d: CaseQuery(
        stages=_OPEN, hazards=_hazard(d), counties=_county(d)
    ),
    "hazard, county, verdict": lambda d: CaseQuery(
        hazards=_hazard(d), counties=_county(d), verdicts=(d.choice(list(Verdict)),)
    ),
    "mine": lambda d: CaseQuery(assignee=d.choice(PEOPLE)),
    "waiting for nobody": lambda _: CaseQuery(stages=_OPEN, assignee="-"),
    "no such assignee": lambda _: CaseQuery(assignee="nobody"),
    "no such county, waiting": lambda _: CaseQuery(stages=_OPEN, counties=("1",)),
    "large": lambda _: CaseQuery(least_ha=_BIG),
    "large, county": lambda d: CaseQuery(least_ha=_BIG, counties=_county(d)),
    "small and sure, waiting": lambda _: CaseQuery(
        stages=_OPEN, most_ha=0.3, least_probability=_SURE
    ),
    "sure, county": lambda d: CaseQuery(least_probability=_SURE, counties=_county(d)),
    "waiting this week": lambda _: CaseQuery(stages=_OPEN, since=LAST_NIGHT - _WEEK),
    "some week, hazard": lambda d: CaseQuery(
        since=(day := _day(d)), until=day + _WEEK, hazards=_hazard(d)
    ),
    "closed, county, a year ago": lambda d: CaseQuery(
        stages=(Stage.CLOSED,),
        counties=_county(d),
        until=LAST_NIGHT - timedelta(days=365),
    ),
    "fires": lambda _: CaseQuery(pipelines=("fires",)),
    "no such pipeline": lambda _: CaseQuery(pipelines=("nothing",)),
}


def _ask_count(
    store: Store, ask: Callable[[random.Random], CaseQuery]
) -> Callable[[random.Random], object]:
    return lambda dice: store.desk.count(ask(dice))


def _ask_page(
    store: Store, ask: Callable[[random.Random], CaseQuery], order: Order
) -> Callable[[random.Random], object]:
    return lambda dice: store.desk.queue(replace(ask(dice), order=order))


def _find_deep(
    store: Store, ask: Callable[[random.Random], CaseQuery], order: Order
) -> list[CaseQuery]:
    """Find queries for pages that are far from the first."""
    found = []
    for seed in range(2):
        query = replace(ask(random.Random(seed)), order=order, limit=500)  # noqa: S311
        for _ in range(4):
            after = store.desk.queue(query).next
            query = replace(query, after=after or query.after)
        found.append(replace(query, limit=50))
    return found


def _ask_deep(
    store: Store, ask: Callable[[random.Random], CaseQuery], order: Order
) -> Callable[[random.Random], object]:
    queries: list[CaseQuery] = []

    def turn(dice: random.Random) -> object:
        if not queries:  # the first questions warm up
            queries.extend(_find_deep(store, ask, order))
        return store.desk.queue(dice.choice(queries))

    return turn


def _ask_box(
    store: Store, degrees: float, stages: tuple[Stage, ...]
) -> Callable[[random.Random], object]:
    def ask(dice: random.Random) -> object:
        county = dice.choice(COUNTIES)
        west, south = (
            county.west + 0.5 * dice.random(),
            county.south + 0.4 * dice.random(),
        )
        box = (west, south, west + degrees, south + degrees)
        return store.desk.queue(CaseQuery(stages=stages, box=box, limit=500))

    return ask


def build_writes(
    store: Store,
) -> Iterator[tuple[str, Callable[[random.Random], object]]]:
    """Build decisions on one case, and on as many as a night's stretch has."""

    def act(ids: list[str]) -> object:
        return store.desk.decide(ids, _note)

    yield "decide on a case", lambda dice: act([f"case{dice.randrange(1000):09d}"])
    yield (
        "decide on 200 cases",
        lambda dice: act([f"case{n:09d}" for n in dice.sample(range(100_000), 200)]),
    )


def _note(cases: Mapping[str, Case]) -> DeskChanges:
    after = [
        case.patch(
            version=case.version + 1,
            stage=Stage.VERDICT if case.stage == Stage.PRESCREEN else Stage.PRESCREEN,
        )
        for case in cases.values()
    ]
    now = datetime.combine(LAST_NIGHT, datetime.min.time(), UTC)
    return DeskChanges(
        cases=tuple(after),
        steps=tuple(
            Step(case=c.id, number=c.version, time=now, by="x", act=Act.PASS)
            for c in after
        ),
        deeds=tuple(
            Deed(time=now, who="x", what="case.pass", subject=c.id) for c in after
        ),
    )


def measure(ask: Callable[[random.Random], object]) -> tuple[float, float]:
    """Median and 95th percentile of a question, milliseconds."""
    spent = []
    for seed in range(_TIMES + 3):
        dice = random.Random(seed)  # noqa: S311  nothing secret
        started = time.perf_counter()
        ask(dice)
        spent.append(1000 * (time.perf_counter() - started))
    spent = sorted(spent[3:])
    return statistics.median(spent), spent[round(0.95 * _TIMES) - 1]


if __name__ == "__main__":
    main()
