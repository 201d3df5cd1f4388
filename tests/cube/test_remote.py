"""Remote files by ranges: equal to local ones, few requests, no harm done."""

import logging
import socket
import struct
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from tests.cube import range_server as fault
from tests.cube.range_server import RangeServer, Served

from agroforest.catalog.href import Reach
from agroforest.core.errors import DataError, SourceError
from agroforest.core.grid import Grid
from agroforest.core.scene import Asset
from agroforest.cube.fetch import Fetcher
from agroforest.cube.limits import Limits, Tally
from agroforest.cube.remote import RemoteSession
from agroforest.cube.source import Source, opened

pytestmark = pytest.mark.enable_socket

GRID = Grid(
    crs="EPSG:32649",
    left=500_000,
    top=2_500_000,
    resolution=10,
    width=700,
    height=600,
)
#: Impatient, so that the tests are not.
QUICK = Limits(
    connect_seconds=2,
    read_seconds=0.4,
    back_off_seconds=0.001,
    max_wait_seconds=0.05,
    attempts=4,
)
_RNG = np.random.default_rng(3)
NUMBERS = _RNG.integers(1, 9000, GRID.shape).astype(np.uint16)
TILES: dict[str, Any] = {"tiled": True, "blockxsize": 64, "blockysize": 64}
LAYOUTS: dict[str, dict[str, Any]] = {
    "cog": {"driver": "COG", "blocksize": 128, "compress": "ZSTD"},
    "tiles": {**TILES, "compress": "deflate", "predictor": 2},
    "plain-tiles": TILES,
    "strips": {"compress": "lzw", "blockysize": 16},
    "plain-strips": {"blockysize": 1},
    "one-strip": {"blockysize": 600, "compress": "zstd"},
    "bigtiff": {**TILES, "bigtiff": "YES", "endianness": "BIG", "compress": "lzw"},
    "jpeg2000": {
        "driver": "JP2OpenJPEG",
        "tiled": True,
        "BLOCKXSIZE": 256,
        "BLOCKYSIZE": 256,
        "QUALITY": 100,
        "REVERSIBLE": "YES",
    },
}


