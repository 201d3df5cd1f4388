"""Water of the simulated fields: their weather and a pipeline that advises on them."""

import csv
import io
import json
import math
from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from agroforest.core.files import write_text
from agroforest.testing.fields import generator
from agroforest.testing.weather import Weather, simulate_weather
from agroforest.testing.world import World

NAME = "gaofeng-water"
Json = dict[str, Any]
_HEAD = ("date", "t_max", "t_min", "rh_min", "wind", "reference_et", "rain")
#: Seed of the world, and the days before it that its soil remembers.
_SEED, _BEFORE = 49, timedelta(60)
#: What the area does not say of its fields. Arbitrary.
_FACTS: Mapping[str, Json] = {
    "sugarcane": {"sown": "2024-03-15", "method": "sprinkler", "flow_m3h": 60},
    "citrus": {"method": "drip", "flow_m3h": 25},
}
#: Days before the end, and millimetres, of one field after another. Arbitrary.
_GIVEN: tuple[tuple[tuple[int, float], ...], ...] = (
    ((40, 60.0),),
    ((60, 80.0), (30, 80.0), (4, 110.0)),
    ((60, 80.0), (35, 70.0), (16, 70.0)),
)
#: Days of forecast.
_AHEAD = 7


def write_water(world: World) -> Path:
    """Write a second pipeline over the same fields, which advises on irrigation.

    Its weather is that of the simulated district, after which its probes dried. Of
    the days ahead nothing is simulated but more of the same.

    Returns
    -------
    Path
        The pipeline's definition, beside that of the nights.
    """
    folder = world.pipeline.parent
    drought = next(p for p in world.planted if p.id == "drought-1")
    weather = simulate_weather(
        seed=_SEED,
        start=world.start - _BEFORE,
        end=world.end,
        drought=(drought.start, drought.end or world.end),
    )
    last = world.end + timedelta(_AHEAD)
    first = world.end - timedelta(330)
    write_text(folder / "weather.csv", _table(weather, first, last))
    parcels = _read_parcels(world.aoi)
    write_text(world.aoi.with_stem(NAME), json.dumps(parcels, ensure_ascii=False))
    write_text(folder / "irrigation.csv", _irrigations(parcels, world.end))
    path = folder / f"{NAME}.toml"
    write_text(path, _SETTINGS)
    return path


def _table(weather: Weather, first: date, last: date) -> str:
    """Write days as CSV; temperatures of Nanning by season, round figures."""
    out = io.StringIO()
    rows = csv.writer(out, lineterminator="\n")
    rows.writerow(_HEAD)
    rows.writerows(_days(weather, first, last))
    return out.getvalue()


def _days(weather: Weather, first: date, last: date) -> Iterator[tuple[object, ...]]:
    rng = generator(_SEED, 70)
    for number in range((last - first).days + 1):
        day = first + timedelta(number)
        at = weather.index(day)
        rain = float(weather.rain[at]) if at < len(weather.rain) else 0.0
        warmth = math.cos(2 * math.pi * (day.timetuple().tm_yday - 200) / 365.25)
        mean = 21.5 + 7.5 * warmth + float(rng.normal(0.0, 1.0))
        eto = max(0.8, 3.3 + 1.5 * warmth - (0.8 if rain > 2 else 0.0))
        yield (
            day.isoformat(),
            round(mean + 5.0, 1),
            round(mean - 4.5, 1),
            round(55.0 + (10.0 if rain > 2 else 0.0), 1),
            1.6,
            round(eto, 2),
            round(rain, 1),
        )


def _read_parcels(aoi: Path) -> Json:
    """Read the fields of the area, with what water needs to know of them."""
    document: Json = json.loads(aoi.read_text(encoding="utf-8"))
    fields = [f for f in document["features"] if f["properties"]["kind"] == "parcel"]
    for field in fields:
        field["properties"] |= _FACTS[field["properties"]["crop"]]
    document["features"] = fields
    return document


def _irrigations(parcels: Json, end: date) -> str:
    """Write down who irrigated: every third field last week, every third before."""
    out = io.StringIO()
    rows = csv.writer(out, lineterminator="\n")
    rows.writerow(("parcel", "date", "mm"))
    for number, field in enumerate(parcels["features"]):
        for days, millimetres in _GIVEN[number % len(_GIVEN)]:
            day = end - timedelta(days)
            rows.writerow((field["properties"]["id"], day.isoformat(), millimetres))
    return out.getvalue()


_SETTINGS = f"""\
# Water of the simulated fields north of Nanning. Nobody measured this weather.
name = "{NAME}"
aoi = "../aoi/{NAME}.geojson"
simulated = true
hazards = ["water"]

[water]
weather = "weather.csv"
forecast = "weather.csv"
irrigation = "irrigation.csv"
sand = 0.35
clay = 0.30
elevation = 90

[sensors]
days = 120
"""
