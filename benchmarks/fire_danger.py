"""Fire danger around Nanning: the season curve, its cost, and what can be learned.

    python benchmarks/fire_danger.py [--data DIR] [--write FILE] [--figure SVG]
                                     [--json FILE] [--learn]

1. Season. Daily danger of Nanning's cells of 1 km from the real weather of 2014 to
   April 2021, as the product gives it; by month the share of days in each rank beside
   the months in which fires are known there and the hotspots seen on fully covered
   days of other years. The weather is daily: the highest temperature, the lowest
   humidity and the mean wind stand for noon, the rain is that of the calendar's day.
   That is hotter and drier than noon, so the index is too high; the classes are those
   of the same numbers, which takes most of it back.
2. Cost. Seconds a day for a million cells, by the clock, best of three.
3. With --learn: what the real hotspots and the real weather have in common, and what
   the whole path gives on the hotspots of Guangxi without any weather.

Needs the folder of real data (``AGROFOREST_DATA`` or ``../shared/data``).
"""

import argparse
import csv
import json
import os
import tempfile
import time
from collections import Counter
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from fire_season_figure import (  # type: ignore[import-not-found]  # beside it
    draw_season,
)
from pages import fill  # type: ignore[import-not-found]  # beside it
from shapely.geometry import mapping

from agroforest.core.aoi import read_aoi
from agroforest.core.risk import EPOCH, epoch_day
from agroforest.core.weather import NoonWeather
from agroforest.fire.cells import build_cells
from agroforest.fire.danger import DangerRequest, judge, prepare
from agroforest.fire.days import walk
from agroforest.fire.drivers import Name
from agroforest.fire.hotspot_past import read_fires
from agroforest.fire.occurrence import OccurrenceRequest, train_occurrence
from agroforest.fire.weather_on_cells import CellWeather, WeatherFile, open_weather
from agroforest.hotspots.districts import read_districts
from agroforest.hotspots.training import read_days

_ROOT = Path(__file__).resolve().parents[1]
_MAPPING = """
[time]
column = "date"
[station]
id = "nanning"
longitude = 108.22
latitude = 22.63
elevation = 122.0
[temperature]
column = "maxtemp"
unit = "°C"
[humidity]
column = "minrh"
unit = "%"
[wind]
column = "avgws"
unit = "m/s"
[rain]
column = "precipitation"
unit = "mm"
"""
# Kilometres from the station within which weather and hotspots are compared.
_REACH = 100.0


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    usual = os.environ.get("AGROFOREST_DATA", _ROOT.parent / "shared" / "data")
    options.add_argument("--data", type=Path, default=Path(usual))
    options.add_argument("--write", type=Path, help="document to put the table into")
    options.add_argument("--figure", type=Path)
    options.add_argument("--json", type=Path)
    options.add_argument("--learn", action="store_true")
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        season = find_season(chosen.data, work)
        found: dict[str, Any] = {"season": season, "cost": time_a_million(work)}
        if chosen.learn:
            found["overlap"] = find_overlap(chosen.data, work)
            found["guangxi"] = learn_without_weather(chosen.data, work)
    table = draw_table(season)
    print(table)
    print(json.dumps({k: v for k, v in found.items() if k != "season"}, indent=1))
    if chosen.write:
        fill(chosen.write, "season", table)
    if chosen.figure:
        chosen.figure.write_text(draw_season(by_month(season)), encoding="utf-8")
    if chosen.json:
        chosen.json.parent.mkdir(parents=True, exist_ok=True)
        chosen.json.write_text(json.dumps(found, indent=1), encoding="utf-8")


# ---------------------------------------------------------------- season
def find_season(data: Path, work: Path) -> dict[str, Any]:
    """Ranks and indices of every day at the middle of the city, by month."""
    area = write_nanning(data, work)
    (work / "m.toml").write_text(_MAPPING, encoding="utf-8")
    weather = WeatherFile(
        path=data / "weather_south_china" / "nanning.csv", mapping=work / "m.toml"
    )
    request = DangerRequest(
        weather=weather, aoi=area, day=date(2014, 1, 1), until=date(2021, 4, 30)
    )
    started = time.perf_counter()
    scene = prepare(request)
    station = scene.cells.locate(np.array([108.35]), np.array([22.80]))[0]
    days = []
    for danger in judge(scene):
        fwi = danger.find(Name.FWI).values
        days.append(
            {
                "day": danger.day.isoformat(),
                "rank": int(danger.rank.ravel()[station]),
                "fwi": round(float(fwi.ravel()[station]), 3) if fwi is not None else 0,
            }
        )
    seconds = time.perf_counter() - started
    return {
        "cells": scene.cells.count,
        "days": days,
        "limits": scene.limits.limits[:, 0, 0].round(2).tolist(),
        "seconds": round(seconds, 1),
        "hotspots": count_hotspots(data, work),
    }


