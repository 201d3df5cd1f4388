"""Cases for a desk of 200,000: made up, and the same every time.

Ten counties, every hazard, stage and verdict, three years of nights, most of them
closed. Read by `desk_store.py` and by whatever else wants a full desk.
"""

import random
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple

import shapely

from agroforest.core.alert import Alert, AlertStatus, Change, Instruction
from agroforest.core.audit import Deed
from agroforest.core.queue import CaseQuery, DeskChanges
from agroforest.core.review import (
    NIGHT,
    REASONS,
    WAITING,
    Act,
    Case,
    Stage,
    Step,
    Verdict,
)
from agroforest.core.risk import Hazard
from agroforest.review.rank import rank_case
from agroforest.store import Store

LAST_NIGHT = date(2025, 9, 30)
NIGHTS = 3 * 365
_AT_ONCE = 1000


class County(NamedTuple):
    """A county, where it begins, and its part of the cases, per cent."""

    code: str
    name: str
    west: float
    south: float
    share: int


COUNTIES = (
    County("450110", "武鸣区", 107.8, 22.9, 24),
    County("450123", "隆安县", 107.3, 22.9, 17),
    County("450124", "马山县", 107.8, 23.5, 13),
    County("450125", "上林县", 108.4, 23.3, 11),
    County("450126", "宾阳县", 108.8, 23.0, 9),
    County("450127", "横州市", 109.0, 22.5, 8),
    County("450221", "柳江区", 109.1, 24.0, 7),
    County("450305", "七星区", 110.3, 25.2, 5),
    County("450481", "岑溪市", 110.8, 22.7, 4),
    County("451381", "合山市", 108.8, 23.7, 2),
)
_HAZARDS = {
    Hazard.CANOPY_STRESS: 60.0,
    Hazard.CANOPY_LOSS: 30.0,
    Hazard.ACTIVE_FIRE: 10.0,
}
#: Parts per hundred of cases whose night is older than two months, and of the others.
_OLD = {
    Stage.CLOSED: 80.0,
    Stage.DECIDED: 8.0,
    Stage.MERGED: 4.0,
    Stage.PRESCREEN: 4.0,
    Stage.SPLIT: 2.0,
    Stage.VERDICT: 1.5,
    Stage.SUPERVISOR: 0.5,
}
_NEW = {
    Stage.PRESCREEN: 45.0,
    Stage.VERDICT: 20.0,
    Stage.CLOSED: 15.0,
    Stage.DECIDED: 10.0,
    Stage.SUPERVISOR: 8.0,
    Stage.MERGED: 2.0,
}
PEOPLE = tuple(f"reviewer{number:02d}" for number in range(40))


def fill(store: Store, cases: int) -> bool:
    """Add the cases, as nights and people would have; whether they were missing."""
    if store.desk.count(CaseQuery(), limit=1):
        return False
    made = make_cases(cases)
    while some := [pair for _, pair in zip(range(_AT_ONCE), made, strict=False)]:
        store.record_night(
            alerts=[alert for alert, _ in some],
            instructions=[_instruct(alert) for alert, _ in some],
        )
        store.desk.record(
            DeskChanges(
                cases=tuple(case for _, case in some),
                steps=tuple(
                    step for alert, case in some for step in _tell(alert, case)
                ),
                deeds=tuple(_seal(case) for _, case in some if case.verdict),
            )
        )
    return True


def record_new(store: Store, number: int) -> float:
    """Record so many new alerts as one night does; seconds."""
    made = [alert for alert, _ in make_cases(number, seed=8, prefix="night")]
    told = [_instruct(alert) for alert in made]
    started = time.perf_counter()
    store.record_night(alerts=made, instructions=told)
    return time.perf_counter() - started


