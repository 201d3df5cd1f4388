"""The score as a table and as one line."""

from agroforest.testing.score import DroughtScore, EventScore, FaultScore, Score

HEADER = (
    "planted",
    "where",
    "start",
    "found",
    "night",
    "delay (days)",
    "after 1st clear look",
    "clear looks",
    "area recall",
    "IoU",
)


def to_rows(score: Score) -> list[tuple[str, ...]]:
    """Lay a score out as rows of text under `HEADER`, one a planted thing."""
    rows = [_event_row(e) for e in score.events]
    if score.drought is not None:
        rows.append(_drought_row(score.drought))
    rows += [_fault_row(f) for f in score.faults]
    return rows


def summary(score: Score) -> str:
    """Say the score in one line."""
    found = sum(e.found for e in score.events)
    line = (
        f"{found} of {len(score.events)} canopy events found; "
        f"{len(score.false_alerts)} false objects in {score.watched_ha:.0f} ha "
        f"({score.false_per_100_ha:.2f} per 100 ha)"
    )
    if score.faults:
        faults = sum(f.found for f in score.faults)
        line += (
            f"; {faults} of {len(score.faults)} sensor faults found, "
            f"{score.false_flags} of {score.good_readings} good readings flagged"
        )
    return line


def _event_row(score: EventScore) -> tuple[str, ...]:
    return (
        str(score.event.kind),
        score.event.name_zh,
        score.event.start.isoformat(),
        ", ".join(score.hazards) if score.found else "no",
        _text(score.first_night),
        _text(score.delay_days),
        _text(score.wait_days),
        str(score.clear_looks),
        f"{score.recall:.0%}",
        f"{score.iou:.2f}",
    )


def _drought_row(score: DroughtScore) -> tuple[str, ...]:
    delay = (score.soil_first - score.event.start).days if score.soil_first else None
    seen = [
        f"soil at {score.soil_lowest:.0%} of field capacity"
        if score.soil_lowest is not None
        else "no readings",
    ]
    if score.ndmi_fall is not None:
        seen.append(f"NDMI {-score.ndmi_fall:+.2f}")
    return (
        str(score.event.kind),
        score.event.name_zh,
        score.event.start.isoformat(),
        ", ".join(seen) if score.found else "no",
        _text(score.soil_first),
        _text(delay),
        *[""] * 4,
    )


def _fault_row(score: FaultScore) -> tuple[str, ...]:
    return (
        f"sensor {(score.fault.flag.name or '').lower()}",
        score.fault.sensor,
        score.fault.first.date().isoformat(),
        f"{score.flagged} of {score.present} readings" if score.found else "no",
        *[""] * 6,
    )


def _text(value: object) -> str:
    return "" if value is None else str(value)
