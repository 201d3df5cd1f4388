"""HTTP for network servers that post: 200 means that the message is on our disk.

A small server of the standard library, for a handful of network servers behind a
token. It keeps nothing of what it reads but the message.
"""

import hmac
import logging
import socket
import ssl
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

from agroforest.core.errors import ConfigurationError
from agroforest.listen.arrival import HEAD_BYTES, Arrival, build_arrival
from agroforest.listen.inbox import Inbox
from agroforest.listen.routes import build_http_source
from agroforest.listen.secret import resolve_token
from agroforest.listen.settings import WebhookSection

_LOG = logging.getLogger(__name__)

#: Seconds a request may take from its first byte on, however slowly it comes.
REQUEST_S = 30.0
#: Seconds a message may wait for the disk before its sender is told to try later.
_DISK_S = 10.0
#: Connections at a time; network servers open a few.
_CONNECTIONS = 64


class Webhook:
    """Takes what is posted, from `start` until `close`.

    Parameters
    ----------
    settings
        Address, token and paths.
    inbox
        Where messages go.
    limit
        Longest message that is taken, bytes.
    now
        The clock, UTC.

    Raises
    ------
    ConfigurationError
        The address is taken, or the token or a certificate is not there.
    """

    def __init__(
        self,
        settings: WebhookSection,
        inbox: Inbox,
        *,
        limit: int,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        door = _Door(
            token=resolve_token(settings.token_env, settings.token_file),
            paths=frozenset(each.path for each in settings.path),
            inbox=inbox,
            limit=limit,
            now=now,
        )
        context = _build_context(settings)
        try:
            self._server = _Server((settings.host, settings.port), door, context)
        except OSError as error:
            raise ConfigurationError(
                f"webhook {settings.host}:{settings.port}",
                f"cannot be opened ({error.strerror or error})",
                "choose another port",
            ) from error
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.2,), name="webhook", daemon=True
        )

    @property
    def port(self) -> int:
        """Port it listens on."""
        return int(self._server.server_address[1])

    def start(self) -> Self:
        """Take requests."""
        self._thread.start()
        return self

    def close(self) -> None:
        """Take no more requests; those that are being read are answered."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class _Door:
    """What every request is held against."""

    def __init__(
        self,
        *,
        token: str,
        paths: frozenset[str],
        inbox: Inbox,
        limit: int,
        now: Callable[[], datetime],
    ) -> None:
        self._secret = f"Bearer {token}".encode()
        self.paths = paths
        self.limit = limit
        self._inbox = inbox
        self._now = now

    def lets_in(self, authorization: str) -> bool:
        """Compare in a time that says nothing of how much was right."""
        given = authorization.encode("utf-8", "replace")
        return hmac.compare_digest(given, self._secret)

    def build_arrival(self, source: str, body: bytes, size: int) -> Arrival:
        """Build an arrival of now."""
        return build_arrival(
            source, body, received=self._now(), limit=self.limit, size=size
        )

    def keep(self, arrival: Arrival) -> bool:
        """Put a message on the disk; whether it is there."""
        kept = threading.Event()
        deadline = time.monotonic() + _DISK_S
        if not self._inbox.submit(arrival, kept.set, patience=_DISK_S):
            return False
        return kept.wait(max(0.0, deadline - time.monotonic()))


class _Server(ThreadingHTTPServer):
    daemon_threads = False
    block_on_close = True
    request_queue_size = 128  # five by default: a busy moment would be refused

    def __init__(
        self, address: tuple[str, int], door: _Door, context: ssl.SSLContext | None
    ) -> None:
        self.door = door
        self._context = context
        self._open: dict[socket.socket, float] = {}
        self._guard = threading.Lock()
        if ":" in address[0]:
            self.address_family = socket.AF_INET6
        super().__init__(address, _Request)

    def get_request(self) -> tuple[socket.socket, Any]:
        request, address = super().get_request()
        if self._context is not None:  # shaking hands is the thread's work
            request = self._context.wrap_socket(
                request, server_side=True, do_handshake_on_connect=False
            )
        return request, address

    def verify_request(self, request: Any, client_address: Any) -> bool:  # noqa: ANN401, ARG002  as the base class has it
        with self._guard:
            if len(self._open) >= _CONNECTIONS:
                return False
            self._open[request] = time.monotonic() + REQUEST_S
        return True

    def renew(self, request: socket.socket) -> None:
        """Give the next request of a connection its own time."""
        with self._guard:
            self._open[request] = time.monotonic() + REQUEST_S

    def shutdown_request(self, request: Any) -> None:  # noqa: ANN401  as the base class has it
        with self._guard:
            self._open.pop(request, None)
        super().shutdown_request(request)

    def service_actions(self) -> None:
        """End connections that take too long; called several times a second."""
        late = time.monotonic()
        with self._guard:
            for request, until in self._open.items():
                if until < late:
                    _hang_up(request)

    def shutdown(self) -> None:
        super().shutdown()
        with self._guard:
            for request in self._open:
                _hang_up(request, socket.SHUT_RD)  # an answer may still go out

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ANN401, ARG002  as the base class has it
        _LOG.debug("a request ended early", exc_info=True)


class _Request(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "agroforest"
    sys_version = ""
    timeout = REQUEST_S
    server: _Server

    def do_POST(self) -> None:
        """Take a message."""
        door = self.server.door
        target = urlsplit(self.path)
        if not door.lets_in(self.headers.get("Authorization", "")):
            self._answer(HTTPStatus.UNAUTHORIZED)
        elif target.path not in door.paths:
            self._answer(HTTPStatus.NOT_FOUND)
        elif (size := self._length()) is None:
            self._answer(HTTPStatus.LENGTH_REQUIRED)
        else:
            event = parse_qs(target.query).get("event", [""])[0][:64]
            self._take(build_http_source(target.path, event), size)

    def _take(self, source: str, size: int) -> None:
        door = self.server.door
        fits = size <= door.limit
        wanted = size if fits else HEAD_BYTES
        body = self.rfile.read(wanted)
        if len(body) < wanted:
            self._answer(HTTPStatus.BAD_REQUEST)  # it hung up half-way
        elif not door.keep(door.build_arrival(source, body, size)):
            self._answer(HTTPStatus.SERVICE_UNAVAILABLE)
        elif not fits:
            self._answer(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        else:
            self._answer(HTTPStatus.OK, close=False)

    def _length(self) -> int | None:
        written = self.headers.get("Content-Length", "")
        if "Transfer-Encoding" in self.headers or not written.isdecimal():
            return None
        return int(written[:18])

    def _answer(self, status: HTTPStatus, *, close: bool = True) -> None:
        content = f"{status.phrase}\n".encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", str(len(content)))
        if status is HTTPStatus.UNAUTHORIZED:
            self.send_header("WWW-Authenticate", "Bearer")
        if close:  # what is left unread must not be taken for the next request
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(content)
        self.server.renew(self.connection)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  as the base class has it
        _LOG.debug(format, *args)


def _hang_up(request: socket.socket, how: int = socket.SHUT_RDWR) -> None:
    try:
        request.shutdown(how)
    except OSError:
        _LOG.debug("the connection was gone already")


def _build_context(settings: WebhookSection) -> ssl.SSLContext | None:
    tls = settings.tls
    if tls is None or tls.certificate is None:
        return None
    try:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=tls.ca)
        context.load_cert_chain(tls.certificate, tls.key)
    except (OSError, ssl.SSLError) as error:
        raise ConfigurationError(
            "webhook", f"its certificate cannot be read ({error})", "give PEM files"
        ) from error
    if tls.ca is not None:
        context.verify_mode = ssl.CERT_REQUIRED
    return context
