from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
import rasterio
import shapely
from tests.hotspots.made import VIIRS_HEAD, detections_at, viirs_row
from tests.hotspots.test_districts import write

from agroforest.core.errors import ConfigurationError, DataError, NoInputError
from agroforest.hotspots.climatology import (
    History,
    Smoothing,
    build_grid,
    build_history,
    estimate,
    fit,
)
from agroforest.hotspots.climatology_file import read_climatology, write_climatology
from agroforest.hotspots.detections import Detections, concatenate
from agroforest.hotspots.skill import HoldOut, measure
from agroforest.hotspots.training import (
    ClimatologyRequest,
    read_days,
    write_trained,
)

AREA = shapely.box(108, 22, 110, 24)
_NORTH, _SOUTH = (109.0, 23.7), (109.0, 22.3)


def _day(year: int, yearday: int) -> datetime:
    return datetime(year, 1, 1, 5, tzinfo=UTC) + timedelta(days=yearday - 1)


def _years() -> tuple[Detections, list[date]]:
    """Three years: the north burns in spring, the south in autumn, summer is wet."""
    rng = np.random.default_rng(0)
    burns = []
    for year in (2021, 2022, 2023):
        for start, (x, y) in ((60, _NORTH), (280, _SOUTH)):
            for day in range(start, start + 40, 2):
                for _ in range(3):
                    east, north = rng.normal(0, 0.1, 2)
                    burns.append((x + east, y + north, _day(year, day)))
    covered = [
        _day(year, day).date()
        for year in (2021, 2022, 2023)
        for day in range(5, 366, 10)
    ]
    covered += [when.date() for _, _, when in burns]
    return detections_at(burns), covered


@pytest.fixture(scope="module")
def history() -> History:
    seen, covered = _years()
    return build_history(seen, build_grid(AREA, step=0.1), covered=covered)


def _cell(history: History, longitude: float, latitude: float) -> int:
    grid = history.grid
    row, column = grid.locate(np.array([longitude]), np.array([latitude]))
    number = np.cumsum(grid.inside.ravel()).reshape(grid.inside.shape) - 1
    assert grid.inside[row[0], column[0]]
    return int(number[row[0], column[0]])


def test_cells_lie_where_they_say():
    grid = build_grid(AREA, step=0.5, margin_km=0)
    assert grid.inside.shape == (4, 4)
    assert grid.inside.all()
    row, column = grid.locate(
        np.array([108.01, 109.99, 110.5]), np.array([23.99, 22.01, 23.0])
    )
    assert row.tolist() == [0, 3, -1]
    assert column.tolist() == [0, 3, -1]


def test_the_margin_is_not_counted():
    grid = build_grid(AREA, step=0.5, margin_km=60)
    assert grid.inside.sum() == 16
    assert grid.inside.shape[0] > 4


def test_it_burns_in_its_place_and_season(history):
    north, south = _cell(history, *_NORTH), _cell(history, *_SOUTH)
    spring, autumn = estimate(history, 80), estimate(history, 300)
    summer = estimate(history, 190)
    assert spring[north] > 3 * spring[south]
    assert autumn[south] > 3 * autumn[north]
    assert summer.sum() < 0.5 * min(spring.sum(), autumn.sum())


def test_the_year_is_a_circle(history):
    assert np.allclose(estimate(history, 1), estimate(history, 366), rtol=0.02, atol=0)


def test_it_expects_as_many_as_there_are(history):
    days = np.arange(1, 366)
    expected = np.mean([estimate(history, float(d)).sum() for d in days])
    # Covered days lie denser in the seasons: by how much is counted out here.
    covered = history.covered
    yearday = (
        history.days - history.days.astype("datetime64[Y]").astype("datetime64[D]")
    ).astype(int) + 1
    fitted = np.mean([estimate(history, float(d)).sum() for d in yearday[covered]])
    actual = history.counts[covered].sum() / covered.sum()
    assert fitted == pytest.approx(actual, rel=0.1)
    assert expected < fitted


def test_days_that_are_not_covered_tell_where_but_not_how_often():
    once = detections_at([(*_NORTH, _day(2022, 100))])
    grid = build_grid(AREA, step=0.1)
    quiet = [_day(2022, day).date() for day in range(1, 60)]
    history = build_history(once, grid, covered=quiet)
    assert history.covered.sum() == 59
    assert estimate(history, 100).sum() == 0.0
    seen = build_history(once, grid, covered=[*quiet, _day(2022, 100).date()])
    rate = estimate(seen, 100)
    assert 0 < rate.sum() < 1
    assert int(rate.argmax()) == _cell(seen, *_NORTH)


