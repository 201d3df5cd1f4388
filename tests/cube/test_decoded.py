"""JPEG 2000 decoded once: the same numbers, whatever happens to the cache."""

import hashlib
import logging
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from numpy.typing import NDArray
from tests.cube.conftest import MakeAsset
from tests.cube.range_server import RangeServer

from agroforest.core.errors import DataError
from agroforest.core.grid import Grid
from agroforest.core.scene import Asset
from agroforest.cube.decoded import DecodedCache
from agroforest.cube.source import opened

GRID = Grid(
    crs="EPSG:32649",
    left=500_000,
    top=2_500_000,
    resolution=10,
    width=600,
    height=500,
)
NUMBERS = np.random.default_rng(5).integers(0, 4000, GRID.shape).astype(np.uint16)
WHOLE = slice(0, 500), slice(0, 600)
LOSSLESS = {
    "tiled": True,
    "BLOCKXSIZE": 128,
    "BLOCKYSIZE": 128,
    "QUALITY": 100,
    "REVERSIBLE": "YES",
}
GIGABYTE = 1 << 30
Make = Callable[..., Asset]


@pytest.fixture
def make(make_asset: MakeAsset) -> Make:
    """A JPEG 2000 file with its checksum."""

    def make_one(array: NDArray[Any] = NUMBERS, **fields: Any) -> Asset:
        asset = make_asset(
            "B04", array, GRID, driver="JP2OpenJPEG", options=LOSSLESS, **fields
        )
        content = Path(asset.href).read_bytes()
        return asset.patch(sha256=hashlib.sha256(content).hexdigest())

    return make_one


@pytest.fixture
def cache(tmp_path: Path) -> DecodedCache:
    return DecodedCache(root=tmp_path / "cache", max_bytes=GIGABYTE)


def read(asset: Asset, cache: DecodedCache, window: Any = WHOLE) -> NDArray[Any]:
    with opened(asset, crs=GRID.crs, cache=cache) as source:
        return source.numbers(*window)


def entries(cache: DecodedCache) -> list[Path]:
    return sorted(cache.root.glob("*/??/*"))


def decodings(log: pytest.LogCaptureFixture) -> int:
    return sum("decoded in" in record.getMessage() for record in log.records)


@pytest.fixture(autouse=True)
def _told(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="agroforest")


# -------------------------------------------------------------------- once


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "int16"])
def test_the_numbers_are_the_same_and_decoded_once(
    make: Make, cache: DecodedCache, caplog: pytest.LogCaptureFixture, dtype: str
) -> None:
    array = NUMBERS.astype(dtype)
    asset = make(array)
    for _ in range(3):
        found = read(asset, cache)
        assert found.dtype == array.dtype
        np.testing.assert_array_equal(found, array)
        part = slice(7, 301), slice(250, 599)
        np.testing.assert_array_equal(read(asset, cache, part), array[part])
    assert decodings(caplog) == 1
    (entry,) = entries(cache)
    assert entry.stem == asset.sha256
    with rasterio.open(entry) as data:  # a valid file for others, too
        np.testing.assert_array_equal(data.read(1), array)
        assert data.crs == GRID.crs
        assert data.transform == GRID.transform
        assert data.nodata is None


def test_a_large_file_is_decoded_in_several_blocks(
    make_asset: MakeAsset, cache: DecodedCache
) -> None:
    grid = GRID.patch(width=2300, height=2100)
    array = np.random.default_rng(1).integers(0, 50, grid.shape).astype(np.uint8)
    options = {**LOSSLESS, "BLOCKXSIZE": 1024, "BLOCKYSIZE": 1024}
    asset = make_asset("B04", array, grid, driver="JP2OpenJPEG", options=options)
    window = slice(0, 2100), slice(0, 2300)
    np.testing.assert_array_equal(read(asset, cache, window), array)
    np.testing.assert_array_equal(read(asset, cache, window), array)


