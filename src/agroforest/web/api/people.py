"""Accounts and tokens over JSON."""

from datetime import datetime, timedelta
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, HTTPException, Path, Response
from pydantic import Field

from agroforest.core.account import RIGHTS, Account, Right, Role, Token
from agroforest.core.errors import DataError
from agroforest.desk import people
from agroforest.web.access import RefusedError, Visit, need, need_login
from agroforest.web.api.answers import BODY, FAULTS
from agroforest.web.api.shapes import Shape
from agroforest.web.passwords import LONGEST, SHORTEST, hash_password
from agroforest.web.sessions import API, SESSION, digest_of

_Look = Annotated[Visit, Depends(need(Right.SEE_ACCOUNTS))]
_Manage = Annotated[Visit, Depends(need(Right.MANAGE_ACCOUNTS))]
_Known = Annotated[Visit, Depends(need_login)]
_Name = Annotated[str, Path(max_length=64)]
_TokenId = Annotated[str, Path(pattern="^[0-9a-f]{16}$")]
_Password = Annotated[str, Field(min_length=SHORTEST, max_length=LONGEST)]
_Text = Annotated[str, Field(max_length=200)]
#: Of a token's digest, enough to tell one's tokens apart.
_ID_LENGTH = 16

router = APIRouter()


class AccountShape(Shape):
    """An account."""

    name: str
    title: str
    role: Role
    language: str
    contacts: dict[str, str] = Field(description="Address by name of a channel.")
    parcels: tuple[str, ...] = Field(description="Of a farmer.")
    created: datetime
    disabled: bool

    @classmethod
    def from_account(cls, account: Account) -> "AccountShape":
        """Show an account."""
        return cls(
            name=account.name,
            title=account.title,
            role=account.role,
            language=account.language,
            contacts=dict(account.contacts),
            parcels=account.parcels,
            created=account.created,
            disabled=account.disabled,
        )


class Me(Shape):
    """Who asks, and what they may do by what they showed."""

    account: AccountShape
    rights: tuple[Right, ...]


class NewAccount(Shape):
    """An account to be."""

    name: Annotated[str, Field(max_length=64, examples=["li.na"])]
    title: _Text = ""
    role: Role
    language: Literal["zh", "en"] = "zh"
    contacts: dict[_Text, _Text] = Field(default={}, max_length=20)
    parcels: tuple[_Text, ...] = Field(default=(), max_length=1000)
    password: _Password | None = Field(
        default=None, description="Without one, they log in elsewhere or not at all."
    )


class AccountChange(Shape):
    """What changes of an account; what is left out stays."""

    title: _Text | None = None
    role: Role | None = None
    language: Literal["zh", "en"] | None = None
    contacts: Annotated[dict[_Text, _Text], Field(max_length=20)] | None = None
    parcels: Annotated[tuple[_Text, ...], Field(max_length=1000)] | None = None
    disabled: bool | None = None
    password: _Password | None = Field(
        default=None, description="Ends their sessions and tokens."
    )


class TokenShape(Shape):
    """A token of a program."""

    id: str
    label: str
    scopes: tuple[Right, ...]
    created: datetime
    expires: datetime
    used: datetime

    @classmethod
    def from_token(cls, token: Token) -> "TokenShape":
        """Show a token."""
        return cls(
            id=token.digest[:_ID_LENGTH],
            label=token.label,
            scopes=tuple(sorted(token.scopes)),
            created=token.created,
            expires=token.expires,
            used=token.used,
        )


class NewToken(Shape):
    """A token to be."""

    label: _Text = Field(description="What it is for.", examples=["county dashboard"])
    scopes: tuple[Right, ...] = Field(
        min_length=1, max_length=20, description="Rights that you have yourself."
    )
    days: int = Field(default=90, ge=1, le=366, description="How long it lasts.")


class IssuedToken(TokenShape):
    """A token with its secret, which is shown this once."""

    secret: str = Field(description="Send it: `Authorization: Bearer …`.")


# None of these is asynchronous: a query would stop the loop.
@router.get("/me", responses=FAULTS, tags=["accounts"])
def show_me(visit: _Known) -> Me:
    """Show who you are to the desk."""
    rights = tuple(right for right in Right if visit.may(right))
    return Me(account=AccountShape.from_account(visit.account), rights=rights)


