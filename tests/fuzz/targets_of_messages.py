"""What comes from probes, brokers and valves, and the warnings that go out."""

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from xml.etree import ElementTree

from paho.mqtt.client import topic_matches_sub
from tests.listen.conftest import NOW, make_settings
from tests.publish.cases import burn, make_facts

from agroforest.core.errors import DataError
from agroforest.listen.arrival import Arrival, decode_arrival, encode_arrival
from agroforest.listen.decode import Decoder, read_document
from agroforest.listen.routes import Routes, matches
from agroforest.listen.segment import build_frame, read_frames, sound_length
from agroforest.publish.cap import Sender, build_messages
from agroforest.publish.text import clean
from agroforest.sensors.decoders.labels import describe, flatten
from agroforest.sensors.decoders.registry import DEVICES, decode
from agroforest.sensors.sensorthings import entities
from agroforest.valves.payload import read_report
from agroforest.valves.settings import ReportSection

_DEVICES = tuple(DEVICES)
_SETTINGS = make_settings()
_DECODER = Decoder(_SETTINGS)
_ROUTES = Routes(_SETTINGS)
_TOPICS = (
    *("ttn/x", "chirpstack/application/1/device/2/event/up", "json/x"),
    *("farm/3/state", "sensorthings/v1.1/Datastreams(7)/Observations"),
)
_REPORT = ReportSection(topic="valve/1/state")
_UNIX = ReportSection(topic="valve/1/state", time_format="unix")
# Longer topics do not fit MQTT's length of 16 bits.
_LONGEST_TOPIC = 65_535


def read_payload(data: bytes) -> None:
    """First byte: which device; second: the port."""
    if len(data) < 2:
        return
    device = _DEVICES[data[0] % len(_DEVICES)]
    message = decode(device, data[2:], fport=data[1] or None)
    describe(message)
    flatten(message)


def read_message(data: bytes) -> None:
    """First byte: by which topic it came."""
    if not data:
        return
    topic = _TOPICS[data[0] % len(_TOPICS)]
    arrival = Arrival(
        received=NOW, source=f"mqtt/b/{topic}", payload=data[1:], size=len(data) - 1
    )
    outcome = _DECODER.decode(arrival)
    assert "the decoder failed" not in outcome.problem, outcome.problem
    outcome.problem.encode()


def read_arrival(data: bytes) -> None:
    arrival = decode_arrival(data)
    again = decode_arrival(encode_arrival(arrival))
    assert again.payload == arrival.payload
    assert again.received == arrival.received


def read_segment(data: bytes) -> None:
    frames = list(read_frames(data))
    edges = [0, *(frame.stop for frame in frames)]
    assert [frame.start for frame in frames] == edges[:-1]
    assert edges[-1] == len(data)
    for frame in frames:
        if frame.body is not None:
            assert build_frame(frame.body) == data[frame.start : frame.stop]
    assert sound_length(data) <= len(data)


def read_mqtt_topic(data: bytes) -> None:
    """A filter, a line end, a topic: as another implementation matches them."""
    wanted, _, topic = data.decode("utf-8", "replace").partition("\n")
    with suppress(DataError):
        _ROUTES.find(f"mqtt/b/{topic}")
    parts = wanted.split("/")
    is_filter = (
        wanted
        and "#" not in "/".join(parts[:-1])
        and all(len(part) == 1 or not set(part) & {"#", "+"} for part in parts)
    )
    is_topic = topic and not set(topic) & {"#", "+", "\0"}
    if is_filter and is_topic and len(topic) <= _LONGEST_TOPIC:
        # It takes "$" for special only at both beginnings.
        ours, theirs = matches(wanted, topic), topic_matches_sub(wanted, topic)
        assert ours == theirs or topic.startswith("$"), (wanted, topic)


def read_entities(data: bytes) -> None:
    """First byte: which entity of a service the JSON says it is."""
    try:
        fields = read_document(data[1:])
    except (ValueError, RecursionError):
        return  # of the answer that it came in
    kind = data[0] % 3
    try:
        if kind == 0:
            entities.read_thing(fields)
        elif kind == 1:
            entities.read_datastream(fields)
        else:
            entities.read_observation(fields, end=NOW)
    except ValueError:
        return  # documented


def read_valve_report(data: bytes) -> None:
    form = _UNIX if data[:1] == b"u" else _REPORT
    report = read_report("v", data[1:], form, received=NOW)
    assert report.time.utcoffset() == timedelta(0)


def write_warning(data: bytes) -> None:
    """Names of a fire's place and of who warns, written and read again."""
    text = data.decode("utf-8", "surrogateescape" if data[:1] == b"s" else "replace")
    name, _, contact = text.partition("\n")
    event = make_facts().event.patch(county=(name, name), township=(name, name))
    life = burn(event=event, gate_zh=name, gate_en=contact)
    sender = Sender(
        id="a@forestry.example", name=(name, contact), contact=contact, link=""
    )
    for message in build_messages(life.history(), sender):
        root = ElementTree.fromstring(message.xml)  # noqa: S314  what we wrote
        texts = {element.text for element in root.iter()}
        assert not clean(name) or any(clean(name) in (t or "") for t in texts)
        assert datetime.now(UTC).year >= message.sent.year
