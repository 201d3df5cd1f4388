"""Exports by the format that a program asks for."""

import csv
import io
from collections.abc import Iterator

import pytest
from tests.web.api.asking import program
from tests.web.desks import Desk, open_desk

from agroforest.publish.vectors import Format
from agroforest.web.api.exports import find_accepted

pytestmark = pytest.mark.enable_socket

PATH = "/api/v1/cases/export"


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with open_desk(tmp_path_factory.mktemp("exports")) as opened:
        yield opened


@pytest.mark.parametrize("kind", Format)
def test_every_format_by_name_and_by_media_type(desk: Desk, kind: Format) -> None:
    client = program(desk, "rui")
    named = client.get(f"{PATH}?format={kind}")
    assert named.status_code == 200
    assert named.headers["content-type"] == kind.media_type
    assert named.content
    accepted = client.get(PATH, headers={"Accept": kind.media_type})
    assert accepted.headers["content-type"] == kind.media_type


def test_filters_narrow_an_export(desk: Desk) -> None:
    client = program(desk, "rui")

    def ids(query: str) -> set[str]:
        text = client.get(f"{PATH}?format=csv&{query}").content.decode("utf-8-sig")
        return {row["id"] for row in csv.DictReader(io.StringIO(text))}

    everything, loss = ids(""), ids("hazard=canopy-loss")
    assert set() < loss < everything
    queue = client.get("/api/v1/cases?hazard=canopy-loss&limit=500").json()["cases"]
    assert loss == {row["id"] for row in queue}


def test_outlines_are_exact_only_for_who_may_see_them_and_wants_to(
    desk: Desk,
) -> None:
    def corners(name: str, query: str = "") -> set[float]:
        found = program(desk, name).get(f"{PATH}?format=geojson{query}").json()
        return {
            x
            for feature in found["features"]
            for polygon in feature["geometry"]["coordinates"]
            for ring in polygon
            for x, _ in ring
        }

    def is_coarse(values: set[float]) -> bool:
        return all(abs(100 * x - round(100 * x)) < 1e-6 for x in values)

    assert not is_coarse(corners("rui"))
    assert is_coarse(corners("rui", "&coarse=true"))
    assert is_coarse(corners("vera"))
    assert program(desk, "feng").get(PATH).status_code == 403


def test_what_is_accepted() -> None:
    assert find_accepted("") is Format.GEOJSON
    assert find_accepted("*/*") is Format.GEOJSON
    assert find_accepted("image/png, text/csv;q=0.5") is Format.CSV
    assert find_accepted("image/png") is None


def test_what_nobody_makes_is_refused(desk: Desk) -> None:
    client = program(desk, "rui")
    assert client.get(PATH, headers={"Accept": "image/png"}).status_code == 406
    assert client.get(f"{PATH}?format=dwg").status_code == 422
    assert client.get(f"{PATH}?hazrad=fire").status_code == 422
