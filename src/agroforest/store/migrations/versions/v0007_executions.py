"""What a run took: its executions, the attempts at its tasks, tiles set aside."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Create the tables; of nights before them nothing is known beside their runs."""
    op.create_table(
        "execution",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("pipeline", sa.String(length=64), nullable=False),
        sa.Column("night", sa.Date(), nullable=False),
        sa.Column("config_digest", sa.String(length=64), nullable=False),
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("pid", sa.BigInteger(), nullable=False),
        sa.Column("started_us", sa.BigInteger(), nullable=False),
        sa.Column("ended_us", sa.BigInteger(), nullable=True),
        sa.Column("status", sa.String(length=32), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("cost", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_execution")),
    )
    op.create_index(
        "ix_execution_pipeline_night", "execution", ["pipeline", "night"], unique=False
    )
    op.create_index("ix_execution_started", "execution", ["started_us"], unique=False)
    op.create_table(
        "task_attempt",
        sa.Column("task", sa.String(length=64), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("execution", sa.String(length=64), nullable=False),
        sa.Column("pipeline", sa.String(length=64), nullable=False),
        sa.Column("tile", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("inputs", sa.String(length=64), nullable=False),
        sa.Column("fence", sa.BigInteger(), nullable=True),
        sa.Column("started_us", sa.BigInteger(), nullable=False),
        sa.Column("lease_until_us", sa.BigInteger(), nullable=False),
        sa.Column("ended_us", sa.BigInteger(), nullable=True),
        sa.Column("outcome", sa.String(length=32), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("task", "number", name=op.f("pk_task_attempt")),
    )
    op.create_index(
        "ix_task_attempt_inputs",
        "task_attempt",
        ["pipeline", "tile", "kind", "inputs"],
        unique=False,
    )
    op.create_index(
        "ix_task_attempt_execution", "task_attempt", ["execution"], unique=False
    )
    op.create_index(
        "ix_task_attempt_outcome", "task_attempt", ["pipeline", "outcome"], unique=False
    )
    op.create_table(
        "tile_quarantine",
        sa.Column("pipeline", sa.String(length=64), nullable=False),
        sa.Column("tile", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("inputs", sa.String(length=64), nullable=False),
        sa.Column("night", sa.Date(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("since_us", sa.BigInteger(), nullable=False),
        sa.Column("redriven_us", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint(
            "pipeline", "tile", "kind", "inputs", name=op.f("pk_tile_quarantine")
        ),
    )


def downgrade() -> None:
    """Drop the tables, and with them what runs cost."""
    op.drop_table("tile_quarantine")
    op.drop_index("ix_task_attempt_outcome", table_name="task_attempt")
    op.drop_index("ix_task_attempt_execution", table_name="task_attempt")
    op.drop_index("ix_task_attempt_inputs", table_name="task_attempt")
    op.drop_table("task_attempt")
    op.drop_index("ix_execution_started", table_name="execution")
    op.drop_index("ix_execution_pipeline_night", table_name="execution")
    op.drop_table("execution")
