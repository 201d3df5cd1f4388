"""A line of cron for the nights of a pipeline, in a block of its own."""

import re
from datetime import datetime, time, timedelta, tzinfo

from agroforest.core.errors import ConfigurationError
from agroforest.schedule.job import Job, mark, read_mark
from agroforest.schedule.quoting import quote_cron
from agroforest.schedule.timetable import Timetable

# cron(8) of Debian and cronie run no longer command.
_LONGEST = 998
_YEAR = timedelta(days=366)


def find_local_time(
    timetable: Timetable, now: datetime, machine: tzinfo | None
) -> time:
    """Find the time of the machine's clock at which every night of a year begins.

    cron knows no other zone.

    Parameters
    ----------
    timetable
        When nights begin.
    now
        The time, UTC.
    machine
        Zone of the machine; ``None`` asks the system.

    Raises
    ------
    ConfigurationError
        The clocks of the two zones are not put forward on the same days.
    """
    times = set()
    start = timetable.next_start(now)
    while start < now + _YEAR:
        times.add(start.astimezone(machine).time().replace(second=0, microsecond=0))
        start = timetable.next_start(start)
    if len(times) != 1:
        raise ConfigurationError(
            "schedule install --cron",
            f"{timetable.at:%H:%M} {timetable.zone.key} is not the same time of this "
            "machine's clock all year",
            "leave --cron out (systemd knows zones), or name the machine's own --zone",
        )
    return times.pop()


def build_block(
    job: Job, program: tuple[str, ...], at: time, *, user: str | None = None
) -> str:
    """Write the block of a job.

    Parameters
    ----------
    job
        What is to be done.
    program
        First words of every command of ours.
    at
        When, by the machine's clock.
    user
        Who does it, where the file wants that (``/etc/cron.d``).

    Raises
    ------
    ConfigurationError
        A path that no line can hold, or a command too long for cron.
    """
    intake = job.intake(program)
    commands = [quote_cron(c) for c in (intake, job.nightly(program)) if c]
    command = "; ".join(commands)
    if len(command.encode()) > _LONGEST:
        raise ConfigurationError(
            "schedule install --cron",
            f"the command has {len(command.encode())} bytes, and cron takes {_LONGEST}",
            "use shorter paths, or systemd",
        )
    who = "" if user is None else f"{user} "
    line = f"{at.minute} {at.hour} * * * {who}{command}"
    return f"{mark(job)}\n{line}\n{_end(job.name)}\n"


def replace_block(crontab: str, name: str, block: str) -> str:
    """Put a block in the place of the pipeline's old one, or at the end.

    Parameters
    ----------
    crontab
        All lines; those of others stay as they are.
    name
        Of the pipeline.
    block
        The new block; empty takes the old one away.
    """
    # Not `splitlines`: cron knows one line break.
    lines = [line for line in re.split(r"(?<=\n)", crontab) if line]
    kept: list[str] = []
    place = None
    inside = False
    for line in lines:
        found = read_mark(line.rstrip("\n"))
        if not inside and found is not None and found.name == name:
            inside = True
            place = len(kept) if place is None else place
        elif inside and line.rstrip("\n") == _end(name):
            inside = False
        elif not inside:
            kept.append(line)
    if inside:
        raise ConfigurationError(
            "crontab",
            f"the block of {name} has no end",
            f"put the line {_end(name)!r} after it (crontab -e)",
        )
    if not block:
        return "".join(kept)
    if place is None:
        if kept and not kept[-1].endswith("\n"):
            kept[-1] += "\n"
        place = len(kept)
    return "".join([*kept[:place], block, *kept[place:]])


def read_blocks(crontab: str) -> list[Job]:
    """Read the jobs of a crontab."""
    found = (read_mark(line) for line in crontab.split("\n"))
    return [job for job in found if job is not None]


def _end(name: str) -> str:
    return f"# agroforest schedule of {name} ends here"
