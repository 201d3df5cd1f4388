"""What a night found, handed on to the desk where people review it."""

import logging
from datetime import date, datetime
from pathlib import Path

from agroforest.core.config import Pipeline, Watched
from agroforest.core.errors import AgroforestError
from agroforest.desk.bureau import Bureau, open_bureau
from agroforest.desk.farmers import tell_farmers
from agroforest.desk.settings import read_desk
from agroforest.desk.work import follow
from agroforest.nightly.water.read import read_night
from agroforest.store import Store

_log = logging.getLogger(__name__)


def open_desk(path: Path | None) -> Bureau | None:
    """Read the desk that a pipeline names; ``None`` if it names none.

    Raises
    ------
    ConfigurationError
        Its settings cannot be acted on: better now than after hours of work.
    DataError
        Its counties cannot be used.
    """
    return None if path is None else open_bureau(read_desk(path))


def hand_on(store: Store, desk: Bureau | None, now: datetime | None) -> int:
    """Let the desk follow everything that is not followed yet.

    What goes wrong here spoils no night: it is on record, and whoever follows next,
    the next night or the desk itself, makes up for it.

    Returns
    -------
    int
        Steps of cases that were recorded.
    """
    if desk is None:
        return 0
    try:
        return follow(store, desk, now)
    except AgroforestError as error:
        _log.error("alerts are on record, their cases are not yet: %s", error)
        return 0


def hand_advice(
    store: Store, desk: Bureau | None, pipeline: Pipeline, folder: Path, now: datetime
) -> int:
    """Let the desk write farmers what the newest night of water advises.

    Nobody is written to about nights longer ago than the desk's ``tell_days``. As
    `hand_on`, this spoils no night, and who runs it again writes nothing twice.

    Parameters
    ----------
    store, desk, now
        As for `hand_on`.
    pipeline, folder
        Whose night, and where it left what it knew.
    """
    if desk is None or not pipeline.watches(Watched.WATER):
        return 0
    try:
        night = read_night(folder)
        age = now.date() - date.fromisoformat(night["night"])
        if age.days > desk.settings.tell_days:
            return 0
        simulated = pipeline.simulated
        return tell_farmers(store, desk.settings, night, now, simulated=simulated)
    except AgroforestError as error:
        _log.error("the night's advice is not written to farmers: %s", error)
        return 0
