"""What alerts of fires say beside what every alert says, and what was found there.

Verifications are only ever added. Of those that answer an alert's present clock the
one of the newest time counts, of the same time the one recorded last; one that
answered an earlier clock stays on record and stops nothing.

Every function works on a connection inside the caller's transaction.
"""

from collections.abc import Collection, Iterable
from datetime import date
from typing import Any

import shapely
from shapely.geometry.base import BaseGeometry
from sqlalchemy import ColumnElement, Connection, Row, Select, or_, select

from agroforest.core.alert import Alert, AlertStatus
from agroforest.core.errors import DataError
from agroforest.core.fire import (
    EventConfidence,
    EventKind,
    FireFacts,
    Gate,
    HotspotEvent,
    Outcome,
    Verification,
)
from agroforest.core.identity import digest
from agroforest.store.findings import build_alerts
from agroforest.store.schema import alert, fire_alert, verification
from agroforest.store.statements import build_insert, upsert_all
from agroforest.store.times import from_microseconds, to_microseconds


def write_fires(connection: Connection, fires: Iterable[FireFacts]) -> None:
    """Record facts as they stand now; their alerts are recorded already."""
    facts = list(fires)
    upsert_all(connection, fire_alert, [_build_row(each) for each in facts])
    for each in facts:
        if each.verification is not None:
            raised = to_microseconds(each.raised)
            _add(connection, each.alert, raised, each.verification)


def write_verification(connection: Connection, name: str, found: Verification) -> bool:
    """Record what was found at an alert; whether that is news.

    Raises
    ------
    DataError
        There is no fire alert of that id.
    """
    query = select(fire_alert.c.raised_us).where(fire_alert.c.alert == name)
    raised = connection.execute(query).scalar()
    if raised is None:
        raise DataError(
            name, "is no fire alert on record", "list them: agroforest fire verify"
        )
    return _add(connection, name, raised, found)


def read_fires(
    connection: Connection,
    pipeline: str,
    statuses: Collection[AlertStatus] | None,
    since: date | None,
) -> list[tuple[Alert, FireFacts]]:
    """Read the fire alerts of a pipeline, by first night and id."""
    wanted = [alert.c.pipeline == pipeline]
    if statuses is not None:
        wanted.append(alert.c.status.in_(sorted(statuses)))
    if since is not None:
        living = alert.c.status != str(AlertStatus.CLOSED)
        wanted.append(or_(living, alert.c.last_night >= since))
    alerts = select(alert).join(fire_alert, fire_alert.c.alert == alert.c.id)
    facts = _read_facts(connection, wanted)
    return [
        (each, facts[each.id])
        for each in build_alerts(connection.execute(alerts.where(*wanted)).all())
    ]


def read_facts(connection: Connection, ids: Collection[str]) -> dict[str, FireFacts]:
    """Read the facts of those of the alerts that are fires, by alert."""
    return _read_facts(connection, [alert.c.id.in_(sorted(ids))])


def _read_facts(
    connection: Connection, wanted: Collection[ColumnElement[bool]]
) -> dict[str, FireFacts]:
    rows = connection.execute(_of_alerts(select(fire_alert), wanted)).all()
    shapes = shapely.from_wkb([row.geometry for row in rows])
    found = _read_verifications(connection, wanted)
    return {
        row.alert: _build_facts(row, shape, found.get(row.alert))
        for row, shape in zip(rows, shapes, strict=True)
    }


def _of_alerts(
    query: Select[Any], wanted: Collection[ColumnElement[bool]]
) -> Select[Any]:
    return query.join(alert, alert.c.id == fire_alert.c.alert).where(*wanted)


def _read_verifications(
    connection: Connection, wanted: Collection[ColumnElement[bool]]
) -> dict[str, Verification]:
    """Read the verification that counts, by alert."""
    joined = select(verification).join(
        fire_alert,
        (fire_alert.c.alert == verification.c.alert)
        & (fire_alert.c.raised_us == verification.c.raised_us),
    )
    rows = connection.execute(
        _of_alerts(joined, wanted).order_by(
            verification.c.time_us, verification.c.number
        )
    )
    return {
        row.alert: Verification(
            time=from_microseconds(row.time_us),
            outcome=Outcome(row.outcome),
            by=row.by,
            note=row.note,
        )
        for row in rows
    }


def _add(connection: Connection, name: str, raised: int, found: Verification) -> bool:
    time = to_microseconds(found.time)
    statement = build_insert(connection, verification).values(
        key=digest(name, time, found.outcome, found.by),
        alert=name,
        raised_us=raised,
        time_us=time,
        outcome=str(found.outcome),
        by=found.by,
        note=found.note,
    )
    # PostgreSQL's driver does not count what a conflict left out.
    statement = statement.on_conflict_do_nothing(index_elements=["key"])
    added = connection.execute(statement.returning(verification.c.number))
    return added.first() is not None


def _build_row(facts: FireFacts) -> dict[str, object]:
    event = facts.event
    (county_zh, county_en), (township_zh, township_en) = event.county, event.township
    row: dict[str, object] = {
        "alert": facts.alert,
        "event": event.id,
        "geometry": shapely.to_wkb(event.geometry, byte_order=1),
        "longitude": event.longitude,
        "latitude": event.latitude,
        "kind": str(event.kind),
        "confidence": str(event.confidence),
        "sure_viirs": event.sure_viirs,
        "first_us": to_microseconds(event.first),
        "last_us": to_microseconds(event.last),
        "looks": event.looks,
        "detections": event.detections,
        "viirs": event.viirs,
        "modis": event.modis,
        "satellites": list(event.satellites),
        "frp_max_mw": event.frp_max_mw,
        "county_zh": county_zh,
        "county_en": county_en,
        "county_code": event.county_code,
        "township_zh": township_zh,
        "township_en": township_en,
        "crop_share": event.crop_share,
        "gate": str(facts.gate),
        "gate_zh": facts.gate_zh,
        "gate_en": facts.gate_en,
        "raised_us": to_microseconds(facts.raised),
        "verify_by_us": to_microseconds(facts.verify_by),
    }
    # PostgreSQL keeps no NUL in a text, and names come from files of others.
    return {k: v.replace("\0", "") if isinstance(v, str) else v for k, v in row.items()}


def _build_facts(
    row: Row[Any], shape: BaseGeometry, found: Verification | None
) -> FireFacts:
    event = HotspotEvent(
        id=row.event,
        geometry=shape,
        longitude=row.longitude,
        latitude=row.latitude,
        kind=EventKind(row.kind),
        confidence=EventConfidence(row.confidence),
        sure_viirs=row.sure_viirs,
        first=from_microseconds(row.first_us),
        last=from_microseconds(row.last_us),
        looks=row.looks,
        detections=row.detections,
        viirs=row.viirs,
        modis=row.modis,
        satellites=tuple(row.satellites),
        frp_max_mw=row.frp_max_mw,
        county=(row.county_zh, row.county_en),
        county_code=row.county_code,
        township=(row.township_zh, row.township_en),
        crop_share=row.crop_share,
    )
    return FireFacts(
        alert=row.alert,
        event=event,
        gate=Gate(row.gate),
        gate_zh=row.gate_zh,
        gate_en=row.gate_en,
        raised=from_microseconds(row.raised_us),
        verify_by=from_microseconds(row.verify_by_us),
        verification=found,
    )
