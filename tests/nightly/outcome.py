"""What nights left, but for what differs from try to try: the same means the same."""

import json
import sqlite3
from pathlib import Path
from typing import Any

from agroforest.core.identity import digest_file

#: What a report says of the process that did the work: which, how long, what it cost.
OWN = frozenset({"execution", "attempts", "cost", "seconds"})
#: Tables that say what was found, written and told. `run` counts among them but for
#: how its nights ended; tries (`execution`, `task_attempt`) do not.
TABLES = (
    *("tile_task", "output", "scene_use", "quarantine", "tile_quarantine"),
    *("alert", "alert_change", "fire_alert"),
    *("review_case", "review_step", "message"),
)


def look(work: Path, *, without: frozenset[str] = frozenset()) -> dict[str, object]:
    """Digest of every file by name, reports as values, and rows by table.

    Parameters
    ----------
    work
        The work folder; its database is the one in it.
    without
        Names of tables, and of folders of a pipeline, to leave out: reports of a
        disturbed night say so, and maps are drawn for the last night of a call only.
    """
    return files(work, without=without) | dict(rows(work, without=without))


def files(work: Path, *, without: frozenset[str] = frozenset()) -> dict[str, object]:
    """Digest of every file by name; reports as values, without what they say of work.

    Pages of reports say the same as the reports, and are left out.
    """
    found: dict[str, object] = {}
    for path in sorted(work.rglob("*")):
        name = path.relative_to(work)
        own = "agroforest.db" in path.name or any(p.startswith(".") for p in name.parts)
        if not path.is_file() or own or without & set(name.parts):
            continue
        if "reports" not in name.parts:
            found[str(name)] = digest_file(path)
        elif path.suffix == ".json":
            found[str(name)] = _drop_own(json.loads(path.read_text(encoding="utf-8")))
    return found


def rows(
    work: Path, *, without: frozenset[str] = frozenset()
) -> dict[str, list[tuple[Any, ...]]]:
    """Rows of every table that says what was found, in one order."""
    with sqlite3.connect(work / "agroforest.db") as database:
        return {
            name: sorted(
                database.execute(f'SELECT * FROM "{name}"').fetchall(),  # noqa: S608
                key=repr,
            )
            for name in TABLES
            if name not in without
        }


def _drop_own(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _drop_own(v) for k, v in value.items() if k not in OWN}
    if isinstance(value, list):
        return [_drop_own(each) for each in value]
    return value
