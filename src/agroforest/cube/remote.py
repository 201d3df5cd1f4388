"""Remote files, read by ranges.

A remote file is mirrored by a sparse temporary file without a name, into which its
parts are written as they come. GDAL opens the mirror like any local file: policy,
retries and limits are ours, decoding is GDAL's. What GDAL is going to read is
known beforehand, since the header and its table of blocks were read here first.
Why so, with figures: docs/adr/0008-remote-reads.md.
"""

import os
import tempfile
import threading
from collections.abc import Iterable, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor, wait
from http.cookiejar import DefaultCookiePolicy
from pathlib import Path
from types import TracebackType
from typing import Self

import requests

from agroforest.catalog.guard import GuardedAdapter
from agroforest.catalog.href import Reach
from agroforest.catalog.rasterhead import RasterHead, read_raster_head
from agroforest.catalog.tiffhead import BlockTable, TiffHead
from agroforest.core.errors import DataError
from agroforest.cube.fetch import Fetcher
from agroforest.cube.limits import Limits, Tally
from agroforest.cube.spans import Span, SpanSet, merge, window_spans

# Read at a time where more is likely to be wanted: holds the header of a COG of a
# full Sentinel-2 tile (9 KB of tables, and its overviews' and metadata).
_AHEAD = 64 * 1024
# GDAL reads the length of a COG's block from the 4 bytes before it, and repeats
# its last 4 after it.
_FRAME = 4
# A block may be larger packed than unpacked, but not by much. Arbitrary.
_SWELLING = 2
_ANYWHERE = Reach()
_LIMITS = Limits()


class RemoteFile:
    """A remote file, of which some parts are here; for several threads.

    Made by `RemoteSession.open`.

    Parameters
    ----------
    fetcher
        Of its URL.
    limits
        How ranges are joined.
    workers
        Fetch several ranges at a time.
    folder
        Where the mirror lies; the system's for temporary files unless given.
    """

    def __init__(
        self,
        fetcher: Fetcher,
        *,
        limits: Limits,
        workers: Executor,
        folder: Path | None = None,
    ) -> None:
        self._fetcher = fetcher
        self._limits = limits
        self._workers = workers
        self._mirror = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115  see close
        self._there = SpanSet()
        self._asking = threading.RLock()
        self._writing = threading.Lock()
        self._head: RasterHead | None = None
        #: How often a part of the mirror was written.
        self.parts = 0

    @property
    def path(self) -> Path:
        """The mirror, for GDAL. Has holes where nothing was required yet."""
        return Path(f"/proc/self/fd/{self._mirror.fileno()}")

    @property
    def size(self) -> int:
        """Bytes in all."""
        if self._fetcher.version is None:
            self.require([(0, _AHEAD)])
        return self._fetcher.version.size if self._fetcher.version else 0

    def head(self) -> RasterHead:
        """Header, read once, with all that GDAL needs to open the mirror.

        Raises
        ------
        UnreadableHeaderError
            If it is neither a TIFF nor a JPEG 2000 file, or damaged.
        DataError
            If it declares more than any product has, or a limit is passed.
        SourceError
            If there is no answer.
        """
        with self._asking:
            if self._head is None:
                head = read_raster_head(self, where=self._fetcher.where)
                if head.tiff is None:
                    # Where its tiles lie is only found by reading through it.
                    self.require([(0, self.size)])
                else:
                    self._end_directories(head.tiff)
                self._head = head
            return self._head

    def read(self, offset: int, length: int) -> bytes:
        """Read some bytes; fewer at the end of the file."""
        if not 0 <= offset < self.size:
            return b""
        stop = min(offset + length, self.size)
        with self._asking:
            if self._there.missing((offset, stop)):
                self.require([(offset, max(stop, offset + _AHEAD))])
        return os.pread(self._mirror.fileno(), stop - offset, offset)

    def expect(self, spans: Sequence[tuple[int, int]]) -> None:
        """Fetch parts (offset, length) together, before they are read singly."""
        self.require([(offset, offset + length) for offset, length in spans])

    def require_window(self, rows: slice, columns: slice) -> None:
        """Fetch the blocks of a window of pixels.

        Raises
        ------
        DataError
            If the file ends before them, a block is absurdly large, or a limit
            is passed.
        SourceError
            If there is no answer, or the file changed.
        """
        head = self.head()
        if head.tiff is not None and head.table is not None:
            self.require(self._blocks(head.tiff, head.table, rows, columns))

    def require_windows(self, windows: Sequence[tuple[slice, slice]]) -> None:
        """Fetch the blocks of several windows together; see `require_window`."""
        head = self.head()
        if head.tiff is not None and head.table is not None:
            self.require(
                span
                for rows, columns in windows
                for span in self._blocks(head.tiff, head.table, rows, columns)
            )

    def require(self, spans: Iterable[Span]) -> None:
        """Fetch what is missing of some parts, near ones together."""
        known = self._fetcher.version
        with self._asking:
            missing: list[Span] = []
            for start, stop in spans:
                end = stop if known is None else min(stop, known.size)
                missing += self._there.missing((max(start, 0), end))
            self._fetch(merge(missing, self._limits.gap_bytes))

    def close(self) -> None:
        """Let the mirror go; GDAL may keep it open for longer."""
        self._mirror.close()

    def _fetch(self, spans: list[Span]) -> None:
        if len(spans) == 1:
            self._fetcher.fetch(*spans[0], self._write)
            return
        jobs = [
            self._workers.submit(self._fetcher.fetch, *span, self._write)
            for span in spans
        ]
        try:
            for job in jobs:
                job.result()
        finally:
            for job in jobs:
                job.cancel()
            wait(jobs)

    def _write(self, offset: int, content: bytes) -> None:
        # What is there stays as it is: GDAL may be reading it.
        with self._writing:
            for start, stop in self._there.missing((offset, offset + len(content))):
                part = content[start - offset : stop - offset]
                os.pwrite(self._mirror.fileno(), part, start)
                self._there.add((start, stop))
                self.parts += 1

    def _end_directories(self, tiff: TiffHead) -> None:
        """End the mirror's list of directories after the first.

        Overviews and masks are never read; GDAL would look for them in holes.
        """
        stop = tiff.next_at + tiff.next_bytes
        with self._writing:
            os.pwrite(self._mirror.fileno(), b"\0" * tiff.next_bytes, tiff.next_at)
            self._there.add((tiff.next_at, stop))

    def _blocks(
        self, tiff: TiffHead, table: BlockTable, rows: slice, columns: slice
    ) -> list[Span]:
        spans = window_spans(tiff, table, rows, columns)
        end = max((stop for _, stop in spans), default=0)
        longest = max((stop - start for start, stop in spans), default=0)
        unpacked = tiff.block_width * tiff.block_height * tiff.bits // 8
        if end > self.size:
            raise DataError(
                self._fetcher.where,
                f"truncated: {self.size} of {end} bytes are there",
                "fetch the product again",
            )
        if longest > _SWELLING * unpacked + _AHEAD:
            raise DataError(
                self._fetcher.where,
                f"damaged: a block of {unpacked} bytes takes {longest}",
                "fetch the product again",
            )
        return [(start - _FRAME, stop + _FRAME) for start, stop in spans]


