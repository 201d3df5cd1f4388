"""What is answered when something is wrong: a page to people, JSON to programs."""

import logging
from typing import Any
from urllib.parse import quote

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException

from agroforest.core.errors import (
    AgroforestError,
    ConflictError,
    DataError,
    ForbiddenError,
    SourceError,
)
from agroforest.web.access import LoginNeededError, RefusedError, Visit, visiting
from agroforest.web.pages.layout import Flash, is_html, render
from agroforest.web.words import WORDS

_LOG = logging.getLogger(__name__)
_STATUS: tuple[tuple[type[AgroforestError], int], ...] = (
    (ConflictError, 409),
    (ForbiddenError, 403),
    (DataError, 422),
    (SourceError, 503),
)


def add_faults(app: FastAPI) -> None:
    """Answer every error of ours, and those of others."""
    app.add_exception_handler(LoginNeededError, _ask_to_log_in)
    app.add_exception_handler(RefusedError, _refuse)
    app.add_exception_handler(AgroforestError, _tell)
    app.add_exception_handler(HTTPException, _tell_status)
    app.add_exception_handler(RequestValidationError, _tell_invalid)
    app.add_exception_handler(Exception, _tell_ours)


async def _ask_to_log_in(request: Request, error: Exception) -> Response:
    path = error.path if isinstance(error, LoginNeededError) else ""
    login = f"/login?next={quote(path)}" if path else "/login"
    if request.headers.get("hx-request") == "true":
        return Response(status_code=401, headers={"HX-Redirect": "/login"})
    if is_html(request) and "authorization" not in request.headers:
        return Response(status_code=303, headers={"Location": login})
    return JSONResponse(
        {"error": WORDS["fault.401"][1]}, 401, headers={"WWW-Authenticate": "Bearer"}
    )


async def _refuse(request: Request, error: Exception) -> Response:
    key = error.key if isinstance(error, RefusedError) else "fault.403"
    return await _answer(request, 403, key)


async def _tell(request: Request, error: Exception) -> Response:
    status = next((code for kind, code in _STATUS if isinstance(error, kind)), 500)
    if status >= 500:
        _LOG.error("%s %s: %s", request.method, request.url.path, error)
    # What stopped us inside is for the log; what they did is for them.
    return await _answer(request, status, detail=str(error) if status < 500 else "")


async def _tell_status(request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):  # for the type checker
        raise error
    answer = await _answer(request, error.status_code)
    answer.headers.update(error.headers or {})
    return answer


async def _tell_invalid(request: Request, error: Exception) -> Response:
    problems: list[Any] = []
    if isinstance(error, RequestValidationError):
        problems = [
            {"where": list(each["loc"]), "problem": each["msg"]}
            for each in error.errors()
        ]
    return await _answer(request, 422, problems=problems)


async def _tell_ours(request: Request, error: Exception) -> Response:
    _LOG.error("%s %s", request.method, request.url.path, exc_info=error)
    return await _answer(request, 500)


async def _answer(
    request: Request,
    status: int,
    key: str = "",
    *,
    detail: str = "",
    problems: list[Any] | None = None,
) -> Response:
    key = key or (f"fault.{status}" if f"fault.{status}" in WORDS else "fault.400")
    try:
        visit: Visit | None = await visiting(request)
    except (LoginNeededError, AgroforestError):
        visit = None  # a wrong token, or the database itself does not answer
    if visit is None or not is_html(request):
        body: dict[str, Any] = {"error": detail or WORDS[key][1]}
        if problems:
            body["problems"] = problems
        return JSONResponse(body, status)
    words = visit.words(key)
    if visit.is_partial:
        flash = Flash(text=f"{words} {detail}".strip(), kind="bad")
        return render(
            request,
            visit,
            "flash.html",
            status=status,
            flash=flash,
            headers={"HX-Retarget": "#flash", "HX-Reswap": "innerHTML"},
        )
    return render(
        request, visit, "fault.html", status=status, message=words, detail=detail
    )
