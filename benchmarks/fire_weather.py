"""How exact the fire weather is, and how long a million cells take for a day.

    python benchmarks/fire_weather.py [--data ../shared/data] [--json FILE]

The first table compares each reference series with the codes computed for either
constant of the FFMC scale: which one a series was made with shows at once. The second
is a step of a million cells, best and median of several. The third is the mean FWI of
each month in cities of South China, whose daily highest temperature and lowest
humidity stand in for noon: a season curve, not the FWI of a noon station.
"""

import argparse
import csv
import json
import statistics
import time
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from agroforest.core.risk import epoch_day
from agroforest.core.weather import NoonWeather
from agroforest.indices.fire_weather import (
    EXACT_SCALE,
    PUBLISHED_SCALE,
    Codes,
    Method,
    StartUp,
    step,
)
from agroforest.weather import read_station
from agroforest.weather.mapping import Mapping, ValueSection

#: Degrees north of the cities.
LATITUDES = {
    "nanning": 22.8,
    "guangzhou": 23.1,
    "shenzhen": 22.5,
    "fuzhou": 26.1,
    "guiyang": 26.6,
    "kunming": 25.0,
    "haikou": 20.03,
}
CELLS = 1_000_000
REPEATS = 7
SIX = ("ffmc", "dmc", "dc", "isi", "bui", "fwi")
START = epoch_day(date(1985, 4, 13))

Series = dict[str, list[float]]


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    found: dict[str, Any] = {"speed": measure_speed()}
    folder = arguments.data / "fwi_reference"
    if folder.is_dir():
        found["series"] = measure_series(folder)
        cities = sorted(
            (arguments.data / "weather_south_china").glob("[a-z]*[a-z].csv")
        )
        found["season"] = measure_season(cities)
    else:
        print(f"no reference series: {folder} is not there")
    if arguments.json is not None:
        arguments.json.write_text(json.dumps(found, indent=1), encoding="utf-8")


def measure_series(folder: Path) -> list[dict[str, Any]]:
    """Largest difference of each code, by series and scale."""
    with (folder / "van_wagner_48_days.csv").open(encoding="utf-8") as file:
        table = list(csv.DictReader(file))
    weather = [
        NoonWeather(
            day=START + i,
            temperature=np.array(float(row["TEMP"])),
            humidity=np.array(float(row["RH"])),
            wind=np.array(float(row["WS"])),
            rain=np.array(float(row["PREC"])),
        )
        for i, row in enumerate(table)
    ]
    printed = {name: [float(row[name.upper()]) for row in table] for name in SIX}
    with xr.open_dataset(folder / "cffdrs_test_fwi.nc") as data:
        runs = [{name: data[name].values[i].tolist() for name in SIX} for i in range(2)]
    last = StartUp(**{n: runs[0][n][-1] for n in ("ffmc", "dmc", "dc")})
    wanted: list[tuple[str, Series, StartUp]] = [
        ("van_wagner_48_days.csv", printed, StartUp()),
        ("cffdrs_test_fwi.nc, run 1", runs[0], StartUp()),
        ("cffdrs_test_fwi.nc, run 2", runs[1], last),
    ]
    print(f"{'series':28}{'scale':>10}", *(f"{name:>10}" for name in SIX))
    rows = []
    for name, expected, start_up in wanted:
        for scale in (PUBLISHED_SCALE, EXACT_SCALE):
            own = run(weather, start_up, Method(scale=scale))
            worst = {
                n: max(abs(a - b) for a, b in zip(own[n], expected[n], strict=True))
                for n in SIX
            }
            rows.append({"series": name, "scale": scale, **worst})
            print(f"{name:28}{scale:10.5f}", *(f"{worst[n]:10.2g}" for n in SIX))
    return rows


def run(weather: list[NoonWeather], start_up: StartUp, method: Method) -> Series:
    """Codes and indices of each day."""
    codes = Codes.start((), day=START - 1, start_up=start_up, method=method)
    out: Series = {name: [] for name in SIX}
    for today in weather:
        codes, found = step(codes, today, latitude=40.0)
        for name in SIX:
            holder = codes if name in SIX[:3] else found
            out[name].append(float(getattr(holder, name)))
    return out


def measure_speed() -> list[dict[str, float]]:
    """Seconds of a step."""
    noise = np.random.default_rng(7)
    weather = NoonWeather(
        day=1,
        temperature=noise.uniform(-5, 40, CELLS),
        humidity=noise.uniform(5, 100, CELLS),
        wind=noise.uniform(0, 50, CELLS),
        rain=np.where(noise.random(CELLS) < 0.4, noise.exponential(8, CELLS), 0.0),
    )
    latitude = np.linspace(20.9, 26.4, CELLS)  # Guangxi
    codes = Codes.start((CELLS,), day=0)
    step(codes, weather, latitude=latitude)  # compiles
    rows = []
    for threads in (1, 2):
        seconds: list[float] = []
        work: list[float] = []
        for _ in range(REPEATS):
            begin, started = time.perf_counter(), time.process_time()
            step(codes, weather, latitude=latitude, threads=threads)
            seconds.append(time.perf_counter() - begin)
            work.append(time.process_time() - started)
        best, middle, own = min(seconds), statistics.median(seconds), min(work)
        rows.append(
            {"threads": threads, "best_s": best, "median_s": middle, "cpu_s": own}
        )
        print(
            f"{CELLS:,} cells, {threads} threads: {best:.2f} s, median {middle:.2f} s, "
            f"{own:.2f} s of a processor"
        )
    return rows


def measure_season(cities: list[Path]) -> dict[str, list[float]]:
    """Mean FWI of each month, by city."""
    mapping = Mapping(
        temperature=ValueSection(column="maxtemp", unit="°C"),
        humidity=ValueSection(column="minrh", unit="%"),
        wind=ValueSection(column="avgws", unit="m/s"),
        rain=ValueSection(column="precipitation", unit="mm"),
    )
    found = {}
    print(f"\n{'mean FWI':12}", *(f"{month:6d}" for month in range(1, 13)))
    for path in cities:
        if path.stem not in LATITUDES:
            continue
        series = read_station(path, mapping=mapping)
        codes = Codes.start((), day=int(series.days[0]) - 1)
        by_month: dict[int, list[float]] = {month: [] for month in range(1, 13)}
        for today in series:
            codes, indices = step(codes, today, latitude=LATITUDES[path.stem])
            by_month[today.date.month].append(float(indices.fwi))
        means = [statistics.fmean(by_month[month]) for month in range(1, 13)]
        found[path.stem] = means
        print(f"{path.stem:12}", *(f"{mean:6.1f}" for mean in means))
    return found


if __name__ == "__main__":
    main()
