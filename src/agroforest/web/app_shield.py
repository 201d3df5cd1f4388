"""What stands before every page: how much may be sent, and what a browser may do."""

from collections.abc import Mapping

from starlette.types import ASGIApp, Message, Receive, Scope, Send

#: Largest body of a request, bytes. Arbitrary; a note has two thousand characters.
LARGEST = 1_048_576

#: Scripts, styles and pictures come from files of ours alone: markup that got into a
#: page runs nothing, fetches nothing and sends nothing elsewhere.
POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "connect-src 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
    )
)
_HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # Not "no-referrer": forms would then come from "null" and not from here.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), payment=(), usb=()",
}

_MOST_DIGITS = 18


class Shield:
    """Sets headers, and refuses bodies that are too large.

    Pages are not kept by browsers and proxies unless they say so themselves.

    Parameters
    ----------
    app
        What it stands before.
    secure
        Whether it is reached by HTTPS alone; browsers are told to stay there.
    largest
        Most bytes of a body.
    """

    def __init__(
        self, app: ASGIApp, *, secure: bool = False, largest: int = LARGEST
    ) -> None:
        self._app, self._largest = app, largest
        own = {**_HEADERS, "Cache-Control": "no-store"}
        if secure:
            own["Strict-Transport-Security"] = "max-age=31536000"
        self._headers = [
            (name.lower().encode("latin-1"), value.encode("latin-1"))
            for name, value in own.items()
        ]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        taken, began = 0, False

        async def guarded_receive() -> Message:
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > self._largest:
                raise _TooLargeError
            return message

        async def guarded_send(message: Message) -> None:
            nonlocal began
            if message["type"] == "http.response.start":
                began = True
                headers = list(message.get("headers", ()))
                said = {name.lower() for name, _ in headers}
                headers += [pair for pair in self._headers if pair[0] not in said]
                message["headers"] = headers
            await send(message)

        if _declared(scope) > self._largest:
            await _refuse(guarded_send)
            return
        try:
            await self._app(scope, guarded_receive, guarded_send)
        except _TooLargeError:
            if began:
                raise
            await _refuse(guarded_send)


class _TooLargeError(Exception):
    """More came than a body may have."""


def _declared(scope: Scope) -> int:
    for name, value in scope["headers"]:
        if name == b"content-length":
            # Of more digits Python would make no number.
            return int(value[:_MOST_DIGITS]) if value.isdigit() else 0
    return 0


async def _refuse(send: Send) -> None:
    headers = [(b"content-type", b"text/plain; charset=utf-8")]
    await send({"type": "http.response.start", "status": 413, "headers": headers})
    body = "发送的内容太大。 What was sent is too large.\n".encode()
    await send({"type": "http.response.body", "body": body})
