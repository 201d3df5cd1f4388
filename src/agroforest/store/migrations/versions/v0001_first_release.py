"""The first release: runs, tasks, outputs, alerts, sensors and readings."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision: str | None = None


def upgrade() -> None:
    """Create every table."""
    op.create_table(
        "alert",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("pipeline", sa.String(length=64), nullable=False),
        sa.Column("hazard", sa.String(length=64), nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("status", sa.String(length=32), nullable=False),
        sa.Column("geometry", sa.LargeBinary(), nullable=False),
        sa.Column("west", sa.Double(), nullable=False),
        sa.Column("south", sa.Double(), nullable=False),
        sa.Column("east", sa.Double(), nullable=False),
        sa.Column("north", sa.Double(), nullable=False),
        sa.Column("area_ha", sa.Double(), nullable=False),
        sa.Column("reported_area_ha", sa.Double(), nullable=False),
        sa.Column("probability", sa.Double(), nullable=False),
        sa.Column("first_night", sa.Date(), nullable=False),
        sa.Column("last_night", sa.Date(), nullable=False),
        sa.Column("since", sa.Date(), nullable=False),
        sa.Column("evidence", sa.Date(), nullable=False),
        sa.Column("changed", sa.Date(), nullable=False),
        sa.Column("places", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alert")),
    )
    op.create_index(
        "ix_alert_pipeline_status", "alert", ["pipeline", "status"], unique=False
    )
    op.create_table(
        "quarantine",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("pipeline", sa.String(length=64), nullable=False),
        sa.Column("night", sa.Date(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("problem", sa.Text(), nullable=False),
        sa.Column("remedy", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_quarantine")),
    )
    op.create_index(
        "ix_quarantine_pipeline_night",
        "quarantine",
        ["pipeline", "night"],
        unique=False,
    )
    op.create_table(
        "run",
        sa.Column("pipeline", sa.String(length=64), nullable=False),
        sa.Column("night", sa.Date(), nullable=False),
        sa.Column("config_digest", sa.String(length=64), nullable=False),
        sa.Column("status", sa.String(length=32), nullable=False),
        sa.Column("summary", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint(
            "pipeline", "night", "config_digest", name=op.f("pk_run")
        ),
    )
    op.create_table(
        "scene_use",
        sa.Column("pipeline", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=128), nullable=False),
        sa.Column("scene", sa.Text(), nullable=False),
        sa.Column("night", sa.Date(), nullable=False),
        sa.PrimaryKeyConstraint(
            "pipeline", "state", "scene", name=op.f("pk_scene_use")
        ),
    )
    op.create_table(
        "sensor",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("longitude", sa.Double(), nullable=True),
        sa.Column("latitude", sa.Double(), nullable=True),
        sa.Column("elevation", sa.Double(), nullable=True),
        sa.Column("simulated", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sensor")),
    )
    op.create_table(
        "tile_task",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("pipeline", sa.String(length=64), nullable=False),
        sa.Column("tile", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=128), nullable=False),
        sa.Column("night", sa.Date(), nullable=False),
        sa.Column("status", sa.String(length=32), nullable=False),
        sa.Column("scenes", sa.JSON(), nullable=False),
        sa.Column("summary", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tile_task")),
    )
    op.create_index(
        "ix_tile_task_pipeline_night", "tile_task", ["pipeline", "night"], unique=False
    )
    op.create_table(
        "alert_change",
        sa.Column("key", sa.String(length=160), nullable=False),
        sa.Column("alert", sa.String(length=64), nullable=False),
        sa.Column("night", sa.Date(), nullable=False),
        sa.Column("change", sa.String(length=32), nullable=False),
        sa.Column("area_ha", sa.Double(), nullable=False),
        sa.Column("into", sa.String(length=64), nullable=True),
        sa.ForeignKeyConstraint(
            ["alert"],
            ["alert.id"],
            name=op.f("fk_alert_change_alert"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_alert_change")),
    )
    op.create_index("ix_alert_change_alert", "alert_change", ["alert"], unique=False)
    op.create_table(
        "output",
        sa.Column("task", sa.String(length=64), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(
            ["task"], ["tile_task.id"], name=op.f("fk_output_task"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("task", "path", name=op.f("pk_output")),
    )
    op.create_table(
        "series",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("sensor", sa.Text(), nullable=False),
        sa.Column("variable", sa.String(length=64), nullable=False),
        sa.Column("depth_m", sa.Double(), nullable=True),
        sa.ForeignKeyConstraint(
            ["sensor"], ["sensor.id"], name=op.f("fk_series_sensor"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_series")),
    )
    op.create_index("ix_series_sensor", "series", ["sensor"], unique=False)
    op.create_table(
        "reading",
        sa.Column("series", sa.BigInteger(), nullable=False),
        sa.Column("time_us", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("value", sa.Double(), nullable=True),
        sa.Column("quality", sa.SmallInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["series"],
            ["series.id"],
            name=op.f("fk_reading_series"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("series", "time_us", name=op.f("pk_reading")),
        sqlite_with_rowid=False,
    )


def downgrade() -> None:
    """Drop every table, dependants first."""
    op.drop_table("reading")
    op.drop_index("ix_series_sensor", table_name="series")
    op.drop_table("series")
    op.drop_table("output")
    op.drop_index("ix_alert_change_alert", table_name="alert_change")
    op.drop_table("alert_change")
    op.drop_index("ix_tile_task_pipeline_night", table_name="tile_task")
    op.drop_table("tile_task")
    op.drop_table("sensor")
    op.drop_table("scene_use")
    op.drop_table("run")
    op.drop_index("ix_quarantine_pipeline_night", table_name="quarantine")
    op.drop_table("quarantine")
    op.drop_index("ix_alert_pipeline_status", table_name="alert")
    op.drop_table("alert")
