"""The desk at work: what is decided, whom it is told and the record of both, at once.

Pages, commands and nights all come through here, so that no case changes without its
step, its deed and its messages.
"""

import logging
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from agroforest.core.account import Account, Right
from agroforest.core.errors import ConflictError, DataError
from agroforest.core.fire import FireFacts
from agroforest.core.queue import DeskChanges
from agroforest.core.review import Case, Stage, Step
from agroforest.core.risk import Hazard
from agroforest.core.threshold import ThresholdSet
from agroforest.desk.bureau import Bureau
from agroforest.notify.events import find_events
from agroforest.notify.facts import Facts, describe_case
from agroforest.notify.policy import plan
from agroforest.notify.told import find_told
from agroforest.review import commands as ask
from agroforest.review import following
from agroforest.review.life import decide
from agroforest.store import Store

#: Commands that anybody may be told of. Others, the most frequent, need not wait until
#: it was read what everybody was told.
NEWS = (ask.Confirm, ask.Approve, ask.OrderCheck, ask.Reopen, ask.Close)

_log = logging.getLogger(__name__)
#: Changes followed in one transaction.
_AT_ONCE = 200
#: Times that a stretch of changes is read again because somebody was faster.
_TRIES = 5
#: Fires that ended longer ago are not asked for what was found there.
_RECENT = timedelta(days=60)


def act(
    store: Store,
    bureau: Bureau,
    command: ask.Command,
    by: Account,
    *,
    now: datetime,
    seen: Mapping[str, int] | None = None,
) -> DeskChanges:
    """Do what a person asks for, if nobody was faster.

    Parameters
    ----------
    store
        Open.
    bureau
        What the desk knows beside it.
    command
        What is asked for.
    by
        Who asks.
    now
        UTC.
    seen
        Versions of the cases as the person saw them, by id; what is left out is taken
        as it is.

    Raises
    ------
    ConflictError
        Somebody else acted first; with who did what, and when.
    ForbiddenError
        Who asks may not do this.
    DataError
        It cannot be done; with the way out.
    """
    _check_people(store, command)
    ids, steps = _gather_named(store, command)
    seen = {**{name: len(told) for name, told in steps.items()}, **(seen or {})}
    teller = _Teller(store, bureau, now)
    is_news = isinstance(command, NEWS)
    if is_news:
        teller.read(ids)

    def decided(cases: Mapping[str, Case]) -> DeskChanges:
        done = decide(cases, command, by=by, now=now, steps=steps)
        if not is_news:
            return done
        return done + teller.tell(done.steps, {c.id: c for c in done.cases})

    return store.desk.decide(ids, decided, seen=seen)


def follow(store: Store, bureau: Bureau, now: datetime | None = None) -> int:
    """Follow what nights did to alerts, and what was found at fires.

    May be repeated, also after it was interrupted, and by several at once: each change
    is followed by one step, and told once.

    Parameters
    ----------
    store
        Open.
    bureau
        What the desk knows beside it.
    now
        UTC; the end of each night unless given, as for nights of the past.

    Returns
    -------
    int
        Steps recorded.
    """
    done, keys = 0, set[str]()
    taken = store.desk.thresholds()
    while news := store.desk.unfollowed(_AT_ONCE):
        before, keys = keys, {instruction.key for instruction, _, _ in news}
        if keys == before:  # others have just followed them, or the record is damaged
            _log.warning("%d changes of alerts stay unfollowed", len(news))
            break
        done += _follow_some(store, bureau, news, taken[-1] if taken else None, now)
    return done + _follow_verifications(store, bureau, now)


def _follow_some(
    store: Store,
    bureau: Bureau,
    news: list[following.News],
    thresholds: ThresholdSet | None,
    now: datetime | None,
) -> int:
    fires = {facts.alert: facts for _, _, facts in news if facts is not None}
    moment = now or following.end_of_night(news[-1][0].night)
    since = _find_first_told(bureau, now)
    for _ in range(_TRIES):
        named = {i.alert for i, _, _ in news} | {i.into for i, _, _ in news if i.into}
        cases = _gather_kin(store, named)
        done = following.follow(
            news, cases, bureau.counties, now, thresholds=thresholds
        )
        teller = _Teller(store, bureau, moment, fires)
        steps = [s for s in done.steps if s.data["night"] >= since]
        places = {place for _, alert, _ in news for place in alert.places}
        teller.read({s.case for s in steps}, places)
        after = {**cases, **{c.id: c for c in done.cases}}
        try:
            store.desk.record(done + teller.tell(steps, after))
        except ConflictError as error:
            _log.info("reading again: %s", error)
            continue
        return len(done.steps)
    raise ConflictError(
        "the desk",
        "others change the cases of a night all the time",
        "try again; what was recorded stays",
    )