def encode(
    folder: Path, array: NDArray[Any] = NUMBERS, grid: Grid = GRID, **options: Any
) -> bytes:
    jpeg = "JP2" in options.get("driver", "")
    path = folder / ("made.jp2" if jpeg else "made.tif")
    with rasterio.open(
        path,
        "w",
        **{"driver": "GTiff", **options},
        dtype=array.dtype,
        count=1,
        height=grid.height,
        width=grid.width,
        crs=grid.crs,
        transform=grid.transform,
    ) as data:
        data.write(array, 1)
    return path.read_bytes()


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The same numbers in every layout."""
    folder = tmp_path_factory.mktemp("files")
    return {name: encode(folder, **options) for name, options in LAYOUTS.items()}


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, NDArray[Any]]:
    """A COG of 4096 pixels a side in blocks of 512, and its numbers."""
    rng = np.random.default_rng(4)
    array = rng.integers(0, 300, (4096, 4096)).astype(np.uint16)
    grid = GRID.patch(width=4096, height=4096)
    folder = tmp_path_factory.mktemp("large")
    options = {"driver": "COG", "blocksize": 512, "compress": "ZSTD", "level": 1}
    return encode(folder, array, grid, **options), array


@pytest.fixture(autouse=True)
def _direct(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture
def server() -> Iterator[RangeServer]:
    with RangeServer() as running:
        yield running


def as_asset(url: str) -> Asset:
    return Asset(href=url, resolution=10)


def read_all(url: str, limits: Limits = QUICK, reach: Reach | None = None) -> Any:
    with (
        RemoteSession(reach or Reach(), limits) as session,
        opened(as_asset(url), crs=GRID.crs, session=session) as source,
    ):
        return source.numbers(slice(0, source.shape[0]), slice(0, source.shape[1]))


# ------------------------------------------------------------------- equal


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@pytest.mark.parametrize("layout", LAYOUTS)
@given(data=st.data())
def test_windows_equal_those_of_the_local_file(
    server: RangeServer, files: dict[str, bytes], layout: str, data: st.DataObject
) -> None:
    url = server.put("B04.tif", files[layout])
    with (
        RemoteSession() as session,
        opened(as_asset(url), crs=GRID.crs, session=session) as source,
    ):
        for _ in range(3):
            top, left = (data.draw(st.integers(0, n - 1)) for n in GRID.shape)
            bottom = data.draw(st.integers(top + 1, GRID.height))
            right = data.draw(st.integers(left + 1, GRID.width))
            window = slice(top, bottom), slice(left, right)
            np.testing.assert_array_equal(source.numbers(*window), NUMBERS[window])
        assert source.asset.href == url


def test_blocks_that_are_not_stored_are_nothing(
    server: RangeServer, tmp_path: Path
) -> None:
    sparse = np.zeros(GRID.shape, np.uint16)
    sparse[300:310, 300:310] = 7
    content = encode(tmp_path, sparse, **TILES, sparse_ok=True)
    assert len(content) < 64 * 64 * 2 * 20
    found = read_all(server.put("B04.tif", content))
    np.testing.assert_array_equal(found, sparse)


def test_several_threads_read_one_file(
    server: RangeServer, files: dict[str, bytes]
) -> None:
    url = server.put("B04.tif", files["cog"])
    rows = [slice(top, top + 50) for top in range(0, 600, 50)]

    def read(part: slice) -> Any:
        with opened(as_asset(url), crs=GRID.crs, session=session) as source:
            return source.numbers(part, slice(0, 700))

    with RemoteSession(Reach(), QUICK) as session, ThreadPoolExecutor(6) as pool:
        found = np.concatenate(list(pool.map(read, rows)))
    np.testing.assert_array_equal(found, NUMBERS)


# -------------------------------------------------------------------- few


def test_opening_takes_one_request(
    server: RangeServer, large: tuple[bytes, NDArray[Any]]
) -> None:
    url = server.put("B04.tif", large[0])
    with opened(as_asset(url), crs=GRID.crs) as source:
        assert source.shape == (4096, 4096)
    assert [asked.range for asked in server.asked] == ["bytes=0-65535"]


def test_near_blocks_come_together(
    server: RangeServer, large: tuple[bytes, NDArray[Any]]
) -> None:
    """A quarter of the file in one request a row of blocks, each byte once."""
    content, array = large
    url = server.put("B04.tif", content)
    window = slice(1024, 3072), slice(512, 2560)
    with RemoteSession() as session:
        with opened(as_asset(url), crs=GRID.crs, session=session) as source:
            np.testing.assert_array_equal(source.numbers(*window), array[window])
        assert len(server.asked) == 1 + 4
        assert server.sent < 1.1 * len(content) / 4 + 65536
        # The same again is here already, whoever opens it.
        with opened(as_asset(url), crs=GRID.crs, session=session) as source:
            np.testing.assert_array_equal(source.numbers(*window), array[window])
        assert len(server.asked) == 5
        assert (session.tally.requests, session.tally.bytes) == (5, server.sent)
        # Blocks shared with a neighbour are not fetched twice.
        with opened(as_asset(url), crs=GRID.crs, session=session) as source:
            source.numbers(slice(0, 4096), slice(0, 4096))
        assert server.sent <= len(content)
    assert len({asked.client for asked in server.asked}) <= 5  # connections are kept


def test_whole_rows_come_in_one_request(
    server: RangeServer, large: tuple[bytes, NDArray[Any]]
) -> None:
    content, array = large
    url = server.put("B04.tif", content)
    with opened(as_asset(url), crs=GRID.crs) as source:
        found = source.numbers(slice(0, 2048), slice(0, 4096))
    np.testing.assert_array_equal(found, array[:2048])
    assert len(server.asked) == 2


def test_a_header_at_the_end_and_long_tables_take_few_requests(
    server: RangeServer, tmp_path: Path
) -> None:
    grid = GRID.patch(width=8, height=20_000)
    array = np.arange(160_000, dtype=np.uint16).reshape(grid.shape)
    content = encode(tmp_path, array, grid, blockysize=1)
    url = server.put("B04.tif", content)
    with opened(as_asset(url), crs=GRID.crs) as source:
        window = slice(9000, 9050), slice(0, 8)
        np.testing.assert_array_equal(source.numbers(*window), array[window])
    assert len(server.asked) <= 4


# ------------------------------------------------------------ worth repeating

PASSING: dict[str, list[fault.Fault]] = {
    "503 twice": [fault.status(503), fault.status(503)],
    "each status": [fault.status(500), fault.status(502), fault.status(504)],
    "408": [fault.status(408)],
    "429": [fault.status(429, Retry_After="3600")],
    "429 with a date": [fault.status(429, Retry_After="Wed, 01 Jan 2200 00:00:00 GMT")],
    "hangs up": [fault.hang_up, fault.hang_up],
    "cut": [fault.cut(0.5), fault.cut(0.5), fault.cut(0.1)],
    "understates": [fault.understate],
    "overstates": [fault.overstate],
    "stalls": [fault.stall(1.0)],
    "other bytes": [fault.other_bytes],
    "in part": [fault.in_part, fault.in_part],
}


@pytest.mark.parametrize("kind", PASSING)
@pytest.mark.parametrize("when", ["header", "blocks"])
def test_passing_faults_are_retried(
    server: RangeServer, files: dict[str, bytes], kind: str, when: str
) -> None:
    url = server.put("B04.tif", files["tiles"])
    server.faults.extend([None] if when == "blocks" else [])
    server.faults.extend(PASSING[kind])
    np.testing.assert_array_equal(read_all(url), NUMBERS)
    assert not server.faults


def test_what_broke_off_is_continued(
    server: RangeServer, files: dict[str, bytes]
) -> None:
    content = files["plain-tiles"]
    url = server.put("B04.tif", content)
    server.faults.extend([None, fault.cut(0.5), fault.cut(0.5)])
    read_all(url)
    starts = [int(str(asked.range)[6:].split("-")[0]) for asked in server.asked[1:]]
    assert starts == sorted(set(starts))
    assert server.sent <= len(content)


def test_who_gets_on_gets_time(
    server: RangeServer, large: tuple[bytes, NDArray[Any]]
) -> None:
    """A line that breaks every other megabyte, more often than is tried."""
    content, array = large
    url = server.put("B04.tif", content)
    server.always = fault.cut_at(3 << 19)
    limits = Limits(attempts=2, back_off_seconds=0.001)
    np.testing.assert_array_equal(read_all(url, limits), array)
    assert len(server.asked) > 6
    assert server.sent <= len(content)


def test_a_server_that_drips_is_given_up(
    server: RangeServer, files: dict[str, bytes]
) -> None:
    limits = Limits(max_seconds=0.1, read_seconds=5, attempts=2, back_off_seconds=0.001)
    url = server.put("B04.tif", files["tiles"])
    server.always = fault.drip(0.01)
    with pytest.raises(SourceError, match=r"B04\.tif: no answer \(too slow, 2"):
        read_all(url, limits)


LASTING: dict[str, tuple[fault.Fault, str, int]] = {
    "503": (fault.status(503), r"no answer \(status 503, 4 attempts\)", 4),
    "stalls": (fault.stall(1.0, share=0.0), r"no answer \(stalled, 4 attempts\)", 4),
    "cut": (fault.cut(0.0), r"no answer \((ended early|broke off), 4 attempts\)", 4),
    "400": (fault.status(400), r"no answer \(status 400\)", 1),
    "401": (fault.status(401), r"access refused \(status 401\); check the access", 1),
    "403": (fault.status(403), r"access refused \(status 403\); check the access", 1),
    "404": (fault.status(404), r"no answer \(status 404\)", 1),
    "501": (fault.status(501), r"no answer \(status 501\)", 1),
    "204": (fault.status(204), r"no answer \(status 204\)", 1),
    "unnamed": (fault.unnamed_bytes, "does not say which bytes it sends", 1),
    "compressed": (fault.compressed, "does not say which bytes it sends", 1),
    "nowhere": (fault.status(302), "redirects nowhere", 1),
    "hangs up": (fault.hang_up, "no answer .no connection: ", 4),
}


@pytest.mark.parametrize("kind", LASTING)
def test_lasting_faults_are_named_and_can_be_tried_another_night(
    server: RangeServer, files: dict[str, bytes], kind: str
) -> None:
    url = server.put("B04.tif", files["tiles"])
    server.always, names, requests = LASTING[kind]
    with pytest.raises(SourceError, match=names) as raised:
        read_all(url)
    assert str(raised.value).startswith(f"{url}: ")
    assert len(server.asked) == requests


def test_a_host_that_is_not_there() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    with pytest.raises(
        SourceError, match="no connection: Connection refused, 4 attempts"
    ):
        read_all(f"http://127.0.0.1:{port}/B04.tif")


# ------------------------------------------------------- ranges not served


@pytest.mark.parametrize("ignore", [fault.whole, fault.chunked])
def test_a_server_without_ranges_sends_the_file_once(
    server: RangeServer, files: dict[str, bytes], ignore: fault.Fault
) -> None:
    url = server.put("B04.tif", files["cog"])
    server.always = ignore
    np.testing.assert_array_equal(read_all(url), NUMBERS)
    assert len(server.asked) == 1


@pytest.mark.parametrize("ignore", [fault.whole, fault.chunked])
def test_but_no_more_than_the_limit(
    server: RangeServer, files: dict[str, bytes], ignore: fault.Fault
) -> None:
    url = server.put("B04.tif", files["cog"])
    server.always = ignore
    limits = Limits(max_file_bytes=200_000)
    with pytest.raises(DataError, match="max_file_bytes is 200000; raise"):
        read_all(url, limits)
    assert len(server.asked) == 1


@pytest.mark.parametrize("name", ["max_file_bytes", "max_scene_bytes"])
def test_bytes_are_capped(
    server: RangeServer, files: dict[str, bytes], name: str
) -> None:
    limits = Limits(**{name: 150_000}, gap_bytes=0)
    with RemoteSession(Reach(), limits) as session, ExitStack() as stack:

        def source(file: str) -> Source:
            asset = as_asset(server.put(file, files["plain-tiles"]))
            return stack.enter_context(opened(asset, crs=GRID.crs, session=session))

        window = slice(0, 64), slice(0, 700)
        first = source("B04.tif")
        first.numbers(*window)
        if name == "max_scene_bytes":
            # Each file is below the limit, the scene is not.
            with pytest.raises(DataError, match=r"B08\.tif: takes 1.* max_scene_bytes"):
                source("B08.tif").numbers(*window)
        else:
            with pytest.raises(DataError, match=r"B04\.tif: takes 1.* max_file_bytes"):
                first.numbers(slice(0, 192), slice(0, 700))
    assert server.sent < 600_000


def test_retries_count_against_the_limit(
    server: RangeServer, files: dict[str, bytes]
) -> None:
    content = files["plain-tiles"]
    url = server.put("B04.tif", content)
    server.always = fault.cut_whole(0.6)
    limits = Limits(max_file_bytes=len(content) + 9, back_off_seconds=0.001)
    with pytest.raises(DataError, match=r"takes \d+ bytes or more, max_file_bytes"):
        read_all(url, limits)
    assert len(server.asked) == 2


# -------------------------------------------------------------- redirects


def test_a_redirect_is_followed_and_remembered(
    server: RangeServer, files: dict[str, bytes]
) -> None:
    server.put("real.tif", files["tiles"])
    url = server.put("B04.tif", files["tiles"])
    server.faults.append(fault.redirect("/real.tif"))
    np.testing.assert_array_equal(read_all(url), NUMBERS)
    assert [a.path for a in server.asked][:3] == ["/B04.tif", "/real.tif", "/real.tif"]


def test_a_redirect_that_expired_is_asked_for_again(
    server: RangeServer, files: dict[str, bytes]
) -> None:
    server.put("real.tif", files["tiles"])
    url = server.put("B04.tif", files["tiles"])
    server.faults.extend([fault.redirect("/real.tif?sig=1"), None, fault.status(403)])
    np.testing.assert_array_equal(read_all(url), NUMBERS)
    paths = [a.path for a in server.asked]
    assert paths[:4] == ["/B04.tif", "/real.tif?sig=1", "/real.tif?sig=1", "/B04.tif"]


@pytest.mark.parametrize(
    "target",
    [
        "http://169.254.169.254/latest/meta-data/",
        "//169.254.169.254/latest/meta-data/",
        "http://0xa9fea9fe/latest/meta-data/",
        "http://[::ffff:169.254.169.254]/",
        "file:///etc/passwd",
        "http://127.0.0.1:1/B04.tif",
        "http://localhost/B04.tif",
        "http://10.0.0.1/B04.tif",
        "http://intranet/B04.tif",
        "http://user:pass@example.org/B04.tif",
        "ftp://example.org/B04.tif",
        "/vsicurl/../../\\\\x",
    ],
)
def test_a_redirect_into_our_own_network_is_refused(
    server: RangeServer, files: dict[str, bytes], target: str
) -> None:
    """Even for an item of this machine: not it, but the server says where to."""
    url = server.put("B04.tif", files["tiles"])
    server.always = fault.redirect(target)
    with pytest.raises(DataError, match=r"B04\.tif: redirects to .*, which ") as raised:
        read_all(url)
    assert "user:" not in str(raised.value)
    assert len(server.asked) == 1


def test_a_redirect_to_another_host_may_be_allowed(
    server: RangeServer, files: dict[str, bytes]
) -> None:
    url = server.put("B04.tif", files["tiles"])
    with RangeServer() as other:
        target = other.put("real.tif", files["tiles"])
        server.always = fault.redirect(target)
        with pytest.raises(DataError, match="redirects to"):
            read_all(url)
        reach = Reach(allow_hosts=(target.split("/")[2],))
        np.testing.assert_array_equal(read_all(url, reach=reach), NUMBERS)


def test_redirects_end(server: RangeServer, files: dict[str, bytes]) -> None:
    url = server.put("B04.tif", files["tiles"])
    server.always = fault.redirect("/B04.tif")
    with pytest.raises(SourceError, match="redirects without end"):
        read_all(url)
    assert len(server.asked) == 6


def test_encryption_is_not_given_up() -> None:
    url = "https://example.org/B04.tif"
    with RemoteSession() as session:
        fetcher = Fetcher(
            url,
            http=session._http,
            reach=Reach(),
            limits=QUICK,
            tallies=[Tally(9, "bytes")],
        )
        with pytest.raises(DataError, match="redirects from https to http"):
            fetcher._follow(url, "http://example.org/B04.tif")


# ------------------------------------------------------------------- reach


def test_a_foreign_item_reaches_no_file_and_no_host_of_ours(
    server: RangeServer, files: dict[str, bytes], tmp_path: Path
) -> None:
    url = server.put("B04.tif", files["tiles"])
    path = tmp_path / "B04.tif"
    path.write_bytes(files["tiles"])
    for href in (url, str(path), f"file://{path}", "/etc/passwd", "s3://bucket/key"):
        with pytest.raises(DataError) as raised:
            read_all(href, reach=Reach(local=False))
        assert str(raised.value).startswith(href)
    assert not server.asked
    named = Reach(local=False, allow_hosts=("127.0.0.1",))
    np.testing.assert_array_equal(read_all(url, reach=named), NUMBERS)


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[str]]:
    """What names stand for, in place of the network's own answers."""
    answers: dict[str, list[str]] = {}
    real = socket.getaddrinfo

    def resolve(host: str, port: Any, *rest: Any, **more: Any) -> Any:
        if host not in answers:
            return real(host, port, *rest, **more)
        if not answers[host]:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return real(answers[host].pop(0), port, *rest, **more)

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    return answers


