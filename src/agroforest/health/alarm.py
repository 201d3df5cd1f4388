"""Tells people that nights are not run: by whoever sends messages, not by the nights.

A nightly job that is dead can tell nobody. What sends messages runs by itself, and is
what would have to run anyway for a message to arrive.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta

from agroforest.desk.settings import DeskSettings
from agroforest.health import questions
from agroforest.health.standing import find_missed, is_running
from agroforest.notify.nights import MissedNights, report_nights, subject_of
from agroforest.notify.told import find_told
from agroforest.schedule.missed import MANY
from agroforest.store import Store

#: A run that has been at work for longer is stuck. Arbitrary.
_STUCK = timedelta(days=1)


def tell_of_nights(store: Store, settings: DeskSettings, now: datetime) -> int:
    """Write to administrators about nights that are not run, or are again.

    Parameters
    ----------
    store
        Open.
    settings
        Of the desk.
    now
        UTC.

    Returns
    -------
    int
        Messages that are new; ``agroforest notify send`` sends them.
    """
    if not settings.notify.channels:
        return 0
    standing = list(_read(store, now))
    if not standing:
        return 0
    accounts = store.desk.accounts()
    subjects = [subject_of(each.pipeline) for each in standing]
    told = find_told(store.desk, subjects, now, accounts=accounts, places=())
    made = report_nights(standing, accounts, settings.notify, now, told=told)
    return store.desk.add_messages(made)


def _read(store: Store, now: datetime) -> Iterator[MissedNights]:
    """Pipelines that are expected to run and are not at it."""
    for name in sorted(questions.find_pipelines(store)):
        last = store.last_night(name)
        if last is None or (now.date() - last).days > MANY + 1:
            continue
        missed = find_missed(last, now)
        tries = store.tries.executions(name, limit=1)
        if missed and any(is_running(t) and now - t.started < _STUCK for t in tries):
            continue
        yield MissedNights(pipeline=name, last=last, missed=missed)
