"""Files in the form of pyfao56: read, and refused by name and line."""

import re
from collections.abc import Callable
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from tests.farm.seasons import (
    DAYS,
    FIRST,
    head,
    write_irr,
    write_par,
    write_season,
    write_sol,
    write_upd,
    write_wth,
)

from agroforest.core.errors import DataError
from agroforest.core.risk import epoch_day
from agroforest.farm.fao56_files import (
    read_canopy,
    read_expected,
    read_parameters,
    read_profiles,
    read_run_days,
    read_waterings,
    read_weather,
)


def test_parameters_come_whole(tmp_path: Path) -> None:
    found = read_parameters(write_par(tmp_path / "a.par"))
    assert found.crop.kcb_mid == 1.1
    assert found.crop.season_days == 55
    assert found.crop.root_max == 0.6
    assert found.soil.total_evaporable == pytest.approx(20.0)
    assert not found.soil.layered
    assert found.soil.available(1.0) == pytest.approx(150.0)
    assert found.moisture == (0.2,)
    assert found.notes == ()


def test_the_oldest_form_has_no_stamp_and_no_single_coefficients(
    tmp_path: Path,
) -> None:
    old = {"Kcmini": None, "Kcmmid": None, "Kcmend": None, "CN2": None}
    found = read_parameters(write_par(tmp_path / "a.par", old, stamped=False))
    assert found.crop.kc_mid == 1.15
    assert len(found.notes) == 4
    assert "kcmmid is not given, 1.15 is taken" in found.notes


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"Kcbmid": None, "Ze": None}, r"has no kcbmid, ze; add a line for each"),
        ({"Kcbmid": "high"}, r"line 12: Kcbmid 'high' is no number"),
        ({"Lini": "10.5"}, r"lini is 10\.5; give whole days"),
        ({"pbase": "1.5"}, r"depletion fraction 1\.5 is not between 0 and 1"),
        ({"Zrmax": "0.1000"}, r"roots go from 0\.2 m to 0\.1 m"),
        ({"thetaWP": "0.3000"}, r"field capacity 0\.25 and wilting point 0\.3"),
        ({"REW": "25.0000"}, r"readily evaporable water 25 mm, of 20 mm in all"),
        ({"theta0": "25.0"}, r"theta0 is 25"),
        ({"hmax": "nan"}, r"hmax is nan"),
        ({"CN2": "0"}, r"curve number 0"),
    ],
)
def test_parameters_that_cannot_be_are_refused(
    changes: dict[str, str | None], said: str, tmp_path: Path
) -> None:
    path = write_par(tmp_path / "bad.par", changes)
    with pytest.raises(DataError, match=re.compile(said, re.IGNORECASE)) as error:
        read_parameters(path)
    assert str(path) in str(error.value)
    assert "\n" not in str(error.value)


def test_a_strange_parameter_is_named_and_left_out(tmp_path: Path) -> None:
    found = read_parameters(write_par(tmp_path / "a.par", {"Kcx": "1.0"}))
    assert found.notes == ("'kcx' is no parameter, and is left out",)


def test_weather_comes_whole(tmp_path: Path) -> None:
    path = write_wth(tmp_path / "a.wth", blank=("ETref",), Vapr=1.5)
    found = read_weather(path)
    assert len(found.days) == DAYS
    assert found.days[0] == epoch_day(FIRST)
    assert (found.elevation, found.latitude, found.wind_height) == (120, 22.8, 3)
    assert not found.tall
    assert np.isfinite(found.reference_et[0])
    assert np.isnan(found.reference_et[1])
    assert np.all(found.vapour == 1.5)


def test_weather_of_before_vapour_pressure_is_read(tmp_path: Path) -> None:
    lines = write_wth(tmp_path / "a.wth").read_text().splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith("Year-DOY"))
    for index in range(start, len(lines)):
        cells = lines[index].split()
        lines[index] = " ".join([*cells[:4], *cells[5:]])
    path = tmp_path / "old.wth"
    path.write_text("\r\n".join([*lines, "", ""]))
    old, new = read_weather(path), read_weather(tmp_path / "a.wth")
    assert np.all(np.isnan(old.vapour))
    np.testing.assert_array_equal(old.rain, new.rain)


