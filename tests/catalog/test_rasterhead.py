"""Headers of rasters: as GDAL reads them, absurd ones, and damaged ones."""

import os
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from affine import Affine
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agroforest.catalog.header import read_header
from agroforest.catalog.rasterhead import (
    GEOTIFF,
    JPEG2000,
    MAX_SIDE,
    read_local_head,
    read_raster_head,
)
from agroforest.catalog.tiffhead import UnreadableHeaderError
from agroforest.core.errors import DataError

SHAPE = (70, 90)
PLACE = {"crs": "EPSG:32649", "transform": Affine(10, 0, 3e5, 0, -10, 25e5)}


def write(path: Path, *, count: int = 1, dtype: str = "uint16", **options: Any) -> Path:
    height, width = options.pop("shape", SHAPE)
    values = np.arange(count * height * width).reshape(count, height, width)
    with rasterio.open(
        path,
        "w",
        driver=options.pop("driver", "GTiff"),
        count=count,
        dtype=dtype,
        height=height,
        width=width,
        **PLACE,
        **options,
    ) as data:
        data.write((values % 200).astype(dtype))
    return path


def tiff(
    *tags: tuple[int, int, int, int], order: str = "<", rest: bytes = b""
) -> bytes:
    """A TIFF of one directory: tag, type, count, and value or offset."""
    magic = b"II*\0" if order == "<" else b"MM\0*"
    entries = b"".join(struct.pack(f"{order}HHII", *tag) for tag in tags)
    count = struct.pack(f"{order}H", len(tags))
    return magic + struct.pack(f"{order}I", 8) + count + entries + b"\0" * 4 + rest


def sized(width: int, height: int, **changes: int) -> bytes:
    """A TIFF in one uncompressed strip, however large it says it is."""
    rows = changes.get("rows", height)
    return tiff(
        (256, 4, 1, width),
        (257, 4, 1, height),
        (258, 4, 1, changes.get("bits", 16)),
        (273, 4, 1, 8),
        (277, 4, 1, changes.get("bands", 1)),
        (278, 4, 1, rows),
        (279, 4, 1, 100),
        (297, 4, changes.get("pages", 1), 0),
    )


class Memory:
    """Bytes in memory, as `Bytes`."""

    def __init__(self, content: bytes) -> None:
        self.content = content
        self.size = len(content)
        self.largest = 0

    def read(self, offset: int, length: int) -> bytes:
        self.largest = max(self.largest, length)
        return self.content[offset : offset + length]

    def expect(self, spans: object) -> None:
        """Everything is here."""


@pytest.mark.parametrize("order", ["LITTLE", "BIG"])
@pytest.mark.parametrize("bigtiff", ["YES", "NO"])
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"blockysize": 7},
        {"tiled": True, "blockxsize": 16, "blockysize": 32, "compress": "deflate"},
        {"count": 3, "interleave": "band", "dtype": "int32"},
        {"count": 3, "interleave": "pixel", "dtype": "uint8"},
        {"tiled": True, "blockxsize": 128, "blockysize": 128, "dtype": "float32"},
    ],
)
def test_a_directory_says_what_gdal_says(
    tmp_path: Path, order: str, bigtiff: str, options: dict[str, Any]
) -> None:
    path = write(tmp_path / "a.tif", **options, endianness=order, bigtiff=bigtiff)
    head = read_local_head(path)
    assert head.tiff is not None
    assert head.table is not None
    with rasterio.open(path) as data:
        assert (head.driver, head.width, head.height) == (
            data.driver,
            data.width,
            data.height,
        )
        assert (head.bands, head.bits) == (data.count, 8 * data.read(1).itemsize)
        rows, columns = data.block_shapes[0]
        assert (head.block_height, head.block_width) == (rows, columns)
        across, down = -(-data.width // columns), -(-data.height // rows)
        for band in range(1, head.tiff.planes + 1):
            for y in range(down):
                for x in range(across):
                    place = ((band - 1) * down + y) * across + x
                    found = [
                        int(data.get_tag_item(f"BLOCK_{name}_{x}_{y}", "TIFF", band))
                        for name in ("OFFSET", "SIZE")
                    ]
                    assert found == [
                        head.table.offsets[place],
                        head.table.lengths[place],
                    ]
    assert head.table.end <= path.stat().st_size


def test_a_sparse_file_is_no_bomb(tmp_path: Path) -> None:
    """The empty tile of a swath's edge: 240 MB of nodata in a few kilobytes."""
    path = tmp_path / "edge.tif"
    options = {"tiled": True, "blockxsize": 512, "blockysize": 512, "sparse_ok": True}
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        dtype="uint16",
        count=1,
        width=10_980,
        height=10_980,
        compress="zstd",
        **options,
        **PLACE,
    ):
        pass
    assert path.stat().st_size < 10_000
    assert read_local_head(path).width == 10_980
    assert read_header(path).width == 10_980


