"""The parcels' page: each one's advice, for those whose it is."""

import re
from datetime import timedelta
from pathlib import Path

import pytest
from tests.web.desks import NIGHT, NOW
from tests.web.pages.work import PAYLOAD, PIPELINE, open_work_desk, parcel, write_water

from agroforest.web.pages.parcels_chart import HEIGHT, WIDTH, draw_water


def texts(page: str, tag: str) -> list[str]:
    found = re.findall(rf"<{tag}\b[^>]*>(.*?)</{tag}>", page, re.DOTALL)
    return [re.sub(r"<[^>]+>", "", each).strip() for each in found]


def test_a_farmer_sees_their_own_parcels_alone(tmp_path: Path) -> None:
    write_water(tmp_path, [parcel(n) for n in range(1, 6)])
    with open_work_desk(tmp_path) as desk:
        own = desk.visitor("feng", language="zh").get("/parcels").text
        every = desk.visitor("rui").get("/parcels").text
    assert texts(own, "h2") == ["2 号园"]
    for other in (1, 3, 4, 5):
        assert f"{other} 号" not in own
        assert f">p{other}<" not in own
    assert texts(every, "h2") == [f"Orchard {n}" for n in (1, 5, 2, 3, 4)]


def test_all_that_is_advised_is_said(tmp_path: Path) -> None:
    write_water(tmp_path, [parcel(2)])
    with open_work_desk(tmp_path) as desk:
        page = desk.visitor("feng", language="zh").get("/parcels").text
    for said in (
        *("近日需灌", "2 号园：今天灌水 34 毫米。", "明日高温 37 °C。"),
        *("34 毫米", "425 立方米", "22.7 立方米/亩", "3 小时 33 分", "2024年5月3日"),
        *("未来三天无雨。", "轻旱", "2024年4月15日，40 毫米", "沃柑"),
        *("1.25 公顷（18.8 亩）", "可信度 32%", "与雨量不符"),
        "缺水 62.0 毫米；缺到 58.0 毫米开始受旱，105.0 毫米萎蔫",
        "本次对准的探头：2 号探头",
    ):
        assert said in page


def test_advice_that_is_late_or_old_says_so(tmp_path: Path) -> None:
    past = (NIGHT - timedelta(days=1)).isoformat()
    write_water(tmp_path, [parcel(2, latest=past)], NIGHT - timedelta(days=4))
    with open_work_desk(tmp_path) as desk:
        page = desk.visitor("feng").get("/parcels").text
    assert "30 Apr 2024 (past: as soon as possible)" in page
    assert "This advice is from 5 days ago" in page


def test_no_advice_says_why(tmp_path: Path) -> None:
    nothing = dict.fromkeys(
        ("amount_mm", "amount_m3", "m3_per_mu", "minutes", "latest", "depletion_mm")
    )
    bare = parcel(4, id="p2", days=[], sensors=[], reasons=[], notices=[], **nothing)
    write_water(tmp_path, [bare | {"zh": "没有气象数据。", "light": "purple"}])
    with open_work_desk(tmp_path) as desk:
        page = desk.visitor("feng", language="zh").get("/parcels").text
    assert "没有气象数据。" in page
    assert "暂无建议" in page
    assert "<svg" not in page
    assert "没有探头" in page


def test_names_and_sentences_are_text(tmp_path: Path) -> None:
    probe = {"id": PAYLOAD, "name": PAYLOAD, "trust": 0.5, "zh": PAYLOAD, "en": PAYLOAD}
    hostile = parcel(
        2,
        name_zh=PAYLOAD,
        name_en=PAYLOAD,
        en=PAYLOAD,
        crop=PAYLOAD,
        drought_en=PAYLOAD,
        sensors=[probe],
        readings=[PAYLOAD],
        reasons=[{"zh": PAYLOAD, "en": PAYLOAD}],
        notices=[{"zh": PAYLOAD, "en": PAYLOAD}],
    )
    write_water(tmp_path, [hostile])
    with open_work_desk(tmp_path) as desk:
        page = desk.visitor("feng").get("/parcels").text
    assert "<img src=x" not in page
    assert page.count("&lt;img src=x onerror=alert(1)&gt;") >= 8
    assert "{{7*7}}" in page  # and not 49


