"""Station tables: what is read, what is set aside and why."""

import csv
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.weather.conftest import Write

from agroforest.core.errors import AgroforestError, ConfigurationError, DataError
from agroforest.weather import read_station, read_stations

HEAD = "date,temp,rh,wind,prec"
GOOD = "2024-03-01,20,40,10,0"

MAPPING = """
[time]
column = "日期"
[station]
id = "59431"
longitude = 108.22
latitude = 22.63
elevation = 122
[temperature]
column = "气温"
unit = "K"
[humidity]
column = "湿度"
unit = "fraction"
[wind]
column = "风速"
unit = "m/s"
[rain]
column = "降水"
unit = "0.1mm"
"""


def reasons(series) -> dict[int, str]:
    return {row.line: row.reason for row in series.refused}


def test_plain_headings_need_no_mapping(table: Write) -> None:
    series = read_station(table(HEAD, GOOD, "2024-03-02,21.5,38,12.5,3.2"))
    assert series.days.tolist() == [19783, 19784]
    assert series.temperature.tolist() == [20.0, 21.5]
    assert series.humidity.tolist() == [40.0, 38.0]
    assert series.wind.tolist() == [10.0, 12.5]
    assert series.rain.tolist() == [0.0, 3.2]
    assert (series.rows, series.refused, series.station.id) == (2, (), "w")


def test_headings_of_cffdrs(table: Write) -> None:
    path = table("LONG,LAT,YR,MON,DAY,TEMP,RH,WS,PREC", "-100,40,1985,4,13,17,42,25,0")
    series = read_station(path)
    assert series.days.tolist() == [5581]
    assert (series.station.latitude, series.station.longitude) == (40.0, -100.0)


@pytest.mark.parametrize("head", ["wind [m/s]", "wind (m/s)", "Wind（m/s）"])
def test_a_unit_in_brackets_holds(table: Write, head: str) -> None:
    series = read_station(
        table(f"date,temp [K],rh,{head},prec", "2024-03-01,293.15,40,10,0")
    )
    assert series.wind.tolist() == [36.0]
    assert series.temperature.tolist() == [20.0]


@pytest.mark.parametrize("written", ["2024/3/1", "2024-03-01", "20240301", "2024.3.1"])
def test_dates_as_written(table: Write, written: str) -> None:
    series = read_station(table(HEAD, f"{written},20,40,10,0"))
    assert series.days.tolist() == [19783]


def test_odd_rows_are_named_and_the_rest_is_used(table: Write) -> None:
    series = read_station(
        table(
            HEAD,
            GOOD,
            "2024-03-02,20,104,10,0",
            "2024-03-03,20,0.42,10,0",
            "2024-03-04,293.15,40,10,0",
            "2024-03-05,20,40,10,-1",
            "2024-03-06,20,40,,0",
            "2024-03-01,20,40,10,0",
            "2024-03-01,25,40,10,0",
            "2024-03-07,20,40,-5,0",
            "2024-03-08,20,40,400,0",
            "2024-03-09,warm,40,10,0",
            "2024-03-10,20,40",
            "yesterday,20,40,10,0",
            "2024-03-11,20,40,10,0",
        )
    )
    assert series.days.tolist() == [19783, 19793]
    found = reasons(series)
    assert list(found) == list(range(3, 15))
    for line, words in {
        3: "humidity 104 % is above 100",
        4: "humidity 0.42 % is below 1: a fraction?",
        5: "temperature 293.15 °C cannot be: in kelvin?",
        6: "rain -1 mm is negative",
        7: "no wind",
        8: "date given before, in line 2",
        9: "date given before, in line 2, with other values",
        10: "wind -5 km/h is negative",
        11: "wind 400 km/h cannot be: another unit?",
        12: "temperature 'warm' is no number",
        13: "only 3 columns",
        14: "date 'yesterday' cannot be read",
    }.items():
        assert found[line] == words
    assert series.rows == 14
    assert [r.day for r in series.refused][:2] == ["2024-03-02", "2024-03-03"]
    assert [tuple(map(str, gap)) for gap in series.gaps] == [
        ("2024-03-02", "2024-03-10")
    ]


