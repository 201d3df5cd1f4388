"""Bytes of real devices."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agroforest.core.errors import ConfigurationError, DataError
from agroforest.sensors.decoders import (
    DEVICES,
    NAMES,
    Message,
    decode,
    find_device,
    match_devices,
)
from agroforest.sensors.decoders.labels import LABELS
from agroforest.sensors.decoders.sensecap import crc16_kermit
from agroforest.sensors.envelope import build_uplink


def _values(message: Message) -> dict[str, float | None]:
    return {m.name: m.value for m in message.measured if m.level is None}


def _levels(message: Message, name: str) -> list[float | None]:
    return [m.value for m in message.measured if m.name == name]


@pytest.mark.data
def test_every_vector_comes_out_right(data_dir: Path) -> None:
    vectors = json.loads((data_dir / "lorawan_uplinks/vectors.json").read_text())
    assert len(vectors) == 9
    for vector in vectors:
        message = decode(
            vector["device"],
            bytes.fromhex(vector["hex"]),
            fport=vector.get("fport"),
            firmware=vector.get("firmware"),
        )
        found: dict[str, object] = dict(_values(message))
        found["device_id"] = message.device_id
        found["history"] = [
            {"unix_time": k.time.timestamp(), **{m.name: m.value for m in k.measured}}
            for k in message.history
        ]
        for name, value in vector["expect"].items():
            plain = name.split("_", 1)[1] if name[0].isdigit() else name
            if isinstance(value, float):
                assert found[plain] == pytest.approx(value, abs=1e-9), vector
            else:
                assert found[plain] == value, vector


def test_lse01_raw_mode_needs_firmware_121() -> None:
    payload = bytes.fromhex("CE2900F107A5099B6E2890")
    assert _values(decode("LSE01", payload, firmware="1.2.0"))["vwc_pct"] == 19.57
    for firmware in ("1.2.1", "v1.3.0", "9" * 5000, None):
        values = _values(decode("LSE01", payload, firmware=firmware))
        assert values == {
            "battery_v": 3.625,
            "external_temperature_c": 24.1,
            "dielectric": 195.7,
            "raw_moisture": 2459.0,
            "raw_conductivity": 28200.0,
        }


@pytest.mark.parametrize(
    ("fields", "missing"),
    [
        ("0CCC 033F 0714 189C", {"external_temperature_c"}),
        ("7FFF 033F 0714 189C", {"external_temperature_c"}),
        ("0000 033F 0714 189C", {"external_temperature_c"}),
        ("0001 FFFF FFFF FFFF", {"vwc_pct", "soil_temperature_c", "ec_us_cm"}),
        ("0001 033F 0714 FFFF", {"ec_us_cm"}),
        ("0001 033F 7FFF 189C", {"soil_temperature_c"}),
        ("FFFF 033F FFFF 189C", set()),  # -0.1 and -0.01 degrees are temperatures
        ("0001 0000 0000 0000", set()),  # a dry probe at freezing point
    ],
)
def test_lse01_error_values_are_missing(fields: str, missing: set[str]) -> None:
    values = _values(decode("LSE01", bytes.fromhex(f"0CD0 {fields} 10"), fport=2))
    assert {name for name, value in values.items() if value is None} == missing


def test_em500_channels() -> None:
    message = decode(
        "EM500-SMTC",
        bytes.fromhex("FF0BFF 83D7F6FF0A0002 04CA1027 057FFDFF 04685A FF18 0300"),
        fport=85,
    )
    assert [(m.name, m.value) for m in message.measured] == [
        ("soil_temperature_c", -1.0),
        ("temperature_change_c", 1.0),
        ("temperature_alarm", 2.0),
        ("vwc_pct", 100.0),
        ("ec_us_cm", None),
        ("vwc_pct", 45.0),
    ]


@pytest.mark.parametrize(
    ("payload", "name", "value"),
    [
        ("0367 0C FE", "soil_temperature_c", -50.0),
        ("0367 FEFF", "soil_temperature_c", -0.2),
        ("8367 E703 01", "soil_temperature_c", 99.9),
        ("0468 C8", "vwc_pct", 100.0),
        ("0468 FF", "vwc_pct", None),
        ("04CA FDFF", "vwc_pct", None),
        ("057F 204E", "ec_us_cm", 20000.0),
        ("0175 FF", "battery_pct", None),
        ("0175 00", "battery_pct", 0.0),
    ],
)
def test_em500_numbers(payload: str, name: str, value: float | None) -> None:
    found = _values(decode("EM500-SMTC", bytes.fromhex(payload)))
    assert found[name] == value


def test_em500_joining() -> None:
    joined = decode(
        "EM500-SMTC",
        bytes.fromhex("FF0BFF FF0101 FF166126A10184350009 FF090310 FF0A0115 FF0F00"),
    )
    assert joined.measured == ()
    assert dict(joined.about) == {
        "serial_number": "6126a10184350009",
        "hardware": "3.10",
        "firmware": "1.15",
    }


def test_em500_history_with_errors() -> None:
    payload = bytes.fromhex("20CE9E744663FFFFFDFFFFFF" * 2)
    history = decode("EM500-SMTC", payload).history
    assert [kept.time for kept in history] == [
        datetime(2022, 10, 12, 8, 2, 38, tzinfo=UTC)
    ] * 2
    assert {m.value for kept in history for m in kept.measured} == {None}


def test_decentlab_profiles() -> None:
    smtp = decode(
        "DL-SMTP",
        bytes.fromhex(
            "020b50000309018a8c09438a9809278a920b3c8aa50c9c8a8c11e08aa5"
            "00000000000000000b3b"
        ),
    )
    assert _levels(smtp, "soil_temperature_c") == [
        27.0, 27.12, 27.06, 27.25, 27.0, 27.25, None, None,
    ]  # fmt: skip
    assert _levels(smtp, "profile_moisture")[:2] == [-0.39, -0.258]
    assert _levels(smtp, "profile_moisture")[6:] == [None, None]
    assert _values(smtp) == {"battery_v": 2.875}
    assert smtp.device_id == 2896
    assert _values(decode("DL-SMTP", bytes.fromhex("020b5000020b3b"))) == {
        "battery_v": 2.875
    }


@pytest.mark.parametrize(
    ("device", "payload", "expected"),
    [
        (
            "DL-TRS11",
            "0210d50003463f810b0c79",
            {
                "vwc_m3_m3": 0.00196057,
                "dielectric": 1.0259018697121183,
                "soil_temperature_c": 26.7,
                "battery_v": 3.193,
            },
        ),
        (
            "DL-TRS21",
            "0201920003007580a10c25",
            {
                "water_potential_kpa": -11.7,
                "soil_temperature_c": 16.1,
                "battery_v": 3.109,
            },
        ),
        (
            "DL-5TM",
            "02023b0003003702710c60",
            {
                "vwc_m3_m3": -0.0215397767,
                "dielectric": 1.1,
                "soil_temperature_c": 22.5,
                "battery_v": 3.168,
            },
        ),
        (
            "DL-LWS",
            "0211110003409a00860c54",
            {"leaf_wetness": 0.04884648323059082, "battery_v": 3.156},
        ),
        (
            "DL-TRS12",
            "0210d300030000 0000 ffff 0c80",
            {
                "vwc_m3_m3": None,
                "dielectric": None,
                "soil_temperature_c": None,
                "ec_us_cm": None,
                "battery_v": 3.2,
            },
        ),
        ("Kiwi", "00d35a00bd0a0a", {"battery_pct": 90.0, "battery_days": 2570.0}),
    ],
)
def test_single_level_devices(
    device: str, payload: str, expected: dict[str, float | None]
) -> None:
    found = _values(decode(device, bytes.fromhex(payload)))
    assert found == pytest.approx(expected, abs=1e-12)


def test_drill_and_drop() -> None:
    payload = (
        "0243e300058000800080008000800080008741877b8749876c876c8766"
        "00000000000000000000014a09e3"
    )
    message = decode("DL-SDD", bytes.fromhex(payload))
    assert _levels(message, "vwc_pct") == [0.0] * 6
    assert _levels(message, "soil_temperature_c")[:3] == [18.57, 19.15, 18.65]
    assert _levels(message, "profile_salinity")[5] == 230.0
    assert _values(message) == {"battery_v": 2.531}


@pytest.mark.parametrize(
    ("device", "payload", "message"),
    [
        ("LSE01", "0CD0", "payload '0cd0' has 2 bytes of 11"),
        ("LSE01", "", "LSE01: payload is empty"),
        ("EM500-SMTC", "0367190100", "has '00' at byte 4, which is no channel"),
        ("EM500-SMTC", "0167", "has '0167' at byte 0, which is no channel"),
        ("DL-TRS12", "0210d3000346be813d00000c8000", "has 9 bytes of words, its flags"),
        ("DL-TRS12", "0210d3000746be813d00000c80", "announces more than the 2 groups"),
        ("SE01-LB", "0CAF0CCC09E808CE0CBD50", "has 11 bytes of 15"),
        ("SE01-LB", "0CAF0CCC09E808CE0CBD1000000001", "has 15 bytes of 11"),
        ("Kiwi", "00d35a00", "has '00' at byte 3, which is no known channel"),
        ("SenseCAP-S210x", "01061000f35f", "is no whole number of records"),
        ("EM500-SMTC", "0175640367FF", "ends inside channel 0367"),
        ("DL-TRS12", "01", "ends inside its header"),
        ("DL-TRS12", "0110d300010c80", "has protocol version 1"),
        ("DL-TRS12", "0210d3000346be813d0000", "has 6 bytes of words, its flags say 8"),
        ("SenseCAP-S210x", "01011098530000010210A87A0000AF52", "fails its checksum"),
        ("SenseCAP-S210x", "0000", "fails its checksum"),
    ],
)
def test_damaged_payload_is_refused(device: str, payload: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        decode(device, bytes.fromhex(payload))


def test_port_without_readings_is_refused() -> None:
    with pytest.raises(DataError, match="port 5 carries no readings"):
        decode("LSE01", bytes(11), fport=5)


@given(
    device=st.sampled_from(sorted(DEVICES)),
    payload=st.binary(max_size=80),
    port=st.sampled_from([None, 1, 2, 3, 5, 10, 85]),
)
def test_any_bytes_are_decoded_or_refused(
    device: str, payload: bytes, port: int | None
) -> None:
    try:
        message = decode(device, payload, fport=port)
    except DataError as error:
        assert str(error).count("\n") == 0  # noqa: PT017  the other branch is fine too
        return
    for measured in message.measured:
        assert measured.value is None or abs(measured.value) < 1e10


_SOUND = {
    "LSE01": (2, "0CD00000033F0714189C01"),
    "SE01-LB": (2, "0CAF0CCC09E808CE0CBD10"),
    "LMS01-LB": (2, "0CAF0CCC021B00FA000001"),
    "EM500-SMTC": (85, "01756403671901046873057ff000"),
    "DL-TRS11": (1, "0210d50003463f810b0c79"),
    "DL-TRS12": (1, "0210d3000346be813d00000c80"),
    "DL-TRS21": (1, "0201920003007580a10c25"),
    "DL-5TM": (1, "02023b0003003702710c60"),
    "DL-LWS": (1, "0211110003409a00860c54"),
    "Kiwi": (10, "00d35a00bd0a0a"),
}


@pytest.mark.parametrize("device", sorted(_SOUND))
def test_cut_padded_empty_and_on_another_port(device: str) -> None:
    port, text = _SOUND[device]
    payload = bytes.fromhex(text)
    assert decode(device, payload, fport=port).measured
    whole = {bytes.fromhex("017564"), bytes.fromhex("01756403671901")}
    whole |= {bytes.fromhex("01756403671901046873"), bytes.fromhex("00d35a")}
    for end in range(len(payload)):
        if payload[:end] not in whole:  # a list of channels that is cut between two
            with pytest.raises(DataError):
                decode(device, payload[:end], fport=port)
    for more in (b"\0", b"\0\0", b"\xff\xff", bytes(4)):
        with pytest.raises(DataError):
            decode(device, payload + more, fport=port)
    for other in {0, 1, 2, 10, 85, 224} - {port}:
        with pytest.raises(DataError, match=f"port {other} carries no readings"):
            decode(device, payload, fport=other)


def test_checksum_of_the_catalogue() -> None:
    assert crc16_kermit(b"123456789") == 0x2189  # the check value of the algorithm


@pytest.mark.parametrize(
    ("text", "device"),
    [
        ("dragino lse01", "LSE01"),
        ("Dragino LSE01 EU868 v1.2", "LSE01"),
        ("DL_TRS12", "DL-TRS12"),
        ("milesight em500-smtc", "EM500-SMTC"),
        ("SenseCAP S2103", "SenseCAP-S210x"),
        ("sensecaps2104-soil-moisture-temp", "SenseCAP-S210x"),
        ("SE01-LS", "SE01-LB"),
        ("dragino lms01-lb", "LMS01-LB"),
        ("LSE011", None),
        ("", None),
    ],
)
def test_devices_are_found_by_whole_words(text: str, device: str | None) -> None:
    assert find_device(text) == device


def test_every_name_has_words_in_both_languages() -> None:
    assert set(LABELS) == NAMES
    assert all(zh and en for zh, en, _ in LABELS.values())


def test_unknown_device() -> None:
    with pytest.raises(ConfigurationError, match="device 'toaster': has no decoder"):
        decode("toaster", b"")


def test_bytes_that_only_one_device_sends() -> None:
    def match(payload: str, port: int | None = None) -> list[str]:
        return match_devices(bytes.fromhex(payload), port)

    assert match("20CE9E74466332001901C409", 85) == ["EM500-SMTC"]
    assert match("0210d3000346be813d00000c80", 1) == ["DL-TRS12"]
    assert match("01011098530000010210A87A0000AF51", 2) == ["SenseCAP-S210x"]
    assert match("00d35a00bd0a0a", 10) == ["Kiwi"]  # a Clover's are the same
    assert len(match("0210d50003463f810b0c79", 1)) > 1
    assert match("00") == []


@pytest.mark.data
def test_every_recorded_uplink_comes_out_right(data_dir: Path) -> None:
    """The other project's answers, but for those that are known to be wrong."""
    names = {
        "battery": "battery_pct",
        "battery_voltage": "battery_v",
        "dielectric_permittivity": "dielectric",
        "ec": "ec_us_cm",
        "electrical_conductivity": "ec_us_cm",
        "leaf_wetness_index": "leaf_wetness",
        "rem_batt_capacity": "battery_pct",
        "rem_batt_days": "battery_days",
        "soil_temperature": "soil_temperature_c",
        "temperature": "soil_temperature_c",
        "volumetric_water_content": "vwc_m3_m3",
        "water_potential": "water_potential_kpa",
    }
    compared = 0
    for path in sorted((data_dir / "lorawan_uplinks").glob("*/*/*/payload.json")):
        uplink = build_uplink(json.loads(path.read_text()))
        message = decode(path.parts[-3], uplink.payload, fport=uplink.fport)
        answer = json.loads((path.parent / "result.json").read_text())
        answer = answer[0] if isinstance(answer, list) else answer
        found = _values(message)
        for name, value in answer["telemetry"][0]["values"].items():
            if name in names:
                assert found[names[name]] == pytest.approx(value), path
                compared += 1
    assert compared >= 50
