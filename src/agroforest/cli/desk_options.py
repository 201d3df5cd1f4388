"""Options that the commands of the desk share, and what they open."""

import getpass
import json
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from agroforest.cli.options import DEFAULT_WORK, Database, Json, WorkFolder

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agroforest.core.account import Account
    from agroforest.desk.bureau import Bureau
    from agroforest.store import Store

__all__ = [
    "DEFAULT_WORK",
    "As",
    "CaseId",
    "Config",
    "Database",
    "Json",
    "NoteText",
    "Seen",
    "WorkFolder",
    "dump",
    "find_account",
    "follow_nights",
    "open_desk_store",
    "read_day",
    "read_now",
]

CaseId = Annotated[str, typer.Argument(metavar="CASE", help="Id of the case.")]
NoteText = Annotated[str, typer.Option("--note", help="Why, in your words.")]
As = Annotated[
    str,
    typer.Option(
        "--as",
        envvar="AGROFOREST_ACCOUNT",
        metavar="NAME",
        help="Account that acts; your login name unless given.",
    ),
]
Config = Annotated[
    Path | None,
    typer.Option(
        envvar="AGROFOREST_DESK",
        help="The desk's settings, TOML; docs/review.md. Without it nobody is told.",
    ),
]
Seen = Annotated[
    int | None,
    typer.Option(
        min=1, help="Version that you saw; refused if somebody acted since then."
    ),
]


@contextmanager
def open_desk_store(
    work: Path, database: str = "", *, create: bool = False
) -> "Iterator[Store]":
    """Open a database by its address, or that of a work folder.

    Raises
    ------
    NoInputError
        There is none, and none is to be made.
    """
    from agroforest.core.errors import NoInputError
    from agroforest.nightly.workplace import Workplace
    from agroforest.store import open_store

    path = Workplace(root=work, pipeline="").database
    if not database and not create and not path.is_file():
        raise NoInputError(
            path, "no such database", "run agroforest nightly first, or give --work"
        )
    with open_store(database or path) as store:
        yield store


def follow_nights(store: "Store", config: Path | None) -> "Bureau":
    """Follow what nights did, and say what the desk knows.

    Without settings nothing is followed: the county of a case could not be named, and
    nobody would be written to, then or later.
    """
    from agroforest.desk.bureau import open_bureau
    from agroforest.desk.settings import read_desk
    from agroforest.desk.work import follow

    bureau = open_bureau(read_desk(config))
    if config is not None:
        follow(store, bureau, read_now())
    elif store.desk.unfollowed(1):
        typer.echo(
            "agroforest: 有预警变化尚未入列 · some changes of alerts are not in the "
            "queue yet; give --config with the desk's settings (an empty file will do)",
            err=True,
        )
    return bureau


def find_account(store: "Store", name: str) -> "Account":
    """Find who acts.

    Raises
    ------
    ConfigurationError
        Nobody is named, or there is no such account.
    """
    from agroforest.core.errors import ConfigurationError

    asked = name or _find_login()
    account = store.desk.account(asked)
    if account is None:
        raise ConfigurationError(
            f"--as {asked}",
            "is no account",
            "give one of agroforest account list, or add it: agroforest account add",
        )
    return account


def read_now() -> datetime:
    """Now, UTC, to the second: as the record shows it."""
    return datetime.now(UTC).replace(microsecond=0)


def read_day(option: str, text: str) -> Any:  # noqa: ANN401  a date, or None
    """Read a day; ``None`` if none is given.

    Raises
    ------
    ConfigurationError
        It is no day.
    """
    from datetime import date

    from agroforest.core.errors import ConfigurationError

    if not text:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ConfigurationError(
            option, f"{text!r} is no day", "write 2024-05-31"
        ) from None


def dump(values: object) -> None:
    """Print JSON, a line."""
    typer.echo(json.dumps(values, ensure_ascii=False))


def _find_login() -> str:
    from agroforest.core.errors import ConfigurationError

    try:
        return getpass.getuser()
    except (KeyError, ImportError, OSError) as error:
        raise ConfigurationError(
            "--as", "is not given, and nobody is logged in", "name an account"
        ) from error
