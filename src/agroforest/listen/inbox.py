"""Many senders, one disk: what comes within one flush shares the next.

A flush takes milliseconds whatever it covers. So senders queue, one thread writes
all that wait at once, and each sender is told when its message is on the disk.
"""

import logging
import queue
import threading
from collections.abc import Callable
from typing import Self

from agroforest.listen.arrival import Arrival, Position, encode_arrival
from agroforest.listen.segment import build_frame
from agroforest.listen.spool import Spool

_LOG = logging.getLogger(__name__)

#: Messages that may wait for the disk; then senders wait. Arbitrary.
QUEUE = 2000
#: Bytes written with one flush. Arbitrary.
_MOST_BYTES = 1 << 23
#: Seconds between attempts on a disk that does not take what it is given.
_FIRST_PAUSE, _LONGEST_PAUSE = 0.2, 30.0

_Waiting = tuple[bytes, Callable[[], None]]


class Inbox:
    """A spool that many threads write to.

    Parameters
    ----------
    spool
        Open; the inbox closes it.
    """

    def __init__(self, spool: Spool) -> None:
        self.spool = spool
        #: Messages on the disk since the inbox was opened.
        self.received = 0
        self._end = spool.end
        self._queue: queue.Queue[_Waiting | None] = queue.Queue(QUEUE)
        self._grown = threading.Condition()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="spool", daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def end(self) -> Position:
        """Everything before it is on the disk."""
        with self._grown:
            return self._end

    def submit(
        self, arrival: Arrival, done: Callable[[], None], *, patience: float | None
    ) -> bool:
        """Hand a message in.

        Parameters
        ----------
        arrival
            The message.
        done
            Called from another thread when it is on the disk.
        patience
            Seconds to wait for a place in the queue; ``None``: as long as it takes.

        Returns
        -------
        bool
            Whether it was taken; not while closing, nor without a place in time.
        """
        if self._closing.is_set():
            return False
        try:
            self._queue.put(
                (build_frame(encode_arrival(arrival)), done), timeout=patience
            )
        except queue.Full:
            return False
        return True

    def wait_beyond(self, position: Position, timeout: float) -> Position:
        """Wait for messages behind `position`; the end as it is then."""
        with self._grown:
            self._grown.wait_for(lambda: self._end > position, timeout)
            return self._end

    def wake(self) -> None:
        """Let `wait_beyond` return early."""
        with self._grown:
            self._grown.notify_all()

    def settle(self) -> None:
        """Write what waits, and take nothing more."""
        if not self._closing.is_set():
            self._closing.set()
            self._queue.put(None)
            self._thread.join()

    def close(self) -> None:
        """Write what waits, then close the spool."""
        self.settle()
        self.spool.close()

    def _run(self) -> None:
        ended = False
        while not ended:
            batch, ended = self._gather()
            if batch and self._write([frame for frame, _ in batch]):
                self.received += len(batch)
                with self._grown:
                    self._end = self.spool.end
                    self._grown.notify_all()
                for _, done in batch:
                    _tell(done)

    def _gather(self) -> tuple[list[_Waiting], bool]:
        """Everything that waits now; at least one, unless the end was reached."""
        batch: list[_Waiting] = []
        size = 0
        item = self._queue.get()
        while item is not None:
            batch.append(item)
            size += len(item[0])
            if size >= _MOST_BYTES:
                return batch, False
            try:
                item = self._queue.get_nowait()
            except queue.Empty:
                return batch, False
        return batch, True

    def _write(self, frames: list[bytes]) -> bool:
        """Write until the disk takes it; not if it refuses while we close."""
        pause = _FIRST_PAUSE
        while True:
            try:
                self.spool.append(frames)
            except OSError as error:
                _LOG.error(
                    "%s: cannot be written (%s); trying again",
                    self.spool.folder,
                    error.strerror,
                )
            else:
                return True
            if self._closing.wait(pause):
                return False  # nobody was told that we have them
            pause = min(2 * pause, _LONGEST_PAUSE)


def _tell(done: Callable[[], None]) -> None:
    try:
        done()
    except Exception:  # noqa: BLE001  a sender that went away must not stop the rest
        _LOG.exception("a sender could not be told")
