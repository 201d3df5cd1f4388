"""A real Dask cluster of separate processes, with TLS."""

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self, TypeAlias

import psutil
from distributed import Client

from agroforest.nightly.cluster import Certificates, Scheduler

_ROOT = Path(__file__).resolve().parents[3]
_WITNESS = Path(__file__).with_name("witness.py")

Process: TypeAlias = "subprocess.Popen[bytes]"


def documented(name: str) -> str:
    """Commands of ``docs/deploy.md`` below the comment ``tested: name``."""
    text = (_ROOT / "docs" / "deploy.md").read_text(encoding="utf-8")
    found = re.search(rf"<!-- tested: {name} -->\n+```\w*\n(.*?)```", text, re.DOTALL)
    assert found, f"docs/deploy.md has no commands called {name!r}"
    return found[1]


def make_certificates(folder: Path) -> Certificates:
    """Make an authority and a certificate as the documentation says."""
    subprocess.run(  # noqa: S603  our own documentation
        ["/bin/sh", "-ec", documented("certificates")],
        cwd=folder,
        check=True,
        capture_output=True,
    )
    (cert,) = (p for p in folder.glob("*.pem") if p.name != "ca.pem")
    return Certificates(
        ca=folder / "ca.pem", cert=cert, key=folder / f"{cert.stem}.key"
    )


@dataclass(frozen=True, kw_only=True)
class Machine:
    """What tells one worker from another."""

    folder: Path
    """Current folder; the log of what it opened is kept here."""
    work: Path
    """Where it has the work folder."""
    mounts: Sequence[str] = ()
    foreign: Sequence[Path] = ()
    """Folders that it must not open: other machines' views of the storage."""
    environment: Mapping[str, str] = field(default_factory=dict)
    plain: bool = False
    """Started as ``dask worker``, not as ``agroforest worker``."""
    prefix: Sequence[str] = ()
    """Command that puts it into a namespace."""

    def opened(self) -> set[str]:
        """``own``, and every file of `foreign`."""
        log = self.folder / "opened"
        return set(log.read_text().splitlines()) if log.exists() else set()

    def doom(
        self,
        word: str,
        *,
        once: Path | None = None,
        fate: signal.Signals = signal.SIGKILL,
    ) -> None:
        """Kill it, or stop it, when it opens a path of the state with that word in it.

        With `once` the whole machine dies, its nanny too, if it is the first that
        can make that file; without, only the worker, every time.
        """
        parent = "with its parent" if once else ""
        self.fate.write_text("\n".join([word, parent, str(once or ""), str(int(fate))]))

    @property
    def fate(self) -> Path:
        return self.folder / "fate"


