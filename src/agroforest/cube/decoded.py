"""JPEG 2000 files, decoded once.

Decoding a band of a full Sentinel-2 tile takes 15 CPU seconds; reading the same
numbers from a COG takes one. So the numbers are kept as COGs, named by what was
decoded: a file that was moved or delivered twice is decoded once, one that changed
is another.

The cache may be removed at any time, and shared by processes. Whatever goes wrong
with it, the original can still be read.
"""

import fcntl
import logging
import os
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import rasterio
from rasterio.windows import Window

from agroforest.catalog.rasterhead import JPEG2000
from agroforest.core.errors import DataError
from agroforest.core.files import replacing
from agroforest.core.grid import Block
from agroforest.core.identity import digest_file
from agroforest.cube.gdal import OPTIONS
from agroforest.cube.sealed import BrokenSealError, Sealed, seal
from agroforest.cube.write import CogWriter, read_grid

_log = logging.getLogger(__name__)

# Changes when what is kept changes.
_FORMAT = "decoded-1"
_DTYPES = {"uint8", "int16", "uint16", "int32", "uint32"}
# Left by processes that were killed; nothing takes that long. Arbitrary.
_STALE_SECONDS = 24 * 3600
# Others may remove an entry between its making and its opening. Arbitrary.
_PATIENCE = 3


@dataclass(frozen=True, kw_only=True, slots=True)
class DecodedCache:
    """A folder of decoded files.

    Attributes
    ----------
    root
        The folder; made when needed.
    max_bytes
        Size over which the entries that were not used for longest are removed.
        The newest stays, however large.
    workers
        Threads that decode a file, each with a handle of its own: GDAL's own
        threads lose errors.
    """

    root: Path
    max_bytes: int
    workers: int = 2

    def open(self, path: Path, *, sha256: str | None, where: str) -> "Decoded":
        """Open the decoded numbers of a file, decoding it if need be.

        Parameters
        ----------
        path
            A JPEG 2000 file.
        sha256
            Of its bytes, where known.
        where
            Named in errors.

        Raises
        ------
        DataError
            If the file is not the one that `sha256` is of.
        RasterioError
            If it is damaged.
        OSError
            If the folder cannot be used.
        """
        digest = sha256 or _digest(path)
        entry = self.root / _FORMAT / digest[:2] / f"{digest}.tif"
        for _ in range(_PATIENCE):
            with suppress(FileNotFoundError, BrokenSealError):
                return Decoded(entry)
            with self._locked(digest[:2]):
                try:
                    # Another may have made it while the lock was awaited.
                    return Decoded(entry)
                except BrokenSealError as fault:
                    _log.warning("%s: %s; made again", entry, fault)
                except FileNotFoundError:
                    pass
                self._make(path, entry, digest=digest, where=where)
            self._shrink(keep=entry)
        raise FileNotFoundError(f"{entry} is removed as soon as it is made")

    def drop(self, decoded: "Decoded") -> None:
        """Remove an entry that turned out to be damaged."""
        _log.warning("%s: damaged; made again", decoded.entry)
        with suppress(OSError), self._locked(decoded.entry.parent.name):
            # Unless another has made it anew already.
            if decoded.is_current():
                decoded.entry.unlink(missing_ok=True)

    def _make(self, path: Path, entry: Path, *, digest: str, where: str) -> None:
        if _digest(path) != digest:
            raise DataError(
                where,
                f"is not the file that its item describes (SHA-256 {digest[:12]}…)",
                "fetch it again, or add the scene again",
            )
        started = time.perf_counter()
        with replacing(entry) as scratch:
            _decode(path, scratch, workers=self.workers)
            seal(scratch)
        _log.info("%s: decoded in %.1f s", where, time.perf_counter() - started)

    def _shrink(self, *, keep: Path) -> None:
        with self._locked("shrink"):
            found = []
            for path in (self.root / _FORMAT).glob("??/*"):
                with suppress(FileNotFoundError):
                    state = path.stat()
                    found.append((state.st_mtime, state.st_size, path))
            excess = sum(size for _, size, _ in found) - self.max_bytes
            stale = time.time() - _STALE_SECONDS
            for used, size, path in sorted(found):
                unfinished = path.name.startswith(".")
                if (used < stale) if unfinished else (excess > 0 and path != keep):
                    # Whoever has it open keeps it until it is closed.
                    path.unlink(missing_ok=True)
                    excess -= size

    @contextmanager
    def _locked(self, name: str) -> Iterator[None]:
        """Keep other processes and threads out; ends with the process, too."""
        folder = self.root / _FORMAT / "locks"
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / name).open("wb") as stream:
            fcntl.flock(stream, fcntl.LOCK_EX)
            yield


