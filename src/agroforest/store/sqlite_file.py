"""One file of SQLite, copied while others write to it."""

import sqlite3
from contextlib import closing
from pathlib import Path

from agroforest.core.errors import ConfigurationError, SourceError


def copy_file(file: Path, path: Path) -> None:
    """Copy an SQLite file as its last commit left it, and check the copy.

    Parameters
    ----------
    file
        The database; others may go on writing to it.
    path
        File to make.

    Raises
    ------
    ConfigurationError
        It is missing or damaged.
    SourceError
        It could not be written, or read in time.
    """
    if not file.is_file():
        raise ConfigurationError(
            file, "no such database", "run agroforest nightly first, or give --work"
        )
    try:
        with (
            closing(open_to_read(file)) as old,
            closing(sqlite3.connect(path)) as new,
        ):
            old.backup(new)
            make_single(new)
            (found,) = new.execute("PRAGMA quick_check(1)").fetchone()
    except sqlite3.OperationalError as error:
        raise SourceError(
            file,
            f"could not be copied ({error})",
            "check that the disk has room and the file may be read, then try again",
        ) from error
    except sqlite3.DatabaseError as error:
        found = str(error)
    if found != "ok":
        raise ConfigurationError(
            file,
            f"is not a sound database ({found})",
            "restore it from an older backup",
        )


def open_to_read(file: Path) -> sqlite3.Connection:
    """Open a file that is there already, only to read."""
    return sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True)


def make_single(connection: sqlite3.Connection) -> None:
    """Leave one file: a copy is moved about without its write-ahead log."""
    connection.execute("PRAGMA journal_mode = DELETE")