def write_nanning(data: Path, work: Path) -> Path:
    """Write the city of Nanning as an area."""
    counties = data / "guangxi_vectors" / "county.geojson"
    document = json.loads(counties.read_text(encoding="utf-8"))
    document["features"] = [
        one
        for one in document["features"]
        if one["properties"]["city_name"] == "南宁市"
    ]
    path = work / "nanning.geojson"
    path.write_text(json.dumps(document, ensure_ascii=False), encoding="utf-8")
    return path


def count_hotspots(data: Path, work: Path) -> dict[str, Any]:
    """By month, fully covered days and hotspots within reach of the station."""
    covered = read_days(data / "hotspots_guangxi" / "fully_covered_utc_dates.csv")
    circle = write_circle(work)
    cells = build_cells(read_aoi(circle).area, side=5000.0)
    fires = read_fires((data / "hotspots_guangxi" / "modis_c61_nrt.csv",), cells)
    seen = Counter(
        day.item().month
        for day, cell in zip(fires.day, fires.cell, strict=True)
        if cell >= 0 and day.item() in set(covered)
    )
    days = Counter(day.month for day in covered)
    return {
        "days": [days[m] for m in range(1, 13)],
        "seen": [seen[m] for m in range(1, 13)],
    }


def write_circle(work: Path) -> Path:
    """Everything within reach of the station."""
    north = _REACH / 110.6
    circle = shapely.transform(
        shapely.Point(0, 0).buffer(1.0),
        lambda p: p * [north / np.cos(np.radians(22.63)), north] + [108.22, 22.63],
    )
    feature = {"type": "Feature", "properties": {}, "geometry": mapping(circle)}
    path = work / "circle.geojson"
    path.write_text(
        json.dumps({"type": "FeatureCollection", "features": [feature]}),
        encoding="utf-8",
    )
    return path


def by_month(season: dict[str, Any]) -> list[dict[str, float]]:
    """Share of days in each rank and the mean index, month by month, whole years."""
    rows = []
    for month in range(1, 13):
        own = [
            day
            for day in season["days"]
            if day["rank"] and int(day["day"][5:7]) == month and day["day"] < "2021"
        ]
        ranks = Counter(day["rank"] for day in own)
        row = {f"rank{n}": ranks[n] / len(own) for n in range(1, 6)}
        row["fwi"] = float(np.mean([day["fwi"] for day in own]))
        row["worst"] = float(np.quantile([day["fwi"] for day in own], 0.9))
        rows.append(row)
    return rows


def draw_table(season: dict[str, Any]) -> str:
    """Months as a table."""
    seen, days = season["hotspots"]["seen"], season["hotspots"]["days"]
    titles = (
        "month",
        "mean FWI",
        "90th percentile",
        "days of rank 1 to 5, %",
        "rank 4 or 5, %",
        "hotspots within 100 km on fully covered days, 2021-12 to 2024",
    )
    lines = [f"| {' | '.join(titles)} |", "|---" * len(titles) + "|"]
    for number, row in enumerate(by_month(season)):
        ranks = " · ".join(f"{100 * row[f'rank{n}']:.0f}" for n in range(1, 6))
        high = 100 * (row["rank4"] + row["rank5"])
        lines.append(
            f"| {number + 1} | {row['fwi']:.1f} | {row['worst']:.1f} | {ranks} "
            f"| {high:.0f} | {seen[number]} on {days[number]} days |"
        )
    limits = ", ".join(f"{limit:.1f}" for limit in season["limits"])
    lines.append("")
    lines.append(
        f"{len(season['days'])} days of {season['cells']} cells in "
        f"{season['seconds']:.0f} s; limits of the classes (percentiles 50, 75, 90, 97 "
        f"of the place): {limits}."
    )
    return "\n".join(lines)


# ---------------------------------------------------------------- cost
def time_a_million(work: Path) -> dict[str, float]:
    """Seconds to lead a million cells through a day, drivers and rank included."""
    north = 4.5
    feature = {
        "type": "Feature",
        "properties": {},
        "geometry": mapping(shapely.box(108.0, 22.0, 108.0 + 9.75, 22.0 + 2 * north)),
    }
    path = work / "large.geojson"
    path.write_text(
        json.dumps({"type": "FeatureCollection", "features": [feature]}),
        encoding="utf-8",
    )
    cells = build_cells(read_aoi(path).area)
    noise = np.random.default_rng(1)
    shape = cells.grid.shape
    one = NoonWeather(
        day=0,
        temperature=noise.uniform(10, 35, shape),
        humidity=noise.uniform(20, 95, shape),
        wind=noise.uniform(0, 30, shape),
        rain=noise.gamma(0.2, 5, shape),
    )
    days = np.arange(20_000, 20_004)
    weather = CellWeather(
        cells=cells,
        days=days,
        forecast=np.zeros(4, dtype=np.bool_),
        bring=lambda day: one.patch(day=day),
        past=lambda: iter(()),
        place_latitude=np.zeros(1),
        nearest=np.zeros(shape, dtype=np.intp),
    )
    laps, before = [], time.perf_counter()
    for _ in walk(weather, first=int(days[0]), last=int(days[-1])):
        now = time.perf_counter()
        laps.append(now - before)
        before = now
    return {"cells": cells.grid.width * cells.grid.height, "seconds": min(laps[1:])}


