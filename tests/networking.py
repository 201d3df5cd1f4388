"""Machines of their own network: namespaces of the kernel, and a switch."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest

#: For tests that need it.
needs_namespaces = pytest.mark.skipif(
    os.geteuid() != 0 or not (shutil.which("ip") and shutil.which("unshare")),
    reason="namespaces need root, ip and unshare",
)


@dataclass(frozen=True, kw_only=True)
class Network:
    """Machines behind a switch.

    Attributes
    ----------
    host
        Address of this process.
    machines
        Address of each namespace, by its name.
    """

    host: str
    machines: dict[str, str]

    def pull_plug(self, name: str) -> None:
        """Cut a machine off: nothing reaches it, and nobody is told."""
        _run(f"ip -n {name} link set {name}g down")

    def plug_in(self, name: str) -> None:
        """Connect it again."""
        _run(f"ip -n {name} link set {name}g up")


@contextmanager
def switched(count: int) -> Iterator[Network]:
    """Make `count` namespaces and a switch for the duration of the block.

    Skips if it cannot. Addresses are this process's own: a run that was killed leaves
    its switch behind, which would take what is sent to the same ones.
    """
    own = os.getpid()
    mark = f"agro{own % 100_000}"
    subnet = f"10.{200 + own // 250 % 50}.{own % 250}"
    names = [f"{mark}{chr(ord('a') + number)}" for number in range(count)]
    setup = [
        f"ip link add {mark} type bridge",
        f"ip address add {subnet}.1/24 dev {mark}",
        f"ip link set {mark} up",
    ]
    machines = {name: f"{subnet}.{n}" for n, name in enumerate(names, start=2)}
    for name, address in machines.items():
        setup += [
            f"ip netns add {name}",
            f"ip link add {name}h type veth peer name {name}g netns {name}",
            f"ip link set {name}h master {mark} up",
            f"ip -n {name} address add {address}/24 dev {name}g",
            f"ip -n {name} link set {name}g up",
            f"ip -n {name} link set lo up",
        ]
    try:
        for command in [*setup, "unshare -m true"]:
            done = _run(command)
            if done.returncode:
                pytest.skip(f"no namespaces here: {done.stderr.decode().strip()}")
        yield Network(host=f"{subnet}.1", machines=machines)
    finally:
        for name in names:
            _run(f"ip netns delete {name}")
            _run(f"ip link del {name}h")  # stays where a process still has the other
        _run(f"ip link del {mark}")


def _run(command: str) -> "subprocess.CompletedProcess[bytes]":
    return subprocess.run(command.split(), capture_output=True, check=False)  # noqa: S603
