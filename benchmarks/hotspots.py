"""What hotspots cost, and what the thresholds and the climatology rest on.

    python benchmarks/hotspots.py [--data DIR] [--count N] [--runs N] [--json FILE]

1. Speed. Makes N detections (100,000) like the real ones: drawn from the real feed,
   moved by some kilometres and to other days, half of them VIIRS. Reads them from a
   CSV, groups them, puts them into 111 counties, learns static sources and writes all
   files. Three cases: spread over 400 days, over 3 days, and crowded in one day.
   Median seconds of the runs, by the clock and of the processor.
2. Static sources. How many detections of the real feed each threshold leaves.
3. Climatology. Skill on days held out, for several widths of smoothing.

Needs the folder of real data (``AGROFOREST_DATA`` or ``../shared/data``).
"""

import argparse
import json
import os
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import shapely

from agroforest.hotspots.climatology import Smoothing, build_grid, build_history
from agroforest.hotspots.detections import Detections
from agroforest.hotspots.districts import read_districts
from agroforest.hotspots.events import no_events, step
from agroforest.hotspots.firms import read_firms
from agroforest.hotspots.skill import HoldOut, measure
from agroforest.hotspots.static import (
    StaticRule,
    find_static,
    learn_static,
)
from agroforest.hotspots.survey import HotspotRequest, write_hotspots
from agroforest.hotspots.tables import Findings
from agroforest.hotspots.training import read_days
from agroforest.hotspots.writing import write_detections

_ROOT = Path(__file__).resolve().parents[1]
_CASES = {"400 days": (400, 0.05), "3 days": (3, 0.05), "1 day, crowded": (1, 0.01)}


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    usual = os.environ.get("AGROFOREST_DATA", _ROOT.parent / "shared" / "data")
    options.add_argument("--data", type=Path, default=Path(usual))
    options.add_argument("--count", type=int, default=100_000)
    options.add_argument("--runs", type=int, default=3)
    options.add_argument("--json", type=Path)
    chosen = options.parse_args()
    feed = read_firms([chosen.data / "hotspots_guangxi" / "modis_c61_nrt.csv"])
    counties = chosen.data / "guangxi_vectors" / "county.geojson"
    figures = {
        "speed": measure_speed(feed.detections, counties, chosen.count, chosen.runs),
        "static": measure_static(feed.detections),
        "climatology": measure_climatology(feed.detections, counties, chosen.data),
    }
    if chosen.json:
        chosen.json.write_text(json.dumps(figures, indent=1))


def make_detections(
    feed: Detections, count: int, days: int, spread: float
) -> Detections:
    """Draw from the real ones; every second one as VIIRS would have seen it."""
    rng = np.random.default_rng(0)
    drawn = feed.take(rng.integers(0, len(feed), count))
    viirs = np.arange(count) % 2 == 1
    late = (rng.integers(0, days, count) * 86_400).astype("timedelta64[s]")
    start = np.datetime64("2023-01-01", "s")
    clock = drawn.time - drawn.time.astype("datetime64[D]")
    return replace(
        drawn,
        longitude=drawn.longitude + rng.normal(0, spread, count),
        latitude=drawn.latitude + rng.normal(0, spread, count),
        time=start + late + clock,
        instrument=np.where(viirs, 1, drawn.instrument).astype(np.int8),
        satellite=np.where(viirs, "N20", drawn.satellite),
        scan=np.where(viirs, 0.45, drawn.scan).astype(np.float32),
        track=np.where(viirs, 0.4, drawn.track).astype(np.float32),
    )


def measure_speed(
    feed: Detections, counties: Path, count: int, runs: int
) -> dict[str, Any]:
    """Time the steps, and the whole from CSV to files."""
    layer = read_districts(counties)
    found: dict[str, Any] = {}
    print(
        f"{count} detections, {len(layer)} counties; seconds by the clock (processor)"
    )
    for case, (days, spread) in _CASES.items():
        made = make_detections(feed, count, days, spread)
        events = step(no_events(), made)
        with tempfile.TemporaryDirectory() as folder:
            csv = Path(folder) / "feed.csv"
            static = np.zeros(len(events.detections), dtype=bool)
            write_detections(
                csv, Findings(events=events, static=static, cover=None, layers={})
            )
            request = HotspotRequest(
                files=(csv,),
                out=Path(folder) / "out",
                now=datetime(2024, 3, 1, tzinfo=UTC),
                boundaries=counties,
            )
            night = _shift(made.take(np.arange(count) % 20 == 0))
            places = made.longitude, made.latitude
            seconds = {
                "read": _time(runs, partial(read_firms, [csv])),
                "group": _time(runs, partial(step, no_events(), made)),
                "counties": _time(runs, partial(layer.locate, *places)),
                "add 5 % more": _time(runs, partial(step, events, night)),
                "CSV to files": _time(runs, partial(write_hotspots, request)),
            }
        found[case] = seconds | {"events": len(events)}
        words = "  ".join(
            f"{name} {value['wall']:.2f} ({value['cpu']:.2f})"
            for name, value in seconds.items()
        )
        print(f"  {case:15} {len(events):6} events  {words}")
    return found


def _shift(night: Detections) -> Detections:
    return replace(night, time=night.time + np.timedelta64(12 * 3600, "s"))


def _time(runs: int, work: Callable[[], object]) -> dict[str, float]:
    """Median seconds by the clock and of the processor (a busy machine differs)."""
    walls, processor = [], []
    for _ in range(runs):
        start, used = time.perf_counter(), time.process_time()
        work()
        walls.append(time.perf_counter() - start)
        processor.append(time.process_time() - used)
    return {"wall": round(median(walls), 2), "cpu": round(median(processor), 2)}


def measure_static(feed: Detections) -> list[dict[str, Any]]:
    """Count what each pair of thresholds leaves of the real feed."""
    rows = []
    print("static sources: places, detections")
    for night in (0.0, 0.1):
        for days in (3, 4, 5, 6, 8):
            rule = StaticRule(days=days, night_share=night)
            sources = learn_static(feed, rule=rule)
            hits = int(find_static(feed, sources).sum())
            rows.append(asdict(rule) | {"sources": len(sources), "detections": hits})
            print(f"  {days} days, night share {night}: {len(sources)} places, {hits}")
    return rows


def measure_climatology(
    feed: Detections, counties: Path, data: Path
) -> list[dict[str, Any]]:
    """Measure the skill for several widths of smoothing."""
    fires = feed.take(~find_static(feed, learn_static(feed)))
    layer = read_districts(counties)
    area = shapely.union_all([d.geometry for d in layer.districts])
    covered = read_days(data / "hotspots_guangxi" / "fully_covered_utc_dates.csv")
    grid = build_grid(area, step=0.05)
    rows = []
    print("climatology: AUROC and share in the top 5 % of cells, by what is hidden")
    for km in (10.0, 20.0, 40.0):
        for days in (20.0, 45.0, 1e6):
            smoothing = Smoothing(place_km=km, season_days=days)
            history = build_history(fires, grid, covered=covered, smoothing=smoothing)
            for hidden in HoldOut:
                skill = measure(history, hold_out=hidden, smoothing=smoothing)
                rows.append({"km": km, "days": days, "hidden": hidden} | asdict(skill))
                auroc, top = skill.auroc, skill.top_share
                print(
                    f"  {km:.0f} km {days:7.0f} d  {hidden:4}  "
                    f"{auroc.value:.3f} ({auroc.low:.3f}-{auroc.high:.3f})  "
                    f"{top.value:.3f} ({top.low:.3f}-{top.high:.3f})"
                )
    return rows


if __name__ == "__main__":
    main()
