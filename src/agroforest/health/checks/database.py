"""Checks of the database, without changing it: nothing is migrated here."""

import sqlite3
from contextlib import closing
from pathlib import Path

from sqlalchemy import Connection, create_engine, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from agroforest.core.redaction import redact
from agroforest.health.finding import Finding, fail, warn, well
from agroforest.store.schema import HEAD, VERSION_TABLE

_PATIENCE_S = 5
_RESTORE = "restore it from a copy: agroforest restore"


def check_database(database: str) -> list[Finding]:
    """Look at a database.

    Parameters
    ----------
    database
        Path of an SQLite file, or an address.
    """
    if "://" not in database:
        return _check_file(Path(database))
    try:
        address = make_url(database)
    except (ArgumentError, ValueError):
        return [
            fail("database", "地址写错", "no address", "postgresql://user@host/name")
        ]
    if address.drivername.startswith("sqlite"):
        return _check_file(Path(address.database or ""))
    shown = address.render_as_string(hide_password=True)
    if address.drivername == "postgresql":
        address = address.set(drivername="postgresql+psycopg")
    try:
        engine = create_engine(address, connect_args={"connect_timeout": _PATIENCE_S})
        from agroforest.store.standstill import watch  # noqa: PLC0415  psycopg's

        watch(engine, _PATIENCE_S)
        with engine.connect() as connection:
            found = _check_server(connection)
        engine.dispose()
    except (SQLAlchemyError, ImportError) as error:
        why = redact(" ".join(str(error).split()))[:200]
        return [
            fail(
                "database",
                f"{shown} 不应答：{why}",
                f"{shown} does not answer: {why}",
                "start it, mend its address, or pip install 'psycopg[binary]'",
            )
        ]
    return found


def _check_file(path: Path) -> list[Finding]:
    if not path.is_file():
        return [
            warn(
                "database",
                f"尚无 {path}",
                f"no {path} yet",
                "run a night: agroforest nightly PIPELINE.toml",
            )
        ]
    try:
        with closing(
            sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)
        ) as opened:
            sound = opened.execute("PRAGMA quick_check(1)").fetchone()[0]
            mode = opened.execute("PRAGMA journal_mode").fetchone()[0]
            revision = _read_revision(opened)
    except sqlite3.Error as error:
        return [
            fail("database", f"{path} 已损坏：{error}", f"{path}: {error}", _RESTORE)
        ]
    if sound != "ok":
        said = " ".join(str(sound).split())[:200]
        return [fail("database", f"{path} 已损坏：{said}", f"{path}: {said}", _RESTORE)]
    found = [_judge_schema(revision)]
    if mode != "wal":
        found.append(
            warn(
                "database-wal",
                f"日志模式为 {mode}",
                f"journal mode is {mode}: readers wait for writers",
                f"sqlite3 {path} 'PRAGMA journal_mode=WAL'",
            )
        )
    return found


def _read_revision(opened: sqlite3.Connection) -> str | None:
    names = {row[0] for row in opened.execute("SELECT name FROM sqlite_master")}
    if VERSION_TABLE not in names:
        return None
    row = opened.execute(f"SELECT version_num FROM {VERSION_TABLE}").fetchone()  # noqa: S608  a constant
    return None if row is None else str(row[0])


def _check_server(connection: Connection) -> list[Finding]:
    there = connection.scalar(text(f"SELECT to_regclass('{VERSION_TABLE}')"))
    revision = (
        connection.scalar(text(f"SELECT version_num FROM {VERSION_TABLE}"))  # noqa: S608  a constant
        if there is not None
        else None
    )
    found = [_judge_schema(revision)]
    query = "SELECT extversion FROM pg_extension WHERE extname = 'postgis'"
    postgis = connection.scalar(text(query))
    if postgis is None:
        found.append(
            warn(
                "postgis",
                "未启用 PostGIS",
                "PostGIS is not enabled: searches by place are slower",
                "CREATE EXTENSION postgis (docs/deploy.md)",
            )
        )
    else:
        found.append(well("postgis", f"PostGIS {postgis}", "is enabled"))
    return found


def _judge_schema(revision: str | None) -> Finding:
    if revision is None:
        return warn(
            "database",
            "没有本程序的表",
            "holds no tables of ours",
            "run a night: agroforest nightly PIPELINE.toml",
        )
    if revision == HEAD:
        return well("database", f"完好，结构 {HEAD}", f"sound, schema {HEAD}")
    if revision < HEAD:
        return warn(
            "database",
            f"结构 {revision}，本程序为 {HEAD}",
            f"schema {revision}; the next command brings it to {HEAD}",
            "agroforest backup first",
        )
    return fail(
        "database",
        f"结构 {revision} 比本程序新",
        f"schema {revision} is newer than this program's {HEAD}",
        "install the agroforest that wrote it, or a later one",
    )
