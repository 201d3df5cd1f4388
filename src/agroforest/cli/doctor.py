"""``agroforest doctor``: look at everything a night needs, and say the fix."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from agroforest.cli.options import (
    DEFAULT_WORK,
    Database,
    Json,
    WorkFolder,
    choose_database,
)

if TYPE_CHECKING:
    from agroforest.health.finding import Finding

_MARKS = {"ok": "✓", "warn": "!", "fail": "✗"}


def doctor(
    pipelines: Annotated[
        list[Path] | None,
        typer.Argument(help="Pipeline definitions, TOML, to look at, too."),
    ] = None,
    *,
    config: Annotated[
        Path | None,
        typer.Option(
            envvar="AGROFOREST_DESK", help="The desk's settings, to look at, too."
        ),
    ] = None,
    listener: Annotated[
        Path | None, typer.Option(help="The listener's settings: asks its brokers.")
    ] = None,
    checksums: Annotated[
        bool,
        typer.Option("--checksums", help="Read every file on record; takes a while."),
    ] = False,
    fix: Annotated[
        bool,
        typer.Option("--fix", help="Remove what killed processes left, and no more."),
    ] = False,
    work: WorkFolder = DEFAULT_WORK,
    database: Database = "",
    as_json: Json = False,
) -> None:
    """体检 · Check disk, clock, libraries, database, broker, schedule, models, rights.

    Each line: ✓ well, ! look at it, ✗ nights will fail; and the fix as a command.
    Exit code 1 if anything fails. Nothing is changed without --fix.
    """
    from agroforest.health.doctor import Patient, examine
    from agroforest.health.finding import Level

    patient = Patient(
        work=work,
        database=str(choose_database(work, database)),
        pipelines=tuple(pipelines or ()),
        desk=config,
        listener=listener,
        now=datetime.now(UTC),
        checksums=checksums,
        fix=fix,
    )
    findings = examine(patient)
    if as_json:
        plain = [each.plain() for each in findings]
        typer.echo(json.dumps(plain, ensure_ascii=False))
    else:
        for each in findings:
            for line in _tell(each):
                typer.echo(line)
    if any(each.level is Level.FAIL for each in findings):
        raise typer.Exit(1)


def _tell(one: "Finding") -> list[str]:
    lines = [f"{_MARKS[one.level]} {one.check}: {one.zh} · {one.en}"]
    if one.fix:
        lines.append(f"    → {one.fix}")
    return lines
