"""A mailbox and a webhook on this machine that keep what they get and show it.

Both are real: letters come by SMTP, posts by HTTP. Nothing leaves the machine.
"""

import asyncio
import email
import email.policy
import json
import threading
from collections import deque
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import parsedate_to_datetime
from socket import socket

import uvicorn
from aiosmtpd.smtp import SMTP, Envelope, Session
from fastapi import FastAPI, HTTPException, Request
from fastapi.responses import HTMLResponse, RedirectResponse
from jinja2 import Environment
from starlette.middleware.trustedhost import TrustedHostMiddleware

from agroforest.web.serve import OWN, open_socket

_HOST = "127.0.0.1"
#: Longest letter or post, bytes; ours are a few thousand.
_LONGEST = 1 << 20
#: Letters, and posts, that are kept: the newest. Arbitrary.
_KEPT = 500
#: Seconds that starting and stopping may take. Arbitrary.
_PATIENCE_S = 20.0


@dataclass(kw_only=True, slots=True)
class Mailbox:
    """What came, the oldest first.

    Attributes
    ----------
    smtp, url
        Where letters are sent, and where people read them.
    hook
        Where posts are sent.
    letters
        As they came by mail.
    posts
        Header ``Idempotency-Key`` and document of each post; one that is sent again
        under the same key is kept once.
    """

    smtp: str = ""
    url: str = ""
    hook: str = ""
    letters: deque[EmailMessage] = field(default_factory=lambda: deque(maxlen=_KEPT))
    posts: dict[str, dict[str, object]] = field(default_factory=dict)

    # As aiosmtpd calls it.
    async def handle_DATA(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        """Keep a letter."""
        del server, session
        content = envelope.content or b""
        raw = content.encode() if isinstance(content, str) else content
        self.letters.append(email.message_from_bytes(raw, policy=email.policy.default))
        return "250 kept"

    def keep_post(self, key: str, document: dict[str, object]) -> None:
        """Keep a post, unless it is there already."""
        self.posts.setdefault(key or f"post {len(self.posts) + 1}", document)
        while len(self.posts) > _KEPT:
            self.posts.pop(next(iter(self.posts)))


@contextmanager
def serve_mailbox(port: int = 0) -> Iterator[Mailbox]:
    """Serve a mailbox in a thread of its own, on this machine alone.

    Parameters
    ----------
    port
        Of its page and the webhook; 0 takes a free one, as the SMTP server does.

    Raises
    ------
    ConfigurationError
        The port is taken.
    """
    box = Mailbox()
    with open_socket(_HOST, port) as page, open_socket(_HOST, 0) as post:
        box.smtp = f"smtp://{_HOST}:{post.getsockname()[1]}"
        address = f"http://{_HOST}:{page.getsockname()[1]}"
        box.url, box.hook = f"{address}/mailbox", f"{address}/hook"
        started = threading.Event()
        config = uvicorn.Config(
            _build_app(box, post, started),
            log_level="warning",
            access_log=False,
            lifespan="on",
        )
        server = uvicorn.Server(config)
        thread = threading.Thread(
            target=server.run, kwargs={"sockets": [page]}, name="mailbox", daemon=True
        )
        thread.start()
        try:
            started.wait(_PATIENCE_S)
            yield box
        finally:
            server.should_exit = True
            thread.join(_PATIENCE_S)


def _build_app(box: Mailbox, post: socket, started: threading.Event) -> FastAPI:
    @asynccontextmanager
    async def take_mail(_: FastAPI) -> AsyncIterator[None]:
        loop = asyncio.get_running_loop()
        mail = await loop.create_server(
            lambda: SMTP(
                box,
                hostname="mailbox.local",
                data_size_limit=_LONGEST,
                enable_SMTPUTF8=True,
                loop=loop,
            ),
            sock=post,
        )
        started.set()
        async with mail:
            yield

    app = FastAPI(lifespan=take_mail, docs_url=None, redoc_url=None, openapi_url=None)
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=list(OWN))

    @app.get("/")
    async def find() -> RedirectResponse:
        return RedirectResponse("/mailbox")

    @app.get("/mailbox")
    async def show() -> HTMLResponse:
        return HTMLResponse(_render(box), headers=_HEADERS)

    @app.post("/hook")
    async def take(request: Request) -> dict[str, int]:
        body = await request.body()
        try:
            document = json.loads(body) if len(body) <= _LONGEST else None
        except ValueError:
            document = None
        if not isinstance(document, dict):
            raise HTTPException(422)
        box.keep_post(request.headers.get("idempotency-key", ""), document)
        return {"errcode": 0}

    return app


def _render(box: Mailbox) -> str:
    letters = [
        {
            "to": str(letter["To"]),
            "subject": str(letter["Subject"]),
            "date": str(letter["Date"]),
            "language": str(letter["Content-Language"] or ""),
            "text": letter.get_content() if not letter.is_multipart() else "",
        }
        for letter in sorted(box.letters, key=_find_date, reverse=True)
    ]
    posts = [
        (key, json.dumps(document, ensure_ascii=False, indent=2))
        for key, document in reversed(box.posts.items())
    ]
    return _PAGE.render(letters=letters, posts=posts, box=box)


def _find_date(letter: EmailMessage) -> datetime:
    """Find when a letter was written; one without a date is the oldest."""
    try:
        return parsedate_to_datetime(str(letter["Date"])).astimezone(UTC)
    except (TypeError, ValueError):
        return datetime.min.replace(tzinfo=UTC)


#: Whatever a letter holds, nothing of it runs or is loaded.
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}
_PAGE = Environment(autoescape=True).from_string("""\
<!doctype html>
<html lang="zh-CN">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="refresh" content="15">
<title>模拟信箱 · Local mailbox</title>
<style>
body { font: 16px/1.6 system-ui, "Noto Sans CJK SC", sans-serif; margin: 0 auto;
  max-width: 62rem; padding: 1rem; color: #1c2621; background: #f6f7f4; }
h1 { font-size: 1.4rem; } h2 { font-size: 1.1rem; margin-top: 2rem; }
article { background: #fff; border: 1px solid #d5dad3; border-radius: 6px;
  margin: .75rem 0; padding: .75rem 1rem; overflow-wrap: anywhere; }
h3 { font-size: 1rem; margin: 0 0 .25rem; }
.of { color: #4d5a52; font-size: .875rem; margin: 0; }
pre { white-space: pre-wrap; font: inherit; margin: .5rem 0 0; }
</style>
</head>
<body>
<h1>模拟信箱 · Local mailbox</h1>
<p class="of">信件只到本机，不会寄给任何人 ·
Letters come to this machine and reach nobody:
{{ box.smtp }}, {{ box.hook }}</p>
<main>
<h2>邮件 · Mail ({{ letters | length }})</h2>
{% for each in letters %}
<article lang="{{ each.language }}">
<h3>{{ each.subject }}</h3>
<p class="of">{{ each.to }} · {{ each.date }}</p>
<pre>{{ each.text }}</pre>
</article>
{% else %}<p>还没有信件 · No letters yet.</p>{% endfor %}
<h2>网络回调 · Webhook ({{ posts | length }})</h2>
{% for key, text in posts %}
<article><h3>{{ key }}</h3><pre>{{ text }}</pre></article>
{% else %}<p>还没有消息 · Nothing yet.</p>{% endfor %}
</main>
</body>
</html>
""")
