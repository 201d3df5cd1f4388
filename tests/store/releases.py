"""Databases as older releases left them, with rows in every table they had.

They lie in ``old/`` and are never made again: migrations that change must still take
what is out there. ``python -m tests.store.releases 0008`` adds the one of a schema
that a release has just brought, by the migrations themselves.
"""

import gzip
import shutil
import sqlite3
import sys
from contextlib import closing
from datetime import UTC, date, datetime
from pathlib import Path

from agroforest.core.alert import Change, Instruction
from agroforest.core.queue import DeskChanges
from agroforest.core.reading import Reading, Sensor, Variable
from agroforest.store import (
    ArrivedBatch,
    DeadLetter,
    QuarantineRecord,
    RunRecord,
    SpoolState,
    TaskRecord,
    migration,
    open_store,
)
from agroforest.store.database import open_database

OLD = Path(__file__).with_name("old")
REVISIONS = tuple(sorted(p.name.split(".")[0] for p in OLD.glob("*.db.gz")))
NIGHT = date(2024, 11, 1)
NOW = datetime(2024, 11, 1, 20, tzinfo=UTC)


def place_release(revision: str, path: Path) -> Path:
    """Put the database of an older release at `path`."""
    with gzip.open(OLD / f"{revision}.db.gz") as packed, path.open("wb") as file:
        shutil.copyfileobj(packed, file)
    return path


def count_rows(path: Path) -> dict[str, int]:
    """Rows of every table that is not SQLite's own or a look-up."""
    with closing(sqlite3.connect(path)) as opened:
        names = opened.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        return {
            name: opened.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0]  # noqa: S608
            for (name,) in names.fetchall()
            if not name.startswith(("sqlite_", "case_box", "agroforest_schema"))
        }


def build_release(revision: str, path: Path) -> None:
    """Make a database of today, and take away what later releases brought."""
    from tests.store import desks, test_findings, test_fires  # noqa: PLC0415

    with open_store(path) as store:
        alert = test_findings.make_alert("a1")
        fire, facts = test_fires.make_fire("e1")
        store.record_night(
            run=RunRecord(
                pipeline="gx", night=NIGHT, config_digest="c", status="done", summary={}
            ),
            tasks=[
                TaskRecord(
                    id="t",
                    pipeline="gx",
                    tile="49QBF-0810",
                    state="49QBF-0810-00",
                    night=NIGHT,
                    status="done",
                    scenes=("s1", "s2"),
                    outputs={"gx/risk/x.tif": "00", "gx/risk/x.json": "11"},
                    summary={"kind": "night"},
                )
            ],
            alerts=[alert, fire],
            fires=[facts],
            instructions=[
                Instruction(
                    alert="a1", night=NIGHT, change=Change.NEW, area_ha=alert.area_ha
                )
            ],
            quarantined=[
                QuarantineRecord(
                    pipeline="gx", night=NIGHT, where="x", problem="y", remedy="z"
                )
            ],
        )
        store.verify(fire.id, test_fires.found())
        store.add_sensors([Sensor(id="s1", name="甘蔗地 3", longitude=108.0)])
        store.add_readings(
            Reading(
                sensor="s1",
                time=NOW.replace(hour=hour),
                variable=Variable.BATTERY,
                depth_m=None,
                value=3.0 + hour / 100,
            )
            for hour in range(24)
        )
        store.spools.add_arrivals(
            ArrivedBatch(
                spool="sp",
                dead=(
                    DeadLetter(
                        spool="sp",
                        segment=1,
                        byte=8,
                        source="http/x",
                        received=NOW,
                        size=3,
                        sha256="00",
                        reason="no JSON",
                        head=b"\xff\x00x",
                        kept=3,
                    ),
                ),
                after=SpoolState(
                    segment=1, byte=99, messages=2, readings=1, dead=1, received=NOW
                ),
            )
        )
        case = desks.make_case(alert)
        store.desk.add_account(desks.make_account("wei"), "argon2-hash")
        store.desk.record(
            DeskChanges(
                cases=(case,),
                steps=(desks.make_step(case.id),),
                deeds=(desks.make_deed("a1"), desks.make_deed("a2")),
            )
        )
        store.desk.add_messages([desks.make_message("m1")])
    with closing(sqlite3.connect(path)) as opened, opened:
        opened.execute(
            "INSERT INTO valve_order VALUES ('o', 'v', 'closed', 1, '{\"litres\": 2}')"
        )
        opened.execute("INSERT INTO valve_state VALUES ('v', '{\"open\": false}')")
        opened.execute(
            "INSERT INTO valve_audit VALUES "
            "(1, 1, 'v', 'o', 'wei', 'opened', '', '{}', '{}', '', 'd1')"
        )
    with closing(open_database(path)) as database:
        with database.writing() as connection:
            migration.downgrade(connection, revision)
        with database.reading() as connection:
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    with closing(sqlite3.connect(path, isolation_level=None)) as opened:
        opened.execute("PRAGMA journal_mode = DELETE")
        opened.execute("VACUUM")


if __name__ == "__main__":
    for name in sys.argv[1:]:
        made = OLD / f"{name}.db"
        build_release(name, made)
        with gzip.GzipFile(OLD / f"{name}.db.gz", "wb", mtime=0) as packed:
            packed.write(made.read_bytes())
        made.unlink()
