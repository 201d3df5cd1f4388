"""The baseline on a real series: a spruce forest that declines from 2018 on."""

from datetime import date, datetime
from pathlib import Path

import numpy as np
import pytest
import rasterio

from agroforest.core.grid import Grid
from agroforest.core.risk import epoch_day
from agroforest.indices import baseline
from agroforest.indices.baseline import BANDS, BaselineState, Take

pytestmark = pytest.mark.data

HISTORY_END = epoch_day(date(2018, 5, 31))
FILES = {b: b.replace("B0", "B") for b in BANDS}
CRSWIR = baseline.SIGNALS.index("CRSWIR")


def read(path: Path) -> np.ndarray:
    with rasterio.open(path) as source:
        band = source.read(1)
        if band.shape == (80, 80):  # 10 m: mean of the four
            return np.asarray(band.reshape(40, 2, 40, 2).mean(axis=(1, 3)))
        return np.asarray(band)


def read_scene(folder: Path) -> Take:
    sensed = datetime.strptime(folder.name[11:19], "%Y%m%d")  # noqa: DTZ007  a day
    clear = read(next((folder / "MASKS").glob("*_CLM_R2.tif"))) == 0
    bands = np.stack(
        [read(next(folder.glob(f"*_FRE_{FILES[b]}.tif"))) for b in BANDS]
    ).astype(np.float32)
    clear &= (bands > 0).all(axis=0)
    return epoch_day(sensed.date()), bands / 10_000, clear, folder.name


@pytest.fixture(scope="module")
def forest(data_dir: Path) -> np.ndarray:
    return read(data_dir / "s2_theia_t31ufq" / "forest_mask.tif") >= 0.5


@pytest.fixture(scope="module")
def nights(data_dir: Path, forest: np.ndarray) -> dict[int, BaselineState]:
    """States after the history and after every later date with clear pixels."""
    folders = (data_dir / "s2_theia_t31ufq" / "scenes").glob("SENTINEL2*")
    takes = sorted((read_scene(f) for f in folders), key=lambda t: (t[0], t[3]))
    grid = Grid(
        crs="EPSG:32631", left=0.0, top=0.0, resolution=20.0, width=40, height=40
    )
    history = [t for t in takes if t[0] <= HISTORY_END]
    state = baseline.fit(history, grid, forest=forest)
    states = {HISTORY_END: state}
    for day, bands, usable, scene_id in takes[len(history) :]:
        state = baseline.update(
            state, day=day, bands=bands, usable=usable, scene_id=scene_id, forest=forest
        )
        if usable.any():
            states[day] = state
    return states


def excess(state: BaselineState, forest: np.ndarray, dates: int = 3) -> np.ndarray:
    """Lowest CRSWIR residual of the last dates, forest pixels only."""
    rest = baseline.residuals(state, slots=dates)
    return np.asarray(rest.value[:, CRSWIR, forest].min(axis=0))


def last_before(nights: dict[int, BaselineState], day: date) -> BaselineState:
    return nights[max(d for d in nights if d <= epoch_day(day))]


def test_every_pixel_gets_a_quiet_season(
    nights: dict[int, BaselineState], forest: np.ndarray
) -> None:
    state = nights[HISTORY_END]
    assert state.has_model.all()
    assert state.clear_count.min() >= 10
    spread = np.median(state.spread[:, forest], axis=1) / 10_000
    assert (spread[:3] < 0.005).all()  # visible
    assert (spread[3:6] < 0.03).all()  # infrared
    assert 0.03 < spread[6] < 0.08  # CRSWIR


def test_nothing_is_found_before_the_drought(
    nights: dict[int, BaselineState], forest: np.ndarray
) -> None:
    state = last_before(nights, date(2018, 7, 15))
    assert (excess(state, forest) > 0.16).mean() < 0.01


def test_decline_of_2019_is_found_and_the_stable_part_is_not(
    nights: dict[int, BaselineState], forest: np.ndarray
) -> None:
    found = excess(last_before(nights, date(2019, 9, 30)), forest) > 0.16
    assert 0.25 < found.mean() < 0.45
    # Broadleaves (a wide season in the near infrared) did not decline.
    season = nights[HISTORY_END].coefficients[3, 1:3][:, forest] / 10_000
    broadleaf = np.hypot(*season) > 0.08
    assert broadleaf.mean() > 0.25
    assert found[broadleaf].mean() < 0.1
    assert found[~broadleaf].mean() > 0.4


def test_standing_dead_trees_are_not_mistaken_for_bare_ground(
    nights: dict[int, BaselineState], forest: np.ndarray
) -> None:
    state = last_before(nights, date(2019, 12, 31))
    assert (state.cut_day[forest] > 0).mean() < 0.01
