"""The drawing of a season, as SVG paths that a template places."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from agroforest.web.evidence.season import Curve

#: Size of the drawing in its own units; text is set for a phone of 390 px.
WIDTH, HEIGHT = 360.0, 170.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 34.0, 6.0, 8.0, 22.0
_TICKS = 4
_MONTHS = 6


@dataclass(frozen=True, kw_only=True, slots=True)
class Tick:
    """A mark of an axis: where, and what is written there."""

    at: float
    text: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Drawing:
    """A season drawn.

    Attributes
    ----------
    name
        Of the index.
    band, line
        Paths of the band and of the season.
    dots
        ``(x, y, outside the band, day, value)`` of what was seen.
    raised
        X of the night that raised the case.
    across, up
        Marks of both axes.
    """

    name: str
    band: str
    line: str
    dots: tuple[tuple[float, float, bool, date, float], ...]
    raised: float
    across: tuple[Tick, ...]
    up: tuple[Tick, ...]


def draw(curve: Curve, *, raised: date, until: date) -> Drawing:
    """Draw a season.

    Parameters
    ----------
    curve
        What is drawn.
    raised
        Night that raised the case.
    until
        Where the drawing ends; later days are left out.
    """
    first = curve.days[0]
    last = max(until, raised, first + timedelta(days=1))
    length = (last - first).days

    def x(day: date) -> float:
        share = (day - first).days / length
        return round(_LEFT + share * (WIDTH - _LEFT - _RIGHT), 1)

    low, high = _find_ends(curve)

    def y(value: float) -> float:
        share = (value - low) / (high - low)
        return round(HEIGHT - _BOTTOM - share * (HEIGHT - _TOP - _BOTTOM), 1)

    kept = [n for n, day in enumerate(curve.days) if day <= last]
    line = [(x(curve.days[n]), y(curve.expected[n])) for n in kept]
    upper = [(x(curve.days[n]), y(curve.high[n])) for n in kept]
    lower = [(x(curve.days[n]), y(curve.low[n])) for n in kept]
    dots = tuple(
        (x(day), y(value), _is_outside(curve, day, value), day, round(float(value), 3))
        for day, value in zip(curve.seen_days, curve.seen, strict=True)
        if day <= last
    )
    return Drawing(
        name=curve.name,
        band=f"{_path(upper + lower[::-1])}Z",
        line=_path(line),
        dots=dots,
        raised=x(raised),
        across=tuple(
            Tick(at=x(d), text=f"{d:%y-%m}") for d in _find_months(first, last)
        ),
        up=tuple(
            Tick(at=y(v), text=f"{v:.2f}") for v in np.linspace(low, high, _TICKS)
        ),
    )


def _find_ends(curve: Curve) -> tuple[float, float]:
    """Find the ends of the axis: round numbers around all that is drawn."""
    values = np.concatenate([curve.low, curve.high, curve.seen])
    low, high = float(np.nanmin(values)), float(np.nanmax(values))
    low, high = np.floor(low * 20) / 20, np.ceil(high * 20) / 20
    return float(low), float(max(high, low + 0.05))


def _is_outside(curve: Curve, day: date, value: float) -> bool:
    days = np.array([d.toordinal() for d in curve.days])
    at = int(np.abs(days - day.toordinal()).argmin())
    return bool(not curve.low[at] <= value <= curve.high[at])


def _find_months(first: date, last: date) -> list[date]:
    """Find first days of months, so few that their names do not touch."""
    count = (last.year - first.year) * 12 + last.month - first.month
    step = next(s for s in (1, 2, 3, 6, 12, 24, 48, 120, 1200) if count / s <= _MONTHS)
    months = [
        date(
            first.year + (first.month - 1 + n) // 12, (first.month - 1 + n) % 12 + 1, 1
        )
        for n in range(1, count + 1)
    ]
    return [m for m in months if (m.year * 12 + m.month - 1) % step == 0]


def _path(points: Sequence[tuple[float, float]]) -> str:
    return "M" + "L".join(f"{px:g} {py:g}" for px, py in points)
