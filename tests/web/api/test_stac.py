"""Rasters as STAC: by a client of others, over a real server, and by hostile hands."""

import threading
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pystac
import pystac_client
import pytest
import rasterio
import uvicorn
from tests.web.api.asking import issue, program
from tests.web.desks import NIGHT, Desk
from tests.web.pages.work import GRID, PIPELINE, TILE, open_work_desk

from agroforest.core.account import Right
from agroforest.cube import write_cog, write_item
from agroforest.web.serve import open_socket

pytestmark = pytest.mark.enable_socket

DAYS = [NIGHT - timedelta(days=5 * n) for n in range(7)]
INSIDE, OUTSIDE = [108.2, 22.28, 108.22, 22.3], [10.0, 10.0, 11.0, 11.0]


def _write(work: Path, kind: str, name: str, day: date, other: str = TILE) -> None:
    path = work / PIPELINE / kind / other / f"{other}_{day}_{name}.tif"
    path.parent.mkdir(parents=True, exist_ok=True)
    write_cog(path, np.full((GRID.height, GRID.width), 5000, np.int16), GRID)
    moment = datetime(day.year, day.month, day.day, 3, 20, tzinfo=UTC)
    write_item(path, moment, title=name, properties={"agroforest:simulated": True})


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    path = tmp_path_factory.mktemp("stac")
    for day in DAYS:
        _write(path, "indices", "ndvi", day)
    _write(path, "risk", "canopy-stress-probability", NIGHT)
    (path / PIPELINE / "indices" / TILE / "damaged.json").write_text("{")
    (path / "secret.tif").write_bytes(b"secret")
    hostile = path / PIPELINE / "indices" / TILE / "hostile.json"
    hostile.write_text(
        '{"type": "Feature", "id": "hostile", "stac_version": "1.1.0",'
        '"links": [], "bbox": [108, 22, 109, 23],'
        '"properties": {"datetime": "2020-01-01T00:00:00Z"}, "geometry": null,'
        '"assets": {"a": {"href": "../../../secret.tif"},'
        '"b": {"href": "/etc/passwd"}, "c": {"href": ".."}}}'
    )
    with open_work_desk(path, pipelines=False) as opened:
        yield opened


@pytest.fixture(scope="module")
def address(desk: Desk) -> Iterator[str]:
    config = uvicorn.Config(desk.app, log_level="warning", lifespan="off")
    server = uvicorn.Server(config)
    with open_socket("127.0.0.1", 0) as door:
        runner = threading.Thread(target=server.run, kwargs={"sockets": [door]})
        runner.start()
        yield f"http://127.0.0.1:{door.getsockname()[1]}"
        server.should_exit = True
        runner.join()


def _connect(desk: Desk, address: str, *scopes: Right) -> pystac_client.Client:
    headers = {"Authorization": f"Bearer {issue(desk, 'rui', *scopes)}"}
    return pystac_client.Client.open(f"{address}/stac", headers=headers)


def _day(item: pystac.Item) -> date:
    assert item.datetime is not None
    return item.datetime.date()


def test_a_client_of_others_finds_everything(desk: Desk, address: str) -> None:
    client = _connect(desk, address)
    for kind in ("CORE", "COLLECTIONS", "ITEM_SEARCH", "FEATURES"):
        assert client.conforms_to(kind)
    names = {each.id for each in client.get_collections()}
    assert names == {f"{PIPELINE}-indices", f"{PIPELINE}-risk"}
    collection = client.get_collection(f"{PIPELINE}-indices")
    assert collection is not None
    assert len(list(collection.get_items())) == len(DAYS) + 1
    (interval,) = collection.extent.temporal.intervals
    assert interval[1] is not None
    assert interval[1].date() == NIGHT


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_search_narrows_and_pages(desk: Desk, address: str, method: str) -> None:
    client = _connect(desk, address)
    own: dict[str, Any] = {"collections": [f"{PIPELINE}-indices"], "method": method}
    found = client.search(**own, bbox=INSIDE, datetime="2024-01-01/..", limit=2)
    days = [_day(item) for item in found.items()]
    assert days == DAYS
    assert not list(client.search(**own, bbox=OUTSIDE).items())
    since = DAYS[2].isoformat()
    recent = client.search(**own, datetime=f"{since}/{NIGHT}")
    assert [_day(item) for item in recent.items()] == DAYS[:3]
    (one,) = client.search(method=method, ids=[f"{TILE}_{NIGHT}_ndvi"]).items()
    assert one.collection_id == f"{PIPELINE}-indices"
    around = {"type": "Point", "coordinates": [108.21, 22.31]}
    assert len(list(client.search(**own, intersects=around).items())) >= len(DAYS)


