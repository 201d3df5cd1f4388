"""Whether the desk can do its work, for whoever asks it before sending people there.

Anybody may ask: reasons name no path, address or account.
"""

import os
from pathlib import Path

from sqlalchemy import text

from agroforest.core.errors import AgroforestError
from agroforest.health.standing import Disk, read_disk
from agroforest.store import Store
from agroforest.store.schema import HEAD, VERSION_TABLE

#: Free bytes below which nothing can be recorded for long. Arbitrary.
_LEAST_BYTES = 64 << 20


def find_obstacles(store: Store, work: Path) -> list[str]:
    """Find why the desk cannot do its work; none if it can."""
    found = [*_ask_database(store)]
    if not os.access(work, os.R_OK | os.X_OK):
        found.append("the work folder cannot be read")
    disk = read_disk(work)
    if disk is not None and (disk.free < _LEAST_BYTES or _lacks_inodes(disk)):
        found.append("the disk is full")
    return found


def _lacks_inodes(disk: Disk) -> bool:
    return bool(disk.inodes) and disk.free_inodes == 0


def _ask_database(store: Store) -> list[str]:
    query = text(f"SELECT version_num FROM {VERSION_TABLE}")  # noqa: S608  a constant
    try:
        with store.reading() as connection:
            revision = connection.scalar(query)
    except AgroforestError:
        return ["the database does not answer"]
    if revision != HEAD:
        return [f"the database has schema {revision}, this program {HEAD}"]
    return []
