"""Parcels that never were, with everything a page can say of their water."""

import math
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import shapely

from agroforest.core.aoi import Aoi, Place, PlaceKind
from agroforest.maps import MapPage, ParcelWater, ProbeTrust, WaterDay, WaterPage
from agroforest.maps.layers import build_data
from agroforest.maps.water_data import add_water

NIGHT = date(2025, 6, 9)
NAMES = (
    ("p1", "三号甘蔗地", "Sugarcane 3", "甘蔗", "sugarcane"),
    ("p2", "五号柑橘园", "Citrus 5", "沃柑", "mandarin"),
    ("p3", "东坡芒果园", "East slope mango", "芒果", "mango"),
    ("p4", "河边水田", "Riverside paddy", "晚稻", "late rice"),
    ("p5", "七号香蕉地", "Banana 7", "香蕉", "banana"),
)


def days_of(
    *,
    past: int = 30,
    ahead: int = 7,
    start: float = 8.0,
    loss: float = 4.2,
    night: date = NIGHT,
) -> tuple[WaterDay, ...]:
    """A root zone that dries, with one irrigation and two rains."""
    found, depletion = [], start
    for n in range(-past + 1, ahead + 1):
        rain = {-24: 22.0, -3: 6.5, 5: 12.0}.get(n, 0.0)
        irrigation = 40.0 if n == -16 else 0.0
        loss_today = loss + 0.8 * math.sin(n)
        depletion = min(104.0, max(0.0, depletion + loss_today - rain - irrigation))
        found.append(
            WaterDay(
                day=night + timedelta(days=n),
                depletion_mm=depletion,
                raw_mm=58.0 + 0.1 * n,
                taw_mm=105.0 + 0.15 * n,
                rain_mm=rain,
                irrigation_mm=irrigation,
                forecast=n > 0,
            )
        )
    return tuple(found)


PROBES = (
    ProbeTrust(
        id="demo:field/0",
        name="三号地北",
        trust=0.91,
        reason_zh="与邻近探头和卫星湿度一致",
        reason_en="agrees with its neighbours and with satellite wetness",
    ),
    ProbeTrust(
        id="eui:a840410001",
        name="",
        trust=0.12,
        reason_zh="三天读数不变，疑似探头失效，未用于建议",
        reason_en="the same reading for three days, suspected broken, not used",
    ),
    ProbeTrust(id="new", name="新探头", trust=None, reason_zh="", reason_en=""),
)