def is_decodable(data: Any, path: Path) -> bool:  # noqa: ANN401  rasterio has no types
    """Whether an open file is a JPEG 2000 one whose numbers a COG can hold."""
    try:
        read_grid(data, path)
    except DataError:
        return False
    return data.driver == JPEG2000 and data.dtypes[0] in _DTYPES


class Decoded:
    """An entry of the cache, open: it stays readable when it is removed.

    Parameters
    ----------
    entry
        Its file.

    Raises
    ------
    FileNotFoundError
        If there is none.
    BrokenSealError
        If it was cut.
    """

    def __init__(self, entry: Path) -> None:
        self.entry = entry
        with ExitStack() as stack:
            self._stream: BinaryIO = stack.enter_context(entry.open("rb"))
            self._sealed = Sealed(self._stream)
            with suppress(PermissionError):  # of others: they count its use
                os.utime(self._stream.fileno())
            stack.pop_all()

    @property
    def path(self) -> Path:
        """For GDAL, whatever becomes of the entry."""
        return Path(f"/proc/self/fd/{self._stream.fileno()}")

    def is_current(self) -> bool:
        """Whether the entry is still the file that is open."""
        try:
            return os.path.samestat(os.fstat(self._stream.fileno()), self.entry.stat())
        except FileNotFoundError:
            return False

    def check(self, spans: list[tuple[int, int]]) -> None:
        """Check parts before they are read; `BrokenSealError` if one is damaged."""
        self._sealed.check(spans)

    def close(self) -> None:
        """Let it go."""
        self._stream.close()


def _decode(path: Path, target: Path, *, workers: int) -> None:
    """Write a JPEG 2000 file as COG, in bounded memory."""
    with rasterio.Env(**OPTIONS), rasterio.open(path, driver=JPEG2000) as data:
        grid = read_grid(data, path)
        dtype = np.dtype(data.dtypes[0])
    here = threading.local()
    handles: list[Any] = []

    def move(block: Block) -> None:
        with rasterio.Env(**OPTIONS):
            if not hasattr(here, "data"):
                here.data = rasterio.open(path, driver=JPEG2000)
                handles.append(here.data)
            window = Window.from_slices(*block.window)
            writer.write(block, here.data.read(1, window=window))

    with (
        # Nobody reads its overviews; these take the least time.
        CogWriter(
            target, grid, dtype, None, scale=1.0, offset=0.0, overviews="nearest"
        ) as writer,
        ThreadPoolExecutor(workers) as pool,
    ):
        jobs = [pool.submit(move, block) for block in grid.blocks(writer.block)]
        try:
            for job in jobs:
                job.result()
        finally:
            pool.shutdown(cancel_futures=True)
            for data in handles:
                data.close()


def _digest(path: Path) -> str:
    state = path.stat()
    return _digest_state(
        path, (state.st_dev, state.st_ino, state.st_size, state.st_ctime_ns)
    )


@lru_cache(maxsize=256)
def _digest_state(path: Path, state: tuple[int, ...]) -> str:
    del state  # another state is another file
    return digest_file(path)
