"""Water on the map of a night."""

import math

from agroforest.maps.water import ParcelWater, ProbeTrust, WaterDay, WaterPage
from agroforest.nightly.water.judge import FieldNight
from agroforest.nightly.water.night import WaterNight
from agroforest.nightly.water.probe_state import ProbeState
from agroforest.nightly.water.report import SHOWN_DAYS
from agroforest.nightly.water.rows import BalanceRow
from agroforest.water.advice import Advice, Confidence
from agroforest.water.sentences import tell

_SURE = {
    Confidence.HIGH: ("把握大", "confidence high"),
    Confidence.FAIR: ("把握中等", "confidence fair"),
    Confidence.LOW: ("把握小", "confidence low"),
}


def show_water(found: WaterNight) -> WaterPage:
    """Gather what the page of a night shows of water."""
    return WaterPage(
        moment=found.plan.night,
        parcels=tuple(_parcel(parcel) for parcel in found.parcels),
        notes=found.plan.notes,
    )


def _parcel(parcel: FieldNight) -> ParcelWater:
    farm = parcel.farm
    zh, en = parcel.sentence
    shown = ParcelWater(
        id=parcel.place.id,
        geometry=parcel.place.geometry,
        zh=parcel.place.name_zh,
        en=parcel.place.name_en,
        crop_zh=parcel.place.cover if farm is None else farm.plot.crop_zh,
        crop_en=parcel.place.cover if farm is None else farm.plot.crop_en,
        light=parcel.light,
        advice_zh=zh,
        advice_en=en,
        days=tuple(
            _day(row, forecast=forecast)
            for rows, forecast in (
                (parcel.rows[-SHOWN_DAYS:], False),
                (parcel.ahead, True),
            )
            for row in rows
        ),
        last_irrigation=None if parcel.watered is None else parcel.watered[0],
        last_irrigation_mm=None if parcel.watered is None else parcel.watered[1],
        sensors=tuple(_probe(probe) for probe in parcel.probes),
        notices=tuple((one.zh, one.en) for one in parcel.notices),
    )
    return shown if parcel.advice is None else _add_advice(shown, parcel.advice)


def _add_advice(shown: ParcelWater, advice: Advice) -> ParcelWater:
    amount, drought = advice.amount, advice.drought
    sure = ("", "") if advice.confidence is None else _SURE[advice.confidence]
    # How sure it is, and why, stand below the sentence, not in it.
    zh, en = tell(advice.patch(confidence=None))
    return shown.patch(
        advice_zh=zh,
        advice_en=en,
        confidence_zh=sure[0],
        confidence_en=sure[1],
        reasons=tuple((reason.zh, reason.en) for reason in advice.reasons),
        amount_mm=None if amount is None else amount.gross_mm,
        amount_m3=None if amount is None else amount.m3,
        m3_per_mu=None if amount is None else amount.m3_per_mu,
        minutes=None if amount is None else amount.minutes,
        latest=advice.latest,
        drought_zh="" if drought is None else drought.zh,
        drought_en="" if drought is None else drought.en,
    )


def _day(row: BalanceRow, *, forecast: bool) -> WaterDay:
    return WaterDay(
        day=row.date,
        depletion_mm=row.depletion,
        raw_mm=row.readily,
        taw_mm=row.available,
        rain_mm=0.0 if math.isnan(row.rain) else row.rain,
        irrigation_mm=row.irrigation,
        forecast=forecast,
    )


def _probe(probe: ProbeState) -> ProbeTrust:
    zh, en = probe.explained
    return ProbeTrust(
        id=probe.sensor.id,
        name=probe.sensor.name,
        trust=None if probe.trust is None else probe.trust.score,
        reason_zh=zh,
        reason_en=en,
    )
