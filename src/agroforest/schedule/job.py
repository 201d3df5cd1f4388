"""What is to be done every night, whoever starts it."""

import json
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from agroforest.core.errors import ConfigurationError
from agroforest.schedule.quoting import refuse_odd
from agroforest.schedule.timetable import Timetable, parse_timetable

#: Begins the line by which we know our own files again.
MARK = "# agroforest schedule: "


@dataclass(frozen=True, kw_only=True, slots=True)
class Job:
    """The nights of one pipeline.

    Attributes
    ----------
    name
        Of the pipeline: lower case, digits and dashes.
    pipeline
        Its file, absolute.
    work
        The work folder, absolute.
    timetable
        When nights begin.
    database
        URL of the database; the work folder's own file if empty.
    incoming
        Folder whose scenes are catalogued before each night, absolute.
    """

    name: str
    pipeline: Path
    work: Path
    timetable: Timetable
    database: str = ""
    incoming: Path | None = None

    def intake(self, program: tuple[str, ...]) -> list[str] | None:
        """Command that catalogues what came in; ``None`` where nothing does."""
        if self.incoming is None:
            return None
        return [
            *program,
            "scenes",
            "add",
            str(self.incoming),
            f"--work={self.work}",
        ]

    def nightly(self, program: tuple[str, ...], night: date | None = None) -> list[str]:
        """Command that runs the nights missed and the last one.

        Parameters
        ----------
        program
            First words of every command of ours.
        night
            The last night; whatever night it is then, unless given.
        """
        return [
            *program,
            "nightly",
            str(self.pipeline),
            "--catch-up",
            *([] if night is None else [f"--to={night}"]),
            f"--work={self.work}",
            *([f"--database={self.database}"] if self.database else []),
        ]


def mark(job: Job) -> str:
    """Line of a unit or crontab that says what it is for; a comment there.

    Raises
    ------
    ConfigurationError
        A path that no line can hold.
    """
    facts: dict[str, str | None] = {
        "name": job.name,
        "pipeline": str(job.pipeline),
        "work": str(job.work),
        "at": f"{job.timetable.at:%H:%M}",
        "zone": job.timetable.zone.key,
        "database": job.database,
        "incoming": None if job.incoming is None else str(job.incoming),
    }
    for name, value in facts.items():
        refuse_odd(f"schedule install ({name})", value or "")
    return MARK + json.dumps(facts, ensure_ascii=False)


def read_mark(line: str) -> Job | None:
    """Read what `mark` wrote; ``None`` if the line is something else."""
    if not line.startswith(MARK):
        return None
    try:
        facts = json.loads(line.removeprefix(MARK))
        incoming = facts["incoming"]
        return Job(
            name=str(facts["name"]),
            pipeline=Path(facts["pipeline"]),
            work=Path(facts["work"]),
            timetable=parse_timetable(facts["at"], facts["zone"]),
            database=str(facts["database"]),
            incoming=None if incoming is None else Path(incoming),
        )
    except (ValueError, KeyError, TypeError, ConfigurationError):
        return None
