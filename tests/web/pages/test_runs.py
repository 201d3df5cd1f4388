"""The page of nights: what each did and lacked."""

from datetime import timedelta
from pathlib import Path

from tests.web.desks import NIGHT
from tests.web.pages.work import PAYLOAD, PIPELINE, open_work_desk, write_report


def test_a_night_with_its_gaps(tmp_path: Path) -> None:
    tiles = [
        {"tile": "a", "error": PAYLOAD, "days_without_clear_view": None},
        {"tile": "b", "error": None, "days_without_clear_view": 31},
        {"tile": "c", "error": None, "days_without_clear_view": 30},
    ]
    write_report(
        tmp_path,
        NIGHT,
        status="partial",
        tiles=tiles,
        tiles_watched=5,
        unread=[{}, {}, {}],
        quarantined=[{}, {}],
        notes=["x"],
        seconds=1234.56,
    )
    with open_work_desk(tmp_path) as desk:
        page = desk.visitor("rui").get("/runs").text
    for said in (
        *("partly done", "3 / 5", "1,234.6", "1 tiles failed", "2 inputs put aside"),
        "storage did not deliver 3 files of scenes",
        "1 tiles without a clear image for over 30 days",
        "a rule judged, not the model",
        "1 May 2024 (yesterday)",
    ):
        assert said in page
    assert PAYLOAD not in page


def test_a_night_that_its_budget_stopped(tmp_path: Path) -> None:
    aside = [{"tile": "t1"}]
    write_report(tmp_path, NIGHT, status="stopped", left_out=aside * 3, set_aside=aside)
    with open_work_desk(tmp_path) as desk:
        page = desk.visitor("rui").get("/runs").text
    for said in ("stopped by its budget", "3 tiles left out", "1 tiles set aside"):
        assert said in page


def test_nights_come_newest_first_and_no_more_than_a_month(tmp_path: Path) -> None:
    for n in range(35):
        write_report(tmp_path, NIGHT - timedelta(days=n))
    (tmp_path / PIPELINE / "reports" / "2024-99-99.json").write_text("{}")
    with open_work_desk(tmp_path) as desk:
        page = desk.visitor("rui").get("/runs").text
    days = [f'datetime="{NIGHT - timedelta(days=n)}"' for n in range(35)]
    places = [page.find(day) for day in days]
    assert places[:30] == sorted(places[:30])
    assert min(places[:30]) > 0
    assert set(places[30:]) == {-1}


def test_a_damaged_report_spoils_no_page(tmp_path: Path) -> None:
    write_report(tmp_path, NIGHT)
    path = tmp_path / PIPELINE / "reports" / f"{NIGHT}.json"
    with open_work_desk(tmp_path) as desk:
        rui = desk.visitor("rui")
        assert "done" in rui.get("/runs").text
        for broken in ("{", "{}", "[]", '{"tiles": 3}'):
            path.write_text(broken, encoding="utf-8")
            answer = rui.get("/runs")
            assert answer.status_code == 200
            assert "report unreadable" in answer.text


def test_without_settings_folders_of_nights_are_shown(tmp_path: Path) -> None:
    write_report(tmp_path, NIGHT)
    (tmp_path / "catalog").mkdir()
    (tmp_path / "UPPER" / "reports").mkdir(parents=True)
    with open_work_desk(tmp_path, pipelines=False) as desk:
        rui = desk.visitor("rui")
        page = rui.get("/runs").text
        assert f"/runs/{PIPELINE}/{NIGHT}/report.html" in page
        assert "UPPER" not in page
        assert rui.get(f"/runs/UPPER/{NIGHT}/report.html").status_code == 404


def test_a_desk_shows_its_own_pipelines_alone(tmp_path: Path) -> None:
    write_report(tmp_path, NIGHT)
    (tmp_path / PIPELINE).rename(tmp_path / "others")
    with open_work_desk(tmp_path) as desk:
        rui = desk.visitor("rui")
        assert "No night has run yet" in rui.get("/runs").text
        assert rui.get(f"/runs/others/{NIGHT}/report.html").status_code == 404
