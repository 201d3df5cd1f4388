"""``agroforest water advise --propose``: from the advice of a night to an order."""

import json
import os
import re
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.nightly.water.made import CANE, NIGHT, Farm, build_farm, parcel

from agroforest.cli import main

Run = Callable[..., str]

#: Before the sun rises on the farm after the made night.
LATE = datetime(2024, 6, 10, 20, tzinfo=UTC)


@pytest.fixture
def farm(tmp_path: Path) -> Farm:
    return build_farm(tmp_path)


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    def in_process(*arguments: str | Path, code: int = 0) -> str:
        monkeypatch.setattr(sys, "argv", ["agroforest", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        assert (ended.value.code or 0) == code
        told = capsys.readouterr()
        return told.err if code else told.out

    return in_process


_VALVES = """
day_m3 = 20000.0
[broker]
host = "127.0.0.1"
[valve.north]
name = "北田 North"
parcel = "p1"
rated_m3h = 120.0
day_m3 = 20000.0
longest_minutes = 600
has_timer = true
command = { topic = "c" }
report = { topic = "s" }
[valve.south]
parcel = "p2"
rated_m3h = 12.0
day_m3 = 30.0
longest_minutes = 120
has_timer = true
command = { topic = "d" }
report = { topic = "t" }
"""


def test_from_advice_to_an_order_that_a_person_approves(
    farm: Farm, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The clock stands at the end of the made night; everything else is real."""
    monkeypatch.setattr("agroforest.cli.valves_advised.find_now", lambda: LATE)
    farm.plant(parcel(1, **CANE), parcel(2, crop="wheat"))
    valves = farm.folder / "valves.toml"
    valves.write_text(_VALVES, encoding="utf-8")
    farm.run(NIGHT)
    words = ("water", "advise", "--pipeline", farm.path, "--work", farm.work)
    lines = run(*words, "--propose", valves).splitlines()
    proposed, nothing = lines[-2:]
    assert "p1 -> north" in proposed
    assert "待批准 proposed  600 min, 最多 at most 1200.0 m³" in proposed
    assert "p2 -> south  不提出 nothing proposed" in nothing
    assert "wheat" in nothing
    document = json.loads(run(*words, "--propose", valves, "--json"))
    first, second = document["proposals"]
    assert (first["known"], first["order"]["stage"]) == (True, "proposed")
    assert second["order"] is None
    order = first["order"]["id"]
    assert order in proposed
    place = ("--work", farm.work)
    run("valve", "approve", valves, order, "--by", "韦工", "--yes", *place)
    again = run(*words, "--propose", valves)
    assert f"{order}  已批准 approved" in again
    status = json.loads(run("valve", "status", valves, *place, "--json"))
    assert [o["id"] for o in status["orders"]] == [order]
    assert run("valve", "given", valves, *place) == "地块,日期,立方米\n"


def test_the_walk_through_on_the_page(
    farm: Farm, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = (Path(__file__).parents[2] / "docs" / "valves.md").read_text("utf-8")
    (settings,) = re.findall(r"```toml\n(.*?)```", page, re.DOTALL)
    section = page.split("## From advice to an order", 1)[1].split("\n## ", 1)[0]
    commands = re.findall(r"^agroforest (.+)$", section, re.MULTILINE)
    assert [words.split()[1] for words in commands] == [
        *("fields.toml", "advise", "approve", "status", "given"),
    ]
    farm.plant(parcel(3, **CANE))
    farm.path.rename(farm.folder / "fields.toml")
    (farm.folder / "valves.toml").write_text(settings, encoding="utf-8")
    write_hours(farm.folder / "hours.csv", LATE)
    monkeypatch.chdir(farm.folder)
    monkeypatch.setattr("agroforest.cli.valves_advised.find_now", lambda: LATE)
    night, advise, approve, status, given = (words.split() for words in commands)
    run(*night)
    line = run(*advise).splitlines()[-1]
    found = re.fullmatch(
        r"p3 -> north  (\w{16})  待批准 proposed  120 min, 最多 at most 24.0 m³", line
    )
    assert found
    words = [found[1] if word == "ORDER" else word for word in approve]
    assert "approved" in run(*words, "--by", "韦工", "--yes")
    shown = run(*status)
    assert "已批准 approved  120 min  3 号地" in shown
    assert "先开 120/" in shown
    assert "0 行 rows -> given.csv" in run(*given)


def write_hours(path: Path, now: datetime) -> None:
    """Hours without rain and wind around a moment, forecast at that moment."""
    hours = [now + timedelta(hours=n) for n in range(-30, 30)]
    rows = [f"{each.isoformat()},0,0" for each in hours]
    path.write_text("\n".join(["time,rain_mm,wind_ms", *rows]) + "\n")
    os.utime(path, (now.timestamp(), now.timestamp()))


def test_old_advice_proposes_nothing(farm: Farm, run: Run) -> None:
    valves = farm.folder / "valves.toml"
    valves.write_text(_VALVES, encoding="utf-8")
    farm.run(NIGHT)
    words = ("water", "advise", "--pipeline", farm.path, "--work", farm.work)
    err = run(*words, "--propose", valves, code=1)
    assert "days old" in err
    assert len(err.splitlines()) == 1
