"""Excel workbooks: written by a spreadsheet library, read as readings."""

import contextlib
import io
import zipfile
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pytest
from openpyxl import Workbook
from openpyxl.chart import BarChart

from agroforest.core.errors import ConfigurationError, DataError
from agroforest.core.reading import Quality, Variable
from agroforest.sensors import SensorFile, read_file, workbook
from agroforest.sensors.check_file import check_file

T0 = datetime(2024, 5, 1, 8, 0)  # noqa: DTZ001  a spreadsheet knows no time zone
MAPPING = """
timezone = "+08:00"
missing = ["-9999", "#N/A"]
[sensor]
id = "farm:3"
[[value]]
column = "水分"
variable = "soil_moisture"
unit = "%"
depth_m = 0.1
"""


def write(path: Path, *rows: list[Any], sheet: str = "Sheet") -> Path:
    book = Workbook()
    table = book.active
    table.title = sheet
    for row in rows:
        table.append(row)
    book.save(path)
    return path


def read(path: Path, mapping: str = MAPPING) -> SensorFile:
    file = path.with_suffix(".toml")
    file.write_text(mapping, encoding="utf-8")
    return read_file(path, mapping=file)


def test_dates_and_numbers_of_a_spreadsheet(tmp_path: Path) -> None:
    path = write(
        tmp_path / "a.xlsx",
        ["time", "水分", "备注"],
        [T0, 31.5, "好\n的"],
        [T0 + timedelta(minutes=10), 32, None],
        [],
        [T0 + timedelta(minutes=20), -9999, True],
        [T0 + timedelta(minutes=30), "#N/A", None],
        [T0 + timedelta(minutes=40), None, "no reading"],
        [T0 + timedelta(minutes=50), "wet", None],
        ["2024-05-01 09:00", "33.5", None],
        [datetime(2024, 5, 2), 30, None],  # noqa: DTZ001
    )
    found = read(path)
    assert found.format == "xlsx"
    start = datetime(2024, 5, 1, tzinfo=UTC)
    got = [((r.time - start) / timedelta(minutes=1), r.value) for r in found.readings]
    assert got == [
        *((0, 0.315), (10, 0.32), (20, None), (30, None), (60, 0.335)),
        (16 * 60, 0.3),
    ]
    assert found.readings[2].quality == Quality.MISSING
    (refused,) = found.refused
    assert (refused.line, "'wet'" in refused.reason) == (8, True)


def test_times_are_what_the_cell_shows(tmp_path: Path) -> None:
    steps = [T0 + timedelta(seconds=7 * each) for each in range(3000)]
    path = write(tmp_path / "a.xlsx", ["time", "水分"], *([t, 30] for t in steps))
    found = read(path)
    zone = timedelta(hours=8)
    assert [r.time.replace(tzinfo=None) + zone for r in found.readings] == steps


@pytest.mark.parametrize(
    ("headings", "cells", "section"),
    [
        (["日期", "时刻"], [date(2024, 5, 1), time(8, 0)], 'column = ["日期", "时刻"]'),
        (["时间"], [T0], 'column = "时间"\nformat = "%d/%m/%Y %H:%M"'),
        (["时间"], ["01/05/2024 08:00"], 'column = 1\nformat = "%d/%m/%Y %H:%M"'),
        (["时间"], [1714521600], 'column = 1\nformat = "unix"'),
        (["时间"], ["2024-05-01T00:00:00Z"], "column = 1"),
    ],
)
def test_ways_to_write_a_time(
    tmp_path: Path, headings: list[str], cells: list[Any], section: str
) -> None:
    path = write(tmp_path / "a.xlsx", [*headings, "水分"], [*cells, 31])
    found = read(path, MAPPING.replace("[sensor]", f"[time]\n{section}\n[sensor]"))
    assert found.refused == ()
    assert [r.time for r in found.readings] == [datetime(2024, 5, 1, tzinfo=UTC)]


def test_a_decimal_comma_in_texts_only(tmp_path: Path) -> None:
    rows = [T0, 31.5], [T0 + timedelta(hours=1), "32,5"]
    path = write(tmp_path / "a.xlsx", ["time", "水分"], *rows)
    comma = 'decimal = ","\ndelimiter = ";"\n'
    found = read(path, comma + MAPPING)
    assert [r.value for r in found.readings] == [0.315, 0.325]


def test_no_mapping_is_needed_for_the_known_headings(tmp_path: Path) -> None:
    path = write(
        tmp_path / "a.xlsx",
        ["sensor", "time", "variable", "depth_m", "value", "unit"],
        ["farm:3", "2024-05-01T00:00:00Z", "soil_temperature", 0.1, 21.5, "℃"],
    )
    (reading,) = read_file(path).readings
    assert (reading.variable, reading.value) == (Variable.SOIL_TEMPERATURE, 21.5)
    assert reading.depth_m == 0.1


def test_a_time_without_zone_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "a.xlsx", ["time", "水分"], [T0, 30])
    with pytest.raises(ConfigurationError, match="has no time zone"):
        read(path, MAPPING.replace('timezone = "+08:00"', ""))


