"""Who may ask what: every page by every role, every change by whoever means it."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any, NoReturn
from urllib.parse import unquote

import pytest
from fastapi import APIRouter
from starlette.routing import BaseRoute
from tests.web.desks import PASSWORD, PEOPLE, Desk, build_alerts, open_desk

from agroforest.core.account import Right
from agroforest.core.errors import SourceError
from agroforest.desk.settings import DeskSettings, WebSection
from agroforest.web.access import SAFE, norm_target
from agroforest.web.app import PAGES

CASE = build_alerts(1)[0].id
ROLES = ("", *PEOPLE)
#: Status by role: nobody, viewer, farmer, reviewers, supervisor, admin.
SEEN = {
    "/": (303, 303, 303, 303, 303, 303, 303),
    "/login": (200, 303, 303, 303, 303, 303, 303),
    "/login/oidc": (404,) * 7,
    "/login/oidc/back": (404,) * 7,
    "/queue": (303, 200, 403, 200, 200, 200, 200),
    f"/alerts/{CASE}": (303, 200, 403, 200, 200, 200, 200),
    "/audit": (303, 403, 403, 403, 403, 200, 200),
    "/v1.1/Things": (303, 200, 403, 200, 200, 200, 200),
    "/healthz": (200,) * 7,
}
DONE = {
    f"/alerts/{CASE}/pass": (303, 403, 403, 303, 409, 409, 409),
    f"/alerts/{CASE}/close": (303, 403, 403, 403, 403, 409, 409),
    f"/alerts/{CASE}/nothing": (303, 403, 403, 422, 422, 422, 422),
    "/queue/merge": (303, 403, 403, 422, 422, 422, 422),
    "/queue/unmerge?ids=nobody": (303, 403, 403, 404, 404, 404, 404),
    f"/queue/undo/{CASE}?version=1": (303, 403, 403, 409, 409, 409, 409),
    "/audit/verify": (303, 403, 403, 403, 403, 200, 200),
    "/language": (303,) * 7,
    "/logout": (303,) * 7,
}


@pytest.fixture
def desk(tmp_path) -> Iterator[Desk]:
    with open_desk(tmp_path) as opened:
        yield opened


def test_every_page_by_every_role(desk: Desk) -> None:
    for place, name in enumerate(ROLES):
        visitor = desk.visitor(name)
        found = {path: visitor.get(path).status_code for path in SEEN}
        assert found == {path: codes[place] for path, codes in SEEN.items()}, name


def test_every_act_by_every_role(desk: Desk) -> None:
    for place, name in enumerate(ROLES):
        visitor = desk.visitor(name)
        page = "/nothing" if name else "/login"
        found = {}
        for path in DONE:  # the last ends the session
            form: dict[str, Any] = {"version": 1, "language": "en", "note": "n"}
            found[path] = visitor.post(path, page=page, **form).status_code
        assert found == {path: codes[place] for path, codes in DONE.items()}, name


def test_every_route_is_in_these_tables() -> None:
    tried = {path.partition("?")[0] for path in {**SEEN, **DONE}}
    for route in all_routes(PAGES):
        path = getattr(route, "path", "").replace("{id}", CASE).replace("{act}", "pass")
        assert path in tried, path


def all_routes(routers: tuple[APIRouter, ...]) -> list[BaseRoute]:
    return [route for router in routers for route in router.routes]


def test_changes_need_the_secret_of_the_session(desk: Desk) -> None:
    rui, ren = desk.visitor("rui"), desk.visitor("ren")
    stolen = ren.csrf()
    for route in all_routes(PAGES):
        path = getattr(route, "path", "").replace("{id}", CASE).replace("{act}", "pass")
        if not getattr(route, "methods", set()) - SAFE:
            continue
        for csrf in ("", "0" * 64, stolen):
            answer = rui.post(f"{path}?ids={CASE}&version=1", csrf=csrf, version=1)
            assert answer.status_code == 403, path
            assert "reload" in answer.text
    case = desk.store.desk.case(CASE)
    assert case is not None
    assert case.version == 1


def test_changes_from_another_site_are_refused(desk: Desk) -> None:
    rui = desk.visitor("rui")
    form = {"csrf": rui.csrf(), "version": "1"}
    path = f"/alerts/{CASE}/pass"
    for headers in (
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": "http://127.0.0.1.evil.example"},
        {"sec-fetch-site": "cross-site"},
    ):
        assert rui.client.post(path, data=form, headers=headers).status_code == 403
    own = {"origin": "http://127.0.0.1", "sec-fetch-site": "same-origin"}
    assert rui.client.post(path, data=form, headers=own).status_code == 303


def test_the_header_holds_the_secret_too(desk: Desk) -> None:
    rui = desk.visitor("rui")
    headers = {"X-CSRF-Token": rui.csrf()}
    path = f"/alerts/{CASE}/pass"
    answer = rui.client.post(path, data={"version": "1"}, headers=headers)
    assert answer.status_code == 303


def test_tokens_of_programs(desk: Desk) -> None:
    admin = desk.store.desk.account("ada")
    assert admin is not None
    secret = desk.site.sessions.issue(
        admin,
        desk.clock(),
        scopes=[Right.SEE_CASES, Right.JUDGE],
        lasting=timedelta(days=2),
        label="a script",
    )
    client = desk.visitor().client
    shown = {"Authorization": f"Bearer {secret}"}
    assert client.get("/queue", headers=shown).status_code == 200
    # The scope is less than the role; no form's secret is asked for.
    assert client.get("/audit", headers=shown).status_code == 403
    path = f"/alerts/{CASE}"
    form = {"version": "1", "note": "n"}
    assert client.post(f"{path}/close", data=form, headers=shown).status_code == 403
    assert client.post(f"{path}/pass", data=form, headers=shown).status_code == 303
    wrong = {"Authorization": "Bearer nobody's"}
    answer = client.get("/queue", headers={**wrong, "accept": "text/html"})
    assert (answer.status_code, answer.json()) == (
        401,
        {
            "type": "about:blank",
            "title": "Unauthorized",
            "status": 401,
            "detail": "Please log in first.",
        },
    )
    # A token is no session, and a session no token.
    client.cookies.set("desk", secret)
    assert client.get("/queue", headers={"accept": "text/html"}).status_code == 303
    session = desk.visitor("rui").client.cookies["desk"]
    shown = {"Authorization": f"Bearer {session}"}
    assert desk.visitor().client.get("/queue", headers=shown).status_code == 401
    desk.clock.move(days=3)
    shown = {"Authorization": f"Bearer {secret}"}
    assert desk.visitor().client.get("/queue", headers=shown).status_code == 401


def test_sensorthings_by_setting(tmp_path) -> None:
    for readers, status in (("off", 404), ("login", 401), ("open", 200)):
        settings = DeskSettings(web=WebSection(sensorthings=readers))
        with open_desk(tmp_path / readers, settings=settings) as desk:
            answer = desk.visitor().client.get("/v1.1/Things")
            assert answer.status_code == status


def test_what_a_browser_is_told(desk: Desk) -> None:
    answer = desk.visitor("rui").get("/queue")
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "same-origin"
    assert answer.headers["cache-control"] == "no-store"
    assert "strict-transport-security" not in answer.headers
    asset = desk.visitor().get("/static/desk.css?v=1")
    assert "immutable" in asset.headers["cache-control"]
    assert desk.visitor().get("/static/../app.py").status_code == 404
    assert desk.visitor().get("/static/%2e%2e/app.py").status_code == 404


def test_cookies_behind_https(tmp_path) -> None:
    settings = DeskSettings(web=WebSection(hosts=("127.0.0.1",)))
    with open_desk(tmp_path, settings=settings) as desk:
        answer = desk.visitor().get("/login")
        cookie = answer.headers["set-cookie"]
        assert cookie.startswith("__Host-desk-form=")
        assert "Secure" in cookie
        assert "HttpOnly" in cookie
        assert "SameSite=lax" in cookie
        assert "Path=/" in cookie
        assert "strict-transport-security" in answer.headers


def test_other_names_are_refused(desk: Desk) -> None:
    answer = desk.visitor().client.get("/login", headers={"host": "evil.example"})
    assert answer.status_code == 400


@pytest.mark.parametrize("declared", [True, False])
def test_bodies_that_are_too_large(desk: Desk, declared: bool) -> None:
    body = b"a" * 1_100_000
    content = body if declared else iter([body])
    kind = {"content-type": "application/x-www-form-urlencoded"}
    answer = desk.visitor("rui").client.post(
        f"/alerts/{CASE}/note", content=content, headers=kind
    )
    assert answer.status_code == 413


def test_logging_in_goes_where_one_wanted(desk: Desk) -> None:
    visitor = desk.visitor()
    path = f"/alerts/{CASE}"
    asked = visitor.get(f"{path}?a=b").headers["location"]
    assert unquote(asked) == f"/login?next={path}?a=b"
    done = visitor.log_in("rui", next=f"{path}?a=b")
    assert done.headers["location"] == f"{path}?a=b"


@pytest.mark.parametrize(
    "path",
    [
        *("https://evil.example", "//evil.example", "/\\evil.example", "evil"),
        *("javascript:alert(1)", "/\t/evil.example", "/\n/evil.example", "", "\\"),
        *("/login", "/logout", "http:/evil", "///evil.example", "/language"),
    ],
)
def test_logging_in_leads_nowhere_else(path: str) -> None:
    assert norm_target(path) == "/"


def test_a_password_of_nobody_is_no_password(desk: Desk) -> None:
    assert desk.store.desk.account("nobody") is None
    assert desk.visitor().log_in("nobody", PASSWORD).status_code == 403


def test_a_database_that_does_not_answer(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> NoReturn:
        raise SourceError("the database", "does not answer", "try again")

    rui = desk.visitor("rui")
    for name in ("token", "queue", "tally"):
        monkeypatch.setattr(desk.store.desk, name, fail)
    for _ in range(2):
        answer = rui.get("/queue")
        assert answer.status_code == 503
        assert "text/html" in answer.headers["content-type"]
        desk.clock.move(minutes=1)
    assert desk.visitor().get("/healthz").status_code == 200  # the process lives
