"""Orders to open valves, what is known of valves, and the audit of both."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

_SQLITE = """
CREATE TRIGGER valve_audit_{word} BEFORE {verb} ON valve_audit
BEGIN SELECT RAISE(ABORT, 'the audit of valves is only ever added to'); END
"""
_FUNCTION = """
CREATE FUNCTION valve_audit_refuse() RETURNS trigger LANGUAGE plpgsql AS
'BEGIN RAISE EXCEPTION ''the audit of valves is only ever added to''; END'
"""
_POSTGRESQL = """
CREATE TRIGGER valve_audit_{word} BEFORE {verb} ON valve_audit
FOR EACH STATEMENT EXECUTE FUNCTION valve_audit_refuse()
"""


def upgrade() -> None:
    """Create the tables, and let nobody change the audit."""
    op.create_table(
        "valve_order",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("valve", sa.String(length=64), nullable=False),
        sa.Column("stage", sa.String(length=32), nullable=False),
        sa.Column("ended_us", sa.BigInteger(), nullable=True),
        sa.Column("body", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_valve_order")),
    )
    op.create_index("ix_valve_order_ended", "valve_order", ["ended_us"], unique=False)
    op.create_table(
        "valve_state",
        sa.Column("valve", sa.String(length=64), nullable=False),
        sa.Column("body", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("valve", name=op.f("pk_valve_state")),
    )
    op.create_table(
        "valve_audit",
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("time_us", sa.BigInteger(), nullable=False),
        sa.Column("valve", sa.String(length=64), nullable=False),
        sa.Column("order", sa.String(length=64), nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("what", sa.String(length=64), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("before", sa.JSON(), nullable=False),
        sa.Column("after", sa.JSON(), nullable=False),
        sa.Column("previous", sa.String(length=64), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_valve_audit")),
        sa.UniqueConstraint("digest", name=op.f("uq_valve_audit_digest")),
    )
    is_sqlite = op.get_context().dialect.name == "sqlite"
    if not is_sqlite:
        op.execute(_FUNCTION)
    for verb in ("UPDATE", "DELETE"):
        form = _SQLITE if is_sqlite else _POSTGRESQL
        op.execute(form.format(word=verb.lower(), verb=verb))


def downgrade() -> None:
    """Drop the tables, and with them what valves did."""
    op.drop_table("valve_audit")
    if op.get_context().dialect.name != "sqlite":
        op.execute("DROP FUNCTION valve_audit_refuse()")
    op.drop_table("valve_state")
    op.drop_index("ix_valve_order_ended", table_name="valve_order")
    op.drop_table("valve_order")
