"""Bringing an older database to this program's schema. Imports alembic."""

import logging
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from agroforest.core.errors import ConfigurationError
from agroforest.core.files import replacing
from agroforest.store.schema import HEAD
from agroforest.store.sqlite_file import copy_file

_log = logging.getLogger(__name__)
_SCRIPTS = Path(__file__).with_name("migrations")


def upgrade(connection: Connection, name: str, found: str | None) -> None:
    """Run the migrations that are missing, inside the caller's transaction.

    Parameters
    ----------
    connection
        In a transaction; nothing is committed here.
    name
        How messages call the database.
    found
        Its revision; ``None`` for an empty one.

    Raises
    ------
    ConfigurationError
        The revision is unknown: a newer agroforest wrote it.
    """
    if found is not None:
        refuse_newer(found, name)
    command.upgrade(configure(connection), "head")


def refuse_newer(schema: str, where: object) -> None:
    """Refuse a schema that this program does not know.

    Raises
    ------
    ConfigurationError
        A newer agroforest wrote it.
    """
    known = {script.revision for script in scripts(configure()).walk_revisions()}
    if schema not in known:
        raise ConfigurationError(
            where,
            f"has schema {schema!r}, newer than this program knows",
            "install the agroforest that wrote it, or a later one",
        )


def keep_copy(file: Path, found: str) -> None:
    """Keep an SQLite file beside itself as it is before its schema changes.

    The copy is made of what is committed, while the caller holds the file for
    writing. One of an upgrade that was cut short is replaced.

    Raises
    ------
    ConfigurationError
        The schema is newer than this program's: there is nothing to upgrade.
    SourceError
        The disk has no room for it. The file is left as it is.
    """
    refuse_newer(found, file)
    copy = file.with_name(f"{file.name}.before-{HEAD}")
    with replacing(copy) as scratch:
        copy_file(file, scratch)
    _log.warning(
        "%s: schema %s becomes %s; as it was before, it is kept in %s",
        file,
        found,
        HEAD,
        copy.name,
    )


def downgrade(connection: Connection, revision: str) -> None:
    """Undo migrations down to `revision` (``"base"``: all), losing their data."""
    command.downgrade(configure(connection), revision)


def scripts(config: Config) -> ScriptDirectory:
    """Migration scripts shipped with the package."""
    return ScriptDirectory.from_config(config)


def configure(connection: Connection | None = None) -> Config:
    """Build the settings that an ``alembic.ini`` would hold."""
    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config
