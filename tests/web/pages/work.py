"""A work folder as nights leave it, made by hand: nothing in it was measured."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from tests.maps.waters import days_of
from tests.web.desks import COUNTIES, NIGHT, NOW, Clock, Desk, fill

from agroforest.core.alert import Alert
from agroforest.core.config import Pipeline
from agroforest.core.county import Counties
from agroforest.core.grid import Grid
from agroforest.core.reading import Quality, Reading, Sensor, Variable
from agroforest.cube import write_cog
from agroforest.desk.bureau import Bureau
from agroforest.desk.settings import DeskSettings
from agroforest.store import Store, open_store
from agroforest.web.app import build_desk
from agroforest.web.app_parts import build_parts
from agroforest.web.site import Site

#: Runs in a page that obeys it; stands for whatever a stranger writes into a name.
PAYLOAD = "<img src=x onerror=alert(1)>'\"{{7*7}}"
PIPELINE = "gaofeng"
TILE = "49QBF-0810"
GRID = Grid(
    crs="EPSG:32649", left=211_000, top=2_472_000, resolution=20, width=300, height=200
)
NIGHT_PAGE = "<!doctype html><title>night</title><script>document.title='ran'</script>"
_WEST, _SOUTH = 108.205, 22.298


def parcel(number: int, **changes: Any) -> dict[str, Any]:
    """Advice of a night on a parcel, as `agroforest.nightly.water.report` writes it."""
    days = [
        {
            "day": day.day.isoformat(),
            "forecast": day.forecast,
            "depletion_mm": round(day.depletion_mm, 2),
            "raw_mm": day.raw_mm,
            "taw_mm": day.taw_mm,
            "rain_mm": day.rain_mm,
            "irrigation_mm": day.irrigation_mm,
            "drawn_to": [],
        }
        for day in days_of(night=NIGHT)
    ]
    light = ("red", "amber", "green", "grey")[(number - 1) % 4]
    return {
        "id": f"p{number}",
        "name_zh": f"{number} 号园",
        "name_en": f"Orchard {number}",
        "crop": "沃柑",
        "hectares": 1.25,
        "light": light,
        "zh": f"{number} 号园：今天灌水 34 毫米。",
        "en": f"Orchard {number}: give 34 mm today.",
        "error": None,
        "verdict": "irrigate",
        "confidence": "fair",
        "overdue": False,
        "short_day": None,
        "latest": (NIGHT + timedelta(days=2)).isoformat(),
        "until": None,
        "short_mm": None,
        "rain_mm": 4.0,
        "probability": 0.8,
        "drought_zh": "轻旱",
        "drought_en": "light drought",
        "amount_mm": 34.0,
        "net_mm": 30.0,
        "amount_m3": 425.0,
        "m3_per_mu": 22.67,
        "minutes": 213.0,
        "part": False,
        "readings": [f"s{number}"],
        "reasons": [{"zh": "未来三天无雨。", "en": "No rain for three days."}],
        "stale_days": 0,
        "depletion_mm": 62.0,
        "raw_mm": 58.0,
        "taw_mm": 105.0,
        "last_irrigation": "2024-04-15",
        "last_irrigation_mm": 40.0,
        "sensors": [
            {
                "id": f"s{number}",
                "name": f"{number} 号探头",
                "trust": 0.32,
                "used": True,
                "zh": "与雨量不符",
                "en": "disagrees with the rain",
                "last": NOW.isoformat(),
                "field_capacity": [],
            }
        ],
        "notices": [
            {
                "hazard": "heat",
                "day": NIGHT.isoformat(),
                "zh": "明日高温 37 °C。",
                "en": "37 °C tomorrow.",
            }
        ],
        "days": days,
        **changes,
    }


def write_water(work: Path, parcels: list[dict[str, Any]], night: date = NIGHT) -> None:
    folder = work / PIPELINE / "water"
    folder.mkdir(parents=True, exist_ok=True)
    document = {"night": night.isoformat(), "parcels": parcels, "notes": []}
    (folder / f"{night}.json").write_text(json.dumps(document), encoding="utf-8")


def write_report(
    work: Path, night: date, *, page: str = NIGHT_PAGE, **changes: Any
) -> None:
    folder = work / PIPELINE / "reports"
    folder.mkdir(parents=True, exist_ok=True)
    tile = {"tile": TILE, "error": None, "days_without_clear_view": 4}
    report: Mapping[str, Any] = {
        "status": "done",
        "tiles": [tile],
        "baselines": [],
        "tiles_watched": 2,
        "quarantined": [],
        "notes": [],
        "changes": [{}],
        "alerts": {"canopy-stress": {"open": 6, "area_ha": 90.0}},
        "seconds": 12.34,
        **changes,
    }
    (folder / f"{night}.json").write_text(json.dumps(report), encoding="utf-8")
    (folder / f"{night}.html").write_text(page, encoding="utf-8")
    maps = work / PIPELINE / "maps"
    maps.mkdir(exist_ok=True)
    (maps / f"{night}.html").write_text(page, encoding="utf-8")


def write_rasters(work: Path) -> None:
    """NDVI that rises from west to east, and a risk of a half."""
    shape = (GRID.height, GRID.width)
    rising = np.linspace(0, 9000, GRID.width, dtype=np.int16)[None].repeat(shape[0], 0)
    for folder, name, values in (
        ("indices", "ndvi", rising),
        ("risk", "canopy-stress-probability", np.full(shape, 5000, np.int16)),
    ):
        path = work / PIPELINE / folder / TILE / f"{TILE}_{NIGHT}_{name}.tif"
        path.parent.mkdir(parents=True)
        write_cog(path, values, GRID)


def write_area(work: Path, *, name: str = "五号园") -> Path:
    """An area with a boundary and two parcels."""
    shapes = {
        "b": ("boundary", shapely.box(108.19, 22.29, 108.26, 22.32)),
        "p2": ("parcel", _box(0)),
        "p5": ("parcel", _box(1)),
    }
    document = {
        "type": "FeatureCollection",
        "features": [
            {
                "type": "Feature",
                "properties": {"id": id_, "kind": kind, "name_zh": name},
                "geometry": shapely.geometry.mapping(shape),
            }
            for id_, (kind, shape) in shapes.items()
        ],
    }
    path = work / "area.geojson"
    path.write_text(json.dumps(document), encoding="utf-8")
    return path


def add_sensors(store: Store, *, name: str = "二号探头") -> None:
    """A probe that speaks, and one that has been silent for three days."""
    store.add_sensors(
        [
            Sensor(id=id_, name=each, longitude=108.20731, latitude=22.30123)
            for id_, each in (("s2", name), ("old", "旧探头"))
        ]
    )
    hours = [NOW - timedelta(hours=3 * n + 1) for n in range(56)]
    store.add_readings(
        [
            Reading(
                sensor=sensor,
                time=time,
                variable=variable,
                depth_m=0.1 if variable == Variable.SOIL_MOISTURE else None,
                value=round(value + 0.002 * n, 4),
                quality=Quality.GOOD,
            )
            for sensor, since in (("s2", 0), ("old", 24))
            for n, time in enumerate(hours)
            if n >= since
            for variable, value in (
                (Variable.SOIL_MOISTURE, 0.2),
                (Variable.BATTERY_LEVEL, 60.0),
            )
        ]
    )


@contextmanager
def open_work_desk(
    path: Path,
    *,
    pipelines: bool = True,
    name: str = "五号园",
    alerts: list[Alert] | None = None,
    counties: Counties = COUNTIES,
    settings: DeskSettings | None = None,
) -> Iterator[Desk]:
    """Open a desk over the nights of a work folder."""
    area = write_area(path, name=name)
    known = Pipeline(
        name=PIPELINE,
        aoi=area,
        hazards=("water",),
        water={"weather": path / "weather.csv"},
        simulated=True,
    )
    bureau = Bureau(
        settings=settings or DeskSettings(),
        counties=counties,
        places={"c1": ("界牌 12 小班", "Jiepai 12"), "p2": (name, "Orchard 5")},
        pipelines={PIPELINE: known} if pipelines else {},
    )
    clock = Clock()
    with open_store(path / "agroforest.db") as store:
        fill(store, bureau, alerts)
        site = Site(store, bureau, now=clock)
        app = build_desk(site, routers=build_parts(site, path))
        desk = Desk(store=store, app=app, site=site, clock=clock)
        try:
            yield desk
        finally:
            for client in desk.clients:
                client.close()


def _box(number: int) -> shapely.Polygon:
    west = _WEST + 0.012 * number
    return shapely.box(west, _SOUTH, west + 0.008, _SOUTH + 0.006)
