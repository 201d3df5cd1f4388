r"""The life of a fire alert: one pure step a run.

::

    event ──gate──> OPEN ──not seen for `gap_hours`──> RELEASED ──60 days──> CLOSED
       |             ^  \__ grows: reported again        |                    ^  |
     held            |______ seen again: new clock ______|                    |  |
                     |  \____ somebody found that it is no forest fire _______|  |
                     |_______ heat that what was found does not explain _________|

An alert starts a clock: by `verify_by` somebody must have looked. A rerun, later
nights and growth never start it anew; of alerts that grow together the earliest clock
runs on. Only heat that is seen again after the alert had ended starts another. The step
is deterministic, the order of what it is given does not matter, and repeating it with
the same input changes nothing. Runs follow each other in time.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

from agroforest.alerts.fire_life import NamedGround, Run
from agroforest.alerts.following import FireAlert, pair
from agroforest.alerts.gate import MORE_LOOKS, Conditions, GateVerdict, judge
from agroforest.core.alert import Instruction
from agroforest.core.aoi import Place
from agroforest.core.config import AlertsSection, FireSection
from agroforest.core.errors import DataError
from agroforest.core.fire import (
    EventConfidence,
    FireFacts,
    Gate,
    HotspotEvent,
    Verification,
)

__all__ = ["FireAlert", "FireStep", "Held", "check_verification", "step"]

_UNKNOWN = Conditions(rank=None, rain=None)


@dataclass(frozen=True, kw_only=True, slots=True)
class Held:
    """An event that is no alert yet.

    Attributes
    ----------
    event
        As it is seen now.
    verdict
        Why it waits for another look.
    """

    event: HotspotEvent
    verdict: GateVerdict


@dataclass(frozen=True, kw_only=True, slots=True)
class FireStep:
    """What a run makes of the alerts it was given.

    Attributes
    ----------
    alerts
        All of them, in order of id.
    instructions
        What changed, in order of alert id. Empty when the run brought nothing.
    held
        Events that wait for another look, in order of id.
    """

    alerts: tuple[FireAlert, ...]
    instructions: tuple[Instruction, ...]
    held: tuple[Held, ...]


def step(
    alerts: Sequence[FireAlert],
    events: Sequence[HotspotEvent],
    conditions: Mapping[str, Conditions],
    *,
    pipeline: str,
    night: date,
    moment: datetime,
    places: Sequence[Place] = (),
    settings: FireSection,
    life: AlertsSection | None = None,
) -> FireStep:
    """Carry the fire alerts of a pipeline through one run.

    Parameters
    ----------
    alerts
        As the run before left them, with what was found since. Closed ones too while
        their event may still be among `events`: it would be raised anew without them.
    events
        What is seen, up to `moment`. An event that is missing is not seen.
    conditions
        Danger and rain at an event, by its id; nothing is known of one that is absent.
    pipeline
        Name of the pipeline; part of the alert ids.
    night
        The night that the changes are recorded under.
    moment
        When alerts are made known: their clocks start.
    places
        Parcels and compartments to name in the alerts.
    settings
        `gap_hours` and `verify_minutes`.
    life
        `grow_ratio` and `close_after_days`; the defaults of ``[alerts]`` unless given.

    Returns
    -------
    FireStep
        Days in the alerts (`since`, `evidence`) are days of UTC.

    Raises
    ------
    ValueError
        `moment` has no time zone, an event was seen after it, or an id comes twice.
    """
    if moment.utcoffset() is None:
        raise ValueError(f"moment {moment.isoformat()} has no time zone")
    late = next((e for e in events if e.last > moment), None)
    if late is not None:
        raise ValueError(f"event {late.id} was seen after {moment.isoformat()}")
    run = Run(
        pipeline=pipeline,
        night=night,
        moment=moment.astimezone(UTC),
        ground=NamedGround(tuple(places)),
        settings=settings,
        life=life or AlertsSection(),
    )
    followed, rest = pair(alerts, events, pipeline=pipeline)
    results = [run.rest(one) for one in rest]
    held = []
    for each in followed:
        if each.leader is not None:
            results += run.carry(each, each.leader)
        elif run.burns(each.event):
            verdict = _judge(each.event, conditions)
            if verdict.lets_through:
                results.append(run.begin(each.event, verdict))
            else:
                held.append(Held(event=each.event, verdict=verdict))
    said = [instruction for _, instruction in results if instruction is not None]
    return FireStep(
        alerts=tuple(sorted((one for one, _ in results), key=lambda o: o.alert.id)),
        instructions=tuple(sorted(said, key=lambda i: i.key)),
        held=tuple(held),
    )


def check_verification(
    facts: FireFacts, found: Verification, *, moment: datetime
) -> None:
    """Refuse what cannot have been found: before the heat was seen, or not yet.

    Raises
    ------
    DataError
        With the time and the way out.
    """
    first = facts.event.first
    if found.time > moment:
        problem = f"was found at {found.time.isoformat()}, which is yet to come"
    elif found.time < first:
        problem = (
            f"was found at {found.time.isoformat()}, before heat was first seen "
            f"({first.isoformat()})"
        )
    else:
        return
    raise DataError(facts.alert, problem, "give the time at which somebody looked")


def _judge(event: HotspotEvent, conditions: Mapping[str, Conditions]) -> GateVerdict:
    """Ask the gate; but low confidence alone is never enough for one look.

    That it needs a second look whatever the day is our choice.
    """
    looks = event.looks
    if event.confidence is EventConfidence.LOW and looks < MORE_LOOKS:
        return GateVerdict(
            gate=Gate.HELD,
            needed=MORE_LOOKS,
            reason_zh=f"仅有低置信度火点；需 {MORE_LOOKS} 次观测，已有 {looks} 次",
            reason_en=f"low confidence only; looks: {looks}, needed: {MORE_LOOKS}",
        )
    return judge(conditions.get(event.id, _UNKNOWN), looks=looks)
