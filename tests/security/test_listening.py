"""What listens, and where: nothing beyond this machine unless told."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import psutil
import pytest
from distributed import LocalCluster
from tests.security.proving import assert_refused, prove, run_confined

pytestmark = [pytest.mark.enable_socket, pytest.mark.slow]
_LOOPBACK = {"127.0.0.1", "::1"}
_TOKEN = "0123456789abcdef0123"  # noqa: S105
_LISTEN = """[webhook]
port = 0
token_env = "HOOK"
[[webhook.path]]
path = "/ttn"
kind = "ttn"
"""
_NIGHT = """name = "p"
aoi = "a.geojson"
[baseline]
start = 2022-01-01
end = 2023-12-31
"""


@contextmanager
def _running(folder: Path, *arguments: str) -> Iterator[psutil.Process]:
    with (folder / "said").open("wb") as said:
        process = subprocess.Popen(  # noqa: S603  our own program
            [sys.executable, "-m", "agroforest", *arguments],
            cwd=folder,
            stdout=said,
            stderr=said,
            env={**os.environ, "HOOK": _TOKEN},
        )
    try:
        yield psutil.Process(process.pid)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _find_listening(process: psutil.Process) -> set[str]:
    found = set()
    for one in (process, *process.children(recursive=True)):
        for door in one.net_connections(kind="inet"):
            if door.status == psutil.CONN_LISTEN:
                found.add(door.laddr.ip)
    return found


def _listens_here(folder: Path, *arguments: str) -> None:
    with _running(folder, *arguments) as process:
        until = time.monotonic() + 60
        found: set[str] = set()
        while not found and time.monotonic() < until and process.is_running():
            time.sleep(0.2)
            found = _find_listening(process)
        time.sleep(0.5)  # what opens a door later
        found |= _find_listening(process)
    said = (folder / "said").read_text()
    assert found, said[-2000:]
    assert found <= _LOOPBACK, found


def test_nothing_listens_beyond_this_machine(tmp_path: Path) -> None:
    (tmp_path / "l.toml").write_text(_LISTEN)
    with LocalCluster(
        n_workers=0,
        host="127.0.0.1",
        dashboard_address="127.0.0.1:0",
    ) as cluster:
        prove(
            "doors that are open to the network",
            {
                "the desk": partial(
                    _listens_here, tmp_path, "serve", "--port", "0", "--work", "w"
                ),
                "the webhook": partial(
                    _listens_here, tmp_path, "sensors", "listen", "l.toml"
                ),
                "a worker": partial(
                    _listens_here, tmp_path, "worker", cluster.scheduler_address
                ),
            },
            "only 127.0.0.1 and ::1; a night's own workers: test_compute.py",
        )


def test_a_scheduler_without_authentication_is_refused(tmp_path: Path) -> None:
    (tmp_path / "p.toml").write_text(_NIGHT)
    (tmp_path / "a.geojson").write_text(
        json.dumps({"type": "FeatureCollection", "features": []})
    )

    def refuse(*arguments: str) -> None:
        assert_refused(run_confined(*arguments, cwd=tmp_path), codes=(2,))

    hosts = ("10.9.8.7", "[2001:db8::1]", "scheduler.example", "0.0.0.0", "128.0.0.1")  # noqa: S104
    spelled = (
        "tcp://{}:8786",
        "tls://{}:8786",
        "http://{}:8786",
        "ws://{}:8786",
        "{}:8786",
    )
    prove(
        "Dask without authentication or certificates, off the machine",
        {
            f"{' '.join(command)} {form.format(host)}": partial(
                refuse, *command, form.format(host)
            )
            for host in hosts
            for form in spelled
            for command in (
                ("worker",),
                ("nightly", "p.toml", "--night", "2024-02-01", "--scheduler"),
            )
        },
        "refused before anything starts",
    )
