"""Fire in a real browser: how its tests open a page, click and read."""

from collections.abc import Callable
from pathlib import Path

import pytest
from rasterio.warp import transform
from tests.maps.fires import CRS, GRID, MOMENT, night_page
from tests.maps.test_browser import Open, Visit, browser, visit

from agroforest.maps import build_page

# Fixtures of the browser's own tests.
__all__ = [
    "WIDE",
    "Watch",
    "browser",
    "cell_centre",
    "click_at",
    "fire_file",
    "popup",
    "show",
    "visit",
    "watch",
]

WIDE = (1200, 800)
Watch = Callable[..., Visit]


@pytest.fixture(scope="module")
def fire_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("fire") / "night.html"
    path.write_text(build_page(night_page()), encoding="utf-8")
    return path


@pytest.fixture
def watch(visit: Open, fire_file: Path) -> Watch:
    """Open the night at some minute after it was made."""

    def open_page(
        size: tuple[int, int] = WIDE, *, after: int = 19, path: Path = fire_file
    ) -> Visit:
        seen = visit(path, size)
        seen.page.clock.install(time=MOMENT.timestamp() + 60 * after + 20)
        seen.page.reload()
        seen.page.wait_for_function("window.agroforest.view.fire")
        return seen

    return open_page


def click_at(seen: Visit, longitude: float, latitude: float) -> None:
    """Click the map where a place is drawn."""
    x, y = seen.page.evaluate(
        """([lat, lng]) => { const map = agroforest.view.map;
          map.stop(); // it may be moving to make room for a popup
          const p = map.latLngToContainerPoint([lat, lng]);
          const box = map.getContainer().getBoundingClientRect();
          return [box.x + p.x, box.y + p.y]; }""",
        [latitude, longitude],
    )
    seen.page.mouse.click(x, y)


def cell_centre(column: int, row: int) -> tuple[float, float]:
    x = GRID.left + (column + 0.5) * GRID.resolution
    y = GRID.top - (row + 0.5) * GRID.resolution
    (longitude,), (latitude,) = transform(CRS, "EPSG:4326", [x], [y])[:2]
    return longitude, latitude


def popup(seen: Visit) -> str:
    return seen.page.locator(".leaflet-popup").last.inner_text()


def show(seen: Visit, tab: str) -> None:
    if seen.page.get_attribute(f"[data-tab={tab}]", "aria-selected") != "true":
        seen.tab(tab)
