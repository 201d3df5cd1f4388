"""``agroforest notify``: what an operator types, sees and is refused."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.notify.people import make_account, make_message
from tests.notify.servers import Hook, Mailbox, serve_hook, serve_mail
from tests.notify.test_advice import make_parcel
from tests.store.desks import open_cases
from typer.testing import CliRunner, Result

from agroforest.cli.app import app
from agroforest.core.account import Interest, Role
from agroforest.core.errors import (
    AgroforestError,
    ConfigurationError,
    DataError,
    NoInputError,
)
from agroforest.core.message import Message
from agroforest.notify.acknowledge import read_key, verify
from agroforest.notify.told import IN_DIGEST
from agroforest.store import RunRecord, Store, open_store

Call = Callable[..., Result]

_SETTINGS = """
[notify]
link = "https://desk.example.cn"
[notify.channels.mail]
kind = "mail"
url_env = "TEST_MAIL"
sender = "desk@example.cn"
[notify.channels.duty]
kind = "dingtalk"
url_env = "TEST_DUTY"
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "desk.toml"
    path.write_text(_SETTINGS, encoding="utf-8")
    return path


@pytest.fixture
def work(tmp_path: Path) -> Path:
    return tmp_path / "work"


@pytest.fixture
def store(work: Path) -> Iterator[Store]:
    work.mkdir()
    with open_store(work / "agroforest.db") as opened:
        yield opened


@pytest.fixture
def mailbox(monkeypatch: pytest.MonkeyPatch) -> Iterator[Mailbox]:
    with serve_mail() as box:
        monkeypatch.setenv("TEST_MAIL", f"smtp://127.0.0.1:{box.port}")
        yield box


@pytest.fixture
def hook(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hook]:
    with serve_hook() as served:
        monkeypatch.setenv("TEST_DUTY", served.address)
        yield served


@pytest.fixture
def call(config: Path) -> Call:
    """Call a command of ours; errors are raised."""

    def _call(*words: str, work: Path | None = None) -> Result:
        given = ["notify", *words, "--config", str(config)]
        given += [] if work is None else ["--work", str(work)]
        result = CliRunner().invoke(app, given)
        if isinstance(result.exception, AgroforestError):
            raise result.exception
        assert result.exception is None or isinstance(result.exception, SystemExit)
        return result

    return _call


def keep(store: Store, **changes: Any) -> Message:
    """Record a message of now to somebody who has both channels."""
    if store.desk.account("wei") is None:
        contacts = {"mail": "wei@example.cn", "duty": "group"}
        store.desk.add_account(make_account(contacts=contacts))
    now = datetime.now(UTC)
    message = make_message(**{"created": now, "due": now, **changes})
    store.desk.add_messages([message])
    return message


def test_help_names_every_command_in_two_languages() -> None:
    shown = CliRunner().invoke(app, ["notify", "--help"]).stdout
    for word in (
        "send",
        "status",
        "test",
        "digest",
        "again",
        "preview",
        "advice",
        "试发",
    ):
        assert word in shown


@pytest.mark.enable_socket
def test_what_waits_is_sent_over_every_channel(
    store: Store, work: Path, call: Call, mailbox: Mailbox, hook: Hook
) -> None:
    message = keep(store)
    keep(store, channel="duty")
    done = json.loads(call("send", "--json", work=work).stdout)
    assert {name: each["sent"] for name, each in done["channels"].items()} == {
        "mail": 1,
        "duty": 1,
    }
    (letter,) = mailbox.letters
    assert letter["To"] == "wei@example.cn"
    link = letter.get_content().splitlines()[-1]
    token = link.rsplit("/", 1)[1]
    assert verify(read_key(work / "notify.key"), token) == message.key
    assert "疑似林冠缺失" in hook.posts[0].body["text"]["content"]
    assert "1 已发 sent" not in call("send", work=work).stdout


