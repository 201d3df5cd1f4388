"""Fire, added to what a page shows: danger, hotspots and their clocks, scars."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from agroforest.core.fire import (
    EventConfidence,
    EventKind,
    FireFacts,
    HotspotEvent,
    Verification,
)
from agroforest.maps.fire import FirePage, HeldEvent
from agroforest.maps.fire_cells import number_cells
from agroforest.maps.fire_danger import UNTRAINED, draw_danger
from agroforest.maps.fire_scars import draw_scars
from agroforest.maps.hotspots import (
    EVENT_AGES,
    FireEvent,
    draw_outlines,
    event_columns,
)
from agroforest.maps.layers import both, text
from agroforest.maps.page import MapPage

Json = dict[str, Any]

#: Events drawn, an element each; alerts and held ones always are. Arbitrary.
MOST_EVENTS = 2_000


def add_fire(data: Json, page: MapPage) -> Json:
    """Add fire to the data of a page; a page without it stays as it is.

    An alert without a probability needs the words of fire, too, or a reader would see
    none as zero.

    Parameters
    ----------
    data
        See `agroforest.maps.layers.build_data`.
    page
        Whose data.
    """
    fire = page.fire
    if fire is None:
        if all(alert.probability is not None for alert in page.alerts):
            return data
        return {**data, "fire": {"told": False}}
    pictures = list(data["pictures"])
    layers, danger = _danger(fire, data, page, pictures)
    events = _events(fire)
    number = {event.id: n for n, event in enumerate(events)}
    said = {
        "told": True,
        "night": page.night.isoformat(),
        "moment": _utc(fire.moment),
        "offset": fire.utc_offset_hours,
        "ages": [{"hours": hours, "color": color} for hours, color in EVENT_AGES],
        "kinds": [str(kind) for kind in EventKind],
        "confidences": [str(grade) for grade in EventConfidence],
        **event_columns([_shown(event, fire) for event in events]),
        "looks": [event.looks for event in events],
        "danger": danger,
        "alerts": [_alert(facts, number) for facts in _by_deadline(fire.alerts)],
        "held": [_held(held, number) for held in _newest_held(fire.held)],
        **draw_scars(fire.scars, pictures),
        "boundaries": draw_outlines(fire.boundaries),
    }
    notices = [*data["notices"], *_notices(fire, len(events))]
    return {
        **data,
        "layers": [*layers, *data["layers"]],
        "pictures": pictures,
        "notices": notices,
        "fire": said,
    }


def _danger(
    fire: FirePage, data: Json, page: MapPage, pictures: list[str]
) -> tuple[list[Json], Json | None]:
    if not fire.danger:
        return [], None
    covered = any(layer["shown"] for layer in data["layers"])
    layers = draw_danger(fire.danger, pictures, night=page.night, shown=not covered)
    return layers, number_cells(fire.danger)


def _notices(fire: FirePage, shown: int) -> list[Json]:
    notices = []
    if fire.danger:
        notices.append(both(*UNTRAINED))
    models = sorted({day.model for day in fire.danger if day.model})
    notices += [
        both(
            f"热点概率由 {model} 给出：在本地热点上训练，指标见其模型卡。",
            f"The probability of a hotspot is that of {model}, trained on the user's "
            "hotspots; its card says how good it is.",
        )
        for model in models
    ]
    total = len({event.id for event in _all_events(fire)})
    if total > shown:
        notices.append(
            both(
                f"共 {total} 个热点事件，图上为最近的 {shown} 个。",
                f"Of {total} hotspot events the last {shown} are on the map.",
            )
        )
    return notices


def _all_events(fire: FirePage) -> Iterable[HotspotEvent]:
    """Every event, the newest word on it last."""
    yield from (held.event for held in fire.held)
    yield from (facts.event for facts in fire.alerts)
    yield from fire.events


def _events(fire: FirePage) -> list[HotspotEvent]:
    """Events once each, seen last first.

    Where there are too many, those that nobody sees at first go: static sources and
    low confidence; then the oldest.
    """
    known = {event.id: event for event in _all_events(fire)}
    needed = {facts.event.id for facts in fire.alerts}
    needed |= {held.event.id for held in fire.held}
    ranked = sorted(
        known.values(), key=lambda e: (e.id not in needed, _is_minor(e), *_newest(e))
    )
    return sorted(ranked[: max(MOST_EVENTS, len(needed))], key=_newest)


def _is_minor(event: HotspotEvent) -> bool:
    return event.kind == EventKind.STATIC or event.confidence == EventConfidence.LOW


def _newest(event: HotspotEvent) -> tuple[float, str]:
    return -event.last.timestamp(), event.id


def _shown(event: HotspotEvent, fire: FirePage) -> FireEvent:
    age = (fire.moment - event.last) / timedelta(hours=1)
    return FireEvent(
        id=event.id,
        longitude=event.longitude,
        latitude=event.latitude,
        kind=event.kind,
        confidence=event.confidence,
        age_h=max(0.0, age),
        first_utc=_minute(event.first),
        last_utc=_minute(event.last),
        first_local=_local(event.first, fire.utc_offset_hours),
        last_local=_local(event.last, fire.utc_offset_hours),
        detections=event.detections,
        viirs=event.viirs,
        modis=event.modis,
        satellites=" ".join(event.satellites),
        frp_max_mw=event.frp_max_mw,
        county=event.county,
        township=event.township,
        crop_share=event.crop_share,
    )


def _by_deadline(alerts: Iterable[FireFacts]) -> list[FireFacts]:
    return sorted(alerts, key=lambda f: (f.verify_by.timestamp(), f.alert))


def _alert(facts: FireFacts, number: dict[str, int]) -> Json:
    return {
        "alert": text(facts.alert),
        "event": number[facts.event.id],
        "gate": str(facts.gate),
        "says": both(facts.gate_zh, facts.gate_en),
        "raised": _utc(facts.raised),
        "until": _utc(facts.verify_by),
        "verification": _verification(facts.verification),
    }


def _verification(found: Verification | None) -> Json | None:
    if found is None:
        return None
    return {
        "time": _utc(found.time),
        "outcome": str(found.outcome),
        "by": text(found.by),
        "note": text(found.note),
    }


def _newest_held(held: Iterable[HeldEvent]) -> list[HeldEvent]:
    return sorted(held, key=lambda h: _newest(h.event))


def _held(held: HeldEvent, number: dict[str, int]) -> Json:
    return {
        "event": number[held.event.id],
        "says": both(held.reason_zh, held.reason_en),
    }


def _utc(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _minute(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%MZ")


def _local(moment: datetime, hours: float) -> str:
    here = moment.astimezone(timezone(timedelta(hours=hours)))
    return here.isoformat(timespec="minutes")
