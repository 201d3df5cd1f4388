"""The order of the queue: points that say why a case comes first.

==========  ======  ===========================================================
part        points  from
==========  ======  ===========================================================
hazard      0..50   fire 50, canopy gone 20, canopy stressed 10
area        0..25   5 at 0.1 ha, 5 more for each factor of ten, 25 at 1000 ha
sureness    0..20   20 times the probability; 10 where nobody gives one
places      0, 5    whether it touches a parcel or compartment on record
==========  ======  ===========================================================

The weights are arbitrary; they say that a fire goes before all else, and that size and
sureness weigh about the same. No part depends on the clock: a rank is kept, and the
queue has orders of its own for old and new. Ended cases have no rank.
"""

import math
from dataclasses import dataclass

from agroforest.core.review import ENDED, Case
from agroforest.core.risk import Hazard
from agroforest.core.words import hazard_words

_HAZARD = {
    Hazard.ACTIVE_FIRE: 50.0,
    Hazard.CANOPY_LOSS: 20.0,
    Hazard.CANOPY_STRESS: 10.0,
}
_AREA_MOST, _AREA_STEP, _AREA_ZERO_HA = 25.0, 5.0, 0.01
_SURENESS_MOST, _SURENESS_UNKNOWN = 20.0, 0.5
_PLACES = 5.0


@dataclass(frozen=True, kw_only=True, slots=True)
class RankPart:
    """Why a case stands where it does in the queue: one reason.

    Attributes
    ----------
    name
        ``hazard``, ``area``, ``sureness`` or ``places``.
    points
        What it adds.
    zh, en
        Why, in words.
    """

    name: str
    points: float
    zh: str
    en: str


def rank_case(case: Case) -> float:
    """Points of a case, the highest first; 0 where it has ended."""
    if case.stage in ENDED:
        return 0.0
    return round(math.fsum(part.points for part in explain_rank(case)), 3)


def explain_rank(case: Case) -> tuple[RankPart, ...]:
    """Explain the rank of a case that has not ended, part by part."""
    sureness = _SURENESS_UNKNOWN if case.probability is None else case.probability
    said = "—" if case.probability is None else f"{case.probability:.0%}"
    zh, en = hazard_words(case.hazard).name
    return (
        RankPart(
            name="hazard",
            points=_HAZARD[case.hazard],
            zh=zh,
            en=en,
        ),
        RankPart(
            name="area",
            points=_area_points(case.area_ha),
            zh=f"面积 {case.area_ha:.2f} 公顷",
            en=f"area {case.area_ha:.2f} ha",
        ),
        RankPart(
            name="sureness",
            points=_SURENESS_MOST * min(max(sureness, 0.0), 1.0),
            zh=f"概率 {said}",
            en=f"probability {said}",
        ),
        RankPart(
            name="places",
            points=_PLACES if case.places else 0.0,
            zh=f"涉及地块、小班 {len(case.places)} 个",
            en=f"parcels and compartments touched: {len(case.places)}",
        ),
    )


def _area_points(area_ha: float) -> float:
    if area_ha <= _AREA_ZERO_HA:
        return 0.0
    return min(_AREA_MOST, _AREA_STEP * math.log10(area_ha / _AREA_ZERO_HA))
