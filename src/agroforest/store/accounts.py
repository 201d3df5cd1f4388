"""People who may log in or are written to, and what stands for them, as rows.

Every function works on a connection inside the caller's transaction.
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from datetime import datetime, time
from typing import Any

from sqlalchemy import Connection, Row, Select, delete, insert, select, update

from agroforest.core.account import Account, Interest, Right, Role, Token
from agroforest.core.errors import DataError
from agroforest.core.risk import Hazard
from agroforest.store.desk_schema import account, token
from agroforest.store.statements import insert_missing
from agroforest.store.texts import clean, plain
from agroforest.store.times import from_microseconds, to_microseconds

_MINUTE_US = 60_000_000


def add_account(
    connection: Connection, new: Account, password_hash: str | None
) -> None:
    """Record a new account.

    Raises
    ------
    DataError
        There is one of that name.
    """
    row = _build_account_row(new) | {"password_hash": password_hash}
    if insert_missing(connection, account, [row]) == 0:
        raise DataError(
            f"account {new.name}", "exists already", "choose another name, or change it"
        )


def change_account(connection: Connection, changed: Account) -> None:
    """Record what is newly known of an account; its password stays.

    Raises
    ------
    DataError
        There is none of that name.
    """
    row = _build_account_row(changed)
    _change(connection, changed.name, row)


def set_password(connection: Connection, name: str, password_hash: str | None) -> None:
    """Record the hash of a new password; ``None`` for nobody can log in with one.

    Raises
    ------
    DataError
        There is no account of that name.
    """
    _change(connection, name, {"password_hash": password_hash})


def _change(connection: Connection, name: str, row: Mapping[str, object]) -> None:
    statement = update(account).where(account.c.name == clean(name)).values(**row)
    if connection.execute(statement).rowcount == 0:
        raise DataError(
            f"account {name}", "is not known", "list them: agroforest account list"
        )


def read_account(connection: Connection, name: str) -> Account | None:
    """Read the account of that name."""
    query = select(account).where(account.c.name == clean(name))
    row = connection.execute(query).first()
    return None if row is None else _build_account(row)


def read_password_hash(connection: Connection, name: str) -> str | None:
    """Read the hash of an account's password; ``None`` without account or password."""
    query = select(account.c.password_hash).where(account.c.name == clean(name))
    found: str | None = connection.execute(query).scalar()
    return found


def read_accounts(connection: Connection) -> list[Account]:
    """Read every account, by name."""
    rows = connection.execute(select(account)).all()
    return sorted((_build_account(row) for row in rows), key=lambda a: a.name)


# -------------------------------------------------------------------------- tokens


def add_token(connection: Connection, new: Token) -> None:
    """Record a new token.

    Raises
    ------
    DataError
        Its account is not known.
    """
    if read_account(connection, new.account) is None:
        raise DataError(
            f"account {new.account}",
            "is not known",
            "list them: agroforest account list",
        )
    connection.execute(insert(token).values(**_build_token_row(new)))


def read_token(connection: Connection, digest: str, now: datetime) -> Token | None:
    """Read a token that still stands for somebody who may log in."""
    rows = connection.execute(_select_valid(digest, now))
    return next((_build_token(row) for row in rows), None)


def needs_touch(connection: Connection, digest: str, now: datetime) -> bool:
    """Whether a token was last used in another minute."""
    query = select(token.c.used_us).where(token.c.digest == digest)
    used = connection.execute(query).scalar()
    return used is not None and used < _floor_minute(now)


def touch_token(connection: Connection, digest: str, now: datetime) -> None:
    """Record that a token was used, to the minute."""
    minute = _floor_minute(now)
    statement = update(token).where(token.c.digest == digest, token.c.used_us < minute)
    connection.execute(statement.values(used_us=minute))


def drop_tokens(connection: Connection, *, digest: str = "", name: str = "") -> int:
    """Remove one token, or all of an account; how many those were."""
    wanted = token.c.digest == digest if digest else token.c.account == clean(name)
    return int(connection.execute(delete(token).where(wanted)).rowcount)


def read_tokens(connection: Connection, name: str) -> list[Token]:
    """Read the tokens of an account, the newest first."""
    query = select(token).where(token.c.account == clean(name))
    rows = connection.execute(query.order_by(token.c.created_us.desc(), token.c.digest))
    return [_build_token(row) for row in rows]


def drop_expired(connection: Connection, now: datetime) -> int:
    """Remove tokens that stand for nobody any more; how many those were."""
    ended = token.c.expires_us <= to_microseconds(now)
    return int(connection.execute(delete(token).where(ended)).rowcount)


def _select_valid(digest: str, now: datetime) -> Select[Any]:
    owned = select(token).join(account, account.c.name == token.c.account)
    return owned.where(
        token.c.digest == digest,
        token.c.expires_us > to_microseconds(now),
        account.c.disabled.is_(False),
    )


def _floor_minute(now: datetime) -> int:
    count = to_microseconds(now)
    return count - count % _MINUTE_US


# ---------------------------------------------------------------------------- rows


def _build_account_row(one: Account) -> dict[str, object]:
    row: dict[str, object] = {
        "name": one.name,
        "title": one.title,
        "role": one.role,
        "language": one.language,
        "contacts": one.contacts,
        "parcels": one.parcels,
        "interest": asdict(one.interest),
        "created_us": to_microseconds(one.created),
        "disabled": one.disabled,
    }
    return dict(plain(row))


def _build_account(row: Row[Any]) -> Account:
    return Account(
        name=row.name,
        title=row.title,
        role=Role(row.role),
        language=row.language,
        contacts=row.contacts,
        parcels=tuple(row.parcels),
        interest=_build_interest(row.interest),
        created=from_microseconds(row.created_us),
        disabled=row.disabled,
    )


def _build_interest(body: Mapping[str, Any]) -> Interest:
    quiet = body["quiet"]
    return Interest(
        hazards=tuple(Hazard(word) for word in body["hazards"]),
        counties=tuple(body["counties"]),
        quiet=None if quiet is None else (_time(quiet[0]), _time(quiet[1])),
        quota=body["quota"],
        digest=body["digest"],
    )


def _time(written: str) -> time:
    return time.fromisoformat(written)


def _build_token_row(one: Token) -> dict[str, object]:
    scopes: Iterable[Right] = one.scopes
    row: dict[str, object] = {
        "digest": one.digest,
        "account": one.account,
        "kind": one.kind,
        "created_us": to_microseconds(one.created),
        "expires_us": to_microseconds(one.expires),
        "used_us": _floor_minute(one.used),
        "scopes": scopes,
        "label": one.label,
    }
    return dict(plain(row))


def _build_token(row: Row[Any]) -> Token:
    return Token(
        digest=row.digest,
        account=row.account,
        kind=row.kind,
        created=from_microseconds(row.created_us),
        expires=from_microseconds(row.expires_us),
        used=from_microseconds(row.used_us),
        scopes=frozenset(right for right in Right if right in row.scopes),
        label=row.label,
    )
