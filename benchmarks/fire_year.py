"""A year of nights over Nanning with real weather, and one with real hotspots.

    python benchmarks/fire_year.py --work work/fire-year --write docs/fire.md

Runs every night from 2020-05-01 to 2021-04-30 (danger from the station's weather) and
of 2023 (hotspots; the weather file ends before), runs the last night of each again to
show that nothing changes, and prints danger by month and events by month. The weather
and the hotspots do not overlap, so nothing here says how good the danger is.
"""

import argparse
import json
import os
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from pathlib import Path
from statistics import median
from typing import Any

from pages import fill  # type: ignore[import-not-found]  # beside it

from agroforest.core.alert import Change
from agroforest.core.config import Pipeline, read_pipeline
from agroforest.nightly import NightOutcome, run_nights
from agroforest.nightly.workplace import Workplace

_ROOT = Path(__file__).resolve().parents[1]
_PIPELINE = _ROOT / "pipelines" / "nanning-fire.toml"
_YEARS = (
    (date(2020, 5, 1), date(2021, 4, 30)),
    (date(2023, 1, 1), date(2023, 12, 31)),
)


def main() -> None:
    """Run and print."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    usual = os.environ.get("AGROFOREST_DATA", _ROOT.parent / "shared" / "data")
    options.add_argument("--data", type=Path, default=Path(usual))
    options.add_argument("--work", type=Path, default=Path("work/fire-year"))
    options.add_argument("--write", type=Path, help="document to put the tables into")
    options.add_argument("--json", type=Path)
    chosen = options.parse_args()
    pipeline = _relocate(read_pipeline(_PIPELINE), chosen.data)
    years = [run_year(pipeline, *year, work=chosen.work) for year in _YEARS]
    text = "\n\n".join([draw_danger(years[0]), draw_events(years[1]), draw_cost(years)])
    print(text)
    if chosen.write:
        fill(chosen.write, "year", text)
    if chosen.json:
        chosen.json.parent.mkdir(parents=True, exist_ok=True)
        chosen.json.write_text(json.dumps(years, indent=1), encoding="utf-8")


def _relocate(pipeline: Pipeline, data: Path) -> Pipeline:
    """Take the data from another folder than the one beside the repository."""
    fire = pipeline.fire.model_copy(
        update={
            "weather": data / "weather_south_china" / "nanning.csv",
            "hotspots": (str(data / "hotspots_guangxi" / "modis_*.csv"),),
            "counties": data / "guangxi_vectors" / "county.geojson",
        }
    )
    return pipeline.model_copy(update={"fire": fire})


def run_year(
    pipeline: Pipeline, first: date, last: date, *, work: Path
) -> dict[str, Any]:
    """Run a year's nights and gather what they said."""
    nights = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    walls, rows, changes = [], [], Counter[str]()
    mark = time.perf_counter()
    for outcome in run_nights(pipeline, nights, work=work):
        now = time.perf_counter()
        walls.append(now - mark)
        mark = now
        if outcome.report is not None:
            rows.append(_row(outcome))
            changes.update(c["change"] for c in outcome.report["changes"])
    again = list(run_nights(pipeline, nights[-1:], work=work))
    folder = Workplace(root=work, pipeline=pipeline.name).folder / "fire"
    found = {path.stem.partition("_")[2] for path in folder.glob("danger/danger_*.tif")}
    tables = {path.stem for path in folder.glob("events/*.csv")}
    days = {str(night) for night in nights}
    return {
        "first": str(first),
        "last": str(last),
        "nights": len(nights),
        "danger_maps": len(found & days),
        "event_tables": len(tables & days),
        "rows": rows,
        "changes": dict(changes),
        "first_ten_s": round(median(walls[1:11]), 3),
        "last_ten_s": round(median(walls[-11:-1]), 3),
        "all_s": round(sum(walls), 1),
        "again_changed": sum(o.report is not None for o in again),
    }


def _row(outcome: NightOutcome) -> dict[str, Any]:
    report = outcome.report
    assert report is not None
    fire = report["fire"]
    danger = fire["danger"][0]["totals"][0] if fire["danger"] else None
    new = [c for c in report["changes"] if c["change"] == Change.NEW]
    return {
        "night": str(outcome.night),
        "ha": danger["ha"] if danger else {},
        "events": fire["hotspots"]["events"],
        "static": fire["hotspots"]["static"],
        "new": len(new),
        "ungated": fire["clock"]["ungated"],
        "held": len(fire["held"]),
    }


def draw_danger(year: dict[str, Any]) -> str:
    """Draw the share of the area in each rank by month."""
    lines = [
        (
            f"Danger, {year['first']} to {year['last']}: share of the area by rank, "
            "mean of the month's nights, %."
        ),
        "",
        "| rank | " + " | ".join(_months(year["rows"])) + " |",
        "|---|" + "---|" * len(_months(year["rows"])),
    ]
    for rank in "12345":
        cells = [
            f"{100 * sum(n['ha'].get(rank, 0) for n in rows) / _all(rows):.0f}"
            for rows in _by_month(year["rows"])
        ]
        lines.append(f"| {rank} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def draw_events(year: dict[str, Any]) -> str:
    """Draw alerts raised by month."""
    lines = [
        (
            f"Hotspots, {year['first']} to {year['last']}: alerts raised, all ungated "
            "because the weather file ends before."
        ),
        "",
        "| | " + " | ".join(_months(year["rows"])) + " |",
        "|---|" + "---|" * len(_months(year["rows"])),
    ]
    for name, key in (("new alerts", "new"), ("nights with one", "")):
        cells = [
            str(sum(n["new"] if key else bool(n["new"]) for n in rows))
            for rows in _by_month(year["rows"])
        ]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def draw_cost(years: Iterable[dict[str, Any]]) -> str:
    """Draw what the nights wrote and took."""
    lines = [
        (
            "| nights | danger maps | event tables | changes | first ten nights, s | "
            "last ten, s | run again |"
        ),
        "|---|---|---|---|---|---|---|",
    ]
    for year in years:
        changes = ", ".join(f"{n} {c}" for c, n in sorted(year["changes"].items()))
        again = "changed" if year["again_changed"] else "nothing changes"
        lines.append(
            f"| {year['nights']} from {year['first']} | {year['danger_maps']} | "
            f"{year['event_tables']} | {changes or '-'} | {year['first_ten_s']:.2f} | "
            f"{year['last_ten_s']:.2f} | {again} |"
        )
    return "\n".join(lines)


def _months(rows: Sequence[dict[str, Any]]) -> list[str]:
    return list(dict.fromkeys(row["night"][:7] for row in rows))


def _by_month(rows: Sequence[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    return [[r for r in rows if r["night"].startswith(m)] for m in _months(rows)]


def _all(rows: Sequence[dict[str, Any]]) -> float:
    return sum(sum(row["ha"].values()) for row in rows) or 1.0


if __name__ == "__main__":
    main()
