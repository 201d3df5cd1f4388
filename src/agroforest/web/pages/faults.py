"""What is answered when something is wrong: a page to people, JSON to programs."""

import logging
from http import HTTPStatus
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
from agroforest.web.access import (
    LoginNeededError,
    RefusedError,
    visit_of_nobody,
    visiting,
)
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


def build_problem(
    status: int, detail: str, problems: list[Any] | None = None
) -> JSONResponse:
    """Say to a program what is wrong (RFC 9457)."""
    body: dict[str, Any] = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
    }
    if problems:
        body["errors"] = problems
    return JSONResponse(body, status, media_type="application/problem+json")


def _is_api(request: Request) -> bool:
    return request.url.path.startswith(("/api/", "/stac", "/cap/"))


async def _ask_to_log_in(request: Request, error: Exception) -> Response:
    path = error.path if isinstance(error, LoginNeededError) else ""
    login = f"/login?next={quote(path)}" if path else "/login"
    if request.headers.get("hx-request") == "true":
        return Response(status_code=401, headers={"HX-Redirect": "/login"})
    programs = "authorization" in request.headers or _is_api(request)
    if is_html(request) and not programs:
        return Response(status_code=303, headers={"Location": login})
    answer = build_problem(401, WORDS["fault.401"][1])
    answer.headers["WWW-Authenticate"] = "Bearer"
    return answer


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
    said = str(error.detail or "")
    is_ours = _is_api(request) and said != HTTPStatus(error.status_code).phrase
    detail = said if is_ours else ""
    answer = await _answer(request, error.status_code, detail=detail)
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
        visit = await visiting(request)
    except (LoginNeededError, AgroforestError):
        # A wrong token, or the database itself does not answer.
        visit = visit_of_nobody(request)
    if not is_html(request) or _is_api(request):
        return build_problem(status, detail or WORDS[key][1], problems)
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