@pytest.mark.enable_socket
def test_a_channel_without_its_secret_is_named_and_stops_no_other(
    store: Store,
    work: Path,
    call: Call,
    mailbox: Mailbox,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("TEST_DUTY", raising=False)
    keep(store)
    keep(store, channel="duty")
    result = call("send", work=work)
    assert "put it into TEST_DUTY" in result.stderr
    assert len(mailbox.letters) == 1
    found = json.loads(call("status", "--json", work=work).stdout)
    assert found["channels"] == {"mail": {"sent": 1}, "duty": {"waiting": 1}}


@pytest.mark.enable_socket
def test_status_names_what_failed_and_what_has_no_channel(
    store: Store, work: Path, call: Call, mailbox: Mailbox
) -> None:
    mailbox.answers.append("554 refused")
    keep(store)
    keep(store, channel="pigeon")
    call("send", work=work)
    shown = call("status", work=work).stdout
    assert "mail: 1 failed" in shown
    assert "pigeon（设置中没有 · not in the settings）: 1 waiting" in shown
    assert "SMTP 554" in shown


@pytest.mark.enable_socket
def test_what_failed_can_be_sent_again(
    store: Store, work: Path, call: Call, mailbox: Mailbox
) -> None:
    mailbox.answers.append("554 refused")
    keep(store)
    call("send", work=work)
    call("send", work=work)
    assert mailbox.letters == []
    assert json.loads(call("again", "--json", work=work).stdout) == {"again": 1}
    call("send", work=work)
    assert len(mailbox.letters) == 1
    assert json.loads(call("again", "--json", work=work).stdout) == {"again": 0}


@pytest.mark.enable_socket
def test_a_test_says_that_it_is_one(call: Call, mailbox: Mailbox, hook: Hook) -> None:
    call("test", "mail", "--to", "wei@example.cn", "--language", "en")
    call("test", "duty")
    (letter,) = mailbox.letters
    assert letter["Subject"] == "[TEST] agroforest"
    assert "测试" in hook.posts[0].body["text"]["content"]


@pytest.mark.enable_socket
@pytest.mark.usefixtures("mailbox")
def test_a_test_that_fails_says_why(call: Call) -> None:
    with pytest.raises(DataError, match="SMTP 550"):
        call("test", "mail", "--to", "nobody@example.cn")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["test", "pigeon"], "give one of mail, duty"),
        (["test", "mail"], "give a mailbox or a number"),
    ],
)
def test_a_test_that_cannot_be(call: Call, words: list[str], said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        call(*words)


@pytest.mark.enable_socket
def test_a_digest_is_gathered_at_once(
    store: Store, work: Path, call: Call, mailbox: Mailbox
) -> None:
    store.desk.add_account(make_account(interest=Interest(digest=True)))
    later = datetime.now(UTC) + timedelta(hours=9)
    for number in range(3):
        facts = {"hazard": "canopy-loss", IN_DIGEST: True}
        keep(store, subject=f"c{number}", due=later, facts=facts)
    call("send", work=work)
    assert mailbox.letters == []
    assert json.loads(call("digest", "--json", work=work).stdout) == {"gathered": 3}
    call("send", work=work)
    (letter,) = mailbox.letters
    assert letter["Subject"].split() == ["今日汇总", "3", "条"]


def test_a_preview_shows_both_languages_and_the_length(
    store: Store, work: Path, call: Call
) -> None:
    keep(store)
    shown = call("preview", "c1", work=work).stdout
    assert "疑似林冠缺失 · 武鸣区" in shown
    assert "Suspected canopy loss - Wuming" in shown
    found = json.loads(
        call("preview", "c1", "--channel", "duty", "--json", work=work).stdout
    )
    assert {each["channel"] for each in found} == {"duty"}
    assert all(each["size"].endswith("bytes") for each in found)


def test_a_preview_of_what_nobody_was_told(
    store: Store, work: Path, call: Call
) -> None:
    open_cases(store, "a1")
    shown = call("preview", "a1", "--language", "zh", work=work).stdout
    assert "疑似冠层胁迫 · 武鸣区" in shown
    assert "涉及：小班-7、小班-8" in shown
    assert store.desk.messages() == []


def test_a_preview_of_nothing(store: Store, work: Path, call: Call) -> None:
    assert store.desk.accounts() == []
    with pytest.raises(NoInputError, match="is not known"):
        call("preview", "c9", work=work)
    with pytest.raises(ConfigurationError, match="give zh or en"):
        call("preview", "c9", "--language", "fr", work=work)


def test_a_night_s_advice_is_written_to_farmers_once(
    store: Store, work: Path, call: Call, tmp_path: Path
) -> None:
    store.desk.add_account(
        make_account(
            "lan", role=Role.FARMER, parcels=("p2",), contacts={"mail": "l@e.cn"}
        )
    )
    pipeline = tmp_path / "farm.toml"
    pipeline.write_text(
        'name = "farm"\naoi = "a.geojson"\nhazards = ["water"]\nsimulated = true\n'
        '[water]\nweather = "w.csv"\n'
    )
    folder = work / "farm" / "water"
    folder.mkdir(parents=True)
    night = {"night": "2024-05-03", "parcels": [make_parcel()]}
    (folder / "2024-05-03.json").write_text(json.dumps(night), encoding="utf-8")
    words = ("advice", "--pipeline", str(pipeline), "--json")
    assert json.loads(call(*words, work=work).stdout) == {"written": 1}
    assert json.loads(call(*words, work=work).stdout) == {"written": 0}
    (message,) = store.desk.messages(account="lan")
    assert message.facts["simulated"] is True


@pytest.mark.slow
@pytest.mark.enable_socket
def test_sending_for_ever_ends_in_order(
    store: Store, work: Path, config: Path, mailbox: Mailbox
) -> None:
    keep(store)
    with subprocess.Popen(  # noqa: S603  our own command
        [
            *(sys.executable, "-m", "agroforest", "notify", "send"),
            *("--config", str(config), "--work", str(work), "--every", "1", "--json"),
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"TEST_DUTY": "http://127.0.0.1:9"},
    ) as process:
        until = time.monotonic() + 60
        while not mailbox.letters and time.monotonic() < until:
            time.sleep(0.05)
        keep(store, subject="c2")
        while len(mailbox.letters) < 2 and time.monotonic() < until:
            time.sleep(0.05)
        process.send_signal(signal.SIGTERM)
        said, complaints = process.communicate(timeout=60)
    assert (process.returncode, complaints) == (0, "")
    rounds = [json.loads(line) for line in said.splitlines()]
    assert sum(each["channels"]["mail"]["sent"] for each in rounds) == 2
    assert len(mailbox.letters) == 2


@pytest.mark.enable_socket
def test_two_missed_nights_are_told_by_mail_and_their_end(
    store: Store, work: Path, call: Call, mailbox: Mailbox, hook: Hook
) -> None:
    del hook
    today = datetime.now(UTC).date()

    def run_night(days_ago: int) -> None:
        night = today - timedelta(days=days_ago)
        record = RunRecord(
            pipeline="south", night=night, config_digest="d", status="done", summary={}
        )
        store.record_night(run=record)

    store.desk.add_account(make_account("ada", role=Role.ADMIN), None)
    store.desk.add_account(make_account("wei"), None)
    run_night(2)
    call("send", work=work)
    assert not mailbox.letters  # one night may be caught up on
    with sqlite3.connect(work / "agroforest.db") as database:
        database.execute("DELETE FROM run")
    run_night(5)
    for _ in range(3):
        call("send", work=work)
    assert [letter["To"] for letter in mailbox.letters] == ["ada@example.cn"]
    assert _subjects(mailbox) == ["夜间任务已漏跑 4 夜 · south"]
    run_night(1)
    assert json.loads(call("missed", "--json", work=work).stdout) == {"written": 1}
    for _ in range(2):
        call("send", work=work)
    assert _subjects(mailbox)[1:] == ["夜间任务已恢复 · south"]


def _subjects(mailbox: Mailbox) -> list[str]:
    """Subjects with plain blanks; those that are folded keep them otherwise."""
    return [str(each["Subject"]).replace("\xa0", " ") for each in mailbox.letters]
