"""From weather to ranks, on made weather."""

from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest
import rasterio
from tests.fire.conftest import write_raster, write_weather

from agroforest.core.errors import ConfigurationError, NoInputError
from agroforest.core.risk import epoch_day
from agroforest.fire.assemble import Layers
from agroforest.fire.cells import Cells
from agroforest.fire.danger import DangerRequest, explain, gather, judge, prepare
from agroforest.fire.drivers import Name
from agroforest.fire.outputs import summarise, write_day
from agroforest.fire.weather_on_cells import WeatherFile
from agroforest.indices.fire_weather import Codes, step
from agroforest.indices.fire_weather.htz import SHIPPED
from agroforest.weather import read_station

FIRST = date(2014, 1, 1)
YEARS = 6 * 365 + 2
LAST = FIRST + timedelta(days=YEARS - 1)


@pytest.fixture
def weather(tmp_path: Path) -> WeatherFile:
    path = write_weather(tmp_path / "w.csv", FIRST, YEARS, dry=12)
    return WeatherFile(path=path)


def test_a_dry_spell_ends_in_the_highest_rank(area: Path, weather: WeatherFile) -> None:
    scene = prepare(
        DangerRequest(weather=weather, aoi=area, day=LAST - timedelta(20), until=LAST)
    )
    days = list(judge(scene))
    assert [d.day for d in days] == [LAST - timedelta(n) for n in range(20, -1, -1)]
    assert (days[-1].rank[scene.cells.inside] == 5).all()
    assert days[0].rank[scene.cells.inside].max() < 5
    assert np.isnan(days[-1].probability).all()
    assert not days[-1].model


def test_what_is_missing_is_listed_and_not_filled(
    area: Path, weather: WeatherFile
) -> None:
    danger = next(judge(prepare(DangerRequest(weather=weather, aoi=area))))
    missing = {d.name for d in danger.drivers if d.missing}
    assert missing >= {Name.FUEL_MOISTURE, Name.NDMI, Name.SLOPE, Name.HTZ, Name.ROAD}
    assert not danger.find(Name.FWI).missing
    assert all(d.source for d in danger.drivers)
    assert [d.name for d in danger.drivers] == list(Name)


def test_an_unverified_chinese_rank_is_shown_and_decides_nothing(
    tmp_path: Path, area: Path, weather: WeatherFile
) -> None:
    plain = next(judge(prepare(DangerRequest(weather=weather, aoi=area))))
    request = DangerRequest(weather=weather, aoi=area, ground="bare")
    shown = next(judge(prepare(request)))
    driver = shown.find(Name.HTZ)
    assert not driver.missing
    assert not driver.ranked
    assert "verify" in driver.source
    assert np.array_equal(shown.rank, plain.rank)
    verified = tmp_path / "htz.toml"
    text = SHIPPED.read_text("utf-8").replace("verify = true", "verify = false")
    # Every day is of the highest rank by these limits.
    text = text.replace("ranks = [25, 50, 72, 90]", "ranks = [0, 1, 2, 3]")
    verified.write_text(text, encoding="utf-8")
    counted = next(
        judge(
            prepare(
                DangerRequest(weather=weather, aoi=area, ground="bare", htz=verified)
            )
        )
    )
    assert counted.find(Name.HTZ).ranked
    assert (counted.rank[counted.rank > 0] == 5).all()


def test_dry_fuel_raises_the_rank_by_one(
    tmp_path: Path, area: Path, weather: WeatherFile, cells: Cells
) -> None:
    moisture = np.full(cells.grid.shape, 120.0, np.float32)
    moisture[:, :3] = 70.0
    path = write_raster(tmp_path / "lfmc.tif", moisture, cells.grid)
    day = next(
        d.day
        for d in judge(
            prepare(
                DangerRequest(
                    weather=weather, aoi=area, day=LAST - timedelta(40), until=LAST
                )
            )
        )
        if 2 <= d.rank.max() <= 4
    )
    request = DangerRequest(weather=weather, aoi=area, day=day, until=day)
    plain = next(judge(prepare(request)))
    layers = Layers(fuel_moisture=path)
    moist = next(
        judge(
            prepare(
                DangerRequest(
                    weather=weather, aoi=area, day=day, until=day, layers=layers
                )
            )
        )
    )
    change = (moist.rank - plain.rank)[cells.inside]
    dry = (moisture < 80)[cells.inside]
    assert (change[dry] == 1).all()
    assert (change[~dry] == 0).all()


def test_forecast_days_follow_and_are_flagged(area: Path, weather: WeatherFile) -> None:
    start = LAST - timedelta(2)
    request = DangerRequest(weather=weather.patch(forecast_from=start), aoi=area)
    days = list(judge(prepare(request)))
    assert [(d.day, d.forecast) for d in days] == [
        (start - timedelta(1), False),
        (start, True),
        (start + timedelta(1), True),
        (start + timedelta(2), True),
    ]


