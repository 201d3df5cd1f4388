"""Who may use the desk: accounts, their passwords and tokens."""

from datetime import datetime

from agroforest.core.account import Account, Token
from agroforest.store import accounts
from agroforest.store.database import Database


class Members:
    """Accounts in the database of a `Store`; each method is one transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add_account(self, account: Account, password_hash: str | None = None) -> None:
        """Record a new account.

        Raises
        ------
        DataError
            There is one of that name.
        """
        with self._database.writing() as connection:
            accounts.add_account(connection, account, password_hash)

    def change_account(self, account: Account) -> None:
        """Record what is newly known of an account; its password stays.

        Raises
        ------
        DataError
            There is none of that name.
        """
        with self._database.writing() as connection:
            accounts.change_account(connection, account)

    def set_password(self, name: str, password_hash: str | None) -> None:
        """Record the hash of an account's new password, ``None`` to have none.

        Raises
        ------
        DataError
            There is no account of that name.
        """
        with self._database.writing() as connection:
            accounts.set_password(connection, name, password_hash)

    def account(self, name: str) -> Account | None:
        """Find the account of that name, or ``None``."""
        with self._database.reading() as connection:
            return accounts.read_account(connection, name)

    def accounts(self) -> list[Account]:
        """Find every account, by name."""
        with self._database.reading() as connection:
            return accounts.read_accounts(connection)

    def password_hash(self, name: str) -> str | None:
        """Find the hash of a password; ``None`` without account or password."""
        with self._database.reading() as connection:
            return accounts.read_password_hash(connection, name)

    def add_token(self, token: Token) -> None:
        """Record a token.

        Raises
        ------
        DataError
            Its account is not known.
        """
        with self._database.writing() as connection:
            accounts.add_token(connection, token)

    def token(self, digest: str, now: datetime) -> Token | None:
        """Find a token that has not expired, of an account that is not disabled."""
        with self._database.reading() as connection:
            return accounts.read_token(connection, digest, now)

    def touch_token(self, digest: str, now: datetime) -> None:
        """Record that a token was used; writes once a minute at most."""
        with self._database.reading() as connection:
            stale = accounts.needs_touch(connection, digest, now)
        if stale:
            with self._database.writing() as connection:
                accounts.touch_token(connection, digest, now)

    def tokens(self, account: str) -> list[Token]:
        """Find the tokens of an account, expired ones too, the newest first."""
        with self._database.reading() as connection:
            return accounts.read_tokens(connection, account)

    def drop_token(self, digest: str) -> bool:
        """Remove a token; whether there was one."""
        with self._database.writing() as connection:
            return accounts.drop_tokens(connection, digest=digest) > 0

    def drop_tokens(self, account: str) -> int:
        """Remove every token of an account; how many those were."""
        with self._database.writing() as connection:
            return accounts.drop_tokens(connection, name=account)

    def drop_expired(self, now: datetime) -> int:
        """Remove tokens that have expired; how many those were."""
        with self._database.writing() as connection:
            return accounts.drop_expired(connection, now)
