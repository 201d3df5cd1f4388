"""How exact the water balance is, what a measurement is worth, how fast a day is.

    python benchmarks/water.py [--data ../shared/data] [--json FILE]

The first table compares the reference runs with ours, day by day. The second leads the
field whose soil was measured in layers from measurement to measurement, with and
without drawing the balance to each: the error counts at the next one, which was not
used yet.
The third is the time of a day for many parcels, and of a season of one, beside pyfao56
where that is installed. The fourth is how far reference evapotranspiration from
temperatures alone is from that with humidity and wind, in cities of South China.
"""

import argparse
import csv
import json
import statistics
import time
import warnings
from collections.abc import Callable
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from agroforest.core.field import DailyWeather
from agroforest.core.risk import epoch_day
from agroforest.core.soil import Soil
from agroforest.farm.crops import find_crop, read_crops
from agroforest.farm.fao56_files import (
    Parameters,
    read_expected,
    read_parameters,
    read_profiles,
    read_waterings,
    read_weather,
)
from agroforest.water import FieldDay, RootZone, step
from agroforest.water.assimilate import assimilate
from agroforest.water.measured import (
    OWN_CAPACITY_SPREAD,
    PROBE_SPREAD,
    find_profile_depletion,
    measure_profile,
)
from agroforest.water.reference import find_reference_et
from agroforest.water.season import SeasonDay, build_days, run_season

PARCELS = 20_000
#: m³/m³ that a measured profile is trusted to: the two of `agroforest.water.measured`,
#: and a neutron meter calibrated on the spot, as this field had.
SPREADS = {
    "weather alone": None,
    "profiles, 0.04": PROBE_SPREAD,
    "profiles, 0.02": OWN_CAPACITY_SPREAD,
    "profiles, 0.01": 0.01,
}
REPEATS = 3
RUNS = (
    ("test01", "cotton2013.par", "cotton2013.wth", "cottondry2013", None),
    ("test01", "cotton2013.par", "cotton2013.wth", "cottonwet2013", None),
    *(
        ("test06", f"{stem}.par", "cotton2022.wth", stem, f"{stem}.sol")
        for stem in ("cotton2022p10-2",)
    ),
)
#: Degrees north and metres of the cities.
CITIES = {
    "nanning": (22.8, 122.0),
    "guangzhou": (23.1, 41.0),
    "haikou": (20.0, 64.0),
    "guiyang": (26.6, 1224.0),
}


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    found: dict[str, Any] = {}
    folder = arguments.data / "fao56"
    if folder.is_dir():
        found["reference"] = measure_reference(folder)
        found["assimilation"] = measure_assimilation(folder / "test06")
        found["season"] = measure_season(folder / "test01")
    else:
        print(f"no reference runs: {folder} is not there")
    found["speed"] = measure_speed()
    cities = arguments.data / "weather_south_china"
    if cities.is_dir():
        found["temperatures"] = measure_temperatures(cities)
    if arguments.json is not None:
        arguments.json.write_text(json.dumps(found, indent=1), encoding="utf-8")


def measure_reference(folder: Path) -> list[dict[str, Any]]:
    """Largest difference of each reference run."""
    print(f"{'run':18}{'days':>6}{'ETc mm':>10}{'depletion mm':>14}{'Ks':>10}")
    rows = []
    for place, par, wth, stem, sol in RUNS:
        where = folder / place
        field = read_parameters(where / par, layers=where / sol if sol else None)
        expected = read_expected(where / f"{stem}.out")
        done = lead(field, where / wth, where / f"{stem}.irr", expected.days)
        row = {
            "run": stem,
            "days": len(done),
            "etc": most([float(d.out.etc) for d in done], expected.etc),
            "depletion": most(
                [float(d.zone.depletion) for d in done], expected.depletion
            ),
            "ks": most([float(d.out.ks) for d in done], expected.ks),
        }
        rows.append(row)
        print(
            f"{stem:18}{len(done):6}{row['etc']:10.4f}{row['depletion']:14.4f}"
            f"{row['ks']:10.4f}"
        )
    return rows


