"""Servers on this machine that take what is sent, and misbehave when told to."""

import email
import email.policy
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session


@dataclass
class Mailbox:
    """What an SMTP server took; `answers` are given first, one each."""

    port: int = 0
    letters: list[EmailMessage] = field(default_factory=list)
    answers: list[str] = field(default_factory=list)
    before_answer: Callable[[int], None] | None = None

    async def handle_RCPT(  # noqa: N802  as aiosmtpd calls it
        self,
        server: SMTP,
        session: Session,
        envelope: Envelope,
        address: str,
        options: list[str],
    ) -> str:
        del server, session, options
        if address.startswith("nobody"):
            return "550 no such mailbox"
        if address.startswith("full"):
            return "452 mailbox full"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        del server, session
        if self.answers:
            return self.answers.pop(0)
        content = envelope.content
        assert isinstance(content, bytes)
        self.letters.append(
            email.message_from_bytes(content, policy=email.policy.default)
        )
        if self.before_answer is not None:
            self.before_answer(len(self.letters))
        return "250 taken"


@contextmanager
def serve_mail() -> Iterator[Mailbox]:
    box = Mailbox()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        box.port = free.getsockname()[1]
    controller = Controller(box, hostname="127.0.0.1", port=box.port)
    controller.start()
    try:
        yield box
    finally:
        controller.stop()


@dataclass
class Posted:
    """One request."""

    path: str
    headers: dict[str, str]
    body: Any
    raw: bytes


@dataclass
class Hook:
    """What an HTTP server was posted; `answers` are given first, one each."""

    port: int = 0
    posts: list[Posted] = field(default_factory=list)
    answers: list[tuple[int, bytes]] = field(default_factory=list)
    reply: bytes = b'{"errcode": 0}'
    hang: threading.Event | None = None
    trickle: bool = False
    before_answer: Callable[[int], None] | None = None

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def keys(self) -> list[str]:
        return [each.headers.get("idempotency-key", "") for each in self.posts]


@contextmanager
def serve_hook() -> Iterator[Hook]:
    hook = Hook()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            raw = self.rfile.read(int(self.headers["Content-Length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            hook.posts.append(Posted(self.path, headers, json.loads(raw), raw))
            if hook.before_answer is not None:
                hook.before_answer(len(hook.posts))
            if hook.hang is not None:
                hook.hang.wait(30)
            status, reply = hook.answers.pop(0) if hook.answers else (200, hook.reply)
            self.send_response(status)
            if 300 <= status < 400:
                self.send_header("Location", f"{hook.address}/elsewhere")
            if not hook.trickle:
                self.send_header("Content-Length", str(len(reply)))
            self.end_headers()
            try:
                self.wfile.write(reply)
                until = time.monotonic() + 20
                while hook.trickle and time.monotonic() < until:
                    self.wfile.write(b" ")
                    time.sleep(0.02)
            except OSError:
                pass

        def log_message(self, *_: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        block_on_close = False

        def handle_error(self, *_: object) -> None:
            pass

    server = Server(("127.0.0.1", 0), Handler)
    hook.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield hook
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
