"""``agroforest status``: where everything stands, on one screen."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from agroforest.cli.desk_options import open_desk_store
from agroforest.cli.options import DEFAULT_WORK, Database, Json, WorkFolder

if TYPE_CHECKING:
    from agroforest.health.concerns import Concern
    from agroforest.health.standing import PipelineStanding, Standing

_NEEDS_SOMEBODY = 1


def status(
    *,
    pipelines: Annotated[
        list[str] | None,
        typer.Option("--pipeline", help="Name of a pipeline; all unless given."),
    ] = None,
    metrics: Annotated[
        Path | None,
        typer.Option(help="Write figures for Prometheus to this file, too."),
    ] = None,
    work: WorkFolder = DEFAULT_WORK,
    database: Database = "",
    as_json: Json = False,
) -> None:
    """系统状况 · Nights, messages, sensors, scheduler, disk; what needs a person.

    Exit code 0: nothing needs anybody; 1: something does; 5: nothing has run yet.
    """
    from agroforest.health.concerns import find_concerns
    from agroforest.health.standing import read_standing

    with open_desk_store(work, database) as store:
        standing = read_standing(
            store, work, datetime.now(UTC), names=tuple(pipelines or ())
        )
    concerns = find_concerns(standing)
    if metrics is not None:
        from agroforest.health.metrics import write_metrics

        write_metrics(metrics, standing)
    if as_json:
        document = describe(standing, concerns)
        typer.echo(json.dumps(document, ensure_ascii=False))
    else:
        for line in _tell(standing, concerns):
            typer.echo(line)
    if concerns:
        raise typer.Exit(_NEEDS_SOMEBODY)


def describe(standing: "Standing", concerns: "list[Concern]") -> dict[str, Any]:
    """Put a standing into plain values."""
    from agroforest.health.concerns import find_silent

    beat, disk, messages = standing.heartbeat, standing.disk, standing.messages
    return {
        "now": standing.now.isoformat(),
        "ok": not concerns,
        "pipelines": [_describe_pipeline(p, standing.now) for p in standing.pipelines],
        "messages": {
            "waiting": messages.waiting,
            "overdue": messages.overdue,
            "failed": messages.failed,
        },
        "dead_letters": standing.dead_letters,
        "sensors": {"known": len(standing.sensors), "silent": find_silent(standing)},
        "scheduler": None
        if beat is None
        else {
            "alive": beat.is_alive(standing.now),
            "beat": beat.beat.isoformat(),
            "next": beat.next.isoformat(),
            "running": beat.running,
        },
        "disk": None
        if disk is None
        else {"free_bytes": disk.free, "free_share": round(disk.share, 4)},
        "concerns": [
            {"subject": c.subject, "zh": c.zh, "en": c.en, "remedy": c.remedy}
            for c in concerns
        ],
    }


def _describe_pipeline(one: "PipelineStanding", now: datetime) -> dict[str, Any]:
    tried = one.execution
    return {
        "name": one.name,
        "last_night": None if one.last_night is None else one.last_night.isoformat(),
        "status": one.status,
        "lag_days": one.lag_days(now),
        "ended": one.ended,
        "missed": [night.isoformat() for night in one.missed],
        "running": one.running,
        "killed": one.killed,
        "last_try": None
        if tried is None
        else {
            "night": tried.night.isoformat(),
            "started": tried.started.isoformat(),
            "status": str(tried.status),
            "error": tried.error,
            "pid": tried.pid,
            "host": tried.host,
        },
        "tasks": dict(one.tiles),
        "set_aside": one.set_aside,
        "quarantined": one.quarantined,
        "open_alerts": dict(one.alerts),
    }


def _tell(standing: "Standing", concerns: "list[Concern]") -> list[str]:
    from agroforest.health.concerns import find_silent

    messages, disk, beat = standing.messages, standing.disk, standing.heartbeat
    lines = [_tell_pipeline(one, standing.now) for one in standing.pipelines]
    lines = lines or ["夜间运行 nights: 还没有运行过 none has run here yet"]
    lines.append(
        f"消息 messages: {messages.waiting} 待发 waiting, {messages.overdue} 超时 "
        f"overdue, {messages.failed} 失败 failed"
    )
    silent = len(find_silent(standing))
    lines.append(
        f"传感器 sensors: {len(standing.sensors)}，{silent} 静默 silent；"
        f"{standing.dead_letters} 死信 dead letters"
    )
    if beat is not None:
        word = "正常 alive" if beat.is_alive(standing.now) else "无心跳 silent"
        lines.append(
            f"调度 scheduler: {word}，下一夜 next {beat.next:%Y-%m-%d %H:%M} UTC"
        )
    if disk is not None:
        lines.append(
            f"磁盘 disk: {disk.free / 1e9:.1f} GB 可用 free ({disk.share:.0%})"
        )
    if not concerns:
        lines.append("一切正常 all is well")
    for each in concerns:
        lines += [
            f"! {each.subject}: {each.zh} · {each.en}",
            f"    → {each.remedy}",
        ]
    return lines


def _tell_pipeline(one: "PipelineStanding", now: datetime) -> str:
    if one.last_night is None:
        parts = [f"{one.name}: 尚无夜晚 no night yet"]
    else:
        lag = one.lag_days(now)
        parts = [
            f"{one.name}: {one.last_night} {one.status}",
            f"距今 {lag} 天 {lag} days ago",
        ]
    if one.running:
        parts.append("正在运行 running now")
    if one.ended:
        parts.append("已停用 no longer run")
    if one.missed:
        parts.append(f"漏 {len(one.missed)} 夜 missed")
    if one.tiles:
        done, failed = one.tiles.get("done", 0), one.tiles.get("failed", 0)
        parts.append(f"任务 tasks {done} 完成 done, {failed} 失败 failed")
    if one.set_aside:
        parts.append(f"{one.set_aside} 搁置 set aside")
    opened = sum(one.alerts.values())
    parts.append(f"{opened} 个未结警报 open alerts")
    return "，".join(parts)
