"""CSV files and their mappings."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from agroforest.core.errors import AgroforestError, ConfigurationError, DataError
from agroforest.core.reading import Quality, Reading, Sensor, Variable
from agroforest.sensors import Refused, SensorFile, read_file
from agroforest.sensors.mapping import read_mapping
from agroforest.sensors.units import convert, resolve_unit

WIDE = """
timezone = "+08:00"
missing = ["-9999"]

[time]
column = "时间"

[sensor]
id = "farm:3"
name = "甘蔗地 3"
longitude = 108.35
latitude = 22.81

[[value]]
column = "SM10"
variable = "soil_moisture"
unit = "%"
depth_m = 0.1

[[value]]
column = "T"
variable = "soil_temperature"
unit = "K"
depth_m = 0.1
"""


def _read(tmp_path: Path, text: str, mapping: str | None = None) -> SensorFile:
    path, toml = tmp_path / "a.csv", tmp_path / "m.toml"
    path.write_bytes(text.encode())
    if mapping is None:
        return read_file(path)
    toml.write_text(mapping, encoding="utf-8")
    return read_file(path, mapping=toml)


def _reading(**changes: object) -> Reading:
    reading = Reading(
        sensor="farm:3",
        time=datetime(2024, 5, 1, tzinfo=UTC),
        variable=Variable.SOIL_MOISTURE,
        depth_m=0.1,
        value=0.575,
    )
    return reading.patch(**changes)


def test_wide_table(tmp_path: Path) -> None:
    text = (
        "时间,SM10,T\r\n2024-05-01 08:00:00,57.5,293.15\r\n2024-05-01T00:10Z,-9999,\r\n"
    )
    found = _read(tmp_path, text, WIDE)
    later = datetime(2024, 5, 1, 0, 10, tzinfo=UTC)
    assert found == SensorFile(
        format="csv",
        sensors=(
            Sensor(id="farm:3", name="甘蔗地 3", longitude=108.35, latitude=22.81),
        ),
        readings=(
            _reading(),
            _reading(variable=Variable.SOIL_TEMPERATURE, value=20.0),
            _reading(time=later, value=None, quality=Quality.MISSING),
        ),
        refused=(),
    )


def test_long_table_needs_no_mapping(tmp_path: Path) -> None:
    text = (
        "unit,value,depth_m,variable,time,sensor\n"
        "%,57.5,0.1,soil_moisture,2024-05-01T08:00+08:00,farm:3\n"
        "m3/m3,0.3,,soil_moisture,2024-05-01T00:00Z,farm:2\n"
    )
    found = _read(tmp_path, text)
    assert found.readings == (
        _reading(),
        _reading(sensor="farm:2", depth_m=None, value=0.3),
    )
    assert [s.id for s in found.sensors] == ["farm:2", "farm:3"]


def test_european_table(tmp_path: Path) -> None:
    mapping = """
    delimiter = ";"
    decimal = ","
    encoding = "latin-1"
    skip_lines = 2
    timezone = "Europe/Berlin"
    [time]
    column = ["Datum", "Zeit"]
    format = "%d.%m.%Y %H:%M"
    [sensor]
    id_column = 3
    [[value]]
    column = "Wert"
    variable_column = "Was"
    unit = "dS/m"
    depth_column = "Tiefe"
    depth_unit = "cm"
    """
    path, toml = tmp_path / "a.csv", tmp_path / "m.toml"
    path.write_bytes(
        "Messgerät\n\nDatum;Zeit;Ort;Was;Wert;Tiefe\n"
        "31.03.2024;01:30;b;soil_conductivity;1,25;10\n"
        "31.03.2024;02:30;b;soil_conductivity;1,25;10\n"
        "27.10.2024;02:30;b;soil_conductivity;1,25;10\n"
        "27.10.2024;03:30;b;soil_conductivity;1.25;10\n".encode("latin-1")
    )
    toml.write_text(mapping)
    found = read_file(path, mapping=toml)
    assert found.readings == (
        _reading(
            sensor="b",
            time=datetime(2024, 3, 31, 0, 30, tzinfo=UTC),
            variable=Variable.SOIL_CONDUCTIVITY,
            value=1250.0,
        ),
    )
    assert found.refused == (
        Refused(
            line=5, reason="time '31.03.2024 02:30' is twice or never in this time zone"
        ),
        Refused(
            line=6, reason="time '27.10.2024 02:30' is twice or never in this time zone"
        ),
        Refused(line=7, reason="'1.25' has a point, but decimal is ','"),
    )


@pytest.mark.parametrize(
    ("layout", "written"),
    [
        ("unix", "1714521600"),
        ("unix_ms", "1714521600000"),
        ("%Y%j%H%z", "202412208+0800"),
    ],
)
def test_times_that_are_moments(tmp_path: Path, layout: str, written: str) -> None:
    mapping = WIDE.replace('timezone = "+08:00"', "").replace(
        'column = "时间"', f'column = 1\nformat = "{layout}"'
    )
    found = _read(tmp_path, f"t,SM10,T\n{written},57.5,\n", mapping)
    assert found.readings == (_reading(),)


def test_bad_rows_are_set_aside(tmp_path: Path) -> None:
    text = (
        "时间,SM10,T\n"
        "2024-05-01T00:00Z,wet,293.15\n"
        "yesterday,57.5,\n"
        "\n"
        "2024-05-01T00:00Z\n"
        "2024-05-01T00:00Z,1e999,\n"
        "2024-05-01T00:00Z,NaN,\n"
        '2024-05-01T00:00Z,"57.5",\n'
    )
    found = _read(tmp_path, text, WIDE)
    assert [(r.line, r.reason) for r in found.refused] == [
        (2, "could not convert string to float: 'wet'"),
        (3, "time 'yesterday' cannot be read"),
        (5, "only 1 columns"),
        (5, "only 1 columns"),
        (6, "'1e999' is not finite"),
    ]
    assert [r.value for r in found.readings] == [20.0, None, 0.575]


def test_bad_cells_of_a_long_table_are_set_aside(tmp_path: Path) -> None:
    rows = [
        "s,2024-05-01T00:00Z,soil_moisture,0.1,57.5,furlong",
        "s,2024-05-01T00:00Z,happiness,0.1,57.5,%",
        "s,2024-05-01T00:00Z,soil_moisture,deep,57.5,%",
        ",2024-05-01T00:00Z,soil_moisture,0.1,57.5,%",
    ]
    text = "\n".join(["sensor,time,variable,depth_m,value,unit", *rows])
    found = _read(tmp_path, text)
    assert found.readings == ()
    assert [(r.line, r.reason) for r in found.refused] == [
        (2, "unit 'furlong' is no unit of soil_moisture (kept in m3/m3)"),
        (3, "'happiness' is not a valid Variable"),
        (4, "could not convert string to float: 'deep'"),
        (5, "no sensor id"),
    ]


def test_naive_times_are_refused(tmp_path: Path) -> None:
    mapping = WIDE.replace('timezone = "+08:00"', "")
    with pytest.raises(ConfigurationError) as caught:
        _read(tmp_path, "时间,SM10,T\n2024-05-01 08:00:00,57.5,\n", mapping)
    assert str(caught.value) == (
        f"{tmp_path}/a.csv: time '2024-05-01 08:00:00' has no time zone; "
        'state it in the mapping, timezone = "+08:00"'
    )


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('"+08:00"', '"Mars/Olympus"', "timezone 'Mars/Olympus' is not known"),
        ('"+08:00"', '"../../etc/passwd"', "timezone '../../etc/passwd' is not known"),
        ('"+08:00"', '"+25:00"', r"timezone '\+25:00' is not known"),
        ('unit = "%"', 'unit = "bar"', "unit 'bar': is no unit of soil_moisture"),
        ('"SM10"', '"SM20"', "column 'SM20' is not there"),
        ('"SM10"', "9", "column 9 is not there"),
        ('"soil_moisture"', '"mood"', r"value\.0\.variable \('mood'\)"),
        ('unit = "%"', "", "give either unit or unit_column"),
        ("depth_m = 0.1", 'depth_unit = "ell"', "depth_unit is one of m, cm"),
        ('id = "farm:3"', "", "give either id or id_column"),
        ("latitude = 22.81", "latitude = 108", r"sensor\.latitude \(108\)"),
        ("missing", "mising", "mising"),
        ("[time]", "[time", "is not TOML"),
        ("missing", 'decimal = ","\nmissing', "delimiter and decimal are both"),
    ],
)
def test_mapping_that_does_not_fit(
    tmp_path: Path, old: str, new: str, message: str
) -> None:
    assert old in WIDE
    with pytest.raises(ConfigurationError, match=message) as caught:
        _read(tmp_path, "时间,SM10,T\n", WIDE.replace(old, new, 1))
    assert "\n" not in str(caught.value)


def test_heading_that_is_there_twice(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="column 'SM10' is twice"):
        _read(tmp_path, "时间,SM10,SM10,T\n", WIDE)


@pytest.mark.parametrize(
    ("content", "kind", "message"),
    [
        (b"a,b\n1,2\n", ConfigurationError, "is neither ISMN, JSON nor a table"),
        (b"", ConfigurationError, "is neither ISMN, JSON nor a table"),
        (b"PK\x03\x04\x00\x00", DataError, "is a damaged workbook"),
        (b"GIF\x03\x04\x00\x00", DataError, "is not a text file"),
        (b"II*\x00\xff\xfe", DataError, "is no text in utf-8"),
    ],
)
def test_file_of_another_kind(
    tmp_path: Path, content: bytes, kind: type[AgroforestError], message: str
) -> None:
    (tmp_path / "a.csv").write_bytes(content)
    with pytest.raises(kind, match=message):
        read_file(tmp_path / "a.csv")


def test_empty_table_missing_file_missing_mapping(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="is empty"):
        _read(tmp_path, "", WIDE)
    with pytest.raises(DataError, match="cannot be read"):
        read_file(tmp_path / "none.csv")
    with pytest.raises(ConfigurationError, match="cannot be read"):
        read_mapping(tmp_path / "none.toml")
    with pytest.raises(ConfigurationError, match=r"\[sensor\] and \[\[value\]\]"):
        _read(tmp_path, "a,b\n", 'timezone = "UTC"')


@pytest.mark.parametrize(
    ("variable", "unit", "theirs", "ours"),
    [
        (Variable.SOIL_MOISTURE, "vol. %", 31.5, 0.315),
        (Variable.SOIL_MOISTURE, "m³ m⁻³", 0.315, 0.315),
        (Variable.SOIL_MOISTURE, "m^3*m^-3", 0.315, 0.315),
        (Variable.SOIL_TEMPERATURE, "°F", 212.0, 100.0),
        (Variable.SOIL_TEMPERATURE, "℃", 3.0, 3.0),
        (Variable.AIR_TEMPERATURE, "K", 273.15, 0.0),
        (Variable.SOIL_CONDUCTIVITY, "dS/m", 1.2, 1200.0),
        (Variable.SOIL_CONDUCTIVITY, "\u00b5S/cm", 12.0, 12.0),
        (Variable.SOIL_CONDUCTIVITY, "\u03bcS/cm", 12.0, 12.0),
        (Variable.SOIL_CONDUCTIVITY, "mS/m", 12.0, 120.0),
        (Variable.PRECIPITATION, "inch", 1.0, 25.4),
        (Variable.RELATIVE_HUMIDITY, "%RH", 80.0, 80.0),
        (Variable.BATTERY, "mV", 3312.0, 3.312),
        (Variable.BATTERY_LEVEL, "%", 57.0, 57.0),
    ],
)
def test_units(variable: Variable, unit: str, theirs: float, ours: float) -> None:
    assert convert(theirs, *resolve_unit(unit, variable)) == ours


def test_a_return_within_a_heading_is_no_crash(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(b"sensor,time\rb\n1,2\n")
    with pytest.raises(ConfigurationError, match="known headings"):
        read_file(path)
