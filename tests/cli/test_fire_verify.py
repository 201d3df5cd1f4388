"""``agroforest fire verify`` as a person runs it."""

import json
import signal
import sys
from collections.abc import Callable, Iterator
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from tests.alerts.fires import START, go, make_event

from agroforest.alerts.fire import FireAlert
from agroforest.cli import main
from agroforest.cli.fire_verify_words import OUTCOMES_ZH
from agroforest.core.alert import AlertStatus
from agroforest.core.fire import HotspotEvent, Outcome, Verification
from agroforest.store import RunRecord, open_store
from agroforest.testing.commands import run_command

HOUR = timedelta(hours=1)
HOSTILE = "\x1b[2J<b>'); DROP TABLE alert;--\u202e"
Call = Callable[..., tuple[int, str, str]]


@pytest.fixture
def call(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Call]:
    """Run the command in this process: exit code, standard output, standard error."""

    def run(*arguments: str, now: float | None = 0.5) -> tuple[int, str, str]:
        line = ["agroforest", "fire", "verify", "--pipeline", "p", *arguments]
        if now is not None:
            line += ["--now", (START + now * HOUR).isoformat()]
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr(sys, "argv", line)
        with pytest.raises(SystemExit) as ended:
            main()
        said = capsys.readouterr()
        code = ended.value.code
        assert isinstance(code, int)
        return code, said.out, said.err

    before = signal.getsignal(signal.SIGTERM)
    yield run
    signal.signal(signal.SIGTERM, before)


def keep(folder: Path, *fires: FireAlert) -> None:
    with open_store(folder / "work" / "agroforest.db") as store:
        store.record_night(
            run=RunRecord(
                pipeline="p", night=START.date(), config_digest="c", status="done"
            ),
            alerts=[f.alert for f in fires],
            fires=[f.facts for f in fires],
        )


def raised(hours: float, *events: HotspotEvent) -> tuple[FireAlert, ...]:
    return go([], events, hours).alerts


@pytest.fixture
def three(tmp_path: Path) -> dict[str, str]:
    """Ids of three alerts, raised at 0, 1 and 2 hours, by event."""
    fires = [
        *raised(2, make_event("late", at=20, county=(HOSTILE, "Heng"))),
        *raised(0, make_event("early")),
        *raised(1, make_event("mid", at=10)),
    ]
    keep(tmp_path, *fires)
    return {f.facts.event.id: f.alert.id for f in fires}


def listed(call: Call, now: float) -> dict[str, Any]:
    code, out, _ = call("--json", now=now)
    assert code == 0
    found: dict[str, Any] = json.loads(out)
    return found


def test_help_is_in_both_languages_and_names_every_outcome() -> None:
    shown = run_command("fire", "verify", "--help").stdout
    assert "火点警报核查" in shown
    words = " ".join(shown.split())
    for outcome in Outcome:
        assert outcome in words
    assert OUTCOMES_ZH.keys() == set(Outcome)


def test_open_alerts_are_listed_oldest_deadline_first(
    call: Call, three: dict[str, str]
) -> None:
    found = listed(call, 1.75)
    assert [a["alert"] for a in found["alerts"]] == [
        three["early"],
        three["mid"],
        three["late"],
    ]
    assert [a["minutes_left"] for a in found["alerts"]] == [-45, 15, 75]
    assert [a["overdue"] for a in found["alerts"]] == [True, False, False]
    code, out, err = call(now=1.75)
    assert (code, err) == (0, "")
    head, first, second, third = out.splitlines()
    assert head == "待核查 3 处 · 3 to verify"
    assert "逾期 45 分钟 · 45 min overdue" in first
    assert "武鸣区 Wuming" in first
    assert "末次 last seen 04-05 01:00" in first  # 17:00 UTC
    assert "剩 15 分钟 · 15 min left" in second
    assert "DROP TABLE" in third
    assert "\x1b" not in out
    assert "\u202e" not in out


def test_what_is_found_is_recorded_and_listed(
    call: Call, three: dict[str, str], tmp_path: Path
) -> None:
    at = (START + 0.25 * HOUR).isoformat()
    words = [
        "--outcome",
        "forest-fire",
        "--by",
        "韦工",
        "--note",
        "山脚\n<i>",
        "--at",
        at,
    ]
    code, out, err = call(three["early"], *words)
    assert (code, err) == (0, "")
    assert "已记录 · recorded" in out
    assert "按时核查，余 45 分钟 · verified in time, 45 min left" in out
    code, out, _ = call(three["early"], *words)
    assert code == 0
    assert "已有记录 · known already" in out
    with open_store(tmp_path / "work" / "agroforest.db") as store:
        (facts,) = (f for _, f in store.fire_alerts("p") if f.alert == three["early"])
    assert facts.verification == Verification(
        time=START + 0.25 * HOUR,
        outcome=Outcome.FOREST_FIRE,
        by="韦工",
        note="山脚\n<i>",
    )
    _, out, _ = call()
    assert "待核查 2 处 · 2 to verify" in out
    assert "已核查 1 处 · 1 verified, still open" in out
    assert "森林火灾 forest-fire, 04-05 02:15, 韦工" in out


