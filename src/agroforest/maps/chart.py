"""Small time-series charts, as plain numbers the page turns into SVG.

The page draws what is listed here and nothing else, so that no text ever becomes
markup. Coordinates are in chart units, `WIDTH` by `HEIGHT`.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
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
    Variable.BATTERY_LEVEL: ("电池电量", "Battery level"),
}
_SIGNS = {"m3/m3": "m³/m³", "degC": "°C", "uS/cm": "\N{MICRO SIGN}S/cm"}
# A gap says something about the time before the reading, not about its value.
_DISTRUST = ~Quality.GAP
# Larger numbers come from broken devices and would only upset the axis; arbitrary.
_ABSURD = 1e9
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
        (label, colour, latest trusted value, segments of points), ``flagged``
        points, ``x`` and ``y`` ticks. In the order of `Variable`.
    """
    by_variable: dict[Variable, list[Reading]] = {}
    for reading in sorted(readings, key=lambda r: (r.time, r.depth_m or 0.0)):
        by_variable.setdefault(reading.variable, []).append(reading)
    zone = timezone(timedelta(hours=utc_offset_hours))
    return [_chart(v, by_variable[v], zone) for v in Variable if v in by_variable]


def trusted(reading: Reading) -> bool:
    """Whether the value may be believed: present, drawable and not flagged."""
    return _drawable(reading) and not reading.quality & _DISTRUST


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


@dataclass(frozen=True, kw_only=True, slots=True)
class _Frame:
    """Where a reading falls on the chart; doubtful ones are kept at its edge."""

    start: datetime
    seconds: float
    low: float
    high: float

    def at(self, reading: Reading) -> _Point:
        passed = (reading.time - self.start).total_seconds()
        share = passed / self.seconds if self.seconds else 0.5
        x = _LEFT + share * (WIDTH - _LEFT - _RIGHT)
        return round(x, 1), self.y(reading.value or 0.0)

    def y(self, value: float) -> float:
        inside = min(max(value, self.low), self.high)
        share = (inside - self.low) / (self.high - self.low)
        return round(HEIGHT - _BOTTOM - share * (HEIGHT - _TOP - _BOTTOM), 1)


def _chart(
    variable: Variable, readings: Sequence[Reading], zone: timezone
) -> dict[str, Any]:
    bars = variable == Variable.PRECIPITATION
    start, end = readings[0].time, readings[-1].time
    ticks = _value_ticks([r.value for r in readings if trusted(r)], from_zero=bars)
    frame = _Frame(
        start=start,
        seconds=(end - start).total_seconds(),
        low=ticks[0][0],
        high=ticks[-1][0],
    )
    doubtful = [r for r in readings if _drawable(r) and not trusted(r)]
    title_zh, title_en = _TITLES[variable]
    return {
        "title": {"zh": title_zh, "en": title_en},
        "unit": _SIGNS.get(UNITS[variable], UNITS[variable]),
        "kind": "bar" if bars else "line",
        "floor": frame.y(frame.low),
        "lines": _lines(readings, frame, zone),
        "flagged": _thin([frame.at(r) for r in doubtful]),
        "doubtful": len(doubtful),
        "missing": sum(not _drawable(r) for r in readings),
        "y": [{"at": frame.y(value), "label": label} for value, label in ticks],
        "x": _time_ticks(start, end, zone),
    }


def _lines(
    readings: Sequence[Reading], frame: _Frame, zone: timezone
) -> list[dict[str, Any]]:
    by_depth: dict[float | None, list[Reading]] = {}
    for reading in readings:
        by_depth.setdefault(reading.depth_m, [])
        if trusted(reading):
            by_depth[reading.depth_m].append(reading)
    depths = sorted(by_depth, key=lambda d: (d is not None, d))
    return [
        {
            "label": "" if depth is None else f"{depth * 100:g} cm",
            "color": _LINE_COLORS[number % len(_LINE_COLORS)],
            "latest": _latest(by_depth[depth], zone),
            "segments": [
                _thin([frame.at(r) for r in segment])
                for segment in _segments(by_depth[depth])
            ],
        }
        for number, depth in enumerate(depths)
    ]


def _latest(good: Sequence[Reading], zone: timezone) -> dict[str, Any] | None:
    if not good:
        return None
    time = good[-1].time.astimezone(zone)
    return {"value": f"{good[-1].value:.4g}", "time": f"{time:%m-%d %H:%M}"}


def _drawable(reading: Reading) -> bool:
    return reading.value is not None and abs(reading.value) < _ABSURD


def _value_ticks(
    values: Sequence[float | None], *, from_zero: bool
) -> list[tuple[float, str]]:
    """Two to six round numbers around the values, with their labels."""
    known = [v for v in values if v is not None] or [0.0, 1.0]
    low, high = min(known), max(known)
    if from_zero:
        low = min(low, 0.0)
    if high - low <= 1e-6 * max(abs(low), abs(high), 1e-3):
        pad = abs(high) * 0.1 or 1.0
        low, high = (low, high + pad) if from_zero else (low - pad, high + pad)
    step = 10.0 ** math.floor(math.log10((high - low) / 2))
    step *= next(m for m in (1, 2, 5, 10) if (high - low) / (step * m) <= 4)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    digits = max(0, -math.floor(math.log10(step) + 1e-9))
    return [(n * step, f"{n * step:.{digits}f}") for n in range(first, last + 1)]


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
