"""The client, against a real server that means no good."""

import json
import time
import zlib
from collections.abc import Callable, Iterator
from urllib.parse import unquote

import pytest
import requests
from tests.sensors.things import (
    NOW,
    ROOT,
    Fault,
    Handler,
    Things,
    datastream,
    observation,
    on,
)

from agroforest.core.errors import ConfigurationError, DataError, SourceError
from agroforest.sensors.sensorthings import Client, Limits, Page, Service

pytestmark = pytest.mark.enable_socket


@pytest.fixture
def site() -> Iterator[Things]:
    with Things() as running:
        running.observations["1"] = [observation(0, 30)]
        yield running


def ask(site: Things, **limits: float) -> Client:
    chosen = Limits(**({"backoff": 0.0, "request_seconds": 5.0} | limits))  # type: ignore[arg-type]
    return Client(Service(site.url, requests.Session(), limits=chosen))


def read_all(client: Client) -> list[Page]:
    (stream,), _ = client.find_streams()
    return list(client.read_observations(stream, since=None, now=NOW))


def page(*observations: object, link: object = None) -> dict[str, object]:
    document: dict[str, object] = {"value": list(observations)}
    return document if link is None else document | {"@iot.nextLink": link}


# ------------------------------------------------------------------- links


@pytest.mark.parametrize(
    "link",
    [
        "http://169.254.169.254/latest/meta-data/",
        "http://127.0.0.1:1/FROST-Server/v1.1/Observations",
        "https://127.0.0.1/FROST-Server/v1.1/Observations",
        "file:///etc/passwd",
        "ftp://127.0.0.1/FROST-Server/v1.1/x",
        "//example.org/FROST-Server/v1.1/x",
        "http://127.0.0.1@example.org/FROST-Server/v1.1/x",
        "/admin",
        "/FROST-Server/v1.1/../../admin",
        "/FROST-Server/v1.1/%2e%2e/%2E%2E/admin",
        "/FROST-Server/v1.1x/Observations",
        "http://[::1",
        "http://127.0.0.1:99999999/FROST-Server/v1.1/x",
        "javascript:alert(1)",
        "x" * 100_000,
        "/FROST-Server/v1.1/a\r\nHost: b",
        5,
        {"a": 1},
        "",
    ],
)
def test_pages_never_lead_out_of_the_service(site: Things, link: object) -> None:
    site.fault = on("/Observations", page(observation(0, 30), link=link))
    before = len(site.asked)
    with pytest.raises(DataError):
        read_all(ask(site))
    asked = site.asked[before:]
    assert all(path.startswith(ROOT) and ".." not in unquote(path) for path in asked)


def test_another_user_or_port_is_another_service(site: Things) -> None:
    for link in (
        site.url.replace("//", "//user:secret@"),
        site.url.replace("127.0.0.1", "localhost"),
    ):
        site.fault = on("/Observations", page(link=f"{link}/Observations"))
        with pytest.raises(DataError, match="leads elsewhere") as caught:
            read_all(ask(site))
        assert "secret" not in str(caught.value)


def test_pages_in_a_circle(site: Things) -> None:
    def circle(handler: Handler, path: str) -> bool:
        if "/Observations" not in path:
            return False
        other = "b" if path.endswith("skip=a") else "a"
        link = f"{ROOT}/Datastreams(1)/Observations?skip={other}"
        handler.answer(200, json.dumps(page(link=link)).encode())
        return True

    site.fault = circle
    with pytest.raises(DataError, match="circle"):
        read_all(ask(site))
    assert len(site.asked) < 10


def endless(handler: Handler, path: str) -> bool:
    """Every page has another one behind it."""
    if "/Observations" not in path:
        return False
    number = int(path.rpartition("=")[2]) if "page=" in path else 0
    link = f"{ROOT}/Datastreams(1)/Observations?page={number + 1}"
    handler.answer(200, json.dumps(page(observation(number, 30), link=link)).encode())
    return True


@pytest.mark.parametrize(
    ("limits", "said"),
    [
        ({"documents": 20}, "after 20 answers"),
        ({"total_bytes": 3000}, "after 3000 bytes"),
        ({"seconds": 0.3}, r"after 0\.3 s"),
    ],
)
def test_pages_without_end(site: Things, limits: dict[str, float], said: str) -> None:
    site.fault = endless
    with pytest.raises(SourceError, match=said):
        read_all(ask(site, **limits))


