"""A small web server that serves ranges, and misbehaves when told to."""

import re
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self

#: What a fault does in place of the proper answer.
Fault = Callable[["Handler", bytes], None]


@dataclass
class Asked:
    """One request."""

    path: str
    range: str | None
    headers: Message
    client: tuple[str, int]


@dataclass
class Served:
    """A file and how it is labelled."""

    content: bytes
    etag: str | None = '"1"'
    modified: str | None = "Mon, 06 May 2024 03:07:08 GMT"


@dataclass
class RangeServer:
    """Serve `files` by path; each request takes the first of `faults`, if any.

    `always` is a fault for all requests. A context manager.
    """

    files: dict[str, Served] = field(default_factory=dict)
    faults: deque[Fault | None] = field(default_factory=deque)
    always: Fault | None = None
    asked: list[Asked] = field(default_factory=list)
    sent: int = 0

    def put(self, name: str, content: bytes, **labels: str | None) -> str:
        """Serve a file; its URL."""
        self.files[f"/{name}"] = Served(content, **labels)
        return f"{self.url}/{name}"

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

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


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 32

    def handle_error(self, *_: object) -> None:
        """Keep quiet about clients that hang up."""


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    site: RangeServer

    def do_GET(self) -> None:
        site = self.site
        path = self.path.partition("?")[0]
        site.asked.append(
            Asked(
                self.path, self.headers.get("Range"), self.headers, self.client_address
            )
        )
        served = site.files.get(path)
        fault = site.faults.popleft() if site.faults else None
        fault = fault or site.always
        if served is None:
            self.answer(404)
        elif fault is not None:
            fault(self, served.content)
        else:
            self.serve(served)

    def serve(self, served: Served) -> None:
        """Answer as a web server should (RFC 9110, 14)."""
        content = served.content
        condition = self.headers.get("If-Range")
        labels = {"ETag": served.etag, "Last-Modified": served.modified}
        asked = span(self.headers.get("Range"), len(content))
        if asked is None or condition not in {None, served.etag, served.modified}:
            self.answer(200, content, labels)
        elif asked[0] >= len(content):
            self.answer(416, b"", {"Content-Range": f"bytes */{len(content)}"})
        else:
            start, stop = asked
            labels["Content-Range"] = f"bytes {start}-{stop - 1}/{len(content)}"
            self.answer(206, content[start:stop], labels)

    def answer(
        self,
        status: int,
        body: bytes = b"",
        headers: dict[str, str | None] | None = None,
        *,
        length: int | None = None,
    ) -> None:
        """Send an answer; `length` is what it claims, where that is not so."""
        self.send_response(status)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        for name, value in (headers or {}).items():
            if value is not None:
                self.send_header(name, value)
        self.end_headers()
        self.send(body)

    def send(self, body: bytes) -> None:
        try:
            self.wfile.write(body)
        except OSError:
            self.close_connection = True
        else:
            self.site.sent += len(body)

    def log_message(self, *_: object) -> None:
        """Keep quiet."""


def span(text: str | None, size: int) -> tuple[int, int] | None:
    match = re.fullmatch(r"bytes=(\d+)-(\d+)", text or "")
    return (int(match[1]), min(int(match[2]) + 1, size)) if match else None


def _part(handler: Handler, content: bytes) -> tuple[bytes, dict[str, str | None]]:
    asked = span(handler.headers.get("Range"), len(content))
    assert asked is not None
    start, stop = asked
    return content[start:stop], {
        "ETag": '"1"',
        "Content-Range": f"bytes {start}-{stop - 1}/{len(content)}",
    }


# ------------------------------------------------------------------ faults


def status(code: int, **headers: str) -> Fault:
    """Answer with a status."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda handler, _: handler.answer(code, b"sorry", dict(named))


def redirect(target: str) -> Fault:
    """Lead elsewhere."""
    return status(302, Location=target)


def whole(handler: Handler, content: bytes) -> None:
    """Ignore the range."""
    handler.answer(200, content)


def chunked(handler: Handler, content: bytes) -> None:
    """Ignore the range, and do not say how much will come."""
    handler.send_response(200)
    handler.send_header("Transfer-Encoding", "chunked")
    handler.end_headers()
    for start in range(0, len(content), 5000):
        piece = content[start : start + 5000]
        handler.send(b"%x\r\n%s\r\n" % (len(piece), piece))
    handler.send(b"0\r\n\r\n")


def cut(share: float) -> Fault:
    """Break off after a share of the body."""

    def fault(handler: Handler, content: bytes) -> None:
        body, headers = _part(handler, content)
        handler.answer(206, body[: int(len(body) * share)], headers, length=len(body))
        handler.close_connection = True

    return fault


def cut_at(size: int) -> Fault:
    """Break off after some bytes."""

    def fault(handler: Handler, content: bytes) -> None:
        body, headers = _part(handler, content)
        handler.answer(206, body[:size], headers, length=len(body))
        handler.close_connection = True

    return fault


def cut_whole(share: float) -> Fault:
    """Ignore the range, and break off."""

    def fault(handler: Handler, content: bytes) -> None:
        handler.answer(200, content[: int(len(content) * share)], length=len(content))
        handler.close_connection = True

    return fault


def understate(handler: Handler, content: bytes) -> None:
    """Claim a tenth of the length."""
    body, headers = _part(handler, content)
    handler.answer(206, body, headers, length=len(body) // 10)
    handler.close_connection = True


def overstate(handler: Handler, content: bytes) -> None:
    """Claim ten times the length, and hang up."""
    body, headers = _part(handler, content)
    handler.answer(206, body, headers, length=len(body) * 10)
    handler.close_connection = True


def hang_up(handler: Handler, _: bytes) -> None:
    """Close the connection without a word."""
    handler.close_connection = True


def stall(seconds: float, share: float = 0.5) -> Fault:
    """Fall silent in the middle of the body."""

    def fault(handler: Handler, content: bytes) -> None:
        body, headers = _part(handler, content)
        handler.answer(206, body[: int(len(body) * share)], headers, length=len(body))
        time.sleep(seconds)
        handler.close_connection = True

    return fault


def drip(pause: float) -> Fault:
    """Send a byte at a time, never silent for long."""

    def fault(handler: Handler, content: bytes) -> None:
        body, headers = _part(handler, content)
        handler.answer(206, b"", headers, length=len(body))
        for place in range(len(body)):
            if handler.close_connection:
                break
            handler.send(body[place : place + 1])
            time.sleep(pause)

    return fault


def other_bytes(handler: Handler, content: bytes) -> None:
    """Answer a range that was not asked for."""
    handler.answer(206, content[7:99], {"Content-Range": f"bytes 7-98/{len(content)}"})


def unnamed_bytes(handler: Handler, content: bytes) -> None:
    """Do not say which range it is."""
    handler.answer(206, content[:99])


def compressed(handler: Handler, content: bytes) -> None:
    """Compress, though asked not to."""
    body, headers = _part(handler, content)
    handler.answer(206, body, {**headers, "Content-Encoding": "gzip"})


def in_part(handler: Handler, content: bytes) -> None:
    """Answer half of the range, as a server may."""
    asked = span(handler.headers.get("Range"), len(content))
    assert asked is not None
    start, stop = asked[0], max(asked[0] + 1, sum(asked) // 2)
    place = f"bytes {start}-{stop - 1}/{len(content)}"
    labels = {"ETag": '"1"', "Content-Range": place}
    handler.answer(206, content[start:stop], dict(labels))