def make_cases(
    number: int, *, seed: int = 7, prefix: str = "case"
) -> Iterator[tuple[Alert, Case]]:
    """Make alerts and what became of them, oldest night first."""
    dice = random.Random(seed)  # noqa: S311  nothing secret
    for count in range(number):
        night = LAST_NIGHT - timedelta(days=NIGHTS - 1 - count * NIGHTS // number)
        (county,) = dice.choices(COUNTIES, [c.share for c in COUNTIES])
        alert = _make_alert(dice, f"{prefix}{count:09d}", night, county)
        yield alert, _make_case(dice, alert, county)


def _make_alert(dice: random.Random, name: str, night: date, county: County) -> Alert:
    area_ha = min(max(dice.lognormvariate(0.3, 1.3), 0.04), 3000.0)
    side = area_ha**0.5 / 1110  # of a square, degrees
    place = shapely.Point(
        county.west + 0.6 * dice.random(), county.south + 0.5 * dice.random()
    )
    (hazard,) = dice.choices(list(_HAZARDS), list(_HAZARDS.values()))
    is_fire = hazard == Hazard.ACTIVE_FIRE
    return Alert(
        id=name,
        pipeline="fires" if is_fire else "guangxi",
        hazard=hazard,
        model="made up",
        status=AlertStatus.OPEN,
        geometry=place.buffer(side / 2, quad_segs=dice.randint(2, 8)),
        area_ha=area_ha,
        reported_area_ha=area_ha,
        probability=None if is_fire else round(dice.betavariate(6, 2), 4),
        first_night=night,
        last_night=night,
        since=night - timedelta(days=12),
        evidence=night - timedelta(days=dice.randint(0, 9)),
        changed=night,
        places=tuple(
            f"{county.code}-{dice.randrange(4000)}" for _ in range(dice.randint(0, 3))
        ),
    )


def _make_case(dice: random.Random, alert: Alert, county: County) -> Case:
    is_new = (LAST_NIGHT - alert.first_night).days < 60
    shares = _NEW if is_new else _OLD
    (stage,) = dice.choices(list(shares), list(shares.values()))
    judged = stage in {Stage.SUPERVISOR, Stage.DECIDED, Stage.CLOSED}
    verdict = dice.choices(list(Verdict), [35, 65])[0] if judged else None
    opened = datetime.combine(alert.first_night, datetime.min.time(), UTC)
    case = Case(
        id=alert.id,
        alert=alert.id,
        pipeline=alert.pipeline,
        hazard=alert.hazard,
        stage=stage,
        version=2 if verdict else 1,
        opened=opened,
        changed=opened + timedelta(seconds=dice.randint(60, 40 * 86_400)),
        geometry=alert.geometry,
        area_ha=alert.area_ha,
        probability=alert.probability,
        first_night=alert.first_night,
        evidence=alert.evidence,
        county=(county.code, county.name, ""),
        places=alert.places,
        verdict=verdict,
        reason=dice.choice(REASONS[verdict]) if verdict else None,
        judged_by=dice.choice(PEOPLE) if verdict else "",
        assignee=dice.choice(PEOPLE)
        if stage in WAITING and dice.random() < 0.5
        else "",
        due=opened if alert.hazard == Hazard.ACTIVE_FIRE else None,
    )
    return case.patch(rank=rank_case(case))


def _instruct(alert: Alert) -> Instruction:
    return Instruction(
        alert=alert.id,
        night=alert.first_night,
        change=Change.NEW,
        area_ha=alert.area_ha,
    )


def _tell(alert: Alert, case: Case) -> Iterator[Step]:
    key = _instruct(alert).key
    yield Step(
        case=case.id, number=1, time=case.opened, by=NIGHT, act=Act.OPEN, key=key
    )
    if case.verdict is not None:
        yield Step(
            case=case.id,
            number=2,
            time=case.changed,
            by=case.judged_by,
            act=Act.CONFIRM if case.verdict == Verdict.CONFIRMED else Act.DISMISS,
            reason=case.reason,
        )


def _seal(case: Case) -> Deed:
    what = f"case.{case.verdict}"
    return Deed(time=case.changed, who=case.judged_by, what=what, subject=case.id)
