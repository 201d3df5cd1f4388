r"""The life of an alert: one pure step a night.

::

    observed ──> OPEN ──newer clear observations no longer show it──> RELEASED
                  ^  \__ grows: reported again once past `grow_ratio`      |
                  |______________ observed again: reopened _______________|
                                                                          |
                     CLOSED <── released for `close_after_days` ──────────┘

Cloud releases nothing: without a newer clear observation an alert stays as it
is. Two alerts that grow together become one; the older goes on. The step is
deterministic, and repeating it with the same input changes nothing.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date

import numpy as np
import shapely
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from shapely.geometry.base import BaseGeometry

from agroforest.core.alert import (
    Alert,
    AlertStatus,
    Change,
    Instruction,
    Observation,
    Revisit,
)
from agroforest.core.aoi import Place
from agroforest.core.config import AlertsSection
from agroforest.core.identity import digest

# Objects on both sides of a tile edge share it up to the rounding of a
# reprojection. Two metres are far below a pixel and far above the rounding.
_TOUCH_DEGREES = 2e-5
# Alert ids must not depend on the last bits of a coordinate (1e-7° is 1 cm).
_ID_DECIMALS = 7


def step(
    alerts: Sequence[Alert],
    observations: Sequence[Observation],
    revisits: Iterable[Revisit],
    *,
    pipeline: str,
    night: date,
    places: Sequence[Place] = (),
    settings: AlertsSection | None = None,
) -> tuple[list[Alert], list[Instruction]]:
    """Carry the alerts of a pipeline through one night.

    Parameters
    ----------
    alerts
        Every alert that is not closed, as the night before left it. Closed ones
        may be among them and pass through unchanged.
    observations
        What tonight's risk maps show.
    revisits
        What tonight's risk maps say inside known alerts.
    pipeline
        Name of the pipeline; part of the alert ids.
    night
        Tonight.
    places
        Parcels and compartments to name in the alerts.
    settings
        Thresholds; the defaults of ``[alerts]`` unless given.

    Returns
    -------
    alerts
        All alerts, in order of id.
    instructions
        What changed, in order of alert id. Empty when the night brought nothing.
    """
    settings = settings or AlertsSection()
    closed = [a for a in alerts if a.status == AlertStatus.CLOSED]
    living = [a for a in alerts if a.status != AlertStatus.CLOSED]
    words = _join_revisits(revisits)
    kept: list[Alert] = list(closed)
    said: list[Instruction] = []
    for group_alerts, seen in _groups(living, observations):
        if not seen:
            results = [
                _unseen(a, words.get(a.id), night, settings) for a in group_alerts
            ]
        elif not group_alerts:
            results = [_new(seen, pipeline=pipeline, night=night, places=places)]
        else:
            results = _seen(group_alerts, seen, night, places, settings)
        for alert, instruction in results:
            kept.append(alert)
            if instruction is not None:
                said.append(instruction)
    return sorted(kept, key=lambda a: a.id), sorted(said, key=lambda i: i.key)


_Result = tuple[Alert, Instruction | None]


def _new(
    seen: Sequence[Observation],
    *,
    pipeline: str,
    night: date,
    places: Sequence[Place],
) -> _Result:
    geometry = shapely.union_all([o.geometry for o in seen])
    area = sum(o.area_ha for o in seen)
    corner = [round(c, _ID_DECIMALS) for c in geometry.bounds]
    alert = Alert(
        id=digest(pipeline, seen[0].hazard, night, corner),
        pipeline=pipeline,
        hazard=seen[0].hazard,
        model=seen[0].model,
        status=AlertStatus.OPEN,
        geometry=geometry,
        area_ha=area,
        reported_area_ha=area,
        probability=_mean_probability(seen),
        first_night=night,
        last_night=night,
        since=min(o.since for o in seen),
        evidence=max(o.evidence for o in seen),
        changed=night,
        places=match_places(geometry, places),
    )
    return alert, _instruct(alert, night, Change.NEW)


def _seen(
    group: Sequence[Alert],
    seen: Sequence[Observation],
    night: date,
    places: Sequence[Place],
    settings: AlertsSection,
) -> list[_Result]:
    oldest, *younger = sorted(group, key=lambda a: (a.first_night, a.since, a.id))
    geometry = shapely.union_all([o.geometry for o in seen])
    area = sum(o.area_ha for o in seen)
    merged: list[_Result] = [
        (
            a.patch(status=AlertStatus.CLOSED, changed=night),
            Instruction(
                alert=a.id,
                night=night,
                change=Change.MERGED,
                area_ha=a.area_ha,
                into=oldest.id,
            ),
        )
        for a in younger
    ]
    alert = oldest.patch(
        geometry=geometry,
        area_ha=area,
        model=seen[0].model,
        probability=_mean_probability(seen),
        last_night=night,
        since=min([a.since for a in group] + [o.since for o in seen]),
        evidence=max([a.evidence for a in group] + [o.evidence for o in seen]),
        places=match_places(geometry, places),
    )
    change = None
    if oldest.status == AlertStatus.RELEASED:
        change = Change.REOPENED
    elif area >= settings.grow_ratio * oldest.reported_area_ha:
        change = Change.GROWN
    if change is None:
        return [(alert, None), *merged]
    alert = alert.patch(status=AlertStatus.OPEN, reported_area_ha=area, changed=night)
    return [(alert, _instruct(alert, night, change)), *merged]


def _unseen(
    alert: Alert, word: Revisit | None, night: date, settings: AlertsSection
) -> _Result:
    if alert.status == AlertStatus.RELEASED:
        if (night - alert.changed).days < settings.close_after_days:
            return alert, None
        alert = alert.patch(status=AlertStatus.CLOSED, changed=night)
        return alert, _instruct(alert, night, Change.CLOSED)
    fresh = word is not None and word.evidence and word.evidence > alert.evidence
    if not fresh or word is None or word.detected > settings.release_share:
        return alert, None
    alert = alert.patch(
        status=AlertStatus.RELEASED, changed=night, evidence=word.evidence
    )
    return alert, _instruct(alert, night, Change.RELEASED)


def _groups(
    alerts: Sequence[Alert], observations: Sequence[Observation]
) -> list[tuple[list[Alert], list[Observation]]]:
    """Alerts and observations of one hazard that touch, directly or in a chain.

    An alert joins through an observation only: two alerts side by side stay two
    until something is seen that covers both.
    """
    nodes: list[Alert | Observation] = [*alerts, *observations]
    if not observations:
        return [([a], []) for a in alerts]
    first_observation = len(alerts)
    tree = shapely.STRtree([n.geometry for n in nodes])
    seen = [o.geometry for o in observations]
    left, right = tree.query(seen, predicate="dwithin", distance=_TOUCH_DEGREES)
    left = left + first_observation
    hazards = np.array([n.hazard for n in nodes])
    same = hazards[left] == hazards[right]
    links = coo_array(
        (np.ones(int(same.sum()), dtype=np.int8), (left[same], right[same])),
        shape=(len(nodes), len(nodes)),
    )
    count, label = connected_components(links, directed=False)
    groups: list[tuple[list[Alert], list[Observation]]] = [
        ([], []) for _ in range(count)
    ]
    for node, group in zip(nodes, label, strict=True):
        if isinstance(node, Alert):
            groups[group][0].append(node)
        else:
            groups[group][1].append(node)
    return groups


def _join_revisits(revisits: Iterable[Revisit]) -> Mapping[str, Revisit]:
    """One word for each alert, tiles weighted by the pixels they hold."""
    joined: dict[str, Revisit] = {}
    for new in revisits:
        old = joined.get(new.alert)
        if old is None:
            joined[new.alert] = new
            continue
        pixels = old.pixels + new.pixels
        days = [d for d in (old.evidence, new.evidence) if d is not None]
        joined[new.alert] = Revisit(
            alert=new.alert,
            pixels=pixels,
            detected=(old.detected * old.pixels + new.detected * new.pixels) / pixels,
            # The whole alert is as fresh as its stalest half.
            evidence=min(days) if len(days) == 2 else None,
        )
    return joined


def match_places(geometry: BaseGeometry, places: Sequence[Place]) -> tuple[str, ...]:
    """Ids of the places that a geometry overlaps, largest overlap first."""
    overlaps = [
        (geometry.intersection(p.geometry).area, p.id)
        for p in places
        if p.geometry.intersects(geometry)
    ]
    overlaps.sort(key=lambda pair: (-pair[0], pair[1]))
    return tuple(place for area, place in overlaps if area > 0)


def _mean_probability(seen: Sequence[Observation]) -> float:
    area = sum(o.area_ha for o in seen)
    return sum(o.probability * o.area_ha for o in seen) / area


def _instruct(alert: Alert, night: date, change: Change) -> Instruction:
    return Instruction(
        alert=alert.id, night=night, change=change, area_ha=alert.area_ha
    )
