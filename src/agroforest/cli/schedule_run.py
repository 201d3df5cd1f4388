"""``agroforest schedule run``: nights by a process in the foreground."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated

import typer

from agroforest.cli.options import (
    DEFAULT_WORK,
    Database,
    WorkFolder,
    choose_database,
)
from agroforest.cli.schedule_hours import find_choice
from agroforest.cli.schedule_job import (
    DEFAULT_AT,
    DEFAULT_ZONE,
    At,
    Incoming,
    Zone,
    build_job,
    find_program,
)

if TYPE_CHECKING:
    from agroforest.schedule.job import Job


def register(app: typer.Typer) -> None:
    """Add the command to ``agroforest schedule``."""
    app.command(name="run")(run)


def run(
    pipelines: Annotated[
        list[Path], typer.Argument(help="Pipeline definitions, TOML.")
    ],
    *,
    at: At = DEFAULT_AT,
    zone: Zone = DEFAULT_ZONE,
    incoming: Incoming = None,
    work: WorkFolder = DEFAULT_WORK,
    database: Database = "",
) -> None:
    """Run the nights of pipelines every day until stopped: for containers.

    A night that is due is run at once, missed ones first. One that fails is tried
    again after 10, 30 and 60 minutes; after that, the next night catches up. Each
    night is a process of its own, one at a time. Where a pipeline knows the grid's
    hours ([energy] hours), its nights wait for clean ones.
    """
    from agroforest.core.errors import ConfigurationError
    from agroforest.schedule.child import Child

    try:
        from agroforest.schedule.foreground import NightScheduler, only_one
    except ImportError as error:
        raise ConfigurationError(
            "schedule run",
            f"needs {error.name}",
            "install it: pip install 'agroforest[schedule]'",
        ) from error

    jobs = [
        build_job(
            each, at=at, zone=zone, incoming=incoming, work=work, database=database
        )
        for each in pipelines
    ]
    found = [find_choice(job) for job in jobs]
    jobs = [
        job if each is None else each[0] for job, each in zip(jobs, found, strict=True)
    ]
    names = [job.name for job in jobs]
    if len(set(names)) != len(names):
        raise ConfigurationError(
            "schedule run", f"a name comes twice in {names}", "name each pipeline once"
        )
    with only_one(work):
        scheduler = NightScheduler(
            jobs,
            program=find_program(),
            runner=Child(),
            done=_find_done(jobs, work, database),
            tell=_tell,
            choose_start={each[0].name: each[1] for each in found if each is not None},
        )
        for job in jobs:
            table = job.timetable
            later = f", up to {table.window} later 可推迟" if table.window else ""
            _tell(f"{job.name}: every day 每天 {table.at:%H:%M} {zone}{later}")
        with _stopped_by_signals(scheduler.ask_to_stop):
            scheduler.run_nights()
    _tell("stopped 已停止")


def _tell(line: str) -> None:
    typer.echo(line)


def _find_done(jobs: "list[Job]", work: Path, database: str) -> dict[str, date | None]:
    """Newest night of each pipeline, as far as the database answers.

    Where it does not, the night is begun and finds out by itself.
    """
    from agroforest.core.errors import SourceError
    from agroforest.store import open_store

    try:
        with open_store(choose_database(work, database)) as store:
            return {job.name: store.last_night(job.name) for job in jobs}
    except SourceError as error:
        typer.echo(f"agroforest: {error}", err=True)
        return {}


@contextmanager
def _stopped_by_signals(stop: Callable[[], None]) -> Iterator[None]:
    """Call `stop` where SIGTERM or Ctrl-C would end us, from a thread of its own."""

    def ask(number: int, _: FrameType | None) -> None:
        del number
        threading.Thread(target=stop, daemon=True).start()

    signals = (signal.SIGTERM, signal.SIGINT)
    before = {each: signal.signal(each, ask) for each in signals}
    try:
        yield
    finally:
        for each, old in before.items():
            signal.signal(each, old)