def test_an_item_leads_to_its_raster(desk: Desk, address: str) -> None:
    client = _connect(desk, address)
    (item,) = client.search(ids=[f"{TILE}_{NIGHT}_ndvi"]).items()
    href = item.assets["data"].href
    assert href.startswith(address)
    token = issue(desk, "rui")
    with (
        rasterio.Env(
            GDAL_HTTP_HEADERS=f"Authorization: Bearer {token}",
            GDAL_DISABLE_READDIR_ON_OPEN="EMPTY_DIR",
            CPL_VSIL_CURL_ALLOWED_EXTENSIONS=".tif",
        ),
        rasterio.open(f"/vsicurl/{href}") as raster,
    ):
        assert (raster.width, raster.height) == (GRID.width, GRID.height)
        assert raster.read(1)[5, 7] == 5000


def test_parts_of_a_raster_are_handed_out(desk: Desk) -> None:
    rui = program(desk, "rui")
    path = f"/stac/collections/{PIPELINE}-indices/items/{TILE}_{NIGHT}_ndvi"
    href = rui.get(path).json()["assets"]["data"]["href"]
    whole = rui.get(href)
    part = rui.get(href, headers={"Range": "bytes=2-9"})
    assert part.status_code == 206
    assert part.content == whole.content[2:10]
    assert whole.headers["accept-ranges"] == "bytes"
    assert rui.head(href).headers["content-length"] == str(len(whole.content))
    far = rui.get(href, headers={"Range": "bytes=99999999-"})
    assert far.status_code == 416


def test_risk_is_for_who_may_see_exact_places(desk: Desk) -> None:
    vera, rui = program(desk, "vera"), program(desk, "rui")
    name = f"{TILE}_{NIGHT}_canopy-stress-probability"
    item = f"/stac/collections/{PIPELINE}-risk/items/{name}"
    href = rui.get(item).json()["assets"]["data"]["href"]
    assert rui.get(href).status_code == 200
    for path in (f"/stac/collections/{PIPELINE}-risk", item, href):
        assert vera.get(path).status_code == 404
    assert "risk" not in vera.get("/stac/search?limit=500").text
    assert "risk" not in vera.get("/stac").text
    for name in ("/stac", "/stac/search", "/stac/conformance", href):
        assert program(desk, "feng").get(name).status_code == 403
        assert desk.visitor().client.get(name).status_code == 401


def test_nothing_is_handed_out_but_what_lies_beside_its_item(desk: Desk) -> None:
    rui = program(desk, "rui")
    folder = f"/stac/assets/{PIPELINE}-indices"
    item = rui.get(f"/stac/collections/{PIPELINE}-indices/items/hostile").json()
    assert item["assets"] == {}
    for file in ("secret.tif", "..%2f..%2f..%2fsecret.tif", "passwd", "hostile.json"):
        for name in ("hostile", f"{TILE}_{NIGHT}_ndvi", "..%2f..%2fhostile"):
            assert rui.get(f"{folder}/{name}/{file}").status_code == 404


@pytest.mark.parametrize(
    "query",
    [
        *("bbox=1,2,3", "bbox=a,b,c,d", "bbox=nan,1,2,3", "bbox=1,9,2,8"),
        *("datetime=yesterday", "datetime=..%2F..", "datetime=2024-05-01"),
        *("token=x", "token=2024-05-01T00:00:00Z", "limit=0", "limit=501"),
        *("intersects=x", "intersects=[]", 'intersects={"type":"Point"}'),
        'bbox=1,2,3,4&intersects={"type":"Point","coordinates":[1,2]}',
        f"ids={'a' * 300}",
    ],
)
def test_what_cannot_be_searched_for_is_refused(desk: Desk, query: str) -> None:
    answer = program(desk, "rui").get(f"/stac/search?{query}")
    assert answer.status_code == 422, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
