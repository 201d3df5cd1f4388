"""Who may see what of the work folder: every address, every role."""

from collections.abc import Iterator

import pytest
from tests.web.desks import NIGHT, PEOPLE, Desk, Visitor
from tests.web.pages.work import (
    add_sensors,
    open_work_desk,
    parcel,
    write_rasters,
    write_report,
    write_water,
)

SEEING = {"vera", "rui", "ren", "sun", "ada"}
EXACT = SEEING - {"vera"}
#: By address: who gets an answer. Others are refused.
ADDRESSES = {
    "/map": SEEING,
    "/map/alerts.json?box=108,22,109,23": SEEING,
    "/map/ground.json": SEEING,
    "/parcels": set(PEOPLE),
    "/runs": SEEING,
    f"/runs/gaofeng/{NIGHT}/report.html": EXACT,
    f"/runs/gaofeng/{NIGHT}/map.html": EXACT,
    "/sensors": SEEING,
    "/models": SEEING,
    "/bulletins": SEEING,
    "/exports": SEEING,
    "/exports/cases?format=geojson": SEEING,
    "/tiles/WMTSCapabilities.xml": SEEING,
    "/tiles/gaofeng/ndvi/style.qml": SEEING,
    f"/tiles/gaofeng/ndvi/{NIGHT}/10/819/446.png": SEEING,
}


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    work = tmp_path_factory.mktemp("work")
    write_water(work, [parcel(n) for n in range(1, 6)])
    write_report(work, NIGHT)
    write_rasters(work)
    with open_work_desk(work) as opened:
        add_sensors(opened.store)
        yield opened


@pytest.fixture(scope="module")
def visitors(desk: Desk) -> dict[str, Visitor]:
    return {name: desk.visitor(name) for name in PEOPLE}


@pytest.mark.parametrize("path", ADDRESSES)
@pytest.mark.parametrize("name", PEOPLE)
def test_by_role(visitors: dict[str, Visitor], name: str, path: str) -> None:
    expected = 200 if name in ADDRESSES[path] else 403
    assert visitors[name].get(path).status_code == expected


@pytest.mark.parametrize("path", ADDRESSES)
def test_nobody_sees_anything_without_logging_in(desk: Desk, path: str) -> None:
    answer = desk.visitor().get(path)
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/login")
    plain = desk.visitor().client.get(path, headers={"accept": "application/json"})
    assert plain.status_code == 401


def test_a_map_of_risk_is_for_who_may_see_exact_places(
    visitors: dict[str, Visitor],
) -> None:
    path = f"/tiles/gaofeng/canopy-stress/{NIGHT}/10/819/446.png"
    assert visitors["rui"].get(path).status_code == 200
    assert visitors["vera"].get(path).status_code == 404
    listed = visitors["vera"].get("/map").text
    assert "NDVI" in listed
    assert "/tiles/gaofeng/canopy-stress/" not in listed
    assert "/tiles/gaofeng/canopy-stress/" in visitors["rui"].get("/map").text


@pytest.mark.parametrize("name", ["vera", "feng"])
def test_only_reviewers_make_bulletins(
    visitors: dict[str, Visitor], name: str, desk: Desk
) -> None:
    answer = visitors[name].post("/bulletins", page="/parcels", county="450100")
    assert answer.status_code == 403
    assert not (desk.site.bureau.pipelines["gaofeng"].aoi.parent / "bulletins").exists()


def test_a_farmer_is_shown_no_way_to_what_they_may_not_see(
    visitors: dict[str, Visitor],
) -> None:
    page = visitors["feng"].get("/parcels").text
    assert 'href="/parcels"' in page
    for path in ("/map", "/runs", "/sensors", "/models", "/queue"):
        assert f'href="{path}"' not in page


def test_pages_of_a_night_are_shut_off_from_the_desk(
    visitors: dict[str, Visitor],
) -> None:
    answer = visitors["rui"].get(f"/runs/gaofeng/{NIGHT}/map.html")
    (policy,) = answer.headers.get_list("content-security-policy")
    assert policy.startswith("sandbox allow-scripts;")
    assert "allow-same-origin" not in policy
    assert "connect-src" not in policy  # so "default-src 'none'" holds for it
    assert "default-src 'none'" in policy
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    "path",
    [
        "/runs/gaofeng/2024-05-01/secret.html",
        "/runs/gaofeng/2023-01-01/map.html",
        "/runs/other/2024-05-01/map.html",
        "/runs/..%2Fgaofeng/2024-05-01/map.html",
        "/runs/gaofeng/..%2F2024-05-01/map.html",
        "/bulletins/..%2F..%2Fgaofeng/2024-05-01.pdf",
        "/map/assets/map.js",
        "/map/assets/..%2Fwords.js",
        "/exports/cases?format=exe",
        "/exports/cases",
    ],
)
def test_only_what_is_ours_is_served(visitors: dict[str, Visitor], path: str) -> None:
    assert visitors["ada"].get(path).status_code in {404, 422}
