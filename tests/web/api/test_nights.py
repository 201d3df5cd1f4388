"""Nights, sensors and parcels over JSON."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from tests.web.api.asking import program
from tests.web.desks import NIGHT, Desk
from tests.web.pages.work import (
    PIPELINE,
    add_sensors,
    open_work_desk,
    parcel,
    write_report,
    write_water,
)

pytestmark = pytest.mark.enable_socket

API = "/api/v1"


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    path = tmp_path_factory.mktemp("nights")
    write_water(path, [parcel(number) for number in (1, 2, 3)])
    write_report(path, NIGHT, quarantined=["bad.tif"])
    damaged = NIGHT - timedelta(days=1)
    (path / PIPELINE / "reports" / f"{damaged}.json").write_text("{")
    with open_work_desk(path, pipelines=False) as opened:
        add_sensors(opened.store)
        yield opened


def test_nights_say_what_they_lack(desk: Desk) -> None:
    newest, older = program(desk, "vera").get(f"{API}/runs").json()
    assert (newest["pipeline"], newest["night"]) == (PIPELINE, NIGHT.isoformat())
    assert (newest["status"], newest["alerts"], newest["refused"]) == ("done", 6, 1)
    assert older["status"] == "damaged"
    assert older["alerts"] is None
    assert len(program(desk, "vera").get(f"{API}/runs?limit=1").json()) == 1
    assert program(desk, "feng").get(f"{API}/runs").status_code == 403


def test_sensors_lie_somewhere_only_for_who_may_see_exact_places(desk: Desk) -> None:
    exact = {s["id"]: s for s in program(desk, "rui").get(f"{API}/sensors").json()}
    coarse = {s["id"]: s for s in program(desk, "vera").get(f"{API}/sensors").json()}
    assert exact.keys() == coarse.keys() == {"s2", "old"}
    assert exact["s2"]["longitude"] == pytest.approx(108.20731)
    assert coarse["s2"]["longitude"] is None
    assert coarse["s2"]["latitude"] is None
    assert exact["s2"]["battery_pct"] == 60.0
    assert program(desk, "feng").get(f"{API}/sensors").status_code == 403


def test_farmers_read_advice_on_their_own_parcels(desk: Desk) -> None:
    whole = program(desk, "vera").get(f"{API}/parcels").json()
    assert [p["id"] for p in whole["parcels"]] == ["p1", "p2", "p3"]
    assert [p["light"] for p in whole["parcels"]] == ["red", "amber", "green"]
    assert whole["nights"] == [NIGHT.isoformat()]
    own = program(desk, "feng").get(f"{API}/parcels").json()
    (one,) = own["parcels"]
    assert one["id"] == "p2"
    assert (one["amount_mm"], one["amount_m3"]) == (34.0, 425.0)
    assert one["notices"][0]["hazard"] == "heat"
