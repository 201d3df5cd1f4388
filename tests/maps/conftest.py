"""A small landscape that never was, with everything a page can show."""

import math
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
import shapely
from numpy.typing import NDArray
from shapely.affinity import translate
from shapely.geometry.base import BaseGeometry

from agroforest.core.alert import Alert, AlertStatus
from agroforest.core.aoi import Aoi, Place, PlaceKind
from agroforest.core.grid import WGS84, Grid, reproject
from agroforest.core.reading import Quality, Reading, Sensor, Variable
from agroforest.core.risk import Hazard, RiskMap, epoch_day
from agroforest.maps import IndexLayer, MapPage, Notice, SensorSeries

CRS = "EPSG:32649"
LEFT, TOP = 200_000.0, 2_540_000.0
SIDE = 256
NIGHTS = tuple(date(2025, 5, 20) + timedelta(days=5 * n) for n in range(5))
NIGHT = NIGHTS[-1]
MODEL = "canopy-stress 0.1.0"


@pytest.fixture(scope="session")
def fake_page() -> MapPage:
    """Everything at once; `patch` it for the case at hand."""
    return build_fake_page()


def build_fake_page(**changes: object) -> MapPage:
    """Two tiles, five nights, four alerts, three sensors."""
    page = MapPage(
        title_zh="高峰林场冠层与墒情夜报（演示）",
        title_en="Gaofeng forest and soil moisture, nightly map (demo)",
        subtitle_zh="广西南宁 · Sentinel-2 · 10 米",
        subtitle_en="Nanning, Guangxi · Sentinel-2 · 10 m",
        night=NIGHT,
        nights=NIGHTS,
        pipeline="gaofeng",
        model=MODEL,
        version="0.1.0",
        simulated=True,
        aoi=_aoi(),
        indices=tuple(_index(t, n) for t in (0, 1) for n in (NIGHTS[0], NIGHTS[2])),
        risks=tuple(_risk(t, n) for t in (0, 1) for n in NIGHTS),
        alerts=_alerts(),
        sensors=_sensors(),
        notices=(
            Notice(
                zh="景 S2A_20250603 云掩膜缺失，已隔离",
                en="Scene S2A_20250603 has no cloud mask and was set aside",
            ),
            Notice(
                zh="北部 31 天没有清晰影像",
                en="No clear image of the north for 31 days",
            ),
        ),
        attribution=("Simulated after Sentinel-2, no real data",),
    )
    return page.patch(**changes)


def tile_grid(tile: int) -> Grid:
    return Grid(
        crs=CRS,
        left=LEFT + tile * SIDE * 10,
        top=TOP,
        resolution=10.0,
        width=SIDE,
        height=SIDE,
    )


def _lonlat(geometry: BaseGeometry) -> BaseGeometry:
    return reproject(geometry, CRS, WGS84)


def _aoi() -> Aoi:
    def box(x0: float, y0: float, x1: float, y1: float) -> BaseGeometry:
        metric = shapely.box(LEFT + x0, TOP - y1, LEFT + x1, TOP - y0)
        return _lonlat(shapely.segmentize(metric, 200.0))

    stand, field = PlaceKind.COMPARTMENT, PlaceKind.PARCEL
    places = (
        ("c1", stand, "界牌 12 小班", "Jiepai 12", "桉树", (200, 200, 1700, 1400)),
        ("c2", stand, "界牌 13 小班", "Jiepai 13", "马尾松", (1750, 200, 3300, 1400)),
        ("c3", stand, "六里 4 小班", "Liuli 4", "杉木", (3350, 200, 4900, 1400)),
        ("p1", field, "三号甘蔗地", "Sugarcane 3", "甘蔗", (300, 1600, 1500, 2300)),
        ("p2", field, "五号柑橘园", "Citrus 5", "沃柑", (1900, 1600, 3000, 2300)),
    )  # fmt: skip
    return Aoi(
        source=Path("gaofeng.geojson"),
        area=box(100, 100, 5000, 2450),
        places=tuple(
            Place(id=i, kind=k, name_zh=z, name_en=e, cover=c, geometry=box(*b))
            for i, k, z, e, c, b in places
        ),
    )