# ---------------------------------------------------------------- learning
def find_overlap(data: Path, work: Path) -> dict[str, Any]:
    """Find what weather and hotspots have in common around Nanning."""
    covered = set(read_days(data / "hotspots_guangxi" / "fully_covered_utc_dates.csv"))
    cells = build_cells(read_aoi(write_circle(work)).area, side=5000.0)
    fires = read_fires((data / "hotspots_guangxi" / "modis_c61_nrt.csv",), cells)
    complete = open_weather(
        WeatherFile(
            path=data / "weather_south_china" / "nanning.csv", mapping=work / "m.toml"
        ),
        cells,
    )
    daily = {EPOCH + timedelta(days=int(d)) for d in complete.days}
    noon = read_noon_vpd(data / "weather_south_china" / "nanning_3hourly_2023_2024.csv")
    lit = {
        (day.item(), int(cell))
        for day, cell in zip(fires.day, fires.cell, strict=True)
        if cell >= 0
    }
    both = sorted(set(noon) & covered)
    burning = Counter(day for day, _ in lit)
    fire_days = [noon[day] for day in both if burning[day]]
    other_days = [noon[day] for day in both if not burning[day]]
    wins = [float(a > b) + 0.5 * (a == b) for a in fire_days for b in other_days]
    return {
        "covered days with complete weather": len(daily & covered),
        "covered days with weather but no rain": len(both),
        "cell-days with a hotspot on them": sum(burning[day] for day in both),
        "cells of 5 km": cells.count,
        "days with a hotspot": len(fire_days),
        "AUROC of the day's noon VPD between days": float(np.mean(wins)),
    }


def read_noon_vpd(path: Path) -> dict[date, float]:
    """Vapour pressure deficit at 14 o'clock, the reading nearest to noon."""
    found = {}
    with path.open(encoding="utf-8-sig", newline="") as file:
        for row in csv.DictReader(file):
            moment = datetime.strptime(row["date"], "%Y/%m/%d %H:%M")  # noqa: DTZ007
            if moment.hour != 14:
                continue
            try:
                air, dew = float(row["气温"]), float(row["露点温度"])
            except ValueError:
                continue
            full, held = (0.6108 * np.exp(17.27 * t / (t + 237.3)) for t in (air, dew))
            found[moment.date()] = float(full - held)
    return found


def learn_without_weather(data: Path, work: Path) -> dict[str, Any]:
    """Learn from real hotspots of Guangxi, with every number of weather missing."""
    layer = read_districts(data / "guangxi_vectors" / "county.geojson")
    whole = shapely.union_all([one.geometry for one in layer.districts])
    feature = {"type": "Feature", "properties": {}, "geometry": mapping(whole)}
    area = work / "guangxi.geojson"
    area.write_text(
        json.dumps({"type": "FeatureCollection", "features": [feature]}),
        encoding="utf-8",
    )
    cells = build_cells(read_aoi(area).area, side=5000.0)
    nothing = np.full(cells.grid.shape, np.nan)
    days = np.arange(epoch_day(date(2021, 12, 1)), epoch_day(date(2025, 1, 1)))
    weather = CellWeather(
        cells=cells,
        days=days,
        forecast=np.zeros(len(days), dtype=np.bool_),
        bring=lambda day: NoonWeather(
            day=day,
            temperature=nothing,
            humidity=nothing,
            wind=nothing,
            rain=nothing,
        ),
        past=lambda: iter(()),
        place_latitude=np.zeros(1),
        nearest=np.zeros(cells.grid.shape, dtype=np.intp),
    )
    report = train_occurrence(
        OccurrenceRequest(
            hotspots=(data / "hotspots_guangxi" / "modis_c61_nrt.csv",),
            weather=WeatherFile(path=work / "none.csv"),
            aoi=area,
            out=work / "model",
            covered=data / "hotspots_guangxi" / "fully_covered_utc_dates.csv",
            ground=100_000.0,
        ),
        weather=weather,
    )
    return report.plain()


if __name__ == "__main__":
    main()
