"""Comparing a database with the tables that the program declares."""

import warnings
from typing import Any

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection
from sqlalchemy.exc import SAWarning

from agroforest.store.schema import VERSION_TABLE, metadata


def compare_schema(connection: Connection) -> list[Any]:
    """Find what differs; the looked-up boxes and outlines are no tables of ours."""
    context = MigrationContext.configure(
        connection,
        opts={"version_table": VERSION_TABLE, "include_name": _is_declared},
    )
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Did not recognize type", SAWarning)
        return list(compare_metadata(context, metadata))


def _is_declared(name: str | None, kind: str, _parents: object) -> bool:
    if kind == "table":
        return name != "spatial_ref_sys" and not str(name).startswith("case_box")
    return not str(name).endswith("geom")
