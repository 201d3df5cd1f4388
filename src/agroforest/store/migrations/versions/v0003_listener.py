"""Spools of messages, and the messages that could not be read."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "spool",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("segment", sa.BigInteger(), nullable=False),
        sa.Column("byte", sa.BigInteger(), nullable=False),
        sa.Column("messages", sa.BigInteger(), nullable=False),
        sa.Column("readings", sa.BigInteger(), nullable=False),
        sa.Column("dead", sa.BigInteger(), nullable=False),
        sa.Column("received_us", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_spool")),
    )
    op.create_table(
        "dead_letter",
        sa.Column("spool", sa.String(length=64), nullable=False),
        sa.Column("segment", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("byte", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("received_us", sa.BigInteger(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("head", sa.LargeBinary(), nullable=False),
        sa.Column("kept", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint(
            "spool", "segment", "byte", name=op.f("pk_dead_letter")
        ),
    )
    op.create_index(
        "ix_dead_letter_received", "dead_letter", ["received_us"], unique=False
    )


def downgrade() -> None:
    """Drop the tables; a spool is then read from its beginning again."""
    op.drop_index("ix_dead_letter_received", table_name="dead_letter")
    op.drop_table("dead_letter")
    op.drop_table("spool")
