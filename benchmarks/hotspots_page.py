"""What the map of fire events costs in a browser, and the short-wave infrared rules.

    python benchmarks/hotspots_page.py [--data DIR] [--runs N] [--keep DIR]

1. The page. Makes 100,000 detections crowded in one day as ``benchmarks/hotspots.py``
   does (3,570 events), writes the page with 111 counties, opens it in Chromium on a
   desk and on a phone, and times loading, filters, panning and zooming.
2. The rules. A made image of 2,048 by 2,048 pixels with fires in one of 10,000.

Medians of the runs. Needs Chromium and the folder of real data (``AGROFOREST_DATA`` or
``../shared/data``).
"""

import argparse
import os
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

import numpy as np
from playwright.sync_api import Browser, sync_playwright

from agroforest.cli.fire_hotspots_page import write_page
from agroforest.hotspots.events import no_events, step
from agroforest.hotspots.firms import read_firms
from agroforest.hotspots.survey import HotspotRequest, survey_hotspots
from agroforest.hotspots.tables import Findings
from agroforest.hotspots.writing import write_detections
from agroforest.indices.active_fire import DayImage, Level, find_active_fire
from hotspots import make_detections  # type: ignore[import-not-found]  # beside it

_ROOT = Path(__file__).resolve().parents[1]
_SIZES = {"desk": (1280, 800), "phone": (390, 844)}
_ACTIONS = {
    "show none": "v.within = 0; v.refresh()",
    "show all": "v.within = null; v.refresh()",
    "pan": "v.map.panBy([50, 0], { animate: false })",
    "zoom": "v.map.setZoom(v.map.getZoom() + 1, { animate: false })",
}
# Until the frame after the action is drawn.
_TIMED = """async () => { const v = agroforest.view, start = performance.now();
%s;
await new Promise((next) => requestAnimationFrame(() => setTimeout(next, 0)));
return performance.now() - start; }"""


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    usual = os.environ.get("AGROFOREST_DATA", _ROOT.parent / "shared" / "data")
    options.add_argument("--data", type=Path, default=Path(usual))
    options.add_argument("--runs", type=int, default=3)
    options.add_argument("--keep", type=Path, help="leave the page in this folder")
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        page = make_page(chosen.data, chosen.keep or Path(scratch))
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path="/usr/bin/chromium",
                args=["--no-sandbox", "--disable-gpu"],
            )
            for name, size in _SIZES.items():
                measure_page(browser, page, name, size, chosen.runs)
            browser.close()
    measure_rules(chosen.runs)


def make_page(data: Path, folder: Path) -> Path:
    """Write the page of a crowded day."""
    feed = read_firms([data / "hotspots_guangxi" / "modis_c61_nrt.csv"])
    made = make_detections(feed.detections, 100_000, 1, 0.01)
    events = step(no_events(), made)
    csv = folder / "feed.csv"
    static = np.zeros(len(events.detections), dtype=bool)
    write_detections(csv, Findings(events=events, static=static, cover=None, layers={}))
    request = HotspotRequest(
        files=(csv,),
        out=folder / "out",
        now=datetime(2023, 1, 2, tzinfo=UTC),
        boundaries=data / "guangxi_vectors" / "county.geojson",
    )
    survey = survey_hotspots(request)
    start = time.perf_counter()
    page = write_page(survey, request)
    seconds = time.perf_counter() - start
    print(
        f"{survey.report.events} events, {page.stat().st_size / 1e6:.2f} MB, "
        f"written in {seconds:.2f} s"
    )
    return page


def measure_page(
    browser: Browser, path: Path, name: str, size: tuple[int, int], runs: int
) -> None:
    """Time the page in one size of window."""
    found: dict[str, list[float]] = {}
    for _ in range(runs):
        context = browser.new_context(viewport={"width": size[0], "height": size[1]})
        page = context.new_page()
        start = time.perf_counter()
        page.goto(path.as_uri())
        page.wait_for_function("window.agroforest.view")
        found.setdefault("load", []).append((time.perf_counter() - start) * 1000)
        page.wait_for_timeout(500)
        for action, script in _ACTIONS.items():
            found.setdefault(action, []).append(page.evaluate(_TIMED % script))
        context.close()
    shown = ", ".join(f"{key} {median(values):.0f}" for key, values in found.items())
    print(f"{name} {size[0]}x{size[1]}, ms: {shown}")


def measure_rules(runs: int, side: int = 2048) -> None:
    """Time the three rules on an image that was made up."""
    rng = np.random.default_rng(0)
    forest = np.array((0.10, 0.08, 0.08, 0.06, 0.30, 0.18, 0.09), dtype=np.float32)
    small = np.array((0.10, 0.08, 0.08, 0.08, 0.20, 0.24, 0.40), dtype=np.float32)
    noise = rng.normal(1.0, 0.1, (7, side, side)).astype(np.float32)
    bands = forest[:, None, None] * noise
    bands[:, rng.random((side, side)) < 1e-4] = small[:, None]
    coastal, blue, green, red, nir, swir1, swir2 = bands
    image = DayImage(
        source="made",
        level=Level.TOP_OF_ATMOSPHERE,
        sun_elevation=60.0,
        coastal=coastal,
        blue=blue,
        green=green,
        red=red,
        nir=nir,
        swir1=swir1,
        swir2=swir2,
    )
    seconds, fires = [], 0
    for _ in range(runs):
        start = time.perf_counter()
        fires = int(find_active_fire(image).fire.sum())
        seconds.append(time.perf_counter() - start)
    print(f"rules, {side} x {side}: {median(seconds):.2f} s, {fires} pixels of fire")


if __name__ == "__main__":
    main()
