"""The STAC item beside a raster."""

import hashlib
import json
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path

import numpy as np
import pystac
import pytest
from pyproj import Transformer

from agroforest.core.errors import ConfigurationError, DataError
from agroforest.core.grid import Grid
from agroforest.cube import raster_name, write_cog, write_item

GRID = Grid(
    crs="EPSG:32649", left=500_000, top=2_500_000, resolution=10, width=60, height=40
)
SENSED = datetime(2024, 5, 6, 3, 7, 8, tzinfo=UTC)


def test_names_sort_by_tile_and_day() -> None:
    assert raster_name("49QCE", date(2024, 5, 6), "ndvi") == "49QCE_2024-05-06_ndvi.tif"


@pytest.mark.parametrize("part", ["../x", "", "a b", "/etc", "a\n", ".hidden"])
def test_names_are_not_paths(part: str) -> None:
    with pytest.raises(ConfigurationError, match="use letters"):
        raster_name(part, date(2024, 5, 6), "ndvi")
    with pytest.raises(ConfigurationError, match="use letters"):
        raster_name("49QCE", date(2024, 5, 6), part)


@pytest.fixture
def raster(tmp_path: Path) -> Path:
    path = tmp_path / raster_name("49QCE", SENSED.date(), "ndvi")
    write_cog(path, np.full(GRID.shape, 5000, np.int16), GRID)
    return path


def test_an_item_says_where_when_and_what(raster: Path) -> None:
    properties = {"agroforest:index": "ndvi", "agroforest:scenes": ["a", "b"]}
    path = write_item(
        raster,
        SENSED,
        title="归一化植被指数",
        properties=properties,
        derived_from=["../scenes/a.json"],
    )
    assert path == raster.with_suffix(".json")
    found = json.loads(path.read_text(encoding="utf-8"))

    assert found["id"] == "49QCE_2024-05-06_ndvi"
    assert found["properties"] == {
        "title": "归一化植被指数",
        "datetime": "2024-05-06T03:07:08Z",
        "agroforest:index": "ndvi",
        "agroforest:scenes": ["a", "b"],
        "proj:code": "EPSG:32649",
        "proj:shape": [40, 60],
        "proj:transform": [10.0, 0.0, 500_000.0, 0.0, -10.0, 2_500_000.0],
        "proj:bbox": [500_000.0, 2_499_600.0, 500_600.0, 2_500_000.0],
    }
    asset = found["assets"]["data"]
    content = raster.read_bytes()
    assert asset["href"] == "./49QCE_2024-05-06_ndvi.tif"
    assert asset["file:checksum"] == "1220" + hashlib.sha256(content).hexdigest()
    assert asset["file:size"] == len(content)
    assert asset["raster:bands"] == [
        {
            "data_type": "int16",
            "nodata": -32768,
            "scale": 1e-4,
            "offset": 0.0,
            "spatial_resolution": 10.0,
        }
    ]
    assert [(link["rel"], link["href"]) for link in found["links"]] == [
        ("derived_from", "../scenes/a.json")
    ]


def test_the_outline_is_the_grids_in_degrees(raster: Path) -> None:
    found = json.loads(write_item(raster, SENSED).read_text(encoding="utf-8"))
    to_degrees = Transformer.from_crs("EPSG:32649", "EPSG:4326", always_xy=True)
    corners = {
        tuple(np.round(to_degrees.transform(x, y), 7).tolist())
        for x in (500_000, 500_600)
        for y in (2_499_600, 2_500_000)
    }
    ring = {tuple(p) for p in found["geometry"]["coordinates"][0]}
    assert corners <= ring
    longitudes, latitudes = zip(*ring, strict=True)
    assert found["bbox"] == [
        min(longitudes),
        min(latitudes),
        max(longitudes),
        max(latitudes),
    ]


def test_the_same_raster_gives_the_same_bytes(raster: Path) -> None:
    here = timezone(timedelta(hours=8))
    first = write_item(raster, SENSED, properties={"a": 1, "b": 2}).read_bytes()
    again = write_item(raster, SENSED.astimezone(here), properties={"b": 2, "a": 1})
    assert again.read_bytes() == first


def test_pystac_reads_the_item_and_finds_the_raster(raster: Path) -> None:
    item = pystac.Item.from_file(str(write_item(raster, SENSED)))
    assert Path(item.assets["data"].get_absolute_href() or "") == raster
    assert item.datetime == SENSED


def test_nan_nodata_is_valid_json(tmp_path: Path) -> None:
    path = tmp_path / "risk.tif"
    write_cog(path, np.zeros(GRID.shape, np.float32), GRID, nodata=np.nan, scale=1.0)
    text = write_item(path, SENSED).read_text(encoding="utf-8")

    def refuse(constant: str) -> None:
        raise ValueError(constant)

    band = json.loads(text, parse_constant=refuse)["assets"]["data"]["raster:bands"][0]
    assert band["nodata"] == "nan"


def test_naive_times_and_other_files_are_refused(raster: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="naive time"):
        write_item(raster, SENSED.replace(tzinfo=None))
    other = tmp_path / "other.tif"
    other.write_text("no raster")
    with pytest.raises(DataError, match=r"other\.tif: cannot be read"):
        write_item(other, SENSED)
