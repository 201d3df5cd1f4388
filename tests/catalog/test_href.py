"""Addresses of items: which may be followed, in every spelling."""

import json
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.catalog.conftest import MakeGranule, MakeRaster

from agroforest.catalog import recognise
from agroforest.catalog.href import (
    Reach,
    is_nearby,
    is_public,
    parse_host,
    redact,
    resolve_href,
)
from agroforest.catalog.items import build_item
from agroforest.catalog.stac_item import read_item
from agroforest.core.errors import DataError

FOREIGN = Reach(local=False)
ITEM = "https://stac.example.org/items/x"

ANYWHERE_ELSE = [
    "https://sentinel-cogs.s3.us-west-2.amazonaws.com/a/B04.tif",
    "http://93.184.216.34/B04.tif",
    "https://data.example.org:8443/a/B04.tif?sig=abc&se=2024",
    "https://[2606:4700:4700::1111]/B04.tif",
    "HTTPS://Data.Example.ORG./B04.tif",
]
FILES = [
    "file:///etc/passwd",
    "FILE:///etc/passwd",
    "file:/etc/passwd",
    "/etc/passwd",
    "/vsicurl/http://169.254.169.254/",
    "/vsis3/bucket/key.tif",
    "GTIFF_DIR:1:/etc/a.tif",
    "a/b.tif",
]
NOT_PLAIN = [
    "s3://bucket/key.tif",
    "ftp://example.org/a.tif",
    "gopher://example.org/",
    "http://",
    "http:///etc/passwd",
    "http://example.org:0/",
    "http://example.org:99999/",
    "http://example.org:port/",
    "http://[::1/",
    "http://exa mple.org/",
    "http://example.org\\@127.0.0.1/",
    "http://example.org/\n/a.tif",
    "http://127.0.0.%31/",
    "http://\uff11\uff12\uff17.0.0.1/",  # full-width digits
    "http://1.2.3.4.5/",
    "http://999.1.1.1/",
    "http://example.0x/",
]
NEARBY = [
    "http://169.254.169.254/latest/meta-data/",
    "http://127.0.0.1:8080/",
    "http://127.1/",
    "http://2130706433/",
    "http://0x7f000001/",
    "http://0x7f.1/",
    "http://0177.0.0.1/",
    "http://017700000001/",
    "http://0/",
    "http://0.0.0.0/",
    "http://10.1.2.3/",
    "http://172.16.0.1/",
    "http://192.168.1.1/",
    "http://100.64.0.1/",
    "http://100.100.100.200/",
    "http://224.0.0.1/",
    "http://255.255.255.255/",
    "http://[::1]/",
    "http://[::]/",
    "http://[::127.0.0.1]/",
    "http://[::ffff:169.254.169.254]/",
    "http://[::ffff:a9fe:a9fe]/",
    "http://[64:ff9b::a9fe:a9fe]/",
    "http://[2002:a9fe:a9fe::1]/",
    "http://[fe80::1]/",
    "http://[fd00:ec2::254]/",
    "http://localhost/",
    "http://LOCALHOST./",
    "http://db.localhost/",
    "http://minio:9000/",
    "http://printer.local/",
    "http://metadata.google.internal/",
    "http://nas.home.arpa/",
]


@pytest.mark.parametrize("href", ANYWHERE_ELSE)
def test_the_public_internet_may_be_reached(href: str) -> None:
    FOREIGN.check(href)


@pytest.mark.parametrize(
    ("href", "names"),
    [
        *((href, "is a file of the machine that reads it") for href in FILES),
        *((href, "is no plain http or https address") for href in NOT_PLAIN),
        *((href, "leads into the network") for href in NEARBY),
        ("https://user:s3cret@example.org/a.tif", "holds a user name or password"),
        ("https://token@example.org/a.tif", "holds a user name or password"),
    ],
)
def test_nothing_else_may(href: str, names: str) -> None:
    with pytest.raises(DataError, match=names) as refused:
        FOREIGN.check(href, where=ITEM)
    assert str(refused.value).startswith(f"{ITEM}: ")
    assert "\n" not in str(refused.value)
    assert "s3cret" not in str(refused.value)


@pytest.mark.parametrize("href", [*ANYWHERE_ELSE, *FILES, *NEARBY])
def test_items_of_this_machine_may_lead_anywhere(href: str) -> None:
    Reach().check(href)


@pytest.mark.parametrize(
    ("entry", "href"),
    [
        ("minio", "http://minio:9000/a.tif"),
        ("minio:9000", "http://MINIO.:9000/a.tif"),
        ("10.1.2.3", "https://10.1.2.3/a.tif"),
        ("[::1]:80", "http://[::1]/a.tif"),
        ("::1", "http://[::1]:9/a.tif"),
    ],
)
def test_named_hosts_may_be_reached(entry: str, href: str) -> None:
    Reach(local=False, allow_hosts=(entry,)).check(href)
    with pytest.raises(DataError):
        Reach(local=False, allow_hosts=("minio:1", "10.1.2.4")).check(href)


