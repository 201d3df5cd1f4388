"""A desk with people of every role and a morning's alerts, for tests of its pages."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import shapely
from fastapi import APIRouter, FastAPI
from starlette.testclient import TestClient

from agroforest.core.account import Account, Role
from agroforest.core.alert import Alert, AlertStatus, Change, Instruction
from agroforest.core.county import Counties, County
from agroforest.core.risk import Hazard
from agroforest.desk.bureau import Bureau
from agroforest.desk.settings import DeskSettings
from agroforest.desk.work import follow
from agroforest.store import Store, open_store
from agroforest.web.app import build_desk
from agroforest.web.app_parts import build_parts
from agroforest.web.passwords import hash_password
from agroforest.web.site import Site

NOW = datetime(2024, 5, 2, 1, 30, tzinfo=UTC)
NIGHT = date(2024, 5, 1)
PASSWORD = "a heron stands still"  # noqa: S105  of a store that lives a second
PEOPLE = {
    "vera": Role.VIEWER,
    "feng": Role.FARMER,
    "rui": Role.REVIEWER,
    "ren": Role.REVIEWER,
    "sun": Role.SUPERVISOR,
    "ada": Role.ADMIN,
}
_HASH = hash_password(PASSWORD)
_CSRF = re.compile(r'name="csrf" value="([0-9a-f]+)"')
COUNTIES = Counties(
    [
        County(
            code=f"45010{n}",
            name_zh=zh,
            name_en=en,
            geometry=shapely.box(108.0 + n * 0.5, 22.0, 108.5 + n * 0.5, 23.0),
        )
        for n, (zh, en) in enumerate([("兴宁区", "Xingning"), ("青秀区", "Qingxiu")])
    ]
)


@dataclass(kw_only=True)
class Clock:
    """A clock that stands until it is moved."""

    now: datetime = NOW

    def __call__(self) -> datetime:
        return self.now

    def move(self, **by: float) -> None:
        self.now += timedelta(**by)


@dataclass(kw_only=True)
class Desk:
    """An open desk, and ways to ask it."""

    store: Store
    app: FastAPI
    site: Site
    clock: Clock
    clients: list[TestClient] = field(default_factory=list)

    def visitor(self, name: str = "", *, language: str = "en") -> "Visitor":
        """Open a browser, logged in if it is somebody's."""
        client = TestClient(
            self.app, base_url="http://127.0.0.1", follow_redirects=False
        )
        self.clients.append(client)
        seen = Visitor(client)
        if name:
            account = self.store.desk.account(name)
            assert account is not None
            self.store.desk.change_account(account.patch(language=language))
            self.site.sessions.forget(name)
            answer = seen.log_in(name)
            assert answer.status_code == 303, answer.text
        return seen


class Visitor:
    """A browser without scripts."""

    def __init__(self, client: TestClient) -> None:
        self.client = client

    def get(self, path: str, **headers: str) -> Any:
        return self.client.get(path, headers={"accept": "text/html", **headers})

    def post(
        self, path: str, *, page: str = "/queue", partial: bool = False, **form: Any
    ) -> Any:
        """Send a form with the secret of a page."""
        headers = {"accept": "text/html"}
        if partial:
            headers["HX-Request"] = "true"
        form.setdefault("csrf", self.csrf(page))
        return self.client.post(path, data=form, headers=headers)

    def csrf(self, page: str = "/queue") -> str:
        found = _CSRF.search(self.get(page).text)
        assert found, f"{page} holds no form"
        return found[1]

    def log_in(self, name: str, password: str = PASSWORD, next: str = "/") -> Any:  # noqa: A002
        return self.post(
            "/login", page="/login", name=name, password=password, next=next
        )


def build_alerts(count: int = 12) -> list[Alert]:
    """Build alerts of every hazard, side by side, the last of each pair near it."""
    return [_build_alert(number) for number in range(count)]


def _build_alert(number: int) -> Alert:
    hazard = (Hazard.CANOPY_STRESS, Hazard.CANOPY_LOSS)[number % 2]
    west, south = 108.2 + number * 0.004, 22.3 + (number % 3) * 0.002
    first = NIGHT - timedelta(days=number % 4)
    return Alert(
        id=f"{number:02x}" + "a5" * 7,
        pipeline="gaofeng",
        hazard=hazard,
        model="canopy-stress 0.1.0",
        status=AlertStatus.OPEN,
        geometry=shapely.box(west, south, west + 0.002, south + 0.0015),
        area_ha=1.5 + number * 2.5,
        reported_area_ha=1.5 + number * 2.5,
        probability=0.95 - number * 0.03,
        first_night=first,
        last_night=NIGHT,
        since=first - timedelta(days=5),
        evidence=NIGHT - timedelta(days=1),
        changed=NIGHT,
        places=("c1", "p2"),
    )


def fill(store: Store, bureau: Bureau, alerts: list[Alert] | None = None) -> None:
    """Add people, and what a night found."""
    for name, role in PEOPLE.items():
        store.desk.add_account(
            Account(
                name=name,
                title=f"{name.title()}",
                role=role,
                created=NOW - timedelta(days=30),
                parcels=("p2",) if role == Role.FARMER else (),
            ),
            _HASH,
        )
    fill_night(store, build_alerts() if alerts is None else alerts)
    follow(store, bureau, NOW)


def fill_night(store: Store, alerts: list[Alert]) -> None:
    """Add what a night found, which nobody has followed yet."""
    store.record_night(
        alerts=alerts,
        instructions=[
            Instruction(
                alert=a.id, night=a.first_night, change=Change.NEW, area_ha=a.area_ha
            )
            for a in alerts
        ],
    )


@contextmanager
def open_desk(
    path: Path,
    *,
    settings: DeskSettings | None = None,
    alerts: list[Alert] | None = None,
    routers: tuple[APIRouter, ...] = (),
    host: str = "127.0.0.1",
    database: str = "",
    silence_s: float | None = None,
) -> Iterator[Desk]:
    """Open a desk on a new database, in the folder unless another is named."""
    bureau = Bureau(
        settings=settings or DeskSettings(),
        counties=COUNTIES,
        places={"c1": ("界牌 12 小班", "Jiepai 12"), "p2": ("五号园", "Orchard 5")},
    )
    clock = Clock()
    with open_store(database or path / "agroforest.db", silence_s) as store:
        fill(store, bureau, alerts)
        site = Site(store, bureau, now=clock, host=host)
        app = build_desk(site, routers=(*build_parts(site, path), *routers))
        desk = Desk(store=store, app=app, site=site, clock=clock)
        try:
            yield desk
        finally:
            for client in desk.clients:
                client.close()
