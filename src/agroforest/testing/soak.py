"""Hundreds of simulated nights in one process, and what each of them took."""

import gc
import os
import re
import resource
import sqlite3
import threading
import time
from collections.abc import Iterator, Sequence
from cProfile import Profile
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from unittest.mock import patch

import numpy as np
from scipy.stats import theilslopes

from agroforest.catalog import LocalCatalog, add_scenes
from agroforest.core.config import read_pipeline
from agroforest.nightly import run_nights
from agroforest.testing.world import build_world

_YEARS = 2.45
_HISTORY = re.compile(r"(\[baseline\]\nstart = \S+\nend = )\S+")


@dataclass(frozen=True, kw_only=True, slots=True)
class NightFigures:
    """What a night took.

    Attributes
    ----------
    worked
        Whether a tile had news.
    damaged
        Whether something was planted by then: such a night has more to report.
    calls
        Functions called by the thread that runs the nights.
    read
        Bytes that the process read.
    cpu_s, wall_s
        Seconds of its processors and of the clock; `calls` are counted meanwhile.
    memory, state, database
        Bytes: resident, of the state store, of the database.
    files, threads
        Open files, and threads.
    """

    worked: bool
    damaged: bool
    calls: int
    read: int
    cpu_s: float
    wall_s: float
    memory: int
    state: int
    database: int
    files: int
    threads: int


def run_soak(folder: Path, *, nights: int) -> Iterator[NightFigures]:
    """Run the last nights of a simulated district of two small tiles.

    One process does all the work: whose processes share it changes no result.

    Parameters
    ----------
    folder
        Gets the district and the nights' work.
    nights
        How many; the history ends before them.

    Raises
    ------
    RuntimeError
        A night failed.
    """
    world = build_world(folder / "world", size=40, years=_YEARS)
    end = world.end - timedelta(days=nights)
    settings = world.pipeline.read_text(encoding="utf-8")
    settings, replaced = _HISTORY.subn(rf"\g<1>{end}", settings)
    world.pipeline.write_text(settings, encoding="utf-8")
    work = folder / "work"
    add_scenes([world.scenes], LocalCatalog(work / "catalog"))
    pipeline = read_pipeline(world.pipeline)
    if replaced != 1 or pipeline.baseline.end != end:
        raise RuntimeError(f"the history of {world.pipeline} does not end {end}")
    damaged_from = min(planted.start for planted in world.planted)
    dates = [end + timedelta(days=n + 1) for n in range(nights)]
    with patch.object(os, "cpu_count", lambda: 1):
        counter = _Counter()
        for outcome in run_nights(pipeline, dates, work=work):
            calls, read, cpu_s, wall_s = counter.stop()
            if outcome.failed or outcome.report is None:
                raise RuntimeError(f"{outcome.night}: {outcome.failed}")
            gc.collect()  # what waits for the collector is no growth
            yield NightFigures(
                worked=bool(outcome.report["tiles"]),
                damaged=outcome.night >= damaged_from,
                calls=calls,
                read=read,
                cpu_s=cpu_s,
                wall_s=wall_s,
                memory=_resident(),
                state=_size(work / pipeline.name / "state.zarr"),
                database=_pages(work / "agroforest.db"),
                files=sum(1 for _ in Path("/proc/self/fd").iterdir()),
                threads=threading.active_count(),
            )
            counter = _Counter()


def measure_growth(values: Sequence[float]) -> tuple[float, float]:
    """Growth from first to last by a line that outliers do not move.

    Returns
    -------
    Growth as a share of the line's beginning, and the least that it may be (95 %).
    """
    slope, start, least, _ = theilslopes(values, np.arange(len(values)))
    whole = len(values) / start
    return float(slope * whole), float(least * whole)


class _Counter:
    """What this process does from now on."""

    def __init__(self) -> None:
        self._read, self._cpu, self._wall = _bytes_read(), *_clocks()
        self._profile = Profile(builtins=False)
        self._profile.enable()

    def stop(self) -> tuple[int, int, float, float]:
        self._profile.disable()
        cpu, wall = _clocks()
        calls = sum(entry.callcount for entry in self._profile.getstats())
        return calls, _bytes_read() - self._read, cpu - self._cpu, wall - self._wall


def _clocks() -> tuple[float, float]:
    return time.process_time(), time.monotonic()


def _bytes_read() -> int:
    lines = Path("/proc/self/io").read_text(encoding="ascii").splitlines()
    return int(dict(line.split(": ") for line in lines)["rchar"])


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