def test_the_content_counts_not_the_place(
    make: Make,
    cache: DecodedCache,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    asset = make()
    moved = Path(shutil.copy(asset.href, tmp_path / "moved.jp2"))
    read(asset, cache)
    for sha256 in (asset.sha256, None):  # stated, or taken from the file
        elsewhere = asset.patch(href=str(moved), sha256=sha256)
        np.testing.assert_array_equal(read(elsewhere, cache), NUMBERS)
    assert decodings(caplog) == 1
    # Another file at the same place is another file.
    other = make(NUMBERS + 1)
    shutil.copy(other.href, moved)
    np.testing.assert_array_equal(
        read(asset.patch(href=str(moved), sha256=None), cache), NUMBERS + 1
    )
    assert decodings(caplog) == 2


def test_what_is_not_read_is_not_decoded(make: Make, cache: DecodedCache) -> None:
    with opened(make(), crs=GRID.crs, cache=cache) as source:
        assert source.shape == (500, 600)
    assert entries(cache) == []


def test_geotiffs_pass_by(make_asset: MakeAsset, cache: DecodedCache) -> None:
    asset = make_asset("B04", NUMBERS, GRID)
    np.testing.assert_array_equal(read(asset, cache), NUMBERS)
    assert not cache.root.exists()


@pytest.mark.enable_socket
def test_a_remote_file_is_decoded_once(
    make: Make, cache: DecodedCache, caplog: pytest.LogCaptureFixture
) -> None:
    with RangeServer() as server:
        url = server.put("B04.jp2", Path(make().href).read_bytes())
        for _ in range(2):
            asset = Asset(href=url, resolution=10)
            np.testing.assert_array_equal(read(asset, cache), NUMBERS)
    assert decodings(caplog) == 1


# ---------------------------------------------------------------- mistrust


def test_a_file_that_is_not_the_one_described_is_refused(
    make: Make, cache: DecodedCache
) -> None:
    """A wrong checksum must not put one file's numbers under another's name."""
    good, evil = make(), make(NUMBERS + 1)
    with pytest.raises(DataError, match=r"B04\.jp2: is not the file that its item"):
        read(evil.patch(sha256=good.sha256), cache)
    np.testing.assert_array_equal(read(good, cache), NUMBERS)


@pytest.mark.parametrize("share", [0.97, 0.5, 0.02])
def test_a_truncated_original_is_refused_and_not_kept(
    make: Make, cache: DecodedCache, share: float
) -> None:
    asset = make().patch(sha256=None)
    path = Path(asset.href)
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    for _ in range(2):
        with pytest.raises(DataError, match=r"B04\.jp2: damaged"):
            read(asset, cache)
    assert entries(cache) == []


def truncate(entry: Path) -> None:
    entry.write_bytes(entry.read_bytes()[: entry.stat().st_size // 2])


def empty(entry: Path) -> None:
    entry.write_bytes(b"")


def zero_header(entry: Path) -> None:
    content = entry.read_bytes()
    entry.write_bytes(b"\0" * 4096 + content[4096:])


def flip(entry: Path) -> None:
    content = bytearray(entry.read_bytes())
    content[len(content) * 2 // 3] ^= 1
    entry.write_bytes(content)


def replace_by_another(entry: Path) -> None:
    entry.write_bytes(b"II*\0not ours" * 999)


@pytest.mark.parametrize(
    "damage", [truncate, empty, zero_header, flip, replace_by_another]
)
def test_a_damaged_entry_is_noticed_and_made_again(
    make: Make,
    cache: DecodedCache,
    caplog: pytest.LogCaptureFixture,
    damage: Callable[[Path], None],
) -> None:
    asset = make()
    read(asset, cache)
    (entry,) = entries(cache)
    whole = entry.read_bytes()
    damage(entry)
    np.testing.assert_array_equal(read(asset, cache), NUMBERS)
    assert entry.read_bytes() == whole
    assert decodings(caplog) == 2
    assert "made again" in caplog.text


def test_damage_between_two_windows_is_noticed(make: Make, cache: DecodedCache) -> None:
    asset = make()
    read(asset, cache)
    (entry,) = entries(cache)
    with opened(asset, crs=GRID.crs, cache=cache) as source:
        with entry.open("r+b") as stream:  # in place: the open file sees it
            stream.seek(entry.stat().st_size // 2)
            stream.write(b"\xff" * 999)
        np.testing.assert_array_equal(source.numbers(*WHOLE), NUMBERS)


# --------------------------------------------------------- size and sharing


def test_the_entries_not_used_for_longest_go_first(
    make: Make, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    assets = [make(NUMBERS + k) for k in range(4)]
    large = DecodedCache(root=tmp_path / "cache", max_bytes=GIGABYTE)
    for age, asset in enumerate(assets[:3]):
        read(asset, large)
        (entry,) = (e for e in entries(large) if e.stem == asset.sha256)
        os.utime(entry, (1_000_000 + age, 1_000_000 + age))
    read(assets[0], large)  # used now
    one = entries(large)[0].stat().st_size
    small = DecodedCache(root=large.root, max_bytes=3 * one + one // 2)
    read(assets[3], small)
    kept = {entry.stem for entry in entries(small)}
    assert kept == {assets[k].sha256 for k in (0, 2, 3)}
    # Even one that is larger than all that is allowed is used.
    tiny = DecodedCache(root=large.root, max_bytes=1)
    before = decodings(caplog)
    np.testing.assert_array_equal(read(assets[1], tiny), NUMBERS + 1)
    assert decodings(caplog) == before + 1
    assert {entry.stem for entry in entries(tiny)} == {assets[1].sha256}


def test_an_entry_in_use_stays_readable_when_it_goes(
    make: Make, cache: DecodedCache
) -> None:
    asset = make()
    with opened(asset, crs=GRID.crs, cache=cache) as source:
        first = source.numbers(slice(0, 9), slice(0, 9))
        shutil.rmtree(cache.root)
        np.testing.assert_array_equal(source.numbers(*WHOLE), NUMBERS)
        np.testing.assert_array_equal(first, NUMBERS[:9, :9])


def test_what_a_killed_process_left_is_cleared(make: Make, cache: DecodedCache) -> None:
    asset = make()
    read(asset, cache)
    folder = entries(cache)[0].parent
    old, fresh = folder / ".a.part.tif", folder / ".b.part.tif"
    for path in (old, fresh):
        path.write_bytes(b"x")
    os.utime(old, (1, 1))
    read(make(NUMBERS + 1), cache)
    assert not old.exists()
    assert fresh.exists()  # of a process that is at work


def test_several_threads_decode_a_file_once(
    make: Make, cache: DecodedCache, caplog: pytest.LogCaptureFixture
) -> None:
    asset = make()
    with ThreadPoolExecutor(6) as pool:
        for found in pool.map(lambda _: read(asset, cache), range(12)):
            np.testing.assert_array_equal(found, NUMBERS)
    assert decodings(caplog) == 1


_READ_OFTEN = """
import sys
from pathlib import Path
from agroforest.core.scene import Asset
from agroforest.cube.decoded import DecodedCache
from agroforest.cube.source import opened

href, root, total = sys.argv[1:]
cache = DecodedCache(root=Path(root), max_bytes=1, workers=1)
for _ in range(4):
    asset = Asset(href=href, resolution=10)
    with opened(asset, crs="EPSG:32649", cache=cache) as source:
        found = source.numbers(slice(0, 500), slice(0, 600))
    assert int(found.sum()) == int(total), found.sum()
"""


@pytest.mark.slow
def test_several_processes_share_a_cache_that_is_too_small(
    make: Make, tmp_path: Path
) -> None:
    """Entries are made, used and removed under each other's hands."""
    arrays = [NUMBERS, NUMBERS + 1] * 2
    commands = [
        [
            *(sys.executable, "-c", _READ_OFTEN, make(array).href),
            *(str(tmp_path / "cache"), str(int(array.sum()))),
        ]
        for array in arrays
    ]
    running = [
        subprocess.Popen(command, stderr=subprocess.PIPE, text=True)  # noqa: S603  our own words
        for command in commands
    ]
    for process in running:
        _, said = process.communicate(timeout=120)
        assert process.returncode == 0, said


@pytest.mark.parametrize("obstacle", ["file", "full"])
def test_a_cache_that_cannot_be_used_is_done_without(
    make: Make,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    obstacle: str,
) -> None:
    root = tmp_path / "cache"
    if obstacle == "file":
        root.write_text("in the way")
    else:
        root = Path("/dev/full/cache")
    cache = DecodedCache(root=root, max_bytes=GIGABYTE)
    np.testing.assert_array_equal(read(make(), cache), NUMBERS)
    assert "cannot be kept decoded" in caplog.text