def lead(
    field: Parameters, wth: Path, irr: Path, days: np.ndarray[Any, Any]
) -> list[SeasonDay]:
    """Lead a field through the days of a run."""
    weather = read_weather(wth).between(int(days[0]), int(days[-1]))
    zone = start(field, int(days[0]))
    today = build_days(weather, waterings=read_waterings(irr))
    return run_season(zone, today, crop=field.crop, soil=field.soil)


def start(field: Parameters, first: int) -> RootZone:
    """Root zone before the first day."""
    return RootZone.start(
        (), day=first - 1, crop=field.crop, soil=field.soil, moisture=field.moisture
    )


def most(ours: list[float], theirs: np.ndarray[Any, Any]) -> float:
    """Largest difference."""
    return float(np.max(np.abs(np.array(ours) - theirs)))


def measure_assimilation(folder: Path) -> dict[str, Any]:
    """Error at the next measurement, with and without the ones before it."""
    stem = folder / "cotton2022p10-2"
    field = read_parameters(stem.with_suffix(".par"), layers=stem.with_suffix(".sol"))
    profiles = {one.day: one for one in read_profiles(stem.with_suffix(".sws"))}
    weather = read_weather(folder / "cotton2022.wth")
    waterings = read_waterings(stem.with_suffix(".irr"))
    days = build_days(weather, waterings=waterings)
    rows: dict[str, Any] = {}
    for name, spread in SPREADS.items():
        zone = start(field, days[0].day)
        errors: list[float] = []
        left_out = 0
        for today in days:
            zone, _ = step(zone, today, crop=field.crop, soil=field.soil)
            seen = profiles.get(today.day)
            if seen is None:
                continue
            lack = find_profile_depletion(seen, soil=field.soil, root=zone.root)
            errors.append(float(zone.depletion) - max(float(lack), 0.0))
            if spread is None:
                continue
            measured = measure_profile(
                seen, soil=field.soil, root=float(zone.root), spread=spread
            )
            zone, done = assimilate(zone, measured, crop=field.crop, soil=field.soil)
            left_out += not done.taken
        first = np.array(errors[1:])
        rows[name] = {
            "measurements": len(first),
            "bias_mm": float(first.mean()),
            "rmse_mm": float(np.sqrt(np.mean(first**2))),
            "left_out": left_out,
        }
        row = rows[name]
        print(
            f"{name}: {row['measurements']} measurements ahead, bias "
            f"{row['bias_mm']:+.1f} mm, rmse {row['rmse_mm']:.1f} mm, "
            f"{row['left_out']} left out"
        )
    return rows


def measure_season(folder: Path) -> dict[str, float]:
    """Seconds of one field's season."""
    field = read_parameters(folder / "cotton2013.par")
    expected = read_expected(folder / "cottonwet2013.out")
    wth, irr = folder / "cotton2013.wth", folder / "cottonwet2013.irr"
    found = {"ours": timed(lambda: lead(field, wth, irr, expected.days))}
    try:
        import pyfao56  # noqa: PLC0415  not everybody has it
    except ImportError:
        print("no pyfao56 to compare with")
    else:

        def theirs() -> None:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                par = pyfao56.Parameters()
                par.loadfile(str(folder / "cotton2013.par"))
                pyfao56.Model(
                    "2013-113",
                    "2013-312",
                    par,
                    pyfao56.Weather(str(wth)),
                    irr=pyfao56.Irrigation(str(irr)),
                ).run()

        found["pyfao56"] = timed(theirs)
    for name, seconds in found.items():
        print(f"a season of one field, files read, {name}: {seconds:.3f} s")
    return found


