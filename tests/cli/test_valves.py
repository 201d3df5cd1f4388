"""``agroforest valve``: what a person types, sees and is refused."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from agroforest.cli.app import app
from agroforest.core.errors import AgroforestError

Call = Callable[..., Result]

_SETTINGS = """
enabled = true
day_m3 = 60.0
[broker]
host = "127.0.0.1"
port = 1
[weather]
file = "weather.csv"
rain_forecast_mm = 5.0
[valve.north]
name = "北田 North"
rated_m3h = 12.0
day_m3 = 30.0
longest_minutes = 120
has_timer = true
keeps_ids = true
command = { topic = "north/command" }
report = { topic = "north/state" }
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "valves.toml"
    path.write_text(_SETTINGS, encoding="utf-8")
    return path


@pytest.fixture
def call(config: Path, tmp_path: Path) -> Call:
    """Call a command of ours; errors are raised."""

    def _call(command: str, *words: str, typed: str | None = None) -> Result:
        work = ["--work", str(tmp_path / "work")]
        result = CliRunner().invoke(
            app, ["valve", command, str(config), *words, *work], input=typed
        )
        if isinstance(result.exception, AgroforestError):
            raise result.exception
        return result

    return _call


def propose(call: Call, *words: str) -> dict[str, Any]:
    result = call(
        "propose", "north", "--why", "缺水 22 mm", *words, "--order", "o1", "--json"
    )
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def test_help_names_every_command_in_two_languages() -> None:
    shown = CliRunner().invoke(app, ["valve", "--help"]).stdout
    for word in ("propose", "approve", "run", "status", "close", "audit", "批准开阀"):
        assert word in shown


def test_a_proposal_by_minutes_or_volume(call: Call) -> None:
    assert propose(call, "--minutes", "30")["order"]["seconds"] == 1800
    again = propose(call, "--m3", "6")  # twelve an hour
    assert again["order"]["seconds"] == 1800
    assert again["order"]["stage"] == "proposed"
    assert "预报降水未知" in [a["zh"] for a in again["against"]]


def test_a_person_sees_what_is_approved_and_gives_a_name(call: Call) -> None:
    propose(call, "--minutes", "30")
    result = call("approve", "o1", typed="韦工\ny\n")
    assert result.exit_code == 0
    for words in (
        *("北田 North", "6.0 m³", "30 min", "缺水 22 mm"),
        *("降水预报 Rain forecast (24 h)  未知 unknown", "rain forecast is not known"),
    ):
        assert words in result.stderr
    assert "approved" in result.stdout
    (order,) = json.loads(call("status", "--json").stdout)["orders"]
    assert (order["approved_by"], order["stage"]) == ("韦工", "approved")


def test_who_says_no_approves_nothing(call: Call) -> None:
    propose(call, "--minutes", "30")
    assert call("approve", "o1", typed="韦工\nn\n").exit_code == 1
    (order,) = json.loads(call("status", "--json").stdout)["orders"]
    assert order["stage"] == "proposed"


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (["approve", "o1", "--yes"], "--by: is not given"),
        (["approve", "o1", "--yes", "--by", " "], "approved by nobody"),
        (["approve", "o1", "--yes", "--by", "advice"], "who is no person"),
        (["approve", "o1", "--yes", "--by", "a\x1b[2J"], "cannot be shown"),
        (["approve", "zz", "--yes", "--by", "a"], "order 'zz': is no id"),
        (
            ["propose", "south", "--why", "x", "--minutes", "1"],
            "names no valve 'south'",
        ),
        (["propose", "north", "--why", "x"], "needs one of --minutes and --m3"),
        (["propose", "north", "--why", "x", "--minutes", "1e9"], "a second to a day"),
        (
            ["propose", "north", "--why", "x", "--minutes", "9", "--order", "a b"],
            "'a b' is no id",
        ),
        (
            ["propose", "north", "--why", "x", "--minutes", "9", "--order", "o1"],
            "is an order of 1800 s for north already",
        ),
        (["close", "south", "--by", "a"], "names no valve 'south'"),
    ],
)
def test_errors_say_the_way_out(call: Call, words: list[str], problem: str) -> None:
    propose(call, "--minutes", "30")
    with pytest.raises(AgroforestError) as caught:
        call(*words)
    assert problem in str(caught.value)
    assert "\x1b" not in str(caught.value)


def test_too_long_an_opening_is_refused_at_once(call: Call) -> None:
    order = propose(call, "--minutes", "121")["order"]
    assert (order["stage"], order["note"]) == ("refused", "121 minutes, longest 120")


def test_status_is_for_people_too(call: Call) -> None:
    propose(call, "--minutes", "30")
    shown = call("status").stdout
    assert "已启用 enabled · 今日 today 0.0 / 60.0 m³" in shown
    assert "north  北田 North  未知 not heard of  0.0 / 30.0 m³" in shown
    assert "待批准 proposed  30 min  缺水 22 mm" in shown


@pytest.mark.enable_socket
def test_closing_withdraws_even_without_a_broker(
    call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agroforest.cli.valves._PATIENCE_S", 0.1)
    propose(call, "--minutes", "30")
    shown = call("close", "north", "--by", "韦工", "--why", "下雨").stdout
    assert "由控制器发送" in shown
    (order,) = json.loads(call("status", "--json").stdout)["orders"]
    assert (order["stage"], order["note"]) == ("withdrawn", "下雨")


def test_the_audit_is_shown_and_checked(call: Call) -> None:
    propose(call, "--minutes", "30")
    call("approve", "o1", "--yes", "--by", "韦工")
    lines = [json.loads(x) for x in call("audit", "--json").stdout.splitlines()]
    assert [(x["what"], x["who"]) for x in lines] == [
        ("propose", "advice"),
        ("approve", "韦工"),
    ]
    assert "approve  韦工: 缺水 22 mm" in call("audit", "--order", "o1").stdout
    checked = json.loads(call("audit", "--verify", "--json").stdout)
    assert checked == {
        "entries": 2,
        "head": lines[-1]["digest"],
        "unchanged": True,
    }
    assert "审计完整" in call("audit", "--verify", "--head", checked["head"]).stdout
    with pytest.raises(AgroforestError, match="its end was cut off"):
        call("audit", "--verify", "--head", "0" * 64)


def test_a_dry_run_says_what_would_be_sent(
    config: Path, call: Call, tmp_path: Path
) -> None:
    text = config.read_text(encoding="utf-8").replace("rain_forecast_mm = 5.0", "")
    config.write_text(text.replace('[weather]\nfile = "weather.csv"', ""))
    propose(call, "--minutes", "30")
    call("approve", "o1", "--yes", "--by", "韦工")
    command = [sys.executable, "-m", "agroforest", "valve", "run", str(config)]
    with subprocess.Popen(  # noqa: S603  our own program
        [*command, "--dry-run", "--json", "--work", str(tmp_path / "work")],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    ) as process:
        assert process.stdout is not None
        said = json.loads(process.stdout.readline())
        process.send_signal(signal.SIGTERM)
        _, complaints = process.communicate(timeout=60)
    assert (said["action"], said["rehearsal"], said["seconds"]) == (
        *("SendOpen", True, 1800),
    )
    assert "nothing is sent" in complaints
    assert process.returncode == 0
    (order,) = json.loads(call("status", "--json").stdout)["orders"]
    assert order["stage"] == "rehearsed"
