"""``agroforest fire weather`` as a person runs it."""

import csv
import json
import re
import signal
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import pytest
from tests.weather.conftest import era5_land

from agroforest.cli import main
from agroforest.testing.commands import run_command
from agroforest.weather.mapping import Mapping

HEAD = "date,temp,rh,wind,prec\n"


def call(*arguments: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    return run_command("fire", "weather", *arguments, cwd=cwd)


@dataclass(frozen=True, kw_only=True, slots=True)
class Ended:
    """What a command left behind."""

    returncode: int
    stdout: str
    stderr: str


Run = Callable[..., Ended]


@pytest.fixture
def run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Run]:
    """Run the same program in this process, which saves starting it."""

    def in_process(*arguments: str) -> Ended:
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr(sys, "argv", ["agroforest", "fire", "weather", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        said = capsys.readouterr()
        code = ended.value.code
        assert isinstance(code, int)
        return Ended(returncode=code, stdout=said.out, stderr=said.err)

    before = signal.getsignal(signal.SIGTERM)
    yield in_process
    signal.signal(signal.SIGTERM, before)


def read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def write(folder: Path, *rows: str, name: str = "s.csv") -> Path:
    (folder / name).write_text(HEAD + "\n".join(rows) + "\n", encoding="utf-8")
    return folder / name


def test_help_names_what_it_takes(tmp_path: Path) -> None:
    shown = call("--help", cwd=tmp_path)
    assert shown.returncode == 0
    for word in ("WEATHER", "--lat", "--ffmc0", "--dmc0", "--dc0", "--out", "--json"):
        assert word in shown.stdout


def test_the_first_days_of_van_wagner_and_pickett(tmp_path: Path) -> None:
    """Sample of Technical Report 33, 13 to 15 April, printed with one decimal."""
    write(
        tmp_path,
        "1985-04-13,17,42,25,0",
        "1985-04-14,20,21,25,2.4",
        "1985-04-15,8.5,40,17,0",
    )
    ended = call("s.csv", "--lat", "40", "--out", "o.csv", cwd=tmp_path)
    assert ended.returncode == 0, ended.stderr
    assert ended.stderr == ""
    assert ended.stdout == (
        "s: 3 days (0 forecast), 1985-04-13 to 1985-04-15, 0 set aside, 0 days without "
        "weather, over which codes were carried; FFMC scale 147.2 -> o.csv\n"
    )
    rows = read(tmp_path / "o.csv")
    assert list(rows[0]) == ["date", "ffmc", "dmc", "dc", "isi", "bui", "fwi"]
    found = [[round(float(v), 1) for v in list(row.values())[1:]] for row in rows]
    assert found == [
        [87.7, 8.5, 19.0, 10.9, 8.5, 10.1],
        [86.2, 10.4, 23.6, 8.8, 10.4, 9.3],
        [87.0, 11.8, 26.1, 6.5, 11.7, 7.6],
    ]
    said = json.loads((tmp_path / "o.csv-metadata.json").read_text(encoding="utf-8"))
    assert said["ffmc_scale"] == 147.2
    assert said["start_up"] == {"ffmc": 85.0, "dmc": 6.0, "dc": 15.0}
    assert [c["name"] for c in said["tableSchema"]["columns"]] == list(rows[0])


def test_json_counts_and_names_what_was_set_aside(tmp_path: Path, run: Run) -> None:
    write(
        tmp_path,
        "2024-03-01,20,40,10,0",
        "2024-03-02,20,104,10,0",
        "2024-03-03,20,0.4,10,0",
        "2024-03-04,293,40,10,0",
        "2024-03-05,20,40,10,-2",
        "2024-03-06,20,,10,0",
        "2024-03-01,20,40,10,0",
        "2024-03-07,20,40,10,0",
    )
    ended = run("s.csv", "--lat", "23", "--out", "o.csv", "--json")
    assert ended.returncode == 0, ended.stderr
    report = json.loads(ended.stdout)
    assert (report["rows"], report["used"], report["set_aside"]) == (8, 2, 6)
    assert [r["line"] for r in report["refused"]] == [3, 4, 5, 6, 7, 8]
    assert report["gaps"] == [["2024-03-02", "2024-03-06"]]
    assert report["missed"] == 5
    assert "s: line 3: humidity 104 % is above 100" in ended.stderr
    assert "s: 1 more rows set aside" in ended.stderr
    assert [row["date"] for row in read(tmp_path / "o.csv")] == [
        "2024-03-01",
        "2024-03-07",
    ]


def test_start_up_values_scale_and_southern_latitudes(tmp_path: Path, run: Run) -> None:
    write(tmp_path, "2024-01-15,30,30,20,0")
    run("s.csv", "--lat", "-35", "--out", "a.csv")
    more = (
        "--ffmc0",
        "80",
        "--dmc0",
        "50",
        "--dc0",
        "300",
        "--ffmc-scale",
        "147.27723",
    )
    run("s.csv", "--lat", "-35", "--out", "b.csv", *more)
    [a], [b] = read(tmp_path / "a.csv"), read(tmp_path / "b.csv")
    drying = 1.894e-4 * 31.1 * 70 * 11.5  # 40° S in January
    assert float(a["dmc"]) == pytest.approx(6 + drying, abs=1e-5)
    assert float(b["dmc"]) == pytest.approx(50 + drying, abs=1e-5)
    assert float(b["dc"]) - float(a["dc"]) == pytest.approx(285)
    said = json.loads((tmp_path / "b.csv-metadata.json").read_text(encoding="utf-8"))
    assert said["ffmc_scale"] == pytest.approx(147.27723, abs=5e-6)


def test_a_run_in_two_parts_is_the_run_at_once(tmp_path: Path, run: Run) -> None:
    start = date(2024, 2, 20)
    rows = [
        f"{start + timedelta(days=i)},{15 + i % 13},{30 + i * 7 % 60},{i % 25},{i % 5}"
        for i in range(30)
    ]
    write(tmp_path, *rows, name="all.csv")
    write(tmp_path, *rows[:20], name="one.csv")
    write(tmp_path, *rows[15:], name="two.csv")
    mapping = "\n".join(
        f'[{n}]\ncolumn = "{c}"\nunit = "{u}"'
        for n, c, u in (
            ("temperature", "temp", "°C"),
            ("humidity", "rh", "%"),
            ("wind", "wind", "km/h"),
            ("rain", "prec", "mm"),
        )
    )
    (tmp_path / "m.toml").write_text(
        f'[station]\nid = "x"\n{mapping}', encoding="utf-8"
    )
    same = ("--lat", "23", "--mapping", "m.toml")
    run("all.csv", *same, "--out", "all_o.csv")
    # the last five days of the first part are forecast: they must leave no trace
    kept = (*same, "--state", "c.npz")
    forecast = ("--forecast-from", (start + timedelta(days=15)).isoformat())
    first = run("one.csv", *kept, *forecast, "--out", "1.csv", "--json")
    assert json.loads(first.stdout)["forecast_days"] == 5
    second = run("two.csv", *kept, "--out", "2.csv", "--json")
    assert json.loads(second.stdout)["known"] == 0
    whole = (tmp_path / "all_o.csv").read_text().splitlines()
    assert (tmp_path / "1.csv").read_text().splitlines() == whole[:21]
    assert (tmp_path / "2.csv").read_text().splitlines()[1:] == whole[16:]
    again = run("two.csv", *kept, "--out", "3.csv")
    assert again.returncode == 5
    assert "no day after the 15 that the state holds" in again.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["s.csv", "--out", "o.csv"], 2, "give --lat"),
        (["s.csv", "--lat", "95", "--out", "o.csv"], 2, "--lat"),
        (["s.csv", "--lat", "23", "--out", "o.txt"], 2, "end it in .csv"),
        (["s.csv", "--lat", "23", "--out", "s.csv"], 2, "is the weather itself"),
        (["none.csv", "--lat", "23", "--out", "o.csv"], 1, "cannot be read"),
        (["kelvin.csv", "--lat", "23", "--out", "o.csv"], 1, "in kelvin?"),
        (["s.csv", "--lat", "23", "--ffmc0", "120", "--out", "o.csv"], 2, "FFMC 120"),
        (
            ["s.csv", "--lat", "23", "--ffmc-scale", "150", "--out", "o.csv"],
            2,
            "147.27723",
        ),
        (["s.csv", "--lat", "23", "--climate", "s.csv", "--out", "o.csv"], 1, "table"),
    ],
)
def test_one_line_says_what_is_wrong(
    tmp_path: Path, run: Run, arguments, code, words
) -> None:
    write(tmp_path, "2024-01-15,30,30,20,0")
    write(tmp_path, "2024-01-15,303,30,20,0", name="kelvin.csv")
    ended = run(*arguments)
    assert ended.returncode == code, ended.stderr
    assert words in ended.stderr
    assert "Traceback" not in ended.stderr
    assert not (tmp_path / "o.csv").exists()


