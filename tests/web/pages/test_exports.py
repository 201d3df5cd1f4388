"""Exports: what matches, in every format, exact or coarse by role."""

import csv
import io
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import shapely
from tests.web.desks import Desk, Visitor, build_alerts
from tests.web.pages.work import open_work_desk

from agroforest.publish.vectors import Format
from agroforest.web.pages import exports

EXACT = {alert.id: alert.geometry for alert in build_alerts()}


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with open_work_desk(tmp_path_factory.mktemp("work")) as opened:
        yield opened


def read(visitor: Visitor, query: str) -> list[dict[str, Any]]:
    answer = visitor.get(f"/exports/cases?format=geojson&{query}")
    assert answer.status_code == 200
    found: list[dict[str, Any]] = json.loads(answer.content)["features"]
    return found


@pytest.mark.parametrize("kind", Format)
def test_every_format(desk: Desk, kind: Format) -> None:
    answer = desk.visitor("rui").get(f"/exports/cases?format={kind}")
    assert answer.status_code == 200
    assert answer.headers["content-type"].split(";")[0] == kind.media_type.split(";")[0]
    named = answer.headers["content-disposition"]
    assert named == f'attachment; filename="alerts_2024-05-02{kind.suffix}"'
    assert len(answer.content) > 500


def test_places_are_exact_for_those_who_may(desk: Desk) -> None:
    for each in read(desk.visitor("rui"), ""):
        shape = shapely.from_geojson(json.dumps(each["geometry"]))
        outline = EXACT[each["properties"]["id"]]
        assert shape.symmetric_difference(outline).area < 1e-3 * outline.area


@pytest.mark.parametrize(
    ("name", "query"),
    [("vera", "places=exact"), ("vera", ""), ("rui", "places=coarse")],
)
def test_and_coarse_for_others(desk: Desk, name: str, query: str) -> None:
    found = read(desk.visitor(name), query)
    assert len(found) == 12
    for each in found:
        shape = shapely.from_geojson(json.dumps(each["geometry"]))
        assert shape.area > 0.99e-4
        assert "coarsened" in each["properties"]["note"]
        assert not each["properties"]["places"]


def test_filters_hold_and_simulated_is_said(desk: Desk) -> None:
    rui = desk.visitor("rui")
    found = read(rui, "hazard=canopy-loss&least_ha=10")
    assert {each["properties"]["hazard"] for each in found} == {"canopy-loss"}
    page = rui.get("/exports?hazard=canopy-loss&least_ha=10").text
    assert f"Matching: {len(found)} alerts" in page
    assert '<input type="hidden" name="hazard" value="canopy-loss">' in page
    assert all("simulated" in each["properties"]["note"] for each in found)
    assert read(rui, "stage=closed") == []


def test_a_table_for_spreadsheets_has_its_mark(desk: Desk) -> None:
    content = desk.visitor("rui").get("/exports/cases?format=csv").content
    assert content.startswith(b"\xef\xbb\xbf")
    rows = list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"))))
    assert len(rows) == 12


def test_nothing_is_left_behind(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    rui = desk.visitor("rui")
    answer = rui.get("/exports/cases?format=csv")
    assert len(answer.content) == int(answer.headers["content-length"])
    assert list(tmp_path.iterdir()) == []


def test_too_many_at_once_are_told_to_wait(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    rui = desk.visitor("rui")
    asked: list[int] = []
    answers: list[int] = []

    def ask_within(*args: Any, **kwargs: Any) -> Any:
        asked.append(0)
        if len(asked) < 3:
            answers.append(rui.get("/exports/cases?format=csv").status_code)
        return found(*args, **kwargs)

    found = exports.find_cases
    monkeypatch.setattr(exports, "find_cases", ask_within)
    assert rui.get("/exports/cases?format=csv").status_code == 200
    assert sorted(answers) == [200, 429]
    assert rui.get("/exports/cases?format=csv").status_code == 200  # room again