@pytest.mark.parametrize("local", [True, False])
@pytest.mark.parametrize("address", ["127.0.0.1", "169.254.169.254", "::1", "10.1.1.1"])
def test_a_name_that_stands_for_our_own_network_is_refused(
    server: RangeServer, names: dict[str, list[str]], address: str, *, local: bool
) -> None:
    names["data.example.org"] = [address]
    port = server.url.rpartition(":")[2]
    with pytest.raises(
        DataError, match=rf"B04\.tif: data\.example\.org stands for {address}, in the"
    ) as raised:
        read_all(f"http://data.example.org:{port}/B04.tif", reach=Reach(local=local))
    assert "allow_hosts" in str(raised.value)
    assert not server.asked


def test_a_name_is_resolved_once_a_connection_and_kept_in_the_request(
    server: RangeServer, files: dict[str, bytes], names: dict[str, list[str]]
) -> None:
    """What was judged is what is connected to: there is no second answer to take."""
    server.put("B04.tif", files["tiles"])
    port = server.url.rpartition(":")[2]
    # One connection for the header, which is kept for the blocks.
    names["data.example.org"] = ["127.0.0.1"]
    found = read_all(
        f"http://data.example.org:{port}/B04.tif",
        reach=Reach(local=False, allow_hosts=("data.example.org",)),
    )
    np.testing.assert_array_equal(found, NUMBERS)
    hosts = {asked.headers["Host"] for asked in server.asked}
    assert hosts == {f"data.example.org:{port}"}


