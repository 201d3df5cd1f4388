"""Layers of fire danger: one a driver, a picture a day."""

import base64
from dataclasses import replace
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from rasterio.io import MemoryFile
from tests.maps.fires import (
    GRID,
    MODEL,
    NIGHT,
    NOTHING,
    danger_of,
    data_of,
    fire_page,
    night_page,
)

from agroforest.maps import MapPage
from agroforest.maps.fire_danger import RANK_COLORS, UNTRAINED

Json = dict[str, Any]


@pytest.fixture(scope="module")
def data() -> Json:
    return data_of(night_page())


def test_days_share_layers_in_the_order_given(data: Json) -> None:
    layers = [layer for layer in data["layers"] if layer["kind"] == "danger"]
    assert [layer["id"] for layer in layers] == [
        "danger:rank", "danger:probability", "danger:fwi", "danger:vpd",
        "danger:rain",
    ]  # fmt: skip
    days = [(NIGHT + timedelta(days=n)).isoformat() for n in range(3)]
    for layer in layers:
        (frames,) = layer["tiles"].values()
        assert [frame["day"] for frame in frames] == days
        assert {frame["night"] for frame in frames} == {NIGHT.isoformat()}
    assert [d["forecast"] for d in data["fire"]["danger"]["days"]] == [0, 1, 1]
    assert [layer["shown"] for layer in layers] == [True] + 4 * [False]


def test_a_driver_is_a_layer_of_the_days_it_is_known() -> None:
    first, second = danger_of(0), danger_of(1)
    bare = replace(second, drivers=second.drivers[:1], probability=None)
    layers = data_of(night_page(fire_page(danger=(first, bare))))["layers"]
    frames = {x["id"]: [f["day"] for f in x["tiles"]["area"]] for x in layers}
    assert len(frames["danger:fwi"]) == 2
    assert frames["danger:vpd"] == frames["danger:probability"] == ["2024-02-20"]


def test_a_risk_that_is_shown_is_not_covered(fake_page: MapPage) -> None:
    page = fake_page.patch(fire=fire_page())
    shown = [x["id"] for x in data_of(page)["layers"] if x["shown"]]
    assert shown == ["risk:canopy-stress"]


def test_scales_do_not_change_with_the_day() -> None:
    first, second = danger_of(0), danger_of(1)
    odd = replace(
        second, drivers=(replace(second.drivers[0], vmax=50.0), *second.drivers[1:])
    )
    page = night_page(fire_page(danger=(first, odd)))
    with pytest.raises(ValueError, match="'fwi' have 2 different scales"):
        data_of(page)


# Reading a PNG warns that it has no position; it has none.
@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
def test_the_picture_has_the_colours_of_the_ranks() -> None:
    grid = GRID.patch(width=5, height=5)
    rank = np.tile(np.arange(5, dtype=np.int8) + 1, (5, 1))
    rank[0] = 0
    day = replace(danger_of(0, grid=grid, drivers=()), rank=rank, probability=None)
    said = data_of(night_page(fire_page(danger=(day,))))
    frame = said["layers"][0]["tiles"]["area"][0]
    uri = said["pictures"][frame["picture"]]
    with (
        MemoryFile(base64.b64decode(uri.split(",")[1])) as file,
        file.open() as png,
    ):
        codes, table = png.read(1), png.colormap(1)
    rgb = ["#{:02x}{:02x}{:02x}".format(*table[n][:3]) for n in range(1, 6)]
    assert rgb == list(RANK_COLORS)
    assert table[0][3] == 0
    middle = codes[codes.shape[0] // 2]
    assert sorted(set(middle[middle > 0].tolist())) == [1, 2, 3, 4, 5]
    assert (np.diff(middle[middle > 0].astype(int)) >= 0).all()
    assert not codes[: codes.shape[0] // 8].any()


def test_it_says_what_it_is_not(data: Json) -> None:
    notices = [notice["zh"] for notice in data["notices"]]
    assert UNTRAINED[0] in notices
    assert any(MODEL in notice for notice in notices)
    assert data["layers"][0]["legend"]["limits"]["en"] == UNTRAINED[1]
    none = data_of(night_page(NOTHING))
    assert none["notices"] == []
    assert none["fire"]["danger"] is None
