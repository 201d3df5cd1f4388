"""Water in the report of a night, and in a file of its own: plain values."""

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from agroforest.core.files import write_text
from agroforest.nightly.water.judge import FieldNight
from agroforest.nightly.water.night import WaterNight
from agroforest.nightly.water.probe_state import ProbeState
from agroforest.nightly.water.rows import COLUMNS, BalanceRow
from agroforest.water.advice import Advice
from agroforest.weather.record import Refused

Json = dict[str, Any]

#: Days of the account that the file of a night holds; the whole is in the tables.
SHOWN_DAYS = 60
#: Refused rows named one by one; the rest is counted.
_NAMED = 20


def report_water(found: WaterNight) -> Json:
    """Put a night of water into plain values, for JSON."""
    almanac = found.plan.almanac
    lights = [parcel.light for parcel in found.parcels]
    return {
        "night": found.plan.night.isoformat(),
        "moment": found.plan.moment.isoformat(),
        "lights": {light: lights.count(light) for light in _LIGHTS},
        "parcels": [_parcel(parcel) for parcel in found.parcels],
        "notes": [{"zh": zh, "en": en} for zh, en in found.plan.notes],
        "weather_rows_refused": _rows(almanac.skies.refused),
        "irrigation_rows_refused": _rows(almanac.irrigations.refused),
        "seconds": round(found.seconds, 3),
    }


_LIGHTS = ("red", "amber", "green", "grey")


def write_night(path: Path, found: WaterNight) -> None:
    """Write what a night knows of water, with the days behind and ahead."""
    document = report_water(found)
    del document["seconds"]  # the same inputs give the same file
    for plain, parcel in zip(document["parcels"], found.parcels, strict=True):
        plain["days"] = [
            *(_day(row, forecast=False) for row in parcel.rows[-SHOWN_DAYS:]),
            *(_day(row, forecast=True) for row in parcel.ahead),
        ]
    text = json.dumps(document, ensure_ascii=False, indent=1, sort_keys=True)
    write_text(path, text + "\n")


def _parcel(parcel: FieldNight) -> Json:
    zh, en = parcel.sentence
    farm, advice = parcel.farm, parcel.advice
    watered = parcel.watered
    return {
        "id": parcel.place.id,
        "name_zh": parcel.place.name_zh,
        "name_en": parcel.place.name_en,
        "crop": parcel.place.cover if farm is None else farm.entry.name,
        "hectares": None if farm is None else round(farm.plot.hectares, 4),
        "light": parcel.light,
        "zh": zh,
        "en": en,
        "error": None if parcel.error is None else str(parcel.error),
        **_advice(advice),
        "stale_days": None if parcel.led is None else int(parcel.led.zone.stale),
        "depletion_mm": parcel.rows[-1].depletion if parcel.rows else None,
        "raw_mm": parcel.rows[-1].readily if parcel.rows else None,
        "taw_mm": parcel.rows[-1].available if parcel.rows else None,
        "last_irrigation": None if watered is None else watered[0].isoformat(),
        "last_irrigation_mm": None if watered is None else round(watered[1], 2),
        "sensors": [_probe(probe, parcel) for probe in parcel.probes],
        "notices": [
            {"hazard": n.hazard, "day": n.day.isoformat(), "zh": n.zh, "en": n.en}
            for n in parcel.notices
        ],
    }


def _advice(advice: Advice | None) -> Json:
    """All that advice says; the same keys with nothing in them where there is none."""
    amount = None if advice is None else advice.amount
    days = ("short_day", "latest", "until")
    numbers = ("short_mm", "rain_mm", "probability")
    return {
        "verdict": None if advice is None else str(advice.verdict),
        "confidence": (
            str(advice.confidence) if advice and advice.confidence else None
        ),
        "overdue": bool(advice and advice.overdue),
        **{name: _iso(advice, name) for name in days},
        **{name: _number(advice, name) for name in numbers},
        "drought_zh": advice.drought.zh
        if advice and advice.drought is not None
        else "",
        "drought_en": advice.drought.en
        if advice and advice.drought is not None
        else "",
        "amount_mm": _number(amount, "gross_mm"),
        "net_mm": _number(amount, "net_mm"),
        "amount_m3": _number(amount, "m3"),
        "m3_per_mu": _number(amount, "m3_per_mu"),
        "minutes": _number(amount, "minutes"),
        "part": bool(amount and amount.part),
        "readings": list(advice.readings) if advice else [],
        "reasons": [
            {"zh": reason.zh, "en": reason.en}
            for reason in (advice.reasons if advice else ())
        ],
    }


def _iso(source: object, name: str) -> str | None:
    day = getattr(source, name, None)
    return None if day is None else str(day.isoformat())


def _number(source: object, name: str) -> float | None:
    value = getattr(source, name, None)
    return None if value is None else round(float(value), 2)


def _probe(probe: ProbeState, parcel: FieldNight) -> Json:
    zh, en = probe.explained
    return {
        "id": probe.sensor.id,
        "name": probe.sensor.name,
        "trust": None if probe.trust is None else probe.trust.score,
        "used": probe.usable,
        "zh": zh,
        "en": en,
        "last": None if probe.last is None else probe.last.isoformat(),
        "field_capacity": [
            {
                "depth_m": depth,
                "m3_m3": learned.value,
                "low": learned.low,
                "high": learned.high,
                "soakings": len(learned.wettings),
            }
            for (sensor, depth), learned in sorted(parcel.learned.items())
            if sensor == probe.sensor.id
        ],
    }


def _day(row: BalanceRow, *, forecast: bool) -> Json:
    numbers = {
        column: None if math.isnan(value := getattr(row, name)) else value
        for column, name in COLUMNS.items()
    }
    return {
        "day": row.date.isoformat(),
        "forecast": forecast,
        **numbers,
        "drawn_to": list(row.drawn),
    }


def _rows(refused: Sequence[Refused]) -> Json:
    return {
        "count": len(refused),
        "rows": [
            {"line": row.line, "day": row.day, "reason": row.reason}
            for row in refused[:_NAMED]
        ],
    }