def test_hidden_days_are_not_learned_from(history):
    spring = (history.days >= np.datetime64("2022-02-20")) & (
        history.days <= np.datetime64("2022-04-30")
    )
    without = estimate(history, 80, known=~spring)
    burns = history.burning > 0
    changed = History(
        grid=history.grid,
        days=history.days,
        covered=history.covered,
        counts=np.where(spring[:, None], 99, history.counts).astype(np.float32),
        burning=np.where(spring & burns, 99.0, history.burning),
        maps=np.where(spring[burns][:, None], 99, history.maps).astype(np.float32),
    )
    assert np.array_equal(without, estimate(changed, 80, known=~spring))


def test_more_smoothing_is_flatter():
    seen, covered = _years()
    grid = build_grid(AREA, step=0.1)
    peaks = []
    for km in (5.0, 20.0, 60.0):
        smoothing = Smoothing(place_km=km)
        history = build_history(seen, grid, covered=covered, smoothing=smoothing)
        share = estimate(history, 80, smoothing=smoothing)
        peaks.append(share.max() / share.sum())
    assert peaks[0] > peaks[1] > peaks[2]


# ---------------------------------------------------------------- skill


@pytest.mark.parametrize("hidden", HoldOut)
def test_a_world_with_seasons_and_places_is_told_well(history, hidden):
    skill = measure(history, hold_out=hidden)
    assert skill.auroc.value > 0.9
    assert skill.auroc.low <= skill.auroc.value <= skill.auroc.high
    assert skill.top_share.value > 0.4
    assert skill.expected == pytest.approx(skill.detections, rel=0.2)


def test_knowing_nothing_is_a_coin(history):
    skill = measure(
        history,
        hold_out=HoldOut.DATE,
        model=lambda h, _day, _known: np.ones(h.counts.shape[1]),
    )
    assert skill.auroc.value == 0.5
    assert skill.top_share.value == pytest.approx(0.05, abs=1e-9)


def test_knowing_everything_is_one(history):
    skill = measure(
        history,
        hold_out=HoldOut.DATE,
        model=lambda h, day, _known: h.counts[day].astype(float),
    )
    assert skill.auroc.value == 1.0
    assert skill.top_share.value == 1.0


def test_the_auroc_is_that_of_comparing_every_pair(history):
    rng = np.random.default_rng(3)
    said = rng.random(history.counts.shape).round(1)
    skill = measure(
        history, hold_out=HoldOut.DATE, model=lambda _h, day, _known: said[day]
    )
    chosen = np.flatnonzero(history.covered)
    rate = said[chosen].ravel()
    lit = (history.counts[chosen] > 0).ravel()
    hot, cold = rate[lit][:, None], rate[~lit][None, :]
    wins = (hot > cold).mean() + (hot == cold).mean() / 2
    assert skill.auroc.value == pytest.approx(wins, abs=1e-12)


@pytest.mark.parametrize(
    ("hidden", "count"), [(HoldOut.DATE, 1), (HoldOut.WEEK, 15), (HoldOut.YEAR, 365)]
)
def test_what_is_hidden(hidden, count):
    seen = detections_at([(*_NORTH, _day(2022, 100))])
    days = [_day(year, d).date() for year in (2021, 2022) for d in range(1, 366)]
    history = build_history(seen, build_grid(AREA, step=0.5), covered=days)
    hidden_days = []

    def note(h: History, day: int, known: np.ndarray) -> np.ndarray:
        if h.days[day] == np.datetime64("2022-06-01"):
            hidden_days.extend(h.days[~known].tolist())
        return np.ones(h.counts.shape[1])

    measure(history, hold_out=hidden, model=note)
    assert len(hidden_days) == count
    assert date(2022, 6, 1) in hidden_days


def test_nothing_to_measure_is_said():
    seen = detections_at([(*_NORTH, _day(2022, 100))])
    grid = build_grid(AREA, step=0.5)
    with pytest.raises(ValueError, match="no day"):
        measure(build_history(seen, grid, covered=[]), hold_out=HoldOut.DATE)
    dry = build_history(seen, grid, covered=[date(2022, 1, 1)])
    with pytest.raises(ValueError, match="both needed"):
        measure(dry, hold_out=HoldOut.DATE)


# ---------------------------------------------------------------- files


def test_a_climatology_is_read_as_it_was_written(tmp_path, history):
    made = fit(history)
    path = tmp_path / "climatology.tif"
    write_climatology(path, made, detections="360")
    read = read_climatology(path)
    assert np.array_equal(read.rate, made.rate, equal_nan=True)
    assert np.array_equal(read.grid.inside, made.grid.inside)
    places = np.array([109.0, 109.0, 50.0]), np.array([23.7, 22.3, 23.0])
    spring = read.at(*places, date(2024, 3, 20))
    assert spring[0] > 3 * spring[1]
    assert np.isnan(spring[2])
    assert read.at(*places, date(2024, 12, 31)).shape == (3,)
    with rasterio.open(path) as raster:
        assert raster.count == 36
        assert raster.tags()["detections"] == "360"


