"""The client, against a real server that is honest."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import requests
from tests.sensors.things import NOW, T0, Things, datastream, observation, thing

from agroforest.core.errors import ConfigurationError
from agroforest.core.reading import Quality, Reading, Sensor, Variable
from agroforest.sensors.sensorthings import (
    Client,
    Page,
    Service,
    ServiceMapping,
    read_service_mapping,
)

pytestmark = pytest.mark.enable_socket


@pytest.fixture
def site() -> Iterator[Things]:
    with Things() as running:
        yield running


def ask(site: Things, mapping: ServiceMapping | None = None) -> Client:
    return Client(Service(site.url, requests.Session()), mapping)


def read_all(client: Client, since: datetime | None = None) -> list[Page]:
    streams, problems = client.find_streams()
    assert problems == []
    (stream,) = streams
    return list(client.read_observations(stream, since=since, now=NOW))


def test_reads_sensor_and_readings(site: Things) -> None:
    site.observations["1"] = [observation(0, 31.5), observation(10, None)]
    client = ask(site)
    (stream,), problems = client.find_streams()
    assert problems == []
    assert stream.sensor == Sensor(
        id="sta:127.0.0.1/7",
        name="甘蔗地 3",
        longitude=108.35,
        latitude=22.81,
        elevation=79.0,
    )
    (page,) = client.read_observations(stream, since=None, now=NOW)
    first = Reading(
        sensor="sta:127.0.0.1/7",
        time=T0,
        variable=Variable.SOIL_MOISTURE,
        depth_m=0.1,
        value=0.315,
    )
    gone = first.patch(
        time=T0 + timedelta(minutes=10), value=None, quality=Quality.MISSING
    )
    assert page == Page(readings=(first, gone), refused=())


def test_follows_pages_to_the_end(site: Things) -> None:
    site.observations["1"] = [observation(each, each % 50) for each in range(25)]
    site.page = 10
    pages = read_all(ask(site))
    assert [len(page.readings) for page in pages] == [10, 10, 5]
    times = [reading.time for page in pages for reading in page.readings]
    assert times == [T0 + timedelta(minutes=each) for each in range(25)]


def test_asks_only_for_what_is_later(site: Things) -> None:
    site.observations["1"] = [observation(each, 30) for each in range(5)]
    (page,) = read_all(ask(site), since=T0 + timedelta(minutes=2))
    assert [r.time.minute for r in page.readings] == [3, 4]


def test_id_of_text_is_quoted(site: Things) -> None:
    site.things = [thing("the 'north' field/1")]
    site.streams = [datastream("a'b/c?d", thing="the 'north' field/1")]
    site.observations["a'b/c?d"] = [observation(0, 30)]
    (page,) = read_all(ask(site))
    assert page.readings[0].sensor == "sta:127.0.0.1/the 'north' field/1"


def test_an_interval_counts_from_its_end(site: Things) -> None:
    seen = observation(0, 30)
    seen["phenomenonTime"] = "2024-05-01T00:00:00Z/2024-05-01T09:00:00+08:00"
    site.observations["1"] = [seen]
    (page,) = read_all(ask(site))
    assert page.readings[0].time == T0 + timedelta(hours=1)


def test_flags_of_the_service_are_kept(site: Things) -> None:
    quality = [{"nameOfMeasure": "spike"}, {"nameOfMeasure": "anything"}, 5]
    site.observations["1"] = [observation(0, 30, resultQuality=quality)]
    (page,) = read_all(ask(site))
    assert page.readings[0].quality == Quality.SPIKE


@pytest.mark.parametrize(
    ("name", "units", "value", "variable", "expected"),
    [
        ("Soil Moisture", ("", "%", ""), 31, Variable.SOIL_MOISTURE, 0.31),
        ("soil_moisture", ("m3/m3", "", ""), 0.3, Variable.SOIL_MOISTURE, 0.3),
        ("VWC", ("", "m3.m-3", ""), 0.3, Variable.SOIL_MOISTURE, 0.3),
        ("土壤温度", ("", "℃", ""), 20, Variable.SOIL_TEMPERATURE, 20.0),
        ("soil-temperature", ("Cel", "", ""), 20, Variable.SOIL_TEMPERATURE, 20.0),
        ("air temperature", ("K", "", ""), 300, Variable.AIR_TEMPERATURE, 26.85),
        (
            "air temperature",
            ("", "", "Degree Celsius"),
            3,
            Variable.AIR_TEMPERATURE,
            3.0,
        ),
        ("rainfall", ("[in_i]", "", ""), 1, Variable.PRECIPITATION, 25.4),
        (
            "relative humidity",
            ("%", "%", "percent"),
            55,
            Variable.RELATIVE_HUMIDITY,
            55.0,
        ),
        ("battery voltage", ("mV", "", ""), 3300, Variable.BATTERY, 3.3),
    ],
)
def test_names_and_units(
    site: Things,
    name: str,
    units: tuple[str, str, str],
    value: float,
    variable: Variable,
    expected: float,
) -> None:
    code, symbol, unit = units
    stream = datastream(name=name)
    stream["unitOfMeasurement"] = {
        "name": unit,
        "symbol": symbol,
        "definition": f"http://unitsofmeasure.org/ucum.html#{code}" if code else "",
    }
    site.streams = [stream]
    site.observations["1"] = [observation(0, value)]
    (page,) = read_all(ask(site))
    (reading,) = page.readings
    assert reading.variable == variable
    assert reading.value == pytest.approx(expected)


def test_standard_name_in_the_definition_is_enough(site: Things) -> None:
    stream = datastream(name="Bodenwasser")
    stream["ObservedProperty"]["definition"] = (
        "http://vocab.nerc.ac.uk/standard_name/"
        "volume_fraction_of_condensed_water_in_soil/"
    )
    site.streams = [stream]
    (found,), problems = ask(site).find_streams()
    assert (found.variable, problems) == (Variable.SOIL_MOISTURE, [])


@pytest.mark.parametrize(
    ("stream", "said"),
    [
        (datastream(name="Leaf wetness"), "observes 'Leaf wetness'"),
        (datastream(unit="kg"), "has the unit 'kg'"),
        (datastream(name="rainfall", unit="mm/h"), "has the unit 'mm/h'"),
        (datastream(depth="deep"), "has the depth 'deep'"),
        (datastream(depth=True), "has the depth 'True'"),
        (datastream(depth=1e999), "has the depth 'inf'"),
        (datastream(thing=8), "is of Thing '8', which cannot be read"),
        ({"@iot.id": 3}, "there is no ObservedProperty"),
        ({"@iot.id": [3]}, "it has no @iot.id"),
        ({"@iot.id": True}, "it has no @iot.id"),
        ("a text", "there is no Datastream"),
        (None, "there is no Datastream"),
    ],
)
def test_what_is_not_understood_is_named_and_the_rest_is_read(
    site: Things, stream: object, said: str
) -> None:
    site.streams = [stream, datastream(2)]
    found, problems = ask(site).find_streams()
    assert [each.id for each in found] == ["2"]
    (problem,) = problems
    assert said in str(problem)


def test_units_that_contradict_each_other(site: Things) -> None:
    stream = datastream()
    stream["unitOfMeasurement"] = {"symbol": "%", "name": "m3/m3"}
    site.streams = [stream]
    found, (problem,) = ask(site).find_streams()
    assert found == []
    assert "several units, % and m3/m3" in str(problem)


def test_two_datastreams_of_one_series(site: Things) -> None:
    site.streams = [datastream(1, depth=None), datastream(2, depth=None)]
    found, (problem,) = ask(site).find_streams()
    assert [each.id for each in found] == ["1"]
    assert "same sensor, variable and depth as 1" in str(problem)


def test_a_mapping_stands_above_the_service(site: Things, tmp_path: Path) -> None:
    file = tmp_path / "upstream.toml"
    file.write_text(
        """
        prefix = "upstream:"
        depth_property = "tiefe"
        depth_unit = "cm"
        missing = [-9999]
        [properties]
        "Bodenfeuchte" = "soil_moisture"
        [units]
        "Vol.-%" = "%"
        [datastreams.2]
        skip = true
        [datastreams.3]
        variable = "soil_temperature"
        unit = "degF"
        depth_m = 0.3
        """,
        encoding="utf-8",
    )
    known = datastream(1, name="Bodenfeuchte", unit="Vol.-%")
    known["properties"] = {"tiefe": 20}
    site.streams = [known, datastream(2, name="?"), datastream(3, name="?", unit="?")]
    site.observations["1"] = [observation(0, 30), observation(1, -9999)]
    client = ask(site, read_service_mapping(file))
    (first, third), problems = client.find_streams()
    assert problems == []
    assert first.series == ("upstream:7", Variable.SOIL_MOISTURE, 0.2)
    assert third.series == ("upstream:7", Variable.SOIL_TEMPERATURE, 0.3)
    assert third.factor == pytest.approx(5 / 9)
    (page,) = client.read_observations(first, since=None, now=NOW)
    assert [r.value for r in page.readings] == [0.3, None]


def test_a_mapping_with_an_unknown_setting(tmp_path: Path) -> None:
    file = tmp_path / "m.toml"
    file.write_text("prefixx = 'a'\n", encoding="utf-8")
    with pytest.raises(ConfigurationError, match=r"m\.toml: prefixx"):
        read_service_mapping(file)


@pytest.mark.parametrize(
    "location",
    [
        {"type": "Point", "coordinates": [200, 10]},
        {"type": "Point", "coordinates": ["a", "b"]},
        {"type": "Point", "coordinates": [1e999, 2]},
        {"type": "Point"},
        {"type": "Feature", "geometry": None},
        {"type": "Polygon", "coordinates": [[[0, 0]]]},
        "somewhere",
    ],
)
def test_a_place_that_is_none_is_left_out(site: Things, location: object) -> None:
    site.things = [{"@iot.id": 7, "name": 5, "Locations": [{"location": location}]}]
    (stream,), _ = ask(site).find_streams()
    assert stream.sensor == Sensor(id="sta:127.0.0.1/7", name="7")


def test_a_feature_holds_a_point(site: Things) -> None:
    point = {"type": "Point", "coordinates": [108.0, 22.0]}
    feature = {"type": "Feature", "geometry": point}
    site.things = [{"@iot.id": 7, "Locations": [None, {"location": feature}]}]
    (stream,), _ = ask(site).find_streams()
    assert (stream.sensor.longitude, stream.sensor.latitude) == (108.0, 22.0)
