"""A small SensorThings service of others, honest unless told otherwise."""

import json
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qsl, unquote, urlsplit

T0 = datetime(2024, 5, 1, tzinfo=UTC)
NOW = datetime(2024, 6, 1, tzinfo=UTC)
ROOT = "/FROST-Server/v1.1"

#: Answers a request by itself; gives True if it did.
Fault = Callable[["Handler", str], bool]


def observation(minutes: float, result: object, **more: object) -> dict[str, Any]:
    """An Observation so long after `T0`."""
    time = (T0 + timedelta(minutes=minutes)).isoformat().replace("+00:00", "Z")
    return {"phenomenonTime": time, "resultTime": None, "result": result, **more}


def datastream(
    number: object = 1,
    *,
    name: str = "Soil moisture",
    unit: str = "%",
    thing: object = 7,
    depth: object = 0.1,
) -> dict[str, Any]:
    """A Datastream with Thing and ObservedProperty expanded."""
    return {
        "@iot.id": number,
        "name": f"{name} of {thing}",
        "unitOfMeasurement": {"name": unit, "symbol": unit, "definition": ""},
        "properties": {"depth_m": depth},
        "Thing": {"@iot.id": thing, "name": "甘蔗地 3"},
        "ObservedProperty": {"name": name, "definition": ""},
    }


def thing(number: object = 7) -> dict[str, Any]:
    """A Thing with its Location expanded."""
    point = {"type": "Point", "coordinates": [108.35, 22.81, 79.0]}
    return {
        "@iot.id": number,
        "name": "甘蔗地 3",
        "Locations": [{"encodingType": "application/geo+json", "location": point}],
    }


@dataclass
class Things:
    """Serve Things, Datastreams, and the Observations of each by its id.

    A context manager. `fault` is asked first; `page` is the longest page.
    """

    things: list[Any] = field(default_factory=lambda: [thing()])
    streams: list[Any] = field(default_factory=lambda: [datastream()])
    observations: dict[str, list[Any]] = field(default_factory=dict)
    page: int = 1000
    fault: Fault | None = None
    asked: list[str] = field(default_factory=list)

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    @property
    def url(self) -> str:
        return self.origin + ROOT

    def __enter__(self) -> Self:
        handler = type("Bound", (Handler,), {"site": self})
        self._server = _Server(("127.0.0.1", 0), handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def find(self, path: str, query: dict[str, str]) -> list[Any] | None:
        """All that a request is of, filtered and sorted."""
        if path == ROOT:
            names = ("Things", "Datastreams", "Observations")
            return [{"name": name, "url": f"{self.url}/{name}"} for name in names]
        if path == f"{ROOT}/Things":
            return self.things
        if path == f"{ROOT}/Datastreams":
            return self.streams
        match = re.fullmatch(rf"{ROOT}/Datastreams\('?(.+?)'?\)/Observations", path)
        if match is None:
            return None
        found = self.observations.get(match[1].replace("''", "'"), [])
        after = re.fullmatch(r"phenomenonTime gt (\S+)", query.get("$filter", ""))
        if after is None:
            return found
        bound = datetime.fromisoformat(after[1])
        return [
            each
            for each in found
            if datetime.fromisoformat(each["phenomenonTime"].partition("/")[0]) > bound
        ]


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """Keep quiet about clients that hang up."""


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    site: Things

    def do_GET(self) -> None:
        site = self.site
        site.asked.append(self.path)
        if site.fault is not None and site.fault(self, self.path):
            return
        parts = urlsplit(self.path)
        query = dict(parse_qsl(parts.query))
        path = unquote(parts.path)
        found = site.find(path, query)
        if found is None:
            self.answer(404, b'{"code":404}')
            return
        skip, top = int(query.get("$skip", 0)), int(query.get("$top", 100))
        size = min(top, site.page)
        document: dict[str, Any] = {"value": found[skip : skip + size]}
        if skip + size < len(found):
            rest = re.sub(r"&?%24skip=\d+|&?\$skip=\d+", "", parts.query)
            link = f"{site.origin}{parts.path}?{rest}&$skip={skip + size}"
            document["@iot.nextLink"] = link
        self.answer(200, json.dumps(document).encode())

    def answer(self, status: int, body: bytes = b"", **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        try:
            self.wfile.write(body)
        except OSError:
            self.close_connection = True

    def log_message(self, *_: object) -> None:
        """Keep quiet."""


def on(part: str, body: object, *, status: int = 200, **headers: str) -> Fault:
    """Answer requests whose address holds `part` with this; bytes, or JSON."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()

    def fault(handler: Handler, path: str) -> bool:
        if part not in unquote(path):
            return False
        handler.answer(status, content, **headers)
        return True

    return fault
