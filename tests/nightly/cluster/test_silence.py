"""Workers that are not heard of, on real leases and a clock of the test's."""

import socket
import subprocess
from dataclasses import replace
from pathlib import Path

from agroforest.nightly.cluster.silence import Silence, end_holder
from agroforest.nightly.lease import Token, leased

TILE, MOST = "49QBF-1", 10.0
ASKED = {"k1": TILE}


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_only_who_changes_nothing_is_silent(tmp_path: Path) -> None:
    clock = Clock()
    silence = Silence(tmp_path, patience_s=25, clock=clock)

    def look(after: float) -> list[str]:
        clock.now += after
        return list(silence.find(ASKED, most_s=MOST))

    assert look(5) == []  # nobody has it
    with leased(tmp_path, TILE, key="k1", patience_s=0) as lease:
        assert [look(10), look(10), look(10)] == [[], [], []]
        lease.beat()
        assert [look(10), look(10), look(10)] == [[], [], []]
        assert look(10) == ["k1"]
        lease.beat()
        assert look(10) == []
    assert [look(10) for _ in range(4)] == [[]] * 4  # given back


def test_another_attempt_is_not_the_one_asked_about(tmp_path: Path) -> None:
    clock = Clock()
    silence = Silence(tmp_path, patience_s=5, clock=clock)
    with leased(tmp_path, TILE, key="k2", patience_s=0):
        for _ in range(5):
            clock.now += 10
            assert not silence.find(ASKED, most_s=MOST)


def test_who_slept_himself_blames_nobody(tmp_path: Path) -> None:
    clock = Clock()
    silence = Silence(tmp_path, patience_s=25, clock=clock)
    with leased(tmp_path, TILE, key="k1", patience_s=0):
        for _ in range(3):
            clock.now += 3600
            assert not silence.find(ASKED, most_s=MOST)
        clock.now += 3600
        assert silence.find(ASKED, most_s=MOST)


def test_a_holder_here_is_ended() -> None:
    here = socket.gethostname()
    with subprocess.Popen(["/bin/sleep", "60"]) as sleeping:
        token = Token(fence=1, holder=f"{here}:{sleeping.pid}")
        assert not end_holder(replace(token, holder=f"else.where:{sleeping.pid}"))
        assert not end_holder(replace(token, holder=""))
        assert sleeping.poll() is None
        assert end_holder(token)
        assert sleeping.wait(10) == -9
    assert end_holder(token)  # gone already
