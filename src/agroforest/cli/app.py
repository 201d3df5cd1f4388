"""The root command: options every command shares, and errors as one line."""

import signal
import sys
from pathlib import Path
from types import FrameType
from typing import Annotated, NoReturn

import typer

from agroforest import __version__
from agroforest.cli import (
    accounts,
    alerts,
    audit,
    backup,
    carbon,
    composite,
    demo,
    doctor,
    fire,
    index,
    listen,
    logs,
    model,
    monitor,
    nightly,
    notify,
    plan,
    prune,
    redrive,
    restore,
    review,
    scenes,
    schedule,
    sensors,
    sensorthings,
    serve,
    status,
    valves,
    water,
    worker,
    zonal,
)
from agroforest.core.errors import (
    AgroforestError,
    ConfigurationError,
    LockedError,
    NoInputError,
)
from agroforest.core.logs import FILE_VARIABLE, FORMAT_VARIABLE

_CODES: tuple[tuple[type[AgroforestError], int], ...] = (
    (ConfigurationError, 2),
    (LockedError, 4),
    (NoInputError, 5),
)

app = typer.Typer(
    name="agroforest",
    help="Watch farms and forests from space and from the soil. · 天地一体的农林监测",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.add_typer(scenes.app, name="scenes")
listen.register(sensors.app)
sensorthings.register(sensors.app)
app.add_typer(sensors.app, name="sensors")
app.add_typer(water.app, name="water")
app.add_typer(valves.app, name="valve")
app.add_typer(model.app, name="model")
app.add_typer(fire.app, name="fire")
app.add_typer(notify.app, name="notify")
app.add_typer(alerts.app, name="alerts")
app.add_typer(review.app, name="review")
app.add_typer(accounts.app, name="account")
app.add_typer(audit.app, name="audit")
app.add_typer(schedule.app, name="schedule")
app.command(name="index")(index.index)
app.command(name="composite")(composite.composite)
app.command(name="plan")(plan.plan)
app.command(name="carbon")(carbon.carbon)
app.command(name="monitor")(monitor.monitor)
app.command(name="nightly")(nightly.nightly)
app.command(name="redrive")(redrive.redrive)
app.command(name="worker")(worker.worker)
app.command(name="zonal")(zonal.zonal)
app.command(name="backup")(backup.backup)
app.command(name="restore")(restore.restore)
app.command(name="prune")(prune.prune)
app.command(name="demo")(demo.demo)
app.command(name="serve")(serve.serve)
app.command(name="status")(status.status)
app.command(name="doctor")(doctor.doctor)


def _version(*, asked: bool) -> None:
    if asked:
        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def root(
    *,
    version: Annotated[
        bool,
        typer.Option("--version", callback=_version, is_eager=True, help="Show it."),
    ] = False,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Say more on standard error.")
    ] = False,
    log_format: Annotated[
        str,
        typer.Option(envvar=FORMAT_VARIABLE, help="text, or json: an object a line."),
    ] = "text",
    log_file: Annotated[
        Path | None,
        typer.Option(
            envvar=FILE_VARIABLE, help="Log to this file, too; it may be rotated."
        ),
    ] = None,
) -> None:
    """Set logging up; libraries never do."""
    del version
    logs.begin_logging(form=log_format, path=log_file, verbose=verbose)


def _stop(number: int, _: FrameType | None) -> NoReturn:
    """Leave as Ctrl-C does: workers are ended and their semaphores given back.

    A process that is killed leaves both to the system, and Python complains of
    leaked semaphores.
    """
    signal.signal(number, signal.SIG_DFL)  # whoever asks twice does not wait
    sys.exit(128 + number)


def main() -> None:
    """Run a command; an error of ours is one line and an exit code."""
    signal.signal(signal.SIGTERM, _stop)
    try:
        app()
    except AgroforestError as error:
        logs.tell_error(error)
        sys.exit(next((c for kind, c in _CODES if isinstance(error, kind)), 1))
    except BrokenPipeError:
        sys.stderr.close()  # `agroforest … | head` has read enough
        sys.exit(1)
