"""Messages on their way to people, as rows.

Every function works on a connection inside the caller's transaction.
"""

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    and_,
    exists,
    literal_column,
    or_,
    select,
    update,
)

from agroforest.core.message import Delivery, Message, News
from agroforest.store.desk_schema import message
from agroforest.store.statements import insert_missing
from agroforest.store.texts import clean, plain
from agroforest.store.times import from_microseconds, to_microseconds


def write_messages(connection: Connection, messages: Iterable[Message]) -> int:
    """Record messages whose key is not there yet; how many those were."""
    return insert_missing(connection, message, [_build_row(each) for each in messages])


def is_due(connection: Connection, now: datetime, channel: str = "") -> bool:
    """Whether `claim_messages` would find anything; costs no lock."""
    waiting, sending = (
        exists().where(_of_channel(condition, channel)) for condition in _due(now)
    )
    return bool(connection.execute(select(or_(waiting, sending))).scalar())


def claim_messages(
    connection: Connection,
    now: datetime,
    *,
    limit: int,
    lease: timedelta,
    channel: str = "",
) -> list[Message]:
    """Take messages that are due, urgent ones first, so that nobody else does.

    They are those that wait, and those that somebody took and has let the lease of
    run out.
    """
    keys: list[str] = []
    for condition in _due(now):
        query = select(message.c.key).where(_of_channel(condition, channel))
        # What quiet hours held back is due at once: it is told as it happened.
        order = (message.c.due_us, message.c.created_us, message.c.key)
        query = query.order_by(message.c.urgent.desc(), *order)
        query = query.limit(limit - len(keys))
        # A row that another claimer holds is theirs; SQLite lets in one at a time.
        keys += connection.scalars(query.with_for_update(skip_locked=True))
    taken = (
        update(message)
        .where(message.c.key.in_(keys))
        .values(
            delivery=str(Delivery.SENDING),
            attempts=message.c.attempts + 1,
            lease_us=to_microseconds(now + lease),
        )
        .returning(message)
    )
    found = {row.key: _build(row) for row in connection.execute(taken)} if keys else {}
    return [found[key] for key in keys]


def settle_message(connection: Connection, settled: Message) -> bool:
    """Record how an attempt ended, and when to try again.

    What was sent stays sent. Whoever was overtaken by another attempt, because the
    lease ran out, can only say that theirs was sent.

    Returns
    -------
    bool
        Whether it was recorded.
    """
    is_current = message.c.attempts == settled.attempts
    wanted = [message.c.key == clean(settled.key), message.c.delivery != Delivery.SENT]
    if settled.delivery != Delivery.SENT:
        wanted.append(is_current)
    row = _build_row(settled)
    names = ("due_us", "delivery", "sent_us", "error", "lease_us")
    values = {name: row[name] for name in names}
    return (
        connection.execute(update(message).where(*wanted).values(**values)).rowcount > 0
    )


def read_message(connection: Connection, key: str) -> Message | None:
    """Read the message of that key."""
    query = select(message).where(message.c.key == clean(key))
    row = connection.execute(query).first()
    return None if row is None else _build(row)


def read_messages(
    connection: Connection,
    *,
    subject: str = "",
    account: str = "",
    delivery: Collection[Delivery] = (),
    since: datetime | None = None,
    limit: int = 200,
) -> list[Message]:
    """Read messages, the newest first; what is empty asks for all."""
    query = select(message)
    if subject:
        query = query.where(message.c.subject == clean(subject))
    if account:
        query = query.where(message.c.account == clean(account))
    if delivery:
        query = query.where(message.c.delivery.in_(sorted(map(str, delivery))))
    if since is not None:
        query = query.where(message.c.created_us >= to_microseconds(since))
    query = query.order_by(message.c.created_us.desc(), message.c.key).limit(limit)
    return [_build(row) for row in connection.execute(query)]


def acknowledge_message(connection: Connection, key: str, now: datetime) -> bool:
    """Record that somebody followed a message's link; whether that is news."""
    wanted = (message.c.key == clean(key), message.c.acknowledged_us.is_(None))
    statement = update(message).where(*wanted)
    values = {"acknowledged_us": to_microseconds(now)}
    return connection.execute(statement.values(**values)).rowcount > 0


def _due(now: datetime) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    """Conditions of what waits and of what was taken too long ago.

    The words are written out, for the partial indexes are found only so.
    """
    moment = to_microseconds(now)
    return (
        and_(_is(Delivery.WAITING), message.c.due_us <= moment),
        and_(_is(Delivery.SENDING), message.c.lease_us <= moment),
    )


def _is(delivery: Delivery) -> ColumnElement[bool]:
    return message.c.delivery == literal_column(f"'{delivery}'")


def _of_channel(condition: ColumnElement[bool], channel: str) -> ColumnElement[bool]:
    return and_(condition, message.c.channel == channel) if channel else condition


def _build_row(one: Message) -> dict[str, Any]:
    row: dict[str, object] = {
        "key": one.key,
        "subject": one.subject,
        "state": one.state,
        "news": one.news,
        "account": one.account,
        "channel": one.channel,
        "created_us": to_microseconds(one.created),
        "due_us": to_microseconds(one.due),
        "urgent": one.urgent,
        "facts": one.facts,
        "delivery": one.delivery,
        "attempts": one.attempts,
        "lease_us": _count(one.lease),
        "sent_us": _count(one.sent),
        "acknowledged_us": _count(one.acknowledged),
        "error": one.error,
    }
    return dict(plain(row))


def _build(row: Row[Any]) -> Message:
    return Message(
        key=row.key,
        subject=row.subject,
        state=row.state,
        news=News(row.news),
        account=row.account,
        channel=row.channel,
        created=from_microseconds(row.created_us),
        due=from_microseconds(row.due_us),
        urgent=row.urgent,
        facts=row.facts,
        delivery=Delivery(row.delivery),
        attempts=row.attempts,
        lease=_time(row.lease_us),
        sent=_time(row.sent_us),
        acknowledged=_time(row.acknowledged_us),
        error=row.error,
    )


def _count(moment: datetime | None) -> int | None:
    return None if moment is None else to_microseconds(moment)


def _time(count: int | None) -> datetime | None:
    return None if count is None else from_microseconds(count)
