"""The shipped model: on simulated forests, and on a real spruce dieback."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest
import rasterio

from agroforest.catalog import recognise
from agroforest.core.grid import Grid
from agroforest.core.risk import EPOCH, epoch_day
from agroforest.core.scene import build_scene
from agroforest.cube import read
from agroforest.indices import baseline
from agroforest.indices.baseline import BANDS
from agroforest.risk import load_model, models_dir, predict
from agroforest.risk.card import Model
from agroforest.risk.watched import evaluate_canopy_stress

#: Seeds that neither training, validation nor the card's test has seen.
FRESH_SEED = 3_000_000


@pytest.fixture(scope="module")
def model() -> Model:
    return load_model(models_dir() / "canopy-stress")


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_beats_the_rule_on_fresh_forests(model: Model) -> None:
    metrics = evaluate_canopy_stress(model, forests=6, first_seed=FRESH_SEED)
    found = {m.name: m.value for m in metrics}
    assert found["ap_disturbed"] > found["ap_disturbed_rule"] + 0.05
    assert found["ap_loss"] > found["ap_loss_rule"]
    assert found["dieback_found"] > found["dieback_found_rule"]
    assert found["false_alarms_per_healthy_pixel_year"] < 0.03
    assert found["ece_disturbed"] < 0.03


@pytest.mark.slow
def test_what_nothing_decides_is_no_figure(model: Model) -> None:
    metrics = evaluate_canopy_stress(
        model, forests=2, first_seed=FRESH_SEED, bands=("B04", "B8A")
    )
    found = {metric.name for metric in metrics}
    assert "ap_disturbed" in found
    # The rule needs bands that this satellite lacks, and so detects nothing.
    assert "dieback_delay_days_rule" not in found


@dataclass(frozen=True, kw_only=True)
class Watched:
    """What was detected, by day: share of felled, and of broadleaved pixels."""

    felled: dict[date, float]
    broadleaved: dict[date, float]
    ever_before_felling: float


def scenes(folder: Path, grid: Grid) -> Iterator[tuple[int, np.ndarray, np.ndarray]]:
    granules = [g for p in folder.glob("SENTINEL2*") for g in recognise(p)]
    for granule in sorted(granules, key=lambda g: g.sensed):
        scene = build_scene((granule,))
        image = read(scene, grid, BANDS)
        bands = np.stack([image[b].values for b in BANDS])
        yield epoch_day(scene.date), bands, image["usable"].values


@pytest.fixture(scope="module")
def watched(model: Model, data_dir: Path) -> Watched:
    root = data_dir / "s2_theia_t31ufq"
    with rasterio.open(root / "forest_mask.tif") as source:
        forest = source.read(1) == 1
        left, top = source.transform.c, source.transform.f
    grid = Grid(
        crs="EPSG:32631", left=left, top=top, resolution=10, width=80, height=80
    )
    takes = list(scenes(root / "scenes", grid))
    felled, broadleaved = outcome(takes, forest)
    after = epoch_day(date(2018, 5, 31))
    state = baseline.fit(
        ((d, b, u, str(i)) for i, (d, b, u) in enumerate(takes) if d <= after),
        grid,
        forest=forest,
    )
    first, second = {}, {}
    ever = np.zeros(forest.shape, dtype=bool)
    for i, (day, bands, usable) in enumerate(takes):
        if day <= after:
            continue
        state = baseline.update(
            state, day=day, bands=bands, usable=usable, scene_id=str(i), forest=forest
        )
        night = EPOCH + timedelta(days=day)
        stress, loss = predict(
            state, night=night, tile="31UFQ", model=model, forest=forest
        )
        detected = stress.detected | loss.detected
        assert not (stress.detected & loss.detected).any()
        first[night] = float(detected[felled].mean())
        second[night] = float(detected[broadleaved].mean())
        if night < date(2019, 3, 1):
            ever |= detected
    return Watched(
        felled=first, broadleaved=second, ever_before_felling=float(ever[felled].mean())
    )


def outcome(
    takes: list[tuple[int, np.ndarray, np.ndarray]], forest: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """What became of the forest, from reflectance alone.

    There is no ground truth. The spruces were felled in spring 2019: short-wave
    infrared jumps by more than 0.08. Broadleaved stands are told by a near
    infrared above 0.33 in the summers before; two pixels beside the felling are
    left out.
    """
    from scipy.ndimage import binary_dilation  # noqa: PLC0415

    def summer(band: str, *years: int) -> np.ndarray:
        values = [
            np.where(usable, bands[BANDS.index(band)], np.nan)
            for day, bands, usable in takes
            for when in [EPOCH + timedelta(days=day)]
            if when.year in years and when.month in (5, 6, 7) and usable.mean() > 0.5
        ]
        return np.asarray(np.nanmedian(values, axis=0))

    jump = summer("B11", 2019) - summer("B11", 2016, 2017)
    felled = forest & (jump > 0.08)
    broadleaved = forest & (summer("B8A", 2016, 2017) > 0.33)
    broadleaved &= ~binary_dilation(felled, iterations=2)
    assert felled.sum() > 2000
    assert broadleaved.sum() > 500
    return felled, broadleaved


@pytest.mark.slow
@pytest.mark.timeout(400)
@pytest.mark.data
def test_real_dieback_is_found_and_broadleaves_stay_quiet(watched: Watched) -> None:
    assert watched.felled[date(2018, 7, 2)] < 0.005
    assert watched.ever_before_felling > 0.3
    assert watched.felled[date(2019, 6, 2)] > 0.6
    quiet = list(watched.broadleaved.values())
    assert np.mean(quiet) < 0.01
    assert max(quiet) < 0.05
