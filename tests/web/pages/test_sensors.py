"""The sensors' page: how each is, and its week."""

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from tests.web.desks import NOW, Desk
from tests.web.pages.work import (
    PAYLOAD,
    add_sensors,
    open_work_desk,
    parcel,
    write_water,
)

from agroforest.core.reading import Quality, Reading, Sensor, Variable
from agroforest.web.pages.sensors import HEIGHT, WIDTH, draw_curve
from agroforest.web.pages.sensors_seen import Curve, read_curves


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with open_work_desk(tmp_path) as opened:
        yield opened


def cards(page: str) -> dict[str, str]:
    found = re.findall(r'<li class="card sensor".*?</li>\n', page, re.DOTALL)
    return {re.findall(r"<bdi>(.*?)</bdi>", each)[0]: each for each in found}


def test_those_that_need_somebody_come_first(desk: Desk) -> None:
    add_sensors(desk.store)
    desk.store.add_sensors([Sensor(id="new", name="新探头")])
    shown = cards(desk.visitor("rui", language="zh").get("/sensors").text)
    assert list(shown) == ["新探头", "旧探头", "二号探头"]
    assert "没有读数" in shown["新探头"]
    assert "失联" in shown["旧探头"]
    assert "3 天前" in shown["旧探头"]
    assert "1 小时前" in shown["二号探头"]
    assert "60 %" in shown["二号探头"]
    assert "土壤水分 0.2 m³/m³ · 10 厘米深" in shown["二号探头"]


def test_trust_is_what_the_night_advised_by(tmp_path: Path) -> None:
    write_water(tmp_path, [parcel(2)])
    with open_work_desk(tmp_path) as desk:
        add_sensors(desk.store)
        shown = cards(desk.visitor("rui").get("/sensors").text)
    assert re.search(r"doubtful 32\s?%", shown["二号探头"])
    assert "disagrees with the rain" in shown["二号探头"]


def test_whoever_is_silent_is_not_called_trusted(tmp_path: Path) -> None:
    write_water(tmp_path, [parcel(2, sensors=[{"id": "old", "trust": 1.0}])])
    with open_work_desk(tmp_path) as desk:
        add_sensors(desk.store)
        shown = cards(desk.visitor("rui").get("/sensors").text)
    assert ">silent</span>" in shown["旧探头"]
    assert "100" not in shown["旧探头"].partition("<svg")[0]


def test_a_low_battery_and_flags_are_named(desk: Desk) -> None:
    desk.store.add_sensors([Sensor(id="b", name="b")])
    desk.store.add_readings(
        Reading(
            sensor="b",
            time=NOW - timedelta(minutes=10 * n),
            variable=Variable.AIR_TEMPERATURE,
            depth_m=None,
            value=20.0,
            quality=Quality.BATTERY if n == 1 else Quality.FLAT,
        )
        for n in (1, 2, 3)
    )
    card = cards(desk.visitor("rui").get("/sensors").text)["b"]
    assert ">low<" in card
    assert "flat, 2 times" in card
    assert "just now" in card
    assert "heard" in card
    assert "nothing in seven days" in card  # only what is good is drawn


def test_names_are_text(desk: Desk) -> None:
    add_sensors(desk.store, name=PAYLOAD)
    page = desk.visitor("rui").get("/sensors").text
    assert "<img src=x" not in page
    assert "&lt;img src=x onerror=alert(1)&gt;" in page


def test_no_sensors(desk: Desk) -> None:
    assert "No sensors." in desk.visitor("rui").get("/sensors").text
    assert desk.visitor("rui").get("/sensors?page=7").status_code == 200


def test_a_week_is_that_of_moisture_nearest_the_surface(desk: Desk) -> None:
    desk.store.add_sensors([Sensor(id="p", name="p")])
    rows = [
        (Variable.SOIL_TEMPERATURE, 0.1, 18.0, 1),
        (Variable.SOIL_MOISTURE, 0.3, 0.33, 1),
        (Variable.SOIL_MOISTURE, 0.1, 0.11, 1),
        (Variable.SOIL_MOISTURE, 0.1, 0.99, 24 * 8),
    ]
    desk.store.add_readings(
        Reading(
            sensor="p",
            time=NOW - timedelta(hours=hours),
            variable=variable,
            depth_m=depth,
            value=value,
        )
        for variable, depth, value, hours in rows
    )
    curve = read_curves(desk.site, desk.store.sensors(), NOW)["p"]
    assert (curve.variable, curve.depth_m) == (Variable.SOIL_MOISTURE, 0.1)
    assert [value for _, value in curve.points] == [0.11]


def _curve(*points: tuple[float, float]) -> Curve:
    return Curve(
        variable=Variable.SOIL_MOISTURE,
        depth_m=0.1,
        points=tuple((NOW - timedelta(hours=h), value) for h, value in points),
    )


def test_a_curve_by_hand() -> None:
    """A week over 154 units: eleven hours are 10.1 of them."""
    drawn = draw_curve(_curve((11, 1.0), (5.5, 2.0), (0, 3.0)), NOW)
    assert drawn == "M146.9 33.0L146.9 33.0L152.0 18.0L157.0 3.0"


def test_a_silence_parts_a_curve_and_one_value_is_drawn() -> None:
    assert draw_curve(_curve((100, 1.0), (50, 2.0), (0, 2.0)), NOW).count("M") == 3
    alone = draw_curve(_curve((0, 1.0)), NOW)
    assert (
        alone == f"M{WIDTH - 3:.1f} {HEIGHT / 2:.1f}L{WIDTH - 3:.1f} {HEIGHT / 2:.1f}"
    )


def test_many_readings_are_thinned_and_the_newest_stays() -> None:
    points = [(n / 100, n % 7) for n in range(5000, -1, -1)]
    drawn = draw_curve(_curve(*points), NOW)
    assert drawn.count("L") <= 161
    assert drawn.endswith("L157.0 33.0")
