"""From files of detections to a climatology and what it is worth."""

import csv
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import shapely
from numpy.typing import NDArray

from agroforest.core.errors import ConfigurationError, DataError, NoInputError
from agroforest.hotspots.climatology import (
    History,
    Smoothing,
    build_grid,
    build_history,
    estimate,
    fit,
)
from agroforest.hotspots.climatology_file import write_climatology
from agroforest.hotspots.datum import Datum
from agroforest.hotspots.detections import Detections
from agroforest.hotspots.districts import read_districts
from agroforest.hotspots.firms import read_firms
from agroforest.hotspots.skill import HoldOut, Skill, measure
from agroforest.hotspots.static import find_static, learn_static, read_static

_LEAST_DAYS = 20  # covered days below which no figure is worth giving; arbitrary
_MARGIN = 3.0  # standard deviations of the smoothing around the area

_Model = Callable[[History, int, NDArray[np.bool_]], NDArray[np.float64]]


@dataclass(frozen=True, kw_only=True, slots=True)
class ClimatologyRequest:
    """What to learn from.

    Attributes
    ----------
    files
        CSV files of FIRMS.
    covered
        CSV with a date (UTC) a line: days on which no detection means that there was
        none. Without it every day from the first to the last counts as such.
    boundaries
        Polygons of the area.
    datum
        What their coordinates are; see `districts.read_districts`.
    static
        Mask of static sources; learned from the detections unless given.
    step
        Side of a cell, degrees.
    out
        GeoTIFF to write.
    """

    files: tuple[Path, ...]
    covered: Path | None
    boundaries: Path
    datum: Datum | None = None
    static: Path | None = None
    step: float = 0.05
    out: Path


@dataclass(frozen=True, kw_only=True, slots=True)
class ClimatologyReport:
    """What was learned.

    Attributes
    ----------
    detections
        Used ones, static sources left out.
    static
        Detections that were left out for that.
    refused
        Rows that could not be read.
    days, covered
        Days with detections or coverage, and those that are covered fully.
    skill
        By what was hidden: of the climatology, and of a map of all year (``place``)
        that knows no season.
    file
        What was written.
    """

    detections: int
    static: int
    refused: int
    days: int
    covered: int
    skill: dict[str, dict[str, Skill]]
    file: Path


def write_trained(request: ClimatologyRequest) -> ClimatologyReport:
    """Learn a climatology, measure it on days it has not seen, and write it.

    Raises
    ------
    ConfigurationError, DataError, NoInputError
        A file cannot be used, or there are too few covered days or no detections.
    """
    smoothing = Smoothing()
    layer = read_districts(request.boundaries, datum=request.datum)
    area = shapely.union_all([d.geometry for d in layer.districts])
    feed = read_firms(request.files)
    fires, static = _leave_static(feed.detections, request.static)
    if not len(fires):
        raise NoInputError(
            ", ".join(map(str, request.files)), "no fires", "give more detections"
        )
    covered = _covered_days(request, fires)
    grid = build_grid(area, step=request.step, margin_km=_MARGIN * smoothing.place_km)
    history = build_history(fires, grid, covered=covered, smoothing=smoothing)
    if not history.counts[history.covered].any():
        raise NoInputError(
            request.boundaries,
            "no detection in it on a covered day",
            "check the area and the dates",
        )
    skill = {
        str(hidden): {
            "climatology": measure(history, hold_out=hidden, smoothing=smoothing),
            "place": measure(history, hold_out=hidden, model=_all_year(smoothing)),
        }
        for hidden in HoldOut
        if _can_hide(history, hidden)
    }
    write_climatology(
        request.out,
        fit(history, smoothing=smoothing),
        detections=str(len(fires)),
        covered_days=str(int(history.covered.sum())),
        first_day=str(history.days[0]),
        last_day=str(history.days[-1]),
    )
    return ClimatologyReport(
        detections=len(fires),
        static=static,
        refused=len(feed.refused),
        days=len(history.days),
        covered=int(history.covered.sum()),
        skill=skill,
        file=request.out,
    )


def _all_year(smoothing: Smoothing) -> _Model:
    """Return the same model without its season."""
    flat = replace(smoothing, season_days=1e6)

    def place(
        history: History, day: int, known: NDArray[np.bool_]
    ) -> NDArray[np.float64]:
        del day
        return estimate(history, 1.0, known=known, smoothing=flat)

    return place


def _can_hide(history: History, hold_out: HoldOut) -> bool:
    """Whether something to learn from is left: a single year cannot be left out."""
    years = np.unique(history.days[history.covered].astype("datetime64[Y]"))
    return hold_out != HoldOut.YEAR or len(years) > 1


def _leave_static(detections: Detections, mask: Path | None) -> tuple[Detections, int]:
    sources = learn_static(detections) if mask is None else read_static(mask)
    static = find_static(detections, sources)
    return detections.take(~static), int(static.sum())


def _covered_days(request: ClimatologyRequest, fires: Detections) -> list[date]:
    if request.covered is not None:
        days = read_days(request.covered)
    else:
        seen = fires.time.astype("datetime64[D]")
        first, last = seen.min().item(), seen.max().item()
        days = [first + timedelta(n) for n in range((last - first).days + 1)]
    if len(days) < _LEAST_DAYS:
        raise ConfigurationError(
            request.covered or "the detections",
            f"{len(days)} covered days",
            f"give at least {_LEAST_DAYS}",
        )
    return days


def read_days(path: Path) -> list[date]:
    """Read a CSV whose first column holds dates, with or without a heading.

    Raises
    ------
    DataError
        It cannot be read, or a line holds no date.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(path, f"cannot be read ({error})", "give a CSV") from error
    days = set()
    for line, row in enumerate(csv.reader(text.splitlines()), start=1):
        if not row or not row[0].strip():
            continue
        try:
            days.add(date.fromisoformat(row[0].strip()))
        except ValueError as error:
            if line == 1:
                continue  # the heading
            raise DataError(
                path, f"line {line}: '{row[0]}' is no date", "write 2024-03-01"
            ) from error
    return sorted(days)
