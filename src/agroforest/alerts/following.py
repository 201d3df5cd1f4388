"""Which alert follows which event of hotspots.

An alert follows the event that it was raised for, by id. An id goes away when two
events grow together, when a detection that comes late begins an event earlier, or when
a feed lacks its beginning; the alert then follows the event that its outline lies in.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import shapely

from agroforest.core.alert import Alert
from agroforest.core.fire import EventKind, FireFacts, HotspotEvent
from agroforest.core.identity import digest
from agroforest.core.risk import Hazard

_OWN, _FOLLOWED, _HOST = range(3)  # claims of an alert on an event, best first
#: Share of the smaller of two outlines that the other holds, if they are of one fire.
#: 1 but for how corners are rounded; our choice.
SAME_PLACE = 0.8


@dataclass(frozen=True, kw_only=True, slots=True)
class FireAlert:
    """An alert of a fire, and what it says beside what every alert says.

    Attributes
    ----------
    alert
        What every alert says.
    facts
        Event, gate and clock.
    """

    alert: Alert
    facts: FireFacts


@dataclass(frozen=True, kw_only=True, slots=True)
class Followed:
    """An event and the alerts that follow it.

    Attributes
    ----------
    event
        As it is seen now.
    leader
        The alert that goes on; ``None`` where nobody follows the event.
    others
        Living alerts whose fire has become part of it.
    """

    event: HotspotEvent
    leader: FireAlert | None
    others: tuple[FireAlert, ...] = ()


def name_alert(pipeline: str, event: str) -> str:
    """Id of the alert that a pipeline raises for an event."""
    return digest(pipeline, Hazard.ACTIVE_FIRE, event)


def pair(
    alerts: Sequence[FireAlert], events: Sequence[HotspotEvent], *, pipeline: str
) -> tuple[list[Followed], list[FireAlert]]:
    """Pair alerts with the events they follow.

    Parameters
    ----------
    alerts
        Closed ones too: a fire that somebody has explained is not raised again.
    events
        As they are seen now.
    pipeline
        Name of the pipeline.

    Returns
    -------
    followed
        Every event, in order of id.
    rest
        Alerts of no event, and closed ones of an event that another alert follows.

    Raises
    ------
    ValueError
        If an id comes twice.
    """
    by_id = {e.id: e for e in events}
    if len(by_id) != len(events) or len({a.alert.id for a in alerts}) != len(alerts):
        raise ValueError("an event or an alert comes twice")
    raised = {name_alert(pipeline, e.id): e for e in events}
    claims: dict[str, list[tuple[int, FireAlert]]] = {e.id: [] for e in events}
    orphans = []
    for one in alerts:
        own = raised.get(one.alert.id)
        event = own or by_id.get(one.facts.event.id)
        if event is None:
            orphans.append(one)
        else:
            claims[event.id].append((_OWN if own else _FOLLOWED, one))
    for place, event in _find_hosts(orphans, events).items():
        claims[event.id].append((_HOST, orphans[place]))
    followed = [_lead(by_id[name], claims[name]) for name in sorted(claims)]
    taken = {one.alert.id for f in followed for one in (f.leader, *f.others) if one}
    return followed, [one for one in alerts if one.alert.id not in taken]


def _lead(event: HotspotEvent, claims: Sequence[tuple[int, FireAlert]]) -> Followed:
    """Let the alert with the best claim go on, then the oldest.

    A closed alert whose outline lies in the event goes on only if nobody else does,
    one that somebody explained first: of two that grew together long ago, the younger
    one explains nothing.
    """

    def claim(ranked: tuple[int, FireAlert]) -> tuple[object, ...]:
        rank, one = ranked
        alert, facts = one.alert, one.facts
        late = rank == _HOST and not alert.living
        silent = late and facts.verification is None
        return late, silent, rank, alert.first_night, facts.raised, alert.id

    if not claims:
        return Followed(event=event, leader=None)
    (_, leader), *others = sorted(claims, key=claim)
    living = tuple(one for _, one in others if one.alert.living)
    return Followed(event=event, leader=leader, others=living)


def _find_hosts(
    orphans: Sequence[FireAlert], events: Sequence[HotspotEvent]
) -> Mapping[int, HotspotEvent]:
    """Event that each orphan lies in, by its place in the list.

    It goes on where the orphan's own ends, and one of the two outlines lies in the
    other. A static source takes no fire over.
    """
    hosts = [e for e in events if e.kind is not EventKind.STATIC]
    if not orphans or not hosts:
        return {}
    lost = np.array([one.facts.event.geometry for one in orphans], dtype=object)
    outlines = np.array([e.geometry for e in hosts], dtype=object)
    left, right = shapely.STRtree(outlines).query(lost, predicate="intersects")
    smaller = np.minimum(shapely.area(lost[left]), shapely.area(outlines[right]))
    common = shapely.area(shapely.intersection(lost[left], outlines[right]))
    best: dict[int, tuple[tuple[object, ...], HotspotEvent]] = {}
    for place, at, whole, part in zip(
        left.tolist(), right.tolist(), smaller.tolist(), common.tolist(), strict=True
    ):
        event, last = hosts[at], orphans[place].facts.event.last
        if part < SAME_PLACE * whole or not event.first <= last <= event.last:
            continue
        merit = (-part, event.first, event.id)
        if place not in best or merit < best[place][0]:
            best[place] = merit, event
    return {place: event for place, (_, event) in best.items()}
