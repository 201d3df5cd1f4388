"""``agroforest water`` as a person runs it."""

import csv
import json
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.farm.seasons import DAYS, FIRST, head, write_par, write_season, write_wth

from agroforest.cli import main
from agroforest.farm.fao56_files import read_expected

DOCS = Path(__file__).resolve().parents[2] / "docs" / "soil-and-water.md"


@dataclass(frozen=True, kw_only=True, slots=True)
class Ended:
    """What a command left behind."""

    code: object
    stdout: str
    stderr: str


Run = Callable[..., Ended]


@pytest.fixture
def run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Run:
    def in_process(*arguments: str | Path) -> Ended:
        monkeypatch.chdir(tmp_path)
        words = ["agroforest", "water", "balance", *map(str, arguments)]
        monkeypatch.setattr(sys, "argv", words)
        with pytest.raises(SystemExit) as ended:
            main()
        said = capsys.readouterr()
        code = ended.value.code or 0
        return Ended(code=code, stdout=said.out, stderr=said.err)

    return in_process


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_a_season_becomes_a_table_of_days(run: Run, tmp_path: Path) -> None:
    season = write_season(tmp_path)
    out = tmp_path / "days.csv"
    ended = run(
        *("--par", season.par, "--wth", season.wth, "--irr", season.irr),
        *("--out", out, "--json"),
    )
    assert ended.code == 0
    found = rows(out)
    assert list(found[0])[:4] == ["date", "etc_mm", "depletion_mm", "ks"]
    assert len(found) == DAYS
    assert found[0]["date"] == FIRST.isoformat()
    report = json.loads(ended.stdout)
    assert report["season_from"] == "all of the weather"
    assert report["soil"] == "uniform"
    assert "begin with the weather, on 2021-03-01, and has 60 days" in ended.stderr
    total = sum(float(row["etc_mm"]) for row in found)
    assert report["sums"]["etc"] == pytest.approx(total, abs=0.01)
    assert report["depletion_end"] == pytest.approx(
        float(found[-1]["depletion_mm"]), abs=0.001
    )


def test_every_option_at_once(run: Run, tmp_path: Path) -> None:
    season = write_season(tmp_path, blank=("ETref",))
    out = tmp_path / "days.csv"
    ended = run(
        *("--par", season.par, "--wth", season.wth, "--irr", season.irr),
        *("--sol", season.sol, "--upd", season.upd, "--out", out, "--single"),
        *("--runoff", "--constant-p", "--aquacrop-ks", "--adjust-kc"),
        *("--start", "2021-03-03", "--end", "2021-100"),
    )
    assert ended.code == 0
    found = rows(out)
    assert found[0]["date"] == "2021-03-03"
    assert found[-1]["date"] == "2021-04-10"
    assert found[0]["evaporation_mm"] == ""  # the single coefficient has none
    assert found[0]["profile_mm"] != ""
    assert "2021-03-03 to 2021-04-10 (--start and --end)" in ended.stdout
    assert "Penman-Monteith" in ended.stdout
    assert "irrigations lie outside the season" in ended.stderr


def test_the_days_of_a_finished_run_beside_it(run: Run, tmp_path: Path) -> None:
    season = write_season(tmp_path)
    last = FIRST + timedelta(days=30)
    season.irr.with_suffix(".sum").write_text(
        head("Seasonal Water Balance Summary").replace(
            "Timestamp",
            f"Simulation start date: {FIRST:%m/%d/%Y}\n"
            f"Simulation end date: {last:%m/%d/%Y}\nTimestamp",
        )
    )
    common = ("--par", season.par, "--wth", season.wth, "--irr", season.irr)
    ended = run(*common, "--out", "a.csv", "--json")
    report = json.loads(ended.stdout)
    assert report["season_from"] == "f.sum"
    assert report["last"] == last.isoformat()
    ended = run(*common, "--out", "a.csv", "--json", "--end", "2021-03-20")
    assert json.loads(ended.stdout)["last"] == "2021-03-20"


@pytest.mark.parametrize(
    ("option", "text", "said"),
    [
        ("--par", "nonsense", "no header between lines of asterisks"),
        ("--wth", head("Irrigation Data"), "is Irrigation Data, not Weather Data"),
        ("--irr", head("AutoIrrigate Data"), "automatic irrigation is not run"),
        ("--sol", head("Soil Profile Data"), "no line of column names"),
        ("--upd", head("Update Data") + "Year-DOY Kcb h fc\n2021-070 x 1 1\n", "'x'"),
        ("--sws", head("Measured Soil Water Data") + "Year-DOY\n2021-070\n", "no n"),
        ("--against", head("Output Data") + "Year-DOY ETc\n", "no column Dr, Ks"),
    ],
)
def test_a_bad_file_is_one_line_that_names_it(
    option: str, text: str, said: str, run: Run, tmp_path: Path
) -> None:
    season = write_season(tmp_path)
    bad = tmp_path / "bad.txt"
    bad.write_text(text)
    files = {"--par": season.par, "--wth": season.wth, "--irr": season.irr}
    files[option] = bad
    ended = run(*(word for pair in files.items() for word in pair), "--out", "a.csv")
    assert ended.code == 1
    assert ended.stderr.count("\n") == 1
    assert str(bad) in ended.stderr
    assert said in ended.stderr
    assert not (tmp_path / "a.csv").exists()