def test_an_unknown_name_can_be_tried_again(names: dict[str, list[str]]) -> None:
    names["data.example.org"] = []
    with pytest.raises(SourceError, match="no connection: Name or service not known"):
        read_all("https://data.example.org/B04.tif")


def test_a_proxy_of_the_environment_is_used(
    server: RangeServer, files: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It resolves names; what is spelled out is still judged here."""
    server.files["http://data.example.org/B04.tif"] = Served(files["tiles"])
    monkeypatch.setenv("http_proxy", server.url)
    foreign = Reach(local=False)
    found = read_all("http://data.example.org/B04.tif", reach=foreign)
    np.testing.assert_array_equal(found, NUMBERS)
    asked = len(server.asked)
    with pytest.raises(DataError, match="leads into the network"):
        read_all("http://169.254.169.254/B04.tif", reach=foreign)
    assert len(server.asked) == asked


@pytest.mark.parametrize(
    "href", ["s3://bucket/B04.tif", "http://exa mple.org/a.tif", "http://1.2.3.999/a"]
)
def test_addresses_that_are_not_plain_are_refused(href: str) -> None:
    with pytest.raises(DataError, match="is no plain http or https address"):
        read_all(href)


# --------------------------------------------------------------- changes


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"etag": '"1"'}, {"etag": '"2"'}),
        ({"etag": 'W/"1"', "modified": None}, {"etag": 'W/"2"', "modified": None}),
        (
            {"etag": None, "modified": "Mon, 06 May 2024 03:07:08 GMT"},
            {"etag": None, "modified": "Tue, 07 May 2024 03:07:08 GMT"},
        ),
        ({"etag": None, "modified": None}, {"etag": None, "modified": None}),
    ],
)
def test_a_file_that_changes_between_requests_is_not_mixed(
    server: RangeServer,
    files: dict[str, bytes],
    before: dict[str, str | None],
    after: dict[str, str | None],
) -> None:
    url = server.put("B04.tif", files["plain-tiles"], **before)
    with (
        RemoteSession(Reach(), QUICK) as session,
        opened(as_asset(url), crs=GRID.crs, session=session) as source,
    ):
        source.numbers(slice(0, 9), slice(0, 9))
        # Without labels, only the size can tell.
        server.put("B04.tif", files["plain-tiles"] + b"\0", **after)
        with pytest.raises(SourceError, match=r"B04\.tif: changed while it was read"):
            source.numbers(slice(500, 600), slice(0, 700))
        # Asked for once more at most; the server counts a little after it sent.
        assert server.sent <= 2 * len(files["plain-tiles"])


def test_a_file_that_is_cut_between_requests_is_not_mixed(
    server: RangeServer, files: dict[str, bytes]
) -> None:
    url = server.put("B04.tif", files["plain-tiles"], etag=None, modified=None)
    with (
        RemoteSession(Reach(), QUICK) as session,
        opened(as_asset(url), crs=GRID.crs, session=session) as source,
    ):
        server.put("B04.tif", files["plain-tiles"][:99_000], etag=None, modified=None)
        with pytest.raises(SourceError, match="changed while it was read"):
            source.numbers(slice(500, 600), slice(0, 700))


# ----------------------------------------------------------------- secrets


@pytest.mark.parametrize(
    "always",
    [
        None,
        fault.status(403),
        fault.status(503),
        fault.hang_up,
        fault.cut(0.5),
        fault.redirect("http://10.0.0.1/x?sig=t0ken"),
        fault.redirect("/gone?sig=t0ken"),
        fault.whole,
    ],
)
def test_no_secret_is_logged_or_told(
    server: RangeServer,
    files: dict[str, bytes],
    caplog: pytest.LogCaptureFixture,
    always: fault.Fault | None,
) -> None:
    url = server.put("B04.tif", files["tiles"] if always else b"no raster")
    server.always = always
    signed = url.replace("//", "//someone:s3cret@") + "?sig=t0ken#t0ken"
    caplog.set_level(logging.DEBUG)
    told = ""
    try:
        read_all(signed, QUICK)
    except (DataError, SourceError) as error:
        told = f"{error} {error!r} {error.__cause__!r}"
    assert told.startswith(url) or always is fault.whole
    logged = " ".join(record.getMessage() for record in caplog.records)
    assert "B04.tif" in logged  # the HTTP library's own words are among them
    for secret in ("s3cret", "t0ken", "someone"):
        assert secret not in told
        assert secret not in logged
    # The server, of course, is told: as credentials and query, not as address.
    assert server.asked[0].path == "/B04.tif?sig=t0ken"
    assert str(server.asked[0].headers["Authorization"]).startswith("Basic ")


def test_credentials_and_cookies_stay_with_their_server(
    server: RangeServer, files: dict[str, bytes]
) -> None:
    url = server.put("B04.tif", files["tiles"])
    with RangeServer() as other:
        target = other.put("real.tif", files["tiles"])
        server.always = fault.status(302, Location=target, Set_Cookie="id=s3cret")
        signed = url.replace("//", "//someone:s3cret@")
        read_all(signed, reach=Reach(allow_hosts=("127.0.0.1",)))
        for asked in other.asked:
            assert asked.headers["Authorization"] is None
            assert asked.headers["Cookie"] is None
        assert len(other.asked) > 1


# ----------------------------------------------------------------- hostile


def bomb(folder: Path) -> bytes:
    path = folder / "bomb.tif"
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
        crs=GRID.crs,
        transform=GRID.transform,
    ):
        pass
    return path.read_bytes()


def test_a_remote_bomb_costs_its_first_bytes(
    server: RangeServer, tmp_path: Path
) -> None:
    url = server.put("B04.tif", bomb(tmp_path))
    with pytest.raises(DataError, match="declares 200000 x 200000 pixels"):
        read_all(url)
    assert server.sent <= 2 * 65536


@pytest.mark.parametrize(
    ("content", "names"),
    [
        (b"", "is empty"),
        (b"<VRTDataset><SourceFilename>/etc/passwd", "is a GDAL virtual raster"),
        (b"\x89HDF\r\n\x1a\n" + b"\0" * 99, "is an HDF5 or netCDF file"),
        (b"<html>Sign in to continue", "is an XML or HTML page"),
        (b"II*\0\x08\0\0\0\x01\0", "directory cut off"),
    ],
)
def test_other_files_are_refused_whatever_their_name(
    server: RangeServer, content: bytes, names: str
) -> None:
    for name in ("B04.tif", "B04.jp2"):
        with pytest.raises(DataError, match=names):
            read_all(server.put(name, content))


def test_a_truncated_remote_file_is_named(
    server: RangeServer, files: dict[str, bytes]
) -> None:
    whole = files["cog"]
    url = server.put("B04.tif", whole[: len(whole) // 2])
    with pytest.raises(DataError, match=rf"B04\.tif: truncated: {len(whole) // 2} of"):
        read_all(url)


def test_a_block_of_impossible_length_is_not_fetched(
    server: RangeServer, tmp_path: Path
) -> None:
    content = bytearray(encode(tmp_path, **TILES, compress="deflate"))
    content += b"\0" * 5_000_000
    kind, count, at = _entry(content, tag=325)  # lengths of tiles
    assert (kind, count) == (4, 110)
    struct.pack_into("<I", content, at, 4_000_000)
    url = server.put("B04.tif", bytes(content))
    with pytest.raises(
        DataError, match=r"B04\.tif: damaged: a block of 8192 bytes takes 4000000"
    ):
        read_all(url)
    assert server.sent < 1_000_000


def _entry(content: bytearray, *, tag: int) -> tuple[int, int, int]:
    """Type, count and place of a tag's values."""
    head = struct.unpack_from("<I", content, 4)[0]
    count = struct.unpack_from("<H", content, head)[0]
    for at in range(head + 2, head + 2 + 12 * count, 12):
        found, kind, number, place = struct.unpack_from("<HHII", content, at)
        if found == tag:
            return kind, number, place
    raise KeyError(tag)


def test_damage_is_named_by_the_url_not_by_our_copy(
    server: RangeServer, files: dict[str, bytes]
) -> None:
    content = bytearray(files["cog"])
    content[-40_000:-20_000] = b"\xff" * 20_000
    url = server.put("B04.tif", bytes(content))
    with pytest.raises(DataError, match=r"B04\.tif: damaged, or not") as raised:
        read_all(url)
    assert "/proc" not in str(raised.value)
    assert "attempts" not in str(raised.value)


def test_nothing_is_left_on_the_disk(
    server: RangeServer, files: dict[str, bytes], tmp_path: Path
) -> None:
    url = server.put("B04.tif", files["cog"])
    with (
        RemoteSession(Reach(), QUICK, folder=tmp_path) as session,
        opened(as_asset(url), crs=GRID.crs, session=session) as source,
    ):
        source.numbers(slice(0, 600), slice(0, 700))
        assert list(tmp_path.iterdir()) == []
