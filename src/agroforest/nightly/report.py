"""The report of a night: what was done, what was found, what is missing."""

import json
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from jinja2 import Environment, PackageLoader

from agroforest import __version__
from agroforest.core.alert import Alert, AlertStatus, Instruction
from agroforest.core.aoi import Aoi
from agroforest.core.config import Pipeline, Watched
from agroforest.core.errors import AgroforestError, DataError
from agroforest.core.execution import ExecutionStatus
from agroforest.core.files import write_text
from agroforest.core.risk import CANOPY_HAZARDS, Hazard
from agroforest.nightly.course import Course
from agroforest.nightly.fire.desk import FireWork
from agroforest.nightly.gaps import GapKind, Known, find_gaps
from agroforest.nightly.judge import Judge
from agroforest.nightly.plan import TaskKind, Watch
from agroforest.nightly.result import Refusal, TaskResult
from agroforest.nightly.water.desk import WaterWork
from agroforest.nightly.workplace import Workplace

Json = dict[str, Any]


def build_report(
    watch: Watch,
    night: date,
    *,
    judge: Judge,
    results: Sequence[TaskResult],
    alerts: Sequence[Alert],
    changes: Sequence[Instruction],
    uncatalogued: Sequence[DataError] = (),
    yearly: Json | None = None,
    fire: FireWork | None = None,
    water: WaterWork | None = None,
    known: Known | None = None,
    course: Course | None = None,
) -> Json:
    """Put a night into plain values.

    Parameters
    ----------
    watch, night
        What was watched, and when.
    judge
        Who judged.
    results
        Every task of the night.
    alerts
        All alerts after the night.
    changes
        What the night changed.
    uncatalogued
        Products that the catalogue would not take; they stand in the report
        until they are mended.
    yearly
        See `agroforest.nightly.yearly.report.report_year`.
    fire
        What the night knows of fire.
    water
        What it knows of the parcels' water.
    known
        What is known of gaps besides.
    course
        How the night went.

    Returns
    -------
    dict
        JSON-ready. Wall times, and what stands under ``execution``, ``attempts`` and
        ``cost``, are its only values that another machine would give differently.
    """
    desks = [work for work in (fire, water) if work is not None]
    failed = any(not r.done for r in results) or any(work.error for work in desks)
    refused = [
        *(q for r in results for q in r.refused),
        *(q for work in desks for q in work.refused),
    ]
    unread = [q for q in refused if q.passes]
    if fire is not None:
        alerts = [*alerts, *fire.alerts]
        changes = [*changes, *fire.changes]
    course = course or Course()
    report: Json = {
        "pipeline": watch.pipeline.name,
        "night": night.isoformat(),
        "status": _status(course, failed=failed or bool(unread)),
        "simulated": watch.pipeline.simulated,
        "agroforest": __version__,
        "model": judge.title,
        "notes": [judge.fallback] if judge.fallback else [],
        "tiles": [_tile(r) for r in results if r.kind == TaskKind.NIGHT],
        "baselines": [_tile(r) for r in results if r.kind == TaskKind.BASELINE],
        "tiles_watched": len(watch.tiles),
        "unread": [_told(q) for q in unread],
        "quarantined": [_told(q) for q in refused if not q.passes],
        "uncatalogued": [_told(e) for e in uncatalogued],
        "changes": _changes(alerts, changes),
        "alerts": _open_alerts(watch.pipeline, alerts),
        "files": sum(len(r.outputs) for r in results)
        + sum(len(work.record.outputs) for work in desks),
        "seconds": round(
            sum(r.seconds for r in results) + sum(work.seconds for work in desks), 3
        ),
        **({"yearly": yearly} if yearly is not None else {}),
        **({"fire": fire.report} if fire is not None else {}),
        **({"water": water.report} if water is not None else {}),
        **course.plain(),
    }
    report["gaps"] = find_gaps(report, known)
    return report


def _told(error: Refusal | AgroforestError) -> Json:
    return {"where": error.where, "problem": error.problem, "remedy": error.remedy}


def _status(course: Course, *, failed: bool) -> str:
    if course.left_out:
        return str(ExecutionStatus.STOPPED)
    return str(ExecutionStatus.PARTIAL if failed else ExecutionStatus.DONE)


