"""All flags together, files of every kind, and guesses."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from agroforest.core.errors import ConfigurationError, DataError, NoInputError
from agroforest.core.reading import Quality, Reading, Variable
from agroforest.sensors.check import MEANINGS, Ground, check, find_silences
from agroforest.sensors.check_file import check_file, find_siblings, read_saturation
from agroforest.sensors.flags_ismn import CODES
from agroforest.sensors.guess import guess_mapping

START = datetime(2024, 5, 1, tzinfo=UTC)


def _moisture(values: list[float | None], sensor: str = "s") -> list[Reading]:
    return [
        Reading(
            sensor=sensor,
            time=START + timedelta(hours=hour),
            variable=Variable.SOIL_MOISTURE,
            depth_m=0.1,
            value=value,
        )
        for hour, value in enumerate(values)
    ]


def test_codes_then_words_in_the_order_given() -> None:
    values: list[float | None] = [0.2] * 30
    values[3], values[7], values[15] = 0.7, None, 0.25
    readings = _moisture(values)
    found = check(reversed(readings), Ground(saturation=0.46))
    assert [one.reading.time for one in found] == [r.time for r in reversed(readings)]
    flags = {29 - n: one.flags for n, one in enumerate(found) if one.flags}
    assert flags == {
        3: ("C02", "C03", "range"),
        7: ("missing",),
        15: ("spike",),  # D06 wants all 24 readings around it
    }
    assert found[29 - 3].reading.quality == Quality.RANGE


def test_what_follows_from_isms_flags() -> None:
    values: list[float | None] = [0.2] * 100
    values[30:60] = [0.4] * 30
    found = check(_moisture(values))
    assert found[40].flags == ("D10", "plateau")
    assert found[40].reading.quality == Quality.PLATEAU


def test_a_jump_is_a_break_only_if_it_did_not_rain() -> None:
    values: list[float | None] = [0.2] * 60
    values[30:] = [0.3] * 30
    values[33] = 0.301
    readings = _moisture(values)
    assert check(readings)[30].flags == ("D08",)
    for rain, expected in ((0.0, ("D04", "D08", "break", "rainless")), (8.0, ("D08",))):
        gauge = [
            Reading(
                sensor="s",
                time=r.time,
                variable=Variable.PRECIPITATION,
                depth_m=None,
                value=rain if n == 28 else 0.0,
            )
            for n, r in enumerate(readings)
        ]
        assert check([*readings, *gauge])[30].flags == expected


def test_silences_longest_first() -> None:
    readings = [
        r
        for n, r in enumerate(_moisture([0.2 + 0.001 * (n % 7) for n in range(100)]))
        if not (20 < n < 30 or 50 < n < 75)
    ]
    long, short = find_silences(check(reversed(readings)))
    assert (long.hours, short.hours) == (25.0, 10.0)
    assert long.since == START + timedelta(hours=50)
    assert long.until == START + timedelta(hours=75)


def test_every_flag_has_a_meaning_in_both_languages() -> None:
    names = {str(q.name).lower() for q in Quality if q}
    assert set(MEANINGS) == set(CODES) | names
    assert all(zh and en for zh, en in MEANINGS.values())


# ----------------------------------------------------------------------- files

_HEADER = "NET  NET  ST  22.8  108.3  80.0  0.05  0.05  probe\n"


def _ismn(folder: Path, code: str, values: list[float], flags: str = "U") -> Path:
    name = f"NET_NET_ST_{code}_0.050000_0.050000_probe_20240501_20240601.stm"
    rows = "".join(
        f"{START + timedelta(hours=h):%Y/%m/%d %H:%M}   {value:.4f} {flags} M\n"
        for h, value in enumerate(values)
    )
    (folder / name).write_text(_HEADER + rows)
    return folder / name


def test_ismn_file_with_its_siblings_and_its_soil(tmp_path: Path) -> None:
    path = _ismn(tmp_path, "sm", [0.2] * 30 + [0.45] * 10, flags="C03,D01")
    _ismn(tmp_path, "ts", [2.0] * 20 + [-2.0] * 20)
    _ismn(tmp_path, "p", [0.0] * 40)
    (tmp_path / "NET_NET_ST_static_variables.csv").write_text(
        "quantity_name;unit;depth_from[m];depth_to[m];value;\n"
        "clay fraction;%;0.00;0.30;23;\n"
        "saturation;m^3*m^-3;0.30;1.00;0.40;\n"
        "saturation;m^3*m^-3;0.00;0.30;0.44;\n"
    )
    assert [p.name.split("_")[3] for p in find_siblings(path)] == ["ts", "p"]
    found = check_file(path)
    assert found.ground.saturation == 0.44
    assert "static_variables" in found.saturation_from
    flags = [one.flags for one in found.checked]
    assert flags[0] == ()  # the file's own C03 and D01 are not ours
    assert flags[25] == ("D01", "frozen")
    assert flags[30][:3] == ("C03", "D01", "D04")
    assert read_saturation(next(tmp_path.glob("*.csv")), 0.5) == 0.40
    assert check_file(path, saturation=0.5).saturation_from == "用户给定 given"


def test_without_a_soil_a_loam_is_assumed_and_said(tmp_path: Path) -> None:
    found = check_file(_ismn(tmp_path, "sm", [0.46, 0.47]))
    assert [one.flags for one in found.checked] == [(), ("C03",)]
    assert "assumed" in found.saturation_from


def test_a_table_is_guessed_and_shown_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "probe.csv"
    path.write_text(
        ",SoilMoisture\n"
        "2021-01-01 00:09:07,23.5\n2021-01-01 00:18:55,179.0\n2021-01-01 00:28:42,\n"
    )
    found = check_file(path)
    assert "column 2 'SoilMoisture' as soil_moisture in %" in found.guessed
    assert found.rows() == [
        ("time", "value", "flags", "unit", "sensor", "variable", "depth_m"),
        ("2021-01-01T00:09:07", "23.5", "", "%", "probe", "soil_moisture", ""),
        (
            *("2021-01-01T00:18:55", "179.0", "C02,C03,range", "%"),
            *("probe", "soil_moisture", ""),
        ),
    ]


def test_a_mapping_gives_unit_and_zone(tmp_path: Path) -> None:
    path = tmp_path / "probe.csv"
    path.write_text("t,w\n2021-01-01 08:00,-3\n")
    mapping = tmp_path / "m.toml"
    mapping.write_text(
        'timezone = "+08:00"\n[time]\ncolumn = "t"\n[sensor]\nid = "farm:3"\n'
        '[[value]]\ncolumn = "w"\nvariable = "soil_moisture"\nunit = "%"\ndepth_m = 0.2'
    )
    _, row = check_file(path, mapping=mapping).rows()
    assert row == (
        *("2021-01-01T00:00:00+00:00", "-3.0", "C01,range", "%"),
        *("farm:3", "soil_moisture", "0.2"),
    )


@pytest.mark.parametrize(
    ("text", "variables"),
    [
        (
            "时间;土壤含水量(%);土壤温度;降雨量\n2024/05/01 08:00;31.5;20;0\n",
            (
                "column 2 '土壤含水量(%)' as soil_moisture in %, "
                "column 3 '土壤温度' as soil_temperature in °C, "
                "column 4 '降雨量' as precipitation in mm"
            ),
        ),
        ("t,vwc m3/m3\n2024-05-01T00:00:00Z,2.0\n", "as soil_moisture in m3/m3"),
        ("t,whatever\n2024-05-01T00:00:00Z,0.3\n", "as soil_moisture in m3/m3"),
        (
            "t,sm,sm2\n2024-05-01T00:00:00Z,30,31\n",
            "column 2 'sm' as soil_moisture in %",
        ),
    ],
)
def test_guesses(text: str, variables: str) -> None:
    guess = guess_mapping(text, Path("x.csv"))
    assert variables in guess.said
    assert guess.has_zone == ("Z," in text)


@pytest.mark.parametrize(
    ("text", "error", "problem"),
    [
        ("a,b\n1,2\n3,4\n", ConfigurationError, "no column of times"),
        ("t,a,b\n2024-05-01,1,2\n", ConfigurationError, "no column of soil moisture"),
        ("", ConfigurationError, "no column of times"),
        ("{", DataError, "is not JSON"),
        ("[]", NoInputError, "no readings in it"),
    ],
)
def test_files_that_cannot_be_checked(
    tmp_path: Path, text: str, error: type[Exception], problem: str
) -> None:
    path = tmp_path / "x.csv"
    path.write_text(text)
    with pytest.raises(error, match=problem):
        check_file(path)


def test_saturation_is_a_share(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"saturation 46\.0: is no share"):
        check_file(_ismn(tmp_path, "sm", [0.2]), saturation=46.0)


@pytest.mark.data
def test_every_wild_value_of_the_broken_probe_is_flagged(data_dir: Path) -> None:
    found = check_file(data_dir / "soil_faulty" / "soil_moisture_spikes.csv")
    wild = [row for row in found.rows()[1:] if row[1] and not 0 <= float(row[1]) <= 60]
    assert (len(found.checked), len(wild)) == (10607, 3484)
    assert all({"C01", "C02"} & set(row[2].split(",")) for row in wild)
