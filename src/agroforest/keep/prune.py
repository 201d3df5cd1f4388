"""Removing what nobody reads again, so that years do not fill a disk."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from agroforest.core.errors import ConfigurationError
from agroforest.keep.hold import holding
from agroforest.keep.needed import NEWEST, Dated, find_dated, find_dispensable
from agroforest.store.pruning import forget, read_needs

#: Days that are kept at least: water and fire look back over a season's maps.
LEAST_DAYS = 90
#: Days kept unless told: a year, and a month to compare it with.
KEEP_DAYS = 400

_YEAR = timedelta(days=365)


@dataclass(frozen=True, kw_only=True, slots=True)
class Pruned:
    """What was removed, or would be.

    Attributes
    ----------
    files
        That nobody reads again.
    kept_bytes
        Of the files of single days that stay.
    year_bytes
        What the last year of nights took, by pipeline.
    """

    files: tuple[Dated, ...] = field(repr=False)
    kept_bytes: int
    year_bytes: Mapping[str, int]

    @property
    def size(self) -> int:
        """Bytes of the files removed."""
        return sum(f.size for f in self.files)


def prune(
    work: Path,
    database: str | Path,
    *,
    keep_days: int = KEEP_DAYS,
    dry_run: bool = False,
    now: datetime,
) -> Pruned:
    """Remove files of old nights that no page, night or open case reads.

    The ledger forgets them first: killed in between, the next call finds the files
    in their folders and finishes.

    Parameters
    ----------
    work
        The work folder.
    database
        Path or URL.
    keep_days
        Days before each pipeline's last night that stay.
    dry_run
        Only look.
    now
        The time; attempts at tasks that ended `keep_days` earlier are forgotten.

    Raises
    ------
    ConfigurationError
        Too few days, or there is no such work folder.
    LockedError
        A backup is going on, which the files may belong to.
    """
    if keep_days < LEAST_DAYS:
        raise ConfigurationError(
            f"--keep-days {keep_days}",
            "nights look back over a season",
            f"keep {LEAST_DAYS} days at least",
        )
    if not work.is_dir():
        raise ConfigurationError(
            work, "no such work folder", "give the right one with --work"
        )
    with holding(work / ".backup.lock", "a backup or another pruning is going on"):
        needs = read_needs(database, newest=NEWEST)
        dated = list(find_dated(work, tuple(needs.last)))
        gone = find_dispensable(work, dated, needs, keep_days=keep_days)
        if not dry_run:
            forget(
                database,
                [f.path for f in gone],
                attempts_before=now - timedelta(days=keep_days),
            )
            for file in gone:
                (work / file.path).unlink(missing_ok=True)
                _remove_empty(work / file.path, work / file.pipeline)
    year: dict[str, int] = {}
    for one in dated:
        if one.day > needs.last[one.pipeline] - _YEAR:
            year[one.pipeline] = year.get(one.pipeline, 0) + one.size
    removed = sum(f.size for f in gone)
    return Pruned(
        files=tuple(gone),
        kept_bytes=sum(f.size for f in dated) - removed,
        year_bytes=year,
    )


def _remove_empty(file: Path, root: Path) -> None:
    """Remove a folder of one night, as forecasts have, with its last file."""
    folder = file.parent
    is_night = folder.parent.name == "forecast" and root in folder.parents
    if is_night and not any(folder.iterdir()):
        folder.rmdir()
