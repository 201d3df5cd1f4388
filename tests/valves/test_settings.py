"""Settings: off by default, and what is unsafe is refused with the way out."""

import re
from pathlib import Path

import pytest

from agroforest.core.errors import ConfigurationError
from agroforest.valves.limits import Confirmation
from agroforest.valves.settings import (
    CommandSection,
    ReportSection,
    ValveSettings,
    read_valve_settings,
)
from agroforest.valves.turn import Alarm

_LEAST = """
day_m3 = 60.0
[broker]
host = "127.0.0.1"
[valve.north]
rated_m3h = 12.0
day_m3 = 30.0
longest_minutes = 120
command = { topic = "farm/north/command" }
report = { topic = "farm/north/state" }
"""


def read(tmp_path: Path, text: str) -> ConfigurationError:
    path = tmp_path / "valves.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigurationError) as caught:
        read_valve_settings(path)
    return caught.value


def test_the_least_is_off_and_safe(tmp_path: Path) -> None:
    path = tmp_path / "valves.toml"
    path.write_text(_LEAST)
    limits = read_valve_settings(path).limits
    north = limits.valves["north"]
    assert limits.enabled is False
    assert (north.has_timer, north.keeps_ids) == (False, False)
    assert (north.longest_s, north.pause_s) == (7200, 1800)
    assert (limits.approval_s, limits.clock_s) == (1800, 60)
    assert north.confirmation is Confirmation.FLOW


def test_a_parcel_has_one_valve(tmp_path: Path) -> None:
    north = _LEAST.replace("[valve.north]", '[valve.north]\nparcel = "p1"')
    south = north[north.index("[valve.north]") :].replace("north", "south")
    assert "two valves name the parcel p1" in read(tmp_path, north + south).problem
    path = tmp_path / "valves.toml"
    path.write_text(north + south.replace("p1", "p2"))
    parcels = [each.parcel for each in read_valve_settings(path).valve.values()]
    assert parcels == ["p1", "p2"]


def test_paths_start_at_the_file(tmp_path: Path) -> None:
    path = tmp_path / "valves.toml"
    more = '[weather]\nfile = "weather.csv"\nwind_ms = 8.0\n'
    path.write_text(
        _LEAST.replace(
            'host = "127.0.0.1"',
            'host = "10.0.0.5"\nuser = "u"\npassword_file = "secret"\n'
            'tls = { ca = "ca.pem" }',
        )
        + more
    )
    settings = read_valve_settings(path)
    assert settings.weather.file == tmp_path / "weather.csv"
    assert settings.broker.password_file == tmp_path / "secret"
    assert settings.broker.tls is not None
    assert settings.broker.tls.ca == tmp_path / "ca.pem"


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("rated_m3h = 12.0", "rated_m3h = 0", "greater than 0"),
        ("rated_m3h = 12.0", "rated_m3h = inf", "finite"),
        ("day_m3 = 60.0", "day_m3 = nan", "finite|greater"),
        ("day_m3 = 60.0", "day_m3 = 60.0\nclock_seconds = 61", "less than or equal"),
        ("longest_minutes = 120\n", "", "longest_minutes"),
        ("rated_m3h", "keeps_ids = true\nrated_m3h", None),
        ('state" }', 'state", flow = "" }', "flow cannot confirm"),
        (
            'state" }',
            'state", command = "" }\nkeeps_ids = true',
            "keeps_ids needs report.command",
        ),
        ("rated_m3h", 'confirmation = "moisture"\nrated_m3h', "moisture_sensor"),
        ("farm/north/state", "farm/+/state", "pattern"),
        ("farm/north/state", "farm/north/command", "both of commands and of reports"),
        ("[valve.north]", "[weather]\nwind_ms = 8\n[valve.north]", "need file"),
        (
            "[valve.north]",
            "[weather]\nrain_measured_mm = 8\n[valve.north]",
            "needs gauges or file",
        ),
        ('host = "127.0.0.1"', 'host = "h"\npassword = "x"', "a secret does not"),
        ("[valve.north]", "[valve.'no rth']", "pattern"),
    ],
)
def test_what_is_unsafe_is_refused(
    tmp_path: Path, old: str, new: str, problem: str | None
) -> None:
    text = _LEAST.replace(old, new, 1)
    assert text != _LEAST
    if problem is None:
        path = tmp_path / "valves.toml"
        path.write_text(text)
        assert read_valve_settings(path).valve["north"].keeps_ids
        return
    error = read(tmp_path, text)
    assert str(error).count("\n") == 0
    assert "docs/valves.md" in error.remedy
    assert any(words in error.problem for words in problem.split("|")), error.problem


def test_the_settings_on_the_page_are_settings(tmp_path: Path) -> None:
    page = Path(__file__).parents[2] / "docs" / "valves.md"
    (shown,) = re.findall(r"```toml\n(.*?)```", page.read_text("utf-8"), re.DOTALL)
    path = tmp_path / "valves.toml"
    path.write_text(shown, encoding="utf-8")
    settings = read_valve_settings(path)
    assert settings.enabled is False
    # What the page writes out is what holds without it.
    assert settings.valve["north"].command == CommandSection(topic="farm/north/command")
    assert settings.valve["north"].report == ReportSection(topic="farm/north/state")


def test_the_page_names_every_rule_setting_and_alarm() -> None:
    page = Path(__file__).parents[2] / "docs" / "valves.md"
    words = page.read_text("utf-8")
    for name in ("approval_minutes", "clock_seconds", "fresh_seconds", "leak_m3h"):
        assert name in ValveSettings.model_fields
        assert f"`{name}`" in words
    for alarm in Alarm:
        assert f"| `{alarm}` |" in words
