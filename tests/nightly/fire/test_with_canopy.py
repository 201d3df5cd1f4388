"""Canopy and fire watched by one pipeline."""

import shutil
from dataclasses import dataclass
from datetime import date, timedelta

import pytest
import rasterio
from tests.fire.conftest import write_weather
from tests.hotspots.made import VIIRS_HEAD, viirs_row
from tests.nightly.alone import run_alone
from tests.nightly.conftest import Site

from agroforest.core.aoi import read_aoi
from agroforest.core.config import FireSection, Pipeline, Watched
from agroforest.core.risk import Hazard
from agroforest.nightly import NightOutcome, run_nights
from agroforest.store import open_store

pytestmark = [pytest.mark.enable_socket, pytest.mark.slow]
_NIGHTS = 7


@dataclass(frozen=True, kw_only=True)
class Week:
    """What a week of nights left, with and without fire."""

    site: Site
    both: Pipeline
    plain: Pipeline
    outcomes: list[NightOutcome]

    @property
    def last(self) -> date:
        return self.outcomes[-1].night


@pytest.fixture(scope="module")
def week(_catalogued: Site, tmp_path_factory: pytest.TempPathFactory) -> Week:
    """The simulated world with made weather and a hotspot in its middle."""
    folder = tmp_path_factory.mktemp("both")
    shutil.copytree(_catalogued.work, folder / "work")
    site = Site(world=_catalogued.world, work=folder / "work")
    plain = site.pipeline.model_copy(update={"name": "plain"})
    first = plain.baseline.end + timedelta(days=3)
    last = first + timedelta(days=_NIGHTS - 1)
    weather = write_weather(folder / "weather.csv", last - timedelta(days=80), 90)
    middle = read_aoi(site.world.aoi).area.representative_point()
    place = {"latitude": f"{middle.y:.5f}", "longitude": f"{middle.x:.5f}"}
    rows = [
        viirs_row(**place, acq_date=str(last), acq_time="0512"),
        viirs_row(**place, acq_date=str(last), acq_time="0600", satellite="N20"),
    ]
    feed = folder / "feed.csv"
    feed.write_text("\n".join([VIIRS_HEAD, *rows]) + "\n", encoding="utf-8")
    fire = FireSection(weather=weather, hotspots=(str(feed),), cell_m=500.0)
    both = plain.model_copy(
        update={
            "name": "both",
            "hazards": (Watched.CANOPY, Watched.FIRE),
            "fire": fire,
        }
    )
    nights = [first + timedelta(days=n) for n in range(_NIGHTS)]
    with run_alone():
        list(run_nights(plain, nights, work=site.work))
    outcomes = list(run_nights(both, nights, work=site.work))
    return Week(site=site, both=both, plain=plain, outcomes=outcomes)


def test_both_are_in_one_report_one_ledger_and_on_one_map(week: Week) -> None:
    last = week.outcomes[-1]
    assert last.report is not None
    assert set(last.report["alerts"]) == {str(h) for h in Hazard}
    assert last.report["fire"]["clock"]["to_verify"] == 1
    assert any(o.report["tiles"] for o in week.outcomes if o.report)
    assert last.map is not None
    page = last.map.read_text("utf-8")
    assert "NDVI" in page
    assert "火险等级" in page
    with open_store(week.site.work / "agroforest.db") as store:
        hazards = {a.hazard for a in store.alerts("both")}
        nights = store.active_nights("both", until=week.last, limit=99)
        seen = store.active_nights("both", until=week.last, limit=99, without=["fire"])
    assert Hazard.ACTIVE_FIRE in hazards
    assert len(nights) == _NIGHTS
    assert 0 < len(seen) < _NIGHTS


def test_the_nights_own_moisture_maps_are_a_driver(week: Week) -> None:
    folder = week.site.work / "both" / "fire" / "danger"
    with rasterio.open(folder / f"drivers_{week.last}.tif") as source:
        assert any(name.startswith("ndmi") for name in source.descriptions)


def test_canopy_is_judged_as_without_fire(week: Week) -> None:
    root = week.site.work
    names = [p.name for p in sorted((root / "plain" / "risk").rglob("*.tif"))]
    assert names
    for path in (root / "plain" / "risk").rglob("*.tif"):
        twin = root / "both" / path.relative_to(root / "plain")
        assert twin.read_bytes() == path.read_bytes()
