"""``agroforest sensors status``: how each probe is, and how far to trust it."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from agroforest.cli.options import DEFAULT_WORK, Database, Json, WorkFolder

if TYPE_CHECKING:
    from agroforest.nightly.water.status import SensorStatus


def status(
    *,
    pipeline: Annotated[
        Path | None,
        typer.Option(help="Pipeline whose parcels and calibrations are meant, TOML."),
    ] = None,
    days: Annotated[
        int, typer.Option(min=1, max=60, help="Days whose flags are counted.")
    ] = 7,
    now: Annotated[
        str | None, typer.Option(help="As of this time, 2024-03-01T14:00+08:00; now.")
    ] = None,
    work: WorkFolder = DEFAULT_WORK,
    database: Database = "",
    as_json: Json = False,
) -> None:
    """传感器状况 · Last reading, battery, flags and trust of every sensor.

    Trust is from 0 to 1; below 0.5 nothing is advised from a probe. What lowers it is
    said. With a pipeline the parcel of each sensor is named, and its calibrations hold.
    """
    from agroforest.core.config import read_pipeline
    from agroforest.nightly.water.status import find_status
    from agroforest.nightly.workplace import Workplace
    from agroforest.store import open_store

    moment = _read_time(now)
    settings = None if pipeline is None else read_pipeline(pipeline)
    place = Workplace(root=work, pipeline="" if settings is None else settings.name)
    with open_store(database or place.database) as store:
        found = find_status(
            store,
            moment=moment,
            days=days,
            pipeline=settings,
            folder=None if settings is None else place.folder,
        )
    if as_json:
        document = [one.plain() for one in found]
        typer.echo(json.dumps(document, ensure_ascii=False))
        return
    if not found:
        typer.echo("没有传感器 · no sensors")
    for one in found:
        typer.echo(_tell(one))


def _read_time(written: str | None) -> datetime:
    from agroforest.core.errors import ConfigurationError

    if written is None:
        return datetime.now(UTC)
    try:
        time = datetime.fromisoformat(written)
    except ValueError:
        time = None
    if time is None or time.tzinfo is None:
        raise ConfigurationError(
            "--now", f"{written!r} is no time with its zone", "2024-03-01T14:00+08:00"
        )
    return time


def _tell(one: "SensorStatus") -> str:
    plain: dict[str, Any] = one.plain()
    parts = [f"{one.sensor.id}  {one.sensor.name}"]
    if one.last is None:
        parts.append("没有读数 no readings")
    else:
        age = plain["age_hours"]
        parts.append(f"{one.last:%Y-%m-%d %H:%M} UTC，{age:.0f} 小时前 hours ago")
    if one.battery is not None or one.battery_level is not None:
        parts.append(_tell_battery(one))
    if one.trust is not None:
        zh, en = one.reasons
        why = f"（{zh} · {en}）" if zh else ""
        parts.append(f"可信度 trust {one.trust:.2f}{why}")
        parts += [f"{zh} · {en}" for zh, en in one.notes]
    if one.flags:
        counted = ", ".join(f"{n}x {name}" for name, n in one.flags.items())
        parts.append(f"标记 flags {counted}")
    if one.parcels:
        parts.append(f"地块 parcel {', '.join(one.parcels)}")
    if one.sensor.longitude is not None and one.sensor.latitude is not None:
        parts.append(f"{one.sensor.longitude:.5f}, {one.sensor.latitude:.5f}")
    return "，".join(parts)


def _tell_battery(one: "SensorStatus") -> str:
    told = [
        f"{value:g} {unit}"
        for value, unit in ((one.battery, "V"), (one.battery_level, "%"))
        if value is not None
    ]
    low = "（电量不足 low）" if one.battery_low else ""
    return f"电池 battery {' / '.join(told)}{low}"
