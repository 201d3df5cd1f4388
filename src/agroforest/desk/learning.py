"""What is learned from verdicts: thresholds taken and given back, labels read."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from agroforest.core.account import Account, Right
from agroforest.core.alert import Alert
from agroforest.core.audit import Deed
from agroforest.core.errors import DataError, ForbiddenError
from agroforest.core.fire import FireFacts
from agroforest.core.queue import CaseQuery, QueueRow
from agroforest.core.review import Case, Stage, Step, Verdict
from agroforest.core.risk import Hazard
from agroforest.core.threshold import Threshold, ThresholdSet
from agroforest.review.commands import check_text
from agroforest.store import Store

_PAGE = 500
_NOTE_LENGTH = 2000


def read_rows(store: Store, query: CaseQuery) -> Iterator[QueueRow]:
    """Read every case that a query asks for, page by page."""
    query = replace(query, limit=_PAGE)
    while True:
        page = store.desk.queue(query)
        yield from page.rows
        if not page.next:
            return
        query = replace(query, after=page.next)


def read_judged(store: Store) -> Iterator[tuple[Case, list[Step]]]:
    """Read every case that has a verdict, with its steps."""
    portion: list[str] = []
    for row in read_rows(store, CaseQuery(verdicts=tuple(Verdict))):
        portion.append(row.id)
        if len(portion) == _PAGE:
            yield from _read_some(store, portion)
            portion = []
    yield from _read_some(store, portion)


def read_decided(store: Store) -> Iterator[QueueRow]:
    """Read the cases that thresholds are learned from."""
    stages = (Stage.DECIDED, Stage.CLOSED)
    return read_rows(store, CaseQuery(stages=stages, verdicts=tuple(Verdict)))


def read_waiting(store: Store) -> Iterator[QueueRow]:
    """Read the cases that wait for pre-screening."""
    return read_rows(store, CaseQuery(stages=(Stage.PRESCREEN,)))


def read_fires(store: Store) -> list[tuple[Alert, FireFacts]]:
    """Read every fire that has a case, with what is known of it."""
    rows = read_rows(store, CaseQuery(hazards=(Hazard.ACTIVE_FIRE,)))
    pipelines = sorted({row.pipeline for row in rows})
    return [pair for name in pipelines for pair in store.fire_alerts(name)]


def find_standing(store: Store) -> ThresholdSet | None:
    """Find the thresholds in force; ``None`` before the first."""
    taken = store.desk.thresholds()
    return taken[-1] if taken else None


def take(
    store: Store,
    thresholds: tuple[Threshold, ...],
    by: Account,
    *,
    now: datetime,
    note: str = "",
    seen: int | None = None,
    reverts_to: int | None = None,
) -> ThresholdSet:
    """Put thresholds in force for the nights to come.

    Parameters
    ----------
    store
        Open.
    thresholds
        All of them, also those that stay.
    by
        Who takes them.
    now
        UTC.
    note
        Why.
    seen
        Version that they were made from; the one in force unless given.
    reverts_to
        Version whose thresholds these are, 0 for none; ``None`` if they are new.

    Raises
    ------
    ForbiddenError
        Who asks may not.
    ConflictError
        Somebody has taken others meanwhile.
    """
    if not by.may(Right.SET_THRESHOLDS):
        raise ForbiddenError(
            f"account {by.name}",
            f"is {by.role} and may not set thresholds",
            "ask a supervisor",
        )
    check_text("note on thresholds", note, _NOTE_LENGTH)
    standing = find_standing(store)
    version = (0 if standing is None else standing.version) if seen is None else seen
    new = ThresholdSet(
        version=version + 1,
        time=now,
        by=by.name,
        thresholds=thresholds,
        note=note,
        reverts_to=reverts_to or 0,
    )
    deed = Deed(
        time=now,
        who=by.name,
        what="threshold.taken" if reverts_to is None else "threshold.reverted",
        subject=f"thresholds:{new.version}",
        why=note,
        before=_plain(standing.thresholds if standing else ()),
        after=_plain(thresholds),
    )
    store.desk.add_thresholds(new, [deed])
    return new


def revert(
    store: Store, version: int, by: Account, *, now: datetime, note: str = ""
) -> ThresholdSet:
    """Put the thresholds of an earlier version in force again; 0 is none at all.

    Raises
    ------
    DataError
        There is no such version.
    ForbiddenError, ConflictError
        As `take`.
    """
    taken = {each.version: each for each in store.desk.thresholds()}
    if version not in taken and version != 0:
        raise DataError(
            f"thresholds, version {version}",
            "were never taken",
            "list them: agroforest review thresholds show --all",
        )
    thresholds = taken[version].thresholds if version else ()
    return take(store, thresholds, by, now=now, note=note, reverts_to=version)


def _plain(thresholds: tuple[Threshold, ...]) -> Mapping[str, Any]:
    return {
        f"{t.hazard}{f'@{t.county}' if t.county else ''}": t.value for t in thresholds
    }


def _read_some(store: Store, ids: list[str]) -> Iterator[tuple[Case, list[Step]]]:
    found = store.desk.cases(ids)
    for name in ids:
        if name in found:
            yield found[name], store.desk.steps(name)
