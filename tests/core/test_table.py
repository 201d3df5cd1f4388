"""Columns and clocks of tables that others wrote."""

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from agroforest.core.errors import ConfigurationError, DataError
from agroforest.core.table import explain_row, find_column, read_text, resolve_timezone

WHERE = Path("t.csv")


def test_a_column_by_heading_or_number() -> None:
    headings = ["date", "rain", "rain"]
    assert find_column("date", headings, WHERE)([" a ", "b", "c"]) == "a"
    assert find_column(3, headings, WHERE)(["a", "b", " c"]) == "c"
    with pytest.raises(ConfigurationError, match="'rain' is twice"):
        find_column("rain", headings, WHERE)
    with pytest.raises(ConfigurationError, match=r"not there \(there are date"):
        find_column("wind", headings, WHERE)
    with pytest.raises(ConfigurationError, match="there are 3"):
        find_column(4, headings, WHERE)


def test_a_short_row_says_so() -> None:
    cell = find_column(3, ["a", "b", "c"], WHERE)
    with pytest.raises(IndexError) as caught:
        cell(["1", "2"])
    assert explain_row(caught.value, ["1", "2"]) == "only 2 columns"
    assert explain_row(ValueError("date '?' cannot be read"), []).startswith("date")


@pytest.mark.parametrize(
    ("text", "hours"),
    [("UTC", 0), ("z", 0), ("+08:00", 8), ("-03:30", -3.5), ("Asia/Shanghai", 8)],
)
def test_time_zones(text: str, hours: float) -> None:
    zone = resolve_timezone(text, WHERE)
    offset = datetime(2024, 7, 1, tzinfo=zone).utcoffset()
    assert offset == timedelta(hours=hours)


@pytest.mark.parametrize("text", ["", "+24:00", "+8", "Asia/Nanning", "../etc/passwd"])
def test_no_time_zone(text: str) -> None:
    with pytest.raises(ConfigurationError, match="is not known"):
        resolve_timezone(text, WHERE)


def test_text_in_its_encoding(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes("雨量".encode("gb18030"))
    assert read_text(path, "gb18030", otherwise="leave it out") == "雨量"
    for encoding in ("utf-8-sig", "no-such"):
        with pytest.raises(DataError, match="gb18030"):
            read_text(path, encoding, otherwise="leave it out")
    path.write_bytes(b"a\x00b")
    with pytest.raises(DataError, match="leave it out"):
        read_text(path, "utf-8", otherwise="leave it out")
    with pytest.raises(DataError, match="cannot be read"):
        read_text(tmp_path / "none", "utf-8", otherwise="leave it out")
