"""Valves as rows: orders, states, and an audit whose entries hold each other.

Every function works on a connection inside the caller's transaction.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, fields
from datetime import UTC, datetime
from typing import Any, Protocol, TypeVar

from sqlalchemy import Connection, insert, or_, select, text

from agroforest.core.chain import GENESIS, Sealed, seal
from agroforest.core.valve import (
    AuditEntry,
    Order,
    Stage,
    ValveFacts,
    ValveReport,
    ValveState,
)
from agroforest.store.schema import valve_audit, valve_order, valve_state
from agroforest.store.statements import upsert
from agroforest.store.times import from_microseconds, to_microseconds

_LIVE = frozenset(
    {
        *(Stage.PROPOSED, Stage.APPROVED, Stage.OPENING),
        *(Stage.OPEN, Stage.CLOSING, Stage.CLOSED),
    }
)
_ORDER_TIMES = frozenset(
    {
        *("proposed", "approved", "sent", "until", "deadline"),
        *("published", "confirmed", "closed", "closing"),
    }
)
_STATE_TIMES = frozenset({"asked", "closing", "closing_from"})


class Decided(Protocol):
    """What deciding on valves gives: facts to keep, and steps to record."""

    @property
    def facts(self) -> ValveFacts:
        """As they are now."""

    @property
    def audit(self) -> tuple[AuditEntry, ...]:
        """What was done."""


DecidedT = TypeVar("DecidedT", bound=Decided)


def lock(connection: Connection) -> None:
    """Let nobody else decide on valves until the transaction ends."""
    if connection.dialect.name != "sqlite":  # there, writers come one by one anyway
        connection.execute(text("LOCK TABLE valve_audit IN EXCLUSIVE MODE"))


def read_facts(
    connection: Connection, since: datetime, ids: Collection[str] = ()
) -> ValveFacts:
    """Read orders that have not ended, or ended since then, or are named; and states.

    The moment of the facts is that of the newest audit entry.
    """
    query = select(valve_order.c.body).where(
        or_(
            valve_order.c.ended_us.is_(None),
            valve_order.c.ended_us >= to_microseconds(since),
            valve_order.c.id.in_(sorted(ids)),
        )
    )
    orders = [_build_order(body) for body in connection.scalars(query)]
    states = [_build_state(b) for b in connection.scalars(select(valve_state.c.body))]
    last = _read_last(connection)
    return ValveFacts(
        orders={o.id: o for o in sorted(orders, key=lambda o: (o.proposed, o.id))},
        valves={s.valve: s for s in sorted(states, key=lambda s: s.valve)},
        now=None if last is None else last[2],
    )


def write_facts(connection: Connection, before: ValveFacts, after: ValveFacts) -> None:
    """Record the orders and states that differ."""
    for name, order in after.orders.items():
        if before.orders.get(name) != order:
            upsert(connection, valve_order, _build_order_row(order))
    for name, state in after.valves.items():
        if before.valves.get(name) != state:
            body = _plain(asdict(state))
            upsert(connection, valve_state, {"valve": name, "body": body})


def write_audit(connection: Connection, entries: Iterable[AuditEntry]) -> None:
    """Add entries behind the last one."""
    number, previous, _ = _read_last(connection) or (0, GENESIS, None)
    for entry in entries:
        number += 1
        sealed = seal(_clean(entry), number=number, previous=previous)
        connection.execute(insert(valve_audit).values(**_build_audit_row(sealed)))
        previous = sealed.digest


def read_audit(
    connection: Connection, valve: str = "", order: str = ""
) -> list[Sealed[AuditEntry]]:
    """Read the audit, of a valve or an order or all, from the beginning."""
    query = select(valve_audit).order_by(valve_audit.c.number)
    if valve:
        query = query.where(valve_audit.c.valve == valve)
    if order:
        query = query.where(valve_audit.c.order == order)
    return [_build_entry(dict(row)) for row in connection.execute(query).mappings()]


def _read_last(connection: Connection) -> tuple[int, str, datetime] | None:
    query = select(valve_audit.c.number, valve_audit.c.digest, valve_audit.c.time_us)
    row = connection.execute(query.order_by(valve_audit.c.number.desc()).limit(1))
    last = row.first()
    if last is None:
        return None
    return int(last.number), str(last.digest), from_microseconds(last.time_us)


def _build_order_row(order: Order) -> dict[str, object]:
    is_live = order.stage in _LIVE or (order.sent is not None and not order.settled)
    ended = order.closed or order.deadline or order.proposed
    return {
        "id": order.id,
        "valve": order.valve,
        "stage": str(order.stage),
        "ended_us": None if is_live else to_microseconds(ended),
        "body": _plain(asdict(order)),
    }


def _build_order(body: Mapping[str, Any]) -> Order:
    values = _read_times(body, _ORDER_TIMES)
    values["stage"] = Stage(values["stage"])
    values["sensors"] = tuple(values["sensors"])
    return Order(**values)


def _build_state(body: Mapping[str, Any]) -> ValveState:
    values = _read_times(body, _STATE_TIMES)
    if values["report"] is not None:
        said = _read_times(values["report"], {"time", "received"})
        values["report"] = ValveReport(**said)
    values["stray"] = tuple((day, m3) for day, m3 in values["stray"])
    values["alarms"] = tuple(values["alarms"])
    return ValveState(**values)


def _build_audit_row(sealed: Sealed[AuditEntry]) -> dict[str, object]:
    entry = sealed.entry
    row: dict[str, object] = {f.name: getattr(entry, f.name) for f in fields(entry)}
    row["time_us"] = to_microseconds(entry.time)
    del row["time"]
    return row | {
        "number": sealed.number,
        "previous": sealed.previous,
        "digest": sealed.digest,
        "before": dict(entry.before),
        "after": dict(entry.after),
    }


def _build_entry(row: Mapping[str, Any]) -> Sealed[AuditEntry]:
    entry = AuditEntry(
        time=from_microseconds(row["time_us"]),
        valve=row["valve"],
        order=row["order"],
        who=row["who"],
        what=row["what"],
        why=row["why"],
        before=row["before"],
        after=row["after"],
    )
    return Sealed(
        number=row["number"],
        entry=entry,
        previous=row["previous"],
        digest=row["digest"],
    )


def _clean(entry: AuditEntry) -> AuditEntry:
    # PostgreSQL keeps no NUL in a text, and these words come from people.
    return AuditEntry(
        time=entry.time,
        valve=entry.valve,
        order=entry.order,
        who=entry.who.replace("\0", ""),
        what=entry.what,
        why=entry.why.replace("\0", ""),
        before=entry.before,
        after=entry.after,
    )


def _plain(value: object) -> Any:  # noqa: ANN401  whatever JSON holds
    if isinstance(value, Mapping):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    return value.replace("\0", "") if isinstance(value, str) else value


def _read_times(body: Mapping[str, Any], names: Collection[str]) -> dict[str, Any]:
    return {
        name: datetime.fromisoformat(value) if name in names and value else value
        for name, value in body.items()
    }
