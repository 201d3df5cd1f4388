"""What surveyors found: damaged or clean, where, and when it was seen."""

import calendar
import re
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

import numpy as np
import pyproj
import shapely
from shapely.geometry.base import BaseGeometry

from agroforest.core.errors import ConfigurationError
from agroforest.risk.datasets.survey.features import read_features

#: Ground that a point stands for, m around it, unless its row says: the crown and
#: its neighbours, about as far as a hand-held receiver errs. Arbitrary.
RADIUS_METRES = 10.0
# A point that stands for more is a mistake or should be a polygon. Arbitrary.
_WIDEST_METRES = 500.0
_CORNERS = 32
_GEOD = pyproj.Geod(ellps="WGS84")


class Status(StrEnum):
    """What was found."""

    DAMAGED = "damaged"  #: canopy damaged or dead
    CLEAN = "clean"  #: surveyed and found healthy
    UNSURE = "unsure"  #: surveyed and not decided


class Reason(StrEnum):
    """Why a label is set aside."""

    UNSURE = "unsure"
    STATUS = "unknown status"
    DATE = "no readable date"
    PLACE = "no usable place"
    RADIUS = "unusable radius"
    DUPLICATE = "given twice"
    WINDOW = "seen in a window too wide to tell the year"
    YEAR = "no composites for its date"
    OUTSIDE = "outside the scenes"
    SMALL = "smaller than a pixel"
    NO_DATA = "no data in a composite"
    CONTRADICTED = "contradicted by another label"
    SURPLUS = "more than are learned from at once"


#: Words for each status, in lower case.
WORDS: Mapping[str, Status] = {
    **dict.fromkeys(
        (
            *("damaged", "damage", "dead", "dying", "affected", "infested", "diseased"),
            *("受害", "受损", "枯死", "死亡", "病害", "虫害", "病虫害", "感病", "染病"),
        ),
        Status.DAMAGED,
    ),
    **dict.fromkeys(
        (
            *("clean", "healthy", "undamaged", "not damaged", "unaffected"),
            *("健康", "正常", "未受害", "未受损", "无病虫害", "未见异常"),
        ),
        Status.CLEAN,
    ),
    **dict.fromkeys(
        (
            *("unsure", "uncertain", "unknown", "suspect", "suspected", "?"),
            *("不确定", "不清楚", "不明", "待定", "存疑", "疑似"),
        ),
        Status.UNSURE,
    ),
}

