"""``agroforest fire verify``: the clock of fire alerts, and what was found there."""

import getpass
import json
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from agroforest.cli.desk_options import open_desk_store
from agroforest.cli.fire_verify_words import OUTCOMES_ZH, tell_list, tell_record
from agroforest.cli.options import DEFAULT_WORK, Database, Json, WorkFolder

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agroforest.core.alert import Alert
    from agroforest.core.fire import FireFacts, HotspotEvent, Verification
    from agroforest.store import Store

    Fire = tuple[Alert, FireFacts]

_MINUTE = timedelta(minutes=1)
_NAMED = 5  # ids in a message


def verify(
    alert: Annotated[
        str | None,
        typer.Argument(
            metavar="ALERT",
            help="Id, or how it begins; left out, open ones are listed.",
        ),
    ] = None,
    *,
    pipeline: Annotated[str, typer.Option(help="Name of the pipeline.")],
    outcome: Annotated[
        str | None,
        typer.Option(help="What was found: " + ", ".join(OUTCOMES_ZH) + "."),
    ] = None,
    by: Annotated[
        str | None, typer.Option(help="Who looked; your login name unless given.")
    ] = None,
    note: Annotated[str, typer.Option(help="In their words.")] = "",
    at: Annotated[
        str | None,
        typer.Option(help="When they looked, as 2024-03-01T14:00+08:00; now."),
    ] = None,
    now: Annotated[
        str | None, typer.Option(help="Count the minutes to this time, not to now.")
    ] = None,
    utc_offset: Annotated[
        float, typer.Option(min=-12, max=14, help="Hours, of the times shown.")
    ] = 8.0,
    work: WorkFolder = DEFAULT_WORK,
    database: Database = "",
    as_json: Json = False,
) -> None:
    """火点警报核查：列出待核查的，记录查到了什么 · Say what was found at a fire alert.

    Without ALERT the open alerts are listed, the oldest deadline first. With it, what
    somebody found there is recorded: that stops the alert's clock, and the next night
    closes the alert unless it was a forest fire. Nothing that was recorded is ever
    changed; a newer word counts more.
    """
    from agroforest.core.errors import ConfigurationError

    moment = _read_time("--now", now) or datetime.now(UTC)
    zone = timezone(timedelta(hours=utc_offset))
    if alert is None and (outcome, by, note, at) != (None, None, "", None):
        raise ConfigurationError(
            "fire verify", "says what was found and not where", "give the alert's id"
        )
    with open_desk_store(work, database) as store:
        fires = _find_fires(store, pipeline, work)
        if alert is None:
            listed = _list(fires, moment)
            typer.echo(_dump(listed) if as_json else tell_list(listed, zone))
            return
        facts = _find_one(fires, alert)
        time = _read_time("--at", at) or moment
        found = _build(outcome, by=by, note=note, time=time)
        done = _record(store, pipeline, facts, found, moment)
    typer.echo(_dump(done) if as_json else tell_record(done, zone))


def _find_fires(store: "Store", pipeline: str, work: Path) -> "list[Fire]":
    from agroforest.core.errors import NoInputError

    fires = store.fire_alerts(pipeline)
    if not fires and not store.runs(pipeline):
        raise NoInputError(
            f"--pipeline {pipeline!r}",
            f"has no night on record in {work}",
            "give the name that its settings have, or --work",
        )
    return fires


def _find_one(fires: "Sequence[Fire]", written: str) -> "FireFacts":
    """Facts of the alert whose id is, or alone begins with, what was written."""
    from agroforest.core.errors import ConfigurationError

    known = {facts.alert: facts for _, facts in fires}
    if written in known:
        return known[written]
    near = sorted(name for name in known if written and name.startswith(written))
    if not near:
        raise ConfigurationError(
            f"alert {written!r}",
            "is no fire alert of this pipeline",
            "list the open ones: the same command without an id",
        )
    if len(near) > 1:
        more = ", …" if len(near) > _NAMED else ""
        raise ConfigurationError(
            f"alert {written!r}",
            f"begins {len(near)} ids ({', '.join(near[:_NAMED])}{more})",
            "write more of it",
        )
    return known[near[0]]


