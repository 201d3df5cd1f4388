"""A disk that is full or forbidden, in the words of whoever can mend it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from agroforest.core.errors import ConfigurationError
from agroforest.nightly.attempts import Fault, find_fault


@contextmanager
def blamed_on_storage(folder: Path) -> Iterator[None]:
    """Name the folder when the block ends because the machine lacks something.

    Parameters
    ----------
    folder
        Where the block writes.

    Raises
    ------
    ConfigurationError
        There is no room, or one may not write there.
    """
    try:
        yield
    except OSError as error:
        if find_fault(error) != Fault.PLACE:
            raise
        raise ConfigurationError(
            folder,
            f"cannot be written ({error.strerror or error})",
            "make room, or look after the storage, and run the night again",
        ) from error
