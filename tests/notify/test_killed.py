"""A sender that is killed at any point: nobody is left out, and hardly anybody told
twice.

The sender is a process of its own that is killed for good, before and after each of its
steps and while a server has a message in hand.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.notify import office_process
from tests.notify.people import NOW, make_account, make_message
from tests.notify.servers import Hook, Mailbox, serve_hook, serve_mail

from agroforest.core.message import Delivery, Message
from agroforest.store import open_store

pytestmark = [pytest.mark.enable_socket, pytest.mark.slow]

_MESSAGES = 4  # on each of the two channels
#: Steps of a message: taken, handed over, noted, settled, before and after each.
_STEPS = 8
_POINTS = 50


class Sender:
    """A process that sends on demand."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process
        self._pid = 0
        self._begun = threading.Event()

    def send(self, database: Path, *, hours: int, kill: int) -> int:
        """Send what is due, hours from the beginning; how the sender ended."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        now = (NOW + timedelta(hours=hours)).isoformat()
        order = {"database": str(database), "now": now, "kill": kill}
        self._begun.clear()
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        self._pid = int(self._process.stdout.readline())
        self._begun.set()
        return int(self._process.stdout.readline())

    def kill(self) -> None:
        """End the one that is sending, from another thread."""
        assert self._begun.wait(30)
        os.kill(self._pid, signal.SIGKILL)


class World:
    """Servers, a sender, and a database with messages that wait."""

    def __init__(
        self, mailbox: Mailbox, hook: Hook, sender: Sender, folder: Path
    ) -> None:
        self.mailbox, self.hook, self.sender = mailbox, hook, sender
        self._folder = folder
        self._fresh = folder / "fresh.db"
        self.made = [
            make_message(subject=f"c{n}", channel=channel)
            for n in range(_MESSAGES)
            for channel in ("mail", "hook")
        ]
        with open_store(self._fresh) as store:
            contacts = {"mail": "wei@example.cn", "hook": "wei"}
            store.desk.add_account(make_account(contacts=contacts))
            store.desk.add_messages(self.made)

    def begin(self) -> Path:
        """Begin anew, with nothing sent."""
        self.mailbox.letters.clear()
        self.hook.posts.clear()
        database = self._folder / "facts.db"
        for name in ("facts.db", "facts.db-wal", "facts.db-shm"):
            (self._folder / name).unlink(missing_ok=True)
        shutil.copy(self._fresh, database)
        return database

    def check(self, database: Path) -> int:
        """Check that everybody was told; how many were told twice."""
        letters = Counter(letter["Message-ID"] for letter in self.mailbox.letters)
        posts = Counter(self.hook.keys)
        wanted = {
            channel: {m.key for m in self.made if m.channel == channel}
            for channel in ("mail", "hook")
        }
        assert letters.keys() == {f"<{key}@example.cn>" for key in wanted["mail"]}
        # A receiver that remembers keys takes each message once, neither less nor more.
        assert posts.keys() == wanted["hook"]
        twice = 0
        for counts in (letters, posts):
            more = sum(counts.values()) - len(counts)
            assert more <= 1, counts  # the one that was in hand
            twice += more
        with open_store(database) as store:
            kept = [find(store.desk.message, m) for m in self.made]
            assert {m.delivery for m in kept} == {Delivery.SENT}
            told = [d.entry.after["key"] for d in store.desk.deeds(what="message.sent")]
            assert set(told) == {m.key for m in self.made}
            assert store.desk.check_audit() == len(told)
        return twice


def find(look_up: Callable[[str], Message | None], message: Message) -> Message:
    found = look_up(message.key)
    assert found is not None
    return found


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with serve_mail() as mailbox, serve_hook() as hook:
        settings: dict[str, Any] = {
            "channels": {
                "mail": {
                    "kind": "mail",
                    "url_env": "MAIL",
                    "sender": "desk@example.cn",
                },
                "hook": {"kind": "webhook", "url_env": "HOOK"},
            }
        }
        given = {"MAIL": f"smtp://127.0.0.1:{mailbox.port}", "HOOK": hook.address}
        script = office_process.__file__
        with subprocess.Popen(  # noqa: S603  our own script
            [sys.executable, script, json.dumps(settings)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, **given},
        ) as process:
            folder = tmp_path_factory.mktemp("killed")
            yield World(mailbox, hook, Sender(process), folder)
            assert process.stdin is not None
            process.stdin.close()


def test_whoever_is_not_killed_sends_each_message_once(world: World) -> None:
    database = world.begin()
    assert world.sender.send(database, hours=0, kill=-1) == 0
    assert world.check(database) == 0
    assert world.sender.send(database, hours=1, kill=-1) == 0
    assert world.check(database) == 0


def test_killed_at_fifty_points_nobody_is_left_out(world: World) -> None:
    assert _POINTS <= 2 * _MESSAGES * _STEPS
    twice = 0
    for point in range(_POINTS):
        database = world.begin()
        ended = world.sender.send(database, hours=0, kill=point)
        assert ended == -signal.SIGKILL
        assert world.sender.send(database, hours=1, kill=-1) == 0
        twice += world.check(database)
    # Were nobody ever told twice, nobody was killed where it matters.
    assert twice > 0


@pytest.mark.parametrize("nth", range(_MESSAGES))
@pytest.mark.parametrize("channel", ["mail", "hook"])
def test_killed_while_a_server_has_a_message_in_hand(
    world: World, channel: str, nth: int
) -> None:
    database = world.begin()
    server = world.mailbox if channel == "mail" else world.hook
    server.before_answer = lambda count: (
        world.sender.kill() if count == nth + 1 else None
    )
    try:
        ended = world.sender.send(database, hours=0, kill=-1)
    finally:
        server.before_answer = None
    assert ended == -signal.SIGKILL
    assert world.sender.send(database, hours=1, kill=-1) == 0
    # The server had it, and nobody could know.
    assert world.check(database) >= 1
