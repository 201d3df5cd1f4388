"""``agroforest water advise`` and ``sensors status`` as a person runs them."""

import json
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from tests.nightly.water.made import CANE, NIGHT, Farm, build_farm, drying, parcel

from agroforest.cli import main

DAY = timedelta(days=1)
Run = Callable[..., str]


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


def test_a_line_a_parcel_in_both_languages(farm: Farm, run: Run) -> None:
    farm.plant(parcel(1, **CANE), parcel(2, crop="wheat"))
    farm.run(NIGHT)
    out = run("water", "advise", "--pipeline", farm.path, "--work", farm.work)
    first, red, grey = out.splitlines()
    assert first == str(NIGHT)
    assert red.startswith("[红 RED] p1  1 号地 甘蔗：")
    assert "field 1, sugarcane:" in red
    assert grey.startswith("[灰 GREY] p2  2 号地：")
    assert "'wheat' is not in the table" in grey


def test_json_has_every_field(farm: Farm, run: Run) -> None:
    farm.run(NIGHT, NIGHT + DAY)
    out = run(
        *("water", "advise", "--pipeline", farm.path, "--work", farm.work),
        *("--night", str(NIGHT), "--json"),
    )
    document = json.loads(out)
    assert document["night"] == str(NIGHT)
    (one,) = document["parcels"]
    wanted = "amount_mm amount_m3 m3_per_mu minutes latest confidence readings reasons"
    wanted += " drought_zh drought_en notices depletion_mm raw_mm taw_mm verdict light"
    assert set(wanted.split()) <= set(one)
    assert one["latest"] is not None
    assert one["days"][-1]["forecast"]


def test_a_night_that_was_not_run_is_one_line(farm: Farm, run: Run) -> None:
    words = ("water", "advise", "--pipeline", farm.path, "--work", farm.work)
    assert "has no water of any night" in run(*words, code=5)
    farm.run(NIGHT)
    err = run(*words, "--night", "2024-01-01", code=5)
    assert "has no water of 2024-01-01" in err
    assert len(err.splitlines()) == 1


def test_a_pipeline_without_water_is_refused(farm: Farm, run: Run) -> None:
    text = farm.path.read_text("utf-8").replace('["water"]', '["fire"]')
    farm.path.write_text(text + '[fire]\nweather = "w.csv"\n', encoding="utf-8")
    err = run(
        *("water", "advise", "--pipeline", farm.path, "--work", farm.work), code=2
    )
    assert 'add "water" to hazards' in err


def test_how_each_sensor_is(farm: Farm, run: Run) -> None:
    farm.probe("farm:1", drying(30, start=0.28, a_day=0.001), last=NIGHT)
    farm.probe("farm:2", [1.79] * 200, last=NIGHT - 3 * DAY)
    when = f"{NIGHT}T23:00+08:00"
    words = ("sensors", "status", "--work", farm.work, "--now", when)
    out = run(*words, "--pipeline", farm.path)
    good, bad = out.splitlines()
    assert good.startswith("farm:1  farm:1")
    assert "1 小时前 hours ago" in good
    assert "可信度 trust 1.00" in good
    assert "地块 parcel p1" in good
    assert "108.3075" in good
    assert "可信度 trust 0.00" in bad
    assert "flags" in bad
    assert "range" in bad
    first, second = json.loads(run(*words, "--json"))
    assert first["usable"] is True
    assert first["age_hours"] == 1.0
    assert first["parcels"] == []
    assert second["usable"] is False
    assert second["flags"]["range"] > 40
    assert "silent for 73 hours" in second["reasons_en"]


def test_a_night_says_how_many_parcels_need_water(farm: Farm, run: Run) -> None:
    words = ("nightly", farm.path, "--night", str(NIGHT), "--work", farm.work)
    assert run(*words, "--dry-run") == f"{NIGHT}  would keep water\n"
    assert "water: 1 red" in run(*words)
    assert run(*words) == f"{NIGHT}  unchanged\n"


def test_a_time_without_its_zone_is_refused(farm: Farm, run: Run) -> None:
    farm.work.mkdir()
    words = ("sensors", "status", "--work", farm.work)
    assert "no time with its zone" in run(*words, "--now", "2024-06-01", code=2)
    assert run(*words).strip() == "没有传感器 · no sensors"
