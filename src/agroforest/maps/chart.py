"""Small time-series charts, as plain numbers the page turns into SVG.

The page draws what is listed here and nothing else, so that no text ever becomes
markup. Coordinates are in chart units, `WIDTH` by `HEIGHT`.
"""

import math
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta, timezone
from itertools import pairwise
from statistics import median
from typing import Any

from agroforest.core.reading import UNITS, Quality, Reading, Variable

WIDTH, HEIGHT = 280, 124
_LEFT, _RIGHT, _TOP, _BOTTOM = 38, 8, 8, 22
_MAX_POINTS = 300  # per line: more than the chart has pixels
_GAP_STEPS = 4  # a line breaks where this many usual steps are missing; arbitrary

# Okabe & Ito's colour-blind safe set, darkest first.
_LINE_COLORS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00")
_TITLES = {
    Variable.SOIL_MOISTURE: ("土壤含水量", "Soil moisture"),
    Variable.SOIL_TEMPERATURE: ("土壤温度", "Soil temperature"),
    Variable.SOIL_CONDUCTIVITY: ("土壤电导率", "Soil conductivity"),
    Variable.AIR_TEMPERATURE: ("气温", "Air temperature"),
    Variable.RELATIVE_HUMIDITY: ("相对湿度", "Relative humidity"),
    Variable.PRECIPITATION: ("降水", "Precipitation"),
    Variable.BATTERY: ("电池电压", "Battery"),
}
_SIGNS = {"m3/m3": "m³/m³", "degC": "°C", "uS/cm": "µS/cm"}
# A gap says something about the time before the reading, not about its value.
_DISTRUST = ~Quality.GAP
_Point = tuple[float, float]


def build_charts(
    readings: Iterable[Reading], *, utc_offset_hours: int
) -> list[dict[str, Any]]:
    """One chart per variable, one line per depth.

    Parameters
    ----------
    readings
        Of one sensor, any order.
    utc_offset_hours
        For the labels of the time axis.

    Returns
    -------
    list of dict
        JSON-ready: ``title``, ``unit``, ``kind`` (``line`` or ``bar``), ``lines``
        (label, colour, segments of points), ``flagged`` points, ``x`` and ``y``
        ticks, ``latest`` trusted value. In the order of `Variable`.
    """
    by_variable: dict[Variable, list[Reading]] = {}
    for reading in sorted(readings, key=lambda r: (r.time, r.depth_m or 0.0)):
        by_variable.setdefault(reading.variable, []).append(reading)
    zone = timezone(timedelta(hours=utc_offset_hours))
    return [_chart(v, by_variable[v], zone) for v in Variable if v in by_variable]


def trusted(reading: Reading) -> bool:
    """Whether the value may be believed: present, finite and not flagged."""
    return (
        reading.value is not None
        and math.isfinite(reading.value)
        and not reading.quality & _DISTRUST
    )


def sensor_state(readings: Iterable[Reading]) -> str:
    """``none``, or whether the newest reading of every line is ``good``.

    One line whose newest reading is not trusted makes the sensor ``doubtful``.
    """
    newest: dict[tuple[Variable, float | None], Reading] = {}
    for reading in readings:
        line = reading.variable, reading.depth_m
        if line not in newest or newest[line].time < reading.time:
            newest[line] = reading
    if not newest:
        return "none"
    return "good" if all(trusted(r) for r in newest.values()) else "doubtful"


def _chart(
    variable: Variable, readings: Sequence[Reading], zone: timezone
) -> dict[str, Any]:
    title_zh, title_en = _TITLES[variable]
    good = [r for r in readings if trusted(r)]
    bars = variable == Variable.PRECIPITATION
    low, high, y_ticks = _axis([r.value for r in good if r.value is not None], bars)
    start, end = readings[0].time, readings[-1].time

    def at(reading: Reading) -> _Point:
        span = (end - start).total_seconds()
        share = (reading.time - start).total_seconds() / span if span else 0.5
        value = min(max(reading.value or 0.0, low), high)
        return (
            round(_LEFT + share * (WIDTH - _LEFT - _RIGHT), 1),
            round(_y(value, low, high), 1),
        )

    depths = sorted({r.depth_m for r in readings}, key=lambda d: (d is not None, d))
    lines = []
    for number, depth in enumerate(depths):
        own = [r for r in good if r.depth_m == depth]
        lines.append(
            {
                "label": "" if depth is None else f"{depth * 100:g} cm",
                "color": _LINE_COLORS[number % len(_LINE_COLORS)],
                "segments": [_thin([at(r) for r in s]) for s in _segments(own)],
            }
        )
    doubtful = [
        r
        for r in readings
        if r.value is not None and not trusted(r) and math.isfinite(r.value)
    ]
    return {
        "title": {"zh": title_zh, "en": title_en},
        "unit": _SIGNS.get(UNITS[variable], UNITS[variable]),
        "kind": "bar" if bars else "line",
        "floor": round(_y(low, low, high), 1),
        "lines": lines,
        "flagged": _thin([at(r) for r in doubtful]),
        "missing": sum(r.value is None for r in readings),
        "doubtful": len(doubtful),
        "y": [{"at": round(_y(v, low, high), 1), "label": t} for v, t in y_ticks],
        "x": _time_ticks(start, end, zone),
        "latest": _latest(good, zone),
    }


