"""Readings of a service into a real store: what is new, once."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from urllib.parse import unquote

import pytest
from tests.sensors.things import NOW, T0, Things, datastream, observation, on

from agroforest.core.errors import DataError, SourceError
from agroforest.core.reading import Quality, Reading, Variable
from agroforest.nightly.pull import OVERLAP, Pulled, PulledStream, pull
from agroforest.sensors.sensorthings import Limits
from agroforest.store import Store, open_store

pytestmark = pytest.mark.enable_socket

SENSOR = "sta:127.0.0.1/7"
DAY = 24 * 60


@pytest.fixture
def site() -> Iterator[Things]:
    with Things(page=100) as running:
        yield running


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(tmp_path / "agroforest.db") as opened:
        yield opened


def stored(store: Store) -> list[Reading]:
    return store.readings([SENSOR], T0 - timedelta(days=999), NOW)


def ask(site: Things, store: Store, **limits: float) -> Pulled:
    chosen = Limits(**({"backoff": 0.0} | limits))  # type: ignore[arg-type]
    return pull(site.url, store, now=NOW, limits=chosen)


def test_nothing_is_stored_twice_and_what_comes_late_is_found(
    site: Things, store: Store
) -> None:
    hourly = [observation(60 * each, 30 + each % 7) for each in range(250)]
    site.observations["1"] = hourly[:200]
    (first,) = ask(site, store).streams
    assert (first.added, first.known) == (200, 0)

    site.asked.clear()
    site.observations["1"] = sorted(
        [*hourly, observation(60 * 199 - DAY + 30, 31)],
        key=lambda each: str(each["phenomenonTime"]),
    )
    (second,) = ask(site, store).streams
    assert (second.added, second.conflicts) == (51, 0)
    newest = T0 + timedelta(hours=199)
    wanted = (newest - OVERLAP).isoformat(timespec="microseconds")
    assert wanted.replace("+00:00", "Z") in unquote(site.asked[-1])

    (third,) = ask(site, store).streams
    assert third.added == 0
    assert len(stored(store)) == 251


def test_since_asks_again_for_what_is_older(site: Things, store: Store) -> None:
    hourly = [observation(60 * each, 30) for each in range(200)]
    site.observations["1"] = hourly[150:]
    assert ask(site, store).streams[0].added == 50
    site.observations["1"] = hourly
    assert ask(site, store).streams[0].added < 150
    (told,) = pull(site.url, store, now=NOW, since=T0 - timedelta(days=1)).streams
    assert told.added + told.known == 200
    assert len(stored(store)) == 200


def test_stops_half_way_and_goes_on(site: Things, store: Store) -> None:
    site.observations["1"] = [observation(60 * each, 30) for each in range(450)]
    first = ask(site, store, documents=6)
    assert "is not at its end after 6 answers" in first.stopped
    assert 0 < len(stored(store)) < 450
    again = [ask(site, store, documents=6) for _ in range(3)]
    assert again[-1].stopped == ""
    assert len({reading.time for reading in stored(store)}) == 450


def test_one_datastream_never_stops_another(site: Things, store: Store) -> None:
    site.streams = [
        datastream(1, name="Leaf wetness"),
        datastream(2, depth=0.2),
        datastream(3, depth=0.3),
    ]
    site.observations = {"3": [observation(0, 30)]}
    site.fault = on("Datastreams(2)/Obs", {"value": 5})
    done = ask(site, store)
    assert ["observes 'Leaf wetness'" in problem for problem in done.problems] == [True]
    assert [(one.id, one.added, bool(one.problem)) for one in done.streams] == [
        ("2", 0, True),
        ("3", 1, False),
    ]
    assert done.stopped == ""


def test_a_service_that_goes_away(site: Things, store: Store) -> None:
    site.streams = [datastream(each, depth=each / 10) for each in (1, 2, 3)]
    site.observations = {"1": [observation(0, 30)], "3": [observation(0, 30)]}
    site.fault = on("Datastreams(2)/Obs", b"", status=503)
    done = ask(site, store)
    assert "answered with status 503" in done.stopped
    assert [one.id for one in done.streams] == ["1", "2"]
    assert len(stored(store)) == 1


def test_a_service_that_is_not_there(store: Store) -> None:
    with Things() as site:
        gone = site.url
    with pytest.raises(SourceError, match="did not answer"):
        pull(gone, store, now=NOW, limits=Limits(backoff=0.0))


def test_doubtful_readings_are_flagged_across_pages(site: Things, store: Store) -> None:
    values = [30.0 + each % 3 / 10 for each in range(300)]
    values[100] = 99.0
    site.observations["1"] = [
        observation(60 * each, value) for each, value in enumerate(values)
    ]
    (told,) = ask(site, store).streams
    assert told == PulledStream(
        id="1",
        name="Soil moisture of 7",
        sensor=SENSOR,
        variable="soil_moisture",
        depth_m=0.1,
        added=300,
        flagged=told.flagged,
    )
    odd = [reading for reading in stored(store) if reading.quality & Quality.RANGE]
    assert [reading.time for reading in odd] == [T0 + timedelta(hours=100)]


def test_a_reading_from_the_future_does_not_stop_the_pulling(
    site: Things, store: Store
) -> None:
    site.observations["1"] = [observation(0, 30)]
    ask(site, store)
    store.add_readings(
        [
            Reading(
                sensor=SENSOR,
                time=NOW + timedelta(days=9999),
                variable=Variable.SOIL_MOISTURE,
                depth_m=0.1,
                value=0.3,
            )
        ]
    )
    soon = NOW - timedelta(hours=1)
    minutes = (soon - T0) / timedelta(minutes=1)
    site.observations["1"].append(observation(minutes, 31))
    assert ask(site, store).streams[0].added == 1


def test_what_is_set_aside_is_counted_and_shown(site: Things, store: Store) -> None:
    site.observations["1"] = [observation(each, "wet") for each in range(150)]
    (told,) = ask(site, store).streams
    assert told.refused == 150
    assert [row.line for row in told.reasons] == [1, 2, 3, 4, 5]


def test_a_name_that_stands_for_our_own_network(
    monkeypatch: pytest.MonkeyPatch, site: Things, store: Store
) -> None:
    port = site.url.split(":")[2].partition("/")[0]
    address = [(2, 1, 6, "", ("127.0.0.1", int(port)))]
    monkeypatch.setattr("socket.getaddrinfo", lambda *_args, **_more: address)
    url = f"http://sensors.example.org:{port}/FROST-Server/v1.1"
    with pytest.raises(DataError, match="in the network of this machine"):
        pull(url, store, now=NOW)
    allowed = pull(url, store, now=NOW, allow_hosts=("sensors.example.org",))
    assert len(allowed.streams) == 1