def _field(tile: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    rows, columns = np.indices((SIDE, SIDE))
    return rows, columns + tile * SIDE


def _index(tile: int, night: date) -> IndexLayer:
    rows, columns = _field(tile)
    values = 0.25 + 0.2 * np.sin(columns / 37) * np.cos(rows / 23)
    values = values - 0.004 * (night - NIGHTS[0]).days
    values[(rows - 40) ** 2 + (columns - 420) ** 2 < 900] = np.nan
    return IndexLayer(
        name="NDMI",
        title_zh="归一化水分指数 NDMI",
        title_en="Moisture index NDMI",
        tile=f"49QAA-0{tile}00",
        night=night,
        grid=tile_grid(tile),
        values=values.astype(np.float32),
        vmin=-0.2,
        vmax=0.6,
        colormap="brbg",
    )


def _risk(tile: int, night: date) -> RiskMap:
    rows, columns = _field(tile)
    noise = np.random.default_rng(tile).random((SIDE, SIDE))
    age = (night - NIGHTS[0]).days
    spot = np.hypot(rows - 80, columns - 90)
    radius = 8 + age * 0.8
    probability = 0.12 * noise + 0.85 / (1 + np.exp((spot - radius) / 2.5))
    probability += 0.8 * (np.hypot((rows - 100) / 2, columns - 270) < 9) * (age >= 10)
    forest = (rows > 20) & (rows < 140) & (columns > 20) & (columns < 490)
    probability = np.where(forest, np.clip(probability, 0, 1), np.nan)
    stale = (columns > 400) & (rows < 90 + 20 * np.sin(columns / 9))
    today = epoch_day(night)
    evidence = np.where(stale, today - 31, today - 2)
    since = np.where((probability > 0.6) & forest, today - age, 0)
    return RiskMap(
        tile=f"49QAA-0{tile}00",
        grid=tile_grid(tile),
        night=night,
        hazard=Hazard.CANOPY_STRESS,
        model=MODEL,
        threshold=0.6,
        probability=probability.astype(np.float32),
        evidence=np.where(forest, evidence, 0).astype(np.int32),
        since=since.astype(np.int32),
    )


def _alert(
    number: int,
    centre: tuple[float, float],
    radius: float,
    *,
    first: date,
    places: tuple[str, ...],
    hazard: Hazard = Hazard.CANOPY_STRESS,
    status: AlertStatus = AlertStatus.OPEN,
) -> Alert:
    x, y = LEFT + centre[0], TOP - centre[1]
    shape = shapely.Point(x, y).buffer(radius)
    return Alert(
        id=f"a{number:015x}",
        pipeline="gaofeng",
        hazard=hazard,
        model=MODEL,
        status=status,
        geometry=_lonlat(shape),
        area_ha=shape.area / 1e4,
        reported_area_ha=shape.area / 1e4,
        probability=0.83,
        first_night=first,
        last_night=NIGHT,
        since=first - timedelta(days=12),
        evidence=NIGHT - timedelta(days=2),
        changed=NIGHT,
        places=places,
    )


def _alerts() -> tuple[Alert, ...]:
    return (
        _alert(1, (905, 805), 240, first=NIGHTS[0], places=("c1",)),
        _alert(2, (2705, 1005), 130, first=NIGHTS[2], places=("c2", "c1"),
               hazard=Hazard.CANOPY_LOSS),
        _alert(3, (3900, 1150), 70, first=NIGHT, places=("c3",)),
        _alert(4, (1500, 500), 90, first=NIGHTS[1], places=("c1",),
               status=AlertStatus.RELEASED),
    )  # fmt: skip


def _sensors() -> tuple[SensorSeries, ...]:
    def sensor(number: int, x: float, y: float) -> Sensor:
        point = _lonlat(shapely.Point(LEFT + x, TOP - y)).centroid
        return Sensor(
            id=f"demo:field/{number}",
            name=("三号地北", "三号地南", "五号园")[number],
            longitude=point.x,
            latitude=point.y,
            simulated=True,
        )

    return (
        SensorSeries(sensor=sensor(0, 600, 1800), readings=_readings(0)),
        SensorSeries(sensor=sensor(1, 1200, 2100), readings=_readings(1, broken=True)),
        SensorSeries(sensor=sensor(2, 2400, 1900)),
        SensorSeries(sensor=Sensor(id="demo:lost", name="无坐标探头", simulated=True)),
    )


def _readings(number: int, *, broken: bool = False) -> tuple[Reading, ...]:
    start = datetime(2025, 5, 10, tzinfo=UTC)
    readings = []
    for hour in range(0, 24 * 30, 2):
        time = start + timedelta(hours=hour)
        rain = 14.0 if hour in {200, 210, 480} else 0.0
        drying = 0.34 - 0.0003 * (hour - (204 if hour >= 204 else -100))
        for depth, lag in ((0.1, 1.0), (0.3, 0.6)):
            value: float | None = drying * lag + 0.02 * (depth < 0.2) * math.sin(
                hour / 4
            )
            quality = Quality.GOOD
            if broken and hour > 24 * 29 - 20 and depth < 0.2:
                value, quality = 0.71, Quality.RANGE
            if hour == 90:
                value, quality = 0.9, Quality.SPIKE
            if not 300 < hour < 360:
                readings.append(
                    Reading(
                        sensor=f"demo:field/{number}",
                        time=time,
                        variable=Variable.SOIL_MOISTURE,
                        depth_m=depth,
                        value=value,
                        quality=quality,
                    )
                )
        for variable, value in (
            (Variable.AIR_TEMPERATURE, 26 + 5 * math.sin(hour / 24 * 2 * math.pi)),
            (Variable.PRECIPITATION, rain),
        ):
            readings.append(
                Reading(
                    sensor=f"demo:field/{number}",
                    time=time,
                    variable=variable,
                    depth_m=None,
                    value=value,
                )
            )
    return tuple(readings)


PWN = "window.pwned=1"
PAYLOADS = (
    f"<script>{PWN}</script>",
    f"</script><script>{PWN}</script>",
    f"<img src=x onerror={PWN}>",
    f"<svg onload={PWN}>",
    f"<svg><script>{PWN}</script></svg>",
    f"<iframe srcdoc='<script>parent.{PWN}</script>'>",
    f"<a href='javascript:{PWN}'>a</a>",
    f"javascript:{PWN}",
    f'"><img src=x onerror="{PWN}">',
    f"'><img src=x onerror='{PWN}'>",
    f'" onmouseover="{PWN}" x="',
    f"' autofocus onfocus='{PWN}",
    f"`${{{PWN}}}`",
    f"${{{PWN}}}",
    f"`;{PWN};`",
    f"\\`-{PWN}-\\`",
    f'\\";{PWN};//',
    f"';{PWN};//",
    f"</title><script>{PWN}</script>",
    f"</style><script>{PWN}</script>",
    "<style>@import 'http://127.0.0.1/x'</style>",
    f"<!--<script>{PWN}",
    f"]]><script>{PWN}</script>",
    f"\u2028{PWN}\u2029",
    "{{ 7*7 }}{% raw %}{{ cycler.__init__.__globals__ }}",
    "{% endmacro %}{{ 1/0 }}",
    f"<details open ontoggle={PWN}>",
    f"<math><mtext><img src=x onerror={PWN}></mtext></math>",
    f"&lt;img src=x onerror={PWN}&gt;",
    "<link rel=stylesheet href=http://127.0.0.1/x.css>",
    "<meta http-equiv=refresh content='0;url=http://127.0.0.1/'>",
    "<base href=http://127.0.0.1/>",
    "__proto__",
    "constructor",
    "\u202egnp.exe\x00\x08",
    "<form action=http://127.0.0.1/><input autofocus>",
    "=cmd|'/c calc'!A0",
    '=HYPERLINK("http://127.0.0.1/","a")',
    "＠SUM(1)*cmd|'/c calc'!A0",  # noqa: RUF001  as wide as Chinese is typed
    '#panic("x") #import "@preview/x:1.0.0" #eval("1")',
    "../../../../etc/passwd",
    "<!DOCTYPE x [<!ENTITY e SYSTEM 'file:///etc/passwd'>]><x>&e;</x>",
)


@pytest.fixture(scope="session")
def payloads() -> tuple[str, ...]:
    """What a name may try; each would set ``window.pwned``, fetch or navigate."""
    return PAYLOADS


@pytest.fixture(scope="session")
def hostile_page(fake_page: MapPage) -> MapPage:
    """Every payload in every string that comes from outside."""
    plain = fake_page
    everything = " ".join(PAYLOADS)
    shape = plain.aoi.places[0].geometry
    places = tuple(
        Place(
            id=p, kind=PlaceKind.PARCEL, name_zh=p, name_en=p, cover=p,
            geometry=translate(shape, n * 1e-4, n * 1e-4),
        )
        for n, p in enumerate(PAYLOADS)
    )  # fmt: skip
    probe = plain.sensors[0]
    return plain.patch(
        title_zh=everything,
        title_en=everything,
        subtitle_zh=everything,
        subtitle_en=everything,
        pipeline=everything,
        version=everything,
        model="rule " + everything,
        aoi=Aoi(source=Path("x"), area=plain.aoi.area, places=places),
        indices=tuple(
            replace(plain.indices[0], name=p, title_zh=p, title_en=p, unit=p, tile=p)
            for p in PAYLOADS
        ),
        risks=tuple(
            plain.risks[n].patch(model=p, tile=p) for n, p in enumerate(PAYLOADS[:4])
        ),
        alerts=tuple(
            plain.alerts[0].patch(id=p, model=p, pipeline=p, places=(p, everything))
            for p in PAYLOADS
        ),
        sensors=tuple(
            SensorSeries(
                sensor=Sensor(
                    id=p, name=p, longitude=probe.sensor.longitude,
                    latitude=probe.sensor.latitude,
                ),
                readings=probe.readings[:50],
            )
            for p in PAYLOADS
        ),
        notices=tuple(Notice(zh=p, en=p) for p in PAYLOADS),
        attribution=PAYLOADS,
    )  # fmt: skip
