"""Simulated hotspots: likelier with the fire weather index, and in some places.

Nothing here was observed. The chance of each cell-day is known, so a model can be held
against it.
"""

import json
from datetime import date, timedelta
from pathlib import Path

import numpy as np
from tests.fire.conftest import box, write_weather

from agroforest.core.aoi import read_aoi
from agroforest.fire.cells import Cells, build_cells
from agroforest.indices.fire_weather import Codes, step
from agroforest.weather import read_station

HEAD = (
    "latitude,longitude,brightness,scan,track,acq_date,acq_time,satellite,"
    "confidence,version,bright_t31,frp,daynight"
)
FIRST, DAYS = date(2018, 1, 1), 730
SIDE = 5000.0


def write_region(path: Path, *, degrees: float = 0.5) -> Path:
    """Square region near Nanning."""
    feature = {
        "type": "Feature",
        "properties": {"id": "region"},
        "geometry": {"type": "Polygon", "coordinates": box(108.2, 22.6, degrees)},
    }
    document = {"type": "FeatureCollection", "features": [feature]}
    path.write_text(json.dumps(document), encoding="utf-8")
    return path


def find_chances(cells: Cells, weather: Path, *, flat: bool) -> np.ndarray:
    """Chance of a hotspot, ``(day, cell)``; without the weather if `flat`."""
    series = read_station(weather)
    codes = Codes.start((), day=int(series.days[0]) - 1)
    fwi = []
    for today in series:
        codes, found = step(codes, today, latitude=22.8)
        fwi.append(float(found.fwi))
    index = np.full(len(fwi), np.mean(fwi)) if flat else np.array(fwi)
    place = np.random.default_rng(5).gamma(0.7, 1.0, cells.count)
    logit = -5.5 + 0.09 * np.minimum(index, 40)[:, None] + 1.2 * np.log(place + 0.05)
    return np.asarray(1 / (1 + np.exp(-logit)))


def write_fires(
    path: Path, area: Path, weather: Path, *, seed: int = 1, flat: bool = False
) -> Path:
    """Draw hotspots and write them as FIRMS does."""
    cells = build_cells(read_aoi(area).area, side=SIDE)
    chance = find_chances(cells, weather, flat=flat)
    noise = np.random.default_rng(seed)
    longitude = cells.longitude[cells.inside]
    latitude = cells.latitude[cells.inside]
    lines = [HEAD]
    for n, cell in np.argwhere(noise.random(chance.shape) < chance):
        day = FIRST + timedelta(days=int(n))
        east, north = noise.uniform(-0.02, 0.02, 2)
        lines.append(
            f"{latitude[cell] + north:.5f},{longitude[cell] + east:.5f},320.0,1.0,1.0,"
            f"{day},0{noise.integers(4, 7)}{noise.integers(10, 60)},T,70,6.1NRT,290.0,"
            "12.0,D"
        )
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def write_world(folder: Path, *, flat: bool = False) -> tuple[Path, Path, Path]:
    """Area, weather and hotspots."""
    folder.mkdir(parents=True, exist_ok=True)
    area = write_region(folder / "region.geojson")
    weather = write_weather(folder / "weather.csv", FIRST, DAYS)
    fires = write_fires(folder / "fires.csv", area, weather, flat=flat)
    return area, weather, fires
