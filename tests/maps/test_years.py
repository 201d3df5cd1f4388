"""Comparisons with the year before, as data and in a real browser."""

import json
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.maps.conftest import NIGHT, NIGHTS, SIDE, build_fake_page, tile_grid
from tests.maps.test_browser import DESK, PHONE, Open, asked, browser, visit

from agroforest.maps import LikelyCause, MapPage, YearLayer, build_page
from agroforest.maps.layers import build_data
from agroforest.maps.years import add_years

# Fixtures of the browser's own tests.
__all__ = ["browser", "visit"]

LIMITS_ZH = "只用捷克云杉林的小蠹灾害标签训练。从未在广西检验。"
LIMITS_EN = "Learned from Czech spruce alone. Never tested in Guangxi."
CAVEAT_ZH = "模型训练于加拿大东部，未在本地验证；须实地查明。"
CAVEAT_EN = "Trained in eastern Canada, not verified here; find out in the field."


def build_years_page() -> MapPage:
    """Two tiles compared, and a cause for the largest alert."""
    return build_fake_page(
        years=(_year(0, NIGHTS[1]), _year(1, NIGHTS[3])),
        causes={
            f"a{1:015x}": LikelyCause(
                zh="采伐",
                en="felling",
                probability=0.82,
                caveat_zh=CAVEAT_ZH,
                caveat_en=CAVEAT_EN,
            )
        },
    )


def _year(tile: int, night: date) -> YearLayer:
    rows, columns = np.indices((SIDE, SIDE))
    spot = np.hypot(rows - 90, columns - 120)
    values = 1 / (1 + np.exp((spot - 20) / 4))
    values[rows > 140] = np.nan
    return YearLayer(
        tile=f"49QAA-0{tile}00",
        night=night,
        year=2024,
        season="08-15/10-15",
        grid=tile_grid(tile),
        values=values.astype(np.float32),
        threshold=0.392,
        model="canopy-damage 1.0.0",
        limits_zh=LIMITS_ZH,
        limits_en=LIMITS_EN,
    )


@pytest.fixture(scope="module")
def data() -> Mapping[str, Any]:
    page = build_years_page()
    return add_years(build_data(page), page)


@pytest.fixture(scope="module")
def years_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("years") / "night.html"
    path.write_text(build_page(build_years_page()), encoding="utf-8")
    return path


def test_a_page_without_years_stays_as_it_is(fake_page: MapPage) -> None:
    plain = build_data(fake_page)
    assert add_years(plain, fake_page) is plain
    later = fake_page.patch(years=(_year(0, date(2025, 12, 1)),))
    assert add_years(plain, later) is plain, "a night that has not come yet"
    assert "yearly" not in build_page(fake_page)


def test_years_lie_between_risks_and_indices(data: Mapping[str, Any]) -> None:
    kinds = [layer["kind"] for layer in data["layers"]]
    assert kinds == ["risk", "yearly", "index"]
    layer = data["layers"][1]
    assert layer["span"]["en"] == "2024 against 2023, 08-15/10-15"
    assert "请实地核查" in layer["title"]["zh"]
    assert "check in the field" in layer["title"]["en"]
    assert layer["limits"] == {"zh": LIMITS_ZH, "en": LIMITS_EN}
    assert [t["label"] for t in layer["legend"]["ticks"]] == ["0", "39.2", "100"]
    frames = [frame for tile in layer["tiles"].values() for frame in tile]
    assert {f["night"] for f in frames} == {n.isoformat() for n in NIGHTS[1:4:2]}
    for frame in frames:
        assert data["pictures"][frame["picture"]].startswith("data:image/png")
    json.dumps(data, allow_nan=False)


def test_a_cause_stands_with_its_alert_alone(data: Mapping[str, Any]) -> None:
    with_cause = [a for a in data["alerts"] if "cause" in a]
    assert [a["id"] for a in with_cause] == [f"a{1:015x}"]
    assert with_cause[0]["cause"]["probability"] == 0.82
    assert with_cause[0]["cause"]["caveat"] == {"zh": CAVEAT_ZH, "en": CAVEAT_EN}


@pytest.mark.browser
@pytest.mark.enable_socket
@pytest.mark.parametrize("size", [DESK, PHONE])
@pytest.mark.parametrize("lang", ["zh", "en"])
def test_the_layer_and_the_cause_can_be_seen(
    visit: Open, years_file: Path, size: tuple[int, int], lang: str
) -> None:
    seen = visit(years_file, size)
    page = seen.page
    if lang == "en":
        page.click(".af-language")
    if size == PHONE:
        seen.tab("layers")
    group, title, note = {
        "zh": ("与上年比较", "自上年以来受损的概率，请实地核查", LIMITS_ZH),
        "en": (
            "Year on year",
            "Damaged since last year (probability), check in the field",
            LIMITS_EN,
        ),
    }[lang]
    headings = seen.texts(".af-sheet h2")
    assert headings.index(group) == 1
    row = page.locator('[data-layer="yearly:damage"]')
    assert title in row.inner_text()
    assert ("2024 年与 2023 年" if lang == "zh" else "2024 against 2023") in (
        row.inner_text()
    )
    before = page.locator(".leaflet-image-layer").count()
    row.locator("input[type=checkbox]").check()
    assert page.locator(".leaflet-image-layer").count() == before + 2
    legend = page.locator('[data-layer="yearly:damage"] .af-legend')
    assert note in legend.inner_text()
    assert "39.2" in legend.inner_text()
    width = page.evaluate("document.documentElement.scrollWidth")
    assert width <= size[0]
    seen.tab("alerts")
    page.locator(f'[data-alert="a{1:015x}"]').click()
    said = page.locator(".af-popup").inner_text()
    assert ("采伐（82 %）" if lang == "zh" else "felling (82 %)") in said
    assert (CAVEAT_ZH if lang == "zh" else CAVEAT_EN) in said
    assert asked(seen) == []
    assert seen.complaints == []


@pytest.mark.browser
@pytest.mark.enable_socket
def test_the_layer_shows_what_the_night_knew(visit: Open, years_file: Path) -> None:
    seen = visit(years_file)
    page = seen.page
    page.locator('[data-layer="yearly:damage"] input[type=checkbox]').check()
    shown = page.locator(".leaflet-image-layer")
    counts = []
    for night in (NIGHTS[0], NIGHTS[1], NIGHT):
        page.evaluate(f"agroforest.view.goTo({night.isoformat()!r})")
        counts.append(shown.count())
    assert counts == [2, 3, 4]
