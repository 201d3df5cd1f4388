"""The map: what it draws, how much, and how exactly."""

import json
import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from typing import Any

import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from shapely.geometry.base import BaseGeometry
from tests.web.desks import NIGHT, Desk, Visitor, build_alerts
from tests.web.pages.work import (
    PAYLOAD,
    add_sensors,
    open_work_desk,
    parcel,
    write_rasters,
    write_report,
    write_water,
)

from agroforest.web.pages.map_data import read_box, show

BOX = "108,22,109,23"
OUTLINES = {alert.id: alert.geometry for alert in build_alerts()}


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    work = tmp_path_factory.mktemp("work")
    write_water(work, [parcel(2), parcel(5)])
    write_report(work, NIGHT)
    write_rasters(work)
    with open_work_desk(work, name=PAYLOAD) as opened:
        add_sensors(opened.store, name=PAYLOAD)
        yield opened


@pytest.fixture(scope="module")
def rui(desk: Desk) -> Visitor:
    return desk.visitor("rui")


@pytest.fixture(scope="module")
def vera(desk: Desk) -> Visitor:
    return desk.visitor("vera")


def ask(visitor: Visitor, path: str) -> Any:
    answer = visitor.get(path)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/json"
    return answer.json()


def outlines(found: dict[str, Any]) -> dict[str, BaseGeometry]:
    return {
        each["properties"]["id"]: shapely.from_geojson(json.dumps(each["geometry"]))
        for each in found["features"]
    }


def test_a_reviewer_sees_outlines_as_they_are(rui: Visitor) -> None:
    found = ask(rui, f"/map/alerts.json?box={BOX}")
    assert found["total"] == 12
    shown = outlines(found)
    assert shown.keys() == OUTLINES.keys()
    for name, outline in shown.items():
        off = outline.symmetric_difference(OUTLINES[name]).area
        assert off < 1e-3 * OUTLINES[name].area


def test_a_viewer_sees_cells_that_cover_them(vera: Visitor) -> None:
    shown = outlines(ask(vera, f"/map/alerts.json?box={BOX}"))
    assert shown.keys() == OUTLINES.keys()
    for name, outline in shown.items():
        assert outline.buffer(1e-9).covers(OUTLINES[name])
        assert all(
            abs(100 * c - round(100 * c)) < 1e-6
            for c in shapely.get_coordinates(outline).ravel()
        )


def test_smaller_boxes_tell_a_viewer_no_more(rui: Visitor, vera: Visitor) -> None:
    """Halves of a cell with an alert in one of them, which only some may know."""
    west, south, east, north = OUTLINES["00" + "a5" * 7].bounds
    holding = f"{west},{south},{east},{north}"
    empty = f"{west + 0.0082},{south + 0.0082},{west + 0.0085},{south + 0.0085}"
    assert ask(rui, f"/map/alerts.json?box={empty}")["total"] == 0
    in_one = ask(vera, f"/map/alerts.json?box={holding}")
    in_other = ask(vera, f"/map/alerts.json?box={empty}")
    assert in_one == in_other
    assert in_one["total"] > 0


def test_filters_are_those_of_the_queue(rui: Visitor) -> None:
    found = ask(rui, f"/map/alerts.json?box={BOX}&hazard=canopy-loss&least_ha=10")
    kinds = {each["properties"]["hazard"] for each in found["features"]}
    assert kinds == {"canopy-loss"}
    assert 0 < found["total"] < 6
    assert ask(rui, f"/map/alerts.json?box={BOX}&stage=closed")["total"] == 0


@pytest.mark.parametrize(
    "box", ["", "1,2,3", "a,b,c,d", "2,2,1,3", "nan,0,1,1", "0,0,inf,1", "1,2,3,4,5"]
)
def test_a_box_that_is_none_is_refused(rui: Visitor, box: str) -> None:
    assert rui.get(f"/map/alerts.json?box={box}").status_code == 422


