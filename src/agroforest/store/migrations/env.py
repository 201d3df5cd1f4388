"""Run by alembic, which hands over the connection; never imported."""

from alembic import context

import agroforest.store.desk_schema  # noqa: F401  its tables
from agroforest.store.schema import VERSION_TABLE, metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    version_table=VERSION_TABLE,
    render_as_batch=True,  # SQLite alters a table by copying it
)
context.run_migrations()
