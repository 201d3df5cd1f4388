"""What index maps say of parcels."""

import json
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest
from tests.nightly.water.made import CANE, NIGHT, SOUTH, WEST, Farm, parcel

from agroforest.core.grid import Grid
from agroforest.core.risk import epoch_day
from agroforest.cube import raster_name, write_cog
from agroforest.indices import encode
from agroforest.nightly.water.seen import scale_ndmi

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