def test_what_is_not_drawn_is_said(tmp_path: Path) -> None:
    with open_work_desk(tmp_path, alerts=build_alerts(250) + _more()) as desk:
        found = ask(desk.visitor("rui"), "/map/alerts.json?box=-180,-90,180,90")
    assert len(found["features"]) == 500
    assert found["total"] == 510
    assert found["said"] == "510"


def _more() -> list[Any]:
    return [
        alert.patch(id=f"{number:016x}")
        for number, alert in enumerate(build_alerts(260))
    ]


def test_ground_is_exact_or_coarse_by_role(rui: Visitor, vera: Visitor) -> None:
    exact, coarse = ask(rui, "/map/ground.json"), ask(vera, "/map/ground.json")
    assert len(exact["counties"]["features"]) == 2
    (probe, _) = exact["sensors"]["features"]
    assert probe["geometry"]["coordinates"] == [108.20731, 22.30123]
    (probe, _) = coarse["sensors"]["features"]
    assert probe["geometry"]["coordinates"] == [108.205, 22.305]
    lights = {
        each["properties"]["id"]: each["properties"]["light"]
        for each in exact["parcels"]["features"]
    }
    assert lights == {"p2": "amber", "p5": "red"}
    small, large = outlines(exact["parcels"]), outlines(coarse["parcels"])
    for name, outline in small.items():
        assert large[name].covers(outline)
        assert large[name].area > outline.area


def test_what_strangers_wrote_stays_text(rui: Visitor) -> None:
    page = rui.get("/map").text
    assert PAYLOAD not in page
    assert "<img src=x" not in page
    ground = ask(rui, "/map/ground.json")
    assert ground["parcels"]["features"][0]["properties"]["zh"] == PAYLOAD


def test_the_page_tells_its_script_what_there_is(rui: Visitor) -> None:
    page = rui.get("/map?hazard=canopy-loss").text
    told = json.loads(unescape(re.findall(r'data-map="([^"]*)"', page)[0]))
    assert told["box"] == [108.19, 22.29, 108.26, 22.32]
    by_address = {layer["address"]: layer for layer in told["layers"]}
    ndvi = by_address["/tiles/gaofeng/ndvi/"]
    assert ndvi["days"] == [NIGHT.isoformat()]
    assert ndvi["stops"][0][0] == "0"
    assert re.fullmatch(r"rgb\(\d+, \d+, \d+\)", ndvi["stops"][0][1])
    assert 'href="/queue?hazard=canopy-loss"' in page
    assert f'href="/runs/gaofeng/{NIGHT}/map.html"' in page


def test_the_library_comes_from_here_and_may_be_kept(rui: Visitor) -> None:
    page = rui.get("/map").text
    for name, media in (("leaflet.js", "javascript"), ("leaflet.css", "css")):
        (address,) = re.findall(rf'"(/map/assets/{name}\?v=\w+)"', page)
        answer = rui.get(address)
        assert media in answer.headers["content-type"]
        assert "immutable" in answer.headers["cache-control"]
        assert "sourceMappingURL" not in answer.text


_DEGREES = st.floats(-80, 80)


@given(_DEGREES, _DEGREES, st.floats(1e-6, 5), st.floats(1e-6, 5))
def test_coarse_boxes_hold_the_box_and_end_on_cells(
    west: float, south: float, wide: float, high: float
) -> None:
    written = f"{west},{south},{west + wide},{south + high}"
    exact, coarse = read_box(written, exact=True), read_box(written, exact=False)
    if exact is None:  # the sum is no larger than its part
        return
    assert coarse is not None
    assert shapely.box(*coarse).buffer(1e-9).covers(shapely.box(*exact))
    assert all(abs(100 * c - round(100 * c)) < 1e-6 for c in coarse)


def test_outlines_that_cannot_be_used_are_left_out() -> None:
    assert show(shapely.Polygon(), exact=True) is None
    assert show(shapely.box(0, 0, 1, 91), exact=False) is None
