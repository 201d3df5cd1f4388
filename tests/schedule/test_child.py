"""A night as a process of its own, ended in order."""

import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil

from agroforest.schedule.child import NOT_BEGUN, Child


def wait_for(path: Path) -> str:
    while not (path.is_file() and path.read_text()):
        time.sleep(0.01)
    return path.read_text()


def test_exit_codes_come_back() -> None:
    child = Child()
    assert child.run([sys.executable, "-c", "raise SystemExit(3)"]) == 3
    kill = "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"
    assert child.run([sys.executable, "-c", kill]) == -signal.SIGKILL
    assert child.run(["/nowhere/agroforest"]) == NOT_BEGUN


def run_and_stop(child: Child, program: str, sign: Path) -> int:
    codes: list[int] = []
    words = [sys.executable, "-c", program, str(sign)]
    thread = threading.Thread(target=lambda: codes.append(child.run(words)))
    thread.start()
    wait_for(sign)
    child.stop()
    thread.join()
    return codes[0]


def test_the_wish_to_end_is_passed_on_and_waited_for(tmp_path: Path) -> None:
    program = (
        "import pathlib, signal, sys, time\n"
        "def end(*_):\n"
        "    pathlib.Path(sys.argv[1]).write_text('in order')\n"
        "    sys.exit(143)\n"
        "signal.signal(signal.SIGTERM, end)\n"
        "pathlib.Path(sys.argv[1]).write_text('begun')\n"
        "time.sleep(60)\n"
    )
    child = Child()
    assert run_and_stop(child, program, tmp_path / "sign") == 143
    assert (tmp_path / "sign").read_text() == "in order"
    assert child.run([sys.executable, "-c", ""]) == -signal.SIGTERM


def test_who_does_not_listen_is_ended_with_its_workers(tmp_path: Path) -> None:
    program = (
        "import pathlib, signal, subprocess, sys, time\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "worker = subprocess.Popen(['sleep', '60'])\n"
        "pathlib.Path(sys.argv[1]).write_text(str(worker.pid))\n"
        "time.sleep(60)\n"
    )
    sign = tmp_path / "sign"
    assert run_and_stop(Child(patience=0.1), program, sign) == -signal.SIGKILL
    worker = int(sign.read_text())
    while (
        psutil.pid_exists(worker)
        and psutil.Process(worker).status() != psutil.STATUS_ZOMBIE
    ):
        time.sleep(0.01)


def test_its_end_is_not_ours() -> None:
    """A child is in a session of its own: Ctrl-C at a terminal reaches us alone."""
    program = "import os, sys; sys.exit(os.getsid(0) != os.getpid())"
    assert Child().run([sys.executable, "-c", program]) == 0
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 1  # noqa: S603
