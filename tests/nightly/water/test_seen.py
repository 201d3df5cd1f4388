"""What index maps say of parcels."""

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from tests.nightly.water.made import CANE, NIGHT, SOUTH, WEST, Farm, parcel

from agroforest.core.aoi import read_aoi
from agroforest.core.config import read_pipeline
from agroforest.core.grid import Grid
from agroforest.core.reading import Sensor
from agroforest.core.risk import epoch_day
from agroforest.cube import raster_name, write_cog
from agroforest.farm.crops import read_crops
from agroforest.indices import encode
from agroforest.nightly.water.fields import build_fields
from agroforest.nightly.water.seen import follow_probes, scale_ndmi

DAY = timedelta(days=1)
# WGS 84 / UTM 48N; the fields lie in the middle.
CRS, RESOLUTION = "EPSG:32648", 20.0


def write_map(
    farm: Farm, name: str, day: date, value: float, *, clear: float = 1
) -> Path:
    """An index map of one value; the western part of each field under cloud."""
    import pyproj  # noqa: PLC0415  only here

    move = pyproj.Transformer.from_crs("EPSG:4326", CRS, always_xy=True)
    x, y = move.transform(WEST + 0.0075, SOUTH + 0.0015)
    grid = Grid(
        crs=CRS,
        left=round(x / RESOLUTION) * RESOLUTION - 1000,
        top=round(y / RESOLUTION) * RESOLUTION + 1000,
        resolution=RESOLUTION,
        width=100,
        height=100,
    )
    values = np.full(grid.shape, value, dtype=np.float32)
    values[:, : round(100 * (1 - clear))] = np.nan
    folder = farm.work / "made-water" / "indices" / "t"
    path = folder / raster_name("t", day, name)
    write_cog(
        path,
        encode(values),
        grid,
        nodata=-32768,
        scale=1e-4,
        description=name,
        tags={},
        overviews="average",
    )
    return path


def test_greenness_gives_the_crop_coefficient(farm: Farm) -> None:
    write_map(farm, "ndvi", NIGHT - 5 * DAY, 0.45)
    one = farm.parcel(NIGHT)
    days = {day["day"]: day for day in one["days"]}
    # Campos et al. (2010): 1.44 * 0.45 - 0.10; the table has 1.20 in the middle.
    for n in range(6):
        kcb = days[str(NIGHT - n * DAY)]["kcb"]
        assert kcb == pytest.approx(0.548, abs=0.001)
    assert days[str(NIGHT - 6 * DAY)]["kcb"] > 1.0
    farm.set(greenness=False)
    again = farm.parcel(NIGHT)
    assert again["days"][-8]["kcb"] > 1.0


def test_wetness_from_space_draws_the_balance(farm: Farm) -> None:
    dry = farm.parcel(NIGHT - DAY)
    write_map(farm, "optram", NIGHT, 0.9)
    farm.set(satellite="optram")
    wet = farm.parcel(NIGHT)
    assert wet["readings"] == ["satellite"]
    assert wet["depletion_mm"] < dry["depletion_mm"]


def test_a_parcel_under_cloud_was_not_seen(farm: Farm) -> None:
    farm.plant(parcel(1, **CANE))
    write_map(farm, "ndvi", NIGHT, 0.45, clear=0.0)
    one = farm.parcel(NIGHT)
    assert one["days"][-1]["kcb"] is None or one["days"][-1]["kcb"] > 1.0
    kept = json.loads(next((farm.water / "seen").glob("*.json")).read_text())
    assert kept["means"]["p1"][1] == 0


def test_a_map_that_comes_late_is_taken_up(farm: Farm) -> None:
    farm.run(NIGHT, NIGHT + 2 * DAY)
    write_map(farm, "ndvi", NIGHT, 0.45)
    one = farm.parcel(NIGHT + 3 * DAY)
    days = {day["day"]: day for day in one["days"]}
    assert days[str(NIGHT)]["kcb"] == pytest.approx(0.548, abs=0.001)
    assert days[str(NIGHT - DAY)]["kcb"] > 1.0


def test_a_damaged_map_is_named_and_the_rest_goes_on(farm: Farm) -> None:
    path = write_map(farm, "ndvi", NIGHT, 0.45)
    path.write_bytes(b"no raster")
    (outcome,) = farm.run(NIGHT)
    assert outcome.report is not None
    (refused,) = outcome.report["quarantined"]
    assert "t_2024-06-10_ndvi.tif" in refused["where"]
    assert outcome.report["water"]["parcels"][0]["verdict"] == "irrigate"