def test_another_raster_is_refused(tmp_path):
    path = tmp_path / "other.tif"
    with rasterio.open(
        path, "w", driver="GTiff", height=1, width=1, count=1, dtype="uint8",
        crs="EPSG:4326", transform=rasterio.Affine(1, 0, 108, 0, -1, 24),
    ):  # fmt: skip
        pass
    with pytest.raises(DataError, match="no hotspot climatology"):
        read_climatology(path)
    path.write_text("nothing")
    with pytest.raises(DataError, match="cannot be read"):
        read_climatology(path)


def _request(
    folder: Path, covered: list[date] | None, step: float = 0.1
) -> ClimatologyRequest:
    seen, _ = _years()
    times = [t.item() for t in seen.time]
    rows = [
        viirs_row(
            longitude=x, latitude=y, acq_date=t.date(), acq_time=f"{t:%H%M}", type="0"
        )
        for x, y, t in zip(seen.longitude, seen.latitude, times, strict=True)
    ]
    feed = folder / "feed.csv"
    feed.write_text("\n".join([VIIRS_HEAD, *rows]))
    boundaries = write(folder / "area.geojson", [AREA], [{"name": "县"}])
    days = None
    if covered is not None:
        days = folder / "days.csv"
        days.write_text("acq_date_utc\n" + "".join(f"{d}\n" for d in covered))
    return ClimatologyRequest(
        files=(feed,), covered=days, boundaries=boundaries, step=step,
        out=folder / "c.tif",
    )  # fmt: skip


def test_from_files_to_a_measured_climatology(tmp_path):
    report = write_trained(_request(tmp_path, _years()[1]))
    assert report.detections == len(_years()[0])
    assert set(report.skill) == {"date", "week", "year"}
    year = report.skill["year"]
    assert year["climatology"].auroc.low > year["place"].auroc.high
    assert read_climatology(report.file).rate.shape[0] == 36


def test_without_a_list_every_day_counts(tmp_path):
    report = write_trained(_request(tmp_path, None, step=0.5))
    first, last = _years()[0].time.min(), _years()[0].time.max()
    whole = (last.astype("datetime64[D]") - first.astype("datetime64[D]")).astype(int)
    assert report.covered == whole + 1


def test_too_few_days_are_said(tmp_path):
    with pytest.raises(ConfigurationError, match="3 covered days; give at least 20"):
        write_trained(_request(tmp_path, _years()[1][:3]))


def test_days_without_a_fire_are_said(tmp_path):
    quiet = [date(2020, 1, 1) + timedelta(n) for n in range(30)]
    with pytest.raises(NoInputError, match="no detection in it on a covered day"):
        write_trained(_request(tmp_path, quiet))


def test_lists_of_days(tmp_path):
    path = tmp_path / "days.csv"
    path.write_text("\ufeffdate,n\n2022-01-02,3\n\n2022-01-01,\n2022-01-02,4\n")
    assert read_days(path) == [date(2022, 1, 1), date(2022, 1, 2)]
    path.write_text("date\n2022-01-02\ntomorrow\n")
    with pytest.raises(DataError, match="line 3: 'tomorrow' is no date"):
        read_days(path)
    with pytest.raises(DataError, match="cannot be read"):
        read_days(tmp_path / "nowhere.csv")


@pytest.mark.data
def test_real_skill_is_as_documented(data_dir, tmp_path):
    folder = data_dir / "hotspots_guangxi"
    report = write_trained(
        ClimatologyRequest(
            files=(folder / "modis_c61_nrt.csv",),
            covered=folder / "fully_covered_utc_dates.csv",
            boundaries=data_dir / "guangxi_vectors" / "county.geojson",
            step=0.1,
            out=tmp_path / "c.tif",
        )
    )
    assert report.covered == 61
    for hidden, low, high in (("date", 0.63, 0.68), ("year", 0.64, 0.69)):
        skill = report.skill[hidden]["climatology"]
        assert low < skill.auroc.value < high
        assert skill.auroc.low > 0.55
        assert skill.top_share.low > 0.05


def test_two_feeds_are_one_history():
    seen, covered = _years()
    half = len(seen) // 2
    rows = np.arange(len(seen))
    both = concatenate([seen.take(rows >= half), seen.take(rows < half)])
    grid = build_grid(AREA, step=0.1)
    one = build_history(seen, grid, covered=covered)
    other = build_history(both, grid, covered=covered[::-1])
    assert np.array_equal(one.counts, other.counts)
    assert np.array_equal(one.maps, other.maps)
