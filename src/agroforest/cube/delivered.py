"""Files whose storage does not deliver them, told from files that are damaged.

GDAL says of both that a block could not be read. A damaged scene is put into quarantine
until its file is another one; a disk or a mount may come back by the next night, with
the file as it was.
"""

from pathlib import Path

from agroforest.core.errors import StorageError
from agroforest.core.storage import is_storage

_CHUNK = 1 << 20


def undelivered(where: object, error: BaseException) -> StorageError:
    """Make the error of a file that its storage does not deliver."""
    reason = getattr(error, "strerror", None) or error
    return StorageError(
        where,
        f"its storage does not deliver it ({reason})",
        "see to its disk or mount; it is read when that delivers again",
    )


def expect_delivered(path: Path, where: object) -> None:
    """Read a file to its end, and throw away what was read.

    Parameters
    ----------
    path
        The file; one that is not on this machine is not looked for.
    where
        Named in the error.

    Raises
    ------
    StorageError
        The storage does not deliver all of it.
    """
    try:
        with path.open("rb", buffering=0) as stream:
            while stream.read(_CHUNK):
                pass
    except (OSError, ValueError) as error:
        if is_storage(error):
            raise undelivered(where, error) from error
