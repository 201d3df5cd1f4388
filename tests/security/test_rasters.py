"""Rasters of others: `agroforest scenes add` and `zonal` at hostile pixels."""

import json
import shutil
import struct
import zipfile
from collections.abc import Callable
from datetime import date
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import rasterio
import shapely
from tests.catalog.test_rasterhead import sized, tiff
from tests.security.proving import assert_refused, prove, run_confined

from agroforest.core.grid import Grid
from agroforest.testing.landsat import write_landsat

_GRID = Grid(crs="EPSG:32649", left=3e5, top=25e5, resolution=30, width=8, height=8)
_SECRET = "/etc/passwd"  # noqa: S105  a path
_INSIDE = "http://169.254.169.254/latest/meta-data/"
Content = Callable[[Path], bytes]


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("product")
    measured = {
        band: np.full(_GRID.shape, 0.1, "float32") for band in ("B02", "B03", "B04")
    }
    return write_landsat(_GRID, folder, date(2024, 3, 1), measured)


def _vrt(inner: str, attributes: str = "") -> bytes:
    return (
        '<VRTDataset rasterXSize="8" rasterYSize="8"><SRS>EPSG:32649</SRS>'
        "<GeoTransform>300000,30,0,2500000,0,-30</GeoTransform>"
        f'<VRTRasterBand dataType="UInt16" band="1" {attributes}>{inner}'
        "</VRTRasterBand></VRTDataset>"
    ).encode()


def _source(path: str) -> str:
    return f"<SimpleSource><SourceFilename>{path}</SourceFilename></SimpleSource>"


_PYTHON = (
    "<PixelFunctionLanguage>Python</PixelFunctionLanguage><PixelFunctionType>f"
    "</PixelFunctionType><PixelFunctionCode>def f(i,o,*a,**k): "
    "import os; os.system('touch owned')</PixelFunctionCode>"
)
_VRTS: dict[str, bytes] = {
    "of a file": _vrt(_source(_SECRET)),
    "of raw bytes": _vrt(
        f"<SourceFilename>{_SECRET}</SourceFilename><ImageOffset>0</ImageOffset>",
        'subClass="VRTRawRasterBand"',
    ),
    "of an address": _vrt(_source(f"/vsicurl/{_INSIDE}")),
    "of a program": _vrt(_PYTHON + _source(_SECRET), 'subClass="VRTDerivedRasterBand"'),
    "behind blanks": b"\n \t" + _vrt(_source(_SECRET)),
    "behind a byte order mark": b"\xef\xbb\xbf" + _vrt(_source(_SECRET)),
    "behind a declaration": b'<?xml version="1.0"?>' + _vrt(_source(_SECRET)),
    "behind a TIFF's first bytes": b"II*\0" + _vrt(_source(_SECRET)),
    "behind a JPEG 2000's first bytes": (
        b"\0\0\0\x0cjP  \r\n\x87\n" + _vrt(_source(_SECRET))
    ),
    "web map": f"<GDAL_WMS><Service><ServerUrl>{_INSIDE}</ServerUrl></Service>"
    "</GDAL_WMS>".encode(),
    "web coverage": f"<WCS_GDAL><ServiceURL>{_INSIDE}</ServiceURL></WCS_GDAL>".encode(),
    "program": json.dumps(
        {"type": "gdal_streamed_alg", "command_line": f"gdal raster read {_SECRET}"}
    ).encode(),
    "marked raster": b"<MRF_META><Raster><Size x='8' y='8'/></Raster></MRF_META>",
}


def _add(product: Path, folder: Path, content: bytes, ending: str) -> None:
    """Put a file in the place of a band, and add the product."""
    copy = Path(shutil.copytree(product, folder / product.name))
    (band,) = copy.glob("*_SR_B4.TIF")
    band.unlink()
    band.with_suffix(ending).write_bytes(content)
    (mtl,) = copy.glob("*_MTL.json")
    mtl.write_text(mtl.read_text().replace("_SR_B4.TIF", f"_SR_B4{ending}"))
    try:
        ended = run_confined("scenes", "add", copy, "--work", "w", cwd=folder)
        assert_refused(ended, f"_SR_B4{ending}", "0 added", codes=(5,))
        assert not list(folder.rglob("owned"))
    finally:
        shutil.rmtree(copy)


