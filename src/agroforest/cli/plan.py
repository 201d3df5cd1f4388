"""``agroforest plan``: what nights will take, before anything runs."""

import json
import sys
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from agroforest.cli.nights import resolve_nights
from agroforest.cli.options import DEFAULT_WORK, Json, WorkFolder
from agroforest.cli.progress import Bar

if TYPE_CHECKING:
    from agroforest.nightly.outlook import Cost, Estimate, Outlook

_WIDE = 150
# Load a core from which on measured seconds are not to be trusted. Arbitrary.
_BUSY = 0.5
_PREFIXES = ("", "k", "M", "G", "T", "P")
_WATTS_FROM = {
    "given": "as given",
    "measured": "measured by the processor while rehearsing",
    "assumed": "processor and memory, by assumption: see --watts",
}


def plan(
    pipeline: Annotated[Path, typer.Argument(help="Pipeline definition, TOML.")],
    *,
    night: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="One night; today (UTC) by default."),
    ] = None,
    first: Annotated[
        datetime | None,
        typer.Option("--from", formats=["%Y-%m-%d"], help="First of many nights."),
    ] = None,
    last: Annotated[
        datetime | None,
        typer.Option("--to", formats=["%Y-%m-%d"], help="Last of many nights."),
    ] = None,
    work: WorkFolder = DEFAULT_WORK,
    workers: Annotated[
        int | None,
        typer.Option(
            min=1, help="Workers on machines like this; one a processor by default."
        ),
    ] = None,
    measure: Annotated[
        bool, typer.Option("--measure", help="Rehearse again (half a minute).")
    ] = False,
    watts: Annotated[
        float | None,
        typer.Option(min=0.1, help="Power of all machines at work, from a meter."),
    ] = None,
    carbon: Annotated[
        float | None,
        typer.Option(
            min=0,
            metavar="G_PER_KWH",
            help="CO2 of the grid; that of [energy] by default.",
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Say what nights will take: scenes, bytes, minutes, disk, electricity.

    Nothing is run but, once for a machine and a pipeline, a rehearsal of half a
    minute on small windows. What cannot be known before is said to be unknown.
    """
    from agroforest.core.config import read_pipeline
    from agroforest.nightly.outlook import Terms, look_ahead
    from agroforest.nightly.power.factors import find_factor

    nights = resolve_nights(night, first, last)
    settings = read_pipeline(pipeline)
    terms = Terms(workers=workers, watts=watts, measure=measure)
    grid = find_factor(settings.energy).g_per_kwh if carbon is None else carbon
    terms = terms.patch(grams_per_kwh=grid)
    with Bar() as bar:
        found = look_ahead(settings, nights, work=work, terms=terms, progress=bar)
    if as_json:
        typer.echo(json.dumps(_plain(found), ensure_ascii=False))
    else:
        _print(found, title=settings.map.title_zh or settings.name)


def _plain(outlook: "Outlook") -> dict[str, object]:
    found, figures = outlook.estimate, outlook.figures
    low, high = found.range_s
    return {
        "first": found.first.isoformat(),
        "last": found.last.isoformat(),
        "nights": found.nights,
        "tiles": {"watched": found.tiles_watched, "busy": found.tiles_busy},
        "learning": asdict(found.learning),
        "judging": asdict(found.judging),
        "overhead_s": found.overhead_s,
        "seconds": {"expected": found.wall_s, "low": low, "high": high},
        "workers": found.workers,
        "disk_bytes": {
            "states": found.learning.state_bytes + found.judging.state_bytes,
            "maps": found.judging.output_bytes,
            "pages": found.page_bytes,
            "total": found.disk_bytes,
            "scratch": found.scratch_bytes,
            "free": outlook.free_bytes,
        },
        "memory_bytes": found.memory_bytes,
        "kwh": found.kwh,
        "watts": {"value": found.watts, "from": found.watts_from},
        "co2_g": found.grams,
        "grams_per_kwh": found.grams_per_kwh,
        "ordinary_night": None if found.ordinary is None else asdict(found.ordinary),
        "figures": {
            "measured": figures.measured.isoformat(),
            "scenes": figures.scenes,
            "own_scenes": figures.own,
            "processor": figures.machine.processor,
            "cores": figures.machine.cores,
            "load": figures.load,
        },
        "experience": asdict(outlook.experience),
        "short_history": list(outlook.short),
        "unknown": _unknown(outlook),
    }


def _print(outlook: "Outlook", *, title: str) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table

    found = outlook.estimate
    nights = (
        f"{found.first}"
        if found.first == found.last
        else f"{found.first} … {found.last}"
    )
    table = Table(title=f"{title} · {nights}", box=box.SIMPLE, show_header=False)
    for _ in range(3):
        table.add_column(overflow="fold")
    for row in _rows(outlook):
        table.add_row(*row)
    # Nobody folds a file: only a terminal has a width.
    Console(width=None if sys.stdout.isatty() else _WIDE, highlight=False).print(table)


def _rows(outlook: "Outlook") -> list[tuple[str, str, str]]:
    found = outlook.estimate
    both = found.learning + found.judging
    rows = [
        ("瓦片", "tiles", _tiles(found)),
        ("影像", "scenes", _scenes(found)),
        ("读取", "to read", _reading(both)),
        ("写入", "to write", _bytes(both.written_bytes + found.page_bytes)),
        ("磁盘", "disk", _disk(outlook)),
        ("内存", "memory", _memory(outlook)),
        ("时间", "time", _time(found)),
        ("用电", "electricity", _energy(found)),
        ("此后每夜", "afterwards, a night", _ordinary(found)),
        ("依据", "measured", _source(outlook)),
    ]
    unknown = _unknown(outlook)
    if outlook.short:
        rows.append(("注意", "beware", _short(outlook)))
    if unknown:
        rows.append(("未知", "unknown", "; ".join(unknown)))
    return rows


def _tiles(found: "Estimate") -> str:
    if not found.nights:
        return f"nothing new on {found.tiles_watched}"
    return (
        f"{found.tiles_busy} of {found.tiles_watched} with work; "
        f"{found.learning.tasks} seasons to learn, "
        f"{found.judging.tasks} judgements in {found.nights} nights"
    )


def _scenes(found: "Estimate") -> str:
    return (
        f"{found.learning.scenes:,} to learn from, {found.judging.scenes:,} new "
        "(one counts for each tile it covers)"
    )


def _reading(both: "Cost") -> str:
    parts = [f"{_bytes(both.read_bytes)} of scenes"]
    if both.state_read_bytes:
        parts.append(f"{_bytes(both.state_read_bytes)} of states")
    if both.remote_files:
        parts.append(f"{both.remote_files:,.0f} remote files, bytes unknown")
    return ", ".join(parts)


def _disk(outlook: "Outlook") -> str:
    found = outlook.estimate
    states = found.learning.state_bytes + found.judging.state_bytes
    text = (
        f"+{_bytes(found.disk_bytes)}: states {_bytes(states)}, "
        f"maps {_bytes(found.judging.output_bytes)}, pages {_bytes(found.page_bytes)}; "
        f"{_bytes(outlook.free_bytes)} free"
    )
    if found.scratch_bytes:
        text += f"; {_bytes(found.scratch_bytes)} more while learning"
    needed = found.disk_bytes + found.scratch_bytes
    return f"{text} — NOT ENOUGH" if needed > outlook.free_bytes else text


def _memory(outlook: "Outlook") -> str:
    found, machine = outlook.estimate, outlook.figures.machine
    if not found.memory_bytes:
        return "unknown" if found.nights else "none"
    here = min(found.workers, machine.cores)
    text = (
        f"{_bytes(found.memory_bytes)} a worker, {here} here; "
        f"{machine.memory_gb:.0f} GB in this machine"
    )
    short = found.memory_bytes * here > machine.memory_gb * 1e9
    return f"{text} — NOT ENOUGH, use smaller tiles" if short else text


def _time(found: "Estimate") -> str:
    low, high = found.range_s
    return (
        f"{_duration(found.wall_s)}, between {_duration(low)} and {_duration(high)}, "
        f"{found.workers} at a time (learning {_duration(found.learning.wall_s)}, "
        f"judging {_duration(found.judging.wall_s)}, "
        f"the rest {_duration(found.overhead_s)})"
    )


def _energy(found: "Estimate") -> str:
    return (
        f"{found.kwh:.2g} kWh, {found.grams:.2g} g CO2 "
        f"({found.watts:.0f} W, {_WATTS_FROM[found.watts_from]}; "
        f"{found.grams_per_kwh:g} g/kWh)"
    )


def _ordinary(found: "Estimate") -> str:
    cost = found.ordinary
    if cost is None:
        return "unknown: no scene of the last months"
    return (
        f"with a scene on every tile {_duration(cost.wall_s)}, "
        f"{_bytes(cost.read_bytes + cost.state_read_bytes)} read, "
        f"{_bytes(cost.written_bytes)} written, +{_bytes(cost.output_bytes)} of disk"
    )


def _source(outlook: "Outlook") -> str:
    figures, known = outlook.figures, outlook.experience
    whose = "of its own scenes" if figures.own else "made-up scenes"
    text = (
        f"on this machine, {figures.measured:%Y-%m-%d}, "
        f"by a rehearsal with {figures.scenes} {whose}"
    )
    if figures.load > _BUSY * figures.machine.cores:
        text += f"; the machine was busy (load {figures.load:.1f}): see --measure"
    if known.nights:
        text += (
            f"; corrected by {known.nights} nights of this pipeline "
            f"(seconds x {known.night:.2f}, maps x {known.output:.2f})"
        )
    return text


def _short(outlook: "Outlook") -> str:
    some = ", ".join(outlook.short[:3]) + (", …" if len(outlook.short) > 3 else "")
    return (
        f"{len(outlook.short)} tiles ({some}) have a history of fewer than "
        f"{outlook.min_clear} scenes: nothing can be judged there yet"
    )


def _unknown(outlook: "Outlook") -> list[str]:
    both = outlook.estimate.learning + outlook.estimate.judging
    found = []
    if both.remote_files:
        found.append(
            f"bytes and download time of {both.remote_files:,.0f} remote files"
        )
    if outlook.years:
        found.append(f"time of {outlook.years:,} comparisons with the year before")
    return found


def _bytes(number: float) -> str:
    """Decimal units, two to three digits."""
    for prefix in _PREFIXES:
        if number < 999.5 or prefix == _PREFIXES[-1]:
            digits = 0 if number >= 99.5 or not prefix else 1
            return f"{number:.{digits}f} {prefix}B"
        number /= 1000.0
    raise AssertionError  # the last prefix returns


def _duration(seconds: float) -> str:
    if seconds < 99.5:
        return f"{seconds:.0f} s" if seconds >= 9.5 else f"{seconds:.1f} s"
    if seconds < 99.5 * 60:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"
