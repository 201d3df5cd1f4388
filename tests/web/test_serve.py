"""The service as others meet it: a real server, asked over real connections."""

import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
import requests
import uvicorn
from tests.web.conftest import FIELD, NOW, ODD, T0, readings

from agroforest.core.errors import ConfigurationError
from agroforest.core.reading import Quality, Sensor
from agroforest.nightly.pull import pull
from agroforest.sensors.sensorthings import ServiceMapping
from agroforest.store import Store, open_store
from agroforest.testing.commands import run_command
from agroforest.web.sensorthings import build_router
from agroforest.web.serve import build_app, open_socket

pytestmark = pytest.mark.enable_socket


@contextmanager
def serving(store: Store) -> Iterator[str]:
    """Serve a store; its root."""
    app = build_app(build_router(store, now=lambda: NOW), host="127.0.0.1")
    with open_socket("127.0.0.1", 0) as door:
        config = uvicorn.Config(app, log_level="warning", lifespan="off")
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [door]})
        thread.start()
        try:
            yield f"http://127.0.0.1:{door.getsockname()[1]}/v1.1"
        finally:
            server.should_exit = True
            thread.join()


@pytest.fixture(scope="module")
def url(store: Store) -> Iterator[str]:
    with serving(store) as address:
        yield address


def test_what_we_serve_we_read_back_the_same(
    store: Store, url: str, tmp_path: Path
) -> None:
    with open_store(tmp_path / "other.db") as other:
        done = pull(url, other, now=NOW, mapping=ServiceMapping(prefix=""))
        assert (done.problems, done.stopped) == ([], "")
        assert sum(one.added for one in done.streams) == len(readings())
        span = (T0 - timedelta(days=9), NOW)
        ours = store.readings([FIELD, ODD], *span)
        theirs = other.readings([FIELD, ODD], *span)
        # Flags may be added beside those that came: other readings lie around.
        assert [each.patch(quality=Quality.GOOD) for each in theirs] == [
            each.patch(quality=Quality.GOOD) for each in ours
        ]
        for mine, copy in zip(ours, theirs, strict=True):
            assert mine.quality & copy.quality == mine.quality
        assert other.sensors() == store.sensors()
        again = pull(url, other, now=NOW, mapping=ServiceMapping(prefix=""))
        assert sum(one.added + one.conflicts for one in again.streams) == 0


def test_many_pages_are_read_back_once(tmp_path: Path) -> None:
    many = [
        each.patch(time=each.time + timedelta(days=day))
        for day in range(200)
        for each in readings()
        if each.sensor == FIELD
    ]
    with open_store(tmp_path / "a.db") as store, open_store(tmp_path / "b.db") as other:
        store.add_sensors([Sensor(id=FIELD, name=FIELD)])
        store.add_readings(many)
        later = NOW + timedelta(days=365)
        own = ServiceMapping(prefix="")
        with serving(store) as address:
            done = pull(address, other, now=later, mapping=own)
        assert [one.added for one in done.streams] == [1200, 1200]
        assert done.documents == 3 + 2 * 2
        span = (T0, later)
        assert [each.value for each in other.readings([FIELD], *span)] == [
            each.value for each in store.readings([FIELD], *span)
        ]


def test_links_follow_the_address_that_was_asked(url: str) -> None:
    port = url.split(":")[2]
    named = f"http://localhost:{port}"
    for root in (url, named):
        for address in (root, f"{root}/", f"{root}/Things", f"{root}/Things('b''c')"):
            answer = requests.get(address, timeout=30)
            assert answer.headers["Content-Type"] == "application/json"
            document = answer.json()
            links = json.dumps(document)
            assert f'"{root}/' in links
            other = url if root == named else named
            assert other not in links


def test_a_path_with_a_slash_in_an_id(url: str) -> None:
    for name in ("ismn:MAQU/CST-01", "ismn:MAQU%2FCST-01", "ismn%3AMAQU%2FCST-01"):
        answer = requests.get(f"{url}/Things('{name}')/name/$value", timeout=30)
        assert (answer.status_code, answer.text) == (200, "甘蔗地 3")
        assert answer.headers["Content-Type"].startswith("text/plain")


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "a b", '"><x'])
def test_names_that_are_not_ours_are_refused(url: str, host: str) -> None:
    answer = requests.get(url, headers={"Host": host}, timeout=30)
    assert answer.status_code == 400
    assert host not in answer.text


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_nothing_can_be_written(url: str, method: str) -> None:
    for path in ("Things", "Things('b''c')", "CreateObservations"):
        answer = requests.request(method, f"{url}/{path}", json={}, timeout=30)
        assert answer.status_code == 405


def test_a_fault_is_told_in_json(url: str) -> None:
    answer = requests.get(f"{url}/Things?$filter=wrong", timeout=30)
    assert answer.status_code == 400
    assert answer.json()["type"] == "error"
    missing = requests.get(f"{url}/Nothing%0A", timeout=30)
    assert missing.status_code == 404


def test_it_describes_itself(url: str) -> None:
    described = requests.get(url.replace("/v1.1", "/openapi.json"), timeout=30).json()
    assert set(described["paths"]) == {"/v1.1", "/v1.1/{path}"}
    assert all(set(path) == {"get"} for path in described["paths"].values())


def test_an_address_that_is_taken() -> None:
    with open_socket("127.0.0.1", 0) as door:
        port = door.getsockname()[1]
        with pytest.raises(ConfigurationError, match="choose another --port"):
            open_socket("127.0.0.1", port)
    with pytest.raises(ConfigurationError, match="cannot be opened"):
        open_socket("192.0.2.1", 0)


@pytest.mark.slow
def test_commands(tmp_path: Path, store: Store) -> None:
    """Serve one work folder and pull it into another, as an operator would."""
    del store
    first, second = tmp_path / "first", tmp_path / "second"
    with open_store(first / "agroforest.db") as own:
        own.add_sensors([Sensor(id=FIELD, name="甘蔗地 3"), Sensor(id=ODD, name="B")])
        own.add_readings(readings())
    command = [sys.executable, "-m", "agroforest", "sensors", "serve"]
    server = subprocess.Popen(  # noqa: S603
        [*command, "--port", "0", "--json", "--work", str(first)],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert server.stdout is not None
        url = json.loads(server.stdout.readline())["url"]
        wait_for(url)
        pulling = ["sensors", "pull", url, "--work", str(second), "--json"]
        done = run_command(*pulling)
        assert sum(one["added"] for one in json.loads(done.stdout)["streams"]) == 15
        assert "0 新增读数 readings added" in run_command(*pulling[:-1]).stdout
    finally:
        server.terminate()
        server.wait()
        assert server.stdout is not None
        server.stdout.close()
    refused = run_command(*pulling)
    assert refused.returncode == 1
    assert "did not answer" in refused.stderr


def wait_for(url: str) -> None:
    for _ in range(200):
        try:
            requests.get(url, timeout=30)
        except requests.ConnectionError:
            time.sleep(0.05)
        else:
            return
    pytest.fail(f"{url} never answered")
