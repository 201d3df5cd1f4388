"""``agroforest carbon``: what nights cost in energy and carbon."""

import json
import sys
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from agroforest.cli.options import (
    DEFAULT_WORK,
    Database,
    Json,
    WorkFolder,
    choose_database,
    shown,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agroforest.nightly.power.account import Line

_WIDE = 150


def carbon(
    *,
    first: Annotated[
        datetime | None,
        typer.Option("--from", formats=["%Y-%m-%d"], help="First night. · 起"),
    ] = None,
    last: Annotated[
        datetime | None,
        typer.Option("--to", formats=["%Y-%m-%d"], help="Last night. · 止"),
    ] = None,
    pipeline: Annotated[
        str | None, typer.Option(help="Name of a pipeline; all of them by default.")
    ] = None,
    work: WorkFolder = DEFAULT_WORK,
    database: Database = "",
    as_json: Json = False,
    csv: Annotated[
        Path | None, typer.Option("--csv", dir_okay=False, help="Write a table.")
    ] = None,
    html: Annotated[
        Path | None, typer.Option("--html", dir_okay=False, help="Write a page.")
    ] = None,
) -> None:
    """Say what nights took: kWh, grams of CO2, for a km² and an alert. · 用电与碳.

    Energy is measured where the processor's counters can be read and estimated
    elsewhere; each line says which.
    """
    from agroforest.core.files import write_text
    from agroforest.nightly.power.account import build_lines, build_total
    from agroforest.nightly.power.page import build_csv, build_page
    from agroforest.store import open_store

    _refuse_backwards(first, last)
    place = choose_database(work, database)
    if isinstance(place, Path) and not place.exists():
        _refuse_empty(place)
    with open_store(place) as store:
        executions = store.tries.executions(
            pipeline,
            first=first.date() if first else None,
            last=last.date() if last else None,
        )
    lines = build_lines(executions)
    total = build_total(lines)
    if csv is not None:
        # The mark tells spreadsheets that it is UTF-8.
        write_text(csv, "\ufeff" + build_csv(lines))
    if html is not None:
        write_text(html, build_page(lines, total, title=_title(lines, pipeline)))
    if as_json:
        typer.echo(json.dumps(_plain(lines, total), ensure_ascii=False))
        return
    _print(lines, total, title=_title(lines, pipeline))
    for path in (csv, html):
        if path is not None:
            typer.echo(f"wrote {shown(path)}")


def _refuse_backwards(first: datetime | None, last: datetime | None) -> None:
    from agroforest.core.errors import ConfigurationError

    if first is not None and last is not None and last < first:
        raise ConfigurationError(
            "--to",
            f"{last:%Y-%m-%d} is before --from {first:%Y-%m-%d}",
            "give the earlier night first",
        )


def _refuse_empty(place: Path) -> None:
    from agroforest.core.errors import NoInputError

    raise NoInputError(
        place, "does not exist", "run a night first, or name its --work or --database"
    )


def _title(lines: "Sequence[Line]", pipeline: str | None) -> str:
    nights = [line.night for line in lines if line.night is not None]
    if not nights:
        return pipeline or "agroforest"
    span = f"{nights[0]}" if nights[0] == nights[-1] else f"{nights[0]} … {nights[-1]}"
    return f"{pipeline} · {span}" if pipeline else span


def _plain(lines: "Sequence[Line]", total: "Line") -> dict[str, object]:
    from agroforest.nightly.power.page import build_row

    return {
        "nights": [build_row(line) for line in lines],
        "total": {
            k: v for k, v in build_row(total).items() if k not in {"night", "pipeline"}
        },
        "saved": dict(total.saved),
        "factors": list(total.factors),
    }


def _print(lines: "Sequence[Line]", total: "Line", *, title: str) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table

    table = Table(title=f"用电与碳 energy and carbon · {title}", box=box.SIMPLE)
    for name in ("夜 night", "任务 pipeline"):
        table.add_column(name, overflow="fold")
    for name in ("分钟 min", "MB", "kWh", "g CO2", "g/km²", "g/预警 alert", "省 saved"):
        table.add_column(name, justify="right")
    table.add_column("依据 source", overflow="fold")
    for line in lines:
        table.add_row(str(line.night), line.pipeline, *_figures(line))
    if len(lines) > 1:
        table.add_section()
        table.add_row("合计 total", "", *_figures(total))
    # Nobody folds a file: only a terminal has a width.
    console = Console(width=None if sys.stdout.isatty() else _WIDE, highlight=False)
    console.print(table)
    for note in _notes(total):
        console.print(note)


def _figures(line: "Line") -> tuple[str, ...]:
    from agroforest.nightly.power.page import SOURCES, figure

    source = " ".join(SOURCES[line.source])
    if line.source is None:
        source += f" {100 * line.measured_share:.0f} %"
    if line.unknown:
        source += f", {line.unknown} 次未知 unknown"
    return (
        f"{line.seconds / 60:.1f}",
        f"{line.bytes_read / 1e6:.1f}",
        figure(line.kwh),
        figure(line.carbon_g),
        figure(line.g_per_km2),
        figure(line.g_per_alert),
        f"{100 * line.saved_share:.0f} %",
        source,
    )


def _notes(total: "Line") -> list[str]:
    from agroforest.nightly.power.page import describe_saved

    if not total.tries:
        return ["没有运行记录 no night was run in this time"]
    notes = [f"电网因子 grid: {factor}" for factor in total.factors]
    notes += [
        f"省下 saved: {zh} {en} {amount}" for zh, en, amount in describe_saved(total)
    ]
    if total.saved_kwh:
        notes.append(f"省下 saved: {total.saved_kwh:.3g} kWh (估算 estimated)")
    notes.append(
        "只含处理器和内存 processor and memory only: "
        "power supply, disks and cooling come on top"
    )
    return notes
