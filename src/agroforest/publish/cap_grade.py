"""How urgent, severe and certain a message is: one table; see docs/cap.md.

The values are our choice within the definitions of CAP 1.2 (OASIS, 2010, 3.2.2); no
authority has set them for signs seen from space.
"""

from dataclasses import dataclass
from datetime import timedelta

from agroforest.core.fire import EventConfidence, EventKind, FireFacts
from agroforest.core.risk import Hazard
from agroforest.publish.cap_history import ENDS, Telling, Why

#: Hectares from which canopy lost, or under stress, counts as moderate. Arbitrary.
LARGE_LOSS_HA = 1.0
LARGE_STRESS_HA = 10.0
#: Looks of a satellite from which sure heat is likely a fire. Our choice.
LIKELY_LOOKS = 2
#: How long a message holds if none comes after it. Our choice: a fire is seen several
#: times a day, a canopy every few days at best, and clouds hide it for weeks.
FIRE_LASTS = timedelta(hours=24)
CANOPY_LASTS = timedelta(days=30)


@dataclass(frozen=True, kw_only=True, slots=True)
class Grade:
    """Values of CAP's enumerations, spelt as there.

    Attributes
    ----------
    categories, responses
        ``category`` and ``responseType``.
    urgency, severity, certainty
        As named.
    lasts
        From ``sent`` to ``expires``.
    """

    categories: tuple[str, ...]
    responses: tuple[str, ...]
    urgency: str
    severity: str
    certainty: str
    lasts: timedelta


def grade(hazard: Hazard, telling: Telling, fire: FireFacts | None) -> Grade:
    """Grade a message.

    Certainty is never ``Observed`` unless somebody stood there: a satellite sees a
    sign.
    """
    burning = hazard is Hazard.ACTIVE_FIRE
    ended = telling.why in ENDS
    return Grade(
        categories=("Fire", "Env") if burning else ("Env",),
        responses=_responses(telling, burning=burning),
        urgency="Past" if ended else "Immediate" if burning else "Future",
        severity=_severity(hazard, telling, fire),
        certainty=_certainty(telling, fire),
        lasts=FIRE_LASTS if burning else CANOPY_LASTS,
    )


def _responses(telling: Telling, *, burning: bool) -> tuple[str, ...]:
    if telling.why is Why.NOT_SEEN:
        return ("Monitor",)  # that it is over nobody has said
    if telling.why in {Why.MERGED, Why.SPLIT}:
        return ("None",)
    if telling.why in ENDS:
        return ("AllClear",)
    if telling.observed:
        return ("Avoid", "Monitor") if burning else ("Monitor",)
    return ("Assess", "Monitor") if burning else ("Assess",)


def _severity(hazard: Hazard, telling: Telling, fire: FireFacts | None) -> str:
    if hazard is Hazard.ACTIVE_FIRE:
        kind = fire.event.kind if fire else EventKind.FIRE
        if telling.observed or telling.confirmed or kind is EventKind.FIRE:
            return "Severe"
        return "Moderate" if kind is EventKind.CROP else "Minor"
    large = LARGE_LOSS_HA if hazard is Hazard.CANOPY_LOSS else LARGE_STRESS_HA
    return "Moderate" if telling.area_ha >= large else "Minor"


def _certainty(telling: Telling, fire: FireFacts | None) -> str:
    if telling.why in {Why.DISMISSED, Why.EXPLAINED}:
        return "Unlikely"
    if telling.observed:
        return "Observed"
    if telling.confirmed:
        return "Likely"
    event = fire.event if fire else None
    sure = event is not None and event.confidence is EventConfidence.HIGH
    if event is not None and sure and event.looks >= LIKELY_LOOKS:
        return "Likely"
    return "Possible"
