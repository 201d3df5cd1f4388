"""How much of remote files is read, and for how long."""

import threading
from dataclasses import dataclass

from agroforest.core.errors import DataError


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """Bounds of what a server can make us do.

    Attributes
    ----------
    max_file_bytes
        Received for one file, retries included. Bands of a full Sentinel-2 tile
        take up to 250 MB.
    max_scene_bytes
        Received for all files of a `RemoteSession`.
    connect_seconds, read_seconds
        Silence that counts as no answer.
    max_seconds
        Of one request, however slowly bytes keep coming.
    attempts
        Of one range, the first included; counted anew where one got on by a
        megabyte.
    back_off_seconds
        Wait before the second attempt; doubled before each further one. Between
        half and all of it is waited, at random.
    max_wait_seconds
        Longest wait, also where the server asks for more (``Retry-After``).
    in_flight
        Ranges of a file asked for at a time.
    gap_bytes
        Ranges nearer to each other than this are asked for as one. At 30 ms a
        request and 100 Mbit/s, 128 KB take a third of a request of their own.
    """

    max_file_bytes: int = 1 << 30
    max_scene_bytes: int = 4 << 30
    connect_seconds: float = 15.0
    read_seconds: float = 60.0
    max_seconds: float = 600.0
    attempts: int = 5
    back_off_seconds: float = 0.5
    max_wait_seconds: float = 60.0
    in_flight: int = 4
    gap_bytes: int = 128 * 1024


class Tally:
    """Bytes and requests so far; for several threads.

    Parameters
    ----------
    limit
        Bytes allowed.
    name
        Of the limit, for errors.
    """

    def __init__(self, limit: int, name: str) -> None:
        self.limit = limit
        self.bytes = 0
        self.requests = 0
        self._name = name
        self._lock = threading.Lock()

    def count_request(self) -> None:
        """Count a request."""
        with self._lock:
            self.requests += 1

    def count(self, received: int, *, where: str) -> None:
        """Count bytes.

        Raises
        ------
        DataError
            Once there are too many.
        """
        with self._lock:
            self.bytes += received
        self.refuse(self.bytes, where=where)

    def refuse(self, size: int, *, where: str) -> None:
        """Raise `DataError` for a size over the limit."""
        if size > self.limit:
            raise DataError(
                where,
                f"takes {size} bytes or more, {self._name} is {self.limit}",
                f"raise {self._name}, or fetch the file by other means and add it",
            )
