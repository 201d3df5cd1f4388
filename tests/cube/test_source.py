"""Files from outside: what is opened, and what is refused from its header."""

import os
import socket
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from tests.cube.conftest import TEN, MakeAsset

from agroforest.core.errors import DataError
from agroforest.core.scene import Asset
from agroforest.cube.source import opened

NUMBERS = np.arange(1, 1601, dtype=np.uint16).reshape(TEN.shape)


def as_asset(path: Path) -> Asset:
    return Asset(href=str(path), resolution=10)


def refuse(asset: Asset, names: str) -> str:
    with pytest.raises(DataError, match=names) as refused, opened(asset, crs=TEN.crs):
        pass
    text = str(refused.value)
    assert text.startswith(f"{asset.href}: ")
    assert "\n" not in text
    return text


@pytest.mark.parametrize("driver", ["GTiff", "JP2OpenJPEG"])
def test_the_content_decides_what_a_file_is(
    make_asset: MakeAsset, tmp_path: Path, driver: str
) -> None:
    options = {"QUALITY": 100, "REVERSIBLE": "YES"} if "JP2" in driver else {}
    asset = make_asset("B04", NUMBERS, TEN, driver=driver, options=options)
    for name in ("B04.tif", "B04.jp2", "B04.vrt", "B04"):
        path = tmp_path / name
        path.write_bytes(Path(asset.href).read_bytes())
        with opened(as_asset(path), crs=TEN.crs) as source:
            found = source.numbers(slice(0, 40), slice(0, 40))
        np.testing.assert_array_equal(found, NUMBERS)


def test_a_raster_bomb_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "B04.tif"
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        dtype="uint16",
        count=1,
        width=200_000,
        height=200_000,
        tiled=True,
        sparse_ok=True,
        bigtiff="YES",
        crs=TEN.crs,
        transform=TEN.transform,
    ):
        pass
    assert path.stat().st_size < 20_000_000
    refuse(as_asset(path), "declares 200000 x 200000 pixels, no product has more")


def test_a_jpeg_2000_bomb_is_refused(make_asset: MakeAsset) -> None:
    asset = make_asset("B04", NUMBERS, TEN, driver="JP2OpenJPEG")
    content = bytearray(Path(asset.href).read_bytes())
    siz = content.index(b"\xff\x4f\xff\x51") + 8
    struct.pack_into(">II", content, siz, 200_000, 200_000)
    Path(asset.href).write_bytes(content)
    refuse(asset, "declares 200000 x 200000 pixels")


def test_one_block_of_two_gigabytes_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "B04.tif"
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        dtype="uint16",
        count=1,
        width=32_768,
        height=32_768,
        blockysize=32_768,
        sparse_ok=True,
        crs=TEN.crs,
        transform=TEN.transform,
    ):
        pass
    assert path.stat().st_size < 10_000
    refuse(as_asset(path), "declares blocks of 32768 x 32768 pixels, over 256 MB")


@pytest.mark.parametrize("named", ["/etc/passwd", "http://127.0.0.1:9/", "{real}"])
@pytest.mark.parametrize("name", ["B04.tif", "B04.jp2", "B04.vrt"])
def test_a_virtual_raster_is_refused_under_any_name(
    make_asset: MakeAsset, tmp_path: Path, name: str, named: str
) -> None:
    real = make_asset("B04", NUMBERS, TEN).href
    path = tmp_path / name
    path.write_text(
        '<VRTDataset rasterXSize="40" rasterYSize="40"><SRS>EPSG:32649</SRS>'
        "<GeoTransform>500000,10,0,2500000,0,-10</GeoTransform>"
        '<VRTRasterBand dataType="UInt16" band="1"><SimpleSource><SourceFilename>'
        f"{named.format(real=real)}</SourceFilename></SimpleSource>"
        "</VRTRasterBand></VRTDataset>"
    )
    refuse(as_asset(path), "is a GDAL virtual raster")


@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
@pytest.mark.parametrize(
    ("driver", "names"), [("PNG", "is a PNG file"), ("GPKG", "is a GeoPackage")]
)
def test_other_formats_are_refused_under_our_names(
    tmp_path: Path, driver: str, names: str
) -> None:
    made = tmp_path / "made"
    place: dict[str, Any] = {"crs": TEN.crs, "transform": TEN.transform}
    with rasterio.open(
        made,
        "w",
        driver=driver,
        dtype="uint8",
        count=1,
        width=40,
        height=40,
        **(place if driver == "GPKG" else {}),
    ) as data:
        data.write(np.ones((1, 40, 40), np.uint8))
    path = made.rename(tmp_path / "B04.tif")
    refuse(as_asset(path), names)


@pytest.mark.parametrize(
    ("content", "names"),
    [
        (b"\x89HDF\r\n\x1a\n" + b"\0" * 400, "is an HDF5 or netCDF file"),
        (b"<!DOCTYPE html><title>Sign in</title>", "is an XML or HTML page"),
        (b"PK\x03\x04" + b"\0" * 400, "is a ZIP archive"),
        (b"", "is empty"),
    ],
)
def test_what_was_delivered_instead_is_named(
    tmp_path: Path, content: bytes, names: str
) -> None:
    path = tmp_path / "B04.tif"
    path.write_bytes(content)
    refuse(as_asset(path), names)


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "B04.tif"
    os.mkfifo(path)
    refuse(as_asset(path), "is no regular file")


@pytest.mark.enable_socket
def test_a_jpeg_2000_cannot_make_us_ask_another_server(make_asset: MakeAsset) -> None:
    """Its CRS may be spelled as an address."""
    options = {"GeoJP2": "NO", "GMLJP2": "YES"}
    asset = make_asset("B04", NUMBERS, TEN, driver="JP2OpenJPEG", options=options)
    content = Path(asset.href).read_bytes()
    stated = b"urn:ogc:def:crs:EPSG::32649"
    assert stated in content
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0)
        url = f"http://127.0.0.1:{server.getsockname()[1]}/".encode()
        url = url.ljust(len(stated), b"x")
        Path(asset.href).write_bytes(content.replace(stated, url))
        refuse(asset, "has no CRS")
        with pytest.raises(BlockingIOError):
            server.accept()


def test_a_band_of_a_file_of_several_is_read_where_it_is_named(tmp_path: Path) -> None:
    path = tmp_path / "stack.tif"
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        dtype="uint16",
        count=3,
        width=TEN.width,
        height=TEN.height,
        crs=TEN.crs,
        transform=TEN.transform,
    ) as target:
        target.write(np.stack([NUMBERS, NUMBERS + 1, NUMBERS + 2]))
    with opened(as_asset(path), crs=TEN.crs, layer=2) as source:
        found = source.numbers(slice(3, 5), slice(0, 40))
    np.testing.assert_array_equal(found, NUMBERS[3:5] + 1)
    refuse(as_asset(path), "has 3 bands; give one band a file")
    for layer in (0, 4):
        with (
            pytest.raises(DataError, match=f"has 3 bands, none is {layer}"),
            opened(as_asset(path), crs=TEN.crs, layer=layer),
        ):
            pass
