"""Files of uplinks."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agroforest.core.errors import ConfigurationError, DataError
from agroforest.core.reading import Quality, Variable
from agroforest.sensors import SensorFile, read_file
from agroforest.sensors.envelope import build_uplink
from agroforest.sensors.mapping import Mapping
from agroforest.sensors.uplink import read_uplinks

PLAIN = {
    "device": "LSE01",
    "eui": "A8-40-41-12-34-56-78-90",
    "time": "2024-05-01T08:00:00+08:00",
    "fport": 2,
    "hex": "0CD00000033F0714189C01",
    "longitude": 108.3,
    "latitude": 22.8,
}


def _read(tmp_path: Path, messages: object, mapping: str = "") -> SensorFile:
    path, toml = tmp_path / "up.json", tmp_path / "m.toml"
    text = messages if isinstance(messages, str) else json.dumps(messages)
    path.write_text(text, encoding="utf-8")
    toml.write_text(mapping, encoding="utf-8")
    return read_file(path, mapping=toml)


def _values(found: SensorFile) -> dict[Variable, float | None]:
    return {r.variable: r.value for r in found.readings}


def test_plain_message(tmp_path: Path) -> None:
    found = _read(tmp_path, PLAIN, "depth_m = 0.1")
    [sensor] = found.sensors
    assert (sensor.id, sensor.longitude) == ("lorawan:a840411234567890", 108.3)
    assert _values(found) == {
        Variable.SOIL_MOISTURE: 0.0831,
        Variable.SOIL_TEMPERATURE: 18.12,
        Variable.SOIL_CONDUCTIVITY: 6300.0,
        Variable.BATTERY: 3.28,
    }
    assert {r.time for r in found.readings} == {datetime(2024, 5, 1, tzinfo=UTC)}
    depths = {r.variable: r.depth_m for r in found.readings}
    assert depths[Variable.SOIL_MOISTURE] == 0.1
    assert depths[Variable.BATTERY] is None
    assert found.refused == ()


def test_a_battery_in_percent_is_kept(tmp_path: Path) -> None:
    message = PLAIN | {"device": "EM500-SMTC", "hex": "017508", "fport": 85}
    found = _read(tmp_path, message, "depth_m = 0.1")
    (reading,) = found.readings
    assert (reading.variable, reading.value) == (Variable.BATTERY_LEVEL, 8.0)
    assert reading.depth_m is None


def test_things_stack_names_the_device_itself(tmp_path: Path) -> None:
    message = {
        "end_device_ids": {"device_id": "field-3", "dev_eui": "A840411234567890"},
        "received_at": "2024-05-01T00:00:00.123456789Z",
        "uplink_message": {
            "f_port": 85,
            "frm_payload": "AXVkA2cZAQRocwV/8AA=",
            "decoded_payload": {"moisture": 99},
            "rx_metadata": [{"location": {"latitude": 1, "longitude": 2}}],
            "locations": {"user": {"latitude": 22.8, "longitude": 108.3}},
            "version_ids": {"brand_id": "milesight-iot", "model_id": "em500-smtc"},
        },
    }
    found = _read(tmp_path, message)
    [sensor] = found.sensors
    assert (sensor.name, sensor.longitude, sensor.latitude) == ("field-3", 108.3, 22.8)
    assert _values(found)[Variable.SOIL_MOISTURE] == 0.575
    assert found.readings[0].time == datetime(2024, 5, 1, 0, 0, 0, 123456, tzinfo=UTC)


@pytest.mark.parametrize(
    "message",
    [
        {
            "time": "2024-05-01T00:00:00+00:00",
            "deviceInfo": {
                "deviceName": "field 3",
                "deviceProfileName": "Dragino LSE01",
                "devEui": "a840411234567890",
            },
            "fPort": 2,
            "data": "DNAAAAM/BxQYnAE=",
        },
        {
            "deviceName": "field 3 lse01",
            "devEUI": "qEBBEjRWeJA=",
            "rxInfo": [{}, {"time": "2024-05-01T00:00:00Z"}],
            "fPort": 2,
            "data": "DNAAAAM/BxQYnAE=",
        },
    ],
)
def test_chirpstack_four_and_three(tmp_path: Path, message: object) -> None:
    found = _read(tmp_path, message)
    assert found.sensors[0].id == "lorawan:a840411234567890"
    assert _values(found)[Variable.SOIL_MOISTURE] == 0.0831
    assert found.readings[0].time == datetime(2024, 5, 1, tzinfo=UTC)


@pytest.mark.data
def test_real_payloads_of_both_servers_agree(data_dir: Path, tmp_path: Path) -> None:
    paths = sorted((data_dir / "lorawan_uplinks").glob("*/*/*/payload.json"))
    assert len(paths) == 22
    found: dict[str, list[object]] = {}
    for path in paths:
        device = path.parent.parent.name
        read = _read(tmp_path, path.read_text(), f'device = "{device}"')
        assert read.refused == ()
        found.setdefault(device, []).append(
            [(r.variable, r.value, r.quality) for r in read.readings]
        )
    assert all(loriot == things_stack for loriot, things_stack in found.values())
    [em500, _] = found["EM500-SMTC"]
    assert (Variable.SOIL_MOISTURE, 0.575, Quality.GOOD) in em500  # type: ignore[operator]


def test_levels_get_depths_or_become_sensors(tmp_path: Path) -> None:
    message = {
        "eui": "01",
        "time": "2024-05-01T00:00:00Z",
        "hex": "020b50000309018a8c09438a9809278a920b3c8aa50c9c8a8c11e08aa5"
        "00000000000000000b3b",
    }
    mapping = 'device = "DL-SMTP"\n[devices.01]\nlevels_m = [0.05, 0.15]\nname = "田"'
    found = _read(tmp_path, message, mapping)
    soil = [r for r in found.readings if r.variable == Variable.SOIL_TEMPERATURE]
    assert [(r.sensor, r.depth_m) for r in soil[:3]] == [
        ("lorawan:01", 0.05),
        ("lorawan:01", 0.15),
        ("lorawan:01#2", None),
    ]
    assert (soil[6].value, soil[6].quality) == (None, Quality.MISSING)
    assert [s.name for s in found.sensors[:2]] == ["田", "田 #2"]


def test_history_is_kept_unless_the_clock_was_wrong(tmp_path: Path) -> None:
    history = "20CE9E74466332001901C409" + "20CE0000000032001901C409"
    message = PLAIN | {"device": "EM500-SMTC", "hex": history, "fport": 85}
    found = _read(tmp_path, message)
    assert {r.time for r in found.readings} == {
        datetime(2022, 10, 12, 8, 2, 38, tzinfo=UTC)
    }
    [refused] = found.refused
    assert (
        refused.reason == "history of 1970-01-01T00:00:00+00:00 is from a wrong clock"
    )


def test_one_bad_message_does_not_stop_the_others(tmp_path: Path) -> None:
    messages = [
        PLAIN,
        3,
        PLAIN | {"eui": ""},
        PLAIN | {"eui": "<b>"},
        PLAIN | {"hex": "0x"},
        PLAIN | {"time": "2024-05-01T08:00:00"},
        PLAIN | {"time": "1970-01-01T00:00:00Z"},
        PLAIN | {"time": 1e300},
        PLAIN | {"device": ""},
        PLAIN | {"device": "toaster"},
        PLAIN | {"hex": "00"},
        PLAIN | {"hex": PLAIN["hex"] + "AABB"},  # type: ignore[operator]
    ]
    found = _read(tmp_path, messages)
    assert len(found.readings) == 4
    assert [(r.line, r.reason.split(";")[0][:60]) for r in found.refused] == [
        (2, "message is 3, not an object"),
        (3, "the message names no device"),
        (4, "device id '<b>' is none"),
        (5, "payload '0x' is not hexadecimal"),
        (6, "time '2024-05-01T08:00:00' has no time zone"),
        (7, "time '1970-01-01T00:00:00Z' is before 2015"),
        (8, "time 1e+300 cannot be read"),
        (9, "device a840411234567890: the message does not say which mode"),
        (10, "device 'toaster': has no decoder"),
        (11, "LSE01: payload '00' has 1 bytes of 11"),
        (12, "LSE01: payload '0cd00000033f0714189c01aabb' has 13 bytes of "),
    ]


def test_a_changed_port_and_a_described_device(tmp_path: Path) -> None:
    mapping = """
    [devices.01]
    device = "LSE01"
    any_port = true
    [devices.02]
    device = "ours"
    depth_m = 0.2
    [layouts.ours]
    ports = [7]
    [[layouts.ours.field]]
    name = "vwc_pct"
    offset = 0
    scale = 0.01
    [[layouts.ours.field]]
    name = "soil_temperature_c"
    offset = 2
    signed = true
    scale = 0.1
    depth_m = 0.4
    """
    messages = [
        PLAIN | {"eui": "01", "fport": 9},
        PLAIN | {"eui": "02", "fport": 7, "hex": "0BB8FF9B"},
        PLAIN | {"eui": "02", "fport": 2, "hex": "0BB8FF9B"},
    ]
    found = _read(tmp_path, messages, mapping)
    [refused] = found.refused
    assert refused.reason.startswith("described device: port 2 carries no readings")
    assert len(found.readings) == 6
    wet, warm = found.readings[-2:]
    assert (wet.value, wet.depth_m) == (0.3, 0.2)
    assert (warm.value, warm.depth_m) == (-10.1, 0.4)


def test_one_message_a_line(tmp_path: Path) -> None:
    lines = [json.dumps(PLAIN), "", "{broken", "[" * 100_000, json.dumps(PLAIN)]
    found = _read(tmp_path, "\n".join(lines))
    assert len(found.readings) == 8
    assert [r.line for r in found.refused] == [3, 4]


@pytest.mark.parametrize("text", ["{", "[1,", "[" * 100_000, '{"a":' * 100_000])
def test_not_json(tmp_path: Path, text: str) -> None:
    with pytest.raises(DataError, match=r"up\.json: is (not JSON|nested too deeply)"):
        _read(tmp_path, text)


def test_bad_coordinates_in_a_mapping(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"devices\.01\.latitude \(108\.3\)"):
        _read(tmp_path, PLAIN, "[devices.01]\nlatitude = 108.3")


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "uplink_message",
                    "end_device_ids",
                    "dev_eui",
                    "received_at",
                    "cmd",
                    "deviceInfo",
                    "devEUI",
                    "EUI",
                    "ts",
                    "data",
                    "eui",
                    "time",
                    "hex",
                    "rxInfo",
                    "locations",
                    "user",
                    "longitude",
                    "latitude",
                    "device",
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(message=_JSON)
def test_any_json_is_read_or_set_aside(message: object) -> None:
    found = read_uplinks(json.dumps(message), Path("up.json"), Mapping(device="LSE01"))
    if isinstance(message, dict):
        assert found.readings or found.refused


def test_envelope_without_a_message() -> None:
    with pytest.raises(ValueError, match="end_device_ids is None, not an object"):
        build_uplink({"uplink_message": {}})