def test_another_sheet(tmp_path: Path) -> None:
    book = Workbook()
    book.active.append(["notes"])
    book.create_chartsheet("图").add_chart(BarChart())
    table = book.create_sheet("数据")
    table.append(["time", "水分"])
    table.append([T0, 30])
    path = tmp_path / "a.xlsx"
    book.save(path)
    assert len(read(path, f'sheet = "数据"\n{MAPPING}').readings) == 1
    with pytest.raises(ConfigurationError, match="no sheet 'x'; name one of Sheet, 图"):
        read(path, f'sheet = "x"\n{MAPPING}')
    with pytest.raises(DataError, match="is a chart"):
        read(path, f'sheet = "图"\n{MAPPING}')


def test_formulas_are_not_evaluated(tmp_path: Path) -> None:
    path = write(
        tmp_path / "a.xlsx",
        ["time", "水分", "其他"],
        [T0, "=15*2", "=NOW()"],
        [T0 + timedelta(hours=1), 31, "=1/0"],
    )
    found = read(path)
    assert [r.value for r in found.readings] == [0.31]
    (refused,) = found.refused
    assert (refused.line, "'=15*2'" in refused.reason) == (2, True)


def test_a_stored_value_of_a_formula_is_taken(tmp_path: Path) -> None:
    path = write(tmp_path / "a.xlsx", ["time", "水分"], [T0, "=15*2"])
    change(path, "xl/worksheets/sheet1.xml", b"<v></v>", b"<v>30</v>")
    change(path, "xl/worksheets/sheet1.xml", b"<v />", b"<v>30</v>")
    assert [r.value for r in read(path).readings] == [0.3]


def test_checking_a_workbook(tmp_path: Path) -> None:
    rows = [[T0 + timedelta(hours=each), 30 + each / 10] for each in range(30)]
    rows[9][1] = 99
    path = write(tmp_path / "a.xlsx", ["时间", "土壤水分(%)"], *rows)
    found = check_file(path)
    assert found.guessed
    assert ["range" in one.flags for one in found.checked].index(True) == 9


# ------------------------------------------------------------------ hostile


@pytest.mark.parametrize(
    "content",
    [
        b"PK\x03\x04",
        b"PK\x03\x04" + b"\x00" * 500,
        bytes.fromhex("d0cf11e0a1b11ae1") + b"\x00" * 600,
    ],
)
def test_what_is_no_workbook(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.xlsx"
    path.write_bytes(content)
    with pytest.raises(DataError, match="save it"):
        read_file(path)


def test_an_archive_of_other_things(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.csv", "a,b")
    with pytest.raises(DataError, match="no workbook"):
        read_file(path)


def test_a_workbook_that_unpacks_to_too_much(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path / "a.xlsx", ["time", "水分"], [T0, 30])
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/media/bomb", b"\x00" * (20 << 20))
    monkeypatch.setattr(workbook, "LARGEST", 10 << 20)
    assert path.stat().st_size < 100_000
    with pytest.raises(DataError, match="unpacks to 20 MB"):
        read(path)


def test_a_part_that_understates_its_size(tmp_path: Path) -> None:
    path = write(tmp_path / "a.xlsx", ["time", "水分"], *[[T0, 30]] * 5000)
    data = path.read_bytes()
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        size = archive.getinfo("xl/worksheets/sheet1.xml").file_size
    assert data.count(size.to_bytes(4, "little")) >= 1
    path.write_bytes(
        data.replace(size.to_bytes(4, "little"), (100).to_bytes(4, "little"))
    )
    with pytest.raises(DataError, match="damaged workbook"):
        read(path)


def test_entities_are_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "a.xlsx", ["time", "水分"], [T0, 30])
    bomb = b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;">]><worksheet'
    change(path, "xl/worksheets/sheet1.xml", b"<worksheet", bomb)
    with pytest.raises(DataError, match="damaged workbook"):
        read(path)


def test_a_cell_far_away_is_no_reading(tmp_path: Path) -> None:
    path = write(tmp_path / "a.xlsx", ["time", "水分"], [T0, 30])
    change(path, "xl/worksheets/sheet1.xml", b'r="B2"', b'r="XFD2"')
    found = read(path)
    assert (found.readings, found.refused) == ((), ())


def test_more_cells_than_readings_need(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path / "a.xlsx", ["time", "水分"], [T0, 30])
    change(path, "xl/worksheets/sheet1.xml", b'<row r="2"', b'<row r="1048576"')
    monkeypatch.setattr(workbook, "MOST_CELLS", 1000)
    with pytest.raises(DataError, match="over 1000 cells"):
        read(path)


@pytest.mark.parametrize("cut", range(0, 100, 7))
def test_damage_anywhere_is_told(tmp_path: Path, cut: int) -> None:
    path = write(tmp_path / "a.xlsx", ["time", "水分"], [T0, 30])
    data = bytearray(path.read_bytes())
    at = len(data) * cut // 100
    data[at : at + 8] = b"\xff" * 8
    path.write_bytes(data)
    with contextlib.suppress(DataError, ConfigurationError):
        read(path)


def change(path: Path, name: str, old: bytes, new: bytes) -> None:
    """Replace bytes in a part of a workbook."""
    with zipfile.ZipFile(path) as archive:
        parts = {each: archive.read(each) for each in archive.namelist()}
    parts[name] = parts[name].replace(old, new)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for each, content in parts.items():
            archive.writestr(each, content)
