"""A real STAC API server on this machine, and one that fails on purpose."""

import importlib.util
import json
import shutil
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from datetime import date
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import shapely

from agroforest import catalog
from agroforest.catalog.api import ApiCatalog
from agroforest.catalog.href import redact
from agroforest.core.errors import ConfigurationError, DataError, SourceError

pytestmark = pytest.mark.enable_socket

_spec = importlib.util.spec_from_file_location(
    "stac_examples", Path(__file__).with_name("stac_examples.py")
)
assert _spec is not None
assert _spec.loader is not None
examples = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(examples)

AREA = shapely.box(108.4, 23.4, 108.5, 23.5)
MARCH = (date(2024, 3, 1), date(2024, 3, 31))


def _items() -> list[dict[str, Any]]:
    """Three pages and more of Earth Search items, and one of Planetary Computer."""
    found = []
    for number in range(250):
        item = examples.earth_search()
        day = f"2024-03-{number % 31 + 1:02d}"
        item["id"] = f"S2B_49QBF_{day.replace('-', '')}_{number}_L2A"
        item["properties"]["datetime"] = f"{day}T03:16:02Z"
        item["properties"]["eo:cloud_cover"] = number % 100
        del item["properties"]["s2:product_uri"]
        found.append(item)
    found.append(examples.planetary_computer())
    silent = examples.planetary_computer(None)
    silent["id"] = "silent"
    far = examples.planetary_computer()
    far["id"] = "far"
    far["geometry"] = {
        "type": "Polygon",
        "coordinates": [[[0, 0], [1, 0], [1, 1], [0, 1], [0, 0]]],
    }
    return [*found, silent, far]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of `rustac serve` with the items of `_items`."""
    program = shutil.which("rustac", path=str(Path(sys.executable).parent))
    if program is None:
        pytest.fail("the rustac program is missing: pip install -e '.[dev]'")
    path = tmp_path_factory.mktemp("api") / "items.json"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": _items()}))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [program, "serve", "--addr", f"127.0.0.1:{port}", str(path)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:  # noqa: S603  our own words
        url = f"http://127.0.0.1:{port}/"
        _wait_for(url)
        yield url
        process.terminate()


def _wait_for(url: str) -> None:
    for _ in range(100):
        try:
            urllib.request.urlopen(url, timeout=1).close()  # noqa: S310  our own server
        except OSError:
            time.sleep(0.1)
        else:
            return
    pytest.fail("rustac did not start within ten seconds")


def test_all_pages_of_a_real_server_are_read(server: str) -> None:
    refused: list[DataError] = []
    api = ApiCatalog(server, refuse=refused.append)
    granules = api.find_granules(AREA, *MARCH)
    assert len(granules) == 251
    assert len({g.id for g in granules}) == 251
    assert [str(e.problem) for e in refused] == ["unknown baseline None"]
    offsets = {g.bands["B04"].offset for g in granules}
    assert offsets == {0.0, -0.1}


@pytest.mark.parametrize(
    ("asked", "count"),
    [
        ({"start": date(2024, 3, 31), "end": date(2024, 3, 31)}, 8),
        ({"max_cloud_cover": 0.0}, 4),  # numbers 0, 100, 200 and the one unstated
        ({"collections": ["sentinel-2-l2a"]}, 251),
        ({"collections": ["nothing"]}, 0),
        ({"area": shapely.box(50, 50, 51, 51)}, 0),
        ({"start": date(2023, 1, 1), "end": date(2023, 1, 31)}, 0),
    ],
)
def test_window_and_cloud(server: str, asked: dict[str, Any], count: int) -> None:
    api = catalog.open_catalog(server, Path("unused"))
    query = {"area": AREA, "start": MARCH[0], "end": MARCH[1], **asked}
    assert len(api.find_granules(**query)) == count


def test_reprocessed_duplicates_resolve_through_the_api(server: str) -> None:
    api = ApiCatalog(server)
    scenes = catalog.find(api, AREA, date(2024, 3, 2), date(2024, 3, 3))
    assert [len(scene.granules) for scene in scenes] == [1, 1]


def test_an_api_is_copied_into_the_local_catalogue(server: str, tmp_path: Path) -> None:
    local = catalog.LocalCatalog(tmp_path / "catalog")
    first = catalog.copy_scenes(server, local, AREA, *MARCH)
    assert (first.added, first.known) == (251, 0)
    assert [e.problem for e in first.refused] == ["unknown baseline None"]
    again = catalog.copy_scenes(server, local, AREA, *MARCH)
    assert (again.added, again.known) == (0, 251)
    here, there = (catalog.find(c, AREA, *MARCH) for c in (local, ApiCatalog(server)))
    assert [s.content() for s in here] == [s.content() for s in there]


class _Failing(BaseHTTPRequestHandler):
    """Answers with the statuses in `answers`, then with an empty catalogue."""

    answers: list[int]
    asked: list[str]
    elsewhere = ""  # where redirects lead, and the next page
    features: tuple[dict[str, Any], ...] = ()
    conforms = (
        "https://api.stacspec.org/v1.0.0/core",
        "https://api.stacspec.org/v1.0.0/item-search",
    )

    def do_GET(self) -> None:
        self.asked.append(self.path)
        status = self.answers.pop(0) if self.answers else 200
        host = f"http://{self.headers['Host']}"
        landing = {
            "type": "Catalog",
            "stac_version": "1.0.0",
            "id": "api",
            "description": "x",
            "conformsTo": list(self.conforms),
            "links": [
                {"rel": "search", "href": f"{host}/search", "type": "application/json"},
                {"rel": "root", "href": host, "type": "application/json"},
            ],
        }
        page: dict[str, Any] = {
            "type": "FeatureCollection",
            "features": list(self.features),
            "links": [],
        }
        if self.elsewhere and status == 200:
            page["links"] = [{"rel": "next", "href": self.elsewhere}]
        body = json.dumps(page if "search" in self.path else landing).encode()
        self.send_response(status)
        if status == 302:
            self.send_header("Location", self.elsewhere)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.do_GET()

    def log_message(self, *args: object) -> None:
        """Keep quiet."""


@pytest.fixture
def failing() -> Iterator[Callable[[list[int]], tuple[str, list[str]]]]:
    """Start a server that first answers with the given statuses."""
    servers = []

    def start(answers: list[int]) -> tuple[str, list[str]]:
        asked: list[str] = []
        handler = type("Handler", (_Failing,), {"answers": answers, "asked": asked})
        made = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        servers.append(made)
        threading.Thread(target=made.serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{made.server_port}", asked

    yield start
    for made in servers:
        made.shutdown()
        made.server_close()


Failing = Callable[[list[int]], tuple[str, list[str]]]


def test_passing_faults_are_retried(failing: Failing) -> None:
    url, asked = failing([200, 503, 502])
    api = ApiCatalog(url)
    assert api.find_granules(AREA, *MARCH, collections=["c"]) == []
    paths = [path.partition("?")[0] for path in asked]
    assert paths == ["/", "/search", "/search", "/search"]


def test_lasting_faults_are_a_source_error(failing: Failing) -> None:
    url, asked = failing([200, *[503] * 9])
    secret = url.replace("http://", "http://someone:s3cret@") + "/?token=t0ken"
    with pytest.raises(SourceError, match="did not answer") as raised:
        ApiCatalog(secret, retries=1).find_granules(AREA, *MARCH, collections=["c"])
    assert "s3cret" not in str(raised.value)
    assert "t0ken" not in str(raised.value)
    assert raised.value.__cause__ is None
    assert 2 <= len(asked) <= 4


def test_refusals_are_not_retried(failing: Failing) -> None:
    url, asked = failing([200, 403])
    with pytest.raises(ConfigurationError, match="status 403"):
        ApiCatalog(url).find_granules(AREA, *MARCH, collections=["c"])
    assert len(asked) == 2


def test_silent_host_is_a_source_error() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(SourceError, match="did not answer"):
        ApiCatalog(f"http://127.0.0.1:{port}", retries=0).find_granules(AREA, *MARCH)


def test_static_catalogue_by_url_is_named(
    failing: Failing, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_Failing, "conforms", [])
    url, _ = failing([])
    with pytest.raises(ConfigurationError, match="no STAC API with item search"):
        ApiCatalog(url).find_granules(AREA, *MARCH, collections=["c"])


@pytest.mark.parametrize("answers", [[200, 302], [200]])
def test_an_api_cannot_lead_into_our_own_network(
    failing: Failing, monkeypatch: pytest.MonkeyPatch, answers: list[int]
) -> None:
    """By a redirect, or by the link to the next page."""
    victim, asked = failing([500] * 50)
    url, _ = failing(answers)
    monkeypatch.setattr(_Failing, "elsewhere", f"{victim}/search")
    monkeypatch.setattr(_Failing, "features", (examples.earth_search(),))
    with pytest.raises(SourceError, match="did not answer"):
        ApiCatalog(url, retries=0).find_granules(AREA, *MARCH, collections=["c"])
    assert asked == []


@pytest.mark.parametrize(
    ("href", "names"),
    [
        ("file:///etc/passwd", "/etc/passwd is a file of the machine"),
        ("/vsicurl/http://169.254.169.254/", "is a file of the machine"),
        ("http://169.254.169.254/x?sig=s3cret", "leads into the network"),
        ("http://127.0.0.1:9/B04.tif", "leads into the network"),
        ("s3://bucket/B04.tif", "is no plain http or https address"),
    ],
)
def test_items_that_lead_too_far_are_refused_one_by_one(
    failing: Failing, monkeypatch: pytest.MonkeyPatch, href: str, names: str
) -> None:
    good, bad = examples.earth_search(), examples.earth_search()
    bad["id"] = "bad"
    bad["assets"]["red"]["href"] = href
    monkeypatch.setattr(_Failing, "features", (bad, good))
    url, _ = failing([])
    refused: list[DataError] = []
    granules = ApiCatalog(url, refuse=refused.append).find_granules(
        AREA, date(2024, 1, 1), date(2024, 12, 31), collections=["c"]
    )
    assert [g.id for g in granules] == [good["id"]]
    assert len(refused) == 1
    assert names in str(refused[0])
    assert "s3cret" not in str(refused[0])


def test_the_apis_own_host_may_serve_its_files(
    failing: Failing, monkeypatch: pytest.MonkeyPatch
) -> None:
    url, _ = failing([])
    item = examples.earth_search()
    item["assets"]["red"]["href"] = f"{url}/B04.tif"
    monkeypatch.setattr(_Failing, "features", (item,))
    whole_year = (date(2024, 1, 1), date(2024, 12, 31))
    (granule,) = ApiCatalog(url).find_granules(AREA, *whole_year, collections=["c"])
    assert granule.bands["B04"].href == f"{url}/B04.tif"


def test_page_that_is_no_api_is_named(failing: Failing) -> None:
    url, _ = failing([404])
    with pytest.raises(ConfigurationError, match="status 404"):
        ApiCatalog(url).find_granules(AREA, *MARCH)


@pytest.mark.parametrize(
    ("url", "clean"),
    [
        ("https://u:p@x.org:8/a?token=1#f", "https://x.org:8/a"),
        ("https://x.org/a", "https://x.org/a"),
    ],
)
def test_secrets_are_cut_out_of_urls(url: str, clean: str) -> None:
    assert redact(url) == clean


@pytest.mark.parametrize("source", ["", "ftp://x", "Local", "/data"])
def test_unknown_sources_are_refused(source: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"scenes\.catalog"):
        catalog.open_catalog(source, tmp_path)