def test_nothing_yet_and_files_that_cannot_be_read(tmp_path: Path) -> None:
    with open_work_desk(tmp_path) as desk:
        rui, feng = desk.visitor("rui"), desk.visitor("feng")
        assert "No advice on any parcel yet" in rui.get("/parcels").text
        account = desk.store.desk.account("feng")
        assert account is not None
        desk.store.desk.change_account(account.patch(parcels=()))
        desk.site.sessions.forget("feng")
        assert "No parcel is registered" in feng.get("/parcels").text
        write_water(tmp_path, [parcel(2)])
        assert texts(rui.get("/parcels").text, "h2") == ["Orchard 2"]
        path = tmp_path / PIPELINE / "water" / f"{NIGHT}.json"
        for broken in (
            *("{", '{"night": "2024-05-01"}', "[]", '{"parcels": 3}'),
            '{"night": "2024-05-01", "parcels": [{"id": "p2"}], "notes": []}',
        ):
            path.write_text(broken, encoding="utf-8")
            answer = rui.get("/parcels")
            assert answer.status_code == 200
            assert "cannot be read" in answer.text


def test_lights_narrow_the_list_and_pages_follow(tmp_path: Path) -> None:
    write_water(tmp_path, [parcel(n) for n in range(1, 51)])
    with open_work_desk(tmp_path) as desk:
        rui = desk.visitor("rui")
        first = rui.get("/parcels").text
        assert len(texts(first, "article")) == 20
        assert 'href="/parcels?page=1"' in first
        last = rui.get("/parcels?page=2").text
        assert len(texts(last, "article")) == 10
        red = rui.get("/parcels?light=red").text
        assert len(texts(red, "article")) == 13
        assert rui.get("/parcels?light=x&page=-3").status_code == 200
        assert "No parcel of this kind" in rui.get("/parcels?page=99").text
        assert rui.get("/parcels?page=x").status_code == 422


def _day(number: int, depletion: float | None, **changes: object) -> dict[str, object]:
    day = (NOW + timedelta(days=number)).date().isoformat()
    return {"day": day, "depletion_mm": depletion, "raw_mm": 50.0, "taw_mm": 100.0} | (
        changes
    )


def test_a_drawing_by_hand() -> None:
    """Four days over 324 units: 81 each; 100 mm over 120 units."""
    chart = draw_water(
        [
            _day(0, 0.0),
            _day(1, 50.0, rain_mm=5.0),
            _day(2, 100.0, rain_mm=2.0, irrigation_mm=20.0),
            _day(3, 25.0, forecast=True),
        ]
    )
    assert chart is not None
    assert chart.past == "M70.5 8L151.5 68L232.5 128"
    assert chart.ahead == "M232.5 128L313.5 38"
    assert chart.today == 232.5
    assert chart.most_mm == 20.0
    heights = [(bar.kind, bar.height) for bar in chart.bars]
    assert heights[0] == ("rain", 8.5)  # 5 of 20 mm over 34 units
    assert [(t.at, t.text) for t in chart.up] == [
        *((8.0, "0"), (38.0, "25"), (68.0, "50"), (98.0, "75"), (128.0, "100"))
    ]


def test_a_day_without_weather_parts_the_curve() -> None:
    chart = draw_water([_day(0, 1.0), _day(1, None), _day(2, 2.0), _day(3, 3.0)])
    assert chart is not None
    assert chart.past.count("M") == 2


@pytest.mark.parametrize("days", [[], [_day(0, None)], [_day(0, 3.0)]])
def test_nothing_to_draw(days: list[dict[str, object]]) -> None:
    assert draw_water(days) is None


def test_bars_stay_in_their_place() -> None:
    chart = draw_water([_day(0, 1, rain_mm=90, irrigation_mm=90), _day(1, 1)])
    assert chart is not None
    assert all(bar.y >= 138 and bar.y + bar.height <= 172 for bar in chart.bars)
    assert all(0 <= bar.x <= WIDTH for bar in chart.bars)
    assert max(tick.at for tick in chart.up) < HEIGHT
