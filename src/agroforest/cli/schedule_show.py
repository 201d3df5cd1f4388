"""``agroforest schedule show``: what runs by itself, and when next."""

import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from agroforest.cli.options import DEFAULT_WORK, Json, WorkFolder, choose_database

if TYPE_CHECKING:
    from agroforest.schedule.heartbeat import Heartbeat
    from agroforest.schedule.installed import Installed
    from agroforest.schedule.job import Job


def register(app: typer.Typer) -> None:
    """Add the command to ``agroforest schedule``."""
    app.command(name="show")(show)


def show(
    *,
    work: WorkFolder = DEFAULT_WORK,
    folder: Annotated[
        Path | None,
        typer.Option(file_okay=False, help="Look there, not at the usual places."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Show what is installed, when it begins next, and the last night that was run.

    The work folder is where to look for a scheduler in the foreground.
    """
    from agroforest.schedule.heartbeat import read_heartbeat

    now = datetime.now(UTC)
    rows = [_describe(each, now) for each in _find(folder)]
    beat = read_heartbeat(work)
    if as_json:
        document = {"installed": rows, "scheduler": _describe_beat(beat, now)}
        typer.echo(json.dumps(document, ensure_ascii=False))
        return
    for row in rows:
        last = row["last_night"] or "never 从未"
        typer.echo(f"{row['pipeline']}  {row['at']} {row['zone']}  ({row['where']})")
        typer.echo(f"  next 下次: {row['next']}  last night 上次: {last}")
    if beat is not None:
        word = "alive 运行中" if beat.is_alive(now) else "SILENT 无心跳"
        typer.echo(
            f"schedule run: {word}, beat {beat.beat:%Y-%m-%dT%H:%M:%SZ}, "
            f"next 下次: {beat.next:%Y-%m-%dT%H:%M:%SZ}  ({', '.join(beat.pipelines)})"
        )
    if not rows and beat is None:
        typer.echo("nothing is scheduled 未安排: agroforest schedule install PIPELINE")


def _find(folder: Path | None) -> "list[Installed]":
    from agroforest.schedule import installed

    if folder is not None:
        return installed.find_files(folder)
    places = (installed.SYSTEM_UNITS, installed.user_units(), installed.SYSTEM_CRON)
    files = [each for place in places for each in installed.find_files(place)]
    return files + installed.find_crontab()


def _describe(each: "Installed", now: datetime) -> dict[str, Any]:
    job = each.job
    last = _last_night(job)
    return {
        "pipeline": job.name,
        "file": str(job.pipeline),
        "work": str(job.work),
        "where": each.where,
        "at": f"{job.timetable.at:%H:%M}",
        "zone": job.timetable.zone.key,
        "next": f"{job.timetable.next_start(now):%Y-%m-%dT%H:%M:%SZ}",
        "last_night": None if last is None else last.isoformat(),
    }


def _describe_beat(beat: "Heartbeat | None", now: datetime) -> dict[str, Any] | None:
    if beat is None:
        return None
    return {
        "alive": beat.is_alive(now),
        "pid": beat.pid,
        "beat": beat.beat.isoformat(),
        "next": beat.next.isoformat(),
        "running": beat.running,
        "pipelines": list(beat.pipelines),
    }


def _last_night(job: "Job") -> date | None:
    """Last night of a job; ``None`` also where its database cannot be asked."""
    from agroforest.core.errors import AgroforestError
    from agroforest.store import open_store

    place = choose_database(job.work, job.database)
    if isinstance(place, Path) and not place.is_file():
        return None  # opening would create it
    try:
        with open_store(place) as store:
            return store.last_night(job.name)
    except AgroforestError as error:
        typer.echo(f"agroforest: {error}", err=True)
        return None
