"""Warnings for the public: CAP messages and the feed of them, kept in a folder."""

from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException, Response
from fastapi import Path as InPath
from fastapi.responses import RedirectResponse

from agroforest.core.account import Right
from agroforest.desk.public import publish_news
from agroforest.publish.cap import MEDIA_TYPE
from agroforest.publish.cap_folder import FEED, read_message
from agroforest.web.access import LoginNeededError, RefusedError, Visit, visiting
from agroforest.web.api.answers import FAULTS, Answers
from agroforest.web.site import Remembered, Site

#: Seconds for which the folder is believed to be up to date. Arbitrary.
_FRESH_S = 30.0
_FOLDER = "/cap"
_EXAMPLE = "agroforest-0123456789abcdef"
_FEED_TYPE = "application/atom+xml"
_KEEP = {"Cache-Control": f"max-age={_FRESH_S:.0f}"}
_Identifier = Annotated[str, InPath(max_length=64, examples=[_EXAMPLE])]


def build_router(site: Site, folder: Path) -> APIRouter:
    """Build the router of warnings.

    Parameters
    ----------
    site
        The desk; its ``[public]`` says whether there are any, and for whom.
    folder
        Where they are kept.
    """
    router = APIRouter(tags=["warnings"])
    lock = [Depends(_need_to_read(site))]
    bring_up_to_date = Remembered(
        lambda: publish_news(site.store, site.bureau, folder, site.now()), _FRESH_S
    )

    # None is asynchronous: a query would stop the loop.
    @router.get(f"/{FEED}", include_in_schema=False)
    def send_to_feed() -> Response:
        """Send on to where the feed's own links, which are relative, lead right."""
        return RedirectResponse(f"{_FOLDER}/{FEED}", 308)

    @router.get(
        f"{_FOLDER}/{FEED}",
        dependencies=lock,
        response_class=Response,
        responses=FAULTS | _answer(_FEED_TYPE, "Atom, RFC 4287."),
    )
    def show_feed() -> Response:
        """List the messages that hold now."""
        bring_up_to_date()
        content = (folder / FEED).read_bytes()
        return Response(content, media_type=_FEED_TYPE, headers=_KEEP)

    @router.get(
        f"{_FOLDER}/{{identifier}}.xml",
        dependencies=lock,
        response_class=Response,
        responses=FAULTS | _answer(MEDIA_TYPE, "A message, CAP 1.2."),
    )
    def show_message(identifier: _Identifier) -> Response:
        """Show a message as it went out, also one that holds no more."""
        content = read_message(folder, identifier)
        if content is None:
            bring_up_to_date()
            content = read_message(folder, identifier)
        if content is None:
            raise HTTPException(404)
        return Response(content, media_type=MEDIA_TYPE, headers=_KEEP)

    return router


def _need_to_read(site: Site) -> Callable[..., Coroutine[Any, Any, None]]:
    """Build a dependency: whether there are warnings, and for whoever asks."""
    section = site.bureau.settings.public

    async def check(visit: Annotated[Visit, Depends(visiting)]) -> None:
        if section is None:
            raise HTTPException(404)
        if section.open:
            return
        if visit.caller is None:
            raise LoginNeededError
        if not visit.may(Right.SEE_CASES):
            raise RefusedError

    return check


def _answer(media: str, text: str) -> Answers:
    content = {media: {"schema": {"type": "string"}}}
    return {200: {"description": text, "content": content}}
