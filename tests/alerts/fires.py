"""Events and alerts of fires, made by hand."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import shapely

from agroforest.alerts.fire import FireAlert, FireStep, step
from agroforest.alerts.gate import Conditions
from agroforest.core.config import FireSection
from agroforest.core.fire import EventConfidence, EventKind, HotspotEvent

START = datetime(2024, 4, 4, 18, tzinfo=UTC)
PIXEL = 0.004  # degrees


def make_event(
    name: str = "e1",
    *,
    at: float = 0,
    width: float = 1,
    first: float = -2,
    last: float = -1,
    **changes: object,
) -> HotspotEvent:
    """Event `width` pixels wide, `at` pixels east, seen from `first` to `last` hours
    after `START`."""
    west = 108 + at * PIXEL
    event = HotspotEvent(
        id=name,
        geometry=shapely.box(west, 23, west + width * PIXEL, 23 + PIXEL),
        longitude=west + width * PIXEL / 2,
        latitude=23 + PIXEL / 2,
        kind=EventKind.FIRE,
        confidence=EventConfidence.NOMINAL,
        sure_viirs=True,
        first=START + timedelta(hours=first),
        last=START + timedelta(hours=last),
        looks=1,
        detections=max(1, round(width)),
        viirs=max(1, round(width)),
        satellites=("N20",),
        county=("武鸣区", "Wuming"),
    )
    return event.patch(**changes)


def go(
    alerts: Sequence[FireAlert],
    events: Sequence[HotspotEvent],
    hours: float = 0,
    conditions: dict[str, Conditions] | None = None,
    **changes: object,
) -> FireStep:
    """Step at a time, hours after `START`."""
    moment = START + timedelta(hours=hours)
    return step(
        alerts,
        events,
        conditions or {},
        pipeline="p",
        night=moment.date(),
        moment=moment,
        settings=FireSection.model_validate(changes),
    )
