"""The demonstration, end to end: planted damage found, page shown without network."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, sync_playwright

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

_CHROMIUM = Path("/usr/bin/chromium")
_QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What `agroforest demo --json` says, run as README does."""
    work = tmp_path_factory.mktemp("demo")
    ended = subprocess.run(  # noqa: S603  our own program
        [sys.executable, "-m", "agroforest", "demo", "--work", str(work), "--json"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    found: dict[str, Any] = json.loads(ended.stdout)
    return found


def row(told: dict[str, Any], kind: str) -> list[dict[str, str]]:
    return [r for r in told["planted"] if r["planted"] == kind]


@pytest.mark.timeout(900)
def test_dieback_and_clear_cut_are_found(told: dict[str, Any]) -> None:
    assert told["failed"] == 0
    assert told["recall"] == 1.0
    (cut,) = row(told, "clear-cut")
    assert "canopy-loss" in cut["found"]
    for dieback in row(told, "dieback"):
        assert "canopy-stress" in dieback["found"]
    assert len(told["false_alerts"]) <= told["watched_ha"] / 100


@pytest.mark.timeout(900)
def test_drought_and_faulty_probes_are_found(told: dict[str, Any]) -> None:
    assert row(told, "drought")[0]["found"] != "no"
    faults = [r for r in told["planted"] if r["planted"].startswith("sensor")]
    assert faults
    assert all(f["found"] != "no" for f in faults)


@pytest.fixture
def page(told: dict[str, Any]) -> Iterator[tuple[Page, list[str], list[str]]]:
    if not _CHROMIUM.exists():
        pytest.fail("chromium is missing: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=str(_CHROMIUM), args=list(_QUIET)
        )
        opened = browser.new_page(viewport={"width": 1280, "height": 800})
        asked: list[str] = []
        troubles: list[str] = []
        opened.on("request", lambda r: asked.append(r.url))
        opened.on("console", lambda m: troubles.append(m.text))
        opened.on("pageerror", lambda e: troubles.append(str(e)))
        opened.goto(f"file://{told['map']}")
        opened.wait_for_selector(".leaflet-image-layer")
        yield opened, asked, troubles
        browser.close()


@pytest.mark.browser
@pytest.mark.enable_socket
@pytest.mark.timeout(900)
def test_the_map_shows_its_layers_without_a_request(
    page: tuple[Page, list[str], list[str]], told: dict[str, Any]
) -> None:
    opened, asked, troubles = page
    assert [u for u in asked if not u.startswith("data:")] == [f"file://{told['map']}"]
    assert troubles == []
    text = opened.inner_text("body")
    for words in ("模拟数据", "冠层胁迫概率", "林冠缺失概率", "归一化水分指数"):
        assert words in text
    opened.get_by_text("English", exact=True).click()
    text = opened.inner_text("body")
    for words in ("imulated data", "Canopy stress", "moisture index"):
        assert words in text