def _follow_verifications(store: Store, bureau: Bureau, now: datetime | None) -> int:
    done = 0
    since = None if now is None else (now - _RECENT).date()
    for pipeline in bureau.pipelines:
        found = [
            pair
            for pair in store.fire_alerts(pipeline, since=since)
            if pair[1].verification is not None
        ]
        cases = store.desk.cases([alert.id for alert, _ in found])
        for pair in found:
            changes = following.note_verifications([pair], cases, now)
            if changes.steps:
                done += _record_once(store, changes)
    return done


def _record_once(store: Store, changes: DeskChanges) -> int:
    """Record a step unless its key is there, or leave it to the next time."""
    (step,) = changes.steps
    try:
        store.desk.record(changes)
    except ConflictError as error:
        _log.info("left to the next time: %s", error)
        return 0
    after = store.desk.case(step.case)
    return int(after is not None and after.version == step.number)


class _Teller:
    """Writes the messages that a change of cases asks for.

    What it needs is read before the change is decided, for the store is held by one
    writer at a time. A message that is there already is not written again.
    """

    def __init__(
        self,
        store: Store,
        bureau: Bureau,
        now: datetime,
        fires: Mapping[str, FireFacts] | None = None,
    ) -> None:
        self._store, self._bureau, self._now = store, bureau, now
        self._fires = dict(fires or {})
        self._accounts: list[Account] = []
        self._silent = not bureau.settings.notify.channels

    def read(self, ids: Iterable[str], places: Iterable[str] = ()) -> None:
        """Read who there is, what they were told, and what is known of fires.

        Parameters
        ----------
        ids
            Of cases; those that are not there yet count by their places alone.
        places
            Ids of parcels and compartments beside those of the cases.
        """
        if self._silent:
            return
        self._accounts = self._store.desk.accounts()
        names = set(ids)
        cases = self._store.desk.cases(names).values()
        self._told = find_told(
            self._store.desk,
            names,
            self._now,
            accounts=self._accounts,
            places={*places, *(place for case in cases for place in case.places)},
        )
        for case in cases:
            if case.hazard == Hazard.ACTIVE_FIRE and case.alert not in self._fires:
                pairs = self._store.fire_alerts(case.pipeline, since=case.first_night)
                self._fires |= {facts.alert: facts for _, facts in pairs}

    def tell(self, steps: Iterable[Step], cases: Mapping[str, Case]) -> DeskChanges:
        """Write the messages about steps."""
        if self._silent:
            return DeskChanges()
        events = find_events(steps, cases, self._describe)
        notify = self._bureau.settings.notify
        return DeskChanges(
            messages=plan(events, self._accounts, notify, self._now, told=self._told)
        )

    def _describe(self, case: Case) -> Facts:
        return describe_case(
            case,
            fire=self._fires.get(case.alert),
            names=self._bureau.places,
            simulated=self._bureau.is_simulated(case.pipeline),
        )


def _gather_named(
    store: Store, command: ask.Command
) -> tuple[tuple[str, ...], dict[str, list[Step]]]:
    """Find the ids that a command is decided on, and the steps that it undoes."""
    if not isinstance(command, ask.Unmerge | ask.Unsplit):
        return command.ids, {}
    desk = store.desk
    case = desk.case(command.case)
    if case is None:
        return command.ids, {}
    if isinstance(command, ask.Unsplit):
        kin = [part.id for part in desk.parts(case.id)]
    else:
        kin = [case.into] if case.into else []
    return (case.id, *kin), {case.id: desk.steps(case.id)}


def _gather_kin(store: Store, ids: Iterable[str]) -> dict[str, Case]:
    """Find cases with those they went into, and the parts of those that were split."""
    found: dict[str, Case] = {}
    missing = set(ids)
    while missing:
        new = store.desk.cases(missing)
        found |= new
        for case in new.values():
            if case.stage == Stage.SPLIT:
                found |= {part.id: part for part in store.desk.parts(case.id)}
        into = {c.into for c in new.values() if c.stage == Stage.MERGED}
        missing = into - found.keys()
        if not new:
            break
    return found


def _find_first_told(bureau: Bureau, now: datetime | None) -> str:
    """Find the first night that people are told of, ISO 8601; of the past all are."""
    if now is None:
        return ""
    return (now - timedelta(days=bureau.settings.tell_days)).date().isoformat()


def _check_people(store: Store, command: ask.Command) -> None:
    """Refuse to make somebody responsible who is not there or cannot act."""
    if not isinstance(command, ask.Assign | ask.OrderCheck) or not command.to:
        return
    account = store.desk.account(command.to)
    if account is None or account.disabled:
        raise DataError(
            f"account {command.to}",
            "is not known" if account is None else "is disabled",
            "name another: agroforest account list",
        )
    if isinstance(command, ask.Assign) and not account.may(Right.JUDGE):
        raise DataError(
            f"account {command.to}",
            f"is {account.role} and cannot judge cases",
            "name a reviewer or a supervisor",
        )
