"""Accounts as they come and go, each time with a word in the audit."""

import re
from collections.abc import Iterable, Mapping
from datetime import datetime, time, timedelta
from typing import Any

from agroforest.core.account import RIGHTS, Account, Right, Role
from agroforest.core.audit import Deed
from agroforest.core.errors import ConfigurationError, DataError
from agroforest.core.review import NIGHT
from agroforest.core.risk import Hazard
from agroforest.review.commands import NAME_LENGTH, check_text
from agroforest.store import Store

#: Who acts at the machine itself, by no account.
OPERATOR = "operator"
_NAME = re.compile(r"[a-z0-9][a-z0-9._@-]{0,63}")
#: Names that the record uses for what is nobody.
_TAKEN = frozenset({NIGHT, OPERATOR, "desk"})
_LANGUAGES = ("zh", "en")
#: Typed where a list shall be empty.
NOTHING = "-"


def add_account(
    store: Store,
    account: Account,
    password_hash: str | None,
    *,
    by: str,
    now: datetime,
) -> None:
    """Record a new account.

    Raises
    ------
    DataError
        Its name or language cannot be used, or there is one of that name.
    """
    check_account(account)
    store.desk.add_account(account, password_hash)
    after = {"role": str(account.role), "parcels": list(account.parcels)}
    _note(store, by, "account.created", account.name, now, after=after)


def change_account(
    store: Store, name: str, changes: Mapping[str, object], *, by: str, now: datetime
) -> Account:
    """Change what is known of an account; its password stays.

    Parameters
    ----------
    store
        Open.
    name
        Of the account.
    changes
        Fields of `Account`, as they shall be.
    by
        Who does it.
    now
        UTC.

    Raises
    ------
    DataError
        There is no such account, or it could not be used.
    """
    before = require_account(store, name)
    after = before.patch(**changes)
    check_account(after)
    if after == before:
        return before
    store.desk.change_account(after)
    old, new = describe_account(before), describe_account(after)
    moved = [field for field in new if old[field] != new[field]]
    deed = Deed(
        time=now,
        who=by,
        what="account.changed",
        subject=name,
        before={field: old[field] for field in moved},
        after={field: new[field] for field in moved},
    )
    store.desk.add_deeds([deed])
    return after


def describe_account(account: Account) -> dict[str, Any]:
    """Describe an account in plain values, without its name."""
    quiet = account.interest.quiet
    return {
        "title": account.title,
        "role": str(account.role),
        "language": account.language,
        "contacts": dict(account.contacts),
        "parcels": list(account.parcels),
        "interest": {
            "hazards": [str(hazard) for hazard in account.interest.hazards],
            "counties": list(account.interest.counties),
            "quiet": None if quiet is None else [f"{at:%H:%M}" for at in quiet],
            "quota": account.interest.quota,
            "digest": account.interest.digest,
        },
        "disabled": account.disabled,
    }


def disable_account(
    store: Store, name: str, *, disabled: bool, by: str, now: datetime
) -> Account:
    """Disable an account and end what stands for it, or enable it again.

    Raises
    ------
    DataError
        There is no such account.
    """
    before = require_account(store, name)
    if before.disabled == disabled:
        return before
    after = before.patch(disabled=disabled)
    store.desk.change_account(after)
    if disabled:
        store.desk.drop_tokens(name)
    what = "account.disabled" if disabled else "account.enabled"
    _note(store, by, what, name, now)
    return after


def set_password(
    store: Store, name: str, password_hash: str, *, by: str, now: datetime
) -> None:
    """Set a password; whoever was logged in as this account is no more.

    Raises
    ------
    DataError
        There is no such account.
    """
    require_account(store, name)
    store.desk.set_password(name, password_hash)
    store.desk.drop_tokens(name)
    _note(store, by, "account.password", name, now)


def note_token(
    store: Store,
    account: Account,
    scopes: frozenset[Right],
    *,
    lasting: timedelta,
    label: str,
    by: str,
    now: datetime,
) -> None:
    """Put into the audit that a token is made, without its secret."""
    check_text("label of a token", label, NAME_LENGTH)
    after = {
        "scopes": sorted(map(str, scopes)),
        "expires": (now + lasting).isoformat(),
        "label": label,
    }
    _note(store, by, "token.created", account.name, now, after=after)


