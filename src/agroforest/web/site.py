"""What every page of the desk needs: the store, settings, the clock."""

import os
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import Generic, TypeVar

from sqlalchemy import select

from agroforest.core.account import Account, Right
from agroforest.core.errors import ConfigurationError
from agroforest.core.queue import DeskChanges
from agroforest.desk.bureau import Bureau
from agroforest.desk.settings import OidcSection
from agroforest.desk.work import act
from agroforest.review.commands import Command
from agroforest.store import Store
from agroforest.store.desk_schema import case_tally, review_case
from agroforest.web.lanes import Lane
from agroforest.web.limits import Limit
from agroforest.web.oidc import Oidc
from agroforest.web.serve import OWN
from agroforest.web.sessions import Sessions

_Kept = TypeVar("_Kept")
#: Seconds for which counts, accounts and counties are not asked for again. Arbitrary;
#: what this process changes itself is seen at once.
_TALLY_S, _ACCOUNTS_S, _COUNTIES_S = 3.0, 30.0, 300.0
#: Pages that are made at once: one waits for the database while another is written.
_PAGES_AT_ONCE = 3


def read_clock() -> datetime:
    """Now, UTC."""
    return datetime.now(UTC)


class Remembered(Generic[_Kept]):
    """An answer that is asked for again after a while, or once it is known to be old.

    Parameters
    ----------
    ask
        Gives the answer.
    seconds
        How long it serves.
    """

    def __init__(self, ask: Callable[[], _Kept], seconds: float) -> None:
        self._ask, self._seconds = ask, seconds
        self._answer: tuple[float, _Kept] | None = None
        self._asking = threading.Lock()
        self._era = 0

    def __call__(self) -> _Kept:
        """Answer; while one thread asks anew, the others take the last answer."""
        kept = self._answer
        if kept is not None:
            is_fresh = monotonic() - kept[0] < self._seconds
            if is_fresh or not self._asking.acquire(blocking=False):
                return kept[1]
        else:
            self._asking.acquire()
        try:
            era = self._era
            answer = self._ask()
            if era == self._era:  # else it may be older than what made us forget
                self._answer = (monotonic(), answer)
        finally:
            self._asking.release()
        return answer

    def forget(self) -> None:
        """Ask again next time."""
        self._era += 1
        self._answer = None


@dataclass(frozen=True, kw_only=True, slots=True)
class NavEntry:
    """A page that the navigation names.

    Attributes
    ----------
    key
        Of its words.
    path
        Where it is.
    right
        What one needs to see it.
    farmers
        Whether farmers see it without that right.
    """

    key: str
    path: str
    right: Right
    farmers: bool = False


class Site:
    """The desk as its pages know it.

    Parameters
    ----------
    store
        Open; closed by whoever opened it.
    bureau
        Settings, counties and places.
    host
        Where it listens; on this machine alone, it answers to no other name unless
        the settings give one.
    now
        The clock, UTC.

    Attributes
    ----------
    secure
        Whether browsers reach it by HTTPS.
    hosts
        Names it answers to; every name if empty.
    zone
        Time zone of what people read.
    simulated
        Whether some of what is shown never happened.
    oidc
        Where people may log in instead; ``None`` if nowhere.
    lane
        In which the pages that are asked for most are made.
    """

    def __init__(
        self,
        store: Store,
        bureau: Bureau,
        *,
        host: str = "127.0.0.1",
        now: Callable[[], datetime] = read_clock,
    ) -> None:
        self.store, self.bureau, self.now = store, bureau, now
        settings = bureau.settings
        web = settings.web
        is_private = host in OWN and not web.hosts
        self.secure = web.secure and not is_private
        self.hosts = (*OWN, "[::1]") if is_private else web.hosts
        self.zone = settings.zone
        self.simulated = settings.notify.simulated or any(
            map(bureau.is_simulated, bureau.pipelines)
        )
        self.sessions = Sessions(
            store,
            idle=timedelta(minutes=web.idle_minutes),
            absolute=timedelta(hours=web.session_hours),
        )
        self.account_tries = Limit(burst=web.login_burst, hourly=web.login_hourly)
        self.address_tries = Limit(burst=web.login_burst, hourly=web.login_hourly)
        self.tally = Remembered(store.desk.tally, _TALLY_S)
        self.accounts = Remembered(self._read_accounts, _ACCOUNTS_S)
        self.counties = Remembered(lambda: _read_counties(store), _COUNTIES_S)
        self.oidc = None if web.oidc is None else _open_oidc(web.oidc)
        self.nav: tuple[NavEntry, ...] = ()
        self.lane = Lane(_PAGES_AT_ONCE)

    def act(
        self, command: Command, by: Account, *, seen: Mapping[str, int]
    ) -> DeskChanges:
        """Do what somebody asks for; see `agroforest.desk.work.act`."""
        done = act(self.store, self.bureau, command, by, now=self.now(), seen=seen)
        self.tally.forget()
        return done

    def title_of(self, account: str) -> str:
        """Name of an account as others see it; the account's own if it is gone."""
        found = self.accounts().get(account)
        return account if found is None else found.title or account

    def _read_accounts(self) -> Mapping[str, Account]:
        return {each.name: each for each in self.store.desk.accounts()}


def _open_oidc(settings: OidcSection) -> Oidc:
    """Open a provider with the client's secret, which no file holds.

    Raises
    ------
    ConfigurationError
        The variable is not set.
    """
    secret = os.environ.get(settings.secret_env, "")
    if not secret:
        raise ConfigurationError(
            f"variable {settings.secret_env}",
            "is not set, and [web.oidc] names it",
            "set it to the secret of the client",
        )
    return Oidc(settings, secret)


def _read_counties(store: Store) -> tuple[tuple[str, str, str], ...]:
    """Code, Chinese and English name of every county that has a case."""
    with store.reading() as connection:
        codes = connection.scalars(select(case_tally.c.county_code).distinct())
        named = select(review_case.c.county_zh, review_case.c.county_en).limit(1)
        found = [
            (code, *row)
            for code in codes.all()
            if code
            for row in connection.execute(
                named.where(review_case.c.county_code == code)
            ).all()
        ]
    return tuple(sorted((str(c), str(zh), str(en)) for c, zh, en in found))
