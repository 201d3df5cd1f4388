"""Logging in by way of one's organisation."""

from typing import Annotated

from fastapi import APIRouter, Depends, HTTPException, Request, Response
from fastapi.responses import RedirectResponse

from agroforest.web.access import Visit, norm_target, visiting
from agroforest.web.oidc import Oidc, OidcError
from agroforest.web.pages.login import ask_to_log_in, begin_session

#: Holds the state of an attempt while its browser is elsewhere.
_COOKIE = "desk-oidc"
_COOKIE_S = 600

router = APIRouter(include_in_schema=False)
_Anybody = Annotated[Visit, Depends(visiting)]


# Not asynchronous: the provider is asked meanwhile.
@router.get("/login/oidc")
def leave(request: Request, visit: _Anybody, next: str = "/") -> Response:  # noqa: A002
    """Send the browser to the provider."""
    try:
        address, state = _find(visit).begin(norm_target(next), visit.site.now())
    except OidcError as error:
        return _fail(request, visit, error.key)
    response = RedirectResponse(address, 303)
    response.set_cookie(
        _COOKIE,
        state,
        max_age=_COOKIE_S,
        path="/login/oidc",
        httponly=True,
        samesite="lax",  # it comes back from another site
        secure=visit.site.secure,
    )
    return response


@router.get("/login/oidc/back")
def come_back(request: Request, visit: _Anybody) -> Response:
    """Begin the session of whoever the provider says it is."""
    site, kept = visit.site, request.cookies.get(_COOKIE, "")
    try:
        name, target = _find(visit).finish(
            request.query_params, kept=kept, now=site.now()
        )
    except OidcError as error:
        return _fail(request, visit, error.key)
    account = site.store.desk.account(name)
    if account is None or account.disabled:
        return _fail(request, visit, "login.oidc_unknown")
    response = begin_session(request, site, account, target)
    response.delete_cookie(_COOKIE, path="/login/oidc")
    return response


def _find(visit: Visit) -> Oidc:
    if visit.site.oidc is None:
        raise HTTPException(404)
    return visit.site.oidc


def _fail(request: Request, visit: Visit, key: str) -> Response:
    problem = visit.words("login.oidc_failed", why=visit.words(key))
    return ask_to_log_in(request, visit, target="/", problem=problem, status=403)