def require_account(store: Store, name: str) -> Account:
    """Find an account.

    Raises
    ------
    DataError
        There is none of that name.
    """
    found = store.desk.account(name)
    if found is None:
        raise DataError(
            f"account {name}", "is not known", "list them: agroforest account list"
        )
    return found


def check_account(account: Account) -> None:
    """Refuse an account that could not be used.

    Raises
    ------
    DataError
        Its name, title or language is none.
    """
    where = f"account {account.name}"
    if not _NAME.fullmatch(account.name):
        raise DataError(
            where,
            "is no name",
            "use lower case, digits and . _ @ -, 64 characters at most",
        )
    if account.name in _TAKEN:
        raise DataError(where, "is taken by the record itself", "choose another name")
    if account.language not in _LANGUAGES:
        raise DataError(
            where, f"language {account.language!r} is not known", "give zh or en"
        )
    check_text(f"title of {where}", account.title, NAME_LENGTH)
    for channel, address in account.contacts.items():
        check_text(f"{where}, {channel}", address, NAME_LENGTH)


def read_role(text: str) -> Role:
    """Read a role as it is typed.

    Raises
    ------
    ConfigurationError
        It is none.
    """
    if text not in set(Role):
        raise ConfigurationError(
            "--role", f"{text!r} is not known", f"give one of {', '.join(Role)}"
        )
    return Role(text)


def read_contacts(pairs: Iterable[str]) -> Mapping[str, str]:
    """Read contacts as they are typed, ``channel=address``.

    Raises
    ------
    ConfigurationError
        One of them is none.
    """
    found = {}
    for pair in pairs:
        channel, equals, address = pair.partition("=")
        if not (channel.strip() and equals and address.strip()):
            raise ConfigurationError(
                "--contact", f"{pair!r} is none", "write mail=li@example.cn"
            )
        found[channel.strip()] = address.strip()
    return found


def read_quiet(text: str) -> tuple[time, time] | None:
    """Read quiet hours as they are typed, ``22:00-06:30``; ``-`` for none.

    Raises
    ------
    ConfigurationError
        It is neither.
    """
    if text == NOTHING:
        return None
    try:
        start, end = (time.fromisoformat(part.strip()) for part in text.split("-"))
    except ValueError:
        raise ConfigurationError(
            "--quiet", f"{text!r} is no time of day", "write 22:00-06:30, or - for none"
        ) from None
    return start, end


def read_hazards(words: Iterable[str]) -> tuple[Hazard, ...]:
    """Read hazards as they are typed; ``-`` for all.

    Raises
    ------
    ConfigurationError
        One is not known.
    """
    asked = read_list(words)
    for word in asked:
        if word not in set(Hazard):
            raise ConfigurationError(
                "--hazard", f"{word!r} is not known", f"give one of {', '.join(Hazard)}"
            )
    return tuple(map(Hazard, asked))


def read_list(words: Iterable[str]) -> tuple[str, ...]:
    """Read a list as it is typed, each once; ``-`` empties it."""
    return tuple(dict.fromkeys(word for word in words if word != NOTHING))


def read_scopes(account: Account, scopes: Iterable[str]) -> frozenset[Right]:
    """Read the rights of a token as they are typed; all of the account's if none are.

    Raises
    ------
    ConfigurationError
        One is not known, or the account does not have it itself.
    """
    has = RIGHTS[account.role]
    asked = list(scopes)
    for scope in asked:
        if scope not in set(has):
            raise ConfigurationError(
                "--scope",
                f"{scope!r} is no right of {account.name} ({account.role})",
                f"give some of {', '.join(sorted(has)) or 'none'}",
            )
    return frozenset(map(Right, asked)) or has


def _note(
    store: Store,
    by: str,
    what: str,
    name: str,
    now: datetime,
    *,
    after: Mapping[str, object] | None = None,
) -> None:
    deed = Deed(time=now, who=by, what=what, subject=name, after=dict(after or {}))
    store.desk.add_deeds([deed])
