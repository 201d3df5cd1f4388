"""FIRMS' service, spoken to over a real connection to a server of our own."""

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from tests.hotspots.made import VIIRS_HEAD, viirs_row

from agroforest.core.errors import ConfigurationError, SourceError
from agroforest.hotspots import firms_api
from agroforest.hotspots.firms_api import KEY_VARIABLE, URL_VARIABLE, fetch_tables

KEY = "0123456789abcdef0123456789abcdef"
_AREA = "104.4,20.9,112.1,26.4"
_GOOD = f"{VIIRS_HEAD}\n{viirs_row()}\n{viirs_row(confidence='q')}\n"

_Answer = Callable[[str, int], tuple[int, str, dict[str, str]]]


@contextmanager
def service(monkeypatch: pytest.MonkeyPatch, answer: _Answer) -> Iterator[list[str]]:
    """Run a service; gives the paths that it was asked for."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            status, body, headers = answer(self.path, len(asked))
            content = body.encode()
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        monkeypatch.setenv(URL_VARIABLE, f"http://127.0.0.1:{server.server_port}/")
        monkeypatch.setenv(KEY_VARIABLE, KEY)
        monkeypatch.setattr(firms_api, "_BACKOFF", 0.0)
        try:
            yield asked
        finally:
            server.shutdown()
            thread.join()


def always(status: int, body: str, **headers: str) -> _Answer:
    return lambda _path, _number: (status, body, headers)


@pytest.mark.enable_socket
def test_the_service_is_asked_as_it_wants_to_be(monkeypatch):
    with service(monkeypatch, always(200, _GOOD)) as asked:
        first, second = fetch_tables(
            ["VIIRS_SNPP_NRT", "MODIS_NRT"], area=_AREA, days=2
        )
    assert asked == [
        f"/api/area/csv/{KEY}/VIIRS_SNPP_NRT/104.4,20.9,112.1,26.4/2",
        f"/api/area/csv/{KEY}/MODIS_NRT/104.4,20.9,112.1,26.4/2",
    ]
    assert len(first.detections) == len(second.detections) == 1
    assert first.refused[0].file == "FIRMS VIIRS_SNPP_NRT"


@pytest.mark.enable_socket
def test_a_busy_service_is_asked_again(monkeypatch):
    def busy(_path: str, number: int) -> tuple[int, str, dict[str, str]]:
        return (503, "busy", {}) if number < 3 else (200, _GOOD, {})

    with service(monkeypatch, busy) as asked:
        (table,) = fetch_tables(["MODIS_NRT"], area=_AREA)
    assert len(asked) == 3
    assert len(table.detections) == 1


@pytest.mark.enable_socket
@pytest.mark.parametrize(
    ("answer", "kind", "said"),
    [
        (always(200, "Invalid MAP_KEY."), ConfigurationError, "refuses the key"),
        (always(400, "Invalid MAP_KEY."), ConfigurationError, "refuses the key"),
        (always(400, "Invalid area"), ConfigurationError, "status 400"),
        (always(500, "sorry"), SourceError, "status 500"),
        (always(200, "<html>maintenance</html>"), SourceError, "not answer with a"),
        (always(302, "", Location="http://127.0.0.1:9/x"), SourceError, "status 302"),
    ],
)
def test_what_goes_wrong_is_one_line_without_the_key(
    monkeypatch, caplog, answer, kind, said
):
    caplog.set_level(logging.DEBUG)
    with service(monkeypatch, answer), pytest.raises(kind, match=said) as caught:
        fetch_tables(["MODIS_NRT"], area=_AREA)
    assert KEY not in str(caught.value)
    assert KEY not in caplog.text
    chain = caught.value.__cause__ or caught.value.__context__
    assert chain is None or caught.value.__suppress_context__


@pytest.mark.enable_socket
def test_a_service_that_is_not_there(monkeypatch):
    with service(monkeypatch, always(200, _GOOD)):
        pass
    with pytest.raises(SourceError, match="did not answer") as caught:
        fetch_tables(["MODIS_NRT"], area=_AREA)
    assert KEY not in str(caught.value)


def test_nothing_to_fetch_needs_nothing(monkeypatch):
    monkeypatch.delenv(KEY_VARIABLE, raising=False)
    assert fetch_tables([], area=None) == ()


@pytest.mark.parametrize(
    ("product", "area", "days", "key", "said"),
    [
        ("MODIS_NRT", _AREA, 1, "", "holds no key"),
        ("MODIS_NRT", _AREA, 1, "../../secret", "holds no key"),
        ("MODIS", _AREA, 1, KEY, "'MODIS' is unknown"),
        ("MODIS_NRT", None, 1, KEY, "is no rectangle"),
        ("MODIS_NRT", "1,2,3", 1, KEY, "is no rectangle"),
        ("MODIS_NRT", "112,20,104,26", 1, KEY, "is no rectangle"),
        ("MODIS_NRT", "nan,20,104,26", 1, KEY, "is no rectangle"),
        ("MODIS_NRT", _AREA, 11, KEY, "use 1 to 5"),
    ],
)
def test_bad_requests_never_leave(monkeypatch, product, area, days, key, said):
    monkeypatch.setenv(KEY_VARIABLE, key)
    with pytest.raises(ConfigurationError, match=said):
        fetch_tables([product], area=area, days=days)
