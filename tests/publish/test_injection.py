"""Nothing that a name holds does anything in what leaves the desk."""

import json
from datetime import date, timedelta, timezone
from pathlib import Path
from xml.etree import ElementTree

import openpyxl
import pandas as pd
import pytest
import shapely
from tests.maps.conftest import PAYLOADS
from tests.publish.cases import START, Life, burn, make_case, make_facts

from agroforest.publish.bulletin import ROWS, Bulletin, County, render_bulletin
from agroforest.publish.cap import Sender, build_messages
from agroforest.publish.rows import Manner
from agroforest.publish.vectors import Format, write_cases

_ACTIVE = (
    b"/JavaScript",
    b"/JS",
    b"/Launch",
    b"/OpenAction",
    b"/URI",
    b"/EmbeddedFile",
)
_OUTLINE = shapely.box(108, 22, 109, 24)


def _burn(name: str) -> Life:
    event = make_facts().event.patch(county=(name, name), township=(name, name))
    return burn(event=event, gate_zh=name, gate_en=name)


def test_there_are_forty_of_them() -> None:
    assert len(set(PAYLOADS)) >= 40


@pytest.mark.parametrize("start", range(0, len(PAYLOADS), ROWS))
def test_a_bulletin_prints_them_and_obeys_none(start: int) -> None:
    shown = PAYLOADS[start : start + ROWS]
    page = render_bulletin(
        Bulletin(
            county=County(
                name=(shown[0], shown[-1]), outline=shapely.box(108, 22, 109, 24)
            ),
            night=date(2024, 5, 1),
            issued=START.astimezone(timezone(timedelta(hours=8))),
            publisher=(shown[-1], shown[0]),
            cases=[make_case(f"c{n}", places=(f"p{n}",)) for n in range(len(shown))],
            places={f"p{n}": (name, name) for n, name in enumerate(shown)},
            notes=[(name, name) for name in shown],
        )
    )
    assert page.count(b"/Type/Page/") == 1
    assert not [mark for mark in _ACTIVE if mark in page]


@pytest.mark.parametrize("payload", PAYLOADS)
def test_cap_holds_them_as_text(payload: str) -> None:
    plain, hostile = (
        build_messages(
            _burn(name).history(),
            Sender(
                id="a@forestry.example",
                name=(name, name),
                contact=name,
                link="https://forestry.example/alerts",
            ),
        )
        for name in ("Wuming", payload)
    )
    for one, other in zip(plain, hostile, strict=True):
        assert b"<!DOCTYPE" not in other.xml
        assert b"<!ENTITY" not in other.xml
        trees = [ElementTree.fromstring(m.xml) for m in (one, other)]  # noqa: S314
        assert [e.tag for e in trees[0].iter()] == [e.tag for e in trees[1].iter()]


def test_a_spreadsheet_runs_none_of_them(tmp_path: Path) -> None:
    cases = [
        make_case(f"c{n}", county=("450110", name, name), places=(name,), pipeline=name)
        for n, name in enumerate(PAYLOADS)
    ]
    path, book = tmp_path / "cases.csv", tmp_path / "book.xlsx"
    assert write_cases(path, cases, manner=Manner(exact=True)) == len(PAYLOADS)
    table = pd.read_csv(path, dtype=str, keep_default_na=False)
    assert len(table) == len(PAYLOADS)
    table.to_excel(book, index=False, engine="openpyxl")
    for cells in openpyxl.load_workbook(book).active.iter_rows():
        assert all(cell.data_type != "f" for cell in cells)


@pytest.mark.parametrize("form", [Format.KML, Format.GPX, Format.GEOJSON])
def test_files_of_markup_hold_them_as_text(tmp_path: Path, form: Format) -> None:
    path = tmp_path / f"cases{form.suffix}"
    cases = [
        make_case(f"c{n}", county=("450110", name, name), places=(name,))
        for n, name in enumerate(PAYLOADS)
    ]
    write_cases(path, cases, manner=Manner(exact=True), format=form)
    text = path.read_text(encoding="utf-8")
    if form is Format.GEOJSON:
        assert len(json.loads(text)["features"]) == len(PAYLOADS)
        return
    tree = ElementTree.fromstring(text)  # noqa: S314  our own
    names = {e.tag.rpartition("}")[2].lower() for e in tree.iter()}
    assert not names & {"script", "img", "svg", "iframe", "a", "link", "meta", "base"}