def test_a_one_among_fractions_is_no_percent(table: Write) -> None:
    rows = ["2024-03-01,20,0.9,9,0", "2024-03-02,20,1.0,9,0", "2024-03-03,20,60,9,0"]
    series = read_station(table(HEAD, *rows))
    assert series.days.tolist() == [19785]
    assert reasons(series)[3] == "humidity 1 % among fractions: a fraction?"
    alone = read_station(table(HEAD, "2024-03-02,20,1.0,9,0", "2024-03-03,20,60,9,0"))
    assert alone.humidity.tolist() == [1.0, 60.0]


def test_a_hundred_by_rounding_is_a_hundred(table: Write) -> None:
    rows = ["2024-03-01,20,100.01,9,0", "2024-03-02,20,100.2,9,0"]
    series = read_station(table(HEAD, *rows))
    assert series.humidity.tolist() == [100.0]
    assert series.notes == ("humidity up to 100.1 % is taken as 100: 1 rows",)
    assert reasons(series) == {3: "humidity 100.2 % is above 100"}


_CELLS = st.one_of(
    st.floats().map(str),
    st.integers(-(10**20), 10**20).map(str),
    st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=12),
    st.sampled_from(["", "NA", "2024-03-01", "0000-01-01", "9999-12-31", "1e999", "½"]),
)


@given(st.lists(st.lists(_CELLS, max_size=7), max_size=8))
def test_whatever_a_table_holds_is_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, rows: list[list[str]]
) -> None:
    path = tmp_path_factory.getbasetemp() / "odd.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["date", "temp", "rh", "wind", "prec"])
        writer.writerow(["2024-02-29", 20, 40, 10, 0])
        writer.writerows(rows)
    try:
        series = read_station(path)
    except AgroforestError:
        return
    assert (np.diff(series.days) > 0).all()
    fields = (series.temperature, series.humidity, series.wind, series.rain)
    assert all(np.isfinite(field).all() for field in fields)
    assert series.rows == len(series.days) + len(series.refused)


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ("2024-03-01,293.15,40,10,0", "in kelvin"),
        ("2024-03-01,20,0.4,10,0", "a fraction"),
        ("2024-03-01,20,,10,0", "no humidity"),
    ],
)
def test_a_whole_column_in_another_unit(table: Write, row: str, words: str) -> None:
    with pytest.raises(
        DataError, match=rf"w\.csv: has no usable row.*{words}.*mapping"
    ):
        read_station(table(HEAD, row, row.replace("-01,", "-02,")))


def test_wind_that_was_km_and_called_m_is_noted(table: Write) -> None:
    rows = [f"2024-03-{d:02d},20,40,{20 + d},0" for d in range(1, 20)]
    path = table(HEAD.replace("wind", "wind [m/s]"), *rows)
    series = read_station(path)
    assert len(series.days) == 19
    assert "declared as m/s?" in series.notes[0]
    assert read_station(table(HEAD, *rows)).notes == ()


def test_a_mapping_says_what_is_meant(table: Write, mapping: Write) -> None:
    path = table(
        "日期,气温,湿度,风速,降水", "2024-03-01,293.15,0.4,10,32", encoding="gb18030"
    )
    meant = mapping('encoding = "gb18030"\n' + MAPPING)
    series = read_station(path, mapping=meant)
    assert series.temperature.tolist() == [20.0]
    assert series.humidity.tolist() == [40.0]
    assert series.wind.tolist() == [36.0]
    assert series.rain.tolist() == pytest.approx([3.2])
    assert (series.station.id, series.station.elevation) == ("59431", 122.0)


