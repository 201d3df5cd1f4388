"""The life of a fire alert: one pure step a run."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from agroforest.alerts.gate import Conditions, GateVerdict
from agroforest.core.alert import Alert, Instruction
from agroforest.core.aoi import Place
from agroforest.core.config import FireSection
from agroforest.core.fire import FireFacts, HotspotEvent


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
        What changed, in order of alert id.
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
) -> FireStep:
    """Carry the fire alerts of a pipeline through one run."""
    raise NotImplementedError
