"""Tables of daily weather: units declared, odd rows named, the rest used."""

from pathlib import Path

import numpy as np
import pytest

from agroforest.core.errors import ConfigurationError, DataError
from agroforest.weather.daily import read_daily

MAPPING = """
[station]
id = "59431"
latitude = 22.63
elevation = 122.0
[time]
column = "day"
[t_max]
column = "hi"
unit = "K"
[t_min]
column = "lo"
unit = "K"
[rh_mean]
column = "rh"
unit = "fraction"
[wind]
column = "ws"
unit = "km/h"
height = 10.0
[sunshine]
column = "sun"
unit = "0.1 h"
[rain]
column = "mm"
unit = "0.1mm"
[forecast]
from = 2024-06-03
"""


def write(path: Path, *lines: str) -> Path:
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def test_units_are_brought_to_ours(tmp_path: Path) -> None:
    mapping = write(tmp_path / "m.toml", MAPPING)
    table = write(
        tmp_path / "w.csv",
        "day,hi,lo,rh,ws,sun,mm",
        "2024/6/1,305.15,295.15,0.8,36,85,125",
        "2024/6/2,,295.15,0.8,36,85,0",
        "2024/6/3,305.15,295.15,0.8,36,85,0",
    )
    (found,) = read_daily(table, mapping=mapping)
    weather = found.weather
    assert found.station.id == "59431"
    assert weather.t_max[0] == pytest.approx(32.0)
    assert np.isnan(weather.t_max[1])
    assert weather.wind[0] == pytest.approx(10.0)
    assert weather.wind_height == 10.0
    assert weather.rain[0] == pytest.approx(12.5)
    assert found.sunshine[0] == pytest.approx(8.5)
    assert weather.latitude == 22.63
    assert found.forecast.tolist() == [False, False, True]
    # FAO-56 Eq. 19: 0.8 of the mean of 4.755 and 2.644 kPa (Table 2.3).
    assert weather.vapour[0] == pytest.approx(0.8 * (4.755 + 2.644) / 2, abs=0.001)


def test_plain_headings_need_no_mapping(tmp_path: Path) -> None:
    table = write(
        tmp_path / "w.csv",
        "date,reference_et,rain",
        "2024-06-01,4.5,0",
        "2024-06-02,5,",
    )
    (found,) = read_daily(table)
    assert found.weather.reference_et.tolist() == [4.5, 5.0]
    assert np.isnan(found.weather.rain[1])
    assert np.isnan(found.weather.latitude)
    assert found.station.id == "w"


def test_stations_are_kept_apart(tmp_path: Path) -> None:
    table = write(
        tmp_path / "w.csv",
        "date,station,latitude,longitude,reference_et,rain",
        "2024-06-01,a,22.1,108.0,4,0",
        "2024-06-01,b,23.1,108.5,5,1",
        "2024-06-02,a,22.1,108.0,6,2",
    )
    first, second = read_daily(table)
    assert (first.station.id, second.station.id) == ("a", "b")
    assert first.weather.rain.tolist() == [0, 2]
    assert second.station.latitude == 23.1


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("2024-06-02,305,295,0", "t_max 305 °C cannot be"),
        ("2024-06-02,20,30,0", "t_max 20 °C is below t_min 30 °C"),
        ("2024-06-02,30,20,-1", "rain -1 mm cannot be"),
        ("2024-06-02,30,20,inf", "rain inf mm cannot be"),
        ("2024-06-02,30,x,0", "t_min 'x' is no number"),
        ("2024-06-31,30,20,0", "cannot be read"),
        ("2024-06-02,30", "only 2 columns"),
        ("2024-06-01,31,20,0", "date given before"),
        ("2024-06-02,,,", "holds no number"),
    ],
)
def test_odd_rows_are_named_and_the_rest_used(
    tmp_path: Path, row: str, reason: str
) -> None:
    table = write(
        tmp_path / "w.csv", "date,t_max,t_min,rain", "2024-06-01,30,20,0", row
    )
    (found,) = read_daily(table)
    assert len(found.weather.days) == 1
    (refused,) = found.refused
    assert refused.line == 3
    assert reason in refused.reason


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (["date,tmax,prec", "2024-06-01,1,2"], "no columns date and rain"),
        (["date,rain", "2024-06-01,2"], "neither t_max and t_min nor reference_et"),
    ],
)
def test_a_table_without_enough_is_refused(
    tmp_path: Path, lines: list[str], words: str
) -> None:
    with pytest.raises(ConfigurationError, match=words):
        read_daily(write(tmp_path / "w.csv", *lines))


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (["date,reference_et,rain"], "no rows"),
        ([""], "is empty"),
        (["date,reference_et,rain", "x,1,2"], "all 1 were set aside"),
    ],
)
def test_a_table_without_rows_is_refused(
    tmp_path: Path, lines: list[str], words: str
) -> None:
    with pytest.raises(DataError, match=words):
        read_daily(write(tmp_path / "w.csv", *lines))


def test_a_unit_that_is_none_is_refused(tmp_path: Path) -> None:
    mapping = write(tmp_path / "m.toml", MAPPING.replace('"0.1 h"', '"mm"'))
    table = write(tmp_path / "w.csv", "day,hi,lo,rh,ws,sun,mm")
    with pytest.raises(ConfigurationError, match="unit 'mm' is none of sunshine"):
        read_daily(table, mapping=mapping)


@pytest.mark.data
def test_seven_years_of_nanning_are_read(data_dir: Path, tmp_path: Path) -> None:
    mapping = write(
        tmp_path / "m.toml",
        "[station]\nlatitude = 22.63\nelevation = 122.0\n"
        '[t_max]\ncolumn = "maxtemp"\nunit = "°C"\n'
        '[t_min]\ncolumn = "mintemp"\nunit = "°C"\n'
        '[rh_min]\ncolumn = "minrh"\nunit = "%"\n'
        '[wind]\ncolumn = "avgws"\nunit = "m/s"\nheight = 10.0\n'
        '[rain]\ncolumn = "precipitation"\nunit = "mm"\n',
    )
    path = data_dir / "weather_south_china" / "nanning.csv"
    (found,) = read_daily(path, mapping=mapping)
    assert len(found.weather.days) > 2500
    assert 20.0 < float(np.nanmean(found.weather.t_max)) < 30.0
    yearly = np.nansum(found.weather.rain) / len(found.weather.days) * 365
    assert 900 < yearly < 1800
