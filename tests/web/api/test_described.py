"""The description: for whom, whole, and true about who may ask."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.web.api.asking import change, program
from tests.web.desks import Desk, open_desk

from agroforest.desk.settings import DeskSettings

pytestmark = pytest.mark.enable_socket

OPENAPI, DOCS = "/api/v1/openapi.json", "/api/v1/docs"


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with open_desk(tmp_path_factory.mktemp("described")) as opened:
        yield opened


def test_who_reads_the_description(desk: Desk, tmp_path: Path) -> None:
    nobody = desk.visitor().client
    assert nobody.get("/openapi.json").status_code == 404
    assert nobody.get(OPENAPI).status_code == 401
    assert nobody.get(DOCS).status_code == 401
    found = program(desk, "feng").get(OPENAPI)
    assert found.status_code == 200
    assert found.json()["openapi"].startswith("3.1")
    settings = DeskSettings.model_validate({"web": {"api": "open"}})
    with open_desk(tmp_path, settings=settings) as opened:
        client = opened.visitor().client
        assert client.get(OPENAPI).status_code == 200
        assert client.get(DOCS).status_code == 200
        assert client.get("/api/v1/cases").status_code == 401


def test_everything_described_needs_somebody(desk: Desk) -> None:
    nobody = desk.visitor().client
    document = program(desk, "ada").get(OPENAPI).json()
    asked = 0
    for path, operations in document["paths"].items():
        if path.startswith("/cap"):
            continue  # public where the settings say so
        for method in operations:
            answer = nobody.request(method.upper(), path, json={})
            # Changes are refused before anybody asks whose they are.
            expected = {401} if method == "get" else {401, 403}
            assert answer.status_code in expected, (method, path)
            assert answer.headers["content-type"] == "application/problem+json"
            asked += 1
    assert asked >= 30


def test_everything_bears_words(desk: Desk) -> None:
    document = program(desk, "ada").get(OPENAPI).json()
    tags = {tag["name"] for tag in document["tags"]}
    for path, operations in document["paths"].items():
        for operation in operations.values():
            assert set(operation["tags"]) <= tags, path
            assert operation["description"]
            problem = operation["responses"]["422"]["content"]
            assert list(problem) == ["application/problem+json"], path
    assert {"token", "session"} == document["components"]["securitySchemes"].keys()


@pytest.mark.parametrize("language", ["zh", "en"])
def test_people_read_it_in_their_language(desk: Desk, language: str) -> None:
    page = desk.visitor("vera", language=language).get(DOCS)
    assert page.status_code == 200
    assert ("程序接口" in page.text) == (language == "zh")
    assert "/api/v1/cases/{id}/acts" in page.text
    assert "<script>" not in page.text


def test_a_broken_body_is_a_problem(desk: Desk) -> None:
    visitor = desk.visitor("ada")
    assert change(visitor, "POST", "/api/v1/accounts", [1]).status_code == 422
    client = program(desk, "ada")
    broken = client.post(
        "/api/v1/accounts",
        content=b"\xff{",
        headers={"Content-Type": "application/json"},
    )
    assert broken.status_code == 400
    assert broken.headers["content-type"] == "application/problem+json"
