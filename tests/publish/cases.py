"""Cases as the desk leads them: opened by nights, judged by people."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

import shapely
from shapely.geometry.base import BaseGeometry

from agroforest.core.account import Account, Role
from agroforest.core.alert import Alert, AlertStatus, Change, Instruction
from agroforest.core.county import Counties
from agroforest.core.fire import (
    EventConfidence,
    EventKind,
    FireFacts,
    Gate,
    HotspotEvent,
    Outcome,
    Verification,
)
from agroforest.core.queue import DeskChanges
from agroforest.core.review import Case, Reason, Stage, Step
from agroforest.core.risk import Hazard
from agroforest.publish.cap_history import History
from agroforest.review.commands import (
    Approve,
    Command,
    Confirm,
    Dismiss,
    Pass,
    Reopen,
)
from agroforest.review.following import follow, note_verifications
from agroforest.review.life import decide

START = datetime(2024, 5, 2, tzinfo=UTC)
NIGHT_ONE = date(2024, 5, 1)
OUTLINE = shapely.box(108.272, 23.151, 108.278, 23.158)
COUNTY = ("450110", "武鸣区", "Wuming")
LIN = Account(name="lin", title="林", role=Role.REVIEWER, created=START)
WEI = Account(name="wei", title="韦", role=Role.ADMIN, created=START)


def make_case(name: str = "c1", **changes: object) -> Case:
    """Case of lost canopy in Wuming that nobody has looked at."""
    case = Case(
        id=name,
        alert=name,
        pipeline="p",
        hazard=Hazard.CANOPY_LOSS,
        stage=Stage.PRESCREEN,
        version=1,
        opened=START,
        changed=START,
        geometry=OUTLINE,
        area_ha=2.5,
        probability=0.83,
        first_night=NIGHT_ONE,
        evidence=date(2024, 4, 29),
        county=COUNTY,
        places=("林班 12",),
    )
    return case.patch(**changes)


def make_facts(**changes: object) -> FireFacts:
    """What an alert of a fire says that one satellite saw once."""
    event = HotspotEvent(
        id="e1",
        geometry=OUTLINE,
        longitude=108.275,
        latitude=23.154,
        kind=EventKind.FIRE,
        confidence=EventConfidence.NOMINAL,
        sure_viirs=True,
        first=START - timedelta(hours=6),
        last=START - timedelta(hours=6),
        looks=1,
        detections=3,
        satellites=("N20",),
        county=COUNTY[1:],
        county_code=COUNTY[0],
        township=("双桥镇", "Shuangqiao"),
    )
    facts = FireFacts(
        alert="c1",
        event=event,
        gate=Gate.PASSED,
        gate_zh="当日火险高，一次即报。",
        gate_en="Danger is high, one look is enough.",
        raised=START,
        verify_by=START + timedelta(minutes=90),
    )
    return facts.patch(**changes)


@dataclass
class Life:
    """One case and everything that happens to it, an hour apart."""

    hazard: Hazard = Hazard.CANOPY_LOSS
    fire: FireFacts | None = None
    geometry: BaseGeometry = OUTLINE
    cases: dict[str, Case] = field(default_factory=dict)
    steps: dict[str, list[Step]] = field(default_factory=dict)
    now: datetime = START
    area_ha: float = 2.5

    def history(self, name: str = "c1") -> History:
        return History(
            case=self.cases[name], steps=tuple(self.steps[name]), fire=self.fire
        )

    def night(
        self, change: Change, *, name: str = "c1", grow: float = 1.0, into: str = ""
    ) -> "Life":
        self.area_ha *= grow
        alert = Alert(
            id=name,
            pipeline="p",
            hazard=self.hazard,
            model="m",
            status=AlertStatus.OPEN,
            geometry=self.geometry,
            area_ha=self.area_ha,
            reported_area_ha=self.area_ha,
            probability=None if self.fire else 0.8,
            first_night=NIGHT_ONE,
            last_night=self.now.date(),
            since=NIGHT_ONE,
            evidence=NIGHT_ONE,
            changed=self.now.date(),
        )
        said = Instruction(
            alert=name,
            night=self.now.date(),
            change=change,
            area_ha=self.area_ha,
            into=into or None,
        )
        return self._keep(
            follow([(said, alert, self.fire)], self.cases, Counties(()), self.now)
        )

    def act(self, command: Command, by: Account = LIN) -> "Life":
        return self._keep(
            decide(self.cases, command, by=by, now=self.now, steps=self.steps)
        )

    def confirm(self, reason: Reason = Reason.SEEN_IN_IMAGES) -> "Life":
        if self.cases["c1"].stage is Stage.PRESCREEN:
            self.act(Pass(case="c1"))
        self.act(Confirm(case="c1", reason=reason, note="某某举报"))
        return self.act(Approve(case="c1"), WEI)

    def dismiss(self, reason: Reason = Reason.CLOUD) -> "Life":
        self.act(Dismiss(case="c1", reason=reason, note="某某举报"))
        return self.act(Approve(case="c1"), WEI)

    def dismiss_later(self, reason: Reason = Reason.CLOUD) -> "Life":
        """Dismiss what was decided before."""
        return self.act(Reopen(case="c1", note="重看"), WEI).dismiss(reason)

    def verify(self, outcome: Outcome) -> "Life":
        assert self.fire is not None
        found = Verification(time=self.now, outcome=outcome, by="护林员")
        self.fire = self.fire.patch(verification=found)
        alert = Alert(
            id="c1",
            pipeline="p",
            hazard=self.hazard,
            model="m",
            status=AlertStatus.OPEN,
            geometry=self.geometry,
            area_ha=self.area_ha,
            reported_area_ha=self.area_ha,
            probability=None,
            first_night=NIGHT_ONE,
            last_night=NIGHT_ONE,
            since=NIGHT_ONE,
            evidence=NIGHT_ONE,
            changed=NIGHT_ONE,
        )
        return self._keep(note_verifications([(alert, self.fire)], self.cases))

    def _keep(self, changes: DeskChanges) -> "Life":
        self.cases |= {case.id: case for case in changes.cases}
        for step in changes.steps:
            self.steps.setdefault(step.case, []).append(step)
        self.now += timedelta(hours=1)
        return self


def lose_canopy() -> Life:
    """Canopy lost, seen by a night and by nobody else."""
    return Life().night(Change.NEW)


def burn(**changes: object) -> Life:
    """Fire that the gate let through."""
    life = Life(hazard=Hazard.ACTIVE_FIRE, fire=make_facts(**changes))
    return life.night(Change.NEW)
