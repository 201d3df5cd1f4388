"""Farmers are told what a night advises, in one transaction, once for each change."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from agroforest.desk.settings import DeskSettings
from agroforest.notify.advice import advise, subject_of
from agroforest.notify.told import find_told
from agroforest.store import Store


def tell_farmers(
    store: Store,
    settings: DeskSettings,
    night: Mapping[str, Any],
    now: datetime,
    *,
    simulated: bool = False,
) -> int:
    """Write farmers what a night advises for their parcels; `deliver` sends it.

    Parameters
    ----------
    store
        Open.
    settings
        Of the desk.
    night
        As the night left it, see `agroforest.nightly.water.read.read_night`.
    now
        UTC.
    simulated
        Whether none of it happened; every message says so.

    Returns
    -------
    int
        Messages that are new.
    """
    if not settings.notify.channels:
        return 0
    accounts = store.desk.accounts()
    named = {parcel["id"] for parcel in night["parcels"]}
    told = find_told(
        store.desk, map(subject_of, named), now, accounts=accounts, places=named
    )
    made = advise(night, accounts, settings.notify, now, told=told, simulated=simulated)
    return store.desk.add_messages(made)
