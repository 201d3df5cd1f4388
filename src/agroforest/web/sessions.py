"""Who is asking: secrets of browsers and programs, and whom they stand for.

A secret is 32 random bytes. The database keeps its SHA-256 alone: whoever reads the
database cannot use it, and random bytes need no slow hash.
"""

import hashlib
import hmac
import secrets
import threading
from collections import OrderedDict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from agroforest.core.account import Account, Right, Token
from agroforest.store import Store

SESSION, API = "session", "api"
#: Seconds for which an account found once is not asked for again: what another
#: process revokes is revoked here after that time. Arbitrary.
FRESH_S = 5.0
#: A token's last use is kept to the minute, so that looking does not mean writing.
_TOUCH = timedelta(minutes=1)
_REMEMBERED = 2_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Caller:
    """Somebody who has shown a secret.

    Attributes
    ----------
    account
        Theirs.
    token
        As it is kept.
    csrf
        What forms of this session send back; empty for programs.
    """

    account: Account
    token: Token
    csrf: str = ""

    def may(self, right: Right) -> bool:
        """Whether the role and the token's scope both allow it."""
        return right in self.token.scopes and self.account.may(right)


class Sessions:
    """Issues secrets and finds who showed one.

    Parameters
    ----------
    store
        Open.
    idle, absolute
        After how long without use, and after how long in any case, a session ends.
    """

    def __init__(self, store: Store, *, idle: timedelta, absolute: timedelta) -> None:
        self._store, self._idle, self._absolute = store, idle, absolute
        self._found: OrderedDict[str, tuple[datetime, Caller]] = OrderedDict()
        self._lock = threading.Lock()

    def begin(self, account: Account, now: datetime, *, instead_of: str = "") -> str:
        """Begin a session; the one it takes the place of ends.

        Returns
        -------
        str
            The secret of its cookie.
        """
        if instead_of:
            self.end(instead_of)
        secret = new_secret()
        token = Token(
            digest=digest_of(secret),
            account=account.name,
            kind=SESSION,
            created=now,
            expires=now + self._absolute,
            used=now,
        )
        self._store.desk.drop_expired(now)
        self._store.desk.add_token(token)
        return secret

    def issue(
        self,
        account: Account,
        now: datetime,
        *,
        scopes: Collection[Right],
        lasting: timedelta,
        label: str = "",
    ) -> str:
        """Make a token for a program; its secret is shown this once."""
        secret = new_secret()
        token = Token(
            digest=digest_of(secret),
            account=account.name,
            kind=API,
            created=now,
            expires=now + lasting,
            used=now,
            scopes=frozenset(scopes),
            label=label,
        )
        self._store.desk.add_token(token)
        return secret

    def recall(self, secret: str, kind: str, now: datetime) -> Caller | None:
        """Find who shows a secret without asking the database; ``None`` if unsure."""
        kept = self._found.get(digest_of(secret))
        if kept is None or (now - kept[0]).total_seconds() >= FRESH_S:
            return None
        return kept[1] if kept[1].token.kind == kind else None

    def find(self, secret: str, kind: str, now: datetime) -> Caller | None:
        """Find who shows a secret; ``None`` if nobody may with it."""
        digest = digest_of(secret)
        found = self._read(digest, secret, now)
        with self._lock:
            self._found.pop(digest, None)
            if found is not None:
                self._found[digest] = (now, found)
                if len(self._found) > _REMEMBERED:
                    self._found.popitem(last=False)
        return found if found is not None and found.token.kind == kind else None

    def end(self, secret: str) -> None:
        """End a session; nobody may with its secret any more."""
        digest = digest_of(secret)
        self._store.desk.drop_token(digest)
        with self._lock:
            self._found.pop(digest, None)

    def forget(self, account: str) -> None:
        """Ask the database again who an account is: something of it has changed."""
        with self._lock:
            gone = [d for d, (_, c) in self._found.items() if c.account.name == account]
            for digest in gone:
                del self._found[digest]

    def _read(self, digest: str, secret: str, now: datetime) -> Caller | None:
        desk = self._store.desk
        token = desk.token(digest, now)
        if token is None or token.expires <= now:
            return None
        if token.kind == SESSION and now - token.used >= self._idle:
            desk.drop_token(digest)
            return None
        account = desk.account(token.account)
        if account is None or account.disabled:
            return None
        if now - token.used >= _TOUCH:
            desk.touch_token(digest, now)
        csrf = derive_csrf(secret) if token.kind == SESSION else ""
        return Caller(account=account, token=token, csrf=csrf)


def new_secret() -> str:
    """32 random bytes, as text that cookies and headers can hold."""
    return secrets.token_urlsafe(32)


def digest_of(secret: str) -> str:
    """SHA-256 of a secret, hexadecimal: what is kept of it."""
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()


def derive_csrf(secret: str) -> str:
    """Derive what forms send back from the secret, which it does not tell."""
    return hmac.new(secret.encode("utf-8", "replace"), b"csrf", "sha256").hexdigest()


def is_csrf(shown: str, expected: str) -> bool:
    """Compare what a form sent with what it should have sent."""
    return bool(expected) and hmac.compare_digest(
        shown.encode("utf-8", "replace"), expected.encode()
    )
