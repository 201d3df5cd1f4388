"""A small made area with made weather; nothing here was measured."""

import json
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest
import rasterio
from affine import Affine

from agroforest.core.aoi import Aoi, read_aoi
from agroforest.core.grid import Grid
from agroforest.fire.cells import Cells, build_cells

WEST, SOUTH, SIDE = 108.30, 22.80, 0.08  # about 8 by 9 km near Nanning


def box(west: float, south: float, side: float) -> list[list[list[float]]]:
    east, north = west + side, south + side
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    return [ring]


def write_area(path: Path) -> Path:
    """An area with two stands: pine in the west, eucalypt in the east."""
    half = SIDE / 2
    places = [
        ({"id": "area"}, box(WEST, SOUTH, SIDE)),
        (
            {"id": "c1", "kind": "compartment", "species": "pine", "name_zh": "一班"},
            box(WEST, SOUTH, half),
        ),
        (
            {"id": "c2", "kind": "compartment", "species": "eucalypt"},
            box(WEST + half, SOUTH, half),
        ),
    ]
    features = [
        {
            "type": "Feature",
            "properties": properties,
            "geometry": {"type": "Polygon", "coordinates": ring},
        }
        for properties, ring in places
    ]
    document = {"type": "FeatureCollection", "features": features}
    path.write_text(json.dumps(document), encoding="utf-8")
    return path


def write_weather(
    path: Path, first: date, days: int, *, seed: int = 3, dry: int = 0
) -> Path:
    """Noon weather with wet summers; the last `dry` days are hot, dry and rainless."""
    noise = np.random.default_rng(seed)
    lines = ["date,temp,rh,wind,prec"]
    for n in range(days):
        day = first + timedelta(days=n)
        season = np.cos((day.timetuple().tm_yday - 200) * 2 * np.pi / 365.25)
        rain = noise.gamma(0.7, 8.0) if noise.random() < 0.3 + 0.2 * season else 0.0
        temperature = 22 + 9 * season + noise.normal(0, 2)
        humidity = float(np.clip(55 + 20 * (rain > 0) + noise.normal(0, 9), 15, 98))
        wind = 6 + noise.gamma(2.0, 2.0)
        if n >= days - dry:
            temperature, humidity, wind, rain = 36.0, 18.0, 30.0, 0.0
        lines.append(f"{day},{temperature:.1f},{humidity:.1f},{wind:.1f},{rain:.1f}")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def write_raster(
    path: Path, values: np.ndarray, grid: Grid, *, nodata: float | None = None
) -> Path:
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        width=grid.width,
        height=grid.height,
        count=1,
        dtype=values.dtype,
        crs=grid.crs,
        transform=Affine(*grid.transform[:6]),
        nodata=nodata,
    ) as out:
        out.write(values, 1)
    return path


@pytest.fixture
def area(tmp_path: Path) -> Path:
    return write_area(tmp_path / "area.geojson")


@pytest.fixture
def aoi(area: Path) -> Aoi:
    return read_aoi(area)


@pytest.fixture
def cells(aoi: Aoi) -> Cells:
    return build_cells(aoi.area)
