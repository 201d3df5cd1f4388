"""Map tiles: right colours at the right place, for those who may see them."""

import math
import warnings
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from fastapi import FastAPI, HTTPException, Request
from fastapi.testclient import TestClient
from numpy.typing import NDArray
from rasterio.errors import NotGeoreferencedWarning
from rasterio.io import MemoryFile
from rasterio.warp import transform

from agroforest.core.grid import Grid
from agroforest.core.risk import Hazard
from agroforest.cube import write_cog
from agroforest.maps.qml import write_qml
from agroforest.maps.styles import find_style
from agroforest.web.tiles import Shelf, build_router
from agroforest.web.tiles import layers as module
from agroforest.web.tiles.pixels import SIZE
from agroforest.web.tiles.render import EMPTY, Drawer, encode
from agroforest.web.tiles.wmts import find_box

pytestmark = pytest.mark.enable_socket

ZOOM = 14
GRID = Grid(
    crs="EPSG:32649", left=234740, top=2543240, resolution=10, width=126, height=250
)
_RISK = "risk/49QBF-0810/49QBF-0810_2024-05-06_canopy-stress-probability.tif"


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """A tile whose NDVI rises from west to east, and a risk of 0.5 everywhere."""
    tile = "49QBF-0810"
    values = np.linspace(0, 9000, 126, dtype=np.int16)[None].repeat(250, 0)
    for day in ("2024-05-01", "2024-05-06"):
        path = tmp_path / "p" / "indices" / tile / f"{tile}_{day}_ndvi.tif"
        path.parent.mkdir(parents=True, exist_ok=True)
        write_cog(path, values, GRID)
    path = (
        tmp_path / "p/risk" / tile / f"{tile}_2024-05-06_canopy-stress-probability.tif"
    )
    path.parent.mkdir(parents=True)
    write_cog(path, np.full((250, 126), 5000, np.int16), GRID)
    return tmp_path


@pytest.fixture
def client(work: Path) -> TestClient:
    return _client(work, lambda _: True)


async def _admit(request: Request) -> None:
    if "x-nobody" in request.headers:
        raise HTTPException(403)


def _client(work: Path, may: Callable[[object], bool]) -> TestClient:
    app = FastAPI()
    app.include_router(
        build_router(Shelf(work, ["p"]), admit=_admit, may_see_exact=may)
    )
    return TestClient(app, base_url="http://desk.example")


def _find_tile(column: int, row: int, zoom: int) -> tuple[int, int, int, int]:
    """Tile and pixel in it that show the middle of a pixel of the grid."""
    east, north = 234740 + 10 * (column + 0.5), 2543240 - 10 * (row + 0.5)
    (longitude,), (latitude,) = transform(GRID.crs, "EPSG:4326", [east], [north])[:2]
    count = 1 << zoom
    x = (longitude + 180) / 360 * count
    y = (1 - math.asinh(math.tan(math.radians(latitude))) / math.pi) / 2 * count
    return int(x), int(y), int(x % 1 * SIZE), int(y % 1 * SIZE)


def _decode(png: bytes) -> NDArray[np.uint8]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        with MemoryFile(png) as memory, memory.open(driver="PNG") as image:
            table = image.colormap(1)
            codes = image.read(1)
    colors = np.array([table[n] for n in range(256) if n in table], np.uint8)
    pixels: NDArray[np.uint8] = colors[codes]
    return pixels


@pytest.mark.parametrize("column", [3, 60, 120])
def test_a_pixel_has_its_colour_where_it_lies(client: TestClient, column: int) -> None:
    x, y, right, down = _find_tile(column, 120, ZOOM)
    answer = client.get(f"/tiles/p/ndvi/2024-05-06/{ZOOM}/{x}/{y}.png")
    assert answer.headers["content-type"] == "image/png"
    style = find_style("ndvi")
    low, high = style.ends
    share = np.clip((9000 * column / 125 * 1e-4 - low) / (high - low), 0, 1)
    at = round(float(share) * (len(style.colors) - 1))
    # A neighbouring pixel is as right: a tile's pixel is smaller than the grid's.
    near = style.colors[max(0, at - 4) : at + 5].astype(int)
    found = _decode(answer.content)[down, right].astype(int)
    assert np.abs(near - found).max(axis=1).min() == 0


