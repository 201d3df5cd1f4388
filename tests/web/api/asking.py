"""Asking the API as programs and as scripts of the desk's own pages do."""

from datetime import timedelta
from typing import Any

from starlette.testclient import TestClient
from tests.web.desks import Desk, Visitor

from agroforest.core.account import Right


def change(visitor: Visitor, method: str, path: str, form: object = None) -> Any:
    """Ask for a change with the secret of a page."""
    headers = {"X-CSRF-Token": visitor.csrf(), "Origin": "http://127.0.0.1"}
    return visitor.client.request(method, path, json=form, headers=headers)


def issue(desk: Desk, name: str, *scopes: Right) -> str:
    """Make a token; all of the account's rights unless named."""
    account = desk.store.desk.account(name)
    assert account is not None
    return desk.site.sessions.issue(
        account,
        desk.clock.now,
        scopes=scopes or tuple(Right),
        lasting=timedelta(days=1),
    )


def program(desk: Desk, name: str, *scopes: Right) -> TestClient:
    """Open a connection of a program that shows a token."""
    token = issue(desk, name, *scopes)
    client = TestClient(desk.app, base_url="http://127.0.0.1", follow_redirects=False)
    client.headers["Authorization"] = f"Bearer {token}"
    desk.clients.append(client)
    return client