_MANUAL = Path(__file__).parents[2] / "docs" / "fire.md"


def _blocks(kind: str) -> list[str]:
    text = _MANUAL.read_text(encoding="utf-8")
    return re.findall(rf"^```{kind}\n(.*?)^```", text, re.DOTALL | re.MULTILINE)


def test_commands_of_the_manual_are_understood(tmp_path: Path, run: Run) -> None:
    """Each as it stands there; files and history as it says."""
    start = date(2014, 1, 1)
    rows = [
        f"{start + timedelta(days=i)},{15 + i % 13},{30 + i * 7 % 60},{i % 25},{i % 5}"
        for i in range(365 * 5 + 1)
    ]
    write(tmp_path, *rows, name="history.csv")
    write(tmp_path, *rows[:5], name="STATION.csv")
    era5_land().to_netcdf(tmp_path / "era5land.nc")
    lines = _MANUAL.read_text(encoding="utf-8").splitlines()
    commands = [line for line in lines if line.startswith("agroforest fire weather")]
    assert len(commands) == 4
    for command in commands:
        ended = run(*command.split()[3:])
        assert ended.returncode == 0, (command, ended.stderr)


def test_mappings_of_the_manual_are_valid() -> None:
    texts = _blocks("toml")
    assert len(texts) == 2
    for text in texts:
        Mapping.model_validate(tomllib.loads(text))


def test_options_of_the_manual_exist(run: Run) -> None:
    shown = run("--help").stdout
    named = set(re.findall(r"`(--[a-z0-9-]+)", _MANUAL.read_text(encoding="utf-8")))
    assert {"--ffmc-scale", "--state", "--restart-after"} <= named
    for option in named:
        assert option in shown, option
