"""Fire alerts, what was found at them, and alerts without a probability."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Create the tables, and let a probability be missing."""
    _let_probability_be(missing=True)
    _create_fire_alert()
    _create_verification()


def downgrade() -> None:
    """Drop the tables, and the alerts that the older schema cannot hold."""
    op.drop_index("ix_verification_alert", table_name="verification")
    op.drop_table("verification")
    op.drop_index("ix_fire_alert_verify_by", table_name="fire_alert")
    op.drop_table("fire_alert")
    op.execute("DELETE FROM alert WHERE probability IS NULL")
    _let_probability_be(missing=False)


def _let_probability_be(*, missing: bool) -> None:
    if op.get_context().dialect.name != "sqlite":
        op.alter_column("alert", "probability", nullable=missing)
        return
    # SQLite cannot take NOT NULL off a column. Copying the table, its usual way out,
    # drops the old one, and with foreign keys on that deletes every recorded change
    # of an alert. A second column does the same without (SQLite 3.35, 2021).
    kind = "DOUBLE" if missing else "DOUBLE NOT NULL DEFAULT 0"
    op.execute(f"ALTER TABLE alert ADD COLUMN chance {kind}")
    op.execute("UPDATE alert SET chance = probability")
    op.execute("ALTER TABLE alert DROP COLUMN probability")
    op.execute("ALTER TABLE alert RENAME COLUMN chance TO probability")


def _create_fire_alert() -> None:
    op.create_table(
        "fire_alert",
        sa.Column("alert", sa.String(length=64), nullable=False),
        sa.Column("event", sa.String(length=64), nullable=False),
        sa.Column("geometry", sa.LargeBinary(), nullable=False),
        sa.Column("longitude", sa.Double(), nullable=False),
        sa.Column("latitude", sa.Double(), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("confidence", sa.String(length=32), nullable=False),
        sa.Column("sure_viirs", sa.Boolean(), nullable=False),
        sa.Column("first_us", sa.BigInteger(), nullable=False),
        sa.Column("last_us", sa.BigInteger(), nullable=False),
        sa.Column("looks", sa.Integer(), nullable=False),
        sa.Column("detections", sa.Integer(), nullable=False),
        sa.Column("viirs", sa.Integer(), nullable=False),
        sa.Column("modis", sa.Integer(), nullable=False),
        sa.Column("satellites", sa.JSON(), nullable=False),
        sa.Column("frp_max_mw", sa.Double(), nullable=True),
        sa.Column("county_zh", sa.Text(), nullable=False),
        sa.Column("county_en", sa.Text(), nullable=False),
        sa.Column("county_code", sa.String(length=32), nullable=False),
        sa.Column("township_zh", sa.Text(), nullable=False),
        sa.Column("township_en", sa.Text(), nullable=False),
        sa.Column("crop_share", sa.Double(), nullable=True),
        sa.Column("gate", sa.String(length=32), nullable=False),
        sa.Column("gate_zh", sa.Text(), nullable=False),
        sa.Column("gate_en", sa.Text(), nullable=False),
        sa.Column("raised_us", sa.BigInteger(), nullable=False),
        sa.Column("verify_by_us", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["alert"],
            ["alert.id"],
            name=op.f("fk_fire_alert_alert"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("alert", name=op.f("pk_fire_alert")),
    )
    op.create_index(
        "ix_fire_alert_verify_by", "fire_alert", ["verify_by_us"], unique=False
    )


def _create_verification() -> None:
    op.create_table(
        "verification",
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("alert", sa.String(length=64), nullable=False),
        sa.Column("raised_us", sa.BigInteger(), nullable=False),
        sa.Column("time_us", sa.BigInteger(), nullable=False),
        sa.Column("outcome", sa.String(length=32), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["alert"],
            ["fire_alert.alert"],
            name=op.f("fk_verification_alert"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_verification")),
        sa.UniqueConstraint("key", name=op.f("uq_verification_key")),
    )
    op.create_index("ix_verification_alert", "verification", ["alert"], unique=False)
