"""Reading a spool again, after a decoder or the settings were mended."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from agroforest.core.errors import NoInputError
from agroforest.listen.consumer import Consumer, Taken
from agroforest.listen.decode import Decoder
from agroforest.listen.settings import ListenSettings
from agroforest.listen.spool import find_end, find_id
from agroforest.store import Store


def replay(
    settings: ListenSettings,
    folder: Path,
    store: Store,
    *,
    since: datetime | None = None,
    progress: Callable[[Taken], None] | None = None,
) -> Taken:
    """Decode every message of a spool again, and store what is new.

    Readings are added once however often they are read, dead letters that can be
    read now are settled, and how far the listener is stays as it is: it may be
    running.

    Parameters
    ----------
    settings
        Routes, devices and mappings, as they are now.
    folder
        The spool.
    store
        Takes what the messages say.
    since
        Pass over what came earlier.
    progress
        Called after each batch with what all of them gave.

    Returns
    -------
    Taken
        What that gave; `messages` counts those passed over too.

    Raises
    ------
    NoInputError
        There is no spool.
    SourceError
        The database does not answer.
    """
    name = find_id(folder)
    if name is None:
        raise NoInputError(folder, "is no spool", "name the folder of the listener")
    end = find_end(folder)
    consumer = Consumer(
        folder, name, decoder=Decoder(settings), store=store, again=True
    )
    total = Taken()
    while (taken := consumer.step(end, since=since)).messages:
        total += taken
        if progress is not None:
            progress(total)
    return total
