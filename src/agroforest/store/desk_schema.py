"""Tables of the desk: cases, what people did, who they are, what they are told.

Kept as `agroforest.store.schema` says, in the same database and the same metadata.
"""

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Date,
    Double,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from agroforest.store.schema import metadata

#: What stands for no probability: it sorts behind every other, and needs no index
#: over an expression.
UNKNOWN_PROBABILITY = -1.0

#: Behind the column that is sorted by, so that a row of another hazard, county or
#: pipeline is passed over without being looked up.
_FILTERED = ("hazard", "county_code", "pipeline")


def _partial(name: str, *columns: str, only: str) -> Index:
    """Index that holds some rows only, in both databases."""
    where = text(only)
    return Index(name, *columns, sqlite_where=where, postgresql_where=where)


#: What people do about alerts, one row a case, with what the queue shows and sorts by.
#: `part` is the outline of a case that was split off; without one it is the alert's.
review_case = Table(
    "review_case",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("id", String(64), nullable=False, unique=True),
    Column("alert", ForeignKey("alert.id", ondelete="CASCADE"), nullable=False),
    Column("pipeline", String(64), nullable=False),
    Column("hazard", String(64), nullable=False),
    Column("stage", String(32), nullable=False),
    Column("version", Integer, nullable=False),
    Column("opened_us", BigInteger, nullable=False),
    Column("changed_us", BigInteger, nullable=False),
    Column("west", Double, nullable=False),
    Column("south", Double, nullable=False),
    Column("east", Double, nullable=False),
    Column("north", Double, nullable=False),
    Column("area_ha", Double, nullable=False),
    Column("probability", Double, nullable=False),
    Column("first_night", Date, nullable=False),
    Column("evidence", Date, nullable=False),
    Column("county_code", Text, nullable=False),
    Column("county_zh", Text, nullable=False),
    Column("county_en", Text, nullable=False),
    Column("places", JSON, nullable=False),
    Column("verdict", String(32)),
    Column("reason", String(32)),
    Column("judged_by", Text, nullable=False),
    Column("assignee", Text, nullable=False),
    Column("field_check", JSON(none_as_null=True)),
    Column("sampling", String(32)),
    Column("into", String(64), nullable=False),
    Column("of", String(64), nullable=False),
    Column("rank", Double, nullable=False),
    Column("due_us", BigInteger),
    Column("part", LargeBinary),
    Index("ix_review_case_alert", "alert"),
    _partial("ix_review_case_of", "of", only="\"of\" <> ''"),
    _partial("ix_review_case_assignee", "assignee", "stage", only="assignee <> ''"),
    Index("ix_review_case_county", "stage", "county_code", "hazard"),
    *(
        Index(f"ix_review_case_{column}", "stage", column, "number", *_FILTERED)
        for column in ("rank", "first_night", "area_ha", "probability", "changed_us")
    ),
)

#: How many cases there are of each kind that the queue is filtered by; moves with them.
case_tally = Table(
    "case_tally",
    metadata,
    Column("stage", String(32), primary_key=True),
    Column("hazard", String(64), primary_key=True),
    Column("county_code", Text, primary_key=True),
    Column("pipeline", String(64), primary_key=True),
    Column("verdict", String(32), primary_key=True),
    Column("cases", Integer, nullable=False),
)

#: Acts on cases; rows are added and never changed. `key` is that of the alert's change
#: that a night followed, and missing where a person acted.
review_step = Table(
    "review_step",
    metadata,
    Column("case", ForeignKey("review_case.id", ondelete="CASCADE"), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("time_us", BigInteger, nullable=False),
    Column("by", Text, nullable=False),
    Column("act", String(32), nullable=False),
    Column("reason", String(32)),
    Column("note", Text, nullable=False),
    Column("key", Text),
    Column("data", JSON, nullable=False),
    UniqueConstraint("key"),
)

account = Table(
    "account",
    metadata,
    Column("name", Text, primary_key=True),
    Column("title", Text, nullable=False),
    Column("role", String(32), nullable=False),
    Column("language", String(8), nullable=False),
    Column("contacts", JSON, nullable=False),
    Column("parcels", JSON, nullable=False),
    Column("interest", JSON, nullable=False),
    Column("created_us", BigInteger, nullable=False),
    Column("disabled", Boolean, nullable=False),
    Column("password_hash", Text),
)

#: Sessions and programs' tokens, by the digest of a secret that is kept nowhere.
token = Table(
    "token",
    metadata,
    Column("digest", String(64), primary_key=True),
    Column("account", ForeignKey("account.name", ondelete="CASCADE"), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("created_us", BigInteger, nullable=False),
    Column("expires_us", BigInteger, nullable=False),
    Column("used_us", BigInteger, nullable=False),
    Column("scopes", JSON, nullable=False),
    Column("label", Text, nullable=False),
    Index("ix_token_account", "account"),
    Index("ix_token_expires", "expires_us"),
)

#: Who did what, each entry with the digest of the one before; triggers refuse whatever
#: is not an addition.
deed = Table(
    "deed",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("time_us", BigInteger, nullable=False),
    Column("who", Text, nullable=False),
    Column("what", String(64), nullable=False),
    Column("subject", Text, nullable=False),
    Column("why", Text, nullable=False),
    Column("before", JSON, nullable=False),
    Column("after", JSON, nullable=False),
    Column("previous", String(64), nullable=False),
    Column("digest", String(64), nullable=False),
    UniqueConstraint("digest"),
    Index("ix_deed_subject", "subject", "number"),
    Index("ix_deed_who", "who", "number"),
    Index("ix_deed_what", "what", "number"),
)

#: Messages on their way to people, and those that have arrived.
message = Table(
    "message",
    metadata,
    Column("key", Text, primary_key=True),
    Column("subject", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("news", String(32), nullable=False),
    Column("account", Text, nullable=False),
    Column("channel", Text, nullable=False),
    Column("created_us", BigInteger, nullable=False),
    Column("due_us", BigInteger, nullable=False),
    Column("urgent", Boolean, nullable=False),
    Column("facts", JSON, nullable=False),
    Column("delivery", String(16), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("lease_us", BigInteger),
    Column("sent_us", BigInteger),
    Column("acknowledged_us", BigInteger),
    Column("error", Text, nullable=False),
    Index("ix_message_subject", "subject", "created_us"),
    Index("ix_message_account", "account", "created_us"),
    Index("ix_message_created", "created_us"),
    _partial("ix_message_waiting", "due_us", only="delivery = 'waiting'"),
    _partial("ix_message_sending", "lease_us", only="delivery = 'sending'"),
)

#: Thresholds of probability from a moment on; the newest version is in force, and none
#: is changed or removed.
threshold_version = Table(
    "threshold_version",
    metadata,
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("time_us", BigInteger, nullable=False),
    Column("by", Text, nullable=False),
    Column("thresholds", JSON, nullable=False),
    Column("note", Text, nullable=False),
    Column("reverts_to", Integer, nullable=False),
)
