"""A PostgreSQL whose processes stand still."""

import os
import signal
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import psycopg


@contextmanager
def standing_still(url: str) -> Iterator[None]:
    """Stop the server and all who serve somebody; what they hold they keep."""
    with closing(psycopg.connect(url)) as asked:
        folder = asked.execute("SHOW data_directory").fetchone()
        rows = asked.execute(
            "SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend' "
            "AND pid <> pg_backend_pid()"
        ).fetchall()
    assert folder is not None
    server = int((Path(folder[0]) / "postmaster.pid").read_text().split()[0])
    processes = [server, *(int(row[0]) for row in rows)]
    for process in processes:
        os.kill(process, signal.SIGSTOP)
    try:
        yield
    finally:
        for process in processes:
            os.kill(process, signal.SIGCONT)
