"""``agroforest sensors check``: which readings of a file to distrust, and why."""

import json
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from agroforest.cli.options import Json

if TYPE_CHECKING:
    from datetime import datetime

    from agroforest.sensors.check_file import FileCheck

_SHOWN = 5  # refused rows named one by one; the rest is counted


def check(
    file: Annotated[
        Path, typer.Argument(help="ISMN, CSV, Excel, or JSON of uplinks. · 数据文件")
    ],
    *,
    out: Annotated[
        Path | None, typer.Option(help="CSV to write: time, value, flags. · 输出")
    ] = None,
    mapping: Annotated[
        Path | None,
        typer.Option(help="TOML that says what the columns mean; docs/sensors.md."),
    ] = None,
    beside: Annotated[
        list[Path] | None,
        typer.Option(help="File of temperatures or rain at the place; repeat it."),
    ] = None,
    model: Annotated[
        list[Path] | None,
        typer.Option(help="File of soil temperature or rain of a model; repeat it."),
    ] = None,
    saturation: Annotated[
        float | None,
        typer.Option(help="Of the soil, m3/m3, for C03; else the station's or 0.46."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Flag doubtful readings as ISMN does and by our own rules.

    Nothing is changed, deleted or stored. A table without a mapping is guessed at,
    and the guess is said.
    """
    from agroforest.core.files import replacing
    from agroforest.sensors.check_file import check_file

    found = check_file(
        file,
        mapping=mapping,
        beside=tuple(beside or ()),
        model=tuple(model or ()),
        saturation=saturation,
    )
    if found.guessed:
        typer.echo(f"{file}: 按推测读取 guessed: {found.guessed}", err=True)
    for row in found.refused[:_SHOWN]:
        typer.echo(f"{file}: line {row.line}: {row.reason}", err=True)
    if len(found.refused) > _SHOWN:
        rest = len(found.refused) - _SHOWN
        typer.echo(f"{file}: {rest} more rows refused", err=True)
    if out is not None:
        import csv

        with (
            replacing(out) as scratch,
            scratch.open("w", encoding="utf-8", newline="") as text,
        ):
            csv.writer(text, lineterminator="\n").writerows(found.rows())
    report = _report(file, out, found)
    if as_json:
        typer.echo(json.dumps(report, ensure_ascii=False))
    else:
        _say(report)


def _report(file: Path, out: Path | None, found: "FileCheck") -> dict[str, Any]:
    from agroforest.sensors.agreement import compare
    from agroforest.sensors.check import MEANINGS, find_silences, find_unjudged

    counts = Counter(name for one in found.checked for name in one.flags)
    report: dict[str, Any] = {
        "file": str(file),
        "out": None if out is None else str(out),
        "readings": len(found.checked),
        "flagged": sum(1 for one in found.checked if one.flags),
        "refused": len(found.refused),
        "unit": found.unit,
        "guessed": found.guessed or None,
        "beside": [str(path) for path in found.beside],
        "saturation_m3_m3": found.ground.saturation,
        "saturation_from": found.saturation_from,
        "flags": {
            name: {"count": counts[name], "zh": zh, "en": en}
            for name, (zh, en) in MEANINGS.items()
            if counts[name]
        },
        "not_judged": find_unjudged(found.checked, found.ground),
        "silences": [
            {
                "sensor": one.sensor,
                "variable": one.variable.value,
                "depth_m": one.depth_m,
                "since": _show_time(one.since, found),
                "until": _show_time(one.until, found),
                "hours": round(one.hours, 2),
            }
            for one in find_silences(found.checked)
        ],
    }
    if any(found.source_flags):
        report["agreement"] = {
            one.code: {
                "both": one.both,
                "ours": one.ours,
                "theirs": one.theirs,
                "of_flagged": one.of_flagged,
                "of_all": one.of_all,
            }
            for one in compare(found.checked, found.source_flags)
            if one.of_flagged is not None
        }
    return report


def _show_time(time: "datetime", found: "FileCheck") -> str:
    return (time if found.has_zone else time.replace(tzinfo=None)).isoformat()


def _say(report: dict[str, Any]) -> None:
    typer.echo(
        f"{report['file']}: {report['readings']} 个读数 readings, "
        f"{report['flagged']} 个有标记 flagged"
    )
    for name, one in report["flags"].items():
        typer.echo(f"  {name:<9} {one['count']:>7}  {one['zh']} · {one['en']}")
    for code, what in report["not_judged"].items():
        typer.echo(f"  {code:<9} 未判断 not judged: 缺 needs {what}")
    if report["silences"]:
        longest = report["silences"][0]
        typer.echo(
            f"中断 silences: {len(report['silences'])}, 最长 longest "
            f"{longest['hours']:.0f} h, {longest['since']} / {longest['until']}"
        )
    typer.echo(
        f"饱和含水量 saturation {report['saturation_m3_m3']} m3/m3, "
        f"{report['saturation_from']}"
    )
    for code, one in report.get("agreement", {}).items():
        typer.echo(
            f"  {code} 与文件标记 against the file's: 一致 both {one['both']}, "
            f"仅本系统 ours {one['ours']}, 仅文件 theirs {one['theirs']} "
            f"({one['of_flagged']:.1%} / {one['of_all']:.2%})"
        )
    if report["out"]:
        typer.echo(f"已写入 written: {report['out']}")
