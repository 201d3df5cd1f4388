"""Addresses of others that lead back inside."""

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import requests
from tests.catalog.stac_examples import earth_search
from tests.catalog.test_href import FILES, NEARBY, NOT_PLAIN
from tests.security.proving import assert_kept, prove, run_confined

from agroforest.catalog.guard import GuardedAdapter
from agroforest.catalog.href import Reach
from agroforest.core.errors import AgroforestError, ConfigurationError
from agroforest.notify.channel import Outgoing
from agroforest.notify.channels import open_channel
from agroforest.notify.settings import ChannelSection

pytestmark = pytest.mark.enable_socket


class _Api(BaseHTTPRequestHandler):
    """A small STAC API whose items say what they are told to."""

    item: dict[str, Any]
    inside: list[str]
    leads_to = ""

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("content-length", 0)))
        self._answer()

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def _answer(self) -> None:
        if self.path.startswith("/inside"):
            self.inside.append(self.path)
        if self.path.startswith("/away"):
            self.send_response(302)
            self.send_header("Location", self.leads_to)
            self.end_headers()
            return
        root = f"http://{self.headers['Host']}"
        body: dict[str, Any] = {
            "type": "Catalog", "id": "x", "stac_version": "1.0.0", "description": "x",
            "conformsTo": [
                "https://api.stacspec.org/v1.0.0/core",
                "https://api.stacspec.org/v1.0.0/item-search",
            ],
            "links": [
                {"rel": "self", "href": root},
                {"rel": "search", "href": f"{root}/search", "method": "POST"},
                {"rel": "search", "href": f"{root}/search", "method": "GET"},
            ],
        }  # fmt: skip
        if self.path.startswith("/search"):
            body = {"type": "FeatureCollection", "features": [self.item], "links": []}
        content = json.dumps(body).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


@contextmanager
def _serving() -> Iterator[tuple[type[_Api], str]]:
    kind = type("Api", (_Api,), {"item": {}, "inside": [], "leads_to": ""})
    server = ThreadingHTTPServer(("127.0.0.1", 0), kind)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield kind, f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_items_of_an_api(tmp_path: Path) -> None:
    outline = {
        "type": "Polygon",
        "coordinates": earth_search()["geometry"]["coordinates"],
    }
    feature = {"type": "Feature", "properties": {}, "geometry": outline}
    (tmp_path / "a.geojson").write_text(
        json.dumps({"type": "FeatureCollection", "features": [feature]})
    )
    span = ("--aoi", "a.geojson", "--from", "2024-03-01", "--to", "2024-03-02")
    more = ("--collection", "sentinel-2-l2a", "--work", "w")
    hrefs = [href for href in (*FILES, *NOT_PLAIN, *NEARBY) if "a/b.tif" not in href]
    with _serving() as (api, url):

        def copy(batch: list[str]) -> None:
            for href in batch:
                api.item = earth_search()
                for name in ("red", "nir", "scl"):
                    api.item["assets"][name]["href"] = href
                ended = run_confined("scenes", "add", url, *span, *more, cwd=tmp_path)
                assert_kept(ended)
                assert "0 added" in ended.said, f"{href}: {ended.said[-500:]}"
                assert "1 refused" in ended.said

        # One command an address of each kind, and all of them by the library below.
        kinds = [FILES[:2], NOT_PLAIN[:2], NEARBY[:2], NEARBY[19:21]]
        for batch in kinds:
            copy(batch)
        prove(
            "SSRF by items of a STAC API (file, vsi, link-local, mapped, decimal)",
            {href: partial(_refuse, href) for href in hrefs},
            "the item is refused; others are added",
        )


def _refuse(href: str) -> None:
    with pytest.raises(AgroforestError) as refused:
        Reach(local=False).check(href)
    assert "\n" not in str(refused.value)


def test_redirects_and_names_that_change(monkeypatch: pytest.MonkeyPatch) -> None:
    with _serving() as (api, url):
        port = int(url.rpartition(":")[2])
        real = socket.getaddrinfo
        answers: list[str] = []

        def resolve(host: str, *rest: Any, **more: Any) -> Any:
            if host.endswith(".example"):
                address = answers.pop(0) if answers else "127.0.0.1"
                family = socket.AF_INET6 if ":" in address else socket.AF_INET
                return [(family, socket.SOCK_STREAM, 6, "", (address, port))]
            return real(host, *rest, **more)

        monkeypatch.setattr(socket, "getaddrinfo", resolve)
        session = requests.Session()
        for scheme in ("http://", "https://"):
            session.mount(scheme, GuardedAdapter(Reach(local=False), max_retries=0))
        session.trust_env = False

        def fetch(first: str, name: str = "rebinding") -> None:
            answers[:] = [first]
            with pytest.raises((AgroforestError, requests.RequestException)):
                session.get(f"http://{name}.example:{port}/inside", timeout=2)
            assert not api.inside

        def spelled(address: str) -> None:
            with pytest.raises((AgroforestError, requests.RequestException)):
                session.get(f"http://{address}:{port}/inside", timeout=2)
            assert not api.inside

        def redirected() -> None:
            own = Reach(local=False, allow_hosts=(f"127.0.0.1:{port}",))
            guarded = requests.Session()
            guarded.mount("http://", GuardedAdapter(own, max_retries=0))
            api.leads_to = f"http://inside.example:{port}/inside"
            with pytest.raises((AgroforestError, requests.RequestException)):
                guarded.get(f"{url}/away", timeout=2)
            assert not api.inside

        names = ("127.0.0.1", "169.254.169.254", "10.0.0.1", "::1", "::ffff:127.0.0.1")
        more = ("0.0.0.0", "100.64.0.1", "fe80::1", "64:ff9b::7f00:1", "fd00:ec2::254")  # noqa: S104
        prove(
            "SSRF by redirect and by names that change what they stand for",
            {
                **{f"a name for {a}": partial(fetch, a) for a in (*names, *more)},
                **{
                    a: partial(spelled, a)
                    for a in ("127.0.0.1", "2130706433", "0x7f.1")
                },
                "a redirect to a name inside": redirected,
            },
            "no connection is made; judged by number when it is",
        )


def test_channels_of_messages() -> None:
    message = Outgoing(
        key="a" * 24, to="wei@example.cn", case="c1", subject="x", body="y",
        language="zh", link="https://desk.example.cn/a/x", created=1_714_708_800.0,
    )  # fmt: skip
    with _serving() as (api, url):

        def send() -> None:
            section = ChannelSection.model_validate(
                {"kind": "webhook", "url_env": "URL", "timeout_s": 2}
            )
            api.leads_to = f"{url}/inside"
            with pytest.raises(AgroforestError):
                open_channel("duty", section, {"URL": f"{url}/away"}).send(message)
            assert not api.inside

        def refuse(address: str) -> None:
            section = ChannelSection.model_validate(
                {"kind": "webhook", "url_env": "URL"}
            )
            with pytest.raises(ConfigurationError) as refused:
                open_channel("duty", section, {"URL": address})
            assert address not in str(refused.value)

        bad = ("file:///etc/passwd", "gopher://x/", "http://10.0.0.1/x", "ftp://x/y")
        prove(
            "SSRF by webhooks (redirects, other protocols, unencrypted)",
            {"a redirect": send, **{a: partial(refuse, a) for a in bad}},
            "not followed; refused when the settings are read",
        )