def test_more_things_than_anybody_has(site: Things) -> None:
    site.streams = [datastream(number) for number in range(50)]
    with pytest.raises(DataError, match="more than 20 Datastreams"):
        ask(site, entities=20).find_streams()


def test_a_redirect_is_told_and_not_followed(site: Things) -> None:
    site.fault = on("", b"", status=302, Location="http://user:pw@10.0.0.1/x")
    with pytest.raises(ConfigurationError, match=r"leads to 'http://10\.0\.0\.1/x'"):
        ask(site).find_streams()
    assert len(site.asked) == 1


# ------------------------------------------------------------------ answers


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"\xff\xfe\x00",
        b"[1, 2]",
        b"NaN",
        b"[" * 100_000,
        b'{"value": ' + b"[" * 100_000,
        b'{"value": ' + b"9" * 5000 + b"}",
        b'{"value": null}',
        b'{"value": {"a": 1}}',
        b'{"value": "text"}',
        b"{}",
    ],
)
def test_an_answer_that_is_no_page(site: Things, body: bytes) -> None:
    site.fault = on("/Observations", body)
    with pytest.raises(DataError):
        read_all(ask(site))


@pytest.mark.parametrize(
    ("seen", "said"),
    [
        (observation(0, float("nan")), "its result is nan"),
        (observation(0, float("inf")), "its result is inf"),
        (observation(0, "wet"), "'wet' is no number"),
        (observation(0, [1]), "its result is a list"),
        (observation(0, {"a": 1}), "its result is a dict"),
        (observation(0, 10**400), "is no number"),
        (observation(0, True), "its result is a bool"),
        ({"phenomenonTime": "2024-05-01T00:00:00Z"}, "it has no result"),
        ({"result": 1}, "it has no phenomenonTime"),
        ({"result": 1, "phenomenonTime": 5}, "it has no phenomenonTime"),
        ({"result": 1, "phenomenonTime": "2024-05-01T00:00:00"}, "no time zone"),
        ({"result": 1, "phenomenonTime": "yesterday"}, "cannot be read"),
        ({"result": 1, "phenomenonTime": "0001-01-01T00:00:00+14:00"}, "cannot be"),
        ({"result": 1, "phenomenonTime": "2106-02-07T06:28:15Z"}, "is to come"),
        (
            {
                "result": 1,
                "phenomenonTime": "2024-05-02T00:00:00Z/2024-05-01T00:00:00Z",
            },
            "ends before it begins",
        ),
        ("text", "there is no Observation"),
        (None, "there is no Observation"),
    ],
)
def test_an_observation_that_is_none_is_set_aside(
    site: Things, seen: object, said: str
) -> None:
    site.observations["1"] = [observation(0, 30), seen, observation(9, 31)]
    (found,) = read_all(ask(site))
    assert [reading.value for reading in found.readings] == [0.3, 0.31]
    (refused,) = found.refused
    assert refused.line == 2
    assert said in refused.reason


def test_a_number_beyond_all_numbers(site: Things) -> None:
    text = json.dumps(page(observation(0, 1))).replace('"result": 1', '"result": 1e999')
    site.fault = on("/Observations", text.encode())
    (found,) = read_all(ask(site))
    assert (found.readings, found.refused[0].reason) == ((), "its result is inf")


def test_a_number_that_our_unit_cannot_hold(site: Things) -> None:
    site.streams = [datastream(name="soil conductivity", unit="S/m")]
    site.observations["1"] = [observation(0, 1e308)]
    (found,) = read_all(ask(site))
    assert "out of all bounds" in found.refused[0].reason


def test_another_order_than_asked_for(site: Things) -> None:
    site.observations["1"] = [observation(5, 30), observation(4, 30)]
    with pytest.raises(DataError, match="order of time was asked for"):
        read_all(ask(site))


def test_an_answer_that_is_too_big(site: Things) -> None:
    site.fault = on("/Observations", b" " * 300_000)
    with pytest.raises(DataError, match="more than 200000 bytes"):
        read_all(ask(site, document_bytes=200_000))


