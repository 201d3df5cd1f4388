"""The desk: cases, what was done to them, accounts, deeds, messages, thresholds."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

_SQLITE = """
CREATE TRIGGER deed_{word} BEFORE {verb} ON deed
BEGIN SELECT RAISE(ABORT, 'the audit is only ever added to'); END
"""
_FUNCTION = """
CREATE FUNCTION deed_refuse() RETURNS trigger LANGUAGE plpgsql AS
'BEGIN RAISE EXCEPTION ''the audit is only ever added to''; END'
"""
_POSTGRESQL = """
CREATE TRIGGER deed_{word} BEFORE {verb} ON deed
FOR EACH STATEMENT EXECUTE FUNCTION deed_refuse()
"""
_TABLES = (
    *("threshold_version", "message", "deed", "token", "account"),
    *("review_step", "case_tally", "review_case"),
)


def upgrade() -> None:
    """Create the tables; what nights have found so far is still to be followed."""
    _let_changes_be_followed()
    _create_cases()
    _create_accounts()
    _create_deeds()
    _create_messages()
    _create_thresholds()


def downgrade() -> None:
    """Drop the tables, and with them what people did."""
    for name in _TABLES:
        op.drop_table(name)
    if op.get_context().dialect.name != "sqlite":
        op.execute("DROP FUNCTION deed_refuse()")
    op.drop_index("ix_alert_change_unfollowed", table_name="alert_change")
    # Not by a batch: it copies the table (see 0002). SQLite 3.35, 2021.
    op.execute("ALTER TABLE alert_change DROP COLUMN followed_us")


def _let_changes_be_followed() -> None:
    op.execute("ALTER TABLE alert_change ADD COLUMN followed_us BIGINT")
    op.create_index(
        "ix_alert_change_unfollowed",
        "alert_change",
        ["night", "key"],
        unique=False,
        sqlite_where=sa.text("followed_us IS NULL"),
        postgresql_where=sa.text("followed_us IS NULL"),
    )


def _create_cases() -> None:
    op.create_table(
        "review_case",
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("alert", sa.String(length=64), nullable=False),
        sa.Column("pipeline", sa.String(length=64), nullable=False),
        sa.Column("hazard", sa.String(length=64), nullable=False),
        sa.Column("stage", sa.String(length=32), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("opened_us", sa.BigInteger(), nullable=False),
        sa.Column("changed_us", sa.BigInteger(), nullable=False),
        sa.Column("west", sa.Double(), nullable=False),
        sa.Column("south", sa.Double(), nullable=False),
        sa.Column("east", sa.Double(), nullable=False),
        sa.Column("north", sa.Double(), nullable=False),
        sa.Column("area_ha", sa.Double(), nullable=False),
        sa.Column("probability", sa.Double(), nullable=False),
        sa.Column("first_night", sa.Date(), nullable=False),
        sa.Column("evidence", sa.Date(), nullable=False),
        sa.Column("county_code", sa.Text(), nullable=False),
        sa.Column("county_zh", sa.Text(), nullable=False),
        sa.Column("county_en", sa.Text(), nullable=False),
        sa.Column("places", sa.JSON(), nullable=False),
        sa.Column("verdict", sa.String(length=32), nullable=True),
        sa.Column("reason", sa.String(length=32), nullable=True),
        sa.Column("judged_by", sa.Text(), nullable=False),
        sa.Column("assignee", sa.Text(), nullable=False),
        sa.Column("field_check", sa.JSON(), nullable=True),
        sa.Column("sampling", sa.String(length=32), nullable=True),
        sa.Column("into", sa.String(length=64), nullable=False),
        sa.Column("of", sa.String(length=64), nullable=False),
        sa.Column("rank", sa.Double(), nullable=False),
        sa.Column("due_us", sa.BigInteger(), nullable=True),
        sa.Column("part", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(
            ["alert"],
            ["alert.id"],
            name=op.f("fk_review_case_alert"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_review_case")),
        sa.UniqueConstraint("id", name=op.f("uq_review_case_id")),
    )
    _create_case_indexes()
    op.create_table(
        "case_tally",
        sa.Column("stage", sa.String(length=32), nullable=False),
        sa.Column("hazard", sa.String(length=64), nullable=False),
        sa.Column("county_code", sa.Text(), nullable=False),
        sa.Column("pipeline", sa.String(length=64), nullable=False),
        sa.Column("verdict", sa.String(length=32), nullable=False),
        sa.Column("cases", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint(
            *("stage", "hazard", "county_code", "pipeline", "verdict"),
            name=op.f("pk_case_tally"),
        ),
    )
    op.create_table(
        "review_step",
        sa.Column("case", sa.String(length=64), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("time_us", sa.BigInteger(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("act", sa.String(length=32), nullable=False),
        sa.Column("reason", sa.String(length=32), nullable=True),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=True),
        sa.Column("data", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["case"],
            ["review_case.id"],
            name=op.f("fk_review_step_case"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("case", "number", name=op.f("pk_review_step")),
        sa.UniqueConstraint("key", name=op.f("uq_review_step_key")),
    )


def _create_case_indexes() -> None:
    plain = {
        "alert": ["alert"],
        "county": ["stage", "county_code", "hazard"],
    }
    filtered = ("hazard", "county_code", "pipeline")
    for column in ("rank", "first_night", "area_ha", "probability", "changed_us"):
        plain[column] = ["stage", column, "number", *filtered]
    for name, columns in plain.items():
        op.create_index(f"ix_review_case_{name}", "review_case", columns, unique=False)
    partial = {"of": ["of"], "assignee": ["assignee", "stage"]}
    for name, columns in partial.items():
        condition = sa.text(f"\"{columns[0]}\" <> ''")
        op.create_index(
            f"ix_review_case_{name}",
            "review_case",
            columns,
            unique=False,
            sqlite_where=condition,
            postgresql_where=condition,
        )


def _create_accounts() -> None:
    op.create_table(
        "account",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("role", sa.String(length=32), nullable=False),
        sa.Column("language", sa.String(length=8), nullable=False),
        sa.Column("contacts", sa.JSON(), nullable=False),
        sa.Column("parcels", sa.JSON(), nullable=False),
        sa.Column("interest", sa.JSON(), nullable=False),
        sa.Column("created_us", sa.BigInteger(), nullable=False),
        sa.Column("disabled", sa.Boolean(), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_account")),
    )
    op.create_table(
        "token",
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("created_us", sa.BigInteger(), nullable=False),
        sa.Column("expires_us", sa.BigInteger(), nullable=False),
        sa.Column("used_us", sa.BigInteger(), nullable=False),
        sa.Column("scopes", sa.JSON(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account"],
            ["account.name"],
            name=op.f("fk_token_account"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_token")),
    )
    op.create_index("ix_token_account", "token", ["account"], unique=False)
    op.create_index("ix_token_expires", "token", ["expires_us"], unique=False)


def _create_deeds() -> None:
    op.create_table(
        "deed",
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("time_us", sa.BigInteger(), nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("what", sa.String(length=64), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("before", sa.JSON(), nullable=False),
        sa.Column("after", sa.JSON(), nullable=False),
        sa.Column("previous", sa.String(length=64), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_deed")),
        sa.UniqueConstraint("digest", name=op.f("uq_deed_digest")),
    )
    op.create_index("ix_deed_subject", "deed", ["subject", "number"], unique=False)
    op.create_index("ix_deed_what", "deed", ["what", "number"], unique=False)
    op.create_index("ix_deed_who", "deed", ["who", "number"], unique=False)
    is_sqlite = op.get_context().dialect.name == "sqlite"
    if not is_sqlite:
        op.execute(_FUNCTION)
        op.execute(_POSTGRESQL.format(word="truncate", verb="TRUNCATE"))
    for verb in ("UPDATE", "DELETE"):
        form = _SQLITE if is_sqlite else _POSTGRESQL
        op.execute(form.format(word=verb.lower(), verb=verb))


def _create_messages() -> None:
    op.create_table(
        "message",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("news", sa.String(length=32), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("created_us", sa.BigInteger(), nullable=False),
        sa.Column("due_us", sa.BigInteger(), nullable=False),
        sa.Column("urgent", sa.Boolean(), nullable=False),
        sa.Column("facts", sa.JSON(), nullable=False),
        sa.Column("delivery", sa.String(length=16), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("lease_us", sa.BigInteger(), nullable=True),
        sa.Column("sent_us", sa.BigInteger(), nullable=True),
        sa.Column("acknowledged_us", sa.BigInteger(), nullable=True),
        sa.Column("error", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_message")),
    )
    op.create_index(
        "ix_message_account", "message", ["account", "created_us"], unique=False
    )
    op.create_index("ix_message_created", "message", ["created_us"], unique=False)
    op.create_index(
        "ix_message_sending",
        "message",
        ["lease_us"],
        unique=False,
        sqlite_where=sa.text("delivery = 'sending'"),
        postgresql_where=sa.text("delivery = 'sending'"),
    )
    op.create_index(
        "ix_message_subject", "message", ["subject", "created_us"], unique=False
    )
    op.create_index(
        "ix_message_waiting",
        "message",
        ["due_us"],
        unique=False,
        sqlite_where=sa.text("delivery = 'waiting'"),
        postgresql_where=sa.text("delivery = 'waiting'"),
    )


def _create_thresholds() -> None:
    op.create_table(
        "threshold_version",
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("time_us", sa.BigInteger(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("thresholds", sa.JSON(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("reverts_to", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("version", name=op.f("pk_threshold_version")),
    )