_COLUMNS: Mapping[str, tuple[str, ...]] = {
    "status": ("status", "状态", "受害情况"),
    "date": ("date", "日期", "调查日期"),
    "start": ("start", "开始", "开始日期"),
    "end": ("end", "结束", "结束日期"),
    "radius": ("radius_m", "半径"),
}
# 2024-05-06, 2024/5/6, 2024.5.6, 20240506, 2024年5月6日; without a day a month.
_DATE = re.compile(
    r"(\d{4})(?:(?:[-/.](\d{1,2})(?:[-/.](\d{1,2}))?)|(\d{2})(\d{2})"
    r"|年(\d{1,2})月(?:(\d{1,2})[日号])?)(?:[T ].*)?"
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Label:
    """What was found at one place.

    Attributes
    ----------
    status
        Damaged or clean.
    start, end
        It was seen on one of these days, or every day between them.
    centre
        Longitude and latitude of a point inside.
    geometry
        The ground it stands for: polygons, WGS84.
    is_point
        Whether a point was given; the pixel that holds it counts in any case.
    """

    status: Status
    start: date
    end: date
    centre: tuple[float, float]
    geometry: BaseGeometry = field(repr=False)
    is_point: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Survey:
    """What was read of a file.

    Attributes
    ----------
    path
        The file.
    labels
        What can be used so far, in file order.
    set_aside
        What cannot, counted by reason.
    strange
        Some words of status that are not known, as they are written.
    """

    path: Path
    labels: Sequence[Label]
    set_aside: Counter[Reason]
    strange: tuple[str, ...] = ()


def read_survey(
    path: Path,
    *,
    radius: float = RADIUS_METRES,
    layer: str | None = None,
    encoding: str | None = None,
) -> Survey:
    """Read the labels of a survey.

    Parameters
    ----------
    path
        Points or polygons with the column ``status`` (`WORDS`) and ``date``, or
        ``start`` and ``end``; points may have ``radius_m``. As in
        `agroforest.risk.datasets.survey.features.read_features`.
    radius
        Metres that points without ``radius_m`` stand for.
    layer, encoding
        Of the file.

    Raises
    ------
    ConfigurationError
        No column of status or of dates; as `read_features`.
    DataError
        As `read_features`.
    """
    labels: list[Label] = []
    set_aside: Counter[Reason] = Counter()
    seen: set[tuple[object, ...]] = set()
    strange: dict[str, None] = {}
    for number, (cells, geometry) in enumerate(
        read_features(path, layer=layer, encoding=encoding)
    ):
        if not number:
            _require_columns(path, cells)
        found = _label(cells, geometry, radius)
        if isinstance(found, Label):
            key = (found.status, found.start, found.end, found.geometry.wkb)
            if key not in seen:
                labels.append(found)
                seen.add(key)
                continue
            found = Reason.DUPLICATE
        elif found == Reason.STATUS:
            strange[_shown(_cell(cells, "status"))] = None
        set_aside[found] += 1
    return Survey(
        path=path,
        labels=tuple(labels),
        set_aside=set_aside,
        strange=tuple(strange)[:3],
    )


def _label(
    cells: Mapping[str, Any], geometry: BaseGeometry | None, radius: float
) -> Label | Reason:
    status = norm_status(_cell(cells, "status"))
    if status is None:
        return Reason.STATUS
    if status == Status.UNSURE:
        return Reason.UNSURE
    window = _window(cells)
    if window is None:
        return Reason.DATE
    if geometry is None:
        return Reason.PLACE
    is_point = geometry.geom_type in {"Point", "MultiPoint"}
    if is_point:
        own = _radius(_cell(cells, "radius"), radius)
        if own is None:
            return Reason.RADIUS
        centre = shapely.get_parts(geometry)[0]
        geometry = shapely.union_all(
            [_circle(p, own) for p in shapely.get_parts(geometry)]
        )
    else:
        centre = geometry.representative_point()
    return Label(
        status=status,
        start=window[0],
        end=window[1],
        centre=(centre.x, centre.y),
        geometry=geometry,
        is_point=is_point,
    )


def norm_status(text: object) -> Status | None:
    """Status that a word stands for, whatever its case and width; or none."""
    plain = unicodedata.normalize("NFKC", str(text)).strip().lower()
    return WORDS.get(plain)


def norm_window(value: object) -> tuple[date, date] | None:
    """First and last day that a cell means: a day, or a month; or none."""
    if isinstance(value, datetime):
        return value.date(), value.date()
    if isinstance(value, date):
        return value, value
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    match = _DATE.fullmatch(unicodedata.normalize("NFKC", str(value)).strip())
    if match is None:
        return None
    year, *rest = (int(part) for part in match.groups() if part is not None)
    month, day = rest[0], rest[1] if len(rest) > 1 else None
    try:
        last = calendar.monthrange(year, month)[1]
        return date(year, month, day or 1), date(year, month, day or last)
    except (ValueError, calendar.IllegalMonthError):
        return None


def _window(cells: Mapping[str, Any]) -> tuple[date, date] | None:
    """When it was seen: ``date``, or else ``start`` to ``end``."""
    given = [norm_window(_cell(cells, name)) for name in ("date", "start", "end")]
    on, start, end = given
    if _cell(cells, "date") not in {None, ""}:
        return on
    if start is None or end is None or start[0] > end[1]:
        return None
    return start[0], end[1]


def _radius(cell: object, usual: float) -> float | None:
    if cell is None or cell == "":
        return usual
    try:
        metres = float(str(cell))
    except ValueError:
        return None
    return metres if 0 < metres <= _WIDEST_METRES else None


def _circle(point: shapely.Point, metres: float) -> BaseGeometry:
    """Ground around a point, on the ellipsoid."""
    azimuth = np.linspace(0, 360, _CORNERS, endpoint=False)
    around = np.ones(_CORNERS)
    lon, lat, _ = _GEOD.fwd(
        point.x * around, point.y * around, azimuth, metres * around
    )
    return shapely.Polygon(np.column_stack([lon, lat]))


def _cell(cells: Mapping[str, Any], name: str) -> Any:  # noqa: ANN401  as it is written
    found = (cells[c] for c in _COLUMNS[name] if c in cells)
    value = next(found, None)
    return value.strip() if isinstance(value, str) else value


def _require_columns(path: Path, cells: Mapping[str, Any]) -> None:
    there = {name for name, known in _COLUMNS.items() if any(c in cells for c in known)}
    if "status" not in there:
        raise ConfigurationError(
            path, "has no column status", "add one with damaged, clean or unsure"
        )
    if "date" not in there and not {"start", "end"} <= there:
        raise ConfigurationError(
            path, "has no column date", "add one, or start and end: when it was seen"
        )


def _shown(text: object) -> str:
    """Foreign text as it may stand in a message: short, one line, harmless."""
    return (
        ascii(str(text)[:20]) if not str(text).isprintable() else repr(str(text)[:20])
    )
