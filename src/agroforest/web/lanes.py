"""Lanes: how many requests of a kind are worked on at once.

Python runs one thread at a time. Twenty pages begun together all end late; begun one
after the other, most end early, and none later. A kind with a lane of its own waits
for its own kind alone.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from functools import partial
from typing import ParamSpec, TypeVar

_Given = ParamSpec("_Given")
_Answer = TypeVar("_Answer")


class Lane:
    """A way beside the loop, which waiting for a database would stop.

    Parameters
    ----------
    width
        How many at once; the others wait in the order in which they came.
    """

    def __init__(self, width: int) -> None:
        self._threads = ThreadPoolExecutor(width, thread_name_prefix="lane")

    async def run(
        self,
        work: Callable[_Given, _Answer],
        *given: _Given.args,
        **named: _Given.kwargs,
    ) -> _Answer:
        """Do something in a thread, when it is its turn."""
        do = partial(copy_context().run, work, *given, **named)
        return await asyncio.get_running_loop().run_in_executor(self._threads, do)