@router.get("/accounts", responses=FAULTS, tags=["accounts"])
def list_accounts(visit: _Look) -> tuple[AccountShape, ...]:
    """List accounts by name."""
    return tuple(map(AccountShape.from_account, visit.site.store.desk.accounts()))


@router.post("/accounts", status_code=201, responses=FAULTS | BODY, tags=["accounts"])
def add_account(visit: _Manage, form: NewAccount) -> AccountShape:
    """Add an account."""
    site, now = visit.site, visit.site.now()
    account = Account(
        name=form.name,
        title=form.title,
        role=form.role,
        created=now,
        language=form.language,
        contacts=form.contacts,
        parcels=form.parcels,
    )
    people.check_account(account)  # a hash costs much more
    kept = None if form.password is None else hash_password(form.password)
    people.add_account(site.store, account, kept, by=visit.account.name, now=now)
    site.accounts.forget()
    return AccountShape.from_account(account)


@router.get("/accounts/{name}", responses=FAULTS, tags=["accounts"])
def show_account(visit: _Look, name: _Name) -> AccountShape:
    """Show an account."""
    return AccountShape.from_account(_find(visit, name))


@router.patch("/accounts/{name}", responses=FAULTS | BODY, tags=["accounts"])
def change_account(visit: _Manage, name: _Name, form: AccountChange) -> AccountShape:
    """Change an account, disable or enable it, or set its password."""
    site, now, by = visit.site, visit.site.now(), visit.account.name
    before = _find(visit, name)
    is_less = form.disabled or form.role not in {None, before.role}
    if is_less and name == by:
        raise DataError(
            f"account {name}", "is your own", "let another administrator change it"
        )
    changes = form.model_dump(exclude_none=True, exclude={"disabled", "password"})
    if changes:
        people.change_account(site.store, name, changes, by=by, now=now)
    if form.password is not None:
        kept = hash_password(form.password)
        people.set_password(site.store, name, kept, by=by, now=now)
    if form.disabled is not None:
        people.disable_account(site.store, name, disabled=form.disabled, by=by, now=now)
    site.accounts.forget()
    site.sessions.forget(name)
    return AccountShape.from_account(_find(visit, name))


@router.get("/tokens", responses=FAULTS, tags=["tokens"])
def list_tokens(visit: _Known) -> tuple[TokenShape, ...]:
    """List your tokens, the newest first."""
    return tuple(map(TokenShape.from_token, _list_own(visit)))


@router.post("/tokens", status_code=201, responses=FAULTS | BODY, tags=["tokens"])
def add_token(visit: _Known, form: NewToken) -> IssuedToken:
    """Make a token; only from a session, so that none outlives itself."""
    site, now, account = visit.site, visit.site.now(), visit.account
    if visit.caller is None or visit.caller.token.kind != SESSION:
        raise RefusedError
    scopes, lasting = frozenset(form.scopes), timedelta(days=form.days)
    beyond = sorted(scopes - RIGHTS[account.role])
    if beyond:
        raise DataError("scopes", f"{', '.join(beyond)} is not yours", "leave it out")
    people.note_token(
        site.store,
        account,
        scopes,
        lasting=lasting,
        label=form.label,
        by=account.name,
        now=now,
    )
    secret = site.sessions.issue(
        account, now, scopes=scopes, lasting=lasting, label=form.label
    )
    digest = digest_of(secret)
    made = next(each for each in _list_own(visit) if each.digest == digest)
    return IssuedToken(**TokenShape.from_token(made).model_dump(), secret=secret)


@router.delete(
    "/tokens/{id}",
    status_code=204,
    responses=FAULTS,
    tags=["tokens"],
    response_class=Response,
)
def drop_token(visit: _Known, id: _TokenId) -> None:  # noqa: A002
    """End one of your tokens."""
    for token in _list_own(visit):
        if token.digest.startswith(id):
            visit.site.store.desk.drop_token(token.digest)
            visit.site.sessions.forget(visit.account.name)
            return
    raise HTTPException(404, f"you have no token {id}")


def _list_own(visit: Visit) -> list[Token]:
    tokens = visit.site.store.desk.tokens(visit.account.name)
    return [token for token in tokens if token.kind == API]


def _find(visit: Visit, name: str) -> Account:
    account = visit.site.store.desk.account(name)
    if account is None:
        raise HTTPException(404, f"there is no account {name}")
    return account
