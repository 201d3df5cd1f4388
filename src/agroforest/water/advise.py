"""Decide on irrigation: pure, from an evening's root zone and a forecast.

Nothing is advised from readings that quality control distrusts, and nothing where the
rain of the forecast is enough.
"""

from collections.abc import Sequence
from datetime import date, timedelta

import numpy as np

from agroforest.core.crop import Crop
from agroforest.core.risk import EPOCH
from agroforest.core.soil import Soil
from agroforest.water.advice import Advice, Confidence, Verdict
from agroforest.water.day import FieldDay
from agroforest.water.drought import Drought, classify_drought, find_relative_moisture
from agroforest.water.notices import Notice
from agroforest.water.outlook import Outlook, look_ahead
from agroforest.water.plot import Amount, Evidence, Plot, find_amount
from agroforest.water.sentences import explain, tell
from agroforest.water.state import RootZone

#: Days after an irrigation whose forecast rain is left room for. Arbitrary.
ROOM_DAYS = 2
#: Probability of being right from which confidence is high, and fair. Arbitrary.
_HIGH, _FAIR = 0.90, 0.70


def advise(
    zone: RootZone,
    forecast: Sequence[FieldDay],
    *,
    crop: Crop,
    soil: Soil,
    plot: Plot,
    evidence: Sequence[Evidence] = (),
    notices: Sequence[Notice] = (),
) -> Advice:
    """Advise on one field.

    Parameters
    ----------
    zone
        Of one place, this evening.
    forecast
        From tomorrow on.
    crop, soil
        As for `step`.
    plot
        The field.
    evidence
        Everything that `zone` was drawn to.
    notices
        Handed through; heat and frost do not wait for trust in a soil probe.

    Raises
    ------
    DataError
        There is no forecast for tomorrow.
    """
    basis = Advice(
        plot=plot,
        day=_date(zone.day),
        verdict=Verdict.WITHHELD,
        readings=tuple(one.id for one in evidence),
        distrusted=tuple(one for one in evidence if not one.trusted),
        notices=tuple(notices),
    )
    if basis.distrusted:
        return _tell(basis)
    outlook = look_ahead(zone, forecast, crop=crop, soil=soil)
    verdict = _judge(outlook)
    right = _find_probability(outlook, verdict)
    relative = find_relative_moisture(zone.depletion, soil=soil, root=zone.root)
    decided = basis.patch(
        verdict=verdict,
        depletion_mm=float(zone.depletion),
        rain_mm=outlook.rain,
        until=_date(outlook.days[-1].day),
        probability=right,
        confidence=_say_confidence(right, verdict),
        drought=Drought(int(classify_drought(relative))),
        reasons=explain(zone, outlook, evidence),
    )
    first = outlook.first_short
    if verdict is Verdict.IRRIGATE and first is not None:
        decided = decided.patch(
            short_mm=outlook.worst.short,
            short_day=_date(outlook.worst.day),
            latest=_date(first.day),
            overdue=_is_overdue(zone, outlook),
            amount=_find_amount(outlook, plot),
        )
    return _tell(decided)


def _tell(advice: Advice) -> Advice:
    zh, en = tell(advice)
    return advice.patch(zh=zh, en=en)


def _judge(outlook: Outlook) -> Verdict:
    if outlook.first_short is None:
        dry = outlook.first_short_dry
        return Verdict.ENOUGH if dry is None else Verdict.RAIN_COMES
    return Verdict.RAIN_COMES if outlook.is_relieved() else Verdict.IRRIGATE


def _is_overdue(zone: RootZone, outlook: Outlook) -> bool:
    """Tell whether it is short tonight and tomorrow; rain may end it by itself."""
    tomorrow = outlook.days[0]
    return tomorrow.short > 0 and float(zone.depletion) > tomorrow.readily


def _find_amount(outlook: Outlook, plot: Plot) -> Amount:
    """Fill up to field capacity, less the room for rain that is forecast.

    Never less than keeps the field from falling short in the days ahead.
    """
    first = outlook.first_short or outlook.worst
    room = outlook.rain_after(first.day, ROOM_DAYS)
    least = min(outlook.worst.short, first.depletion)
    return find_amount(float(max(first.depletion - room, least)), plot)


def _find_probability(outlook: Outlook, verdict: Verdict) -> float:
    """Probability of the verdict, by the spread of the balance.

    Of rain that is to come only the largest shortage without it can be said.
    """
    short = outlook.worst.probability
    if verdict is Verdict.IRRIGATE:
        return short
    if verdict is Verdict.RAIN_COMES and outlook.first_short is not None:
        return float(1.0 - outlook.days[-1].probability)
    return float(np.clip(1.0 - short, 0.0, 1.0))


def _say_confidence(probability: float, verdict: Verdict) -> Confidence:
    """Put it in words; a verdict that waits for rain is fair at best."""
    if probability >= _HIGH and verdict is not Verdict.RAIN_COMES:
        return Confidence.HIGH
    return Confidence.FAIR if probability >= _FAIR else Confidence.LOW


def _date(day: int) -> date:
    return EPOCH + timedelta(days=day)