def swap(path: Path, before: str, after: str) -> None:
    text = path.read_text()
    assert before in text
    path.write_text(text.replace(before, after, 1))


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("           S Ref", "           Q Ref", "reference crop is 'Q'"),
        ("  22.8000000", " 122.8000000", "latitude is 122.8"),
        ("2021-062", "2202-062", "2202-062 comes 66051 days after the day before it"),
        ("2021-062", "2021-061", "2021-061 stands in line 16 already"),
        ("2021-062", "2021/062", "'2021/062' is no day"),
        ("2021-062", "2021-366", "'2021-366' is no day"),
        ("   Rain", "  Raine", "has no column Rain"),
        ("Year-DOY", "Day", "has no line of column names"),
    ],
)
def test_weather_that_cannot_be_is_refused(
    before: str, after: str, said: str, tmp_path: Path
) -> None:
    path = write_wth(tmp_path / "bad.wth")
    swap(path, before, after)
    with pytest.raises(DataError, match=re.escape(said)) as error:
        read_weather(path)
    assert str(path) in str(error.value)


def test_a_day_without_a_line_is_a_day_without_weather(tmp_path: Path) -> None:
    path = write_wth(tmp_path / "a.wth")
    whole = read_weather(path)
    lines = path.read_text().splitlines()
    del lines[20]
    lines[25], lines[30] = lines[30], lines[25]  # nor does their order matter
    path.write_text("\n".join(lines))
    holed = read_weather(path)
    np.testing.assert_array_equal(holed.days, whole.days)
    lost = np.isnan(holed.rain)
    assert lost.sum() == 1
    np.testing.assert_array_equal(holed.rain[~lost], whole.rain[~lost])


def test_negative_rain_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"line 15: Rain is -1; give 0 or more"):
        read_weather(write_wth(tmp_path / "a.wth", Rain=-1.0))


def test_irrigations_come_with_and_without_efficiency(tmp_path: Path) -> None:
    new = read_waterings(write_irr(tmp_path / "new.irr"))
    old = read_waterings(write_irr(tmp_path / "old.irr", efficiency=False))
    assert len(new) == len(old) == 12
    assert all(0.6 <= one.efficiency <= 1 for one in new)
    assert all(one.efficiency == 1 for one in old)
    assert all(epoch_day(FIRST) <= one.day < epoch_day(FIRST) + DAYS for one in new)


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("2021-070 10.0 0.0 100.0", "fw is 0; give 0.01 to 1"),
        ("2021-070 10.0 1.5 100.0", "fw is 1.5"),
        ("2021-070 -1.0 0.5 100.0", "Depth is -1"),
        ("2021-070 10.0 0.5 101.0", "IrrEff is 101"),
        ("2021-070 10.0", "has 2 columns and no fw"),
        ("2021-070 1.0 0.5 90.0\n2021-070 2.0 0.5 90.0", "stands in line 9 already"),
    ],
)
def test_irrigation_that_cannot_be_is_refused(
    row: str, said: str, tmp_path: Path
) -> None:
    path = tmp_path / "bad.irr"
    path.write_text(head("Irrigation Data") + f"Year-DOY  Depth fw IrrEff\n{row}\n")
    with pytest.raises(DataError, match=said):
        read_waterings(path)


def test_layers_take_the_place_of_the_uniform_soil(tmp_path: Path) -> None:
    season = write_season(tmp_path)
    place = read_parameters(season.par, layers=season.sol)
    assert place.soil.layered
    assert place.moisture == (0.058, 0.183, 0.206, 0.243)
    # 200 mm of the first layer and 100 of the second.
    assert place.soil.available(0.3) == pytest.approx(300 * (0.249 - 0.113))
    assert place.soil.available(0.3009) == place.soil.available(0.3)  # whole mm


def test_layers_above_the_deepest_roots_are_refused(tmp_path: Path) -> None:
    par = write_par(tmp_path / "deep.par", {"Zrmax": "0.9000"})
    with pytest.raises(DataError, match=r"f\.sol: ends at 800 mm, the roots of .*900"):
        read_parameters(par, layers=write_sol(tmp_path / "f.sol"))


