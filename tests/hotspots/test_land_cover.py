from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
import rasterio
import shapely
from tests.hotspots.made import detections_at, modis_row, read_modis
from tests.hotspots.test_districts import write

from agroforest.core.errors import ConfigurationError, DataError
from agroforest.hotspots.land_cover import find_cover

_NOON = datetime(2022, 4, 7, 5, 0, tzinfo=UTC)
# Fields west of 108.5 degrees, forest east of it.
_WEST = shapely.box(108.0, 23.0, 108.5, 24.0)
_EAST = shapely.box(108.5, 23.0, 109.0, 24.0)


def _raster(path: Path, **changes: object) -> Path:
    classes = np.full((1000, 1000), 40, dtype="uint8")
    classes[:, 500:] = 10
    classes[:100] = 0
    profile = {
        "driver": "GTiff",
        "height": 1000,
        "width": 1000,
        "count": 1,
        "dtype": "uint8",
        "crs": "EPSG:4326",
        "transform": rasterio.Affine(0.001, 0, 108.0, 0, -0.001, 24.0),
    } | changes
    with rasterio.open(path, "w", **profile) as raster:
        raster.write(classes.astype(str(profile["dtype"])), 1)
    return path


@pytest.mark.parametrize("kind", ["raster", "polygons"])
def test_shares_of_the_pixel(tmp_path, kind):
    if kind == "raster":
        layer = _raster(tmp_path / "cover.tif")
    else:
        properties = [{"crop": "甘蔗"}, {"species": "桉树"}]
        layer = write(tmp_path / "c.geojson", [_WEST, _EAST], properties)
    # In the fields, in the forest, on the edge, and where nothing is known.
    places = [(108.2, 23.5), (108.8, 23.5), (108.5005, 23.5), (120.0, 23.5)]
    found = find_cover(detections_at((*p, _NOON) for p in places), layer)
    assert found.crop[:2].tolist() == [1.0, 0.0]
    assert found.crop[2] == np.float32(1 / 3)
    assert np.isnan(found.crop[3])
    if kind == "polygons":
        assert found.sugarcane[:2].tolist() == [1.0, 0.0]
    else:
        assert found.sugarcane[:2].tolist() == [0.0, 0.0]


def test_a_wide_pixel_sees_farther(tmp_path):
    layer = _raster(tmp_path / "cover.tif")
    wide = modis_row(longitude=108.494, scan=4.8, track=2)
    narrow = modis_row(longitude=108.494, scan=1, track=1)
    found = find_cover(read_modis(wide), layer)
    assert found.crop[0] == np.float32(1.0)  # 0.6 km to each side, the edge is 0.61 off
    found = find_cover(read_modis(wide.replace("108.494", "108.4945")), layer)
    assert found.crop[0] == np.float32(2 / 3)
    found = find_cover(read_modis(narrow.replace("108.494", "108.4945")), layer)
    assert found.crop[0] == np.float32(1.0)


def test_no_data_is_not_known(tmp_path):
    layer = _raster(tmp_path / "cover.tif")
    found = find_cover(detections_at([(108.2, 23.95, _NOON)]), layer)
    assert np.isnan(found.crop).all()


def test_the_first_polygon_counts_where_two_lie(tmp_path):
    both = [{"crop": "rice"}, {"species": "pine"}]
    layer = write(tmp_path / "c.geojson", [_WEST, _WEST], both)
    found = find_cover(detections_at([(108.2, 23.5, _NOON)]), layer)
    assert found.crop[0] == 1.0


def test_no_detections(tmp_path):
    none = detections_at([])
    assert len(find_cover(none, _raster(tmp_path / "cover.tif")).crop) == 0


def test_what_is_no_map_of_classes_is_refused(tmp_path):
    path = _raster(tmp_path / "dem.tif", dtype="float32")
    with pytest.raises(ConfigurationError, match=r"float32.*WorldCover"):
        find_cover(detections_at([(108.2, 23.5, _NOON)]), path)


def test_a_damaged_raster_is_refused(tmp_path):
    path = tmp_path / "cover.tif"
    path.write_bytes(b"<VRTDataset/>")
    with pytest.raises(DataError, match="cannot be read"):
        find_cover(detections_at([(108.2, 23.5, _NOON)]), path)
