"""Who may do what over HTTP: every request is somebody's, and every change is meant.

A page asks for a `Visit` with `visiting`, ``need`` or `need_login`. Changes are
guarded for the whole application by `guard`: a page cannot forget it.
"""

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Annotated, Any, TypeAlias
from urllib.parse import quote, urlsplit

from fastapi import APIRouter, Depends, Request, Response
from starlette.concurrency import run_in_threadpool

from agroforest.core.account import Account, Right, Role
from agroforest.web.sessions import API, SESSION, Caller, derive_csrf, is_csrf
from agroforest.web.site import NavEntry, Site
from agroforest.web.words import LANGUAGES, Words

#: Methods that change nothing.
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
#: Keeps the language of whoever has not logged in.
LANGUAGE_COOKIE = "desk-language"


class LoginNeededError(Exception):
    """Nobody has shown who they are; `path` is where they wanted to go."""

    def __init__(self, path: str = "") -> None:
        super().__init__(path)
        self.path = path


class RefusedError(Exception):
    """Whoever asks may not; `key` names the words that say why."""

    def __init__(self, key: str = "fault.403") -> None:
        super().__init__(key)
        self.key = key


@dataclass(frozen=True, kw_only=True, slots=True)
class Visit:
    """One request: who asks, in which language.

    Attributes
    ----------
    site
        The desk.
    caller
        Who has shown a secret; ``None`` if nobody.
    words
        In their language.
    csrf
        What their forms send back; empty for programs, and for whoever has not seen
        the log-in page yet.
    is_partial
        Whether a script asks for a part of a page.
    """

    site: Site
    caller: Caller | None
    words: Words
    csrf: str
    is_partial: bool = False

    @property
    def account(self) -> Account:
        """Whose it is.

        Raises
        ------
        LoginNeededError
            Nobody's.
        """
        if self.caller is None:
            raise LoginNeededError
        return self.caller.account

    def may(self, right: Right) -> bool:
        """Whether they may."""
        return self.caller is not None and self.caller.may(right)

    def sees(self, entry: NavEntry) -> bool:
        """Whether the navigation names a page to them."""
        if self.may(entry.right):
            return True
        account = None if self.caller is None else self.caller.account
        return entry.farmers and account is not None and account.role == Role.FARMER

    def sees_parcel(self, parcel: str) -> bool:
        """Whether they may see a parcel: every one, or their own."""
        if self.may(Right.SEE_PARCELS):
            return True
        account = None if self.caller is None else self.caller.account
        return (
            account is not None
            and account.role == Role.FARMER
            and parcel in account.parcels
        )


_Page: TypeAlias = Callable[[Request, Visit], Coroutine[Any, Any, Response]]


def cookie_names(site: Site) -> tuple[str, str]:
    """Names of the cookies of the session, and of forms before there is one.

    A browser takes ``__Host-`` over HTTPS alone, and from this very host.
    """
    prefix = "__Host-" if site.secure else ""
    return f"{prefix}desk", f"{prefix}desk-form"


async def visiting(request: Request) -> Visit:
    """Find who asks; anybody may."""
    kept: Visit | None = getattr(request.state, "visit", None)
    if kept is None:
        kept = await _find_visit(request)
        request.state.visit = kept
    return kept


def visit_of_nobody(request: Request) -> Visit:
    """Build the visit of whoever asks when nothing can be found out about them."""
    site: Site = request.app.state.site
    words = Words(_find_language(request, site, None))
    return Visit(site=site, caller=None, words=words, csrf="")


async def need_login(
    request: Request, visit: Annotated[Visit, Depends(visiting)]
) -> Visit:
    """Find who asks; nobody who has not logged in may.

    Raises
    ------
    LoginNeededError
        Nobody has shown who they are.
    """
    if visit.caller is None:
        raise LoginNeededError(_wanted(request))
    return visit


def need(
    right: Right, *, farmers: bool = False
) -> Callable[..., Coroutine[Any, Any, Visit]]:
    """Build a dependency: who asks, if they may.

    Parameters
    ----------
    right
        What they need.
    farmers
        Whether a farmer may without it; the page then shows them their own parcels
        alone, see `Visit.sees_parcel`.
    """

    async def check(
        request: Request, visit: Annotated[Visit, Depends(visiting)]
    ) -> Visit:
        if visit.caller is None:
            raise LoginNeededError(_wanted(request))
        is_farmer = visit.account.role == Role.FARMER
        if not (visit.may(right) or (farmers and is_farmer)):
            raise RefusedError
        return visit

    return check


