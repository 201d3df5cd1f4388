"""Cases, steps, deeds and messages that the tests of the desk hand in."""

from datetime import UTC, datetime, timedelta

from tests.store.test_findings import NIGHT, make_alert

from agroforest.core.account import Account, Role
from agroforest.core.alert import Alert, Change, Instruction
from agroforest.core.audit import Deed
from agroforest.core.message import Message, News
from agroforest.core.queue import DeskChanges
from agroforest.core.review import NIGHT as BY_NIGHT
from agroforest.core.review import Act, Case, Stage, Step
from agroforest.store import Store

NOW = datetime(2020, 6, 2, 8, tzinfo=UTC)


def make_case(alert: Alert, **changes: object) -> Case:
    """Case of an alert as a night opens it."""
    case = Case(
        id=alert.id,
        alert=alert.id,
        pipeline=alert.pipeline,
        hazard=alert.hazard,
        stage=Stage.PRESCREEN,
        version=1,
        opened=NOW,
        changed=NOW,
        geometry=alert.geometry,
        area_ha=alert.area_ha,
        probability=alert.probability,
        first_night=alert.first_night,
        evidence=alert.evidence,
        county=("450110", "武鸣区", "Wuming"),
        places=alert.places,
        rank=0.5,
    )
    return case.patch(**changes)


def make_step(case: str, number: int = 1, **changes: object) -> Step:
    values: dict[str, object] = {
        "case": case,
        "number": number,
        "time": NOW + timedelta(minutes=number),
        "by": "韦工",
        "act": Act.NOTE,
    }
    return Step(**values | changes)  # type: ignore[arg-type]


def make_deed(subject: str, **changes: object) -> Deed:
    values: dict[str, object] = {
        "time": NOW,
        "who": "韦工",
        "what": "case.note",
        "subject": subject,
    }
    return Deed(**values | changes)  # type: ignore[arg-type]


def make_message(key: str, **changes: object) -> Message:
    message = Message(
        key=key,
        subject="a1",
        state="raised",
        news=News.RAISED,
        account="韦工",
        channel="mail",
        created=NOW,
        due=NOW,
    )
    return message.patch(**changes)


def make_account(name: str = "wei", **changes: object) -> Account:
    account = Account(name=name, title="韦工", role=Role.REVIEWER, created=NOW)
    return account.patch(**changes)


def opened(alert: Alert, **changes: object) -> DeskChanges:
    """What following a new alert changes."""
    key = Instruction(
        alert=alert.id, night=alert.first_night, change=Change.NEW, area_ha=1.5
    ).key
    step = make_step(alert.id, by=BY_NIGHT, act=Act.OPEN, key=key)
    return DeskChanges(cases=(make_case(alert, **changes),), steps=(step,))


def open_cases(store: Store, *names: str, **changes: object) -> list[Case]:
    """Record alerts as a night does, and open a case of each."""
    alerts = [make_alert(name) for name in names]
    store.record_night(
        alerts=alerts,
        instructions=[
            Instruction(alert=a.id, night=NIGHT, change=Change.NEW, area_ha=1.5)
            for a in alerts
        ],
    )
    for alert in alerts:
        store.desk.record(opened(alert, **changes))
    return [make_case(alert, **changes) for alert in alerts]


def acted(
    case: Case, *, by: str = "韦工", act: Act = Act.NOTE, **changes: object
) -> DeskChanges:
    """One more step on a case, and its deed."""
    number = case.version + 1
    step = make_step(case.id, number, by=by, act=act)
    after = case.patch(version=number, changed=step.time, **changes)
    deed = make_deed(case.id, who=by, what=f"case.{act}", time=step.time)
    return DeskChanges(cases=(after,), steps=(step,), deeds=(deed,))