def write_report(workplace: Workplace, report: Mapping[str, Any], aoi: Aoi) -> None:
    """Write a report as JSON and as a page."""
    night = date.fromisoformat(report["night"])
    text = json.dumps(report, ensure_ascii=False, indent=1, sort_keys=True)
    write_text(workplace.report(night, "json"), text + "\n")
    environment = Environment(
        loader=PackageLoader("agroforest.nightly", "templates"), autoescape=True
    )
    names = {p.id: (p.name_zh, p.name_en) for p in aoi.places}
    page = environment.get_template("report.html").render(
        report=report, names=names, words=_WORDS, kinds=_GAPS
    )
    write_text(workplace.report(night, "html"), page)


def _tile(result: TaskResult) -> Json:
    return {
        "tile": result.tile,
        "error": result.error,
        "scenes": sum(len(d.scenes) for d in result.days),
        "days": [
            {
                "day": d.day.isoformat(),
                "scenes": list(d.scenes),
                "usable": round(d.usable, 4),
            }
            for d in result.days
        ],
        "last_clear": result.last_clear.isoformat() if result.last_clear else None,
        "days_without_clear_view": (
            (result.night - result.last_clear).days if result.last_clear else None
        ),
        "seconds": round(result.seconds, 3),
    }


def _changes(alerts: Sequence[Alert], changes: Sequence[Instruction]) -> list[Json]:
    by_id = {a.id: a for a in alerts}
    return [
        {
            "alert": i.alert,
            "change": str(i.change),
            "hazard": str(by_id[i.alert].hazard),
            "area_ha": round(i.area_ha, 4),
            "places": list(by_id[i.alert].places),
            "into": i.into,
        }
        for i in changes
    ]


def _open_alerts(pipeline: Pipeline, alerts: Sequence[Alert]) -> Json:
    """Count and area of what is open, by hazard that is watched."""
    watched: list[Hazard] = []
    if pipeline.watches(Watched.CANOPY):
        watched += CANOPY_HAZARDS
    if pipeline.watches(Watched.FIRE):
        watched.append(Hazard.ACTIVE_FIRE)
    counted: Json = {}
    for hazard in watched:
        standing = [
            a for a in alerts if a.hazard == hazard and a.status == AlertStatus.OPEN
        ]
        counted[str(hazard)] = {
            "open": len(standing),
            "area_ha": round(sum(a.area_ha for a in standing), 4),
        }
    return counted


_WORDS = {
    "canopy-stress": ("疑似冠层胁迫", "canopy stress suspected"),
    "canopy-loss": ("疑似林冠缺失", "canopy loss suspected"),
    "active-fire": ("卫星热点", "hotspot seen from space"),
    "new": ("新增", "new"),
    "grown": ("扩大", "grown"),
    "released": ("解除", "released"),
    "reopened": ("再次出现", "seen again"),
    "closed": ("关闭", "closed"),
    "merged": ("并入", "merged"),
    "done": ("完成", "done"),
    "partial": ("部分完成", "partial"),
    "stopped": ("因预算用尽而提前结束", "stopped: its budget was spent"),
    "measured": ("实测", "measured"),
    "estimated": ("估算", "estimated"),
    "unknown": ("未知", "unknown"),
}

_GAPS: Mapping[str, tuple[str, str]] = {
    GapKind.FAILED: ("未完成", "failed"),
    GapKind.SET_ASIDE: ("已搁置", "set aside"),
    GapKind.LEFT_OUT: ("未处理", "not begun"),
    GapKind.FIRE: ("火情", "fire"),
    GapKind.WATER: ("水分", "water"),
    GapKind.UNREAD: ("读不出", "not read"),
    GapKind.REFUSED: ("已隔离", "in quarantine"),
    GapKind.UNCATALOGUED: ("未编目", "not catalogued"),
    GapKind.FEED: ("资料不全", "incomplete feed"),
    GapKind.NO_SCENE: ("无影像", "no scene"),
    GapKind.NO_VIEW: ("无晴空", "no clear view"),
    GapKind.CLOUD: ("全云", "all cloud"),
    GapKind.TOO_CLOUDY: ("云量过大", "too cloudy"),
}