def test_dewpoint_becomes_humidity(table: Write, mapping: Write) -> None:
    meant = mapping(
        """
        [temperature]
        column = "t"
        unit = "°C"
        [dewpoint]
        column = "td"
        unit = "°C"
        [wind]
        column = "w"
        unit = "km/h"
        [rain]
        column = "p"
        unit = "mm"
        """
    )
    rows = ["2024-03-01,20,20,9,0", "2024-03-02,20,9.27,9,0", "2024-03-03,20,25,9,0"]
    series = read_station(table("date,t,td,w,p", *rows), mapping=meant)
    assert series.humidity.tolist() == pytest.approx([100.0, 50.0], abs=0.02)
    assert "is above 100" in reasons(series)[4]


def test_forecast_days_are_flagged(table: Write, mapping: Write) -> None:
    plain = 'column = "{}"\nunit = "{}"\n'
    text = "".join(
        f"[{n}]\n" + plain.format(c, u)
        for n, c, u in (
            ("temperature", "temp", "°C"),
            ("humidity", "rh", "%"),
            ("wind", "wind", "km/h"),
            ("rain", "prec", "mm"),
        )
    )
    path = table(HEAD + ",kind", GOOD + ",measured", "2024-03-02,20,40,10,0,forecast")
    by_column = mapping(text + '[forecast]\ncolumn = "kind"\n')
    by_date = mapping(text + "[forecast]\nfrom = 2024-03-02\n", name="d.toml")
    for meant in (by_column, by_date):
        series = read_station(path, mapping=meant)
        assert series.forecast.tolist() == [False, True]
        assert [w.forecast for w in series] == [False, True]


def test_several_stations(table: Write) -> None:
    path = table(
        "id,lat,lon,elev,date,temp,rh,wind,prec",
        "a,22,108,80,2024-03-01,20,40,10,0",
        "b,23,109,400,2024-03-01,15,60,5,1",
        "a,22,108,80,2024-03-02,21,40,10,0",
    )
    found = read_stations(path)
    assert [(s.station.id, len(s.days), s.station.elevation) for s in found] == [
        ("a", 2, 80.0),
        ("b", 1, 400.0),
    ]
    assert read_station(path, station="b").rain.tolist() == [1.0]
    with pytest.raises(ConfigurationError, match="has 2 stations; choose one: a, b"):
        read_station(path)
    with pytest.raises(ConfigurationError, match="no station 'c'"):
        read_station(path, station="c")


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (["date,temp,rh,prec", GOOD], "has no column wind"),
        (["a,b"], "has no column date, temp, rh, wind, prec"),
        ([""], "is empty"),
        ([HEAD], "no rows"),
        (["date,temp [furlong],rh,wind,prec", GOOD], "unit 'furlong'"),
        (
            [HEAD, "2024-03-01T11:00,20,40,10,0", "2024-03-01T14:00,20,40,10,0"],
            "several times of day",
        ),
    ],
)
def test_tables_that_cannot_be_read(table: Write, lines, words) -> None:
    with pytest.raises((DataError, ConfigurationError), match=words):
        read_station(table(*lines))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "temperature"),
        (MAPPING.replace("[humidity]", "[moisture]"), "moisture"),
        (MAPPING.replace('"K"', '"stone"'), "stone"),
        (MAPPING.replace('"气温"', '"t"'), "'t' is not there"),
        (MAPPING + '[noon]\ntimezone = "Mars/Olympus"\n', "Mars"),
        (MAPPING + "[forecast]\n", "either from or column"),
    ],
)
def test_mappings_that_do_not_fit(table: Write, mapping: Write, text, words) -> None:
    path = table("日期,气温,湿度,风速,降水", "2024-03-01,293.15,0.4,10,32")
    with pytest.raises(ConfigurationError, match=words):
        read_station(path, mapping=mapping(text))


def test_files_that_are_no_tables(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot be read"):
        read_station(tmp_path / "none.csv")
    (tmp_path / "b.csv").write_bytes(b"\x00\x01")
    with pytest.raises(DataError, match="not a text file"):
        read_station(tmp_path / "b.csv")
    (tmp_path / "g.csv").write_bytes("气温".encode("gb18030"))
    with pytest.raises(DataError, match="encoding"):
        read_station(tmp_path / "g.csv")
