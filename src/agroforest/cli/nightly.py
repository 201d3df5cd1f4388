"""``agroforest nightly``: one night, or many."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from agroforest.cli.figures import figures_kept
from agroforest.cli.nights import (
    find_missed,
    refuse_contradictions,
    resolve_nights,
)
from agroforest.cli.options import (
    DEFAULT_WORK,
    Database,
    Insecure,
    Json,
    TlsCa,
    TlsCert,
    TlsKey,
    WorkFolder,
    choose_database,
    shown,
)
from agroforest.cli.progress import Bar

if TYPE_CHECKING:
    from agroforest.nightly import NightOutcome

_SOME_TILES_FAILED = 3
_BUDGET_SPENT = 6  # trying again at once would spend it again


def nightly(
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
    catch_up: Annotated[
        bool,
        typer.Option(
            "--catch-up",
            help="Every night since the last one run, up to tonight or --to. · 补跑",
        ),
    ] = False,
    at_most: Annotated[
        int | None,
        typer.Option(min=1, help="Nights that --catch-up runs at once, oldest first."),
    ] = None,
    work: WorkFolder = DEFAULT_WORK,
    database: Database = "",
    scheduler: Annotated[
        str | None, typer.Option(help="Dask scheduler, such as tls://HOST:8786.")
    ] = None,
    tls_ca: TlsCa = None,
    tls_cert: TlsCert = None,
    tls_key: TlsKey = None,
    insecure: Insecure = False,
    patience: Annotated[
        float,
        typer.Option(
            "--wait",
            min=0,
            metavar="SECONDS",
            help="For the scheduler, and then for its first worker.",
        ),
    ] = 60.0,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only plan.")] = False,
    every_map: Annotated[
        bool,
        typer.Option("--every-map", help="Write a map for every night, not the last."),
    ] = False,
    metrics: Annotated[
        Path | None,
        typer.Option(
            envvar="AGROFOREST_METRICS",
            help="After each night, write figures for Prometheus to this file.",
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Plan the night, do the work, and write maps, alerts and reports.

    A tile that fails does not stop the others. A night that was run before
    changes nothing.
    """
    from agroforest.core.config import read_pipeline
    from agroforest.nightly import run_nights
    from agroforest.nightly.cluster import Certificates, Scheduler

    refuse_contradictions(catch_up=catch_up, at_most=at_most, night=night, first=first)
    now = datetime.now(UTC)
    nights = [] if catch_up else resolve_nights(night, first, last)
    settings = read_pipeline(pipeline)
    if catch_up:
        place = choose_database(work, database)
        nights = find_missed(settings.name, place, now=now, last=last, at_most=at_most)
    failed = left_out = 0
    with Bar() as bar, figures_kept(metrics, work, database) as keep_figures:
        outcomes = run_nights(
            settings,
            nights,
            work=work,
            database=database or None,
            scheduler=None
            if scheduler is None
            else Scheduler(
                address=scheduler,
                certificates=Certificates(ca=tls_ca, cert=tls_cert, key=tls_key),
                insecure=insecure,
                patience=patience,
            ),
            dry_run=dry_run,
            every_map=every_map or catch_up,  # as if none had been missed
            progress=bar,
            now=now,
        )
        for outcome in outcomes:
            keep_figures()
            failed += len(outcome.failed) + len(outcome.unread)
            left_out += len(outcome.left_out)
            line = _json(outcome) if as_json else _line(outcome, dry_run=dry_run)
            if line:
                typer.echo(line)
    if failed:
        raise typer.Exit(_SOME_TILES_FAILED)
    if left_out:
        raise typer.Exit(_BUDGET_SPENT)


def _json(outcome: "NightOutcome") -> str:
    """One line of JSON a night."""
    return json.dumps(
        {
            "night": outcome.night.isoformat(),
            "planned": {
                "baselines": [t.tile.id for t in outcome.plan.baselines],
                "tiles": [
                    {"tile": t.tile.id, "id": t.id, "scenes": [s.id for s in t.scenes]}
                    for t in outcome.plan.tasks
                ],
                **_planned_years(outcome),
                **({"fire": outcome.plan.fire} if outcome.plan.fire else {}),
                **({"water": outcome.plan.water} if outcome.plan.water else {}),
            },
            "report": outcome.report,
            "map": str(outcome.map) if outcome.map else None,
        },
        ensure_ascii=False,
    )


