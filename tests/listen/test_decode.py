"""From a message to readings, or to the reason why not."""

import json
import math
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from paho.mqtt.client import topic_matches_sub
from tests.listen.conftest import NOW, make_arrival, make_settings

from agroforest.core.reading import Quality, Variable
from agroforest.listen.arrival import Arrival
from agroforest.listen.decode import Decoder, Outcome
from agroforest.listen.routes import build_http_source, find_event, matches
from agroforest.listen.settings import ListenSettings
from agroforest.testing.uplinks import START, build_sent_uplink

LSE01 = "0CD00000033F0714189C01"
CHIRPSTACK = {
    "deviceInfo": {
        "devEui": "a84041ffff180049",
        "deviceName": "cane",
        "deviceProfileName": "Dragino LSE01",
    },
    "time": "2026-06-01T11:00:00+00:00",
    "fPort": 2,
    "data": "DNAAAAM/BxQYnAE=",
}


def decode(payload: object, topic: str, **more: object) -> Outcome:
    content = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    return Decoder(make_settings(**more)).decode(make_arrival(content, topic))


def values(outcome: Outcome) -> dict[Variable, float | None]:
    return {reading.variable: reading.value for _, reading in outcome.found}


def test_the_things_stack() -> None:
    outcome = decode(build_sent_uplink(3, 0).payload, "ttn/x")
    assert outcome.problem == ""
    assert {r.time for _, r in outcome.found} == {START + timedelta(milliseconds=3)}
    assert {s.id for s, _ in outcome.found} == {"lorawan:a840410000000003"}
    assert values(outcome) == {
        Variable.BATTERY: 3.3,
        Variable.SOIL_MOISTURE: 0.2,
        Variable.SOIL_TEMPERATURE: 15.03,
        Variable.SOIL_CONDUCTIVITY: 100.0,
    }


def test_chirpstack_and_a_table_of_devices() -> None:
    nameless = CHIRPSTACK | {"deviceInfo": {"devEui": "A8-40-41-FF-FF-18-00-49"}}
    topic = "chirpstack/application/1/device/a84041ffff180049/event/up"
    named = decode(CHIRPSTACK, topic)
    assert values(named)[Variable.SOIL_MOISTURE] == 0.0831
    assert "does not say which model" in decode(nameless, topic).problem
    devices = {"a84041ffff180049": {"device": "LSE01", "depth_m": 0.3, "name": "蔗"}}
    told = decode(nameless, topic, devices=devices)
    assert values(told) == values(named)
    sensor, reading = next(
        p for p in told.found if p[1].variable is Variable.SOIL_MOISTURE
    )
    assert (sensor.name, reading.depth_m) == ("蔗", 0.3)


def test_a_plain_uplink_needs_no_mapping() -> None:
    message = {
        "device": "LSE01",
        "eui": "a84041ffff180049",
        "time": "2026-06-01T10:00:00Z",
        "fport": 2,
        "hex": LSE01,
    }
    assert values(decode(message, "json/x"))[Variable.SOIL_TEMPERATURE] == 18.12


def test_an_object_by_its_mapping() -> None:
    now = NOW.timestamp()
    outcome = decode(
        {"ts": now, "soil": {"moisture": 23.5}, "batt": -9999}, "farm/3/state"
    )
    (sensor, moisture), (_, battery) = outcome.found
    assert (sensor.id, moisture.time) == ("3", NOW)
    assert (moisture.value, moisture.depth_m) == (0.235, 0.1)
    assert (battery.value, battery.quality) == (None, Quality.MISSING)


def test_good_objects_of_a_list_are_kept() -> None:
    good = {"ts": NOW.timestamp(), "batt": 3300}
    outcome = decode(
        [good, {"ts": "never", "batt": 1}, good | {"x": 1}], "farm/3/state"
    )
    assert [r.value for _, r in outcome.found] == [3.3, 3.3]
    assert outcome.problem == "object 2: time 'never' cannot be read"


