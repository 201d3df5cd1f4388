"""A night of fire that never was: danger, hotspots, clocks, scars."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import shapely

from agroforest.core.alert import Alert, AlertStatus
from agroforest.core.aoi import Aoi, Place, PlaceKind
from agroforest.core.fire import (
    EventConfidence,
    EventKind,
    FireFacts,
    Gate,
    HotspotEvent,
    Outcome,
    Verification,
)
from agroforest.core.grid import WGS84, Grid, reproject
from agroforest.core.risk import Hazard
from agroforest.maps import (
    DangerLayer,
    DriverLayer,
    FirePage,
    HeldEvent,
    MapPage,
    ScarLayer,
)
from agroforest.maps.fire_data import add_fire
from agroforest.maps.layers import build_data

CRS = "EPSG:32649"
NIGHT = date(2024, 2, 20)
MOMENT = datetime(2024, 2, 20, 22, 12, tzinfo=UTC)
GRID = Grid(
    crs=CRS, left=190_000.0, top=2_560_000.0, resolution=1000.0, width=60, height=44
)
DRIVERS = (
    ("fwi", "火险天气指数", "fire weather index", "", 0.0, 40.0, "ylorbr"),
    ("vpd", "饱和水汽压差", "vapour pressure deficit", "kPa", 0.0, 5.0, "ylorbr"),
    ("rain", "24 小时降水", "rain of 24 hours", "mm", 0.0, 25.0, "ylgnbu"),
)
MODEL = "fire-occurrence-local 0.1.0"


def danger_of(
    ahead: int,
    *,
    grid: Grid = GRID,
    probability: bool = True,
    drivers: Sequence[tuple[Any, ...]] = DRIVERS,
) -> DangerLayer:
    """Danger of some day after the night; the corners are outside the area."""
    rows, columns = np.indices(grid.shape)
    wave = np.sin(columns / 9 + ahead) * np.cos(rows / 7)
    outside = rows + columns < 18
    rank = np.clip(np.rint(3 + 2.4 * wave), 1, 5).astype(np.int8)
    chance = (0.004 * (1 + wave) ** 3 + 1e-4).astype(np.float32)
    rank[outside], chance[outside] = 0, np.nan
    return DangerLayer(
        day=NIGHT + timedelta(days=ahead),
        forecast=ahead > 0,
        grid=grid,
        rank=rank,
        probability=chance if probability else None,
        model=MODEL if probability else "",
        drivers=tuple(
            DriverLayer(
                name=name,
                zh=zh,
                en=en,
                unit=unit,
                source="weather.csv",
                values=np.where(
                    outside | (rows == 43),
                    np.nan,
                    low + (high - low) * (0.5 + 0.4 * np.sin(wave * 2 + n)),
                ),
                vmin=low,
                vmax=high,
                colormap=colours,
            )
            for n, (name, zh, en, unit, low, high, colours) in enumerate(drivers)
        ),
        missing=(("活可燃物含水率", "live fuel moisture"), ("道路", "roads")),
    )


def event(number: int = 0, **changes: Any) -> HotspotEvent:
    longitude = 108.15 + 0.06 * (number % 6)
    latitude = 22.85 + 0.05 * (number % 5)
    last = MOMENT - timedelta(hours=3 + 9 * number)
    known: dict[str, Any] = {
        "id": f"e{number:015x}",
        "geometry": shapely.Point(longitude, latitude).buffer(0.006, quad_segs=3),
        "longitude": longitude,
        "latitude": latitude,
        "kind": EventKind.FIRE,
        "confidence": EventConfidence.NOMINAL,
        "sure_viirs": True,
        "first": last - timedelta(hours=1),
        "last": last,
        "looks": 2,
        "detections": 5,
        "viirs": 3,
        "modis": 1,
        "satellites": ("H9", "N20", "Terra"),
        "frp_max_mw": 12.34,
        "county": ("武鸣区", "Wuming"),
        "township": ("双桥镇", "Shuangqiao"),
        "crop_share": 0.12,
    }
    return HotspotEvent(**known | changes)


def facts(number: int, **changes: Any) -> FireFacts:
    raised = MOMENT + timedelta(seconds=number)
    known: dict[str, Any] = {
        "alert": f"a{number:015x}",
        "event": event(number),
        "gate": Gate.PASSED,
        "gate_zh": "等级 4，降水 0 毫米：一次过境即可。",
        "gate_en": "Rank 4, rain 0 mm: one look is enough.",
        "raised": raised,
        "verify_by": raised + timedelta(minutes=60),
    }
    return FireFacts(**known | changes)


def alert_of(said: FireFacts, **changes: Any) -> Alert:
    known: dict[str, Any] = {
        "id": said.alert,
        "pipeline": "fire",
        "hazard": Hazard.ACTIVE_FIRE,
        "model": "hotspots",
        "status": AlertStatus.OPEN,
        "geometry": said.event.geometry,
        "area_ha": 132.4,
        "reported_area_ha": 132.4,
        "probability": None,
        "first_night": NIGHT,
        "last_night": NIGHT,
        "since": said.event.first.date(),
        "evidence": said.event.last.date(),
        "changed": NIGHT,
        "places": ("c1",),
    }
    return Alert(**known | changes)


def scar(number: int = 0, **changes: Any) -> ScarLayer:
    grid = Grid(
        crs=CRS,
        left=215_000.0 + 9000 * number,
        top=2_545_000.0,
        resolution=20.0,
        width=300,
        height=300,
    )
    rows, columns = np.indices(grid.shape)
    middle = shapely.Point(grid.left + 3000, grid.top - 3000)
    shape = shapely.union(
        middle.buffer(420), shapely.affinity.translate(middle.buffer(260), 520, 240)
    )
    noise = np.random.default_rng(number).normal(0, 0.04, grid.shape)
    before = 0.55 + 0.1 * np.sin(rows / 40) * np.cos(columns / 31) + noise
    burned = shapely.contains_xy(
        shape,
        grid.left + (columns + 0.5) * grid.resolution,
        grid.top - (rows + 0.5) * grid.resolution,
    )
    known: dict[str, Any] = {
        "id": f"s{number:015x}",
        "alert": f"a{3:015x}",
        "geometry": reproject(shape, CRS, WGS84),
        "area_ha": shape.area / 1e4,
        "verdict_zh": "疑似过火",
        "verdict_en": "burned, suspected",
        "before": date(2024, 1, 28),
        "after": date(2024, 2, 17),
        "grid": grid,
        "nbr_before": before.astype(np.float32),
        "nbr_after": np.where(burned, -0.2 + noise, before - 0.03).astype(np.float32),
        "severity_ha": (("轻度", "low", 11.0), ("中轻度", "moderate-low", 32.5),
                        ("重度", "high", 20.1)),
    }  # fmt: skip
    return ScarLayer(**known | changes)


ALERTS = (
    facts(0),
    facts(2, gate=Gate.UNGATED, gate_zh="不知当日等级。", gate_en="Rank not known."),
    facts(
        3,
        verification=Verification(
            time=MOMENT + timedelta(minutes=34),
            outcome=Outcome.FOREST_FIRE,
            by="黄护林员",
            note="已扑灭，留人看守",
        ),
    ),
)
EVENTS = (
    *(event(n) for n in range(4)),
    event(4, confidence=EventConfidence.LOW),
    event(5, kind=EventKind.CROP, crop_share=0.8),
    event(6, kind=EventKind.STATIC, frp_max_mw=None, county=("", "")),
    event(7, confidence=EventConfidence.HIGH),
)


def fire_page(**changes: Any) -> FirePage:
    """Every part at once; `changes` empty the one at hand."""
    known: dict[str, Any] = {
        "moment": MOMENT,
        "danger": tuple(danger_of(ahead) for ahead in range(3)),
        "events": EVENTS,
        "alerts": ALERTS,
        "held": (
            HeldEvent(
                event=event(1),
                reason_zh="当日低火险且有 8 毫米降水，等待下一次过境。",
                reason_en="A wet day of low danger, 8 mm: wait for another look.",
            ),
        ),
        "scars": (
            scar(0),
            scar(1, alert="", before=None, nbr_before=None, severity_ha=()),
        ),
    }
    return FirePage(**known | changes)


def night_page(fire: FirePage | None = None, **changes: Any) -> MapPage:
    """Build the page of a night that watches fire alone."""
    west, south, east, north = 108.05, 22.75, 108.55, 23.1
    stand = shapely.box(108.2, 22.8, 108.3, 22.95)
    page = MapPage(
        title_zh="南宁林火夜报（模拟）",
        title_en="Nanning, fire of a night (simulated)",
        subtitle_zh="火险 · 热点 · 迹地",
        subtitle_en="Danger, hotspots, scars",
        night=NIGHT,
        nights=(NIGHT - timedelta(days=1), NIGHT),
        pipeline="fire",
        model="rule-based: untrained combination of published classes",
        version="0",
        simulated=True,
        aoi=Aoi(
            source=Path("area.geojson"),
            area=shapely.box(west, south, east, north),
            places=(
                Place(id="c1", kind=PlaceKind.COMPARTMENT, name_zh="伏牛 3 小班",
                      name_en="Funiu 3", cover="桉树", geometry=stand),
            ),
        ),
        alerts=tuple(alert_of(said) for said in ALERTS),
        fire=fire_page() if fire is None else fire,
    )  # fmt: skip
    return page.patch(**changes)


def data_of(page: MapPage) -> dict[str, Any]:
    """Build the data of a page without its document."""
    return add_fire(build_data(page), page)


#: A night on which nothing is known of fire.
NOTHING = FirePage(moment=MOMENT)