@pytest.mark.parametrize(
    "arguments", [("--start", "2020-01-01"), ("--end", "2021-02-01")]
)
def test_a_season_outside_the_weather_is_refused(
    arguments: tuple[str, str], run: Run, tmp_path: Path
) -> None:
    season = write_season(tmp_path)
    ended = run("--par", season.par, "--wth", season.wth, "--out", "a.csv", *arguments)
    assert ended.code == 2
    assert "give --start and --end within the weather" in ended.stderr


def test_days_without_weather_are_counted_not_filled(run: Run, tmp_path: Path) -> None:
    season = write_season(tmp_path, blank=("Rain",))
    ended = run("--par", season.par, "--wth", season.wth, "--out", "a.csv")
    assert ended.code == 0
    assert "40 days without weather, the first 2021-03-02" in ended.stdout
    assert rows(tmp_path / "a.csv")[1]["etc_mm"] == ""


def test_temperatures_alone_are_said(run: Run, tmp_path: Path) -> None:
    lost: dict[str, Any] = dict.fromkeys(
        ("Srad", "Tdew", "RHmax", "RHmin", "Wndsp", "ETref"), float("nan")
    )
    write_wth(tmp_path / "t.wth", **lost)
    par = write_par(tmp_path / "t.par")
    ended = run("--par", par, "--wth", tmp_path / "t.wth", "--out", "a.csv")
    assert ended.code == 0
    assert "Hargreaves, from temperatures alone 60" in ended.stdout


RUNS = {
    "dry": ("test01", "cotton2013.par", "cotton2013.wth", "cottondry2013", ""),
    "wet": ("test01", "cotton2013.par", "cotton2013.wth", "cottonwet2013", ""),
    "layers": (
        *("test06", "cotton2022p10-2.par", "cotton2022.wth", "cotton2022p10-2"),
        "cotton2022p10-2.sol",
    ),
}


@pytest.mark.data
@pytest.mark.golden
@pytest.mark.parametrize("name", RUNS)
def test_the_reference_runs_on_every_day(
    name: str, run: Run, tmp_path: Path, data_dir: Path
) -> None:
    folder, par, wth, stem, sol = RUNS[name]
    where = data_dir / "fao56" / folder
    expected = read_expected(where / f"{stem}.out")
    layers = ("--sol", where / sol) if sol else ()
    first = date(1970, 1, 1) + timedelta(days=int(expected.days[0]))
    last = date(1970, 1, 1) + timedelta(days=int(expected.days[-1]))
    ended = run(
        *("--par", where / par, "--wth", where / wth, "--irr", where / f"{stem}.irr"),
        *layers,
        *("--start", first.isoformat(), "--end", last.isoformat(), "--out", "a.csv"),
    )
    assert ended.code == 0
    found = rows(tmp_path / "a.csv")
    assert len(found) == len(expected.days)
    for index, row in enumerate(found):
        # The files have three digits.
        assert float(row["etc_mm"]) == pytest.approx(expected.etc[index], abs=6e-4)
        assert float(row["depletion_mm"]) == pytest.approx(
            expected.depletion[index], abs=6e-4
        )
        assert float(row["ks"]) == pytest.approx(expected.ks[index], abs=6e-4)


@pytest.mark.data
def test_the_measured_profiles_of_the_reference(run: Run, data_dir: Path) -> None:
    # The other program's own comparison says 65.417 and 80.249 mm.
    where = data_dir / "fao56" / "test06"
    stem = where / "cotton2022p10-2"
    ended = run(
        *("--par", f"{stem}.par", "--wth", where / "cotton2022.wth"),
        *("--irr", f"{stem}.irr", "--sol", f"{stem}.sol", "--sws", f"{stem}.sws"),
        *("--against", f"{stem}.out", "--out", "a.csv", "--json"),
    )
    report = json.loads(ended.stdout)
    assert report["measured"]["days"] == 25
    assert report["measured"]["bias_mm"] == pytest.approx(65.417, abs=0.01)
    assert report["measured"]["rmse_mm"] == pytest.approx(80.249, abs=0.01)
    assert report["against"]["days"] == 194
    assert report["against"]["depletion_mm"] < 0.001


COMMANDS = [
    line.split()[3:]
    for line in DOCS.read_text(encoding="utf-8").splitlines()
    if line.startswith("agroforest water balance ")
]


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_the_commands_of_the_page(command: list[str], run: Run, tmp_path: Path) -> None:
    write_season(tmp_path)
    assert run(*command).code == 0
    found = rows(tmp_path / "days.csv")
    described = DOCS.read_text(encoding="utf-8")
    assert all(f"`{column}`" in described for column in found[0])


def test_the_code_of_the_page() -> None:
    text = DOCS.read_text(encoding="utf-8")
    (code,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    found: dict[str, Any] = {}
    exec(compile(code, DOCS.name, "exec"), found)  # noqa: S102  our own page
    assert found["zone"].depletion.shape == (2,)
    assert found["out"].etc[0] > 0
