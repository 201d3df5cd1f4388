"""Where a pipeline keeps its things, and the lock that guards them."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from agroforest.core.errors import ConfigurationError, LockedError
from agroforest.core.risk import Hazard
from agroforest.cube import raster_name
from agroforest.nightly.lease import Lease, leased, try_lock

# Seconds a task waits for another that has its tile: longer than NFS keeps the
# locks of a machine that went away (90 s on Linux), and than most tiles take.
_TILE_PATIENCE = 600.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Workplace:
    """Paths under the work folder.

    Attributes
    ----------
    root
        The work folder; catalogue and database are shared by all pipelines.
    pipeline
        Name of the pipeline; everything else is its own.
    """

    root: Path
    pipeline: str

    @property
    def catalog(self) -> Path:
        """Static STAC catalogue of local scenes."""
        return self.root / "catalog"

    @property
    def database(self) -> Path:
        """SQLite file of facts."""
        return self.root / "agroforest.db"

    @property
    def folder(self) -> Path:
        """Everything that belongs to this pipeline alone."""
        return self.root / self.pipeline

    @property
    def state(self) -> Path:
        """Per-pixel state, Zarr, one group a tile."""
        return self.folder / "state.zarr"

    def index(self, tile: str, day: date, name: str) -> Path:
        """Index map of one day."""
        return self.folder / "indices" / tile / raster_name(tile, day, name)

    def risk(self, tile: str, night: date, hazard: Hazard, layer: str) -> Path:
        """One layer of a risk map: ``probability``, ``evidence`` or ``since``."""
        name = raster_name(tile, night, f"{hazard}-{layer}")
        return self.folder / "risk" / tile / name

    def report(self, night: date, suffix: str) -> Path:
        """Report of a night, ``json`` or ``html``."""
        return self.folder / "reports" / f"{night.isoformat()}.{suffix}"

    def map(self, night: date) -> Path:
        """Map of a night."""
        return self.folder / "maps" / f"{night.isoformat()}.html"

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the pipeline's lock; another process then gets `LockedError`.

        The lock is the kernel's and ends with the process, however it ends.
        """
        with _locked(self.folder / ".lock", holder="another run holds this pipeline"):
            yield

    @property
    def locks(self) -> Path:
        """Locks and leases of tiles."""
        return self.folder / ".locks"

    @contextmanager
    def tile_leased(self, tile: str, key: str = "") -> Iterator[Lease]:
        """Hold a tile; see `agroforest.nightly.lease`.

        A worker that lost its scheduler may still be at work when another takes
        its task over, and a process that was killed may leave one behind. Writers
        of one tile must never meet. What killed ones left half-written is removed.

        Parameters
        ----------
        tile
            Its id.
        key
            What for.

        Raises
        ------
        LockedError
            Another worker has been at it for longer than one waits.
        """
        with leased(self.locks, tile, key=key, patience_s=_TILE_PATIENCE) as lease:
            for folder in ("indices", "risk"):
                for scratch in (self.folder / folder / tile).glob(".*.part*"):
                    scratch.unlink(missing_ok=True)
            yield lease


@contextmanager
def _locked(path: Path, *, holder: str) -> Iterator[None]:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise ConfigurationError(
            path.parent,
            f"cannot be written ({error.strerror})",
            "choose another folder with --work",
        ) from error
    try:
        if not try_lock(handle, path):
            raise LockedError(path, holder, "wait for it to end")
        yield
    finally:
        os.close(handle)
