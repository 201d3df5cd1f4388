"""Maps as users get them, and pixels counted beside the truth."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import rasterio

from agroforest.core.grid import Grid
from agroforest.risk.probability_map import count_pixels, write_maps
from agroforest.risk.scenes import Scenes
from agroforest.risk.task import Answers


def build_grid(left: float, height: int, width: int) -> Grid:
    return Grid(
        crs="EPSG:3857",
        left=left,
        top=500.0,
        resolution=10.0,
        width=width,
        height=height,
    )


SCENES = Scenes(
    values=(np.zeros((1, 2, 3), np.float32), np.zeros((1, 2, 2), np.float32)),
    place=np.array(["p", "q"]),
    name=("first", "second"),
    grid=(build_grid(0.0, 2, 3), build_grid(70.0, 2, 2)),
    truth=(
        np.array([[1, 0, 0], [1, 0, 1]], np.float32),
        np.array([[0, np.nan], [1, 0]], np.float32),
    ),
)
CHANCE = np.array([0.9, 0.2, 0.6, 0.8, 0.1, 0.4, 0.3, 0.99, 0.7, np.nan], np.float32)
ANSWERS = Answers(value=CHANCE[:, None], spread=np.zeros(10, np.float32))


def test_every_scene_is_written_on_its_grid(tmp_path: Path) -> None:
    written = write_maps(tmp_path / "out", SCENES, ANSWERS, 0.425)
    assert [p.name for p in written] == ["first.tif", "second.tif", "threshold.json"]
    assert json.loads(written[-1].read_text()) == {"threshold": 0.425}
    with rasterio.open(written[0]) as data:
        assert (data.dtypes, data.crs.to_epsg()) == (("float32",), 3857)
        assert data.scales == (1.0,)
        np.testing.assert_array_equal(data.read(1), CHANCE[:6].reshape(2, 3))
    with rasterio.open(written[1]) as data:
        assert (data.transform.c, data.transform.f) == (70.0, 500.0)
        np.testing.assert_array_equal(data.read(1), CHANCE[6:].reshape(2, 2))
        assert np.isnan(data.nodata)


def test_pixels_that_nobody_knows_or_judges_do_not_count() -> None:
    # Known and judged: 9 minus the one of unknown truth; by hand at 0.5: said
    # .9 .6 .8 .7, true .9 .8 .4 .7; three of both.
    counted = count_pixels(SCENES, ANSWERS, 0.5)
    once = np.ones(10)
    assert counted["f1"](once) == pytest.approx(6 / 8)
    assert counted["iou"](once) == pytest.approx(3 / 5)
    # Falling: T T T F T: precision 1, 1, 1, 4/5 at the four that are true.
    assert counted["average precision"](once) == pytest.approx(3.8 / 4)


def test_counts_belong_to_their_pixels() -> None:
    counts = np.array([1, 1, 1, 1, 1, 1, 0, 0, 0, 0], np.float64)
    counted = count_pixels(SCENES, ANSWERS, 0.5)
    assert counted["f1"](counts) == pytest.approx(4 / 6)


def test_there_is_nothing_to_count_without_truth() -> None:
    with pytest.raises(ValueError, match="no truth"):
        count_pixels(replace(SCENES, truth=None), ANSWERS, 0.5)