def test_ndmi_is_scaled_between_a_parcels_own_ends() -> None:
    days = [epoch_day(NIGHT) + 5 * n for n in range(12)]
    values = dict(zip(days, np.linspace(-0.2, 0.3, 12).tolist(), strict=True))
    found = scale_ndmi({"p1": values})["p1"]
    assert sorted(found) == days[7:]  # too few images before
    assert found[days[-1]] == 1.0
    later = scale_ndmi({"p1": values | {days[-1] + 5: -0.4}})["p1"]
    assert {day: later[day] for day in found} == found
    assert later[days[-1] + 5] == 0.0
    assert scale_ndmi({"p1": dict.fromkeys(days, 0.1)}) == {}


#: Wetness on clear dates of four months, of no order and no trend.
WETNESS = (0.2, 0.7, 0.3, 0.8, 0.1, 0.6, 0.25, 0.75, 0.15, 0.65, 0.35, 0.5)


def watch(farm: Farm, *, share: float, clear: int = 12) -> None:
    """A probe that goes with the wetness seen, share 1, or against it, share -1."""
    dates = [NIGHT - (2 + 9 * n) * DAY for n in range(12)]
    seen = dict(zip(dates, WETNESS, strict=True))
    days = [NIGHT - n * DAY for n in range(110)][::-1]
    marks = sorted(seen)
    curve = np.interp(
        [d.toordinal() for d in days],
        [d.toordinal() for d in marks],
        [seen[d] for d in marks],
    )
    noise = np.random.default_rng(3).normal(0.0, 0.001, 4 * len(days))
    values = 0.24 + share * 0.05 * (np.repeat(curve, 4) - 0.4) + noise
    farm.probe("farm:1", values.round(4).tolist(), last=NIGHT, step_hours=6.0)
    for day in dates[:clear]:
        write_map(farm, "optram", day, seen[day])
    farm.set(satellite="optram")


def test_a_probe_against_the_satellite_is_trusted_less_and_says_so(farm: Farm) -> None:
    watch(farm, share=-1.0)
    (sensor,) = farm.parcel(NIGHT)["sensors"]
    assert sensor["trust"] == 0.5
    assert "与卫星湿度的涨落不一致（12 个晴天，等级相关 -" in sensor["zh"]
    assert "disagrees with wetness seen by satellite (12 clear dates" in sensor["en"]
    for kind in ("maps", "reports"):
        page = farm.work / "made-water" / kind / f"{NIGHT}.html"
        assert sensor["en"] in page.read_text("utf-8")


def test_a_probe_that_goes_with_the_satellite_says_so(farm: Farm) -> None:
    watch(farm, share=1.0)
    (sensor,) = farm.parcel(NIGHT)["sensors"]
    assert sensor["trust"] == 1.0
    assert "agrees with wetness seen by satellite (12 clear dates" in sensor["en"]


def test_few_clear_dates_are_said_and_change_nothing(farm: Farm) -> None:
    watch(farm, share=-1.0, clear=3)
    (sensor,) = farm.parcel(NIGHT)["sensors"]
    assert sensor["trust"] == 1.0
    assert sensor["zh"] == "可与卫星湿度比较的晴天仅 3 个（需 8 个），未参评"
    assert "3 of the 8 needed" in sensor["en"]


def test_dates_are_compared_at_local_noon(farm: Farm) -> None:
    farm.probe("farm:1", [0.2] * 4, last=NIGHT)
    fields, _ = build_fields(
        read_aoi(farm.folder / "area.geojson"),
        read_pipeline(farm.path).water,
        read_crops(None),
        [Sensor(id="farm:1", name="", longitude=108.3075, latitude=22.8015)],
    )
    seen = {"p1": {epoch_day(NIGHT): 0.4, epoch_day(NIGHT) - 5: 0.2}}
    found = follow_probes(seen, fields, timedelta(hours=8))
    noon = datetime(NIGHT.year, NIGHT.month, NIGHT.day, 4, tzinfo=UTC).timestamp()
    assert list(found) == ["farm:1"]
    assert found["farm:1"].time.tolist() == [noon - 5 * 86_400, noon]
    assert found["farm:1"].value.tolist() == [0.2, 0.4]
    assert len(follow_probes({}, fields, timedelta())["farm:1"].time) == 0