@pytest.mark.parametrize(
    ("topic", "more"),
    [
        ("sensorthings/v1.1/Datastreams(7)/Observations", {}),
        ("sensorthings/v1.1/Datastreams('7')/Observations", {}),
        ("sensorthings/v1.1/Observations", {"Datastream": {"@iot.id": 7}}),
    ],
)
def test_an_observation(topic: str, more: dict[str, object]) -> None:
    when = "2026-06-01T10:00:00Z/2026-06-01T11:00:00Z"
    outcome = decode({"phenomenonTime": when, "result": 31.5} | more, topic)
    ((sensor, reading),) = outcome.found
    assert (sensor.id, reading.value, reading.depth_m) == ("farm:7", 0.315, 0.2)
    assert reading.time == NOW - timedelta(hours=1)


def test_an_observation_that_is_not_ours() -> None:
    topic = "sensorthings/v1.1/Datastreams(8)/Observations"
    assert (
        "[datastreams.8] is not in the settings" in decode({"result": 1}, topic).problem
    )
    assert "names a Datastream" in decode({"result": 1}, "sensorthings/x").problem


@pytest.mark.parametrize(
    "topic",
    [
        "ttn/v3/farm@ttn/devices/p/join",
        "ttn/v3/farm@ttn/devices/p/down/queued",
        "chirpstack/application/1/device/2/event/status",
        "chirpstack/application/1/device/2/event/join",
    ],
)
def test_other_news_of_servers_is_no_dead_letter(topic: str) -> None:
    assert decode({"anything": 1}, topic) == Outcome(found=[])


def test_other_news_by_http(settings: ListenSettings) -> None:
    settings = ListenSettings.model_validate(
        {
            "webhook": {
                "token_env": "TOKEN",
                "path": [{"path": "/c", "kind": "chirpstack"}],
            }
        }
    )
    body = json.dumps(CHIRPSTACK).encode()

    def post(event: str) -> Outcome:
        source = build_http_source("/c", event)
        assert find_event(source) == event
        arrival = Arrival(received=NOW, source=source, payload=body, size=len(body))
        return Decoder(settings).decode(arrival)

    assert len(post("up").found) == len(post("").found) == 4
    assert post("join") == Outcome(found=[])


def test_no_rule_for_a_topic() -> None:
    assert "no topic or path of the settings fits" in decode({}, "elsewhere").problem


def test_a_decoder_with_a_bug_is_a_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise IndexError("off by one")

    monkeypatch.setattr("agroforest.listen.decode.build_readings", fail)
    outcome = decode(build_sent_uplink(0, 0).payload, "ttn/x")
    assert outcome.problem == "the decoder failed: IndexError('off by one')"


def _ttn(**changes: object) -> dict[str, object]:
    message: dict[str, object] = json.loads(build_sent_uplink(0, 0).payload)
    return message | changes


POISON = {
    "empty": (b"", "the message is empty"),
    "white": (b" \n", "the message is empty"),
    "not UTF-8": (b"\xff\xfe{}", "is not UTF-8"),
    "not JSON": (b"{'a': 1}", "is not JSON"),
    "cut": (build_sent_uplink(0, 0).payload[:-1], "is not JSON"),
    "deep": (b"[" * 10_000 + b"]" * 10_000, "nested too deeply"),
    "deep object": (b'{"a":' * 10_000 + b"1" + b"}" * 10_000, "nested too deeply"),
    "1e999": (b'{"time": 1e999}', "number 1e999 is too large"),
    "NaN": (b'{"time": NaN}', "NaN is no number"),
    "-Infinity": (b'{"time": -Infinity}', "-Infinity is no number"),
    "digits": (b'{"time": ' + b"9" * 5000 + b"}", ""),
    "list": (b"[1, 2]", "not an object"),
    "number": (b"7", "not an object"),
    "1970": (
        json.dumps(_ttn(received_at="1970-01-01T00:00:00Z")).encode(),
        "before 2015",
    ),
    "2106": (
        json.dumps(_ttn(received_at="2106-02-07T06:28:15Z")).encode(),
        "in the future",
    ),
    "zoneless": (
        json.dumps(_ttn(received_at="2026-06-01T00:00:00")).encode(),
        "no time zone",
    ),
    "nameless": (json.dumps(_ttn(end_device_ids={})).encode(), "names no device"),
    "surrogate": (
        json.dumps(
            _ttn(end_device_ids={"device_id": "\ud800", "dev_eui": "A" * 16})
        ).encode(),
        "cannot be kept",
    ),
    "NUL": (
        json.dumps(
            _ttn(end_device_ids={"device_id": "a\0b", "dev_eui": "A" * 16})
        ).encode(),
        "cannot be kept",
    ),
}