def test_layers_excuse_a_uniform_soil_that_cannot_be(tmp_path: Path) -> None:
    par = write_par(tmp_path / "f.par", {"thetaFC": "0.1100"})
    with pytest.raises(DataError, match=r"f\.par: soil: readily evaporable"):
        read_parameters(par)
    assert read_parameters(par, layers=write_sol(tmp_path / "f.sol")).soil.layered


def test_layers_that_cannot_be_name_their_own_file(tmp_path: Path) -> None:
    path = write_sol(tmp_path / "f.sol")
    swap(path, "0.113", "0.313")
    with pytest.raises(DataError, match=r"f\.sol: soil: field capacity"):
        read_parameters(write_par(tmp_path / "f.par"), layers=path)


def test_layers_out_of_order_are_refused(tmp_path: Path) -> None:
    path = write_sol(tmp_path / "f.sol")
    swap(path, "   40 ", "   10 ")
    with pytest.raises(DataError, match="give them downwards"):
        read_parameters(write_par(tmp_path / "f.par"), layers=path)


def test_a_canopy_is_seen_in_parts(tmp_path: Path) -> None:
    found = read_canopy(write_upd(tmp_path / "a.upd"))
    assert [one.kcb for one in found][:2] == [0.2, 0.7]
    assert np.isnan(found[0].height)
    assert found[2].cover == 0.8


def test_measured_profiles_are_read_by_their_own_count(tmp_path: Path) -> None:
    path = tmp_path / "a.sws"
    text = head("Measured Soil Water Data") + "Year-DOY n D01 D02 SWC01 SWC02 Zr\n"
    path.write_text(text + "2021-070 2 20 50 0.210 0.180 0.2 1.0 2.0\n")
    (found,) = read_profiles(path)
    assert list(found.bottom_mm) == [200, 500]
    assert list(found.moisture) == [0.21, 0.18]


def test_a_run_says_its_days_and_its_results(tmp_path: Path) -> None:
    path = tmp_path / "a.out"
    text = head("Output Data").replace(
        "Timestamp",
        "Simulation start date: 04/23/2013\nSimulation end date: 11/08/2013\nTimestamp",
    )
    text += "Year-DOY  Year ETc Ks Dr\n2013-113 2013 1.5 0.9 30.25\n"
    path.write_text(text)
    days = epoch_day(date(2013, 4, 23)), epoch_day(date(2013, 11, 8))
    assert read_run_days(path) == days
    found = read_expected(path)
    assert found.days.tolist() == [days[0]]
    assert (found.etc[0], found.ks[0], found.depletion[0]) == (1.5, 0.9, 30.25)


READERS: dict[str, Callable[[Path], object]] = {
    "parameters": read_parameters,
    "weather": read_weather,
    "waterings": read_waterings,
    "canopy": read_canopy,
    "profiles": read_profiles,
    "expected": read_expected,
    "run": read_run_days,
}


@pytest.mark.parametrize("name", READERS)
@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no header"),
        ("a,b\n1,2\n", "no header"),
        (head("Goodness-of-fit Statistics"), "says it is 'Goodness-of-fit"),
        (head("AutoIrrigate Data"), "automatic irrigation is not run"),
    ],
)
def test_another_file_is_refused_by_every_reader(
    name: str, text: str, said: str, tmp_path: Path
) -> None:
    path = tmp_path / "other"
    path.write_text(text)
    with pytest.raises(DataError, match=said):
        READERS[name](path)


def test_a_mixed_up_file_is_told_where_it_belongs(tmp_path: Path) -> None:
    path = write_par(tmp_path / "a.par")
    with pytest.raises(DataError, match=r"is Parameter Data, not Weather .*--par"):
        read_weather(path)


def test_a_file_that_is_not_there_or_no_text(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot be read"):
        read_weather(tmp_path / "none.wth")
    path = tmp_path / "b.wth"
    path.write_bytes(b"\xff\xfe\x00\x01")
    with pytest.raises(DataError, match="no text"):
        read_weather(path)