def place_box(number: int, *, columns: int = 3) -> shapely.Polygon:
    """Ground of a parcel; a few hundred metres on a side."""
    west = 108.30 + 0.009 * (number % columns)
    south = 22.80 + 0.007 * (number // columns)
    return shapely.Polygon(
        [
            (west, south),
            (west + 0.007, south + 0.0008),
            (west + 0.0066, south + 0.0058),
            (west + 0.0004, south + 0.005),
        ]
    )


def parcel(number: int = 0, **changes: Any) -> ParcelWater:
    """Every part at once, red; `changes` empty the one at hand."""
    name = NAMES[number % len(NAMES)]
    known: dict[str, Any] = {
        "id": name[0],
        "geometry": place_box(number),
        "zh": name[1],
        "en": name[2],
        "crop_zh": name[3],
        "crop_en": name[4],
        "light": "red",
        "advice_zh": "到周四（6 月 12 日）缺水 22 mm，最迟周二（6 月 10 日）"
        "灌水 29 mm（每亩 19 m³，共 1,240 m³），开阀 124 分钟。",
        "advice_en": "22 mm short by Thursday 12 June, irrigate by Tuesday 10 June: "
        "29 mm (19 m³ per mu, 1,240 m³ in all), 124 minutes of valve.",
        "confidence_zh": "把握中等（78 %）",
        "confidence_en": "fair (78 %)",
        "reasons": (
            ("亏缺误差约 ±6 mm", "depletion known to about ±6 mm"),
            ("依据 demo:field/0", "drawn to demo:field/0"),
            ("计入预报降水 12 mm", "counts on 12 mm of forecast rain"),
        ),
        "days": days_of(),
        "last_irrigation": NIGHT - timedelta(days=16),
        "last_irrigation_mm": 40.0,
        "sensors": PROBES,
        "amount_mm": 28.93,
        "amount_m3": 1240.4,
        "m3_per_mu": 19.29,
        "minutes": 123.2,
        "latest": date(2025, 6, 10),
        "drought_zh": "轻旱",
        "drought_en": "light drought",
        "notices": (
            ("6 月 11 日预报高温热害，37.5 °C",
             "11 June: forecast heat that harms the crop, 37.5 °C"),
        ),
    }  # fmt: skip
    return ParcelWater(**known | changes)


def bare(number: int, **changes: Any) -> ParcelWater:
    """Build a parcel of which next to nothing is known."""
    name = NAMES[number % len(NAMES)]
    known: dict[str, Any] = {
        "id": name[0],
        "geometry": place_box(number),
        "zh": name[1],
        "en": name[2],
        "light": "grey",
        "advice_zh": "",
        "advice_en": "",
    }
    return ParcelWater(**known | changes)


def parcels() -> tuple[ParcelWater, ...]:
    """One of each light and one of which nothing is known, the urgent not first."""
    nothing_to_give: dict[str, Any] = {
        "amount_mm": None,
        "amount_m3": None,
        "m3_per_mu": None,
        "minutes": None,
        "latest": None,
        "notices": (),
        "drought_zh": "无旱",
        "drought_en": "no drought",
    }
    return (
        parcel(
            1,
            light="green",
            advice_zh="到周一（6 月 16 日）水分充足，不必灌溉。",
            advice_en="Enough water until Monday 16 June, no irrigation.",
            days=days_of(start=2.0, loss=2.4),
            sensors=PROBES[:1],
            **nothing_to_give,
        ),
        parcel(
            2,
            light="grey",
            advice_zh="不作灌溉建议，读数不可信：eui:a840410001（三天读数不变）。",
            advice_en="No advice, because these readings are not trusted: "
            "eui:a840410001 (the same for three days).",
            confidence_zh="",
            confidence_en="",
            reasons=(),
            sensors=PROBES[1:],
            days=days_of(ahead=0),
            **nothing_to_give,
        ),
        parcel(0),
        parcel(
            3,
            light="amber",
            advice_zh="周五前灌水 12 mm。",
            advice_en="Irrigate 12 mm before Friday.",
            amount_mm=12.0,
            amount_m3=310.0,
            m3_per_mu=8.0,
            minutes=None,
            latest=date(2025, 6, 13),
            notices=(),
        ),
        bare(4),
    )


def water_page(**changes: Any) -> WaterPage:
    known: dict[str, Any] = {
        "moment": NIGHT,
        "parcels": parcels(),
        "notes": (
            ("土壤按质地估算，未经实测。", "Soils are by texture, not measured."),
        ),
    }
    return WaterPage(**known | changes)


def farm_page(water: WaterPage | None = None, **changes: Any) -> MapPage:
    """Build the page of a night that watches parcels alone."""
    water = water_page() if water is None else water
    grounds = [p.geometry for p in water.parcels] or [place_box(0)]
    outline = shapely.box(*shapely.total_bounds(grounds)).buffer(
        0.003, join_style="mitre"
    )
    page = MapPage(
        title_zh="南宁农场墒情夜报（模拟）",
        title_en="Nanning farm, soil water of a night (simulated)",
        subtitle_zh="墒情 · 灌溉建议",
        subtitle_en="Soil water and irrigation advice",
        night=NIGHT,
        nights=(NIGHT - timedelta(days=1), NIGHT),
        pipeline="water",
        model="FAO-56",
        version="0",
        simulated=True,
        aoi=Aoi(
            source=Path("farm.geojson"),
            area=outline,
            places=tuple(
                Place(
                    id=p.id, kind=PlaceKind.PARCEL, name_zh=p.zh, name_en=p.en,
                    cover=p.crop_zh, geometry=p.geometry,
                )
                for p in water.parcels
            ),
        ),
        water=water,
    )  # fmt: skip
    return page.patch(**changes)


def data_of(page: MapPage) -> dict[str, Any]:
    """Build the data of a page without its document."""
    return add_water(build_data(page), page)