class RemoteSession:
    """Connections, files and bytes that the reads of one scene share.

    A context manager; for several threads of one process. Files stay open for
    ranges until it ends, so opening one again costs no request. Nothing is
    connected to before a file is opened.

    Parameters
    ----------
    reach
        Where addresses may lead.
    limits
        How much is read, and for how long.
    folder
        Where what was fetched is kept until the session ends; the system's folder
        for temporary files unless given. Takes at most ``max_scene_bytes``.
    """

    def __init__(
        self,
        reach: Reach = _ANYWHERE,
        limits: Limits = _LIMITS,
        *,
        folder: Path | None = None,
    ) -> None:
        self.reach = reach
        self.limits = limits
        #: Requests and bytes of all files so far.
        self.tally = Tally(limits.max_scene_bytes, "max_scene_bytes")
        self._folder = folder
        self._files: dict[str, RemoteFile] = {}
        self._lock = threading.Lock()
        self._workers = ThreadPoolExecutor(
            max_workers=limits.in_flight, thread_name_prefix="range"
        )
        self._http = _connect(reach, limits)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def open(self, url: str) -> RemoteFile:
        """Open a remote file; the same one for the same URL.

        Raises
        ------
        DataError
            If the URL is no plain one, or leads too far.
        """
        with self._lock:
            if url not in self._files:
                file_tally = Tally(self.limits.max_file_bytes, "max_file_bytes")
                self._files[url] = RemoteFile(
                    Fetcher(
                        url,
                        http=self._http,
                        reach=self.reach,
                        limits=self.limits,
                        tallies=(file_tally, self.tally),
                    ),
                    limits=self.limits,
                    workers=self._workers,
                    folder=self._folder,
                )
            return self._files[url]

    def close(self) -> None:
        """End all connections and let the files go."""
        self._workers.shutdown()
        for file in self._files.values():
            file.close()
        self._files.clear()
        self._http.close()


def _connect(reach: Reach, limits: Limits) -> requests.Session:
    http = requests.Session()
    for scheme in ("http://", "https://"):
        http.mount(scheme, GuardedAdapter(reach, pool_maxsize=limits.in_flight + 1))
    # Nothing that one server says is told another.
    http.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    return http