def test_outside_the_grid_is_nothing(client: TestClient) -> None:
    assert client.get(f"/tiles/p/ndvi/2024-05-06/{ZOOM}/0/0.png").content == EMPTY
    assert not _decode(EMPTY)[..., 3].any()


def test_each_place_shows_its_newest_day(client: TestClient, work: Path) -> None:
    x, y, right, down = _find_tile(60, 120, ZOOM)
    later = work / "p/indices/49QBF-0810/49QBF-0810_2024-05-06_ndvi.tif"
    later.unlink()
    path = f"/tiles/p/ndvi/2024-05-06/{ZOOM}/{x}/{y}.png"
    assert _decode(client.get(path).content)[down, right, 3] == 255
    early = client.get(path.replace("2024-05-06", "2024-04-30"))
    assert early.content == EMPTY


@pytest.mark.parametrize(
    "path",
    [
        *(
            "p/ndvi/2024-05-06/16/0/0",
            "p/ndvi/2024-05-06/3/8/0",
            "p/ndvi/2024-05-06/3/-1/0",
        ),
        *(
            "p/evi/2024-05-06/3/0/0",
            "q/ndvi/2024-05-06/3/0/0",
            "../p/ndvi/2024-05-06/3/0/0",
        ),
        *("p/ndvi/2024-13-06/3/0/0", "p/ndvi/now/3/0/0", "p/ndvi/2024-05-06/x/0/0"),
    ],
)
def test_what_is_not_there_is_refused(client: TestClient, path: str) -> None:
    assert client.get(f"/tiles/{path}.png").status_code in {404, 422}


@pytest.mark.parametrize(
    "path", ["p/ndvi/2024-05-06/3/6/3.png", "WMTSCapabilities.xml", "p/ndvi/style.qml"]
)
def test_who_is_not_admitted_sees_nothing(client: TestClient, path: str) -> None:
    assert client.get(f"/tiles/{path}").status_code == 200
    nobody = {"x-nobody": "1"}
    assert client.get(f"/tiles/{path}", headers=nobody).status_code == 403


def test_exact_risk_is_for_some(work: Path) -> None:
    path = "/tiles/p/canopy-stress/2024-05-06/3/6/3.png"
    assert _client(work, lambda _: True).get(path).status_code == 200
    other = _client(work, lambda _: False)
    assert other.get(path).status_code == 404
    assert other.get("/tiles/p/canopy-stress/style.qml").status_code == 404
    assert "canopy" not in other.get("/tiles/WMTSCapabilities.xml").text
    assert other.get("/tiles/p/ndvi/style.qml").status_code == 200


