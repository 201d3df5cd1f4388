"""A process that sends messages and dies where it is told to; see `test_killed`.

Reads lines of JSON: ``database``, ``now`` and ``kill``, the number of the step before
which it dies, -1 for never. Each line is done by a fork, for importing takes longer
than sending; the answer is its number, a line, and then how it ended.
"""

import json
import os
import signal
import sys
import threading
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

from agroforest.notify.channel import Channel, Outgoing, Receipt
from agroforest.notify.channels import open_channels
from agroforest.notify.deliver import Crew, Office
from agroforest.notify.settings import NotifySection
from agroforest.store import open_store


class Steps:
    """Counts the steps of all threads, and dies before one of them."""

    def __init__(self, kill: int) -> None:
        self._kill = kill
        self._count = 0
        self._guard = threading.Lock()

    def __call__(self) -> None:
        with self._guard:
            if self._count == self._kill:
                os.kill(os.getpid(), signal.SIGKILL)
            self._count += 1


class Counted:
    """A desk, each call of which is a step before and a step after."""

    def __init__(self, desk: Any, step: Steps) -> None:
        self._desk = desk
        self._step = step

    def __getattr__(self, name: str) -> Any:
        method: Callable[..., Any] = getattr(self._desk, name)
        return self._around(method) if name in _WRITES else method

    def _around(self, method: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            self._step()
            found = method(*args, **kwargs)
            self._step()
            return found

        return call


_WRITES = {"claim", "settle", "add_deeds"}


class Watched:
    """A channel, each message of which is a step before and a step after."""

    def __init__(self, channel: Channel, step: Steps) -> None:
        self._channel = channel
        self._step = step

    def send(self, outgoing: Outgoing) -> Receipt:
        self._step()
        receipt = self._channel.send(outgoing)
        self._step()
        return receipt


def run(order: dict[str, Any], settings: NotifySection) -> None:
    step = Steps(order["kill"])
    now = datetime.fromisoformat(order["now"])
    opened, lacking = open_channels(settings)
    assert not lacking, lacking
    with open_store(Path(order["database"])) as store:
        desk: Any = Counted(store.desk, step)
        office = Office(
            desk=desk, settings=settings, secret=b"k" * 32, clock=lambda: now
        )
        Crew(office, {n: Watched(c, step) for n, c in opened.items()}).deliver()


def main() -> None:
    settings = NotifySection.model_validate(json.loads(sys.argv[1]))
    open_channels(settings)  # loads what they need, before the forks
    for line in sys.stdin:
        order = json.loads(line)
        child = os.fork()
        if child == 0:
            run(order, settings)  # what it raises ends the fork, and is seen
            os._exit(0)
        tell(child)
        _, status = os.waitpid(child, 0)
        tell(os.waitstatus_to_exitcode(status))


def tell(number: int) -> None:
    sys.stdout.write(f"{number}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
