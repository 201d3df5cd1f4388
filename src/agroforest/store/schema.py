"""Tables of the database, and the revision of the schema this program speaks.

========== ==========================================================
thing      how it is kept
========== ==========================================================
times      microseconds since 1970-01-01 UTC, so that order, equality and
           arithmetic mean the same in every database
days       ``DATE``
geometry   well-known binary in WGS84, with its bounding box in columns
words      statuses, hazards and variables as text: a new word needs no
           migration
========== ==========================================================
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
    MetaData,
    SmallInteger,
    String,
    Table,
    Text,
    text,
)

#: Revision of the newest migration; a test compares it with the scripts.
HEAD = "0007"

#: Not alembic's own name: a server's database may hold other programs too.
VERSION_TABLE = "agroforest_schema"

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "ix": "ix_%(table_name)s_%(column_0_name)s",
    }
)

run = Table(
    "run",
    metadata,
    Column("pipeline", String(64), primary_key=True),
    Column("night", Date, primary_key=True),
    Column("config_digest", String(64), primary_key=True),
    Column("status", String(32), nullable=False),
    Column("summary", JSON, nullable=False),
)

#: One try at a night: what it took, on which machine. Runs are what came of them.
execution = Table(
    "execution",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("pipeline", String(64), nullable=False),
    Column("night", Date, nullable=False),
    Column("config_digest", String(64), nullable=False),
    Column("host", Text, nullable=False),
    Column("pid", BigInteger, nullable=False),
    Column("started_us", BigInteger, nullable=False),
    Column("ended_us", BigInteger),  # missing while it runs, and of one that died
    Column("status", String(32), nullable=False),
    Column("error", Text),
    Column("cost", JSON, nullable=False),
    Index("ix_execution_pipeline_night", "pipeline", "night"),
    Index("ix_execution_started", "started_us"),
)

#: One try at a task. `inputs` is what it would take in, whatever the night; `fence`
#: grows with each worker that takes the tile, and older ones may write no more.
task_attempt = Table(
    "task_attempt",
    metadata,
    Column("task", String(64), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("execution", String(64), nullable=False),
    Column("pipeline", String(64), nullable=False),
    Column("tile", String(64), nullable=False),
    Column("kind", String(32), nullable=False),
    Column("inputs", String(64), nullable=False),
    Column("fence", BigInteger),
    Column("started_us", BigInteger, nullable=False),
    Column("lease_until_us", BigInteger, nullable=False),
    Column("ended_us", BigInteger),
    Column("outcome", String(32), nullable=False),
    Column("error", Text),
    Index("ix_task_attempt_inputs", "pipeline", "tile", "kind", "inputs"),
    Index("ix_task_attempt_execution", "execution"),
    Index("ix_task_attempt_outcome", "pipeline", "outcome"),
)

#: Inputs of a tile that no attempt survived: not tried again until they change, or
#: until somebody says so (`redriven_us`).
tile_quarantine = Table(
    "tile_quarantine",
    metadata,
    Column("pipeline", String(64), primary_key=True),
    Column("tile", String(64), primary_key=True),
    Column("kind", String(32), primary_key=True),
    Column("inputs", String(64), primary_key=True),
    Column("night", Date, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("reason", Text, nullable=False),
    Column("since_us", BigInteger, nullable=False),
    Column("redriven_us", BigInteger),
)

tile_task = Table(
    "tile_task",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("pipeline", String(64), nullable=False),
    Column("tile", String(64), nullable=False),
    Column("state", String(128), nullable=False),
    Column("night", Date, nullable=False),
    Column("status", String(32), nullable=False),
    Column("scenes", JSON, nullable=False),
    Column("summary", JSON, nullable=False),
    Index("ix_tile_task_pipeline_night", "pipeline", "night"),
)

scene_use = Table(
    "scene_use",
    metadata,
    Column("pipeline", String(64), primary_key=True),
    Column("state", String(128), primary_key=True),
    Column("scene", Text, primary_key=True),
    Column("night", Date, nullable=False),
)

output = Table(
    "output",
    metadata,
    Column("task", ForeignKey("tile_task.id", ondelete="CASCADE"), primary_key=True),
    Column("path", Text, primary_key=True),
    Column("sha256", String(64), nullable=False),
)

alert = Table(
    "alert",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("pipeline", String(64), nullable=False),
    Column("hazard", String(64), nullable=False),
    Column("model", Text, nullable=False),
    Column("status", String(32), nullable=False),
    Column("geometry", LargeBinary, nullable=False),
    Column("west", Double, nullable=False),
    Column("south", Double, nullable=False),
    Column("east", Double, nullable=False),
    Column("north", Double, nullable=False),
    Column("area_ha", Double, nullable=False),
    Column("reported_area_ha", Double, nullable=False),
    Column("probability", Double),
    Column("first_night", Date, nullable=False),
    Column("last_night", Date, nullable=False),
    Column("since", Date, nullable=False),
    Column("evidence", Date, nullable=False),
    Column("changed", Date, nullable=False),
    Column("places", JSON, nullable=False),
    Index("ix_alert_pipeline_status", "pipeline", "status"),
)

alert_change = Table(
    "alert_change",
    metadata,
    Column("key", String(160), primary_key=True),
    Column("alert", ForeignKey("alert.id", ondelete="CASCADE"), nullable=False),
    Column("night", Date, nullable=False),
    Column("change", String(32), nullable=False),
    Column("area_ha", Double, nullable=False),
    Column("into", String(64)),
    Column("followed_us", BigInteger),  # when a step of a case followed it
    Index("ix_alert_change_alert", "alert"),
    Index(
        "ix_alert_change_unfollowed",
        *("night", "key"),
        sqlite_where=text("followed_us IS NULL"),
        postgresql_where=text("followed_us IS NULL"),
    ),
)

#: What an alert of a fire says beside what every alert says; one row an alert.
fire_alert = Table(
    "fire_alert",
    metadata,
    Column("alert", ForeignKey("alert.id", ondelete="CASCADE"), primary_key=True),
    Column("event", String(64), nullable=False),
    Column("geometry", LargeBinary, nullable=False),
    Column("longitude", Double, nullable=False),
    Column("latitude", Double, nullable=False),
    Column("kind", String(32), nullable=False),
    Column("confidence", String(32), nullable=False),
    Column("sure_viirs", Boolean, nullable=False),
    Column("first_us", BigInteger, nullable=False),
    Column("last_us", BigInteger, nullable=False),
    Column("looks", Integer, nullable=False),
    Column("detections", Integer, nullable=False),
    Column("viirs", Integer, nullable=False),
    Column("modis", Integer, nullable=False),
    Column("satellites", JSON, nullable=False),
    Column("frp_max_mw", Double),
    Column("county_zh", Text, nullable=False),
    Column("county_en", Text, nullable=False),
    Column("county_code", String(32), nullable=False),
    Column("township_zh", Text, nullable=False),
    Column("township_en", Text, nullable=False),
    Column("crop_share", Double),
    Column("gate", String(32), nullable=False),
    Column("gate_zh", Text, nullable=False),
    Column("gate_en", Text, nullable=False),
    Column("raised_us", BigInteger, nullable=False),
    Column("verify_by_us", BigInteger, nullable=False),
    Index("ix_fire_alert_verify_by", "verify_by_us"),
)

#: What somebody found at an alert; rows are added and never changed. `raised_us` is
#: the start of the clock that it stopped: a clock started anew is not stopped by it.
verification = Table(
    "verification",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("key", String(64), nullable=False, unique=True),
    Column("alert", ForeignKey("fire_alert.alert", ondelete="CASCADE"), nullable=False),
    Column("raised_us", BigInteger, nullable=False),
    Column("time_us", BigInteger, nullable=False),
    Column("outcome", String(32), nullable=False),
    Column("by", Text, nullable=False),
    Column("note", Text, nullable=False),
    Index("ix_verification_alert", "alert"),
)

sensor = Table(
    "sensor",
    metadata,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("longitude", Double),
    Column("latitude", Double),
    Column("elevation", Double),
    Column("simulated", Boolean, nullable=False),
)

#: One variable of one sensor at one depth. The id is a digest of the three, so
#: every database gives the same series the same id, and a missing depth needs no
#: stand-in value in a unique key.
series = Table(
    "series",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("sensor", ForeignKey("sensor.id", ondelete="CASCADE"), nullable=False),
    Column("variable", String(64), nullable=False),
    Column("depth_m", Double),
    Index("ix_series_sensor", "sensor"),
)

#: The key is the table: readings of a series lie together, in order of time.
reading = Table(
    "reading",
    metadata,
    Column("series", ForeignKey("series.id", ondelete="CASCADE"), primary_key=True),
    Column("time_us", BigInteger, primary_key=True, autoincrement=False),
    Column("value", Double),
    Column("quality", SmallInteger, nullable=False),
    sqlite_with_rowid=False,
)

quarantine = Table(
    "quarantine",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("pipeline", String(64), nullable=False),
    Column("night", Date, nullable=False),
    Column("subject", Text, nullable=False),
    Column("problem", Text, nullable=False),
    Column("remedy", Text, nullable=False),
    Index("ix_quarantine_pipeline_night", "pipeline", "night"),
)

#: How far a spool of messages was read; moves in one transaction with the readings.
spool = Table(
    "spool",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("segment", BigInteger, nullable=False),
    Column("byte", BigInteger, nullable=False),
    Column("messages", BigInteger, nullable=False),
    Column("readings", BigInteger, nullable=False),
    Column("dead", BigInteger, nullable=False),
    Column("received_us", BigInteger),
)

#: Messages, or parts of them, that could not be read; by their place in the spool.
dead_letter = Table(
    "dead_letter",
    metadata,
    Column("spool", String(64), primary_key=True),
    Column("segment", BigInteger, primary_key=True, autoincrement=False),
    Column("byte", BigInteger, primary_key=True, autoincrement=False),
    Column("source", Text, nullable=False),
    Column("received_us", BigInteger, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("reason", Text, nullable=False),
    Column("head", LargeBinary, nullable=False),
    Column("kept", Integer, nullable=False),
    Index("ix_dead_letter_received", "received_us"),
)

#: Orders to open valves; `ended_us` is missing while one can still change.
valve_order = Table(
    "valve_order",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("valve", String(64), nullable=False),
    Column("stage", String(32), nullable=False),
    Column("ended_us", BigInteger),
    Column("body", JSON, nullable=False),
    Index("ix_valve_order_ended", "ended_us"),
)

#: What is known of a valve between orders.
valve_state = Table(
    "valve_state",
    metadata,
    Column("valve", String(64), primary_key=True),
    Column("body", JSON, nullable=False),
)

#: Every step of a valve, each with the digest of the one before; triggers refuse
#: whatever is not an addition.
valve_audit = Table(
    "valve_audit",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("time_us", BigInteger, nullable=False),
    Column("valve", String(64), nullable=False),
    Column("order", String(64), nullable=False),
    Column("who", Text, nullable=False),
    Column("what", String(64), nullable=False),
    Column("why", Text, nullable=False),
    Column("before", JSON, nullable=False),
    Column("after", JSON, nullable=False),
    Column("previous", String(64), nullable=False),
    Column("digest", String(64), nullable=False, unique=True),
)