def test_jpeg_2000_declares_its_tiles(tmp_path: Path) -> None:
    path = write(
        tmp_path / "a.jp2",
        driver="JP2OpenJPEG",
        shape=(200, 300),
        tiled=True,
        BLOCKXSIZE=128,
        BLOCKYSIZE=64,
    )
    head = read_local_head(path)
    with rasterio.open(path) as data:
        assert data.block_shapes == [(head.block_height, head.block_width)]
    assert (head.block_width, head.block_height) == (128, 64)
    assert (head.driver, head.width, head.height) == (JPEG2000, 300, 200)
    assert (head.bands, head.bits) == (1, 16)


def test_the_format_is_that_of_the_content(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jp2", driver="JP2OpenJPEG")
    disguised = path.rename(tmp_path / "b.tif")
    assert read_local_head(disguised).driver == JPEG2000
    assert read_local_head(write(tmp_path / "c.jp2")).driver == GEOTIFF


# ------------------------------------------------------------------ absurd


def sparse_bomb(path: Path) -> Path:
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        dtype="uint16",
        count=1,
        width=200_000,
        height=200_000,
        tiled=True,
        blockxsize=512,
        blockysize=512,
        sparse_ok=True,
        bigtiff="YES",
        compress="zstd",
        **PLACE,
    ):
        pass
    return path


def jpeg_bomb(path: Path, **fields: int) -> Path:
    """A small JPEG 2000 file whose SIZ marker declares something else."""
    content = bytearray(write(path, driver="JP2OpenJPEG").read_bytes())
    start = content.index(b"\xff\x4f\xff\x51") + 8
    names = ("width", "height", "left", "top", "across", "down")
    for name, value in fields.items():
        struct.pack_into(">I", content, start + 4 * names.index(name), value)
    path.write_bytes(content)
    return path


def test_eighty_gigabytes_in_a_small_file_are_refused(tmp_path: Path) -> None:
    path = sparse_bomb(tmp_path / "B04.tif")
    assert path.stat().st_size < 5_000_000
    for read in (read_local_head, read_header):
        with pytest.raises(
            DataError, match=r"B04\.tif: declares 200000 x 200000 pixels"
        ) as refused:
            read(path)
        assert "cut it into tiles" in str(refused.value)


@pytest.mark.parametrize(
    ("fields", "names"),
    [
        ({"width": 200_000, "height": 200_000}, "declares 200000 x 200000"),
        (
            {"width": 39_999, "height": 39_999, "across": 39_999, "down": 39_999},
            "blocks of 39999 x 39999 pixels, over 256 MB",
        ),
    ],
)
def test_a_jpeg_2000_bomb_is_refused(
    tmp_path: Path, fields: dict[str, int], names: str
) -> None:
    path = jpeg_bomb(tmp_path / "B04.jp2", **fields)
    for read in (read_local_head, read_header):
        with pytest.raises(DataError, match=names):
            read(path)


def test_tiles_that_cannot_be_in_the_file_are_refused(tmp_path: Path) -> None:
    path = jpeg_bomb(tmp_path / "B04.jp2", across=1, down=1)
    with pytest.raises(UnreadableHeaderError, match=r"room for 3\d\d of 6300 blocks"):
        read_local_head(path)
    with pytest.raises(DataError, match="not a readable raster"):
        read_header(path)


@pytest.mark.parametrize(
    ("content", "names"),
    [
        (sized(MAX_SIDE + 1, 1), "40001 x 1 pixels"),
        (sized(1, 2**32 - 1), "declares 1 x 4294967295 pixels"),
        (sized(40_000, 40_000), "blocks of 40000 x 40000 pixels, over 256 MB"),
        (sized(20_000, 20_000, bits=64), "blocks of 20000 x 20000"),
        (sized(10, 10, bands=60_000), "60000 bands"),
        (sized(10, 10, bits=60_000), "of 60000 bits"),
    ],
)
def test_absurd_sizes_are_named(content: bytes, names: str) -> None:
    with pytest.raises(DataError, match=names) as refused:
        read_raster_head(Memory(content), where="B04.tif")
    assert str(refused.value).startswith("B04.tif: declares")


def test_too_many_blocks_are_refused() -> None:
    tags = dict.fromkeys((256, 257), 40_000) | {322: 16, 323: 16}
    content = tiff(
        *((tag, 4, 1, value) for tag, value in sorted(tags.items())),
        (324, 4, 1, 8),
        (325, 4, 1, 8),
    )
    with pytest.raises(DataError, match="declares 6250000 blocks of 16 x 16"):
        read_raster_head(Memory(content), where="B04.tif")


def test_blocks_that_the_table_does_not_list_are_refused() -> None:
    with pytest.raises(UnreadableHeaderError, match="room for 1 of 30000 blocks"):
        read_raster_head(Memory(sized(30_000, 30_000, rows=1)), where="B04.tif")


# ----------------------------------------------------------------- damaged


