"""Boxes and outlines that can be looked up: an R*Tree in SQLite, PostGIS if at hand.

With PostGIS other programs such as QGIS read alerts and the view `case_map` directly.
Without the extension, or without the right to create it, boxes are columns.
"""

import logging

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

_log = logging.getLogger(__name__)

_COLUMNS = {
    # A trigger would do for older servers; generated columns need PostgreSQL 12, 2019.
    "alert": "ST_SetSRID(ST_GeomFromWKB(geometry), 4326)",
    "review_case": "ST_MakeEnvelope(west, south, east, north, 4326)",
}
_PLAIN = "ix_review_case_box"
_MAP = """
CREATE VIEW case_map AS
SELECT c.number, c.id, c.pipeline, c.hazard, c.stage, c.verdict, c.reason,
  c.assignee, c.area_ha, NULLIF(c.probability, -1) AS probability, c.first_night,
  c.evidence, c.county_code, c.county_zh, c.county_en, c.rank,
  COALESCE(ST_SetSRID(ST_GeomFromWKB(c.part), 4326), a.geom)::geometry(Geometry, 4326)
    AS geom
FROM review_case c JOIN alert a ON a.id = c.alert
"""


_RTREE = (
    "CREATE VIRTUAL TABLE case_box USING rtree(number, west, east, south, north)",
    "INSERT INTO case_box SELECT number, west, east, south, north FROM review_case",
    """
CREATE TRIGGER case_box_insert AFTER INSERT ON review_case
BEGIN INSERT INTO case_box VALUES
  (new.number, new.west, new.east, new.south, new.north); END
""",
    """
CREATE TRIGGER case_box_update AFTER UPDATE OF west, south, east, north ON review_case
WHEN (old.west, old.south, old.east, old.north)
  <> (new.west, new.south, new.east, new.north)
BEGIN UPDATE case_box SET west = new.west, east = new.east, south = new.south,
  north = new.north WHERE number = new.number; END
""",
    """
CREATE TRIGGER case_box_delete AFTER DELETE ON review_case
BEGIN DELETE FROM case_box WHERE number = old.number; END
""",
)


def upgrade() -> None:
    """Add what boxes and outlines are looked up in."""
    if op.get_context().dialect.name == "sqlite":
        for statement in _RTREE:
            op.execute(statement)
    elif _create_extension():
        for table, expression in _COLUMNS.items():
            op.execute(
                f"ALTER TABLE {table} ADD COLUMN geom geometry(Geometry, 4326) "
                f"GENERATED ALWAYS AS ({expression}) STORED"
            )
            op.execute(f"CREATE INDEX ix_{table}_geom ON {table} USING gist (geom)")
            op.execute(f"ANALYZE {table}")  # or every box is taken to be empty
        op.execute(_MAP)
    else:
        op.execute(f"CREATE INDEX {_PLAIN} ON review_case (west, south, east, north)")


def downgrade() -> None:
    """Drop it; the extension may serve others."""
    if op.get_context().dialect.name == "sqlite":
        for verb in ("insert", "update", "delete"):
            op.execute(f"DROP TRIGGER case_box_{verb}")
        op.drop_table("case_box")
        return
    op.execute("DROP VIEW IF EXISTS case_map")
    op.execute(f"DROP INDEX IF EXISTS {_PLAIN}")
    for table in _COLUMNS:
        op.execute(f"ALTER TABLE {table} DROP COLUMN IF EXISTS geom")


def _create_extension() -> bool:
    connection = op.get_bind()
    query = "SELECT 1 FROM pg_available_extensions WHERE name = 'postgis'"
    if connection.execute(sa.text(query)).first() is None:
        _log.info("no PostGIS: outlines stay well-known binary")
        return False
    try:
        with connection.begin_nested():
            connection.execute(sa.text("CREATE EXTENSION IF NOT EXISTS postgis"))
    except sa.exc.DBAPIError as error:
        _log.warning("PostGIS cannot be created (%s): outlines stay binary", error.orig)
        return False
    return True
