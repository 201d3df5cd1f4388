"""The sign of life of a foreground scheduler, for whoever watches it."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from agroforest.core.files import write_text

#: How often a scheduler gives a sign of life.
BEAT = timedelta(seconds=30)
#: Without one for so long, nobody is there.
SILENCE = 4 * BEAT


@dataclass(frozen=True, kw_only=True, slots=True)
class Heartbeat:
    """What a foreground scheduler last said.

    Attributes
    ----------
    pid
        Its process, as the machine or container that it runs on counts them.
    started
        When it began, UTC.
    beat
        When it said this, UTC.
    next
        When it begins the next night; not after `beat` while one is running.
    running
        Name of the pipeline whose night is running.
    pipelines
        Names of all its pipelines.
    """

    pid: int
    started: datetime
    beat: datetime
    next: datetime
    running: str | None = None
    pipelines: tuple[str, ...] = ()

    def is_alive(self, now: datetime) -> bool:
        """Whether the last sign of life is no older than `SILENCE`.

        One from the future says that the clock was put back since; that is no sign
        of life either.
        """
        return -SILENCE <= now - self.beat <= SILENCE


def heartbeat_path(work: Path) -> Path:
    """Where the scheduler of a work folder leaves its signs of life."""
    return work / ".scheduler.json"


def write_heartbeat(work: Path, beat: Heartbeat) -> None:
    """Leave a sign of life, in one step."""
    document = {
        "pid": beat.pid,
        "started": beat.started.isoformat(),
        "beat": beat.beat.isoformat(),
        "next": beat.next.isoformat(),
        "running": beat.running,
        "pipelines": list(beat.pipelines),
    }
    write_text(heartbeat_path(work), json.dumps(document) + "\n")


def read_heartbeat(work: Path) -> Heartbeat | None:
    """Read the last sign of life.

    ``None`` where there never was a scheduler, where it ended in order, and where
    the file holds something else.
    """
    try:
        document = json.loads(heartbeat_path(work).read_text(encoding="utf-8"))
        times = {
            name: datetime.fromisoformat(document[name]).astimezone(UTC)
            for name in ("started", "beat", "next")
        }
        return Heartbeat(
            pid=int(document["pid"]),
            running=document.get("running"),
            pipelines=tuple(map(str, document.get("pipelines", ()))),
            **times,
        )
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None


def remove_heartbeat(work: Path) -> None:
    """Take the sign of life away: the scheduler ended in order."""
    heartbeat_path(work).unlink(missing_ok=True)
