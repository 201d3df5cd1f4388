"""Bringing an older database to this program's schema. Imports alembic."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from agroforest.core.errors import ConfigurationError

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
    config = configure(connection)
    known = {script.revision for script in scripts(config).walk_revisions()}
    if found is not None and found not in known:
        raise ConfigurationError(
            name,
            f"has schema {found!r}, newer than this program knows",
            "install the agroforest that wrote it, or a later one",
        )
    command.upgrade(config, "head")


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