def page(router: APIRouter, path: str, right: Right) -> Callable[[_Page], _Page]:
    """Serve what is read again and again, to whoever has the right.

    It reads of the address what it needs itself: to have FastAPI read it, and find who
    asks, was a fifth of the server's time (docs/adr/0014-review-desk.md).

    Parameters
    ----------
    router
        Where it is served.
    path
        As routes are written.
    right
        What one needs.
    """
    check = need(right)

    def add(show: _Page) -> _Page:
        async def answer(request: Request) -> Response:
            return await show(request, await check(request, await visiting(request)))

        router.add_route(path, answer, methods=["GET"], include_in_schema=False)
        return show

    return add


async def guard(request: Request, visit: Annotated[Visit, Depends(visiting)]) -> None:
    """Refuse changes that a page elsewhere makes a browser ask for.

    The form, or the header ``X-CSRF-Token``, must hold what follows from the session's
    secret, and the page it comes from must be ours. Programs send their token
    themselves; no browser does that for anybody.

    Raises
    ------
    RefusedError
        It is such a change.
    """
    if request.method in SAFE:
        return
    if visit.caller is not None and visit.caller.token.kind == API:
        return
    if not _is_own_origin(request):
        raise RefusedError("fault.csrf")
    shown = request.headers.get("x-csrf-token", "")
    if not shown and "form" in request.headers.get("content-type", ""):
        written = (await request.form()).get("csrf")
        shown = written if isinstance(written, str) else ""
    if not is_csrf(shown, visit.csrf):
        raise RefusedError("fault.csrf")


def norm_target(path: str) -> str:
    """Where to go after logging in: a page of ours, or the start."""
    parts = urlsplit(path)
    is_own = path.startswith("/") and not (parts.scheme or parts.netloc)
    # Browsers read a backslash as a slash, and drop line breaks and tabs.
    is_plain = path.isprintable() and "\\" not in path and not path.startswith("//")
    is_page = not path.startswith(("/login", "/logout", "/language"))
    return path if is_own and is_plain and is_page else "/"


def _wanted(request: Request) -> str:
    if request.method != "GET":
        return ""
    query = request.url.query
    return quote(request.url.path, safe="/:@") + (f"?{query}" if query else "")


async def _find_visit(request: Request) -> Visit:
    site: Site = request.app.state.site
    session_cookie, form_cookie = cookie_names(site)
    kind, secret = SESSION, request.cookies.get(session_cookie, "")
    scheme, _, shown = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":  # whoever shows a token is not also their browser
        kind, secret = API, shown.strip()
    caller = None
    if secret:
        now = site.now()
        caller = site.sessions.recall(secret, kind, now) or await run_in_threadpool(
            site.sessions.find, secret, kind, now
        )
    if scheme.lower() == "bearer" and caller is None:
        raise LoginNeededError
    csrf = "" if caller is None else caller.csrf
    form_secret = request.cookies.get(form_cookie, "")
    if caller is None and form_secret:
        csrf = derive_csrf(form_secret)
    return Visit(
        site=site,
        caller=caller,
        words=Words(_find_language(request, site, caller)),
        csrf=csrf,
        is_partial=request.headers.get("hx-request") == "true",
    )


def _find_language(request: Request, site: Site, caller: Caller | None) -> str:
    if caller is not None and caller.token.kind == SESSION:
        return caller.account.language
    chosen = request.cookies.get(LANGUAGE_COOKIE, "")
    if chosen in LANGUAGES:
        return chosen
    if caller is not None:
        return caller.account.language
    return site.bureau.settings.languages[0]


def _is_own_origin(request: Request) -> bool:
    """Whether the page a change comes from is ours, as far as the browser says.

    Only the host is compared: behind a proxy, HTTPS ends there.
    """
    origin = request.headers.get("origin")
    if origin is None:
        return request.headers.get("sec-fetch-site", "same-origin") in {
            "same-origin",
            "none",
        }
    return urlsplit(origin).netloc == request.headers.get("host", "")
