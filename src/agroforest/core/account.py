"""People, what each may do, and what of the map each may see."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, time
from enum import StrEnum

from agroforest.core.risk import Hazard


class Role(StrEnum):
    """What somebody is to the desk."""

    VIEWER = "viewer"
    FARMER = "farmer"  #: their own parcels and nothing else
    REVIEWER = "reviewer"
    SUPERVISOR = "supervisor"
    ADMIN = "admin"


class Right(StrEnum):
    """What can be allowed; also the scopes of tokens."""

    SEE_CASES = "cases:read"
    SEE_EXACT = "places:exact"  #: coordinates as they are, not coarsened
    SEE_PARCELS = "parcels:read"  #: every parcel; a farmer sees their own without it
    SEE_AUDIT = "audit:read"
    SEE_ACCOUNTS = "accounts:read"
    JUDGE = "cases:judge"  #: pass, confirm, dismiss, note, field checks, merge, split
    SUPERVISE = "cases:supervise"  #: approve, return, close, reopen
    SET_THRESHOLDS = "thresholds:write"
    MANAGE_ACCOUNTS = "accounts:write"


_VIEW = frozenset({Right.SEE_CASES, Right.SEE_PARCELS})
_REVIEW = _VIEW | {Right.SEE_EXACT, Right.JUDGE}
_SUPERVISE = _REVIEW | {Right.SUPERVISE, Right.SEE_AUDIT, Right.SET_THRESHOLDS}

#: What each role may do.
RIGHTS: Mapping[Role, frozenset[Right]] = {
    Role.VIEWER: _VIEW,
    Role.FARMER: frozenset(),
    Role.REVIEWER: _REVIEW,
    Role.SUPERVISOR: _SUPERVISE,
    Role.ADMIN: frozenset(Right),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Interest:
    """What somebody wants to be told of, and when.

    Attributes
    ----------
    hazards
        Of these; of all if empty.
    counties
        Codes; of all if empty.
    quiet
        From and until when nothing but a fire disturbs, local time of the desk;
        ``None`` if any time is right. May pass midnight.
    quota
        Messages a day before the rest goes into one digest; fires do not count.
    digest
        Whether all but fires come once a day, in one message.
    """

    hazards: tuple[Hazard, ...] = ()
    counties: tuple[str, ...] = ()
    quiet: tuple[time, time] | None = None
    quota: int = 20
    digest: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Account:
    """Somebody who may log in or be written to.

    Attributes
    ----------
    name
        What they log in with; lower case, unique.
    title
        As others see them.
    role
        What they are.
    language
        ``zh`` or ``en``.
    contacts
        Address by name of a channel; what the channel understands.
    parcels
        Ids of a farmer's own parcels.
    interest
        What they are told of.
    created
        When, UTC.
    disabled
        Whether they may not log in, and nobody writes to them.
    """

    name: str
    title: str
    role: Role
    created: datetime
    language: str = "zh"
    contacts: Mapping[str, str] = field(default_factory=dict, hash=False)
    parcels: tuple[str, ...] = ()
    interest: Interest = Interest()
    disabled: bool = False

    def may(self, right: Right) -> bool:
        """Whether the role allows it."""
        return not self.disabled and right in RIGHTS[self.role]

    def patch(self, **changes: object) -> "Account":
        """Copy with some fields changed."""
        return replace(self, **changes)  # type: ignore[arg-type]


@dataclass(frozen=True, kw_only=True, slots=True)
class Token:
    """Something that stands for an account: a browser's session or a program's token.

    Attributes
    ----------
    digest
        SHA-256 of the secret, which is kept nowhere.
    account
        Name of the account.
    kind
        ``session`` or ``api``.
    created, expires, used
        UTC; `used` is the last time it was shown, to the minute.
    scopes
        Rights it carries at most; of a session those of the account.
    label
        What it is for, in the words of who made it.
    """

    digest: str
    account: str
    kind: str
    created: datetime
    expires: datetime
    used: datetime
    scopes: frozenset[Right] = frozenset(Right)
    label: str = ""