def measure_speed() -> dict[str, float]:
    """Seconds of a day of many parcels."""
    noise = np.random.default_rng(7)
    crop = find_crop(read_crops(), "sugarcane").crop
    capacity = noise.uniform(0.2, 0.4, PARCELS)
    uniform = Soil.uniform(field_capacity=capacity, wilting_point=0.5 * capacity)
    layers = Soil(
        bottom_mm=np.array([200.0, 400.0, 700.0, 1000.0, 1300.0]),
        field_capacity=np.array([0.25, 0.28, 0.28, 0.26, 0.24]),
        wilting_point=np.array([0.11, 0.14, 0.14, 0.13, 0.12]),
        evaporation_depth=0.1,
        readily_evaporable=8.0,
        layered=True,
    )
    today = FieldDay(
        day=0,
        eto=noise.uniform(1, 8, PARCELS),
        rain=noise.exponential(4, PARCELS),
        wind=noise.uniform(0.5, 6, PARCELS),
        humidity=noise.uniform(20, 90, PARCELS),
    )
    found = {}
    for name, soil in (("uniform", uniform), ("layers", layers)):
        zone = RootZone.start((PARCELS,), day=-1, crop=crop, soil=soil)
        zone = zone.patch(age=zone.age + 60)
        found[name] = timed(partial(step, zone, today, crop=crop, soil=soil))
        print(f"a day of {PARCELS} parcels, {name}: {1000 * found[name]:.1f} ms")
    return found


def timed(work: Callable[[], object]) -> float:
    """Median of a few runs, in seconds."""
    work()
    seconds = []
    for _ in range(REPEATS):
        began = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - began)
    return statistics.median(seconds)


def measure_temperatures(folder: Path) -> list[dict[str, Any]]:
    """Hargreaves against Penman-Monteith with humidity and wind."""
    rows = []
    for city, (latitude, elevation) in CITIES.items():
        weather = read_city(folder / f"{city}.csv", latitude, elevation)
        fuller = find_reference_et(weather).eto
        nothing = np.full(len(weather.days), np.nan)
        plain = find_reference_et(
            weather.patch(vapour=nothing, rh_min=nothing, wind=nothing)
        ).eto
        both = np.isfinite(fuller) & np.isfinite(plain)
        apart = plain[both] - fuller[both]
        row = {
            "city": city,
            "days": int(both.sum()),
            "mean_mm": float(fuller[both].mean()),
            "bias_mm": float(apart.mean()),
            "rmse_mm": float(np.sqrt(np.mean(apart**2))),
        }
        rows.append(row)
        print(
            f"{city:12}{row['days']:6} days, {row['mean_mm']:.2f} mm a day with "
            f"humidity and wind; from temperatures alone {row['bias_mm']:+.2f} on "
            f"average, {row['rmse_mm']:.2f} root mean square"
        )
    return rows


def read_city(path: Path, latitude: float, elevation: float) -> DailyWeather:
    """Daily weather of a city; wind at 10 m, no radiation."""
    with path.open(encoding="utf-8") as file:
        table = list(csv.DictReader(file))
    rows = {epoch_day(date.fromisoformat(row["date"])): row for row in table}
    days = sorted(rows)

    def column(name: str) -> np.ndarray[Any, Any]:
        cells = [rows[day][name] for day in days]
        return np.array([float(cell) if cell else np.nan for cell in cells])

    nothing = np.full(len(days), np.nan)
    high, low, mean = column("maxtemp"), column("mintemp"), column("avgrh")
    saturation = 0.6108 * np.exp(17.27 * high / (high + 237.3))
    saturation += 0.6108 * np.exp(17.27 * low / (low + 237.3))
    return DailyWeather(
        days=np.array(days, dtype=np.int64),
        t_max=high,
        t_min=low,
        radiation=nothing,
        vapour=mean / 100 * saturation / 2,  # FAO-56 Eq. 19
        dew_point=nothing,
        rh_max=nothing,
        rh_min=column("minrh"),
        wind=column("avgws"),
        rain=column("precipitation"),
        reference_et=nothing,
        latitude=latitude,
        elevation=elevation,
        wind_height=10.0,
    )


if __name__ == "__main__":
    main()
