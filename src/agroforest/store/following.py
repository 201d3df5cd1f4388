"""Changes of alerts that no case has followed yet.

Every function works on a connection inside the caller's transaction.
"""

from datetime import date
from typing import Any

from sqlalchemy import Connection, Row, and_, select

from agroforest.core.alert import Alert, Change, Instruction
from agroforest.core.fire import FireFacts
from agroforest.store.findings import build_alerts
from agroforest.store.fires import read_facts
from agroforest.store.schema import alert, alert_change

#: Changes of one alert in one night, as they can only have come.
_LIFE = (
    *(Change.NEW, Change.GROWN, Change.RELEASED),
    *(Change.REOPENED, Change.CLOSED, Change.MERGED),
)


def read_unfollowed(
    connection: Connection, limit: int
) -> list[tuple[Instruction, Alert, FireFacts | None]]:
    """Read changes with their alerts as they are now, oldest night first.

    Within a night what is new comes first, for other alerts may have been merged into
    it. A night's changes of one alert are never parted, so a few more than `limit` may
    come.
    """
    c = alert_change.c
    query = select(alert_change).where(c.followed_us.is_(None)).order_by(c.night, c.key)
    rows = list(connection.execute(query.limit(limit)))
    if len(rows) == limit and limit:
        last = rows[-1]
        rest = and_(c.night == last.night, c.alert == last.alert, c.key > last.key)
        rows += connection.execute(query.where(rest))
    changes = sorted((_build(row) for row in rows), key=_order)
    names = sorted({each.alert for each in changes})
    alerts: dict[str, Alert] = {}
    found = connection.execute(select(alert).where(alert.c.id.in_(names))).all()
    for each in build_alerts(found):
        alerts[each.id] = each
    facts = read_facts(connection, names)
    return [(i, alerts[i.alert], facts.get(i.alert)) for i in changes]


def _build(row: Row[Any]) -> Instruction:
    return Instruction(
        alert=row.alert,
        night=row.night,
        change=Change(row.change),
        area_ha=row.area_ha,
        into=row.into,
    )


def _order(each: Instruction) -> tuple[date, bool, str, int]:
    return each.night, each.change != Change.NEW, each.alert, _LIFE.index(each.change)