def test_the_classes_do_not_see_the_forecast(area: Path, weather: WeatherFile) -> None:
    with_it = prepare(DangerRequest(weather=weather, aoi=area)).limits.limits
    flagged = weather.patch(forecast_from=LAST - timedelta(11))
    without = prepare(DangerRequest(weather=flagged, aoi=area)).limits.limits
    assert (without[-1] < with_it[-1]).all()


def test_nothing_has_a_rank_before_classes_are_found(
    area: Path, weather: WeatherFile
) -> None:
    request = DangerRequest(weather=weather, aoi=area)
    bare, whole = gather(request), prepare(request)
    (danger,) = judge(bare.patch(first=whole.first, last=whole.first))
    assert not danger.rank.any()
    assert bare.classify().limits.limits == pytest.approx(whole.limits.limits)
    years = bare.classify(date(LAST.year - 1, 12, 31)).limits.limits
    assert not np.array_equal(years, whole.limits.limits)


def test_a_short_history_is_said(tmp_path: Path, area: Path) -> None:
    path = write_weather(tmp_path / "s.csv", FIRST, 40)
    scene = prepare(DangerRequest(weather=WeatherFile(path=path), aoi=area))
    days = list(judge(scene))
    said = " ".join([*scene.notes, *explain(days, scene.cells)])
    assert "Europe" in said
    assert "40 days of weather" in said


def test_a_history_elsewhere_gives_the_classes(
    tmp_path: Path, area: Path, weather: WeatherFile
) -> None:
    path = write_weather(tmp_path / "s.csv", date(2020, 1, 1), 40)
    scene = prepare(
        DangerRequest(weather=WeatherFile(path=path), history=weather, aoi=area)
    )
    own = prepare(DangerRequest(weather=weather, aoi=area))
    assert scene.limits.limits == pytest.approx(own.limits.limits)


def test_days_that_the_weather_lacks_are_refused(
    area: Path, weather: WeatherFile
) -> None:
    after = LAST + timedelta(1)
    with pytest.raises(NoInputError, match="not in the file"):
        prepare(DangerRequest(weather=weather, aoi=area, day=after))
    with pytest.raises(ConfigurationError, match="before the first"):
        prepare(DangerRequest(weather=weather, aoi=area, day=LAST, until=FIRST))


def test_maps_hold_ranks_and_named_drivers(
    tmp_path: Path, area: Path, weather: WeatherFile
) -> None:
    scene = prepare(DangerRequest(weather=weather, aoi=area))
    danger = next(judge(scene))
    ranks, drivers = write_day(tmp_path / "out", danger, scene.cells)
    with rasterio.open(ranks) as raster:
        assert raster.descriptions == ("rank", "probability")
        assert "untrained" in raster.tags()["rank"]
        found = raster.read(1)
        assert np.nanmax(raster.read(2)[np.isfinite(raster.read(2))], initial=-1) == -1
    assert np.isnan(found[~scene.cells.inside]).all()
    assert (found[scene.cells.inside] == danger.rank[scene.cells.inside]).all()
    with rasterio.open(drivers) as raster:
        names = [text.split(" ")[0] for text in raster.descriptions]
        band = raster.read(names.index("fwi") + 1)
    expected = danger.find(Name.FWI).values
    assert expected is not None
    assert band[scene.cells.inside] == pytest.approx(expected[scene.cells.inside])


def test_hectares_of_all_ranks_are_the_area_of_the_unit(
    area: Path, weather: WeatherFile
) -> None:
    scene = prepare(DangerRequest(weather=weather, aoi=area))
    danger = next(judge(scene))
    whole, first, second = danger.totals
    # 0.08° of latitude are 8.859 km, of longitude at 22.84° N 8.213 km
    assert sum(whole.ha) + whole.unknown_ha == pytest.approx(7276, rel=0.003)
    assert sum(first.ha) == pytest.approx(sum(whole.ha) / 4, rel=0.003)
    assert (first.unit.name_zh, second.unit.kind) == ("一班", "compartment")
    plain = first.plain()
    hectares, mu = plain["ha"], plain["mu"]
    assert isinstance(hectares, dict)
    assert mu == pytest.approx({n: 15 * ha for n, ha in hectares.items()}, abs=0.2)
    summary = summarise([danger], scene, scene.notes)
    assert summary["trained"] is False
    assert summary["days"][0]["forecast"] is False  # type: ignore[index]


def test_codes_are_those_of_the_station(area: Path, weather: WeatherFile) -> None:
    """But for what 400 days leave of the start-up value of the drought code."""
    scene = prepare(DangerRequest(weather=weather, aoi=area, day=LAST, until=LAST))
    fwi = next(judge(scene)).find(Name.FWI).values
    series = read_station(weather.path)
    codes = Codes.start((), day=epoch_day(FIRST) - 1)
    index = np.nan
    for today in series:
        codes, found = step(codes, today, latitude=22.84)
        index = float(found.fwi)
    assert fwi is not None
    assert fwi[scene.cells.inside] == pytest.approx(index, rel=5e-3)
