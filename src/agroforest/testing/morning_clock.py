"""The clock of the simulated morning."""

import threading
from datetime import UTC, datetime, timedelta
from time import monotonic


class Clock:
    """A clock that starts at a moment of one's choice and goes as clocks do.

    Parameters
    ----------
    start
        UTC; what it says now.
    """

    def __init__(self, start: datetime) -> None:
        self._start = start.astimezone(UTC)
        self._since = monotonic()
        self._lock = threading.Lock()

    def __call__(self) -> datetime:
        """Say what time it is, UTC."""
        with self._lock:
            return self._start + timedelta(seconds=monotonic() - self._since)

    def move(self, by: timedelta) -> None:
        """Put it forward."""
        with self._lock:
            self._start += by
