"""How often somebody may try; kept in memory, and bounded."""

import threading
from collections import OrderedDict
from collections.abc import Hashable

#: Names that are remembered at most; the ones tried longest ago are forgotten first.
#: Arbitrary; a hundred bytes each.
_MOST = 50_000


class Limit:
    """So many tries at once, and so many an hour after that, for each name.

    A bucket that leaks: a try adds one, time takes away.

    Parameters
    ----------
    burst
        Tries at once.
    hourly
        Tries an hour in the long run.
    """

    def __init__(self, *, burst: int, hourly: float) -> None:
        self._burst, self._rate = burst, hourly / 3600
        self._levels: OrderedDict[Hashable, tuple[float, float]] = OrderedDict()
        self._lock = threading.Lock()

    def wait_s(self, name: Hashable, now: float) -> float:
        """Seconds until a name may try again; 0 if it may now.

        Parameters
        ----------
        name
            Whose tries are counted.
        now
            Seconds, rising.
        """
        with self._lock:
            over = self._level(name, now) + 1 - self._burst
        return max(over, 0.0) / self._rate

    def count(self, name: Hashable, now: float) -> None:
        """Count a try."""
        with self._lock:
            self._levels[name] = (self._level(name, now) + 1, now)
            self._levels.move_to_end(name)
            if len(self._levels) > _MOST:
                self._levels.popitem(last=False)

    def forget(self, name: Hashable) -> None:
        """Let a name begin anew."""
        with self._lock:
            self._levels.pop(name, None)

    def _level(self, name: Hashable, now: float) -> float:
        level, then = self._levels.get(name, (0.0, now))
        return max(level - (now - then) * self._rate, 0.0)