@pytest.mark.parametrize(
    ("content", "names"),
    [
        (b"", "is empty"),
        (b"junk", "begins with b'junk'"),
        (b"\x89HDF\r\n\x1a\n" + b"\0" * 99, "is an HDF5 or netCDF file"),
        (b"SQLite format 3\0" + b"\0" * 99, "is a GeoPackage"),
        (b'<VRTDataset rasterXSize="4">', "is a GDAL virtual raster"),
        (b"\n<!DOCTYPE html><p>sign in", "is an XML or HTML page"),
        (b"II*\0", "header cut off"),
        (b"II*\0\x08\0\0\0", "header cut off"),
        (b"II*\0" + b"\xff" * 400, "header cut off"),
        (b"II*\0\x08\0\0\0\xff\xff", "directory of 65535 entries"),
        (tiff((256, 4, 1, 9), (256, 4, 1, 9)), "tag 256 twice"),
        (tiff((256, 4, 1, 9)), "no tag 257"),
        (tiff((256, 4, 1, 9), (257, 4, 1, 9)), "no table of blocks"),
        (tiff((256, 2, 1, 9)), "values of type 2"),
        (sized(0, 10), "0 x 10 pixels"),
        (tiff((256, 4, 2**31, 100)), "no tag 256"),
        (sized(9, 9, pages=2**31), "values of tag 297 lie outside the file"),
        (b"\0\0\0\x0cjP  \r\n\x87\n" + b"\0" * 40, "no codestream"),
        (b"\xff\x4f\xff\x51\0\x29", "no codestream"),
    ],
)
def test_what_is_wrong_is_named(content: bytes, names: str) -> None:
    with pytest.raises(UnreadableHeaderError, match=names):
        read_raster_head(Memory(content), where="x")


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> list[bytes]:
    folder = tmp_path_factory.mktemp("whole")
    tiled: dict[str, Any] = {"tiled": True, "blockxsize": 16, "blockysize": 16}
    files = (
        write(folder / "a.tif", **tiled),
        write(folder / "b.tif", **tiled, bigtiff="YES", compress="deflate"),
        write(folder / "c.jp2", driver="JP2OpenJPEG"),
    )
    return [path.read_bytes() for path in files]


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    which=st.integers(0, 2),
    changes=st.lists(
        st.tuples(st.integers(0, 1499), st.integers(0, 255)), min_size=1, max_size=6
    ),
    kept=st.floats(0, 4),
)
def test_a_damaged_header_is_refused_or_read_in_bounded_memory(
    whole: list[bytes], which: int, changes: list[tuple[int, int]], kept: float
) -> None:
    content = bytearray(whole[which])
    for place, value in changes:
        content[place % len(content)] = value
    del content[int(kept * len(content)) :]
    memory = Memory(bytes(content))
    try:
        head = read_raster_head(memory, where="x")
    except (DataError, UnreadableHeaderError):
        pass
    else:
        assert max(head.width, head.height) <= MAX_SIDE
    # Widths of as many bands as sixteen bits can count are looked at.
    assert memory.largest <= max(len(content), 2 * 65_535)


def test_pipes_and_devices_are_refused(tmp_path: Path) -> None:
    pipe = tmp_path / "B04.tif"
    os.mkfifo(pipe)
    for path in (pipe, Path("/dev/zero"), tmp_path):
        with pytest.raises(OSError, match="is no regular file"):
            read_local_head(path)


# --------------------------------------------------- only these two drivers


def _vrt(path: Path, named: str) -> None:
    path.write_text(
        '<VRTDataset rasterXSize="90" rasterYSize="70"><SRS>EPSG:32649</SRS>'
        "<GeoTransform>300000,10,0,2500000,0,-10</GeoTransform>"
        '<VRTRasterBand dataType="UInt16" band="1"><SimpleSource><SourceFilename>'
        f"{named}</SourceFilename></SimpleSource></VRTRasterBand></VRTDataset>"
    )


Make = Callable[[Path, Path], None]


def _vrt_of(path: Path, real: Path) -> None:
    _vrt(path, str(real))


def _vrt_of_passwords(path: Path, real: Path) -> None:
    del real
    _vrt(path, "/etc/passwd")


def _png(path: Path, real: Path) -> None:
    del real
    with rasterio.open(
        path, "w", driver="PNG", width=4, height=4, count=1, dtype="uint8"
    ) as data:
        data.write(np.ones((1, 4, 4), "uint8"))


def _geopackage(path: Path, real: Path) -> None:
    with rasterio.open(real) as data:
        values = data.read().astype("uint8")
    with rasterio.open(
        path, "w", driver="GPKG", width=90, height=70, count=1, dtype="uint8", **PLACE
    ) as target:
        target.write(values)


@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
@pytest.mark.parametrize("make", [_vrt_of, _vrt_of_passwords, _png, _geopackage])
def test_other_drivers_are_refused_whatever_the_name(
    tmp_path: Path, make: Make
) -> None:
    real = write(tmp_path / "real.tif")
    other = tmp_path / "other"
    make(other, real)
    for name in ("B04.tif", "B04.jp2"):
        path = tmp_path / name
        path.write_bytes(other.read_bytes())
        with pytest.raises(DataError, match="not a readable raster") as refused:
            read_header(path)
        assert "root:" not in str(refused.value)
