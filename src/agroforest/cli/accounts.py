"""``agroforest account``: who may log in, be written to, and act."""

import sys
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from agroforest.cli.alerts_words import say, show
from agroforest.cli.desk_options import (
    DEFAULT_WORK,
    Database,
    Json,
    WorkFolder,
    dump,
    open_desk_store,
    read_now,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from agroforest.core.account import Account, Right
    from agroforest.store import Store

app = typer.Typer(help="Accounts of the desk. · 账号", no_args_is_help=True)

Name = Annotated[str, typer.Argument(metavar="NAME", help="What they log in with.")]
By = Annotated[
    str,
    typer.Option(
        "--as",
        envvar="AGROFOREST_ACCOUNT",
        metavar="ADMIN",
        help="Account that does it; the operator of this machine unless given.",
    ),
]
FromInput = Annotated[
    bool, typer.Option("--password-stdin", help="Read it from standard input.")
]


@app.callback()
def account() -> None:
    """账号：新增、列出、停用、密码、令牌 · Accounts of the desk."""


@app.command()
def add(
    name: Name,
    *,
    role: Annotated[
        str, typer.Option(help="viewer, farmer, reviewer, supervisor or admin.")
    ],
    title: Annotated[str, typer.Option(help="As others see them.")] = "",
    language: Annotated[str, typer.Option(help="zh or en.")] = "zh",
    contact: Annotated[
        list[str] | None,
        typer.Option(metavar="CHANNEL=ADDRESS", help="May be repeated."),
    ] = None,
    parcel: Annotated[
        list[str] | None, typer.Option(help="Id of a farmer's parcel; may be repeated.")
    ] = None,
    password_stdin: FromInput = False,
    no_password: Annotated[
        bool, typer.Option("--no-password", help="They cannot log in, yet are told.")
    ] = False,
    who: By = "",
    work: WorkFolder = DEFAULT_WORK,
    database: Database = "",
    as_json: Json = False,
) -> None:
    """新增账号 · Add an account; its password is asked for."""
    from agroforest.core.account import Account
    from agroforest.desk.people import add_account, read_contacts, read_role

    now = read_now()
    made = Account(
        name=name,
        title=title or name,
        role=read_role(role),
        created=now,
        language=language,
        contacts=read_contacts(contact or ()),
        parcels=tuple(parcel or ()),
    )
    hashed = None
    if not no_password:
        hashed = _hash(_ask_password(from_input=password_stdin))
    with open_desk_store(work, database, create=True) as store:
        add_account(store, made, hashed, by=_find_by(store, who), now=now)
    _tell(made, as_json=as_json)


@app.command()
def change(
    name: Name,
    *,
    role: Annotated[str, typer.Option(help="Another role.")] = "",
    title: Annotated[str, typer.Option(help="As others see them.")] = "",
    language: Annotated[str, typer.Option(help="zh or en.")] = "",
    contact: Annotated[
        list[str] | None,
        typer.Option(metavar="CHANNEL=ADDRESS", help="In the place of all before."),
    ] = None,
    parcel: Annotated[
        list[str] | None, typer.Option(help="In the place of all before; - for none.")
    ] = None,
    hazard: Annotated[
        list[str] | None, typer.Option(help="Told of these alone; - for all.")
    ] = None,
    county: Annotated[
        list[str] | None, typer.Option(help="Code; told of these alone; - for all.")
    ] = None,
    quiet: Annotated[
        str, typer.Option(help="Only fires disturb then: 22:00-06:30; - for never.")
    ] = "",
    quota: Annotated[
        int | None, typer.Option(min=0, help="Messages a day, fires apart.")
    ] = None,
    digest: Annotated[
        bool | None,
        typer.Option("--digest/--no-digest", help="All but fires once a day, in one."),
    ] = None,
    who: By = "",
    work: WorkFolder = DEFAULT_WORK,
    database: Database = "",
    as_json: Json = False,
) -> None:
    """修改账号：角色、联系方式、地块、免打扰 · Change an account and its wishes."""
    from agroforest.desk import people

    wishes: dict[str, object] = {}
    if hazard:
        wishes["hazards"] = people.read_hazards(hazard)
    if county:
        wishes["counties"] = people.read_list(county)
    if quiet:
        wishes["quiet"] = people.read_quiet(quiet)
    wishes |= {} if quota is None else {"quota": quota}
    wishes |= {} if digest is None else {"digest": digest}
    changes: dict[str, object] = {}
    if role:
        changes["role"] = people.read_role(role)
    if contact:
        changes["contacts"] = people.read_contacts(contact)
    if parcel:
        changes["parcels"] = people.read_list(parcel)
    changes |= {"title": title} if title else {}
    changes |= {"language": language} if language else {}
    with open_desk_store(work, database) as store:
        before = people.require_account(store, name)
        changes["interest"] = replace(before.interest, **wishes)  # type: ignore[arg-type]
        by = _find_by(store, who)
        after = people.change_account(store, name, changes, by=by, now=read_now())
    _tell(after, as_json=as_json)


@app.command(name="list")
def list_accounts(
    *,
    work: WorkFolder = DEFAULT_WORK,
    database: Database = "",
    as_json: Json = False,
) -> None:
    """列出账号 · List accounts."""
    with open_desk_store(work, database) as store:
        found = store.desk.accounts()
    if as_json:
        dump([_plain(each) for each in found])
        return
    for each in found:
        _tell(each, as_json=False)


@app.command()
def disable(
    name: Name,
    *,
    undo: Annotated[bool, typer.Option("--undo", help="Enable it again.")] = False,
    who: By = "",
    work: WorkFolder = DEFAULT_WORK,
    database: Database = "",
    as_json: Json = False,
) -> None:
    """停用账号 · Disable an account: its sessions and tokens end at once."""
    from agroforest.desk.people import disable_account

    with open_desk_store(work, database) as store:
        by = _find_by(store, who)
        after = disable_account(store, name, disabled=not undo, by=by, now=read_now())
    _tell(after, as_json=as_json)


@app.command()
def password(
    name: Name,
    *,
    password_stdin: FromInput = False,
    who: By = "",
    work: WorkFolder = DEFAULT_WORK,
    database: Database = "",
) -> None:
    """设置密码 · Set a password; who is logged in has to log in again."""
    from agroforest.desk.people import set_password

    hashed = _hash(_ask_password(from_input=password_stdin))
    with open_desk_store(work, database) as store:
        set_password(store, name, hashed, by=_find_by(store, who), now=read_now())
    typer.echo(f"{show(name)}: 密码已更新 · password set")


@app.command()
def token(
    name: Name,
    *,
    scope: Annotated[
        list[str] | None,
        typer.Option(help="Right it carries, such as cases:read; may be repeated."),
    ] = None,
    days: Annotated[int, typer.Option(min=1, max=3660, help="How long it lasts.")] = 90,
    label: Annotated[str, typer.Option(help="What it is for.")] = "",
    who: By = "",
    work: WorkFolder = DEFAULT_WORK,
    database: Database = "",
    as_json: Json = False,
) -> None:
    """签发 API 令牌，只显示这一次 · Make a token for a program; shown this once."""
    from agroforest.desk.people import note_token, read_scopes, require_account
    from agroforest.web.sessions import Sessions

    now = read_now()
    with open_desk_store(work, database) as store:
        by = _find_by(store, who)
        account = require_account(store, name)
        scopes = read_scopes(account, scope or ())
        # How long sessions last does not matter to tokens.
        sessions = Sessions(store, idle=timedelta(1), absolute=timedelta(1))
        lasting = timedelta(days=days)
        note_token(store, account, scopes, lasting=lasting, label=label, by=by, now=now)
        secret = sessions.issue(
            account, now, scopes=scopes, lasting=lasting, label=label
        )
    if as_json:
        dump({"account": name, "token": secret, "scopes": _sorted(scopes)})
        return
    typer.echo(secret)


def _find_by(store: "Store", name: str) -> str:
    """Name who does it; whoever has the database may do all."""
    from agroforest.core.account import Right
    from agroforest.core.errors import ForbiddenError
    from agroforest.desk.people import OPERATOR, require_account

    if not name:
        return OPERATOR
    found = require_account(store, name)
    if not found.may(Right.MANAGE_ACCOUNTS):
        raise ForbiddenError(
            f"--as {name}", "may not manage accounts", "name an admin, or leave it out"
        )
    return name


def _ask_password(*, from_input: bool) -> str:
    if from_input:
        return sys.stdin.readline().rstrip("\r\n")
    asked: str = typer.prompt(
        "密码 · password", hide_input=True, confirmation_prompt=True
    )
    return asked


def _hash(password: str) -> str:
    from agroforest.core.errors import ConfigurationError

    try:
        from agroforest.web.passwords import hash_password
    except ImportError as error:
        raise ConfigurationError(
            "passwords",
            f"need {error.name}",
            "install it: pip install 'agroforest[web]', or give --no-password",
        ) from error
    return hash_password(password)


def _tell(account: "Account", *, as_json: bool) -> None:
    if as_json:
        dump(_plain(account))
        return
    parts = [account.name, say(account.role), account.title]
    parts += [f"{channel}={to}" for channel, to in account.contacts.items()]
    parts += ["停用 disabled"] if account.disabled else []
    typer.echo("  ".join(map(show, parts)))


def _plain(account: "Account") -> dict[str, object]:
    from agroforest.desk.people import describe_account

    created = {"name": account.name, "created": account.created.isoformat()}
    return created | describe_account(account)


def _sorted(scopes: "Iterable[Right]") -> list[str]:
    return sorted(map(str, scopes))
