"""Pages over what a real night of a small farm left, not over what we think it did."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.nightly.water.made import NIGHT, build_farm, drying
from tests.web.desks import Clock, Desk, fill

from agroforest.core.account import Role
from agroforest.desk.bureau import open_bureau
from agroforest.desk.settings import DeskSettings
from agroforest.store import open_store
from agroforest.web.app import build_desk
from agroforest.web.app_parts import build_parts
from agroforest.web.site import Site

pytestmark = pytest.mark.slow

_EVENING = datetime(NIGHT.year, NIGHT.month, NIGHT.day, 15, tzinfo=UTC)


def test_what_a_night_left_is_what_pages_show(tmp_path: Path) -> None:
    farm = build_farm(tmp_path)
    farm.probe("p", drying(20, start=0.30, a_day=0.004), last=NIGHT, title="探头")
    document = farm.report(NIGHT)
    (advice,) = document["parcels"]
    bureau = open_bureau(DeskSettings(pipelines=(str(farm.path),)))
    with open_store(farm.work / "agroforest.db") as store:
        fill(store, bureau, [])
        site = Site(store, bureau, now=lambda: _EVENING)
        desk = Desk(
            store=store,
            app=build_desk(site, routers=build_parts(site, farm.work)),
            site=site,
            clock=Clock(now=_EVENING),
        )
        account = store.desk.account("feng")
        assert account is not None
        assert account.role == Role.FARMER
        store.desk.change_account(account.patch(parcels=("p1",)))
        feng = desk.visitor("feng", language="zh").get("/parcels").text
        rui = desk.visitor("rui", language="zh")
        sensors, runs = rui.get("/sensors").text, rui.get("/runs").text
        ground = rui.get("/map/ground.json").json()
        report = rui.get(f"/runs/made-water/{NIGHT}/report.html")
        night_map = rui.get(f"/runs/made-water/{NIGHT}/map.html")
        for client in desk.clients:
            client.close()
    assert advice["zh"] in feng
    for reason in advice["reasons"]:
        assert reason["zh"] in feng
    assert '<path class="missing" d="M' in feng
    assert "探头" in feng
    (probe,) = advice["sensors"]
    assert f"可信度 {probe['trust']:.0%}" in feng.replace(" %", "%")
    assert "探头" in sensors
    assert f"{probe['trust']:.0%}" in sensors.replace(" %", "%")
    assert "完成" in runs
    (parcel,) = ground["parcels"]["features"]
    assert parcel["properties"]["light"] == advice["light"]
    assert report.status_code == night_map.status_code == 200
    assert "夜间报告" in report.text
