"""SenseCAP: records about the soil and about the device."""

from agroforest.sensors.decoders import Message, decode
from agroforest.sensors.decoders.sensecap import crc16_kermit


def _decode(records: str) -> Message:
    content = bytes.fromhex(records)
    return decode(
        "SenseCAP S2105", content + crc16_kermit(content).to_bytes(2, "little")
    )


def _values(message: Message) -> dict[str, float | None]:
    return {m.name: m.value for m in message.measured}


def test_messages_of_the_user_guide() -> None:
    battery = "00070064000500010610B45F0000010710A41F00003259"
    found = decode("S2104", bytes.fromhex(battery))
    assert _values(found) == {
        "battery_pct": 100.0,
        "soil_temperature_c": 24.5,
        "vwc_pct": 8.1,
    }
    assert dict(found.about) == {"interval_min": "5"}
    start = "0000000101000100070064003C00012001000000002890"
    found = decode("S2104", bytes.fromhex(start))
    assert _values(found) == {"battery_pct": 100.0}
    assert dict(found.about) == {
        "hardware": "1.0",
        "firmware": "1.1",
        "interval_min": "60",
        "probe": "removed",
    }


def test_frost_salt_and_errors() -> None:
    found = _values(
        _decode("01061018FCFFFF 010C10B4000000 01071080943577 010E1000000080")
    )
    assert found == {
        "soil_temperature_c": -1.0,
        "ec_us_cm": 180.0,
        "vwc_pct": None,  # 2 000 001 and the smallest number are no water contents
    }


def test_four_levels() -> None:
    found = _decode("012A1010270000 012D10204E0000 0131100CFEFFFF")
    assert [(m.name, m.value, m.level, m.depth_m) for m in found.measured] == [
        ("vwc_pct", 10.0, 0, 0.1),
        ("vwc_pct", 20.0, 3, 0.4),
        ("soil_temperature_c", -0.5, 3, 0.4),
    ]


def test_two_channels_are_told_apart() -> None:
    found = _decode("010610E8030000 020610D0070000")
    assert [(m.value, m.level) for m in found.measured] == [(1.0, 0), (2.0, 1)]


def test_what_nobody_knows_keeps_its_number() -> None:
    [one] = _decode("01041010270000").measured
    assert (one.name, one.value, one.code) == ("sensecap_4100", 10.0, 4100)
