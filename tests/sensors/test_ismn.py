"""ISMN files."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from agroforest.core.errors import DataError
from agroforest.core.reading import Quality, Reading, Sensor, Variable
from agroforest.sensors import read_file

NAME = "NET_NET_ST-1_sm_0.050000_0.100000_Probe_20200101_20201231.stm"
HEADER = "NET NET ST_1 22.8 108.3 75.0 0.05 0.10 Probe"
CEOP = "{0} {0} NET NET ST_1 22.8 108.3 75.0 0.05 0.10 {1}"


def _write(
    folder: Path, lines: list[str], ending: str = "\n", name: str = NAME
) -> Path:
    path = folder / name
    path.write_bytes(ending.join([*lines, ""]).encode())
    return path


def _reading(hour: int, value: float | None, quality: Quality) -> Reading:
    return Reading(
        sensor="ismn:NET/ST-1",
        time=datetime(2020, 1, 1, hour, tzinfo=UTC),
        variable=Variable.SOIL_MOISTURE,
        depth_m=0.075,
        value=value,
        quality=quality,
    )


ROWS = [
    "2020/01/01 00:00 0.25 G M",
    "2020/01/01 01:00 0.61 C02,D06 M",
    "2020/01/01 02:00 -9999.0 M M",
    "2020/01/01 03:00 0.25 D01,D03 M",
]
READINGS = (
    _reading(0, 0.25, Quality.GOOD),
    _reading(1, 0.61, Quality.RANGE | Quality.SPIKE),
    _reading(2, None, Quality.MISSING),
    _reading(3, 0.25, Quality.FROZEN),
)
STATION = Sensor(
    id="ismn:NET/ST-1", name="NET ST-1", longitude=108.3, latitude=22.8, elevation=75.0
)


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_header_form(tmp_path: Path, ending: str) -> None:
    found = read_file(_write(tmp_path, [HEADER, *ROWS], ending))
    assert found.format == "ismn"
    assert found.sensors == (STATION,)
    assert found.readings == READINGS
    assert found.source_flags == ("G", "C02,D06", "M", "D01,D03")
    assert found.refused == ()


def test_ceop_form_gives_the_same(tmp_path: Path) -> None:
    lines = [CEOP.format(row[:16], row[17:]) for row in ROWS]
    found = read_file(_write(tmp_path, lines))
    assert (found.sensors, found.readings) == ((STATION,), READINGS)
    assert found.source_flags == ("G", "C02,D06", "M", "D01,D03")


def test_bad_lines_are_set_aside(tmp_path: Path) -> None:
    rows = [
        ROWS[0],
        "2020/13/01 00:00 0.25 G M",
        "2020/01/01 05:00",
        "2020/01/01 06:00 nan G M",
        "2020/01/01 07:00 wet G M",
    ]
    found = read_file(_write(tmp_path, [HEADER, *rows]))
    assert found.readings == READINGS[:1]
    assert [r.line for r in found.refused] == [3, 4, 5, 6]
    ceop = [CEOP.format("2020/01/01 00:00", "0.25 G M").replace("22.8", "222.8")]
    found = read_file(_write(tmp_path, [*ceop, "2020/01/01 00:00"]))
    assert [(r.line, r.reason) for r in found.refused] == [
        (1, "latitude 222.8, longitude 108.3 is nowhere"),
        (2, "incomplete line '2020/01/01 00:00'"),
    ]


@pytest.mark.parametrize(
    ("name", "header", "message"),
    [
        ("a.stm", HEADER, "its name does not say what was measured"),
        (NAME.replace("_sm_", "_su_"), HEADER, "holds 'su'"),
        (NAME, HEADER.replace("108.3", "east"), "its first line is damaged"),
    ],
)
def test_whole_file_is_refused(
    tmp_path: Path, name: str, header: str, message: str
) -> None:
    with pytest.raises(DataError, match=message):
        read_file(_write(tmp_path, [header, *ROWS], name=name))


@pytest.mark.data
@pytest.mark.parametrize(
    ("station", "count", "sensor", "depth_m"),
    [
        ("COSMOS/ARM-1", 6865, "ismn:COSMOS/ARM-1", 0.095),
        ("MAQU/CST-01", 15927, "ismn:MAQU/CST-01", 0.05),
        ("SCAN/AdamsRanch#1", 57940, "ismn:SCAN/Adams-Ranch-#1", 0.05),
        ("SOILSCAPE/node703", 6093, "ismn:SOILSCAPE/node703", 0.05),
    ],
)
def test_real_stations(
    data_dir: Path, station: str, count: int, sensor: str, depth_m: float
) -> None:
    [path] = (data_dir / "soil_ismn" / station).glob("*.stm")
    found = read_file(path)
    assert len(found.readings) == len(found.source_flags) == count
    assert found.refused == ()
    assert [s.id for s in found.sensors] == [sensor]
    assert {r.depth_m for r in found.readings} == {depth_m}
    assert all(0 <= (r.value or 0) <= 0.6 for r in found.readings)
