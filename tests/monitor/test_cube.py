"""Cubes as others write them: names, units, axes, CRS."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
import xarray as xr
from affine import Affine

from agroforest.core.errors import DataError
from agroforest.core.grid import Grid
from agroforest.cube import write_cog
from agroforest.indices.season import BANDS
from agroforest.monitor import open_cube

TIMES = np.array(["2020-01-02", "2020-01-02", "2020-01-12"], "datetime64[ns]")
PLACE = Affine(10, 0, 299_995, 0, -10, 500_035)


def cube(**changes: Any) -> xr.Dataset:
    rng = np.random.default_rng(0)
    numbers = rng.integers(200, 3000, (3, 4, 5)).astype(np.uint16)
    numbers[0, 0, 0] = 0  # nothing seen
    names = changes.get("names", {"B4": "B04", "B11": "B11"})
    axes = changes.get("axes", ("time", "y", "x"))
    scale = changes.get("scale", 1)
    y = np.arange(4) * 10.0 + 500_000
    return xr.Dataset(
        dict.fromkeys(names, (axes, numbers * scale)),
        coords={
            axes[0]: changes.get("times", TIMES),
            axes[1]: y if changes.get("rising") else y[::-1],
            axes[2]: np.array(changes.get("x", np.arange(5) * 10.0)) + 300_000,
        },
        attrs=changes.get("attrs", {"crs": "EPSG:32648"}),
    )


def saved(folder: Path, data: xr.Dataset, *, zarr: bool = False) -> Path:
    path = folder / ("c.zarr" if zarr else "c.nc")
    if zarr:
        data.to_zarr(path, zarr_format=2)
    else:
        data.to_netcdf(path)
    return path


@pytest.mark.parametrize("zarr", [False, True])
@pytest.mark.parametrize(
    "names",
    [
        {"B4": 0},
        {"B04": 0},
        {"S2-L2A-B04": 0},
        {"B04_10m": 0},
        {"red": 0},
        {"red": 0, "B4": 0},
    ],
)
def test_bands_by_name(tmp_path: Path, names: dict[str, int], zarr: bool) -> None:
    opened = open_cube(saved(tmp_path, cube(names=names), zarr=zarr))
    assert list(opened.bands) == ["B04"]
    assert opened.days.tolist() == [18263, 18273]
    assert (opened.transform, opened.shape) == (PLACE, (4, 5))


@pytest.mark.parametrize("rising", [False, True])
@pytest.mark.parametrize("scale", [1, 1e-4])
def test_numbers_or_reflectance_either_way_up(
    tmp_path: Path, scale: float, rising: bool
) -> None:
    data = cube(scale=scale, rising=rising)
    opened = open_cube(saved(tmp_path, data))
    rows, columns = np.array([0, 0, 3]), np.array([0, 4, 2])
    found = list(opened.read(rows, columns))
    assert [day for day, *_ in found] == opened.days.tolist()
    expected = data["B4"].values / (10_000 if scale == 1 else 1)
    expected = expected[:, ::-1] if rising else expected
    _, bands, usable = found[1]
    np.testing.assert_allclose(
        bands[BANDS.index("B04"), 0], expected[2, rows, columns], rtol=1e-5
    )
    assert np.isnan(bands[BANDS.index("B12")]).all()
    assert usable.all()


@pytest.mark.parametrize("name", ["SCL", "scl", "S2-L2A-SCL"])
def test_the_first_clear_scene_of_a_day_counts(tmp_path: Path, name: str) -> None:
    data = cube(names={"B04": 0})
    scl = np.full((3, 4, 5), 4, np.uint8)
    scl[0, 1] = 9
    data[name] = ("time", "y", "x"), scl
    opened = open_cube(saved(tmp_path, data))
    rows, columns = np.array([0, 1, 2]), np.array([0, 0, 0])
    _, bands, usable = next(iter(opened.read(rows, columns)))
    red = bands[BANDS.index("B04"), 0] * 10_000
    numbers = data["B04"].values
    wanted = [numbers[1, 0, 0], numbers[1, 1, 0], numbers[0, 2, 0]]
    # Nothing seen first, cloud first, clear first.
    np.testing.assert_allclose(red, wanted, rtol=1e-5)
    assert usable.all()


def test_b08_stands_in_for_b8a(tmp_path: Path) -> None:
    opened = open_cube(saved(tmp_path, cube(names={"B08": 0, "B11": 0})))
    assert opened.bands == {"B8A": "B08", "B11": "B11"}
    assert any("B08 stands in for B8A" in note for note in opened.notes)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"names": {"ndvi": 0}}, "no variable is a band"),
        ({"x": [0, 10, 20, 35, 40]}, "not evenly spaced"),
        ({"axes": ("when", "y", "x")}, "no dimension time"),
        ({"times": [1, 2, 3]}, "times of type int"),
        ({"times": ["the first", "the second", "the third"]}, "times of type"),
    ],
)
def test_cubes_that_are_refused(
    tmp_path: Path, changes: dict[str, Any], words: str
) -> None:
    with pytest.raises(DataError, match=words):
        open_cube(saved(tmp_path, cube(**changes)))


def test_without_crs_maps_lie_nowhere_and_it_is_said(tmp_path: Path) -> None:
    path = saved(tmp_path, cube(attrs={}))
    opened = open_cube(path)
    assert any("no CRS" in note for note in opened.notes)
    assert (opened.transform, opened.shape) == (PLACE, (4, 5))
    written = tmp_path / "map.tif"
    layer = np.ones(opened.shape, np.uint8)
    grid = Grid(
        crs=opened.crs, left=299_995, top=500_035, resolution=10, width=5, height=4
    )
    write_cog(written, layer, grid, nodata=None, scale=1.0)
    with rasterio.open(written) as raster:
        assert not raster.crs.is_projected
        assert not raster.crs.is_geographic
        assert raster.bounds.top == 500_035.0
    named = open_cube(path, crs="EPSG:32648")
    assert named.crs == "EPSG:32648"
    assert not any("no CRS" in note for note in named.notes)


def test_pixels_need_not_be_square(tmp_path: Path) -> None:
    east = 20.0 * np.arange(5)
    opened = open_cube(saved(tmp_path, cube(x=east)))
    assert opened.transform == Affine(20, 0, 299_990, 0, -10, 500_035)


@pytest.mark.parametrize("axes", [("time", "lat", "lon"), ("time", "y", "x")])
def test_longitudes_need_no_crs(tmp_path: Path, axes: tuple[str, ...]) -> None:
    data = cube(axes=axes, attrs={})
    x, y = axes[2], axes[1]
    data = data.assign_coords(
        {x: 108 + np.arange(5) * 1e-4, y: 23 - np.arange(4) * 1e-4}
    )
    data[x].attrs["units"] = "degrees_east"
    assert open_cube(saved(tmp_path, data)).crs == "EPSG:4326"


def test_without_coordinates_the_first_row_is_the_top_one(tmp_path: Path) -> None:
    data = cube(names={"B04": 0}).drop_vars(["x", "y"])
    opened = open_cube(saved(tmp_path, data))
    assert opened.transform == Affine(1, 0, 0, 0, -1, 4)
    _, bands, _ = list(opened.read(np.array([0, 3]), np.array([1, 2])))[1]
    expected = data["B04"].values[2, [0, 3], [1, 2]] / 10_000
    np.testing.assert_allclose(bands[BANDS.index("B04"), 0], expected, rtol=1e-5)


@pytest.mark.parametrize("order", [("y", "x", "time"), ("x", "time", "y")])
def test_whatever_the_order_of_the_dimensions(
    tmp_path: Path, order: tuple[str, ...]
) -> None:
    data = cube(names={"B04": 0})
    data["SCL"] = ("time", "y", "x"), np.full((3, 4, 5), 4, np.uint8)
    data["SCL"][2, 3, 2] = 9
    data["forest"] = ("y", "x"), np.eye(4, 5, dtype=np.uint8)
    opened = open_cube(saved(tmp_path, data.transpose(*order)))
    _, bands, usable = list(opened.read(np.array([0, 3]), np.array([1, 2])))[1]
    expected = data["B04"].values[2, [0, 3], [1, 2]] / 10_000
    np.testing.assert_allclose(bands[BANDS.index("B04"), 0, 0], expected[0], rtol=1e-5)
    assert usable[0].tolist() == [True, False]
    forest = opened.forest()
    assert forest is not None
    np.testing.assert_array_equal(forest, np.eye(4, 5, dtype=bool))


@pytest.mark.parametrize("axis", ["band", "bands"])
def test_bands_along_a_dimension(tmp_path: Path, axis: str) -> None:
    data = cube(names={"B04": 0, "B11": 0})
    data["SCL"] = xr.full_like(data["B04"], 4)
    data["B11"] = data["B11"] + 1
    stacked = data.to_dataarray(axis, name="reflectance").to_dataset()
    stacked = stacked.assign_coords(title=(axis, ["red", "swir", "classes"]))
    opened = open_cube(saved(tmp_path, stacked.assign_attrs(crs="EPSG:32648")))
    assert opened.bands == {"B04": "B04", "B11": "B11"}
    assert not any("SCL" in note for note in opened.notes)
    _, bands, _ = list(opened.read(np.array([0, 3]), np.array([1, 2])))[1]
    expected = data["B11"].values[2, [0, 3], [1, 2]] / 10_000
    np.testing.assert_allclose(bands[BANDS.index("B11"), 0], expected, rtol=1e-5)


def test_strips_give_what_the_whole_gives(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = cube(names={"B04": 0, "B11": 0})
    data["SCL"] = ("time", "y", "x"), np.full((3, 4, 5), 4, np.uint8)
    path = saved(tmp_path, data)
    rows, columns = np.array([0, 0, 1, 2, 3]), np.array([4, 0, 1, 2, 3])
    whole = list(open_cube(path).read(rows, columns))
    monkeypatch.setattr("agroforest.monitor.cube._STRIP", 2 * 3 * 5 * (2 + 2 + 1))
    opened = open_cube(path)
    # Once over a sample of all, then by parts, as it is watched.
    for part in (slice(None), slice(0, 3), slice(3, 5)):
        for (day, bands, usable), wanted in zip(
            opened.read(rows[part], columns[part]), whole, strict=True
        ):
            assert day == wanted[0]
            np.testing.assert_array_equal(bands, wanted[1][..., part])
            np.testing.assert_array_equal(usable, wanted[2][..., part])


def test_northings_in_single_precision(tmp_path: Path) -> None:
    data = cube(names={"B04": 0})
    north = (5_400_003.3 - 10.0 * np.arange(4)).astype(np.float32)
    data = data.assign_coords(y=north)
    assert open_cube(saved(tmp_path, data)).transform.a == pytest.approx(10.0)


def test_dates_as_text(tmp_path: Path) -> None:
    data = cube(times=["2020-01-02", "2020-01-02T10:30:00", "2020-01-12"])
    assert open_cube(saved(tmp_path, data)).days.tolist() == [18263, 18273]


@pytest.mark.filterwarnings("error")
def test_a_store_without_consolidated_metadata_is_no_news(tmp_path: Path) -> None:
    path = tmp_path / "c.zarr"
    cube().to_zarr(path, zarr_format=2, consolidated=False)
    assert open_cube(path).days.size == 2


def test_no_cube_at_all(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such file"):
        open_cube(tmp_path / "none.nc")
    (tmp_path / "text.nc").write_text("hello")
    with pytest.raises(DataError, match="not a cube"):
        open_cube(tmp_path / "text.nc")


@pytest.mark.parametrize(("band", "cloud"), [("B02", 1300), ("B03", 1600)])
def test_without_scl_bright_pixels_are_cloud(
    tmp_path: Path, band: str, cloud: int
) -> None:
    data = cube(names={band: 0, "B11": 0})
    data[band][:] = 400
    data[band][2, 1, 1] = cloud
    data[band] = data[band].astype(np.int16)
    data[band][2, 2, 2] = -9999
    data["B11"] = data["B11"].astype(np.int16)
    data["B11"][2, 2, 2] = -9999
    opened = open_cube(saved(tmp_path, data))
    assert any(f"bright in {band}" in note for note in opened.notes)
    rows, columns = np.array([1, 1, 2]), np.array([1, 2, 2])
    _, bands, usable = list(opened.read(rows, columns))[1]
    assert usable[0].tolist() == [False, True, False]
    assert bands[BANDS.index(band), 0, 1] == pytest.approx(0.04)
