"""Bulletins: made when asked for, kept where they belong, coarse."""

from datetime import timedelta
from pathlib import Path

import pytest
import shapely
from tests.web.desks import NIGHT, Desk
from tests.web.pages.work import PIPELINE, open_work_desk, write_report

from agroforest.core.county import Counties, County
from agroforest.store.records import RunRecord
from agroforest.web.access import Visit
from agroforest.web.pages import bulletins
from agroforest.web.pages.map_data import Ground
from agroforest.web.pages.runs_nights import Nights
from agroforest.web.words import Words

pytestmark = pytest.mark.slow  # a page takes seconds to set the first time


def run(desk: Desk) -> None:
    desk.store.record_night(
        run=RunRecord(
            pipeline=PIPELINE, night=NIGHT, config_digest="0" * 16, status="partial"
        )
    )


def test_a_bulletin_is_made_listed_and_read(tmp_path: Path) -> None:
    write_report(tmp_path, NIGHT, status="partial")
    with open_work_desk(tmp_path) as desk:
        run(desk)
        rui = desk.visitor("rui")
        assert "none yet" in rui.get("/bulletins").text
        answer = rui.post("/bulletins", page="/bulletins", county="450100")
        assert (answer.status_code, answer.headers["location"]) == (303, "/bulletins")
        page = rui.get("/bulletins").text
        address = f"/bulletins/450100/{NIGHT}.pdf"
        assert f'href="{address}"' in page
        assert "Make that of 1 May 2024 again" in page
        pdf = desk.visitor("vera").get(address)
        assert pdf.headers["content-type"] == "application/pdf"
        assert pdf.content.startswith(b"%PDF")
        assert desk.visitor("feng").get(address).status_code == 403
        other = f"/bulletins/450100/{NIGHT - timedelta(days=1)}.pdf"
        assert rui.get(other).status_code == 404


def test_a_county_that_is_none_is_refused(tmp_path: Path) -> None:
    with open_work_desk(tmp_path) as desk:
        rui = desk.visitor("rui")
        for county in ("", "999999", "../../x"):
            answer = rui.post("/bulletins", page="/bulletins", county=county)
            assert answer.status_code == 404
    assert not (tmp_path / "bulletins").exists()


def test_a_code_that_is_a_path_stays_in_its_folder(tmp_path: Path) -> None:
    code = "../../etc"
    box = shapely.box(108.0, 22.0, 109.0, 23.0)
    hostile = Counties([County(code=code, name_zh="县", name_en="x", geometry=box)])
    with open_work_desk(tmp_path, counties=hostile) as desk:
        rui = desk.visitor("rui")
        answer = rui.post("/bulletins", page="/bulletins", county=code)
        assert answer.status_code == 303
    (kept,) = (tmp_path / "bulletins").glob("*/*.pdf")
    assert kept.parent.parent == tmp_path / "bulletins"
    assert kept.resolve().is_relative_to(tmp_path)


def test_what_is_printed_is_coarse_and_says_what_is_missing(tmp_path: Path) -> None:
    write_report(tmp_path, NIGHT, status="partial", quarantined=[{}, {}])
    with open_work_desk(tmp_path) as desk:
        run(desk)
        visit = Visit(site=desk.site, caller=None, words=Words("zh"), csrf="")
        nights = Nights(desk.site, tmp_path)
        found = bulletins.build_bulletin(
            desk.site,
            nights,
            Ground(bureau=desk.site.bureau),
            code="450100",
            name=("兴宁区", "Xingning"),
            night=bulletins.find_night(nights, visit),
        )
    assert found.night == NIGHT
    assert found.simulated
    assert len(found.cases) == 12
    assert not found.county.outline.is_empty
    assert len(found.county.neighbours) == 1
    for case in found.cases:
        for degrees in shapely.get_coordinates(case.geometry).ravel():
            assert 100 * degrees == pytest.approx(round(100 * degrees))
    assert [note[0] for note in found.notes] == [
        "gaofeng：当夜部分图幅未完成",
        "gaofeng：2 个输入被隔离",
    ]