@pytest.mark.parametrize("name", POISON)
def test_poison_has_a_reason(name: str) -> None:
    payload, reason = POISON[name]
    outcome = decode(payload, "ttn/x")
    assert outcome.found == []
    assert reason in outcome.problem
    assert outcome.problem
    assert len(outcome.problem) <= 500


@given(
    payload=st.binary(max_size=200)
    | st.recursive(
        st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=8),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(
                    [
                        "uplink_message",
                        "end_device_ids",
                        "received_at",
                        "result",
                        "ts",
                        "soil",
                        "moisture",
                        "deviceInfo",
                        "devEui",
                        "time",
                        "data",
                        "hex",
                        "eui",
                        "EUI",
                        "phenomenonTime",
                        "Datastream",
                        "@iot.id",
                        "frm_payload",
                        "dev_eui",
                    ]
                ),
                inner,
                max_size=4,
            )
        ),
        max_leaves=12,
    )
)
def test_no_message_raises(payload: object) -> None:
    for topic in ("ttn/x", "chirpstack/up", "json/x", "sensorthings/x", "farm/3/state"):
        outcome = decode(payload, topic)
        assert "the decoder failed" not in outcome.problem
        for _, reading in outcome.found:
            assert reading.value is None or math.isfinite(reading.value)


def test_a_clock_that_was_never_set_refuses_nothing_of_today(
    settings: ListenSettings,
) -> None:
    unset = START.replace(year=1970)
    arrival = make_arrival(build_sent_uplink(0, 0).payload, received=unset)
    assert len(Decoder(settings).decode(arrival).found) == 4


_LEVEL = st.sampled_from(["a", "b", "", "$SYS", "田"])


@given(
    wanted=st.lists(_LEVEL | st.just("+"), min_size=1, max_size=4),
    topic=st.lists(_LEVEL, min_size=1, max_size=4),
    rest=st.booleans(),
)
def test_topics_match_as_the_broker_matches(
    wanted: list[str], topic: list[str], rest: bool
) -> None:
    filter_ = "/".join([*wanted, *(["#"] if rest else [])])
    name = "/".join(topic)
    if filter_ and name:
        assert matches(filter_, name) == topic_matches_sub(filter_, name)


def test_a_shared_subscription_is_routed() -> None:
    topic = {"filter": "$share/two/ttn/#", "kind": "ttn"}
    broker = [{"name": "b", "host": "127.0.0.1", "topic": [topic]}]
    settings = ListenSettings.model_validate({"broker": broker})
    arrival = make_arrival(build_sent_uplink(0, 0).payload)
    assert len(Decoder(settings).decode(arrival).found) == 4


def test_real_messages(data_dir: Path) -> None:
    folder = data_dir / "lorawan_uplinks" / "Decentlab"
    files = sorted(folder.glob("*/ThingsStackCommunity/payload.json"))
    assert len(files) >= 8
    for file in files:
        model = file.parents[1].name
        outcome = decode(file.read_bytes(), "ttn/x", device=model)
        assert outcome.problem == "", model
