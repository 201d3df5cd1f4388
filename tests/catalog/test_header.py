"""Rasters that are missing, damaged or lie nowhere."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import rasterio
import shapely
from affine import Affine
from tests.erring import storage

from agroforest.catalog import recognise
from agroforest.catalog.header import read_header
from agroforest.catalog.outline import norm_outline, outline_box, outline_ring
from agroforest.core.errors import DataError

MakeRaster = Callable[..., Path]


@pytest.mark.parametrize("ending", [".tif", ".jp2"])
def test_header_of_a_whole_file(
    make_raster: MakeRaster, tmp_path: Path, ending: str
) -> None:
    header = read_header(make_raster(tmp_path / f"B04{ending}", resolution=20.0))
    assert header.crs == "EPSG:32649"
    assert header.bounds == (300_000.0, 2_499_780.0, 300_240.0, 2_500_020.0)
    assert (header.width, header.height, header.resolution) == (12, 12, 20)


def test_truncated_cog_is_noticed_though_its_header_opens(tmp_path: Path) -> None:
    path = tmp_path / "cut.tif"
    values = np.random.default_rng(1).integers(0, 9999, (512, 512), dtype="int16")
    with rasterio.open(
        path,
        "w",
        driver="COG",
        width=512,
        height=512,
        count=1,
        dtype="int16",
        crs="EPSG:32649",
        transform=Affine(10, 0, 3e5, 0, -10, 25e5),
        blocksize=128,
        compress="ZSTD",
    ) as target:
        target.write(values, 1)
    read_header(path)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with rasterio.open(path) as source:
        assert source.width == 512  # the header alone does not show it
    with pytest.raises(DataError, match=f"truncated: {len(whole) // 2} of"):
        read_header(path)


@pytest.mark.parametrize(
    ("content", "names"),
    [
        (b"", "not a readable raster"),
        (b"II*\0junk", "not a readable"),
        (None, "no such"),
    ],
)
def test_what_is_no_raster_is_named(
    tmp_path: Path, content: bytes | None, names: str
) -> None:
    path = tmp_path / "B04.tif"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(DataError, match=names) as refused:
        read_header(path)
    assert str(refused.value).startswith(f"{path}: ")
    assert "\n" not in str(refused.value)


def test_raster_without_crs_is_refused(make_raster: MakeRaster, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no coordinate reference system"):
        read_header(make_raster(tmp_path / "B04.tif", crs=None))


def test_raster_with_a_crs_of_its_own_is_refused(
    make_raster: MakeRaster, tmp_path: Path
) -> None:
    crs = "+proj=tmerc +lat_0=12.3 +lon_0=45.6 +k=0.7 +ellps=GRS80 +units=m"
    with pytest.raises(DataError, match="without a code"):
        read_header(make_raster(tmp_path / "B04.tif", crs=crs))


def test_raster_without_a_place_is_refused(tmp_path: Path) -> None:
    for name, transform in (
        ("turned.tif", Affine(7, 7, 3e5, 7, -7, 25e5)),
        ("south-up.tif", Affine(10, 0, 3e5, 0, 10, 25e5)),
    ):
        with rasterio.open(
            tmp_path / name,
            "w",
            driver="GTiff",
            width=2,
            height=2,
            count=1,
            dtype="uint8",
            crs="EPSG:32649",
            transform=transform,
        ) as target:
            target.write(np.ones((1, 2, 2), "uint8"))
        with pytest.raises(DataError, match="not north-up"):
            read_header(tmp_path / name)


def test_other_formats_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "B04.png"
    with rasterio.open(
        path,
        "w",
        driver="PNG",
        width=2,
        height=2,
        count=1,
        dtype="uint8",
        transform=Affine(10, 0, 0, 0, -10, 0),
    ) as target:
        target.write(np.ones((1, 2, 2), "uint8"))
    with pytest.raises(DataError, match="is a PNG file"):
        read_header(path)


@pytest.mark.parametrize(
    ("name", "content", "names"),
    [
        ("scene.zip", b"PK", "unpack it first"),
        ("notes.txt", b"hello", "not a product"),
        (
            "data.json",
            b'{"type": "FeatureCollection", "features": []}',
            "not a product",
        ),
        ("deep.json", b"[" * 100_000, "not a product"),
        ("item.json", b'{"stac_version": "1.0.0", "type": "Feature"', "not readable"),
        ("image.tif", b"II*\0", "not a product"),
    ],
)
def test_files_of_the_wrong_kind_are_one_line(
    tmp_path: Path, name: str, content: bytes, names: str
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(DataError, match=names) as refused:
        recognise(path)
    assert str(refused.value).startswith(str(path))
    if names == "not a product":
        with pytest.raises(DataError, match="folder without a product"):
            recognise(tmp_path)


def test_storage_that_errs_is_not_called_a_bad_raster(
    make_raster: MakeRaster, tmp_path: Path
) -> None:
    with storage(tmp_path / "storage") as disk:
        path = make_raster(disk.root / "b.tif")
        with (
            disk.erring(),
            pytest.raises(DataError, match="storage does not deliver it") as caught,
        ):
            read_header(path)
        assert "Input/output error" in caught.value.problem
        assert read_header(path).width > 0


def test_link_loops_end(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to(tmp_path)
    with pytest.raises(DataError, match="folder without a product"):
        recognise(tmp_path)


def test_outline_of_a_utm_box_holds_its_corners() -> None:
    outline = outline_box(
        "EPSG:32649", (300_000, 2_390_220, 409_800, 2_500_020), where="x"
    )
    assert outline.is_valid
    assert 1.0 < outline.area < 1.2
    assert outline.buffer(1e-9).contains(shapely.Point(109.06, 22.59))


@pytest.mark.parametrize("lift", [0, 360])
def test_ring_across_the_antimeridian_is_cut(lift: float) -> None:
    ring = [(179.0, 10.0), (-179.0 + lift, 10.0), (-179.0 + lift, 11.0), (179.0, 11.0)]
    outline = outline_ring(ring, where="x")
    assert outline.area == pytest.approx(2.0)
    assert outline.bounds == (-180.0, 10.0, 180.0, 11.0)
    assert norm_outline(outline, where="x").equals(outline)


def test_ring_wound_backwards_or_crossing_itself_is_made_valid() -> None:
    outline = outline_ring([(0, 0), (1, 1), (1, 0), (0, 1)], where="x")
    assert outline.is_valid
    assert outline.area > 0


@pytest.mark.parametrize(
    "ring",
    [[(0, 0), (1, 1)], [(0, 0), (0, 95), (1, 1)], [(0, 0), (float("nan"), 1), (1, 1)]],
)
def test_impossible_rings_are_refused(ring: list[tuple[float, float]]) -> None:
    with pytest.raises(DataError, match="footprint"):
        outline_ring(ring, where="x")