@pytest.mark.slow
def test_a_virtual_raster_is_no_raster(product: Path, tmp_path: Path) -> None:
    prove(
        "VRT inside a .tif, and other files that name files",
        {
            f"{name} as {ending}": partial(_add, product, tmp_path, content, ending)
            for place, (name, content) in enumerate(_VRTS.items())
            for ending in (".TIF", ".jp2", ".vrt")[: 1 if place else 3]
        },
        "refused by name; nothing of the file it names is shown, nothing is run",
    )


def test_what_is_behind_a_link_is_not_read(product: Path, tmp_path: Path) -> None:
    def add(target: str) -> None:
        copy = Path(shutil.copytree(product, tmp_path / product.name))
        (band,) = copy.glob("*_SR_B4.TIF")
        band.unlink()
        band.symlink_to(target)
        try:
            ended = run_confined("scenes", "add", copy, "--work", "w", cwd=tmp_path)
            # A band that is not in the product is left out; the others are there.
            assert ended.code == 0, ended.said
            assert "root:" not in ended.said
            for item in (tmp_path / "w").rglob("*.json"):
                assert target not in item.read_text()
        finally:
            shutil.rmtree(copy)

    outside = tmp_path / "outside.tif"
    shutil.copy(next(product.glob("*_SR_B3.TIF")), outside)
    targets = (_SECRET, "/dev/zero", "/proc/self/environ", str(outside), "../x.tif")
    prove(
        "links out of a product",
        {target: partial(add, target) for target in targets},
        "left out as a band that is missing",
    )


def _jp2(width: int, height: int, tile: int, bands: int = 1) -> bytes:
    sizes = struct.pack(">IIIIIIIIH", width, height, 0, 0, tile, tile, 0, 0, bands)
    body = struct.pack(">HH", 38 + 3 * bands, 0) + sizes + b"\x07\x01\x01" * bands
    return b"\xff\x4f\xff\x51" + body + b"\xff\xd9"


def _deflated(path: Path, side: int) -> bytes:
    """One block of zeros that unpacks to far more than it takes."""
    options = {"tiled": True, "blockxsize": side, "blockysize": side}
    with rasterio.open(
        path, "w", driver="GTiff", width=16, height=16, count=1, dtype="uint8",
        crs="EPSG:32649", transform=rasterio.Affine(30, 0, 3e5, 0, -30, 25e5),
        compress="deflate", sparse_ok=True, **options,
    ):  # fmt: skip
        pass
    return path.read_bytes()


@pytest.mark.slow
def test_a_raster_bomb_is_refused(product: Path, tmp_path: Path) -> None:
    bombs = {
        "4 thousand million pixels a side": sized(2**32 - 1, 2**32 - 1),
        "wide": sized(2**31, 1),
        "high, in one strip": sized(1, 2**31),
        "at the limit, in one strip": sized(40_000, 40_000),
        "65,535 bands": sized(100, 100, bands=65_535),
        "4 thousand million bits a number": sized(10, 10, bits=2**32 - 1),
        "one line a strip": sized(40_000, 40_000, rows=1),
        "a table of 4 thousand million blocks": tiff(
            (256, 4, 1, 10),
            (257, 4, 1, 10),
            (273, 4, 2**32 - 1, 8),
            (279, 4, 2**32 - 1, 8),
            (278, 4, 1, 1),
        ),
        "a directory in itself": b"II*\0" + struct.pack("<I", 4),
        "a directory beyond the end": b"II*\0" + struct.pack("<I", 2**31),
        "sparse, in tiles of 16": sized(2**20, 2**20, rows=16),
        "blocks of 65,536 pixels": _deflated(tmp_path / "d.tif", 65_536),
    }
    bombs |= {
        f"JPEG 2000, {name}": content
        for name, content in {
            "4 thousand million a side": _jp2(2**32 - 1, 2**32 - 1, 2**32 - 1),
            "one tile": _jp2(40_000, 40_000, 40_000),
            "a million million tiles": _jp2(2**20, 2**20, 1),
            "16,384 bands": _jp2(10, 10, 10, bands=16_384),
            "no size": _jp2(0, 0, 0),
        }.items()
    }
    prove(
        "raster bomb (sides, bands, blocks, tables, ratio; TIFF and JPEG 2000)",
        {
            name: partial(_add, product, tmp_path, content, ".TIF")
            for name, content in bombs.items()
        },
        "refused from the header, in 2 GB and a minute at most",
    )


