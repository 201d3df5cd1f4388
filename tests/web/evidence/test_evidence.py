"""What a case rests on, from real nights over a small simulated district."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from fastapi.testclient import TestClient
from shapely.geometry import Point, box
from tests.nightly.alone import run_alone

from agroforest.catalog import LocalCatalog, add_scenes
from agroforest.core.account import Account, Role
from agroforest.core.alert import Alert
from agroforest.core.config import Pipeline, read_pipeline
from agroforest.core.reading import Quality, Reading, Sensor, Variable
from agroforest.core.review import Case, Stage
from agroforest.core.risk import Hazard
from agroforest.desk.bureau import open_bureau
from agroforest.desk.settings import DeskSettings
from agroforest.desk.work import follow
from agroforest.nightly import run_nights
from agroforest.nightly.plan import Watch
from agroforest.nightly.watch import build_watch
from agroforest.store import Store, open_store
from agroforest.testing.world import END, build_world
from agroforest.web.app import build_desk
from agroforest.web.evidence.chart import HEIGHT, WIDTH, draw
from agroforest.web.evidence.chips import choose_chips, draw_chip
from agroforest.web.evidence.gather import Gatherer, find_readings, find_smallest
from agroforest.web.evidence.router import build_router
from agroforest.web.evidence.season import Curve, read_season
from agroforest.web.passwords import hash_password
from agroforest.web.site import Site

pytestmark = [pytest.mark.enable_socket, pytest.mark.slow]

NOW = datetime(END.year, END.month, END.day, 23, tzinfo=UTC)
PASSWORD = "correct horse battery"  # noqa: S105


@dataclass(frozen=True)
class District:
    """A district after its nights."""

    work: Path
    file: Path
    pipeline: Pipeline
    watch: Watch
    store: Store
    alerts: list[Alert]


@pytest.fixture(scope="module")
def district(tmp_path_factory: pytest.TempPathFactory) -> Iterator[District]:
    folder = tmp_path_factory.mktemp("district")
    world = build_world(folder / "world", size=96, years=1.6)
    work = folder / "work"
    add_scenes([world.scenes], LocalCatalog(work / "catalog"))
    pipeline = read_pipeline(world.pipeline)
    nights = [END - timedelta(days=n) for n in (60, 40, 20, 0)]
    with run_alone():
        for outcome in run_nights(pipeline, nights, work=work):
            assert not outcome.failed
    watch = build_watch(pipeline, work).watch
    with open_store(watch.workplace.database) as store:
        found = store.alerts(pipeline.name)
        assert found
        yield District(work, world.pipeline, pipeline, watch, store, found)


def test_a_season_fits_before_and_not_after(district: District) -> None:
    alert = max(district.alerts, key=lambda a: a.area_ha)
    season = read_season(district.watch, alert.geometry)
    assert season is not None
    assert season.pixels == pytest.approx(alert.area_ha * 100, rel=0.05)
    assert season.model_dates >= 10
    assert season.last_clear is not None
    assert season.last_clear >= alert.evidence
    assert [c.name for c in season.curves] == ["CRSWIR", "NDVI"]
    for curve in season.curves:
        low, high = (
            np.interp(
                [d.toordinal() for d in curve.seen_days],
                [d.toordinal() for d in curve.days],
                side,
            )
            for side in (curve.low, curve.high)
        )
        inside = (curve.seen >= low) & (curve.seen <= high)
        before = np.array([d < alert.since for d in curve.seen_days])
        assert inside[before].mean() > 0.8
        # The day on which it began may be half a cut.
        if curve.name == "CRSWIR":
            assert not inside[~before][1:].any()
    assert season.drivers
    assert all(weight > 0 for _, weight in season.drivers)


def test_where_nothing_is_remembered_there_is_no_season(district: District) -> None:
    aoi = build_watch(district.pipeline, district.work).aoi
    east, north = aoi.area.bounds[2:]
    far = box(east + 1, north + 1, east + 1.001, north + 1.001)
    assert read_season(district.watch, far) is None
    field = next(p for p in aoi.places if p.kind == "parcel")
    assert read_season(district.watch, field.geometry.centroid.buffer(2e-4)) is None


def test_chips_show_before_and_after(district: District) -> None:
    alert = max(district.alerts, key=lambda a: a.area_ha)
    since = END - timedelta(days=30)
    chips = choose_chips(district.watch, alert.geometry, since=since, evidence=END)
    days = [c.day for c in chips if c.index == "ndvi"]
    assert days == sorted(days)
    assert days[0] < since <= days[1]
    assert len({c.index for c in chips}) == 2
    png, outline, (width, height) = draw_chip(district.watch, chips[0], alert.geometry)
    assert png.startswith(b"\x89PNG")
    assert 60 <= width == height <= 400
    points = [
        tuple(map(float, pair.split()))
        for pair in re.findall(r"[ML]([^MLZ]+)", outline)
    ]
    xs, ys = zip(*points, strict=True)
    assert min(xs) > 0
    assert max(xs) < width
    assert (min(xs) + max(xs)) / 2 == pytest.approx(width / 2, abs=2)
    assert (min(ys) + max(ys)) / 2 == pytest.approx(height / 2, abs=2)


def test_readings_nearby_the_nearest_first_and_doubtful_ones_marked(
    tmp_path: Path,
) -> None:
    case = _case(Point(108.40, 22.95).buffer(0.001))
    with open_store(tmp_path / "a.db") as store:
        places = {"near": 0.0015, "next": 0.02, "far": 0.2}
        store.add_sensors(
            Sensor(id=name, name=name, longitude=108.40 + away, latitude=22.95)
            for name, away in places.items()
        )
        store.add_sensors([Sensor(id="nowhere", name="nowhere")])
        store.add_readings(
            Reading(
                sensor=name,
                time=NOW - timedelta(hours=hours),
                variable=variable,
                depth_m=None,
                value=value,
                quality=Quality.SPIKE if name == "next" else Quality.GOOD,
            )
            for name in (*places, "nowhere")
            for hours, value in ((1, 0.2), (2, 0.3), (24 * 9, 0.4))
            for variable in (Variable.SOIL_MOISTURE, Variable.BATTERY)
        )
        found = find_readings(store, case, NOW)
    assert [(n.sensor.id, n.reading.value) for n in found] == [
        ("near", 0.2),
        ("next", 0.2),
    ]
    assert found[0].metres == pytest.approx(56, rel=0.1)
    assert found[1].reading.quality == Quality.SPIKE


def test_the_smallest_spot_is_that_of_the_stricter_rule(district: District) -> None:
    alerts = district.pipeline.alerts
    pixel = district.pipeline.grid.resolution**2 / 1e4
    smallest = find_smallest(district.pipeline)
    assert smallest == max(alerts.min_area_ha, alerts.min_pixels * pixel)


def test_the_page_says_all_of_it_in_both_languages(district: District) -> None:
    bureau = open_bureau(DeskSettings(pipelines=(str(district.file),)))
    follow(district.store, bureau, now=NOW)
    site = Site(district.store, bureau, now=lambda: NOW)
    gatherer = Gatherer(district.work, bureau.pipelines, district.store)
    app = build_desk(site, routers=[build_router(gatherer)])
    district.store.desk.add_account(
        Account(name="li", title="李", role=Role.REVIEWER, created=NOW),
        hash_password(PASSWORD),
    )
    alert = max(district.alerts, key=lambda a: a.area_ha)
    with TestClient(app, base_url="http://127.0.0.1") as client:
        address = f"/alerts/{alert.id}/evidence"
        assert client.get(address).status_code == 401
        _log_in(client)
        page = client.get(address).text
        assert "与往年同期相比" in page
        assert "有效观测" in page
        assert "近红外" in page or "短波红外" in page
        chips = re.findall(r'src="(/alerts/[^"]+\.svg)"', page)
        assert len(chips) >= 4
        answer = client.get(chips[0])
        assert answer.headers["content-type"].startswith("image/svg+xml")
        assert "data:image/png;base64," in answer.text
        bad = f"/alerts/{alert.id}/chips"
        for path in (
            "ndvi/1999-01-01.svg",
            "..%2F..%2Fetc/2024-01-01.svg",
            "ndvi/x.svg",
        ):
            assert client.get(f"{bad}/{path}").status_code in {404, 422}
        assert client.get("/alerts/nobody/evidence").status_code == 404


def test_a_pipeline_that_nobody_knows_still_shows_readings(tmp_path: Path) -> None:
    with open_store(tmp_path / "a.db") as store:
        found = Gatherer(tmp_path, {}, store).gather(_case(box(0, 0, 1, 1)), now=NOW)
    assert found.season is None
    assert not found.chips
    assert not found.readings


def test_a_drawing_stays_in_its_frame_and_marks_what_left_the_band() -> None:
    days = tuple(date(2024, 1, 1) + timedelta(days=3 * n) for n in range(100))
    level = np.full(100, 0.8)
    curve = Curve(
        name="NDVI",
        days=days,
        expected=level,
        low=level - 0.05,
        high=level + 0.05,
        seen_days=days[::10],
        seen=np.array([0.8] * 8 + [0.3, 0.31]),
    )
    drawing = draw(curve, raised=days[80], until=days[-1])
    numbers = [float(n) for n in re.findall(r"[\d.]+", drawing.band + drawing.line)]
    assert max(numbers[::2]) <= WIDTH
    assert max(numbers[1::2]) <= HEIGHT
    assert [out for _, _, out, _, _ in drawing.dots] == [False] * 8 + [True] * 2
    assert drawing.dots[8][1] > drawing.dots[0][1]  # lower values lie lower
    assert len(drawing.across) <= 7
    early = draw(curve, raised=days[10], until=days[20])
    assert len(early.dots) == 3


def _case(geometry: object) -> Case:
    return Case(
        id="c",
        alert="c",
        pipeline="p",
        hazard=Hazard.CANOPY_STRESS,
        stage=Stage.PRESCREEN,
        version=1,
        opened=NOW,
        changed=NOW,
        geometry=geometry,  # type: ignore[arg-type]
        area_ha=1.0,
        probability=0.9,
        first_night=END,
        evidence=END,
    )


def _log_in(client: TestClient) -> None:
    page = client.get("/login").text
    csrf = re.search(r'name="csrf" value="([^"]*)"', page)
    form = {"name": "li", "password": PASSWORD}
    if csrf:
        form["csrf"] = csrf[1]
    answer = client.post("/login", data=form, headers={"Origin": "http://127.0.0.1"})
    assert answer.status_code == 200
