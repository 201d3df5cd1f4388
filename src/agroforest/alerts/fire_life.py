"""What a run does to one fire alert; the whole life: `agroforest.alerts.fire`."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

import pyproj
import shapely
from shapely.geometry.base import BaseGeometry

from agroforest.alerts.following import FireAlert, Followed, name_alert
from agroforest.alerts.gate import GateVerdict
from agroforest.alerts.life import match_places
from agroforest.core.alert import Alert, AlertStatus, Change, Instruction
from agroforest.core.aoi import Place
from agroforest.core.config import AlertsSection, FireSection
from agroforest.core.fire import (
    EventKind,
    FireFacts,
    HotspotEvent,
    Outcome,
    Verification,
)
from agroforest.core.risk import Hazard

#: Who says that there is heat.
MODEL = "hotspots: FIRMS"
_GEOD = pyproj.Geod(ellps="WGS84")
_SQUARE_METRES_A_HECTARE = 1e4
_TICK = timedelta(microseconds=1)

#: An alert after a run, and what changed about it.
Result = tuple[FireAlert, Instruction | None]


class NamedGround:
    """Parcels and compartments, found by place.

    Parameters
    ----------
    places
        Of the area of interest.
    """

    def __init__(self, places: tuple[Place, ...]) -> None:
        self._places = places
        self._tree = shapely.STRtree([p.geometry for p in places])

    def match(self, geometry: BaseGeometry) -> tuple[str, ...]:
        """Ids of those that an outline touches, largest overlap first."""
        near = sorted(self._tree.query(geometry).tolist())
        return match_places(geometry, [self._places[at] for at in near])


@dataclass(frozen=True, kw_only=True, slots=True)
class Run:
    """What all alerts of a run share, and what it does to one of them.

    Attributes
    ----------
    pipeline, night, moment, settings, life
        As `agroforest.alerts.fire.step` takes them; the moment in UTC.
    ground
        To name places in the alerts.
    """

    pipeline: str
    night: date
    moment: datetime
    ground: NamedGround = field(repr=False)
    settings: FireSection = field(repr=False)
    life: AlertsSection = field(repr=False)

    def burns(self, event: HotspotEvent) -> bool:
        """Whether it is taken for a fire and was seen not too long ago."""
        gap = timedelta(hours=self.settings.gap_hours)
        return event.kind is not EventKind.STATIC and self.moment - event.last <= gap

    def begin(self, event: HotspotEvent, verdict: GateVerdict) -> Result:
        """Raise an alert: its clock starts."""
        area = measure_area(event.geometry)
        alert = Alert(
            id=name_alert(self.pipeline, event.id),
            pipeline=self.pipeline,
            hazard=Hazard.ACTIVE_FIRE,
            model=MODEL,
            status=AlertStatus.OPEN,
            geometry=event.geometry,
            area_ha=area,
            reported_area_ha=area,
            probability=None,
            first_night=self.night,
            last_night=self.night,
            since=_day(event.first),
            evidence=_day(event.last),
            changed=self.night,
            places=self.ground.match(event.geometry),
        )
        facts = FireFacts(
            alert=alert.id,
            event=event,
            gate=verdict.gate,
            gate_zh=verdict.reason_zh,
            gate_en=verdict.reason_en,
            raised=self.moment,
            verify_by=self._deadline(self.moment),
        )
        return self._change(FireAlert(alert=alert, facts=facts), Change.NEW)

    def carry(self, followed: Followed, leader: FireAlert) -> list[Result]:
        """Carry an alert on with its event, and end those that became part of it."""
        one, others = self._see(leader, followed.event), followed.others
        merged = [self._merge(other, into=leader.alert.id) for other in others]
        # A fire that nobody has explained is not ended by one that somebody has.
        if self._is_explained(one) and all(map(self._is_explained, others)):
            result = self._end(one)
        elif self.burns(one.facts.event):
            result = self._go_on(one, others)
        else:
            result = self.rest(one)
        return [result, *merged]

    def rest(self, one: FireAlert) -> Result:
        """Let an alert that is not seen go the way to its end."""
        alert = one.alert
        if alert.status == AlertStatus.CLOSED:
            return one, None
        if self._is_explained(one):
            return self._end(one)
        if alert.status == AlertStatus.RELEASED:
            patient = (self.night - alert.changed).days < self.life.close_after_days
            return (one, None) if patient else self._end(one)
        if self.burns(one.facts.event):
            return one, None  # a look that found nothing may have met a cloud
        return self._turn(one, AlertStatus.RELEASED, Change.RELEASED)

    def _deadline(self, start: datetime) -> datetime:
        return start + timedelta(minutes=self.settings.verify_minutes)

    def _see(self, one: FireAlert, event: HotspotEvent) -> FireAlert:
        """Take over what is seen now, unless less is seen than is known."""
        alert, facts = one.alert, one.facts
        if event == facts.event or event.last < facts.event.last:
            return one
        anew = event.last > facts.event.last
        alert = alert.patch(
            geometry=event.geometry,
            area_ha=measure_area(event.geometry),
            last_night=max(self.night, alert.last_night) if anew else alert.last_night,
            since=min(alert.since, _day(event.first)),
            evidence=_day(event.last),
            places=self.ground.match(event.geometry),
        )
        return FireAlert(alert=alert, facts=facts.patch(event=event))

    def _is_explained(self, one: FireAlert) -> bool:
        """Whether what somebody found is all there is to the heat.

        A chimney stays one. Who found nothing speaks for the time before only. Fields
        may burn on, but fire that grows beyond them is another matter.
        """
        found, event, alert = one.facts.verification, one.facts.event, one.alert
        if found is None or found.outcome is Outcome.FOREST_FIRE:
            return False
        if found.outcome is Outcome.STATIC_SOURCE or event.last <= found.time:
            return True
        if found.outcome is Outcome.NOTHING:
            return False
        return alert.area_ha < self.life.grow_ratio * alert.reported_area_ha

    def _go_on(self, one: FireAlert, others: tuple[FireAlert, ...]) -> Result:
        """Keep a fire that is seen open; start its clock anew where it had ended.

        Of `others`, which became part of it, the earliest clock runs on, and a forest
        fire that somebody found there was found here.
        """
        status, facts = one.alert.status, one.facts
        found, heir = facts.verification, _find_witness(others)
        if found is None or found.outcome is Outcome.FOREST_FIRE:
            if status == AlertStatus.OPEN:
                if found is None:
                    facts = _join_clocks(facts, others).patch(verification=heir)
                return self._grow(FireAlert(alert=one.alert, facts=facts))
            if status == AlertStatus.CLOSED and found is not None:
                # Who closed it was wrong, says a later word: that stopped the clock.
                return self._turn(one, AlertStatus.OPEN, Change.REOPENED)
        # The same run may come again with more to see. No two clocks of an alert start
        # at one time, or what stopped the first would stop the second.
        start = max(self.moment, facts.raised + _TICK)
        facts = facts.patch(
            raised=start, verify_by=self._deadline(start), verification=heir
        )
        anew = FireAlert(alert=one.alert, facts=facts)
        return self._turn(anew, AlertStatus.OPEN, Change.REOPENED)

    def _grow(self, one: FireAlert) -> Result:
        alert = one.alert
        if alert.area_ha < self.life.grow_ratio * alert.reported_area_ha:
            return one, None
        return self._turn(one, AlertStatus.OPEN, Change.GROWN)

    def _end(self, one: FireAlert) -> Result:
        if one.alert.status == AlertStatus.CLOSED:
            return one, None
        return self._turn(one, AlertStatus.CLOSED, Change.CLOSED)

    def _merge(self, one: FireAlert, *, into: str) -> Result:
        one, said = self._turn(one, AlertStatus.CLOSED, Change.MERGED)
        return one, Instruction(
            alert=said.alert,
            night=said.night,
            change=said.change,
            area_ha=said.area_ha,
            into=into,
        )

    def _turn(
        self, one: FireAlert, status: AlertStatus, change: Change
    ) -> tuple[FireAlert, Instruction]:
        alert = one.alert.patch(status=status, changed=self.night)
        if status != AlertStatus.RELEASED:  # which explains no growth
            alert = alert.patch(reported_area_ha=alert.area_ha)
        return self._change(FireAlert(alert=alert, facts=one.facts), change)

    def _change(self, one: FireAlert, change: Change) -> tuple[FireAlert, Instruction]:
        said = Instruction(
            alert=one.alert.id,
            night=self.night,
            change=change,
            area_ha=one.alert.area_ha,
        )
        return one, said


def measure_area(geometry: BaseGeometry) -> float:
    """Hectares of an outline in WGS 84, on the ellipsoid."""
    square_m, _ = _GEOD.geometry_area_perimeter(geometry)
    return abs(square_m) / _SQUARE_METRES_A_HECTARE


def _find_witness(others: tuple[FireAlert, ...]) -> Verification | None:
    """Newest word of a forest fire among alerts that became part of another."""
    said = (one.facts.verification for one in others)
    fires = [v for v in said if v is not None and v.outcome is Outcome.FOREST_FIRE]
    return max(fires, key=lambda v: (v.time, v.by, v.note), default=None)


def _join_clocks(facts: FireFacts, others: tuple[FireAlert, ...]) -> FireFacts:
    clocks = [(f.raised, f.verify_by) for f in (facts, *(o.facts for o in others))]
    raised, verify_by = min(clocks)
    return facts.patch(raised=raised, verify_by=verify_by)


def _day(time: datetime) -> date:
    return time.astimezone(UTC).date()
