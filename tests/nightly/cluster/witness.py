"""Preloaded by the workers of the tests: notes which files they open, or dies of one.

Set by the environment: ``WITNESS_LOG`` receives ``own`` or ``foreign`` for each opened
file below ``WITNESS_OWN`` or one of the folders ``WITNESS_FOREIGN``;
``WITNESS_VERSION`` is what the worker says is its version, and ``WITNESS_HOST`` the
name of its machine. If there is a file ``WITNESS_FATE``, the process is sent the signal
of the fourth line when it opens a path of the state that contains the file's first
line, and so is its parent if there is a second line; if the third line names a file,
only whoever can make that file.
"""

import os
import socket
import sys
from pathlib import Path

import agroforest

_OWN = os.environ["WITNESS_OWN"]
_FOREIGN = tuple(os.environ["WITNESS_FOREIGN"].split(os.pathsep))
_LOG = os.open(os.environ["WITNESS_LOG"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
_FATE = Path(os.environ["WITNESS_FATE"])


def _see(event: str, arguments: tuple[object, ...]) -> None:
    if event != "open":
        return
    path = arguments[0]
    if isinstance(path, bytes):
        path = os.fsdecode(path)
    if not isinstance(path, str):
        return
    if path.startswith(_OWN):
        os.write(_LOG, b"own\n")
    elif path.startswith(_FOREIGN):
        os.write(_LOG, f"foreign {path}\n".encode())
    if "/state.zarr/" in path and _FATE.exists():
        _meet(path, *_FATE.read_text().splitlines())


def _meet(path: str, word: str, with_parent: str, once: str, number: str) -> None:
    if word not in path:
        return
    if once:
        try:
            os.close(os.open(once, os.O_CREAT | os.O_EXCL))
        except FileExistsError:
            return
    if with_parent:
        os.kill(os.getppid(), int(number))
    os.kill(os.getpid(), int(number))


if "WITNESS_VERSION" in os.environ:
    agroforest.__version__ = os.environ["WITNESS_VERSION"]
if "WITNESS_HOST" in os.environ:
    socket.gethostname = lambda: os.environ["WITNESS_HOST"]
sys.addaudithook(_see)
