"""The page behind a message's link: a button that says it was read.

Opening it changes nothing: mail servers and chats open links to look at them.
"""

from dataclasses import replace
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from agroforest.core.audit import Deed
from agroforest.core.message import Message
from agroforest.notify.acknowledge import KEY_FILE, PATH, read_key, verify
from agroforest.web.access import Visit, cookie_names, visiting
from agroforest.web.pages.layout import render
from agroforest.web.sessions import derive_csrf, new_secret

_TITLE = ("消息回执", "Message")
_ASK = ("您是否已读到这条消息？", "Have you read this message?")
_BUTTON = ("我已读到", "I have read it")
_READ = ("已记录，谢谢。", "Noted, thank you.")
_WAS_READ = ("这条消息已有人确认。", "Somebody has said so already.")
_UNKNOWN = (
    "这个链接无效或已过期，请查看最新消息。",
    "This link is not valid, or no longer: look at the newest message.",
)


def build_router(work: Path) -> APIRouter:
    """Build the page.

    Parameters
    ----------
    work
        The work folder, where the key of the links is.

    Raises
    ------
    DataError
        The key is damaged, or others can read it.
    """
    secret = read_key(work / KEY_FILE)
    router = APIRouter(include_in_schema=False)

    def find(visit: Visit, token: str) -> Message | None:
        key = verify(secret, token)
        return None if key is None else visit.site.store.desk.message(key)

    @router.get(f"{PATH}{{token}}")
    def show_message(
        request: Request, token: str, visit: Annotated[Visit, Depends(visiting)]
    ) -> Response:
        """Ask whether it was read."""
        message = find(visit, token)
        if message is None:
            return _say(request, visit, _UNKNOWN, status=404)
        if message.acknowledged is not None:
            return _say(request, visit, _WAS_READ)
        return _ask(request, visit)

    @router.post(f"{PATH}{{token}}")
    def acknowledge(
        request: Request, token: str, visit: Annotated[Visit, Depends(visiting)]
    ) -> Response:
        """Note that it was read."""
        message = find(visit, token)
        if message is None:
            return _say(request, visit, _UNKNOWN, status=404)
        desk, now = visit.site.store.desk, visit.site.now()
        if desk.acknowledge(message.key, now):
            desk.add_deeds([_note(message, visit)])
        return _say(request, visit, _READ)

    return router


def _ask(request: Request, visit: Visit) -> Response:
    """Show the button; a browser without one gets a secret that its form goes with."""
    secret = ""
    if not visit.csrf:
        secret = new_secret()
        visit = replace(visit, csrf=derive_csrf(secret))
    response = _say(request, visit, _ASK, button=True)
    if secret:
        _, cookie = cookie_names(visit.site)
        response.set_cookie(
            cookie, secret, httponly=True, samesite="lax", secure=visit.site.secure
        )
    return response


def _say(
    request: Request,
    visit: Visit,
    text: tuple[str, str],
    *,
    button: bool = False,
    status: int = 200,
) -> Response:
    return render(
        request,
        visit,
        "acknowledge.html",
        status=status,
        headers={"Cache-Control": "no-store"},
        title=visit.words.pick(_TITLE),
        text=visit.words.pick(text),
        button=visit.words.pick(_BUTTON) if button else "",
    )


def _note(message: Message, visit: Visit) -> Deed:
    """Entry of the audit: the link says to whom it was sent, not who has it."""
    return Deed(
        time=visit.site.now(),
        who="desk",
        what="message.read",
        subject=message.subject,
        after={
            "account": message.account,
            "channel": message.channel,
            "state": message.state,
            "key": message.key,
        },
    )
