"""``agroforest alerts``, ``account``, ``audit`` and ``review``: what people type."""

import json
import shutil
import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyogrio
import pytest
from tests.desk.test_learning import judge
from tests.review.cases import SQUARE, TWO
from tests.review.test_following import alert, change
from typer.testing import CliRunner, Result

from agroforest.cli.app import app
from agroforest.core.account import Account, Role
from agroforest.core.alert import Change
from agroforest.core.errors import (
    AgroforestError,
    ConfigurationError,
    ConflictError,
    DataError,
    ForbiddenError,
    NoInputError,
)
from agroforest.core.review import Reason
from agroforest.core.risk import Hazard
from agroforest.desk.bureau import Bureau
from agroforest.desk.work import follow
from agroforest.store import open_store

Call = Callable[..., Result]
PEOPLE = {
    "li": Role.REVIEWER,
    "chen": Role.SUPERVISOR,
    "guest": Role.VIEWER,
    "root": Role.ADMIN,
}


@pytest.fixture(scope="session")
def _made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Work folder with three alerts that nobody has followed, and four people."""
    folder = tmp_path_factory.mktemp("desk")
    now = datetime.now(UTC)
    with open_store(folder / "agroforest.db") as store:
        store.record_night(
            alerts=[
                alert("a1", geometry=TWO, area_ha=9.0),
                alert("b1", geometry=SQUARE),
                alert("s1", hazard=Hazard.CANOPY_STRESS, probability=0.4),
            ],
            instructions=[change(Change.NEW, name) for name in ("a1", "b1", "s1")],
        )
        for name, role in PEOPLE.items():
            one = Account(name=name, title=name.title(), role=role, created=now)
            store.desk.add_account(one)
    return folder


@pytest.fixture
def work(_made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(_made, tmp_path / "work"))


@pytest.fixture
def call(work: Path, tmp_path: Path) -> Call:
    """Call a command of ours with an empty file of settings; errors are raised."""
    (tmp_path / "desk.toml").write_text("")

    def _call(*words: str, typed: str | None = None) -> Result:
        config = ["--config", str(tmp_path / "desk.toml")]
        told = [*words, "--work", str(work), *(config if words[0] == "alerts" else [])]
        result = CliRunner().invoke(app, told, input=typed)
        if isinstance(result.exception, AgroforestError):
            raise result.exception
        return result

    return _call


def read(result: Result) -> Any:
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


class TestQueue:
    def test_the_queue_is_listed_most_pressing_first(self, call: Call):
        shown = call("alerts", "list").stdout.splitlines()
        assert shown[0] == "3 件 · cases"
        assert shown[1].startswith("a1  ")
        assert "9.00 ha（135.0 亩）  70%  2024-05-01" in shown[1]
        listed = read(call("alerts", "list", "--json"))
        assert [c["id"] for c in listed["cases"]] == ["a1", "b1", "s1"]
        assert listed["next"] == ""

    def test_filters_and_pages(self, call: Call):
        one = read(call("alerts", "list", "--hazard", "canopy-stress", "--json"))
        assert [c["id"] for c in one["cases"]] == ["s1"]
        sure = read(call("alerts", "list", "--least-probability", "0.5", "--json"))
        assert [c["id"] for c in sure["cases"]] == ["a1", "b1"]
        none = read(call("alerts", "list", "--since", "2024-05-02", "--json"))
        assert (none["count"], none["cases"]) == (0, [])
        first = read(call("alerts", "list", "--limit", "2", "--json"))
        rest = read(
            call("alerts", "list", "--limit", "2", "--after", first["next"], "--json")
        )
        assert [c["id"] for c in (*first["cases"], *rest["cases"])] == [
            "a1",
            "b1",
            "s1",
        ]

    @pytest.mark.parametrize(
        ("words", "said"),
        [
            (("--stage", "x"), "--stage: 'x' is not known; give one of pre-screen"),
            (("--hazard", "pest"), "--hazard: 'pest' is not known"),
            (("--order", "size"), "--order: 'size' is not known"),
            (("--since", "May"), "--since: 'May' is no day"),
        ],
    )
    def test_a_wrong_word_is_one_line(
        self, call: Call, words: tuple[str, str], said: str
    ):
        with pytest.raises(ConfigurationError, match=said):
            call("alerts", "list", *words)

    def test_without_settings_nothing_is_followed(self, work: Path):
        result = CliRunner().invoke(app, ["alerts", "list", "--work", str(work)])
        assert result.stdout == "0 件 · cases\n"
        assert "an empty file will do" in result.stderr

    def test_without_a_database_there_is_nothing_to_review(self, tmp_path: Path):
        words = ["alerts", "list", "--work", str(tmp_path / "none")]
        result = CliRunner().invoke(app, words)
        assert isinstance(result.exception, NoInputError)


class TestActs:
    def test_a_case_goes_its_way(self, call: Call):
        call("alerts", "pass", "a1", "--as", "li")
        done = call(
            *("alerts", "confirm", "a1", "--as", "li", "--reason", "seen-in-images")
        )
        assert (
            done.stdout == "a1  待审批 Waiting for a supervisor  v3\n"
            or "v3" in done.stdout
        )
        call("alerts", "approve", "a1", "--as", "chen")
        call("alerts", "close", "a1", "--as", "chen")
        told = read(call("alerts", "show", "a1", "--json"))
        assert (told["stage"], told["version"], told["judged_by"]) == (
            "closed",
            5,
            "li",
        )
        assert [s["act"] for s in told["steps"]] == [
            *("open", "pass", "confirm", "approve", "close"),
        ]
        assert told["geometry"]["type"] == "MultiPolygon"
        shown = call("alerts", "show", "a1").stdout
        assert "排序" not in shown
        assert "2024-05-01" in shown
        assert read(call("audit", "verify", "--json"))["desk"]["entries"] == 4

    def test_every_act_can_be_typed(self, call: Call):
        for words in (
            "assign a1 --to li",
            "check a1 --to guest --due 2024-06-01",
            "check a1 --found 采伐迹地",
            "note a1 --note 已联系林场",
            "merge a1 b1",
            "unmerge b1",
            "split a1",
            "unsplit a1",
            "split b1 --line 101.9,25.005;102.1,25.005",
            "pass s1",
            "confirm s1 --reason reported",
            "sample s1 sampled",
            "sample s1 laboratory --positive",
            "sample s1 felled",
            "sample s1 stump-checked",
            "dismiss a1 --reason other --note 墓地",
            "return a1 --note 请再看",
            "reopen s1 --note 复核",
        ):
            act = [word.replace(";", " ") for word in words.split()]
            if act[0] == "reopen":
                call("alerts", "approve", "s1", "--as", "chen")
            by = "chen" if act[0] in {"return", "reopen"} else "li"
            done = call("alerts", *act, "--as", by, "--json")
            assert read(done)["cases"], words
        told = read(call("alerts", "show", "s1", "--json"))
        assert told["sampling"] == "stump-checked"

    def test_who_was_slower_is_told(self, call: Call):
        call("alerts", "pass", "a1", "--as", "li")
        with pytest.raises(ConflictError, match="li: pass"):
            call(
                *("alerts", "dismiss", "a1", "--reason", "cloud"),
                *("--as", "chen", "--seen", "1"),
            )

    @pytest.mark.parametrize(
        ("words", "kind", "said"),
        [
            ("pass a1 --as guest", ForbiddenError, "is viewer and may not pass"),
            ("pass a1 --as nobody", ConfigurationError, "--as nobody: is no account"),
            ("pass z9 --as li", DataError, "case z9"),
            ("show z9", DataError, "case z9"),
            ("confirm a1 --as li --reason reported", DataError, "pass it to a verdict"),
            ("confirm a1 --as li --reason cloud", DataError, "no reason for confirmed"),
            ("confirm a1 --as li --reason x", ConfigurationError, "--reason: 'x'"),
            ("dismiss a1 --as li --reason other", DataError, "add a note"),
            ("check a1 --as li", ConfigurationError, "--to or --found"),
            ("check a1 --as li --to li --due soon", ConfigurationError, "is no day"),
            ("split a1 --as li --line 1;2", ConfigurationError, "is no line"),
            ("sample a1 x --as li", ConfigurationError, "STEP: 'x'"),
        ],
    )
    def test_what_cannot_be_is_one_line(
        self, call: Call, words: str, kind: type[AgroforestError], said: str
    ):
        with pytest.raises(kind, match=said) as caught:
            call("alerts", *(word.replace(";", " ") for word in words.split()))
        assert "\n" not in str(caught.value)

    def test_nobodys_text_moves_the_cursor(self, call: Call, work: Path):
        call("alerts", "note", "a1", "--as", "li", "--note", "一行\n两行")
        with sqlite3.connect(work / "agroforest.db") as database:
            database.execute(
                "UPDATE review_case SET county_zh = 'x' || char(27) || '[2J'"
            )
        for words in (("show", "a1"), ("list",)):
            shown = call("alerts", *words).stdout
            assert "\x1b" not in shown
        assert "一行 两行" in call("alerts", "show", "a1").stdout


class TestExport:
    def test_cases_are_written(self, call: Call, tmp_path: Path):
        out = tmp_path / "cases.gpkg"
        assert (
            read(call("alerts", "export", str(out), "--exact", "--json"))["cases"] == 3
        )
        assert pyogrio.read_info(out)["features"] == 3
        one = tmp_path / "one.csv"
        call("alerts", "export", str(one), "--hazard", "canopy-stress")
        assert len(one.read_text(encoding="utf-8-sig").splitlines()) == 2

    def test_an_unknown_format_is_refused(self, call: Call, tmp_path: Path):
        with pytest.raises(ConfigurationError, match="not a format"):
            call("alerts", "export", str(tmp_path / "cases.doc"))


class TestAccounts:
    def test_an_account_from_first_to_last(self, tmp_path: Path):
        work = ["--work", str(tmp_path / "new")]

        def run(*words: str, typed: str | None = None) -> Result:
            result = CliRunner().invoke(app, ["account", *words, *work], input=typed)
            if isinstance(result.exception, AgroforestError):
                raise result.exception
            assert result.exit_code == 0, result.output
            return result

        run(
            *("add", "zhao", "--role", "admin", "--title", "赵", "--password-stdin"),
            *("--contact", "mail=zhao@example.cn"),
            typed="correct horse\n",
        )
        asked = "battery staple\nbattery staple\n"
        run("add", "qian", "--role", "farmer", "--parcel", "p1", typed=asked)
        listed = json.loads(run("list", "--json").stdout)
        assert [(a["name"], a["role"], a["parcels"]) for a in listed] == [
            ("qian", "farmer", ["p1"]),
            ("zhao", "admin", []),
        ]
        assert listed[1]["contacts"] == {"mail": "zhao@example.cn"}
        secret = run("token", "zhao", "--scope", "cases:read").stdout.strip()
        run(
            "password",
            "zhao",
            "--password-stdin",
            "--as",
            "zhao",
            typed="new horse 2\n",
        )
        run(
            *("change", "qian", "--title", "钱", "--parcel", "p2", "--parcel", "p3"),
            *("--contact", "sms=1391234", "--quiet", "22:00-06:30", "--quota", "5"),
            *("--hazard", "active-fire", "--county", "530102", "--digest"),
        )
        qian = json.loads(run("change", "qian", "--county", "-", "--json").stdout)
        assert (qian["title"], qian["parcels"]) == ("钱", ["p2", "p3"])
        assert qian["interest"] == {
            "hazards": ["active-fire"],
            "counties": [],
            "quiet": ["22:00", "06:30"],
            "quota": 5,
            "digest": True,
        }
        run("disable", "qian", "--as", "zhao")
        assert "停用 disabled" in run("list").stdout
        run("disable", "qian", "--undo")
        shown = CliRunner().invoke(app, ["audit", "show", *work, "--json"])
        deeds = json.loads(shown.stdout)
        assert [(d["what"], d["who"]) for d in reversed(deeds)] == [
            ("account.created", "operator"),
            ("account.created", "operator"),
            ("token.created", "operator"),
            ("account.password", "zhao"),
            ("account.changed", "operator"),
            ("account.changed", "operator"),
            ("account.disabled", "zhao"),
            ("account.enabled", "operator"),
        ]
        kept = (tmp_path / "new" / "agroforest.db").read_bytes()
        for hidden in (secret, "correct horse", "battery staple", "new horse 2"):
            assert hidden not in shown.stdout
            assert hidden.encode() not in kept

    @pytest.mark.parametrize(
        ("words", "said"),
        [
            ("add night --role admin --no-password", "taken by the record"),
            ("add Li --role admin --no-password", "is no name"),
            ("add li --role viewer --no-password", "li"),
            ("add x --role king --no-password", "--role: 'king'"),
            ("add x --role admin --language fr --no-password", "'fr' is not known"),
            ("add x --role admin --contact mail --no-password", "--contact: 'mail'"),
            ("add x --role viewer --no-password --as li", "may not manage accounts"),
            ("disable nobody", "is not known"),
            ("change nobody --title x", "is not known"),
            ("change li --quiet noon", "--quiet: 'noon'"),
            ("change li --hazard pest", "--hazard: 'pest'"),
            ("token guest --scope cases:judge", "is no right of guest"),
            ("token nobody", "is not known"),
        ],
    )
    def test_what_cannot_be_is_one_line(self, call: Call, words: str, said: str):
        with pytest.raises(AgroforestError, match=said) as caught:
            call("account", *words.split())
        assert "\n" not in str(caught.value)

    def test_a_short_password_is_refused(self, call: Call):
        with pytest.raises(DataError, match="password"):
            call("account", "password", "li", "--password-stdin", typed="short\n")


class TestAudit:
    def test_a_record_that_was_changed_is_found(self, call: Call, work: Path):
        call("alerts", "pass", "a1", "--as", "li")
        call("alerts", "note", "a1", "--as", "li", "--note", "second")
        shown = call("audit", "show", "--what", "case.pass").stdout
        assert "li  case.pass  a1" in shown
        assert "2 条完整" in call("audit", "verify").stdout
        with sqlite3.connect(work / "agroforest.db") as database:
            with pytest.raises(sqlite3.DatabaseError):
                database.execute("UPDATE deed SET who = 'wang' WHERE number = 1")
            names = database.execute(
                "SELECT name FROM sqlite_master WHERE type = 'trigger' "
                "AND tbl_name = 'deed'"
            ).fetchall()
            for (name,) in names:
                database.execute(f'DROP TRIGGER "{name}"')
            database.execute("UPDATE deed SET who = 'wang' WHERE number = 1")
        with pytest.raises(DataError, match="entry 1 of the audit"):
            call("audit", "verify")

    def test_a_record_whose_end_was_cut_off_is_found(self, call: Call, work: Path):
        call("alerts", "pass", "a1", "--as", "li")
        call("alerts", "note", "a1", "--as", "li", "--note", "second")
        head = read(call("audit", "verify", "--json"))["desk"]["digest"]
        call("alerts", "note", "a1", "--as", "li", "--note", "third")
        assert "3 条完整" in call("audit", "verify", "--head", head).stdout
        with sqlite3.connect(work / "agroforest.db") as database:
            database.execute("DROP TRIGGER deed_delete")
            database.execute("DELETE FROM deed WHERE number > 1")
        assert "1 条完整" in call("audit", "verify").stdout
        with pytest.raises(DataError, match=f"does not hold the entry {head}"):
            call("audit", "verify", "--head", head)


class TestLearning:
    def judge(self, call: Call) -> None:
        call("alerts", "dismiss", "b1", "--as", "li", "--reason", "shadow")
        call("alerts", "approve", "b1", "--as", "chen")

    def test_labels_are_written(self, call: Call, tmp_path: Path):
        self.judge(call)
        out = tmp_path / "labels"
        told = read(call("review", "export-labels", str(out), "--json"))
        assert told["files"]["survey.gpkg"] == 1
        assert pyogrio.read_info(out / "survey.gpkg")["features"] == 1
        assert "fires.csv  —" in call("review", "export-labels", str(out)).stdout

    def test_too_few_verdicts_propose_nothing(self, call: Call):
        self.judge(call)
        told = read(call("review", "thresholds", "propose", "--json"))
        assert {p["outcome"] for p in told["proposals"]} == {"too-few"}
        assert "研判太少" in call("review", "thresholds", "propose").stdout
        with pytest.raises(DataError, match="verdicts propose none"):
            call("review", "thresholds", "take", "--as", "chen")
        assert "没有阈值" in call("review", "thresholds", "show").stdout

    def test_thresholds_are_proposed_taken_and_reverted(self, call: Call, work: Path):
        call("alerts", "list")
        with open_store(work / "agroforest.db") as store:
            names = [f"n{n:02}" for n in range(40)]
            store.record_night(
                alerts=[
                    alert(name, probability=0.9 if n < 20 else 0.3)
                    for n, name in enumerate(names)
                ],
                instructions=[change(Change.NEW, name) for name in names],
            )
            follow(store, Bureau())
            for n, name in enumerate(names):
                reason = Reason.REPORTED if n < 20 else Reason.SHADOW
                judge(store, name, reason)
        asked = ("--target", "0.9", "--least", "10")
        told = read(call("review", "thresholds", "propose", *asked, "--json"))
        (found,) = told["proposals"]
        assert (found["outcome"], found["threshold"]["value"]) == ("proposed", 0.9)
        assert {e["hazard"]: e["below"] for e in told["effect"]} == {
            "canopy-loss": 2,
            "canopy-stress": 0,
        }
        assert "0.900" in call("review", "thresholds", "propose", *asked).stdout
        with pytest.raises(ForbiddenError):
            call("review", "thresholds", "take", *asked, "--as", "li")
        call("review", "thresholds", "take", *asked, "--as", "chen", "--note", "春季")
        assert "第 1 版" in call("review", "thresholds", "show").stdout
        with pytest.raises(ConflictError):
            call(
                "review", "thresholds", "take", *asked, "--as", "chen", "--version", "0"
            )
        done = read(
            call("review", "thresholds", "revert", "0", "--as", "chen", "--json")
        )
        assert (done["version"], done["thresholds"]) == (2, [])
        every = read(call("review", "thresholds", "show", "--all", "--json"))
        assert [each["version"] for each in every] == [1, 2]
