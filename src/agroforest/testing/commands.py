"""Commands in processes of their own that do not import everything anew.

Importing what a night needs takes seconds of processor time, and most commands that a
test gives take far less. So one process imports it once and forks for each command; the
fork has its own arguments, folder, environment and output, and ends as an interpreter
ends: with its exit code, its last words and whatever is registered with `atexit`.
"""

import atexit
import os
import subprocess
import sys
import threading
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from importlib import import_module
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeAlias

#: Arguments, folder, environment, and files for standard output and error.
_Order: TypeAlias = tuple[list[str], str, dict[str, str], tuple[str, str]]

#: What most commands import while they run.
_COSTLY = (
    "agroforest.nightly.cluster",
    "agroforest.nightly.intake",
    "agroforest.nightly.outlook",
    "agroforest.nightly.tile",
    "agroforest.products.zonal",
    "agroforest.store.migration",
    "geopandas",
)
_GUARD = threading.Lock()


def run_command(
    *arguments: str | Path,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
) -> "subprocess.CompletedProcess[str]":
    """Run ``agroforest`` in a fork, without standard input, and wait for it.

    Parameters
    ----------
    arguments
        Of the command.
    cwd, env
        Current folder and whole environment; this process's unless given.

    Returns
    -------
        Exit code (negative: the signal that ended it) and what it said.
    """
    line = ["agroforest", *map(str, arguments)]
    with TemporaryDirectory() as folder:
        out, err = Path(folder) / "stdout", Path(folder) / "stderr"
        given = dict(os.environ if env is None else env)
        order: _Order = (line, str(cwd or Path.cwd()), given, (str(out), str(err)))
        with _GUARD:
            starter = _starter()
            starter.send(order)
            code: int = starter.recv()
        return subprocess.CompletedProcess(
            line, code, out.read_text("utf-8"), err.read_text("utf-8")
        )


@cache
def _starter() -> "Connection[_Order, int]":
    """Line to the process that forks for each command; it ends with this one."""
    line, far = Pipe()
    program = f"from {__name__} import serve; serve({far.fileno()})"
    process = subprocess.Popen(  # noqa: S603  ourselves
        [sys.executable, "-c", program],
        stdin=subprocess.DEVNULL,
        pass_fds=[far.fileno()],
        # A fork keeps one thread: no library shall have started others.
        env={**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
    )
    far.close()
    atexit.register(_end, line, process)
    return line


def _end(line: "Connection[_Order, int]", process: "subprocess.Popen[bytes]") -> None:
    line.close()
    with suppress(subprocess.TimeoutExpired):  # another fork of ours holds the line
        process.wait(10)


def serve(line: int) -> None:
    """Fork for each order until the line is closed; a fork is the command.

    Parameters
    ----------
    line
        File descriptor.
    """
    for name in _COSTLY:
        import_module(name)
    orders: Connection[int, _Order] = Connection(line)
    while True:
        try:
            order = orders.recv()
        except EOFError:
            return
        child = os.fork()
        if child == 0:
            orders.close()
            break
        _, status = os.waitpid(child, 0)
        orders.send(os.waitstatus_to_exitcode(status))
    _become(order)
    import_module("agroforest.cli").main()


def _become(order: _Order) -> None:
    """Take the arguments, folder, environment and files of a command."""
    sys.argv, folder, environment, said = order
    for number, path in enumerate(said, start=1):
        opened = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        os.dup2(opened, number)
        os.close(opened)
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
