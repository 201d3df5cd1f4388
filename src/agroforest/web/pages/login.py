"""Logging in and out, and choosing a language."""

from dataclasses import replace
from ipaddress import ip_address, ip_network
from time import monotonic
from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from agroforest.core.account import Account
from agroforest.core.audit import Deed
from agroforest.web.access import (
    LANGUAGE_COOKIE,
    RefusedError,
    Visit,
    cookie_names,
    need_login,
    norm_target,
    visiting,
)
from agroforest.web.pages.layout import go, render
from agroforest.web.passwords import hash_password, is_outdated, matches
from agroforest.web.sessions import SESSION, derive_csrf, new_secret
from agroforest.web.site import Site
from agroforest.web.words import LANGUAGES

_A_YEAR_S = 365 * 86_400
_Text = Annotated[str, Form(max_length=2000)]

router = APIRouter(include_in_schema=False)


@router.get("/")
def show_start(visit: Annotated[Visit, Depends(need_login)]) -> Response:
    """Go to the first page that this role has."""
    for entry in visit.site.nav:
        if visit.sees(entry):
            return RedirectResponse(entry.path, 303)
    raise RefusedError


@router.get("/login")
def show_login(
    request: Request,
    visit: Annotated[Visit, Depends(visiting)],
    next: str = "/",  # noqa: A002  the address's own word
) -> Response:
    """Ask for account and password."""
    if visit.caller is not None:
        return RedirectResponse(norm_target(next), 303)
    return ask_to_log_in(request, visit, target=norm_target(next))


@router.post("/login")
def log_in(
    request: Request,
    visit: Annotated[Visit, Depends(visiting)],
    name: _Text = "",
    password: _Text = "",
    next: _Text = "/",  # noqa: A002
) -> Response:
    """Begin a session, or say no more than that something is wrong."""
    site, target = visit.site, norm_target(next)
    name = name.strip().lower()
    asked, address = monotonic(), _address_of(request)
    wait = max(
        site.account_tries.wait_s(name, asked),
        site.address_tries.wait_s(address, asked),
    )
    if wait > 0:
        problem = visit.words("login.wait", minutes=int(wait // 60) + 1)
        answer = ask_to_log_in(
            request, visit, target=target, name=name, problem=problem, status=429
        )
        answer.headers["Retry-After"] = str(int(wait) + 1)
        return answer
    account = _find_account(site, name, password)
    if account is None:
        site.account_tries.count(name, asked)
        site.address_tries.count(address, asked)
        problem = visit.words("login.wrong")
        return ask_to_log_in(
            request, visit, target=target, name=name, problem=problem, status=403
        )
    site.account_tries.forget(name)
    return begin_session(request, site, account, target)


@router.post("/logout")
def log_out(request: Request, visit: Annotated[Visit, Depends(visiting)]) -> Response:
    """End the session."""
    site = visit.site
    name, _ = cookie_names(site)
    if visit.caller is not None and visit.caller.token.kind == SESSION:
        site.sessions.end(request.cookies.get(name, ""))
    response = go("/login", said="login.left")
    _drop(response, site, name)
    return response


@router.post("/language")
def choose_language(
    visit: Annotated[Visit, Depends(visiting)],
    language: _Text,
    next: _Text = "/",  # noqa: A002
) -> Response:
    """Keep a language: in the account, and in the browser for the log-in page."""
    site = visit.site
    response = go("/login" if next.startswith("/login") else norm_target(next))
    if language not in LANGUAGES:
        return response
    if visit.caller is not None:
        site.store.desk.change_account(visit.account.patch(language=language))
        site.sessions.forget(visit.account.name)
        site.accounts.forget()
    response.set_cookie(
        LANGUAGE_COOKIE,
        language,
        max_age=_A_YEAR_S,
        httponly=True,
        samesite="lax",
        secure=site.secure,
    )
    return response


def ask_to_log_in(
    request: Request,
    visit: Visit,
    *,
    target: str,
    name: str = "",
    problem: str = "",
    status: int = 200,
) -> HTMLResponse:
    """Show the form; a browser without one gets a secret that its form goes with."""
    site = visit.site
    _, cookie = cookie_names(site)
    secret = ""
    if not visit.csrf:
        secret = new_secret()
        visit = replace(visit, csrf=derive_csrf(secret))
    response = render(
        request,
        visit,
        "login.html",
        status=status,
        next=target,
        name=name,
        problem=problem,
        oidc=site.oidc is not None,
    )
    if secret:
        _keep(response, site, cookie, secret)
    return response


def begin_session(
    request: Request, site: Site, account: Account, target: str
) -> RedirectResponse:
    """Begin a session under a new secret, whatever the browser had before."""
    name, form = cookie_names(site)
    now = site.now()
    old = request.cookies.get(name, "")
    secret = site.sessions.begin(account, now, instead_of=old)
    site.store.desk.add_deeds(
        [Deed(time=now, who=account.name, what="session.begun", subject=account.name)]
    )
    response = RedirectResponse(target, 303)
    _keep(response, site, name, secret)
    _drop(response, site, form)
    return response


def _find_account(site: Site, name: str, password: str) -> Account | None:
    """Find whose name and password these are; takes as long for nobody's."""
    desk = site.store.desk
    account, kept = desk.account(name), desk.password_hash(name)
    if not matches(password, kept) or account is None or account.disabled:
        return None
    if kept is not None and is_outdated(kept):
        desk.set_password(name, hash_password(password))
    return account


def _address_of(request: Request) -> str:
    """Whose tries count together: an address, of IPv6 the network of one household."""
    host = "" if request.client is None else request.client.host
    try:
        address = ip_address(host)
    except ValueError:
        return host
    if address.version == 4:
        return host
    return str(ip_network((address, 64), strict=False))


def _keep(response: Response, site: Site, name: str, secret: str) -> None:
    response.set_cookie(
        name,
        secret,
        httponly=True,
        samesite="lax",
        secure=site.secure,
        path="/",
    )


def _drop(response: Response, site: Site, name: str) -> None:
    response.delete_cookie(
        name, path="/", secure=site.secure, httponly=True, samesite="lax"
    )