def _planned_years(outcome: "NightOutcome") -> dict[str, list[str]]:
    """Tiles to compare with the year before, where there are any."""
    years = [t.tile.id for t in outcome.plan.yearly]
    return {"yearly": years} if years else {}


def _line(outcome: "NightOutcome", *, dry_run: bool) -> str:
    """One line a night, for people; nothing for a night without news."""
    if dry_run:
        return f"{outcome.night}  would {_intent(outcome)}"
    if outcome.report is None:
        return f"{outcome.night}  unchanged"
    report = outcome.report
    years = report.get("yearly", {}).get("tiles", [])
    fire = report.get("fire", {})
    water = report.get("water", {})
    news = report["tiles"] or report["changes"] or years or fire or water
    if not (news or outcome.map):
        return ""
    changes = [f"{c['change']} {c['hazard']}" for c in report["changes"]]
    parts = [f"{outcome.night}  {report['seconds']:.1f} s"]
    if report["tiles_watched"]:
        scenes = sum(t["scenes"] for t in report["tiles"])
        parts += [f"{len(report['tiles'])} tiles", f"{scenes} scenes"]
    parts += _fire(fire)
    parts += [f"water: {_count_lights(water['lights'])}"] if "lights" in water else []
    parts += [f"{n}x {c}" for c, n in _count(changes).items()]
    if years:
        damaged = sum(t["damaged_ha"] for t in years)
        parts.append(f"{damaged:.2f} ha damaged since last year")
    if report["quarantined"]:
        parts.append(f"{len(report['quarantined'])} in quarantine")
    parts += _lacks(outcome)
    if outcome.map:
        parts.append(f"map {shown(outcome.map)}")
    return ", ".join(parts)


def _lacks(outcome: "NightOutcome") -> Iterator[str]:
    """Say which tiles are not whole, and why."""
    for said, tiles in (
        ("FAILED", outcome.failed),
        ("NOT WHOLE, storage does not deliver", outcome.unread),
        ("left out", outcome.left_out),
    ):
        if tiles:
            yield f"{said}: {', '.join(tiles)}"


def _intent(outcome: "NightOutcome") -> str:
    """Say what a night would do."""
    plan = outcome.plan
    scenes = sum(len(t.scenes) for t in plan.tasks)
    parts = []
    if plan.baselines or plan.tasks or not (plan.fire or plan.water):
        parts.append(
            f"learn {len(plan.baselines)} baselines "
            f"and judge {len(plan.tasks)} tiles from {scenes} scenes"
        )
    if plan.yearly:
        parts.append(f"compare {len(plan.yearly)} tiles with the year before")
    if plan.fire:
        parts.append("judge fire")
    if plan.water:
        parts.append("keep water")
    return ", ".join(parts)


def _fire(fire: dict[str, Any]) -> list[str]:
    """Danger of the night, events, and what somebody must look at."""
    if not fire or "error" in fire:
        return []
    parts = []
    for day in fire["danger"][:1]:
        mean = day["totals"][0]["mean_rank"]
        parts.append(f"danger {'?' if mean is None else mean} of 5")
    parts.append(f"{fire['hotspots']['events']} hotspot events")
    clock = fire["clock"]
    if clock["to_verify"]:
        parts.append(f"{clock['to_verify']} to verify, {clock['overdue']} overdue")
    if fire["scars"]:
        hectares = sum(s["area_ha"] for s in fire["scars"])
        parts.append(f"{hectares:.1f} ha burned")
    return parts


def _count_lights(lights: dict[str, int]) -> str:
    """Parcels by their light, red first."""
    return " ".join(f"{n} {light}" for light, n in lights.items() if n) or "no parcels"


def _count(words: list[str]) -> dict[str, int]:
    return {word: words.count(word) for word in dict.fromkeys(words)}
