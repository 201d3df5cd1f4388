"""Messages as they went out: a file each, written once, and the feed beside them."""

import re
from collections.abc import Iterable
from datetime import datetime
from logging import getLogger
from pathlib import Path

from agroforest.core.errors import DataError
from agroforest.core.files import replacing
from agroforest.publish.atom import build_feed
from agroforest.publish.cap import CapMessage, Sender, build_messages
from agroforest.publish.cap_history import History

#: Name of the feed in its folder.
FEED = "feed.atom"

_LOG = getLogger(__name__)
_IDENTIFIER = re.compile(r"agroforest-[0-9a-f]{16}")


def publish(
    folder: Path, histories: Iterable[History], sender: Sender, now: datetime
) -> tuple[Path, ...]:
    """Bring a folder of messages, and the feed in it, up to date.

    Parameters
    ----------
    folder
        What the public may read; made if it is not there.
    histories
        Of all cases that anything was ever public of; others do no harm. A case whose
        outline cannot be used is left out.
    sender
        Who warns.
    now
        What has expired by then is not in the feed.

    Returns
    -------
    tuple of Path
        Messages that are new.

    Raises
    ------
    DataError
        The folder cannot be written.
    """
    messages: list[CapMessage] = []
    for history in histories:
        try:
            messages += build_messages(history, sender)
        except DataError as error:
            _LOG.warning("%s", error)
    new = keep_messages(folder, messages)
    path = folder / FEED
    feed = build_feed(messages, sender, now, name=FEED)
    if not path.is_file() or path.read_bytes() != feed:
        _write(path, feed)
    return new


def read_message(folder: Path, identifier: str) -> bytes | None:
    """Read a message as it went out; None if there is none of that identifier."""
    if not _IDENTIFIER.fullmatch(identifier):
        return None  # nor is it a path to anything else
    path = _name_file(folder, identifier)
    return path.read_bytes() if path.is_file() else None


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
        path = _name_file(folder, message.identifier)
        if not path.exists():
            _write(path, message.xml)
            new.append(path)
    return tuple(new)


def _name_file(folder: Path, identifier: str) -> Path:
    return folder / f"{identifier}.xml"


def _write(path: Path, content: bytes) -> None:
    try:
        with replacing(path) as scratch:
            scratch.write_bytes(content)
    except OSError as error:
        raise DataError(
            path,
            f"cannot be written ({error.strerror})",
            "look at the disk and the folder",
        ) from error
