"""Messages as they went out: a file each, written once."""

from collections.abc import Iterable
from pathlib import Path

from agroforest.core.errors import DataError
from agroforest.core.files import replacing
from agroforest.publish.cap import CapMessage


def keep_messages(folder: Path, messages: Iterable[CapMessage]) -> tuple[Path, ...]:
    """Write those messages that are not there yet; a message that is there stays.

    Parameters
    ----------
    folder
        Made if it is not there.
    messages
        As of `agroforest.publish.cap.build_messages`.

    Returns
    -------
    tuple of Path
        Files that are new, ``<identifier>.xml``, in the order of the messages.

    Raises
    ------
    DataError
        The folder cannot be written.
    """
    new = []
    for message in messages:
        path = name_file(folder, message.identifier)
        if path.exists():
            continue
        try:
            with replacing(path) as scratch:
                scratch.write_bytes(message.xml)
        except OSError as error:
            raise DataError(
                path,
                f"cannot be written ({error.strerror})",
                "look at the disk and the folder",
            ) from error
        new.append(path)
    return tuple(new)


def name_file(folder: Path, identifier: str) -> Path:
    """Name the file of a message; the identifier is one of `CapMessage`."""
    return folder / f"{identifier}.xml"