def test_an_answer_that_unpacks_to_too_much(site: Things) -> None:
    packer = zlib.compressobj(wbits=31)
    bomb = packer.compress(b" " * 50_000_000) + packer.flush()
    assert len(bomb) < 100_000
    site.fault = on("/Observations", bomb, Content_Encoding="gzip")
    with pytest.raises(DataError, match="more than 200000 bytes"):
        read_all(ask(site, document_bytes=200_000))


def test_an_answer_that_claims_to_be_packed(site: Things) -> None:
    site.fault = on("/Observations", b"not gzip", Content_Encoding="gzip")
    with pytest.raises(SourceError, match="broke off"):
        read_all(ask(site))


def test_an_answer_a_byte_at_a_time(site: Things) -> None:
    def drip(handler: Handler, path: str) -> bool:
        if "/Observations" not in path:
            return False
        handler.send_response(200)
        handler.send_header("Content-Length", "100000")
        handler.end_headers()
        handler.close_connection = True
        try:
            for _ in range(200):
                handler.wfile.write(b" ")
                time.sleep(0.02)
        except OSError:
            pass
        return True

    site.fault = drip
    with pytest.raises(SourceError, match="is too slow"):
        read_all(ask(site, request_seconds=0.3, retries=0))


def test_an_answer_that_never_comes(site: Things) -> None:
    def sleep(_handler: Handler, path: str) -> bool:
        if "/Observations" not in path:
            return False
        time.sleep(0.6)
        return False

    site.fault = sleep
    with pytest.raises(SourceError, match="ReadTimeout"):
        read_all(ask(site, request_seconds=0.2, retries=0))


def test_a_connection_that_breaks_is_made_again(site: Things) -> None:
    site.fault = some_times(
        2, lambda handler: setattr(handler, "close_connection", True)
    )
    (found,) = read_all(ask(site))
    assert len(found.readings) == 1


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_a_fault_that_passes(site: Things, status: int) -> None:
    site.fault = some_times(3, lambda handler: handler.answer(status, Retry_After="0"))
    (found,) = read_all(ask(site))
    assert len(found.readings) == 1


def test_a_fault_that_stays(site: Things) -> None:
    site.fault = on("/Observations", b"", status=500)
    with pytest.raises(SourceError, match="answered with status 500"):
        read_all(ask(site))
    assert sum("/Observations" in path for path in site.asked) == 4


@pytest.mark.parametrize(
    ("status", "said"),
    [(400, "status 400"), (401, "netrc"), (403, "netrc"), (404, "status 404")],
)
def test_a_refusal_is_not_asked_again(site: Things, status: int, said: str) -> None:
    site.fault = on("/Observations", b"", status=status)
    with pytest.raises(ConfigurationError, match=said):
        read_all(ask(site))
    assert sum("/Observations" in path for path in site.asked) == 1


def test_a_server_that_is_no_service(site: Things) -> None:
    site.fault = on(ROOT, {"value": [{"name": ["Things"]}, {"name": "Things"}, 5]})
    with pytest.raises(ConfigurationError, match="lists no Datastreams, Observations"):
        ask(site).find_streams()


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd",
        "ftp://example.org/v1.1",
        "example.org/v1.1",
        "https://user:secret@example.org/v1.1",
        "https://example.org/v1.1?token=secret",
        "https://example.org/v1.1#x",
        "http://exa mple.org/v1.1",
        "http:///v1.1",
        "http://[::1/v1.1",
        "http://example.org:0/v1.1",
        "http://example.org:99999/v1.1",
        "",
    ],
)
def test_addresses_that_are_none(url: str) -> None:
    with pytest.raises(ConfigurationError, match="no plain http") as caught:
        Service(url, requests.Session())
    assert "secret" not in str(caught.value)


def some_times(times: int, fault: Callable[[Handler], None]) -> Fault:
    """Do something a few times, then answer properly."""
    left = [times]

    def act(handler: Handler, path: str) -> bool:
        if "/Observations" not in path or not left[0]:
            return False
        left[0] -= 1
        fault(handler)
        return True

    return act