def test_a_tile_that_did_not_change_is_not_sent_again(
    client: TestClient, work: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    x, y, right, down = _find_tile(60, 120, ZOOM)
    path = f"/tiles/p/ndvi/2024-05-06/{ZOOM}/{x}/{y}.png"
    first = client.get(path)
    mark = {"If-None-Match": first.headers["etag"]}
    assert client.get(path, headers=mark).status_code == 304
    monkeypatch.setattr(module, "_FRESH_S", 0.0)
    file = work / "p/indices/49QBF-0810/49QBF-0810_2024-05-06_ndvi.tif"
    write_cog(file, np.full((250, 126), 10_000, np.int16), GRID)
    again = client.get(path, headers=mark)
    assert again.status_code == 200
    assert again.headers["etag"] != first.headers["etag"]
    top = find_style("ndvi").colors[-1]
    assert _decode(again.content)[down, right].tolist() == top.tolist()


def test_a_file_that_is_gone_or_broken_leaves_a_hole(
    client: TestClient, work: Path
) -> None:
    x, y, *_ = _find_tile(60, 120, ZOOM)
    path = f"/tiles/p/canopy-stress/2024-05-06/{ZOOM}/{x}/{y}.png"
    client.get("/tiles/WMTSCapabilities.xml")  # listed
    file = next((work / "p/risk/49QBF-0810").glob("*.tif"))
    file.write_bytes(file.read_bytes()[:700])
    assert client.get(path).content == EMPTY


def test_names_that_are_no_rasters_of_ours_are_no_layers(work: Path) -> None:
    folder = work / "p/indices/49QBF-0810"
    for name in ("49QBF_2024-05-06_nonsense.tif", "x.tif", "a_2024-05-06_ndvi.vrt"):
        (folder / name).write_bytes(b"")
    names = [layer.name for layer in Shelf(work, ["p"]).layers()]
    assert names == ["canopy-stress", "ndvi"]


def test_capabilities_lead_to_tiles(client: TestClient) -> None:
    tree = ElementTree.fromstring(client.get("/tiles/WMTSCapabilities.xml").content)  # noqa: S314
    space = {
        "w": "http://www.opengis.net/wmts/1.0",
        "o": "http://www.opengis.net/ows/1.1",
    }
    found = {
        layer.findtext("o:Identifier", "", space): layer
        for layer in tree.findall(".//w:Layer", space)
    }
    assert list(found) == ["p.canopy-stress", "p.ndvi"]
    layer = found["p.ndvi"]
    days = [v.text for v in layer.findall("w:Dimension/w:Value", space)]
    assert days == ["2024-05-06", "2024-05-01"]
    url = layer.find("w:ResourceURL", space).attrib["template"]  # type: ignore[union-attr]
    assert url.startswith("http://desk.example/tiles/p/ndvi/")
    x, y, *_ = _find_tile(60, 120, ZOOM)
    for name, value in {
        "Time": days[0],
        "TileMatrix": ZOOM,
        "TileCol": x,
        "TileRow": y,
    }.items():
        url = url.replace(f"{{{name}}}", str(value))
    assert len(client.get(url).content) > len(EMPTY)
    scales = [
        float(m.findtext("w:ScaleDenominator", "", space))
        for m in tree.findall(".//w:TileMatrix", space)
    ]
    assert scales[0] == pytest.approx(559082264.0287178)  # OGC 17-083r2, annex D.1
    assert scales[1] == pytest.approx(scales[0] / 2)


def test_a_host_that_is_none_gets_no_links(client: TestClient) -> None:
    evil = {"Host": 'a"><script>'}
    assert client.get("/tiles/WMTSCapabilities.xml", headers=evil).status_code == 400


def test_boxes_of_tiles_meet() -> None:
    west, south, east, north = find_box(3, 5, 4)
    assert find_box(4, 5, 4)[0] == east
    assert find_box(3, 4, 4)[1] == north
    assert find_box(0, 0, 0) == pytest.approx((-180, -85.0511288, 180, 85.0511288))
    assert (west, south) == pytest.approx((-112.5, 40.9798981))


def test_tiles_not_asked_for_longest_are_forgotten() -> None:
    drawer = Drawer(room=250)
    for x in range(3):
        drawer.put("v", x, 0, 0, bytes(100))
        drawer.get("v", 0, 0, 0)
    assert [drawer.get("v", x, 0, 0) is None for x in range(3)] == [False, True, False]
    drawer.put("v", 0, 0, 0, bytes(10))
    drawer.put("v", 3, 0, 0, bytes(100))
    assert drawer.get("v", 2, 0, 0) is not None


@pytest.mark.parametrize("name", ["ndvi", "danger", *map(str, Hazard)])
def test_qgis_paints_as_we_do(name: str) -> None:
    style = find_style(name)
    tree = ElementTree.fromstring(write_qml(style).split("\n", 1)[1])  # noqa: S314  our own
    items = tree.findall(".//item")
    low, high = style.ends
    values = [float(i.attrib["value"]) for i in items]
    assert (values[0], values[-1]) == (low, high)
    for item, value in zip(items, values, strict=True):
        stored = np.array([[round(value / style.scale)]])
        code = style.codes(stored, np.array([[True]]))
        red, green, blue, _ = style.palette[code[0, 0]]
        ours = bytes.fromhex(item.attrib["color"][1:])
        assert np.abs(np.array([red, green, blue], int) - list(ours)).max() <= 6


def test_ranks_have_colours_of_their_own() -> None:
    style = find_style("danger")
    stored = np.array([[0, 1, 5, np.nan]], np.float32)
    codes = style.codes(stored, np.ones((1, 4), bool))
    assert codes.tolist() == [[0, 1, 5, 0]]


def test_pictures_decode_to_what_was_encoded() -> None:
    rng = np.random.default_rng(3)
    palette = rng.integers(0, 256, (7, 4), dtype=np.uint8)
    codes = rng.integers(0, 7, (5, 9), dtype=np.uint8)
    assert (_decode(encode(codes, palette)) == palette[codes]).all()
