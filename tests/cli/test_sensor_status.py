"""What ``agroforest sensors status`` says of batteries and of satellites."""

import json
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.nightly.water.made import NIGHT, Farm, build_farm, drying
from tests.nightly.water.test_seen import watch

from agroforest.cli import main
from agroforest.core.reading import Reading, Variable
from agroforest.store import open_store

DAY = timedelta(days=1)
Run = Callable[..., str]


@pytest.fixture
def farm(tmp_path: Path) -> Farm:
    return build_farm(tmp_path)


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    def in_process(*arguments: str | Path) -> str:
        monkeypatch.setattr(sys, "argv", ["agroforest", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        assert not ended.value.code
        return capsys.readouterr().out

    return in_process


def test_status_names_a_low_battery(farm: Farm, run: Run) -> None:
    values = drying(30, start=0.28, a_day=0.001)
    for name in ("farm:1", "farm:2", "farm:3"):
        farm.probe(name, values, last=NIGHT)
    end = datetime(NIGHT.year, NIGHT.month, NIGHT.day, 14, tzinfo=UTC)
    told = [
        ("farm:1", Variable.BATTERY_LEVEL, 8.0),
        ("farm:2", Variable.BATTERY_LEVEL, 64.0),
        ("farm:3", Variable.BATTERY, 2.4),
    ]
    with open_store(farm.work / "agroforest.db") as store:
        store.add_readings(
            [
                Reading(
                    sensor=sensor,
                    time=end - timedelta(hours=24 * day),
                    variable=variable,
                    depth_m=None,
                    value=value,
                )
                for sensor, variable, value in told
                for day in range(5)
            ]
        )
    words = ("sensors", "status", "--work", farm.work)
    now = ("--now", f"{NIGHT}T23:00+08:00")
    low, good, volts = run(*words, *now).splitlines()
    assert "电池 battery 8 %（电量不足 low）" in low
    assert "its battery is low" in low
    assert "电池 battery 64 %，" in good
    assert "电池 battery 2.4 V（电量不足 low）" in volts
    found = json.loads(run(*words, *now, "--json"))
    assert [one["battery_pct"] for one in found] == [8.0, 64.0, None]
    assert [one["battery_low"] for one in found] == [True, False, True]


def test_status_says_what_satellites_say_of_a_probe(farm: Farm, run: Run) -> None:
    watch(farm, share=-1.0)
    words = ("sensors", "status", "--work", farm.work, "--pipeline", farm.path)
    now = ("--now", f"{NIGHT}T23:00+08:00")
    out = run(*words, *now)
    assert "可信度 trust 0.50（与卫星湿度的涨落不一致（12 个晴天" in out
    assert "disagrees with wetness seen by satellite" in out
    early = run(*words, "--now", f"{NIGHT - 60 * DAY}T23:00+08:00")
    assert "可与卫星湿度比较的晴天仅 5 个（需 8 个），未参评" in early
    (found,) = json.loads(run(*words, *now, "--json"))
    assert found["trust"] == 0.5
    assert found["notes"] == []
    farm.set(satellite="none")
    (found,) = json.loads(run(*words, *now, "--json"))
    assert found["trust"] == 1.0
