"""``agroforest sensors listen``, ``replay`` and ``dead-letters``."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from agroforest.testing.commands import run_command as call
from agroforest.testing.servers import find_free_port
from agroforest.testing.storm import wait_for
from agroforest.testing.uplinks import READINGS, build_uplinks

TOKEN = "0123456789abcdef0123"  # noqa: S105
CONFIG = """
[webhook]
port = 0
token_env = "HOOK"
"""


def test_help_names_the_commands(tmp_path: Path) -> None:
    shown = call("sensors", "--help", cwd=tmp_path).stdout
    for name in ("listen", "replay", "dead-letters"):
        assert name in shown


@pytest.mark.parametrize(
    ("text", "code", "words"),
    [
        ("", 2, "name neither a broker nor a webhook"),
        (CONFIG, 2, "put it into the variable HOOK"),
        ("[[broker]]\n", 2, "broker.0.name"),
    ],
)
def test_listen_refuses_in_one_line(
    tmp_path: Path, text: str, code: int, words: str
) -> None:
    (tmp_path / "l.toml").write_text(text)
    ended = call("sensors", "listen", "l.toml", cwd=tmp_path)
    assert ended.returncode == code
    assert words in ended.stderr
    assert ended.stderr.count("\n") == 1


def test_replay_without_a_spool(tmp_path: Path) -> None:
    (tmp_path / "l.toml").write_text(CONFIG)
    ended = call("sensors", "replay", "l.toml", cwd=tmp_path)
    assert (ended.returncode, ended.stderr.count("\n")) == (5, 1)
    assert "is no spool" in ended.stderr


@pytest.mark.slow
@pytest.mark.enable_socket
def test_from_a_message_to_its_replay(tmp_path: Path) -> None:
    (tmp_path / "l.toml").write_text(CONFIG)
    command = [sys.executable, "-m", "agroforest", "sensors", "listen", "l.toml"]
    with (tmp_path / "out").open("wb") as out, (tmp_path / "err").open("wb") as err:
        listener = subprocess.Popen(  # noqa: S603  our own program
            [*command, "--json"],
            cwd=tmp_path,
            stdout=out,
            stderr=err,
            env={**os.environ, "HOOK": TOKEN},
        )
    wait_for(lambda: b"port" in (tmp_path / "out").read_bytes(), "the port")
    first, *_ = (tmp_path / "out").read_text().splitlines()
    port = json.loads(first)["port"]
    bodies = [u.payload for u in build_uplinks(20, probes=4)] + [b"\x1b[31m no JSON"]
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    for body in bodies:
        headers = {"Authorization": f"Bearer {TOKEN}"}
        connection.request("POST", "/ttn", body, headers)
        response = connection.getresponse()
        response.read()
        assert response.status == 200
    connection.close()
    listener.send_signal(signal.SIGTERM)
    assert listener.wait(60) == 0
    assert (tmp_path / "err").read_text() == ""
    last = json.loads((tmp_path / "out").read_text().splitlines()[-1])
    assert (last["received"], last["decoded"], last["dead"]) == (21, 21, 1)
    assert (last["added"], last["lag_bytes"]) == (20 * READINGS, 0)

    shown = call("sensors", "dead-letters", "l.toml", cwd=tmp_path).stdout
    assert "http/ttn" in shown
    assert "is not JSON" in shown
    assert "\x1b" not in shown
    plain = call("sensors", "dead-letters", "--json", cwd=tmp_path).stdout
    (letter,) = json.loads(plain)["dead_letters"]
    assert bytes.fromhex(letter["head_hex"]) == bodies[-1]

    again = call("sensors", "replay", "l.toml", "--json", cwd=tmp_path)
    assert json.loads(again.stdout) == {
        "messages": 21,
        "added": 0,
        "known": 20 * READINGS,
        "conflicts": 0,
        "dead": 1,
        "settled": 0,
    }
    assert TOKEN not in (tmp_path / "out").read_text()


@pytest.mark.slow
@pytest.mark.enable_socket
def test_listen_is_silent_without_a_terminal(tmp_path: Path) -> None:
    port = find_free_port()
    (tmp_path / "l.toml").write_text(CONFIG.replace("port = 0", f"port = {port}"))
    listener = subprocess.Popen(
        [sys.executable, "-m", "agroforest", "sensors", "listen", "l.toml"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "HOOK": TOKEN},
    )
    wait_for(lambda: _answers(port), "the webhook")
    listener.send_signal(signal.SIGTERM)
    assert listener.communicate(timeout=60) == (b"", b"")
    assert listener.returncode == 0


def _answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True
