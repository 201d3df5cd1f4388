"""Alerts and what changed about them, as rows.

Every function works on a connection inside the caller's transaction.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import fields
from datetime import date
from typing import Any

import shapely
from sqlalchemy import Connection, Row, select

from agroforest.core.alert import Alert, AlertStatus, Change, Instruction
from agroforest.core.risk import Hazard
from agroforest.store.schema import alert, alert_change
from agroforest.store.statements import insert_missing, upsert_all

_BUILT = ("hazard", "status", "places", "geometry")
_PLAIN = tuple(f.name for f in fields(Alert) if f.name not in _BUILT)


def write_alerts(connection: Connection, alerts: Iterable[Alert]) -> None:
    """Record alerts as they stand now."""
    upsert_all(connection, alert, [_build_row(each) for each in alerts])


def write_instructions(
    connection: Connection, instructions: Iterable[Instruction]
) -> int:
    """Record changes that are not recorded yet; how many those were."""
    rows = [
        {
            "key": each.key,
            "alert": each.alert,
            "night": each.night,
            "change": str(each.change),
            "area_ha": each.area_ha,
            "into": each.into,
        }
        for each in instructions
    ]
    return insert_missing(connection, alert_change, rows)


def read_alerts(
    connection: Connection,
    pipeline: str,
    statuses: Collection[AlertStatus] | None,
    hazards: Collection[Hazard] | None = None,
) -> list[Alert]:
    """Read the alerts of a pipeline, by first night and id."""
    query = select(alert).where(alert.c.pipeline == pipeline)
    if statuses is not None:
        query = query.where(alert.c.status.in_(sorted(statuses)))
    if hazards is not None:
        query = query.where(alert.c.hazard.in_(sorted(hazards)))
    return build_alerts(connection.execute(query).all())


def read_instructions(
    connection: Connection, pipeline: str, night: date | None
) -> list[Instruction]:
    """Read the changes of a pipeline's alerts, by night and alert."""
    query = (
        select(alert_change)
        .join(alert, alert.c.id == alert_change.c.alert)
        .where(alert.c.pipeline == pipeline)
    )
    if night is not None:
        query = query.where(alert_change.c.night == night)
    found = [
        Instruction(
            alert=row.alert,
            night=row.night,
            change=Change(row.change),
            area_ha=row.area_ha,
            into=row.into,
        )
        for row in connection.execute(query)
    ]
    return sorted(found, key=lambda i: (i.night, i.key))


def _build_row(each: Alert) -> dict[str, object]:
    row: dict[str, object] = {f.name: getattr(each, f.name) for f in fields(each)}
    row["hazard"] = str(each.hazard)
    row["status"] = str(each.status)
    row["places"] = list(each.places)
    row["geometry"] = shapely.to_wkb(each.geometry, byte_order=1)
    row["west"], row["south"], row["east"], row["north"] = each.geometry.bounds
    return row


def build_alerts(rows: Sequence[Row[Any]]) -> list[Alert]:
    """Build alerts from their rows, by first night and id."""
    shapes = shapely.from_wkb([row.geometry for row in rows])
    found = [
        Alert(
            **{name: getattr(row, name) for name in _PLAIN},
            hazard=Hazard(row.hazard),
            status=AlertStatus(row.status),
            places=tuple(row.places),
            geometry=shape,
        )
        for row, shape in zip(rows, shapes, strict=True)
    ]
    return sorted(found, key=lambda a: (a.first_night, a.id))
