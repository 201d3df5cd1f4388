"""Dragino's SE01-LB and LMS01-LB: reading, log and state."""

from datetime import UTC, datetime

import pytest

from agroforest.core.errors import DataError
from agroforest.sensors.decoders import Kept, Message, decode


def _values(found: Message | Kept) -> dict[str, float | None]:
    return {m.name: m.value for m in found.measured}


def test_soil_reading() -> None:
    # 3247 mV, no cable probe, 25.36 %, 22.54 degrees, 3261 uS/cm, probe found.
    found = decode("SE01-LB", bytes.fromhex("0CAF0CCC09E808CE0CBD10"), fport=2)
    assert _values(found) == {
        "battery_v": 3.247,
        "external_temperature_c": None,
        "vwc_pct": 25.36,
        "soil_temperature_c": 22.54,
        "ec_us_cm": 3261.0,
    }


def test_frost_and_a_cable_probe() -> None:
    found = decode("SE01-LS", bytes.fromhex("CCAF FF3F 09E8 FF9B 0000 10"))
    assert _values(found)["battery_v"] == 3.247  # two high bits are no battery
    assert _values(found)["external_temperature_c"] == -19.3
    assert _values(found)["soil_temperature_c"] == -1.01


def test_raw_mode_and_counting() -> None:
    found = decode("SE01-LB", bytes.fromhex("0CAF0CCC00CD08CE0CBDD0 00010000"))
    assert _values(found) == {
        "battery_v": 3.247,
        "external_temperature_c": None,
        "dielectric": 20.5,
        "raw_moisture": 2254.0,
        "raw_conductivity": 3261.0,
        "pulse_count": 65536.0,
    }


def test_without_a_probe_there_is_no_soil() -> None:
    found = _values(decode("SE01-LB", bytes.fromhex("0CAF0CCC00000000000000")))
    assert found["vwc_pct"] is None
    assert found["soil_temperature_c"] is None
    assert found["ec_us_cm"] is None
    # Some firmware never reports the probe as found; its numbers are numbers.
    found = _values(decode("SE01-LB", bytes.fromhex("0CAF0CCC09E808CE0CBD00")))
    assert found["vwc_pct"] == 25.36


def test_log_of_the_soil_probe() -> None:
    entries = "09E8 FF9B 0CBD 40 64000000" + "00" * 11 + "FFFF 0000 FFFF 40 64000E10"
    found = decode("SE01-LB", bytes.fromhex(entries), fport=3)
    assert found.measured == ()
    first, second = found.history
    assert first.time == datetime(2023, 3, 2, 1, 46, 40, tzinfo=UTC)
    assert _values(first) == {
        "vwc_pct": 25.36,
        "soil_temperature_c": -1.01,
        "ec_us_cm": 3261.0,
    }
    assert set(_values(second).values()) == {None}
    with pytest.raises(DataError, match="has 12 bytes of a multiple of 11"):
        decode("SE01-LB", bytes(12), fport=3)


def test_state() -> None:
    found = decode("SE01-LB", bytes.fromhex("26 0123 0B FF 0CAF"), fport=5)
    assert _values(found) == {"battery_v": 3.247}
    assert dict(found.about) == {"firmware": "1.2.3", "band": "CN470", "sub_band": ""}
    with pytest.raises(DataError, match="is of model 0x26, not 0x2d"):
        decode("LMS01-LB", bytes.fromhex("26 0123 0B FF 0CAF"), fport=5)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ("021B 00FA", (53.9, 25.0)),
        ("03E8 FFF6", (100.0, -1.0)),
        ("0000 FFFF", (0.0, -0.1)),
        ("FFFF FFFF", (None, None)),
        ("021B 7FFF", (53.9, None)),
    ],
)
def test_leaf_reading(fields: str, expected: tuple[float | None, ...]) -> None:
    found = _values(decode("LMS01-LB", bytes.fromhex(f"0CAF0CCC{fields}000001")))
    assert (found["leaf_moisture_pct"], found["leaf_temperature_c"]) == expected
    assert found["external_temperature_c"] is None


@pytest.mark.parametrize("fields", ["0CCC 021B FFF6", "021B FFF6 0CCC"])
def test_log_of_the_leaf_probe(fields: str) -> None:
    found = decode("LMS01-LB", bytes.fromhex(f"{fields} 40 64000000"), fport=3)
    [kept] = found.history
    assert _values(kept) == {
        "external_temperature_c": None,
        "leaf_moisture_pct": 53.9,
        "leaf_temperature_c": -1.0,
    }