def _parcels(path: Path) -> Path:
    ring = shapely.to_geojson(shapely.box(109.05, 22.58, 109.06, 22.59))
    feature = {"type": "Feature", "properties": {"id": 1}, "geometry": json.loads(ring)}
    path.write_text(json.dumps({"type": "FeatureCollection", "features": [feature]}))
    return path


def test_zonal_reads_no_other_rasters(tmp_path: Path) -> None:
    parcels = _parcels(tmp_path / "p.geojson")

    def measure(content: bytes) -> None:
        (tmp_path / "r.tif").write_bytes(content)
        ended = run_confined("zonal", "r.tif", parcels, "--out", "o.csv", cwd=tmp_path)
        assert_refused(ended, "r.tif")
        assert not (tmp_path / "o.csv").exists()

    prove(
        "the same rasters given to `zonal`",
        {name: partial(measure, content)
         for name, content in _VRTS.items()}
        | {"a bomb": lambda: measure(sized(2**32 - 1, 2**32 - 1))},
        "refused, no table written",
    )  # fmt: skip


def test_archives_are_never_unpacked(product: Path, tmp_path: Path) -> None:
    slip, bomb = tmp_path / "P.SAFE.zip", tmp_path / "bomb.zip"
    with zipfile.ZipFile(slip, "w") as archive:
        archive.writestr("../../slipped.txt", "x")
        archive.writestr("/var/slipped.txt", "x")
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("MTD_MSIL2A.xml", b"0" * (64 << 20))
    inner = tmp_path / "inner.zip"
    with zipfile.ZipFile(inner, "w") as archive:
        archive.writestr("B4.tif", next(product.glob("*_SR_B4.TIF")).read_bytes())
        archive.writestr("p.geojson", _parcels(tmp_path / "p.geojson").read_bytes())

    def add(path: str | Path) -> None:
        ended = run_confined("scenes", "add", path, "--work", "w", cwd=tmp_path)
        assert_refused(ended, codes=(5,))
        assert not list(tmp_path.rglob("slipped.txt"))

    def measure(raster: str, parcels: str) -> None:
        ended = run_confined("zonal", raster, parcels, "--out", "o.csv", cwd=tmp_path)
        assert_refused(ended)

    good = str(next(product.glob("*_SR_B4.TIF")))
    prove(
        "zip slip, zip bomb, archives as files",
        {
            "slip": lambda: add(slip),
            "bomb": lambda: add(bomb),
            "as a band": lambda: _add(product, tmp_path, inner.read_bytes(), ".TIF"),
            "/vsizip raster": lambda: measure(f"/vsizip/{inner}/B4.tif", "p.geojson"),
            "zip:// raster": lambda: measure(f"zip://{inner}!B4.tif", "p.geojson"),
            "raster in an archive": lambda: measure(f"{inner}/B4.tif", "p.geojson"),
            "/vsizip parcels": lambda: measure(good, f"/vsizip/{inner}/p.geojson"),
            "zip:// parcels": lambda: measure(good, f"zip://{inner}!p.geojson"),
            "an archive for parcels": lambda: measure(good, str(inner)),
            "/vsicurl scenes": lambda: add(f"/vsicurl/{_INSIDE}"),
            "/vsizip scenes": lambda: add(f"/vsizip/{inner}"),
            "/vsitar scenes": lambda: add(f"/vsitar/{inner}"),
        },
        "refused; only .xlsx is unpacked, within limits",
    )
