"""Statistics of pixels: figures worked out by hand, whatever the file's layout."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.products.zonal_examples import CRS, LEFT, TOP, box, grid_of, raster

from agroforest.core.errors import DataError
from agroforest.products.zonal import pixels
from agroforest.products.zonal.pixels import Figures, measure, weighted_median
from agroforest.products.zonal.rasters import norm_nodata, opened_raster

NODATA = -32768


def measured(path: Path, *outlines: Any, median: bool = False) -> Figures:
    with opened_raster(path) as opened:
        (figures,) = measure([opened], np.array(outlines, dtype=object), median=median)
    return figures


def test_fractions_count_by_their_area(tmp_path: Path) -> None:
    path = raster(tmp_path / "a.tif", [[1000, 2000], [3000, NODATA]])
    # All of the first pixel, half of the second, a quarter of the third.
    shape = shapely.union_all([box(0, 0, 15, 10), box(0, 10, 5, 15)])
    found = measured(path, shape, median=True)
    assert found["pixels"] == pytest.approx([1.75])
    assert found["count"] == pytest.approx([1.75])
    mean = (0.1 * 1 + 0.2 * 0.5 + 0.3 * 0.25) / 1.75
    assert found["mean"] == pytest.approx([mean])
    variance = (0.01 * 1 + 0.04 * 0.5 + 0.09 * 0.25) / 1.75 - mean**2
    assert found["stdev"] == pytest.approx([variance**0.5])
    assert found["min"] == pytest.approx([0.1])
    assert found["max"] == pytest.approx([0.3])


def test_nodata_is_not_counted(tmp_path: Path) -> None:
    path = raster(tmp_path / "a.tif", [[1000, NODATA], [3000, NODATA]])
    found = measured(path, box(0, 0, 20, 20), box(10, 0, 20, 20))
    assert found["pixels"] == pytest.approx([4, 2])
    assert found["count"] == pytest.approx([2, 0])
    assert found["mean"] == pytest.approx([0.2, np.nan], nan_ok=True)
    for name in ("stdev", "min", "max"):
        assert np.isnan(found[name][1])


def test_a_parcel_smaller_than_a_pixel_has_its_fraction(tmp_path: Path) -> None:
    path = raster(tmp_path / "a.tif", [[1000, 2000]])
    found = measured(path, box(1, 1, 3, 3), box(9, 4, 11, 5))
    assert found["count"] == pytest.approx([0.04, 0.02], rel=1e-6)
    assert found["mean"] == pytest.approx([0.1, 0.15])


def test_what_lies_outside_has_no_values(tmp_path: Path) -> None:
    path = raster(tmp_path / "a.tif", [[1000, 2000]])
    found = measured(path, box(100, 0, 110, 10), box(15, -5, 35, 5), None)
    assert found["count"] == pytest.approx([0, 0.25, 0])
    assert found["pixels"] == pytest.approx([1, 2, 0])
    assert found["mean"] == pytest.approx([np.nan, 0.2, np.nan], nan_ok=True)


def test_a_hole_is_not_counted(tmp_path: Path) -> None:
    path = raster(tmp_path / "a.tif", np.arange(9).reshape(3, 3))
    ring = box(0, 0, 30, 30).difference(box(10, 10, 20, 20))
    found = measured(path, ring)
    assert found["count"] == pytest.approx([8])
    assert found["mean"] == pytest.approx([4e-4])


def test_the_median_of_integers_is_not_cut_to_one(tmp_path: Path) -> None:
    path = raster(tmp_path / "a.tif", [[1, 2]])
    found = measured(path, box(0, 0, 20, 10), box(0, 0, 15, 10), None, median=True)
    assert found["median"] == pytest.approx([1.5e-4, 1e-4, np.nan], nan_ok=True)


def test_the_median_of_a_few_values_is_one_of_them(tmp_path: Path) -> None:
    path = raster(tmp_path / "a.tif", [[1, 1, 1, 2], [1, 1, 9, NODATA]], scale=1.0)
    found = measured(path, box(0, 0, 40, 20), median=True)
    assert found["median"] == [1.0]


@given(
    st.lists(
        st.tuples(st.integers(-50, 50), st.integers(1, 4)), min_size=1, max_size=30
    )
)
def test_weights_count_like_repetition(pairs: list[tuple[int, int]]) -> None:
    values, times = np.array(pairs).T
    expected = np.median(np.repeat(values, times))
    assert weighted_median(values, times / times.sum()) == expected


def test_no_values_have_no_median() -> None:
    assert np.isnan(weighted_median(np.empty(0), np.empty(0)))


def test_scale_and_offset_are_applied(tmp_path: Path) -> None:
    path = raster(tmp_path / "a.tif", [[10, 30]], scale=-0.5, offset=7.0)
    found = measured(path, box(0, 0, 20, 10), median=True)
    values = {name: float(found[name][0]) for name in found}
    assert (values["min"], values["max"]) == (-8.0, 2.0)
    assert (values["mean"], values["median"], values["stdev"]) == (-3.0, -3.0, 5.0)


@pytest.mark.parametrize("median", [False, True])
@pytest.mark.parametrize(
    ("dtype", "nodata"),
    [
        ("uint8", 255),
        ("uint8", None),
        ("int16", -32768),
        ("uint16", 0),
        ("int32", -9999),
        ("uint32", 0),
        ("float32", -9999.0),
        ("float32", float("nan")),
        ("float64", None),
    ],
)
def test_every_type_of_pixel(
    tmp_path: Path, dtype: str, nodata: float | None, *, median: bool
) -> None:
    numbers = np.array([[7, 9], [11, 13]], dtype)
    if nodata is not None:
        numbers[1, 1] = nodata
    path = tmp_path / "a.tif"
    plain(path, numbers, nodata=nodata)
    found = measured(path, box(0, 0, 20, 20), median=median)
    valid = np.array([7, 9, 11, 13], float)[: 4 if nodata is None else 3]
    assert found["count"][0] == valid.size
    assert found["mean"][0] == pytest.approx(valid.mean())
    assert found["stdev"][0] == pytest.approx(valid.std())
    assert (found["min"][0], found["max"][0]) == (7, valid.max())
    if median:
        assert found["median"][0] == pytest.approx(np.median(valid))


@pytest.mark.parametrize(
    ("stated", "dtype", "meant"),
    [
        (255.0, "uint8", 255),
        (-9999.0, "uint8", None),  # a number that no pixel can have
        (0.5, "int16", None),
        (float("nan"), "int16", None),
        (float("nan"), "float32", None),  # NaN is never valid
        (-9999.0, "float32", -9999.0),
        (None, "int16", None),
    ],
)
def test_nodata_is_a_number_that_pixels_can_have(
    stated: float | None, dtype: str, meant: float | None
) -> None:
    assert norm_nodata(stated, np.dtype(dtype)) == meant


def test_numbers_that_are_none_are_not_counted(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    plain(path, np.array([[1, np.inf, np.nan, 3]], "float32"), nodata=None)
    found = measured(path, box(0, 0, 40, 10))
    assert (found["count"][0], found["mean"][0]) == (2, 2)


def test_an_internal_mask_is_believed(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    with (
        rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True),
        rasterio.open(path, "w", **profile(np.zeros((1, 2), "int16"))) as data,
    ):
        data.write(np.array([[5, 9]], "int16"), 1)
        data.write_mask(np.array([[True, False]]))
    found = measured(path, box(0, 0, 20, 10))
    assert (found["count"][0], found["max"][0]) == (1, 5)


@pytest.mark.parametrize(
    "layout",
    [
        {"tiled": True, "blockxsize": 256, "blockysize": 256},
        {"tiled": True, "blockxsize": 512, "blockysize": 512},
        {"tiled": True, "blockxsize": 1024, "blockysize": 1024},
        {"tiled": False, "blockysize": 1},
        {"tiled": False, "blockysize": 100},
    ],
)
def test_blocks_of_any_layout_fit_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, layout: dict[str, Any]
) -> None:
    monkeypatch.setattr(pixels, "_CACHE", 0)  # the smallest there is
    monkeypatch.setattr(pixels, "_PIXELS", 40_000)  # so that large ones are divided
    rng = np.random.default_rng(3)
    numbers = rng.integers(-10_000, 10_000, (1300, 1100)).astype("int16")
    path = tmp_path / "a.tif"
    plain(path, numbers, nodata=-32768, **layout)
    windows = [(0, 0, 1300, 1100), (500, 500, 530, 530), (511, 0, 513, 1100)]
    windows += [(1290, 1090, 1300, 1100), (0, 1023, 1300, 1026), (1024, 512, 1025, 513)]
    outlines = [box(10 * c0, 10 * r0, 10 * c1, 10 * r1) for r0, c0, r1, c1 in windows]
    found = measured(path, *outlines)
    for n, (r0, c0, r1, c1) in enumerate(windows):
        part = numbers[r0:r1, c0:c1].astype(float)
        assert found["count"][n] == pytest.approx(part.size)
        assert found["mean"][n] == pytest.approx(part.mean(), abs=1e-9)
        assert found["stdev"][n] == pytest.approx(part.std())
        assert (found["min"][n], found["max"][n]) == (part.min(), part.max())


@settings(max_examples=25)
@given(
    points=st.lists(
        st.tuples(st.floats(0, 70), st.floats(0, 50)),
        min_size=4,
        max_size=30,
        unique=True,
    ),
    seed=st.integers(0, 1000),
)
def test_parts_of_an_area_sum_to_the_whole(
    tmp_path_factory: pytest.TempPathFactory,
    points: list[tuple[float, float]],
    seed: int,
) -> None:
    rng = np.random.default_rng(seed)
    numbers = rng.integers(-9000, 9000, (5, 7))
    numbers[rng.random(numbers.shape) < 0.2] = NODATA
    path = raster(tmp_path_factory.mktemp("parts") / "a.tif", numbers)
    whole = box(0, 0, 70, 50)
    sites = shapely.MultiPoint([(LEFT + x, TOP - y) for x, y in points])
    cells = shapely.get_parts(shapely.voronoi_polygons(sites, extend_to=whole))
    parts = shapely.intersection(cells, whole)
    parts = parts[shapely.area(parts) > 0]
    found = measured(path, whole, *parts)
    total, count, mean = (found[name][0] for name in ("pixels", "count", "mean"))
    weights = found["count"][1:]
    seen = weights > 0
    assert found["pixels"][1:].sum() == pytest.approx(total)
    assert weights.sum() == pytest.approx(count, rel=1e-5)
    if not count:
        return
    means, spread = found["mean"][1:][seen], found["stdev"][1:][seen]
    weights = weights[seen] / weights.sum()
    assert weights @ means == pytest.approx(mean, abs=1e-5)
    variance = weights @ (spread**2 + (means - mean) ** 2)
    assert variance**0.5 == pytest.approx(found["stdev"][0], abs=1e-5)
    assert found["min"][1:][seen].min() == found["min"][0]
    assert found["max"][1:][seen].max() == found["max"][0]


def test_rasters_of_one_grid_are_measured_together(tmp_path: Path) -> None:
    paths = [raster(tmp_path / f"{n}.tif", [[n, 2 * n]]) for n in (1, 2)]
    done: list[int] = []
    outlines = np.array([box(0, 0, 20, 10), None, box(0, 0, 10, 10)], dtype=object)
    with opened_raster(paths[0]) as one, opened_raster(paths[1]) as two:
        first, second = measure([one, two], outlines, advance=done.append)
    assert first["mean"] == pytest.approx([1.5e-4, np.nan, 1e-4], nan_ok=True)
    assert second["mean"] == pytest.approx([3e-4, np.nan, 2e-4], nan_ok=True)
    assert sum(done) == 3


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"crs": None}, "CRS None"),
        ({"count": 2}, "2 bands"),
        ({"transform": rasterio.Affine(10, 0, LEFT, 0, -20, TOP)}, "square"),
        ({"transform": rasterio.Affine(10, 1, LEFT, 1, -10, TOP)}, "north-up"),
        ({"dtype": "complex64"}, "complex64"),
        ({"driver": "PNG", "dtype": "uint8"}, "cannot be read as GeoTIFF"),
    ],
)
def test_other_rasters_are_refused(
    tmp_path: Path, changes: dict[str, Any], words: str
) -> None:
    path = tmp_path / "a.tif"
    settings = profile(np.zeros((4, 4), "int16")) | changes
    with rasterio.open(path, "w", **settings):
        pass
    with pytest.raises(DataError, match=words) as refusal, opened_raster(path):
        pass
    assert str(path) in str(refusal.value)


def test_blocks_too_large_to_hold_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "bomb.tif"
    size = {"width": 20_000, "height": 20_000, "sparse_ok": True}
    blocks = {"tiled": True, "blockxsize": 16_384, "blockysize": 16_384}
    settings = profile(np.zeros((1, 1), "uint8")) | size | blocks
    with rasterio.open(path, "w", **settings):
        pass
    with pytest.raises(DataError, match="blocks of 16384 x 16384"), opened_raster(path):
        pass


def test_a_virtual_raster_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    path.write_text("<VRTDataset rasterXSize='1' rasterYSize='1'></VRTDataset>")
    with pytest.raises(DataError, match="cannot be read as GeoTIFF"):
        opened_raster(path).__enter__()


def test_a_damaged_block_is_an_error(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    path = raster(tmp_path / "a.tif", rng.integers(0, 9999, (600, 600)))
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(DataError, match=r"a\.tif: cannot be read as GeoTIFF"):
        measured(path, box(0, 0, 6000, 6000))


def profile(numbers: np.ndarray) -> dict[str, Any]:
    grid = grid_of(*numbers.shape)
    return {
        "driver": "GTiff",
        "dtype": numbers.dtype.name,
        "count": 1,
        "height": grid.height,
        "width": grid.width,
        "crs": CRS,
        "transform": grid.transform,
    }


def plain(path: Path, numbers: np.ndarray, **options: Any) -> None:
    with rasterio.open(path, "w", **(profile(numbers) | options)) as data:
        data.write(numbers, 1)