def test_an_older_word_is_kept_and_does_not_count(
    call: Call, three: dict[str, str]
) -> None:
    call(three["early"], "--outcome", "nothing", "--by", "a", now=1.5)
    at = ["--at", START.isoformat()]
    code, out, _ = call(
        three["early"], "--outcome", "forest-fire", "--by", "b", *at, now=1.6
    )
    assert code == 0
    assert "a newer word counts: 未见火情 nothing" in out
    _, out, _ = call(
        three["early"], "--outcome", "forest-fire", "--by", "b", "--json", now=1.7
    )
    done = json.loads(out)
    assert done["recorded"] is True
    assert done["alert"]["verification"] == done["said"]
    assert done["alert"]["overdue"] is True
    assert done["alert"]["minutes_left"] == pytest.approx(-42)


def test_the_beginning_of_an_id_is_enough(call: Call, tmp_path: Path) -> None:
    fires = raised(0, *(make_event(f"e{i}", at=3 * i) for i in range(40)))
    keep(tmp_path, *fires)
    ids = sorted(f.alert.id for f in fires)
    # Of forty hexadecimal ids some two begin alike.
    shared = next(a[0] for a, b in pairwise(ids) if a[0] == b[0])
    code, out, err = call(shared, "--outcome", "nothing")
    assert (code, out) == (2, "")
    assert "ids (" in err
    assert err.count("\n") == 1
    code, out, _ = call(ids[0][:12], "--outcome", "nothing", "--by", "x")
    assert code == 0
    assert ids[0] in out


def test_nobody_named_is_whoever_is_logged_in(
    call: Call, three: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOGNAME", "林业站")
    _, out, _ = call(three["early"], "--outcome", "nothing")
    assert "林业站" in out


def test_the_time_is_now_unless_given(call: Call, three: dict[str, str]) -> None:
    code, out, _ = call(
        three["early"], "--outcome", "nothing", "--by", "x", "--json", now=None
    )
    assert code == 0
    assert json.loads(out)["alert"]["overdue"] is True


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["nobody", "--outcome", "nothing"], "is no fire alert of this pipeline"),
        (["", "--outcome", "nothing"], "is no fire alert of this pipeline"),
        ([HOSTILE, "--outcome", "nothing"], "is no fire alert of this pipeline"),
        (["ID"], "--outcome: is not given; give one of forest-fire"),
        (["ID", "--outcome", "fire"], "'fire' is not known"),
        (["ID", "--outcome", "nothing", "--at", "noon"], "'noon' is no time"),
        (
            ["ID", "--outcome", "nothing", "--at", "2024-04-05T02:00"],
            "has no time zone; write 2024-04-05T02:00:00+08:00",
        ),
        (
            ["ID", "--outcome", "nothing", "--at", "2024-04-05T02:31+08:00"],
            "yet to come",
        ),
        (
            ["ID", "--outcome", "nothing", "--at", "2024-04-04T23:59+08:00"],
            "before heat was first seen",
        ),
        (["ID", "--outcome", "nothing", "--by", " "], "names nobody"),
        (["ID", "--outcome", "nothing", "--note", HOSTILE], r"'\x1b'"),
        (["--outcome", "nothing"], "give the alert's id"),
        (["--pipeline", "q"], "--pipeline 'q': has no night on record"),
        (["--now", "2024-04-05"], "no time zone"),
    ],
)
def test_errors_are_one_line_with_the_way_out(
    call: Call, three: dict[str, str], arguments: list[str], problem: str
) -> None:
    given = [three["early"] if a == "ID" else a for a in arguments]
    code, out, err = call(*given, now=None if "--now" in given else 0.5)
    assert code in (1, 2, 5)
    assert out == ""
    assert err.count("\n") == 1
    assert problem in err
    assert "\x1b" not in err


def test_a_folder_without_a_database_is_left_as_it_is(
    call: Call, tmp_path: Path
) -> None:
    code, _, err = call()
    assert code == 5
    assert "agroforest.db: no such database" in err
    assert not (tmp_path / "work").exists()


def test_a_pipeline_without_fires_has_nothing_to_verify(
    call: Call, tmp_path: Path
) -> None:
    keep(tmp_path)
    assert call() == (0, "待核查 0 处 · 0 to verify\n", "")


def test_fires_that_ended_unseen_are_counted(call: Call, tmp_path: Path) -> None:
    (one,) = raised(0, make_event())
    gone = FireAlert(
        alert=one.alert.patch(status=AlertStatus.RELEASED), facts=one.facts
    )
    keep(tmp_path, gone)
    _, out, _ = call(now=40)
    assert "1 more are no longer seen, and nobody has looked" in out
    assert listed(call, 40)["ended_unverified"] == 1
    # It can still be said what was there.
    code, out, _ = call(one.alert.id, "--outcome", "nothing", "--by", "x", now=40)
    assert code == 0
    assert "逾期 39 小时 核查 · verified 39 h late" in out
    assert listed(call, 40)["ended_unverified"] == 0
