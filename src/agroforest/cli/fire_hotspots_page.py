"""The page of ``agroforest fire hotspots``: events on a map, by age and confidence."""

import math
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agroforest import __version__
from agroforest.core.files import write_text
from agroforest.core.fire import EventConfidence, EventKind
from agroforest.maps.hotspots import (
    MOST_EVENTS,
    FireEvent,
    HotspotPage,
    build_hotspot_page,
)
from agroforest.maps.page import Notice

if TYPE_CHECKING:
    from agroforest.hotspots.survey import HotspotRequest, Survey

PAGE = "hotspots.html"
#: What images at the top of the atmosphere cannot do.
IMAGES = Notice(
    zh="哨兵二号每 5 天、Landsat 8/9 每 8 天于 10:30 左右过境一次，不能用于报警；"
    "云下的火看不到；未做多时相检验，窑炉、火炬、高温屋顶可能混入。",
    en="Sentinel-2 passes every 5 days about 10:30, Landsat 8 and 9 every 8: no alarm "
    "system, and what burns below cloud is not seen; kilns, flares and hot roofs may "
    "be among the fires, for the rules' tests over time are left out",
)


def write_page(survey: "Survey", request: "HotspotRequest") -> Path:
    """Write the page into the folder of the other files, and return its path."""
    path = request.out / PAGE
    write_text(path, build(survey, request))
    return path


def build(survey: "Survey", request: "HotspotRequest") -> str:
    """Build the page of some events."""
    counties = survey.layers.get("county")
    return build_hotspot_page(
        HotspotPage(
            events=_events(survey),
            total=survey.report.events,
            now=request.now,
            now_local=_local(request.now, request.utc_offset_hours),
            boundaries=[d.geometry for d in counties.districts] if counties else (),
            version=__version__,
            notices=_notices(survey),
            sources=(
                *(path.name for path in request.files),
                *(Path(table.file).name for table in request.tables),
            ),
        )
    )


def _events(survey: "Survey") -> list[FireEvent]:
    """Events as the page takes them, no more than it shows."""
    names = list(survey.table)
    columns = (column[:MOST_EVENTS].tolist() for column in survey.table.values())
    rows = zip(*columns, strict=True)
    return [_event(dict(zip(names, row, strict=True))) for row in rows]


def _event(row: dict[str, Any]) -> FireEvent:
    return FireEvent(
        id=row["id"],
        longitude=row["longitude"],
        latitude=row["latitude"],
        kind=_kind(row),
        confidence=EventConfidence(row["confidence"]),
        age_h=row["age_h"],
        first_utc=row["first_utc"],
        last_utc=row["last_utc"],
        first_local=row["first_local"],
        last_local=row["last_local"],
        detections=row["detections"],
        viirs=row["viirs"],
        modis=row["modis"],
        satellites=row["satellites"],
        frp_max_mw=_known(row["frp_max_mw"]),
        county=(row.get("county_zh", ""), row.get("county_en", "")),
        township=(row.get("township_zh", ""), row.get("township_en", "")),
        crop_share=_known(row.get("crop_share", math.nan)),
    )


def _kind(row: dict[str, Any]) -> EventKind:
    """Judge by the flags of an event; a kiln among fields is a kiln."""
    if row["static"]:
        return EventKind.STATIC
    if row.get("crop_burning") == "suspected":
        return EventKind.CROP
    return EventKind.FIRE


def _known(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _local(now: datetime, hours: float) -> str:
    here = now.astimezone(timezone(timedelta(hours=hours)))
    return here.isoformat(timespec="minutes")


def _notices(survey: "Survey") -> tuple[Notice, ...]:
    report = survey.report
    notices = []
    if report.refused or report.unreadable:
        rows, files = len(report.refused), len(report.unreadable)
        notices.append(
            Notice(
                zh=f"{rows} 行、{files} 个文件无法使用，已排除。",
                en=f"{rows} rows and {files} files could not be used: left out.",
            )
        )
    if report.crop_burning is None:
        notices.append(
            Notice(
                zh="未提供土地覆盖图层，无法区分焚烧秸秆、蔗叶。",
                en="Without land cover, burning of fields is not told apart.",
            )
        )
    if not report.sources:
        notices.append(
            Notice(
                zh="没有固定热源名录；工厂、窑炉可能列为疑似火情。",
                en="No static source is known: works and kilns may be among the fires.",
            )
        )
    known = {IMAGES.en: IMAGES}
    notices += [known.get(note, Notice(zh=note, en=note)) for note in report.notes]
    return tuple(notices)
