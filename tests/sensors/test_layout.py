"""Devices described in TOML."""

import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agroforest.core.errors import ConfigurationError, DataError
from agroforest.sensors.decoders import decode
from agroforest.sensors.decoders.layout import DeviceLayout, read_layout

# The LSE01 once more, as a user would describe it.
LSE01 = """
name = "our LSE01"
ports = [2]
length = 11
[[field]]
name = "battery_v"
offset = 0
bits = 14
scale = 0.001
[[field]]
name = "vwc_pct"
offset = 4
scale = 0.01
missing = [65535]
when = { offset = 10, mask = 128, equals = 0 }
[[field]]
name = "soil_temperature_c"
offset = 6
signed = true
scale = 0.01
missing = [32767]
depth_m = 0.1
when = { offset = 10, mask = 128, equals = 0 }
[[field]]
name = "dielectric"
offset = 4
scale = 0.1
when = { offset = 10, mask = 128, equals = 128 }
"""


@pytest.fixture
def layout(tmp_path: Path) -> DeviceLayout:
    (tmp_path / "d.toml").write_text(LSE01)
    return read_layout(tmp_path / "d.toml")


@pytest.mark.parametrize(
    "payload",
    ["0CD00000033F0714189C01", "0D0E000007A5FF9B00C810", "CE2900F107A5099B6E2890"],
)
def test_a_described_device_reads_as_the_known_one(
    layout: DeviceLayout, payload: str
) -> None:
    content = bytes.fromhex(payload)
    known = {m.name: m.value for m in decode("LSE01", content).measured}
    found = layout.decode(content, fport=2).measured
    assert found
    for measured in found:
        assert measured.value == pytest.approx(known[measured.name])


def test_error_values_depth_and_refusals(layout: DeviceLayout) -> None:
    found = layout.decode(bytes.fromhex("0CD00000FFFF7FFF189C01"))
    assert [(m.value, m.depth_m) for m in found.measured[1:]] == [
        (None, None),
        (None, 0.1),
    ]
    with pytest.raises(DataError, match="our LSE01: port 3 carries no readings"):
        layout.decode(bytes(11), fport=3)
    for size in (10, 12):
        with pytest.raises(DataError, match=f"has {size} bytes of 11"):
            layout.decode(bytes(size))
    with pytest.raises(DataError, match="is empty"):
        layout.decode(b"")


@pytest.mark.parametrize(
    ("field", "problem"),
    [
        ('name = "wetness"\noffset = 0', "name 'wetness' is none of"),
        ('name = "vwc_pct"\noffset = -1', "offset"),
        ('name = "vwc_pct"\noffset = 0\nbit = 10\nbits = 7', "beyond 2 bytes"),
        ('name = "vwc_pct"\noffset = 0\ntype = "float"', "4 or 8 bytes"),
        ('name = "vwc_pct"\noffset = 0\nscale = nan', "finite"),
        ('name = "vwc_pct"\noffset = 0\nunit = "%"', "unit"),
    ],
)
def test_a_wrong_description_is_one_line(
    tmp_path: Path, field: str, problem: str
) -> None:
    path = tmp_path / "d.toml"
    path.write_text(f"[[field]]\n{field}\n")
    with pytest.raises(ConfigurationError, match=problem) as raised:
        read_layout(path)
    assert "d.toml" in str(raised.value)
    path.write_text(f"length = 3\n[[field]]\n{field}\n")
    with pytest.raises(ConfigurationError):
        read_layout(path)


@given(
    number=st.integers(-(2**31), 2**31 - 1),
    endian=st.sampled_from(["big", "little"]),
    offset=st.integers(0, 9),
    tail=st.binary(max_size=4),
)
def test_written_then_read_is_the_same(
    number: int, endian: str, offset: int, tail: bytes
) -> None:
    layout = DeviceLayout.model_validate(
        {
            "length": offset + 4 + len(tail),
            "field": [
                {
                    "name": "vwc_pct",
                    "offset": offset,
                    "length": 4,
                    "endian": endian,
                    "signed": True,
                }
            ],
        }
    )
    order = ">" if endian == "big" else "<"
    payload = bytes(offset) + struct.pack(order + "i", number) + tail
    [found] = layout.decode(payload).measured
    assert found.value == number


def test_floats_and_bits() -> None:
    layout = DeviceLayout.model_validate(
        {
            "field": [
                {"name": "vwc_pct", "offset": 0, "length": 4, "type": "float"},
                {
                    "name": "soil_temperature_c",
                    "offset": 4,
                    "bit": 4,
                    "bits": 12,
                    "signed": True,
                    "scale": 0.1,
                    "add": -1.0,
                },
                {"name": "battery_v", "offset": 5, "length": 1, "bits": 4},
            ]
        }
    )
    found = layout.decode(struct.pack(">f", 31.5) + bytes.fromhex("FFB7"))
    assert [m.value for m in found.measured] == [31.5, -1.5, 7.0]
    nan = layout.decode(struct.pack(">f", float("nan")) + bytes(2))
    assert nan.measured[0].value is None
