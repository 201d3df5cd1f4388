"""``agroforest serve`` as an operator starts it."""

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest
import requests
from tests.web.desks import NOW, build_alerts, fill_night

from agroforest.core.account import Account, Role
from agroforest.store import open_store

pytestmark = pytest.mark.enable_socket
COMMAND = [sys.executable, "-m", "agroforest", "serve", "--port", "0", "--json"]


@pytest.mark.slow
def test_it_follows_the_night_and_answers(tmp_path: Path) -> None:
    with open_store(tmp_path / "agroforest.db") as store:
        fill_night(store, build_alerts(3))
        assert store.desk.tally() == {}
        store.desk.add_account(
            Account(name="ada", title="Ada", role=Role.ADMIN, created=NOW)
        )
    server = subprocess.Popen(  # noqa: S603
        [*COMMAND, "--work", str(tmp_path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert server.stdout is not None
        url = json.loads(server.stdout.readline())["url"]
        assert ask(f"{url}/healthz").json() == {"status": "ok"}
        assert ask(f"{url}/queue").status_code == 401
        page = ask(f"{url}/queue", accept="text/html")
        assert page.url.endswith("/login?next=/queue")
        assert "研判台" in page.text
        assert ask(url, host="evil.example").status_code == 400
    finally:
        server.terminate()
        _, said = server.communicate(timeout=60)
    assert said == ""
    with open_store(tmp_path / "agroforest.db") as store:
        assert sum(store.desk.tally().values()) == 3


@pytest.mark.slow
def test_settings_that_cannot_be(tmp_path: Path) -> None:
    config = tmp_path / "desk.toml"
    for text, said in (
        ("titel = 'x'", "titel"),
        ("[web]\nidle_minutes = 0", "idle_minutes"),
        ("[web.oidc]\nissuer = 'https://x.example'", "client_id"),
    ):
        config.write_text(text, encoding="utf-8")
        done = subprocess.run(  # noqa: S603
            [*COMMAND, "--work", str(tmp_path), "--config", str(config)],
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert done.returncode == 2
        assert said in done.stderr
        assert "desk.toml" in done.stderr
        assert len(done.stderr.splitlines()) == 1


def ask(url: str, **headers: str) -> requests.Response:
    for _ in range(100):
        try:
            return requests.get(url, headers=headers, timeout=30)
        except requests.ConnectionError:
            time.sleep(0.05)
    return pytest.fail(f"{url} never answered")
