"""Warnings: for whom, of what, and never exact."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from lxml import etree  # type: ignore[import-untyped]
from tests.web.api.asking import program
from tests.web.desks import Desk, open_desk

from agroforest.desk.settings import DeskSettings

pytestmark = pytest.mark.enable_socket

_CAP = {"c": "urn:oasis:names:tc:emergency:cap:1.2"}
_ATOM = {"a": "http://www.w3.org/2005/Atom"}


@contextmanager
def _open(path: Path, **public: Any) -> Iterator[Desk]:
    settings = DeskSettings.model_validate(
        {"public": {"sender": "alerts@forestry.example", **public}}
    )
    with open_desk(path, settings=settings) as desk:
        yield desk


def _confirm(desk: Desk) -> str:
    rui, sun = program(desk, "rui"), program(desk, "sun")
    name: str = rui.get("/api/v1/cases").json()["cases"][0]["id"]
    for client, act, rest in (
        (rui, "pass", {}),
        (rui, "confirm", {"reason": "seen-in-images"}),
        (sun, "approve", {}),
    ):
        version = client.get(f"/api/v1/cases/{name}").json()["version"]
        form = {"act": act, "version": version, **rest}
        done = client.post(f"/api/v1/cases/{name}/acts", json=form)
        assert done.status_code == 200, done.text
    return name


def _links(feed: bytes) -> list[str]:
    found = etree.fromstring(feed).xpath("//a:entry/a:link/@href", namespaces=_ATOM)
    return [str(href) for href in found]


def test_a_confirmed_case_is_warned_of_in_cells(tmp_path: Path) -> None:
    with _open(tmp_path, open=True) as desk:
        anybody = desk.visitor().client
        name = _confirm(desk)
        (link,) = _links(anybody.get("/cap/feed.atom").content)
        message = anybody.get(f"/cap/{link}")
        assert message.status_code == 200
        assert message.headers["content-type"] == "application/cap+xml"
        root = etree.fromstring(message.content)
        assert root.findtext("c:msgType", namespaces=_CAP) == "Alert"
        rings = root.findall(".//c:polygon", namespaces=_CAP)
        assert rings
        for ring in rings:
            for number in (ring.text or "").replace(",", " ").split():
                assert abs(100 * float(number) - round(100 * float(number))) < 1e-6
        kept = desk.store.desk.case(name)
        assert kept is not None
        assert root.findtext("c:incidents", namespaces=_CAP) == kept.alert
        # Nothing is told of the others: nobody has confirmed them.
        assert [p.suffix for p in (tmp_path / "public").iterdir()].count(".xml") == 1


def test_who_reads_warnings(tmp_path: Path) -> None:
    with _open(tmp_path) as desk:
        assert desk.visitor().client.get("/cap/feed.atom").status_code == 401
        assert program(desk, "feng").get("/cap/feed.atom").status_code == 403
        vera = program(desk, "vera")
        feed = vera.get("/cap/feed.atom")
        assert feed.status_code == 200
        assert feed.headers["content-type"].startswith("application/atom+xml")
        assert vera.get("/feed.atom").headers["location"] == "/cap/feed.atom"
        assert vera.get("/cap/agroforest-0123456789abcdef.xml").status_code == 404
        assert vera.get("/cap/..%2f..%2fagroforest.xml").status_code == 404


def test_there_are_none_unless_the_settings_say_who_warns(tmp_path: Path) -> None:
    with open_desk(tmp_path) as desk:
        assert program(desk, "ada").get("/cap/feed.atom").status_code == 404
        assert not (tmp_path / "public").exists()