def _build(
    outcome: str | None, *, by: str | None, note: str, time: datetime
) -> "Verification":
    from agroforest.core.errors import ConfigurationError
    from agroforest.core.fire import Outcome, Verification

    choices = ", ".join(Outcome)
    if outcome is None:
        raise ConfigurationError("--outcome", "is not given", f"give one of {choices}")
    if outcome not in set(Outcome):
        raise ConfigurationError(
            "--outcome", f"{outcome!r} is not known", f"give one of {choices}"
        )
    return Verification(
        time=time, outcome=Outcome(outcome), by=by or _find_name(), note=note
    )


def _find_name() -> str:
    from agroforest.core.errors import ConfigurationError

    try:
        return getpass.getuser()
    except (KeyError, ImportError, OSError) as error:
        raise ConfigurationError(
            "--by", "is not given, and nobody is logged in", "say who looked"
        ) from error


def _record(
    store: "Store",
    pipeline: str,
    facts: "FireFacts",
    found: "Verification",
    moment: datetime,
) -> dict[str, Any]:
    from agroforest.alerts.fire import check_verification

    check_verification(facts, found, moment=moment)
    new = store.verify(facts.alert, found)
    one = next(f for f in store.fire_alerts(pipeline) if f[0].id == facts.alert)
    return {"recorded": new, "said": _plain_word(found), "alert": _plain(one, moment)}


def _list(fires: "Sequence[Fire]", moment: datetime) -> dict[str, Any]:
    """Open alerts, the oldest deadline first, and how many ended unseen."""
    from agroforest.core.alert import AlertStatus

    open_ = [f for f in fires if f[0].status == AlertStatus.OPEN]
    open_.sort(key=lambda f: (f[1].verify_by, f[0].id))
    unseen = (
        alert.status == AlertStatus.RELEASED and facts.verification is None
        for alert, facts in fires
    )
    return {
        "now": moment.isoformat(),
        "alerts": [_plain(one, moment) for one in open_],
        "ended_unverified": sum(unseen),
    }


def _plain(one: "Fire", moment: datetime) -> dict[str, Any]:
    """Describe an alert in plain values.

    `minutes_left` counts to now, or to when somebody looked; below zero is overdue.
    """
    alert, facts = one
    found = facts.verification
    end = moment if found is None else found.time
    return {
        "alert": alert.id,
        "status": str(alert.status),
        "raised": facts.raised.isoformat(),
        "verify_by": facts.verify_by.isoformat(),
        "minutes_left": round((facts.verify_by - end) / _MINUTE, 1),
        "overdue": facts.overdue(moment),
        "area_ha": round(alert.area_ha, 2),
        "places": list(alert.places),
        "gate": str(facts.gate),
        "gate_zh": facts.gate_zh,
        "gate_en": facts.gate_en,
        "event": _plain_event(facts.event),
        "verification": None if found is None else _plain_word(found),
    }


def _plain_event(event: "HotspotEvent") -> dict[str, Any]:
    return {
        "id": event.id,
        "kind": str(event.kind),
        "confidence": str(event.confidence),
        "longitude": round(event.longitude, 5),
        "latitude": round(event.latitude, 5),
        "first": event.first.isoformat(),
        "last": event.last.isoformat(),
        "looks": event.looks,
        "detections": event.detections,
        "satellites": list(event.satellites),
        "frp_max_mw": event.frp_max_mw,
        "county": list(event.county),
        "township": list(event.township),
    }


def _plain_word(found: "Verification") -> dict[str, Any]:
    return {
        "time": found.time.isoformat(),
        "outcome": str(found.outcome),
        "by": found.by,
        "note": found.note,
    }


def _dump(values: dict[str, Any]) -> str:
    return json.dumps(values, ensure_ascii=False)


def _read_time(option: str, text: str | None) -> datetime | None:
    from agroforest.core.errors import ConfigurationError

    if text is None:
        return None
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        raise ConfigurationError(
            option, f"{text!r} is no time", "write 2024-03-01T14:00+08:00"
        ) from None
    if time.utcoffset() is None:
        raise ConfigurationError(
            option, f"{text} has no time zone", f"write {time.isoformat()}+08:00 or …Z"
        )
    return time.astimezone(UTC)