class Cluster:
    """A scheduler and its workers; a context manager."""

    def __init__(
        self,
        folder: Path,
        certificates: Certificates,
        *,
        host: str = "127.0.0.1",
        prefix: Sequence[str] = (),
        settings: Mapping[str, str] | None = None,
    ) -> None:
        self._folder = folder
        self._settings = settings or {}
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.at = Scheduler(
            address=f"tls://{host}:{port}", certificates=certificates, patience=60
        )
        self._prefix = prefix
        self._tls = {
            "ca": str(certificates.ca),
            "cert": str(certificates.cert),
            "key": str(certificates.key),
        }
        self.scheduler: Process | None = None
        self.workers: dict[Path, Process] = {}

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for process in (*self.workers.values(), self.scheduler):
            if process is not None:
                _kill(process)

    def start(self, *machines: Machine) -> None:
        """Start the scheduler and workers, if they are not there."""
        if self.scheduler is None or self.scheduler.poll() is not None:
            self.scheduler = _run(
                [
                    *(*self._prefix, sys.executable),
                    *("-m", "distributed.cli.dask_scheduler", "--protocol", "tls"),
                    *("--host", self.at.host),
                    *("--port", self.at.address.rpartition(":")[2]),
                    *("--dashboard-address", "127.0.0.1:0"),
                    *("--tls-ca-file", self._tls["ca"]),
                    *("--tls-cert", self._tls["cert"], "--tls-key", self._tls["key"]),
                ],
                self._folder,
                # A task is tried twice, to be quick.
                {
                    "DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": "1",
                    **self._settings,
                },
            )
        for machine in machines:
            machine.fate.unlink(missing_ok=True)
            known = self.workers.get(machine.folder)
            if known is None or known.poll() is not None:
                self.workers[machine.folder] = self._start(machine)

    def await_workers(self, count: int) -> None:
        """Wait until that many workers are there."""
        security = self.at.security("client")
        with Client(self.at.address, security=security, set_as_default=False) as client:
            client.wait_for_workers(count, timeout=60)

    def stands_still(self, machine: Machine) -> bool:
        """Whether one of its processes is stopped."""
        return any(
            process.status() == psutil.STATUS_STOPPED for process in self._all(machine)
        )

    def go_on(self, machine: Machine) -> None:
        """Wake what is stopped of it."""
        for process in self._all(machine):
            process.send_signal(signal.SIGCONT)

    def has_open(self, machine: Machine, name: str) -> bool:
        """Whether one of its processes has a file of that name open."""
        return any(
            Path(file.path).name == name
            for process in self._all(machine)
            for file in process.open_files()
        )

    def _all(self, machine: Machine) -> list[psutil.Process]:
        parent = psutil.Process(self.workers[machine.folder].pid)
        return [parent, *parent.children(recursive=True)]

    def listening(self) -> set[str]:
        """Addresses on which any of its processes listens."""
        processes = [p for p in (self.scheduler, *self.workers.values()) if p]
        parents = [psutil.Process(p.pid) for p in processes if p.poll() is None]
        return {
            connection.laddr.ip
            for parent in parents
            for process in (parent, *parent.children(recursive=True))
            for connection in process.net_connections(kind="inet")
            if connection.status == psutil.CONN_LISTEN
        }

    def _start(self, machine: Machine) -> Process:
        environment = {
            "DASK_DISTRIBUTED__WORKER__PRELOAD": repr([str(_WITNESS)]),
            "WITNESS_LOG": str(machine.folder / "opened"),
            "WITNESS_FATE": str(machine.fate),
            "WITNESS_OWN": str(machine.work.parent),
            "WITNESS_FOREIGN": os.pathsep.join(map(str, machine.foreign)),
            **machine.environment,
        }
        if machine.plain:
            environment["AGROFOREST_WORK"] = str(machine.work)
            environment["AGROFOREST_MOUNTS"] = os.pathsep.join(machine.mounts)
            command = [
                *(sys.executable, "-m", "distributed.cli.dask_worker"),
                *(self.at.address, "--nthreads", "1", "--host", self.at.host),
                *("--dashboard-address", "127.0.0.1:0"),
                *("--tls-ca-file", self._tls["ca"]),
                *("--tls-cert", self._tls["cert"], "--tls-key", self._tls["key"]),
            ]
        else:
            mounts = [part for mount in machine.mounts for part in ("--mount", mount)]
            command = [
                *(sys.executable, "-m", "agroforest", "worker", self.at.address),
                *("--work", str(machine.work), *mounts, "--tls-ca", self._tls["ca"]),
                *("--tls-cert", self._tls["cert"], "--tls-key", self._tls["key"]),
            ]
        return _run([*machine.prefix, *command], machine.folder, environment)


def _run(command: Sequence[str], cwd: Path, environment: Mapping[str, str]) -> Process:
    cwd.mkdir(parents=True, exist_ok=True)
    with (cwd / "log").open("ab") as log:
        return subprocess.Popen(  # noqa: S603  our own programs
            command,
            cwd=cwd,
            env={**os.environ, **environment},
            stdout=log,
            stderr=log,
            start_new_session=True,
        )


def _kill(process: Process) -> None:
    """End a process and everything it started."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
