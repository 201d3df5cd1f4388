"""Lanes: how many requests of a kind are worked on at once.

Python runs one thread at a time. Twenty pages begun together all end late; begun one
after the other, most end early, and none later. A kind with a lane of its own waits
for its own kind alone.
"""

from collections.abc import Callable
from typing import ParamSpec, TypeVar

from anyio import CapacityLimiter, to_thread

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
        self._limiter = CapacityLimiter(width)

    async def run(
        self,
        work: Callable[_Given, _Answer],
        *given: _Given.args,
        **named: _Given.kwargs,
    ) -> _Answer:
        """Do something in a thread, when it is its turn."""
        return await to_thread.run_sync(
            lambda: work(*given, **named), limiter=self._limiter
        )
