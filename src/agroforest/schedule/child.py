"""A night as a process of its own, so that its end is not ours."""

import os
import signal
import subprocess
import threading
from collections.abc import Sequence

#: Exit code where the process could not even begin.
NOT_BEGUN = 127


class Child:
    """Runs one command after another, and passes on the wish to end.

    Parameters
    ----------
    patience
        Seconds that a command has to end once it was asked to; longer than Dask
        takes to end its workers.
    """

    def __init__(self, patience: float = 120.0) -> None:
        self._patience = patience
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._stopped = False

    def run(self, words: Sequence[str]) -> int:
        """Run a command to its end; its exit code, negative if a signal ended it.

        Once `stop` was called nothing begins any more.
        """
        with self._lock:
            if self._stopped:
                return -signal.SIGTERM
            try:
                # A session of its own: Ctrl-C then reaches it through us alone, and
                # its workers can be found when it is gone.
                process = subprocess.Popen(words, start_new_session=True)  # noqa: S603
            except OSError:
                return NOT_BEGUN
            self._process = process
        try:
            return process.wait()
        finally:
            with self._lock:
                self._process = None

    def stop(self) -> None:
        """Ask the running command to end, wait, and end it if it does not."""
        with self._lock:
            self._stopped = True
            process = self._process
        if process is None:
            return
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(self._patience)
        except subprocess.TimeoutExpired:
            _end_session(process.pid)
            process.wait()


def _end_session(leader: int) -> None:
    try:
        os.killpg(leader, signal.SIGKILL)
    except ProcessLookupError:
        return
