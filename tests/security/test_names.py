"""Names and ids that are paths: in addresses, products, settings and files."""

import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from urllib.parse import quote

import pytest
from tests.catalog.stac_examples import earth_search
from tests.security.proving import (
    assert_kept,
    assert_refused,
    prove,
    run_confined,
)
from tests.web.desks import NIGHT, Desk
from tests.web.pages.work import PIPELINE, open_work_desk, write_rasters, write_report

from agroforest.testing.world import END

_SECRET = "root:x:0:0"  # noqa: S105  what a file holds that nobody may have
_UP = (
    *("..%2f..%2fsecret.txt", "..%2F..%2Fsecret.txt", "%2e%2e/%2e%2e/secret.txt"),
    *("....//....//secret.txt", "..%5c..%5csecret.txt", "..%252f..%252fsecret.txt"),
    *("%2fetc%2fpasswd", "..%00/secret.txt", "..%c0%af..%c0%afsecret.txt", "~root"),
    *("file:%2f%2f%2fetc%2fpasswd", "..;/..;/secret.txt", "secret.txt%00.tif"),
)
_PLACES = (
    *("/runs/{}/{night}/report.html", "/runs/{pipeline}/{}/report.html"),
    *("/runs/{pipeline}/{night}/{}", "/tiles/{}/ndvi/{night}/12/3280/1781.png"),
    "/tiles/{pipeline}/{}/{night}/12/3280/1781.png",
    *("/tiles/{pipeline}/ndvi/{}/1/0/0.png", "/tiles/{pipeline}/{}/style.qml"),
    *("/stac/collections/{}", "/stac/collections/{}/items/x"),
    *("/stac/collections/{pipeline}-indices/items/{}", "/cap/{}", "/static/{}"),
    *("/bulletins/{}", "/alerts/{}", "/alerts/{}/evidence", "/exports/{}"),
    *("/alerts/x/chips/{}/{night}.svg", "/parcels/{}", "/sensors/{}", "/models/{}"),
    *("/api/v1/cases/{}", "/api/v1/nights/{}", "/{}", "/api/{}", "/v1.1/{}"),
)


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    folder = tmp_path_factory.mktemp("names")
    (folder / "secret.txt").write_text(_SECRET)
    work = folder / "work"
    work.mkdir()
    (work / "secret.txt").write_text(_SECRET)
    write_report(work, NIGHT)
    write_rasters(work)
    with open_work_desk(work, pipelines=False) as opened:
        yield opened


def test_addresses_lead_nowhere(desk: Desk) -> None:
    visitors = [desk.visitor(), desk.visitor("ada")]

    def ask(place: str, name: str) -> None:
        path = place.format(name, night=NIGHT, pipeline=PIPELINE)
        for visitor in visitors:
            answer = visitor.get(path)
            assert answer.status_code < 500, f"{path}: {answer.status_code}"
            assert _SECRET not in answer.text, path
            assert answer.status_code != 200 or "SQLite format" not in answer.text[:99]

    prove(
        "path traversal in addresses (nights, tiles, exports, STAC, CAP, evidence)",
        {f"{p} {n}": partial(ask, p, n) for p in _PLACES for n in _UP},
        "not found or refused, with and without a session",
    )


_PATHS = (
    "../../x",
    "/etc/cron.d/x",
    "..",
    "a/b",
    "a\\..\\b",
    "\x00",
    "x\n",
    "C:x",
    "~",
)


@pytest.mark.slow
def test_products_and_settings_that_name_paths(tmp_path: Path) -> None:
    def add(name: str, key: str) -> None:
        item = earth_search()
        if key == "asset":
            item["assets"][name] = item["assets"].pop("red")
        elif key == "platform":
            item["properties"]["platform"] = name
        else:
            item[key] = name
        (tmp_path / "item.json").write_text(json.dumps(item))
        before = {p for p in tmp_path.parent.glob("*") if p != tmp_path}
        ended = run_confined("scenes", "add", "item.json", "--work", "w", cwd=tmp_path)
        assert_kept(ended)
        catalog = (tmp_path / "w" / "catalog").resolve()
        for path in (tmp_path / "w").rglob("*"):
            assert path.resolve().is_relative_to(catalog) or catalog.is_relative_to(
                path
            )
        assert {p for p in tmp_path.parent.glob("*") if p != tmp_path} == before

    def plan(line: str) -> None:
        text = line + '\naoi = "a.geojson"\n[baseline]\n'
        (tmp_path / "p.toml").write_text(
            text + "start = 2022-01-01\nend = 2023-12-31\n", encoding="utf-8"
        )
        night = ("--night", f"{END:%Y-%m-%d}", "--work", "w")
        assert_refused(run_confined("plan", "p.toml", *night, cwd=tmp_path), codes=(2,))

    prove(
        "path traversal in ids of scenes, collections, assets and pipelines",
        {
            **{
                f"{key} {name!r}": partial(add, name, key)
                for key in ("id", "collection", "asset", "platform")
                for name in (_PATHS if key == "id" else _PATHS[:3])
            },
            **{
                f"pipeline {name!r}": partial(plan, f"name = {json.dumps(name)}")
                for name in _PATHS
            },
        },
        "refused, or kept within the catalogue",
    )


def test_models_that_are_paths(tmp_path: Path) -> None:
    def show(name: str) -> None:
        assert_refused(run_confined("model", "card", name, cwd=tmp_path), codes=(1, 2))

    prove(
        "path traversal in the name of a model",
        {
            name: partial(show, name)
            for name in ("../../etc", "/etc", "..", "/dev/zero")
        },
        "refused in one line",
    )


def test_sensors_that_are_paths(tmp_path: Path) -> None:
    """An id is data: it is kept, quoted, and names no file."""

    def take(name: str) -> None:
        cell = '"' + name.replace('"', '""') + '"'
        (tmp_path / "a.csv").write_text(
            "sensor,time,variable,depth_m,value,unit\n"
            f"{cell},2024-05-01T00:00:00Z,soil_moisture,0.1,25,%\n"
        )
        ended = run_confined("sensors", "import", "a.csv", "--work", "w", cwd=tmp_path)
        assert_kept(ended)
        found = {p.name for p in (tmp_path / "w").iterdir()}
        assert all(p.startswith("agroforest.db") for p in found), found
        assert {p.name for p in tmp_path.iterdir()} == {"a.csv", "w"}

    prove(
        "path traversal in ids of sensors",
        {
            repr(name): partial(take, name)
            for name in (
                *_PATHS,
                "../../" * 50,
                quote("../x"),
                "'; DROP TABLE sensor;--",
            )
        },
        "kept as a name or set aside; no file is made of it",
    )
