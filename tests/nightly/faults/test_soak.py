"""Four hundred nights in one process: as much memory and work as on the first."""

import gc
import re
import resource
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from statistics import median

import numpy as np
import pytest
from scipy.stats import theilslopes
from tests.nightly.alone import run_alone

from agroforest.catalog import LocalCatalog, add_scenes
from agroforest.core.config import Pipeline, read_pipeline
from agroforest.nightly import run_nights
from agroforest.testing.reliability import record
from agroforest.testing.world import build_world

pytestmark = [pytest.mark.slow, pytest.mark.soak, pytest.mark.enable_socket]

NIGHTS = 400
# Before it, libraries are loaded, code is compiled and seasons are learned.
WARM = 100
#: The issue's: growth over the nights, of what it was at their beginning.
FLAT = 0.05


@dataclass(frozen=True, kw_only=True)
class Figures:
    """What a night took.

    Attributes
    ----------
    cpu_s
        Processor seconds: a busy machine does not change them much.
    memory, state, database
        Bytes: resident, of the state store, of the database.
    files, threads
        Open files, and threads.
    worked
        Whether a tile had news.
    """

    cpu_s: float
    memory: int
    state: int
    database: int
    files: int
    threads: int
    worked: bool


@pytest.fixture(scope="module")
def nights(tmp_path_factory: pytest.TempPathFactory) -> list[Figures]:
    """Figures of every night."""
    folder = tmp_path_factory.mktemp("soak")
    world = build_world(folder / "world", size=40, years=2.45)
    end = world.end - timedelta(days=NIGHTS)
    settings = world.pipeline.read_text(encoding="utf-8")
    history = re.compile(r"(\[baseline\]\nstart = \S+\nend = )\S+")
    settings, replaced = history.subn(rf"\g<1>{end}", settings)
    assert replaced == 1
    world.pipeline.write_text(settings, encoding="utf-8")
    work = folder / "work"
    add_scenes([world.scenes], LocalCatalog(work / "catalog"))
    pipeline = read_pipeline(world.pipeline)
    assert pipeline.baseline.end == end
    with run_alone():
        return list(_run(pipeline, work))


def _run(pipeline: Pipeline, work: Path) -> Iterator[Figures]:
    dates = [pipeline.baseline.end + timedelta(days=n + 1) for n in range(NIGHTS)]
    began = time.process_time()
    for outcome in run_nights(pipeline, dates, work=work):
        ended = time.process_time()
        assert not outcome.failed
        assert outcome.report is not None
        gc.collect()  # what waits for the collector is no growth
        tiles = outcome.report["tiles"]
        assert len(tiles) in (0, 2)
        yield Figures(
            cpu_s=ended - began,
            memory=_resident(),
            state=_size(work / pipeline.name / "state.zarr"),
            database=_pages(work / "agroforest.db"),
            files=sum(1 for _ in Path("/proc/self/fd").iterdir()),
            threads=threading.active_count(),
            worked=bool(tiles),
        )
        began = time.process_time()


def _resident() -> int:
    pages = Path("/proc/self/statm").read_text(encoding="ascii").split()[1]
    return int(pages) * resource.getpagesize()


def _size(folder: Path) -> int:
    return sum(p.stat().st_size for p in folder.rglob("*") if p.is_file())


def _pages(path: Path) -> int:
    with sqlite3.connect(path) as database:
        (count,) = database.execute("PRAGMA page_count").fetchone()
        (size,) = database.execute("PRAGMA page_size").fetchone()
    return int(count) * int(size)


def _growth(values: list[float]) -> tuple[float, float]:
    """Growth from first to last by a line that outliers do not move, and the least
    that it may be (95 %): nights differ by their clouds.
    """
    slope, start, least, _ = theilslopes(values, np.arange(len(values)))
    whole = len(values) / start
    return float(slope * whole), float(least * whole)


@pytest.mark.parametrize(
    ("what", "of"),
    [
        ("memory", lambda f: f.memory),
        ("state store", lambda f: f.state),
    ],
)
def test_four_hundred_nights_need_no_more_room(
    what: str, of: Callable[[Figures], float], nights: list[Figures]
) -> None:
    growth, _ = _growth([of(f) for f in nights[WARM:]])
    record(
        "soak",
        f"{NIGHTS} nights, two tiles: {what}",
        tried=1,
        survived=int(growth < FLAT),
        note=f"grows by less than {FLAT:.0%}",
    )
    assert growth < FLAT, f"{what} grows by {growth:.1%}"


@pytest.mark.parametrize("worked", [True, False])
def test_four_hundred_nights_need_no_more_time(
    worked: bool, nights: list[Figures]
) -> None:
    series = [f.cpu_s for f in nights[WARM:] if f.worked is worked]
    assert len(series) >= 20
    growth, least = _growth(series)
    what = "a night with scenes" if worked else "a night without"
    record(
        "soak",
        f"{NIGHTS} nights, two tiles: processor time of {what}",
        tried=1,
        survived=int(least < FLAT),
        note=f"no growth of {FLAT:.0%} can be told from clouds and noise (95 %)",
    )
    assert least < FLAT, f"{what} grows by {growth:.1%}, at least {least:.1%}"


def test_nothing_is_left_open(nights: list[Figures]) -> None:
    for name in ("files", "threads"):
        found = [getattr(f, name) for f in nights[WARM:]]
        assert max(found) - min(found) <= 2, name


def test_the_database_grows_by_what_it_records(nights: list[Figures]) -> None:
    """A few kilobytes a night: a year of two tiles is a megabyte or two."""
    grown = np.diff([f.database for f in nights[WARM:]])
    assert median(grown) <= 8192
    assert grown.mean() <= 8192
