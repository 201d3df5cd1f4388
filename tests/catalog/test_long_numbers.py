"""Numbers of more digits than Python reads, where files and servers state numbers."""

import pytest
import requests

from agroforest.catalog.href import parse_host
from agroforest.catalog.landsat import band_map, read_crs
from agroforest.catalog.precedence import baseline_number
from agroforest.cube.answer import read_part

LONG = "9" * 5000


def test_in_names_of_satellites() -> None:
    assert band_map(f"landsat-{LONG}") == band_map("landsat-5")
    assert band_map("landsat-8") == band_map("landsat-9") != band_map("landsat-5")


@pytest.mark.parametrize("zone", [LONG, "²", "", "-1"])
def test_in_zones(zone: str) -> None:
    assert read_crs({"MAP_PROJECTION": "UTM", "UTM_ZONE": zone}) is None


def test_in_baselines() -> None:
    assert baseline_number("05.10") == (5, 10)
    assert baseline_number(LONG) > (5, 10)


@pytest.mark.parametrize(
    ("status", "header", "value"),
    [
        (200, "Content-Length", LONG),
        (206, "Content-Range", f"bytes 0-1/{LONG}"),
        (206, "Content-Range", f"bytes {LONG}-{LONG}/{LONG}"),
    ],
)
def test_in_answers(status: int, header: str, value: str) -> None:
    answer = requests.Response()
    answer.status_code = status
    answer.headers[header] = value
    part = read_part(answer)
    assert part is None or (part.stop is None and part.version is None)


def test_in_addresses() -> None:
    assert parse_host("https://example.org:443/") is not None
    assert parse_host(f"https://example.org:{LONG}/") is None
