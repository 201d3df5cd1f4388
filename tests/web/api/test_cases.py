"""Cases over JSON: for whom, how exactly, and who was first."""

from collections.abc import Iterator
from typing import Any

import pytest
from tests.web.desks import Desk, Visitor, open_desk

from agroforest.core.review import Act
from agroforest.review.commands import ACTS
from agroforest.web.api import cases as module
from agroforest.web.api.shapes import ActForm

pytestmark = pytest.mark.enable_socket

API = "/api/v1/cases"


@pytest.fixture
def desk(tmp_path: Any) -> Iterator[Desk]:
    with open_desk(tmp_path) as opened:
        yield opened


def _rows(visitor: Visitor, query: str = "") -> list[dict[str, Any]]:
    answer = visitor.get(f"{API}{query}")
    assert answer.status_code == 200, answer.text
    rows: list[dict[str, Any]] = answer.json()["cases"]
    return rows


def _post(visitor: Visitor, case: str, **form: object) -> Any:
    csrf = visitor.csrf()
    headers = {"X-CSRF-Token": csrf, "Origin": "http://127.0.0.1"}
    return visitor.client.post(f"{API}/{case}/acts", json=form, headers=headers)


def test_nobody_sees_nothing(desk: Desk) -> None:
    answer = desk.visitor().get(API)
    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/problem+json"
    assert desk.visitor("feng").get(API).status_code == 403


def test_pages_follow_each_other_and_hold_every_case_once(desk: Desk) -> None:
    visitor = desk.visitor("rui")
    everything = [row["id"] for row in _rows(visitor, "?limit=500")]
    assert len(everything) == len(set(everything)) > 5
    seen: list[str] = []
    after = ""
    while True:
        page = visitor.get(f"{API}?limit=4&after={after}").json()
        seen += [row["id"] for row in page["cases"]]
        after = page["next"]
        if not after:
            break
    assert seen == everything


def test_every_filter_narrows(desk: Desk) -> None:
    visitor = desk.visitor("rui")
    rows = _rows(visitor, "?limit=500")
    one = rows[0]
    west, south, east, north = one["box"]
    for query in (
        f"hazard={one['hazard']}",
        f"county={one['county']['code']}",
        f"least_ha={one['area_ha']}",
        f"since={one['first_night']}",
        f"bbox={west},{south},{east},{north}",
        f"stage={one['stage']}&pipeline={one['pipeline']}",
    ):
        found = [row["id"] for row in _rows(visitor, f"?limit=500&{query}")]
        assert one["id"] in found
        assert set(found) <= {row["id"] for row in rows}
    assert _rows(visitor, "?verdict=confirmed") == []


def test_who_may_not_see_exact_places_sees_cells(desk: Desk) -> None:
    name = _rows(desk.visitor("rui"))[0]["id"]
    exact = desk.visitor("rui").get(f"{API}/{name}").json()
    coarse = desk.visitor("vera").get(f"{API}/{name}").json()
    assert (exact["exact"], coarse["exact"]) == (True, False)
    assert exact["geometry"] != coarse["geometry"]
    for ring in coarse["geometry"]["coordinates"]:
        for corner in ring[0]:
            assert all(abs(100 * c - round(100 * c)) < 1e-6 for c in corner)
    (row,) = [r for r in _rows(desk.visitor("vera")) if r["id"] == name]
    assert all(abs(100 * c - round(100 * c)) < 1e-6 for c in row["box"])
    west, south, east, north = row["box"]
    xs, ys = zip(*exact["geometry"]["coordinates"][0][0], strict=True)
    assert west <= min(xs) <= max(xs) <= east
    assert south <= min(ys) <= max(ys) <= north


def test_an_act_is_done_once_and_the_late_one_is_told_who_was_first(
    desk: Desk,
) -> None:
    first, late = desk.visitor("rui"), desk.visitor("ren")
    one = _rows(first, "?stage=pre-screen")[0]
    done = _post(first, one["id"], act="pass", version=one["version"])
    assert done.status_code == 200, done.text
    assert done.json()["stage"] == "verdict"
    assert done.json()["version"] == one["version"] + 1
    again = _post(
        late, one["id"], act="dismiss", reason="cloud", version=one["version"]
    )
    assert again.status_code == 409
    assert "rui" in again.json()["detail"]
    steps = first.get(f"{API}/{one['id']}/steps").json()
    assert [s["act"] for s in steps][-1] == "pass"


@pytest.mark.parametrize(
    ("form", "word"),
    [
        ({"act": "dismiss"}, "reason"),
        ({"act": "dismiss", "reason": "other"}, "note"),
        ({"act": "confirm", "reason": "cloud"}, "reason"),
        ({"act": "approve"}, ""),
        ({"act": "merge"}, "others"),
        ({"act": "sample"}, "sampling"),
        ({"act": "split", "line": [[1, 2]]}, "line"),
        ({"act": "pass", "nonsense": 1}, "nonsense"),
        ({"act": "open"}, "act"),
    ],
)
def test_what_cannot_be_done_is_refused_by_name(
    desk: Desk, form: dict[str, object], word: str
) -> None:
    visitor = desk.visitor("rui")
    one = _rows(visitor, "?stage=pre-screen")[0]
    answer = _post(visitor, one["id"], version=one["version"], **form)
    assert answer.status_code in {403, 422}
    assert answer.headers["content-type"] == "application/problem+json"
    assert word in answer.text
    assert visitor.get(f"{API}/{one['id']}").json()["version"] == one["version"]


def test_a_page_elsewhere_cannot_act(desk: Desk) -> None:
    visitor = desk.visitor("rui")
    one = _rows(visitor)[0]
    answer = visitor.client.post(
        f"{API}/{one['id']}/acts",
        json={"act": "pass", "version": one["version"]},
        headers={"Origin": "http://evil.example"},
    )
    assert answer.status_code == 403


@pytest.mark.parametrize(
    "query",
    ["bbox=1,2,3", "bbox=5,5,1,1", "bbox=a,b,c,d", "limit=0", "stage=x", "after=x"],
)
def test_what_cannot_be_asked_is_refused(desk: Desk, query: str) -> None:
    answer = desk.visitor("rui").get(f"{API}?{query}")
    assert answer.status_code == 422
    assert desk.visitor("rui").get(f"{API}/nobody").status_code == 404
    assert desk.visitor("rui").get(f"{API}/nobody/steps").status_code == 404


def test_the_tally_counts_every_case(desk: Desk) -> None:
    visitor = desk.visitor("vera")
    counted = visitor.get(f"{API}/tally").json()
    assert sum(c["cases"] for c in counted) == len(_rows(visitor, "?limit=500"))


def test_every_act_of_a_person_can_be_asked_for() -> None:
    offered = set(ActForm.model_json_schema()["properties"]["act"]["enum"])
    assert offered == {str(act) for act in ACTS.values()}
    assert set(module._READERS) == set(ACTS.values())
    assert Act.OPEN not in module._READERS