@pytest.mark.parametrize(
    ("reach", "name", "address", "permitted"),
    [
        (FOREIGN, "example.org", "93.184.216.34", True),
        (FOREIGN, "example.org", "169.254.169.254", False),
        (FOREIGN, "example.org", "::ffff:10.0.0.1", False),
        (FOREIGN, "localhost", "127.0.0.1", False),
        # What an item here spells out is meant; what a name turns out to be is not.
        (Reach(), "example.org", "169.254.169.254", False),
        (Reach(), "example.org", "127.0.0.1", False),
        (Reach(), "minio", "10.0.0.1", True),
        (Reach(), "127.0.0.1", "127.0.0.1", True),
        (Reach(allow_hosts=("example.org",)), "example.org", "10.0.0.1", True),
        (Reach(allow_hosts=("example.org:80",)), "example.org", "10.0.0.1", False),
    ],
)
def test_a_name_is_judged_by_what_it_stands_for(
    reach: Reach, name: str, address: str, *, permitted: bool
) -> None:
    assert reach.permits(name, 443, address) is permitted


def test_a_redirect_may_lead_back_or_to_the_public() -> None:
    reach = Reach().after_redirect("http://127.0.0.1:8000/a.tif")
    reach.check("http://127.0.0.1:8000/b.tif")
    reach.check("https://example.org/b.tif")
    for href in ("http://127.0.0.1:9200/", "file:///etc/passwd", *NEARBY):
        with pytest.raises(DataError):
            reach.check(href)


@given(st.ip_addresses(v=4))
def test_an_address_is_as_near_in_any_spelling(address: Any) -> None:
    number = int(address)
    a, b, c, d = number.to_bytes(4, "big")
    spellings = [str(number), hex(number), f"0{number:o}", f"{a}.{number & 0xFFFFFF}"]
    spellings.append(f"{a:#x}.{b}.0{c:o}.{d}")
    assert {is_nearby(text) for text in spellings} == {not is_public(address)}
    mapped = ip_address(f"::ffff:{address}")
    assert is_public(mapped) == is_public(address)


@given(st.text(max_size=30))
def test_no_text_breaks_the_judgement(text: str) -> None:
    for href in (text, f"http://{text}", f"http://{text}/a", f"https://a.org/{text}"):
        try:
            FOREIGN.check(href)
        except DataError:
            continue
        host = parse_host(href)
        assert host is not None
        assert not is_nearby(host.name)


@pytest.mark.parametrize(
    ("url", "clean"),
    [
        ("https://u:p@x.org:8/a?token=1#f", "https://x.org:8/a"),
        ("https://x.org/a", "https://x.org/a"),
        ("http://u:p@[::1/a?token=1", "http://…"),
        ("/data/what?.tif", "/data/what?.tif"),
    ],
)
def test_secrets_are_cut_out_of_urls(url: str, clean: str) -> None:
    assert redact(url) == clean


# ------------------------------------------------------------------- items


def item(href: str, **changes: Any) -> dict[str, Any]:
    asset = {"href": href, "proj:code": "EPSG:32649", "gsd": 10}
    return {
        "type": "Feature",
        "stac_version": "1.0.0",
        "id": "S2B_49QBF_20240301_0_L2A",
        "collection": "sentinel-2-l2a",
        "geometry": {
            "type": "Polygon",
            "coordinates": [[[108, 23], [109, 23], [109, 24], [108, 24], [108, 23]]],
        },
        "properties": {
            "datetime": "2024-03-01T03:16:02Z",
            "platform": "sentinel-2b",
            "s2:processing_baseline": "05.10",
            "earthsearch:boa_offset_applied": True,
            "proj:code": "EPSG:32649",
        },
        "assets": {"red": asset, "scl": {**asset, "href": "https://a.org/scl.tif"}},
        **changes,
    }


@pytest.mark.parametrize(
    "href",
    [*FILES[:5], *NEARBY[:3], "//169.254.169.254/x", "s3://b/k", "http:/etc/passwd"],
)
@pytest.mark.parametrize("base", [ITEM, "file:///srv/items/x", "/srv/items/x"])
def test_a_foreign_item_that_leads_too_far_is_refused(href: str, base: str) -> None:
    with pytest.raises(DataError, match=r"^https://stac\.example"):
        read_item(item(href), base=base, where=ITEM, reach=FOREIGN)


def test_a_relative_address_stays_at_its_server() -> None:
    granule = read_item(item("../../../etc/B04.tif"), base=ITEM, reach=FOREIGN)
    assert granule.bands["B04"].href == "https://stac.example.org/etc/B04.tif"


def test_a_foreign_item_in_our_own_form_is_judged_too(
    make_granule: MakeGranule,
) -> None:
    ours = build_item(make_granule())
    assert read_item(ours, base=ITEM).bands["B04"].href == "/data/B04.tif"
    with pytest.raises(DataError, match=r"/data/B04\.tif is a file of the machine"):
        read_item(ours, base=ITEM, reach=FOREIGN)


def test_an_item_of_this_machine_names_its_files(
    make_raster: MakeRaster, tmp_path: Path
) -> None:
    red = make_raster(tmp_path / "B04.tif")
    make_raster(tmp_path / "scl.tif")
    value = item(f"file://{red}")
    value["assets"]["scl"]["href"] = "./scl.tif"
    path = tmp_path / "item.json"
    path.write_text(json.dumps(value))
    (granule,) = recognise(path)
    assert granule.bands["B04"].href == str(red)
    assert granule.mask.href == str(tmp_path / "scl.tif")


def test_relative_addresses_start_at_their_item() -> None:
    assert resolve_href("b.tif", "https://a.org/x/item.json") == "https://a.org/x/b.tif"
    assert resolve_href("file:///a%20b.tif", "x") == "/a b.tif"
    assert resolve_href("./b.tif", "/x/item.json") == "/x/b.tif"
