"""Workers that have a tile and are not heard of: stopped, or hanging for hours.

A process that is dead is noticed at once; one that stands still never says so. Its
lease does: the token that it changes while it lives changes no more
(`agroforest.nightly.lease`), after `HOLD_S` at the latest.
"""

import os
import signal
import socket
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

from agroforest.nightly.lease import Token, read_token

#: Seconds after which nobody waits for a worker any longer: ten times what makes its
#: tile free, for to end it costs one of three attempts. Arbitrary.
SILENT_S = 600.0


class Silence:
    """How long workers have not been heard of.

    Parameters
    ----------
    locks
        Folder of the tiles' leases.
    patience_s
        Seconds that are waited; `SILENT_S` unless given.
    clock
        Seconds; tests give their own.
    """

    def __init__(
        self,
        locks: Path,
        *,
        patience_s: float | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._locks, self._clock = locks, clock
        self._patience = SILENT_S if patience_s is None else patience_s
        self._heard: dict[str, tuple[Token, float]] = {}
        self._looked = clock()

    def find(self, tiles: Mapping[str, str], *, most_s: float) -> dict[str, Token]:
        """Find whoever was silent for too long.

        Parameters
        ----------
        tiles
            Tile that is asked about, by key of the attempt at it.
        most_s
            Seconds since the last look that count at most: if more went by, we were
            stopped ourselves, and so was everybody else perhaps.

        Returns
        -------
        dict
            Their tokens, by key.
        """
        now = self._clock()
        passed, self._looked = min(now - self._looked, most_s), now
        heard: dict[str, tuple[Token, float]] = {}
        for key, tile in tiles.items():
            try:
                token = read_token(self._locks, tile)
            except OSError:  # the next look may succeed
                continue
            if token is None or token.key != key or token.free:
                continue  # not begun yet, or done
            before, silent = self._heard.get(key, (None, 0.0))
            heard[key] = (token, silent + passed if token == before else 0.0)
        self._heard = heard
        return {key: t for key, (t, silent) in heard.items() if silent > self._patience}


def end_holder(token: Token) -> bool:
    """End a holder (SIGKILL) if it is a process of this machine; whether it was.

    It may be this very process, where there are no workers: the next run goes on.
    """
    machine, _, process = token.holder.rpartition(":")
    if machine != socket.gethostname() or not process.isdecimal():
        return False
    with suppress(ProcessLookupError):
        os.kill(int(process), signal.SIGKILL)
    return True