def _y(value: float, low: float, high: float) -> float:
    share = (value - low) / (high - low)
    return HEIGHT - _BOTTOM - share * (HEIGHT - _TOP - _BOTTOM)


def _axis(
    values: Sequence[float], from_zero: bool
) -> tuple[float, float, list[tuple[float, str]]]:
    """Round limits and two to five ticks around trusted values."""
    low = min(values, default=0.0)
    high = max(values, default=1.0)
    if from_zero:
        low = min(low, 0.0)
    if high - low <= 1e-9 * max(1.0, abs(high)):
        pad = abs(high) * 0.1 or 1.0
        low, high = (low, high + pad) if from_zero else (low - pad, high + pad)
    step = 10.0 ** math.floor(math.log10((high - low) / 2))
    step *= next(m for m in (1, 2, 5, 10) if (high - low) / (step * m) <= 4)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    digits = max(0, -math.floor(math.log10(step) + 1e-9))
    ticks = [(n * step, f"{n * step:.{digits}f}") for n in range(first, last + 1)]
    return first * step, last * step, ticks


def _segments(readings: Sequence[Reading]) -> list[list[Reading]]:
    """Cut where the series is silent, so that no line bridges a gap."""
    if not readings:
        return []
    steps = [(b.time - a.time).total_seconds() for a, b in pairwise(readings)]
    longest = _GAP_STEPS * median(steps) if steps else 0.0
    segments = [[readings[0]]]
    for step, reading in zip(steps, readings[1:], strict=True):
        if step > longest:
            segments.append([])
        segments[-1].append(reading)
    return segments


def _thin(points: Sequence[_Point]) -> list[_Point]:
    """At most `_MAX_POINTS`, keeping each bucket's lowest and highest point."""
    if len(points) <= _MAX_POINTS:
        return list(points)
    buckets = _MAX_POINTS // 2
    kept: list[_Point] = []
    for number in range(buckets):
        first = number * len(points) // buckets
        bucket = points[first : (number + 1) * len(points) // buckets]
        low = min(range(len(bucket)), key=lambda n: bucket[n][1])
        high = max(range(len(bucket)), key=lambda n: bucket[n][1])
        kept += [bucket[n] for n in sorted({low, high})]
    return kept


def _time_ticks(start: datetime, end: datetime, zone: timezone) -> list[dict[str, Any]]:
    """First, middle and last day; the year only where the years differ."""
    first, last = start.astimezone(zone), end.astimezone(zone)
    if first == last:
        return [{"at": WIDTH / 2, "label": f"{first:%Y-%m-%d}", "anchor": "middle"}]
    span = last - first
    form = "%H:%M" if span < timedelta(days=1) else "%m-%d"
    form = "%Y-%m" if span > timedelta(days=330) else form
    edges = ((0.0, "start"), (0.5, "middle"), (1.0, "end"))
    return [
        {
            "at": round(_LEFT + share * (WIDTH - _LEFT - _RIGHT), 1),
            "label": format(first + span * share, form),
            "anchor": anchor,
        }
        for share, anchor in edges
    ]


def _latest(good: Sequence[Reading], zone: timezone) -> dict[str, Any] | None:
    if not good:
        return None
    time = good[-1].time
    values = [
        {
            "depth": "" if r.depth_m is None else f"{r.depth_m * 100:g} cm",
            "value": float(f"{r.value:.4g}"),
        }
        for r in good
        if r.time == time
    ]
    return {"time": f"{time.astimezone(zone):%Y-%m-%d %H:%M}", "values": values}
