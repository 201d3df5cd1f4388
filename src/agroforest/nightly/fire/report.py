"""Fire in the report of a night: plain values."""

from collections.abc import Iterable
from datetime import datetime, timedelta, timezone
from typing import Any

from agroforest.core.fire import EventKind, FireFacts, Gate
from agroforest.core.units import MU_PER_HA
from agroforest.fire.danger import Danger
from agroforest.fire.drivers import WORDS
from agroforest.fire.outputs import UNTRAINED
from agroforest.nightly.fire.night import FireNight
from agroforest.nightly.fire.scars import ScarOutcome

Json = dict[str, Any]

#: Refused rows of feeds named one by one; the rest is counted.
_NAMED = 20


def report_fire(found: FireNight, *, utc_offset_hours: float) -> Json:
    """Put a night of fire into plain values, for JSON.

    Times stand in UTC, and once more as people read them on the spot.
    """
    zone = timezone(timedelta(hours=utc_offset_hours))
    danger, plan = found.danger, found.plan
    alerts = [one.facts for one in found.step.alerts if one.alert.living]
    return {
        "moment": plan.moment.isoformat(),
        "moment_local": _local(plan.moment, zone),
        "danger": [_danger(day) for day in danger.days],
        "rank_by": UNTRAINED,
        "notes": list(danger.notes),
        "hotspots": _hotspots(found),
        "clock": _clock(alerts, plan.moment, zone),
        "held": [
            {
                "event": held.event.id,
                "zh": held.verdict.reason_zh,
                "en": held.verdict.reason_en,
            }
            for held in found.step.held
        ],
        "scars": [line for scar in found.scars for line in _scar(scar)],
        "waiting": [
            {"alert": s.alert, "zh": s.waiting_zh, "en": s.waiting_en}
            for s in found.scars
            if s.waiting_en and not s.done
        ],
        "seconds": round(found.seconds, 3),
    }


def _danger(day: Danger) -> Json:
    missing = [WORDS[d.name] for d in day.drivers if d.missing]
    return {
        "day": day.day.isoformat(),
        "forecast": day.forecast,
        "model": day.model,
        "days_behind_codes": day.led,
        "missing": [{"zh": w.zh, "en": w.en} for w in missing],
        "totals": [total.plain() for total in day.totals],
    }


def _hotspots(found: FireNight) -> Json:
    events, feed = found.sightings.events, found.plan.feed
    kinds = [event.kind for event in events]
    return {
        "detections": found.sightings.detections,
        "events": len(events),
        **{str(kind): kinds.count(kind) for kind in EventKind},
        "static_sources": found.sightings.sources,
        "refused": len(feed.refused),
        "repeated": len(feed.repeated),
        "refused_rows": [
            {"file": row.file, "line": row.line, "reason": row.reason}
            for row in feed.refused[:_NAMED]
        ],
    }


def _local(moment: datetime, zone: timezone) -> str:
    return moment.astimezone(zone).strftime("%Y-%m-%d %H:%M")


def _clock(alerts: Iterable[FireFacts], moment: datetime, zone: timezone) -> Json:
    waiting = [a for a in alerts if a.verification is None]
    return {
        "to_verify": len(waiting),
        "overdue": sum(a.overdue(moment) for a in waiting),
        "ungated": sum(a.gate is Gate.UNGATED for a in waiting),
        "alerts": [
            {
                "alert": a.alert,
                "verify_by": a.verify_by.isoformat(),
                "verify_by_local": _local(a.verify_by, zone),
                "gate": str(a.gate),
                "zh": a.gate_zh,
                "en": a.gate_en,
                "county_zh": a.event.county[0],
                "county_en": a.event.county[1],
            }
            for a in sorted(waiting, key=lambda a: (a.verify_by, a.alert))
        ],
    }


def _scar(outcome: ScarOutcome) -> list[Json]:
    return [
        {
            "id": scar.id,
            "alert": scar.alert,
            "area_ha": round(scar.area_ha, 2),
            "area_mu": round(scar.area_ha * MU_PER_HA, 1),
            "verdict_zh": scar.verdict_zh,
            "verdict_en": scar.verdict_en,
            "before": scar.before.isoformat() if scar.before else None,
            "after": scar.after.isoformat(),
            "severity_ha": [
                {"zh": zh, "en": en, "ha": round(ha, 2)}
                for zh, en, ha in scar.severity_ha
            ],
        }
        for scar in outcome.scars
    ]
