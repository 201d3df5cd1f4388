"""The drawing of a root zone's water, as SVG paths that a template places."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

#: Size of the drawing in its own units; text is set for a phone of 390 px.
WIDTH, HEIGHT = 360.0, 190.0
LEFT, RIGHT = 30.0, 6.0
_TOP, _FLOOR = 8.0, 128.0  # between full and empty
_BARS_TOP, _BARS_FLOOR = 138.0, 172.0
_TICK_MM = (5, 10, 20, 25, 50, 100, 200, 500)
_TICKS = 4
#: Rain and irrigation that fill the room of bars at least, mm. Arbitrary.
_LEAST_BAR_MM = 10.0
_WEEK = 7


@dataclass(frozen=True, kw_only=True, slots=True)
class Tick:
    """A mark of an axis: where, and what is written there."""

    at: float
    text: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Bar:
    """Rain or irrigation of a day: where it stands, and whether it is a forecast."""

    x: float
    y: float
    width: float
    height: float
    kind: str
    forecast: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class WaterChart:
    """A root zone drawn.

    Attributes
    ----------
    past, ahead
        Paths of what is missing, up to the night and from there.
    readily, available
        Paths of where the crop suffers, and wilts.
    bars
        Rain and irrigation.
    today
        X of the night.
    across, up
        Marks of both axes.
    most_mm
        Of rain and irrigation, what the highest bar can be.
    """

    past: str
    ahead: str
    readily: str
    available: str
    bars: tuple[Bar, ...]
    today: float
    across: tuple[Tick, ...]
    up: tuple[Tick, ...]
    most_mm: float


def draw_water(days: Sequence[Mapping[str, Any]]) -> WaterChart | None:
    """Draw days of a parcel's account; ``None`` where there is nothing to draw.

    Parameters
    ----------
    days
        As the night's file of water has them, in order; millimetres.
    """
    known = [d for d in days if d.get("depletion_mm") is not None]
    if len(known) < 2:
        return None
    dated = [(date.fromisoformat(d["day"]), d) for d in days]
    first, last = dated[0][0], dated[-1][0]
    step = (WIDTH - LEFT - RIGHT) / ((last - first).days + 1)
    deepest = max(
        float(d.get(name) or 0.0)
        for d in known
        for name in ("depletion_mm", "taw_mm", "raw_mm")
    )
    deepest = max(deepest, 1.0)

    def x(day: date) -> float:
        return round(LEFT + ((day - first).days + 0.5) * step, 1)

    def y(value: float) -> float:
        return round(_TOP + max(value, 0.0) / deepest * (_FLOOR - _TOP), 1)

    def line(name: str, *, among: Sequence[tuple[date, Mapping[str, Any]]]) -> str:
        parts, is_apart = [], True
        for day, row in among:
            value = row.get(name)
            if value is None:
                is_apart = True  # a day without weather leaves a gap
                continue
            parts.append(f"{'M' if is_apart else 'L'}{x(day):g} {y(value):g}")
            is_apart = False
        return "".join(parts)

    past = [pair for pair in dated if not pair[1].get("forecast")]
    ahead = [pair for pair in dated if pair[1].get("forecast")]
    most = _find_most(known)
    return WaterChart(
        past=line("depletion_mm", among=past),
        ahead=line("depletion_mm", among=past[-1:] + ahead),
        readily=line("raw_mm", among=dated),
        available=line("taw_mm", among=dated),
        bars=tuple(
            bar
            for day, row in dated
            for bar in _draw_bars(row, x(day), step=step, most=most)
        ),
        today=x(past[-1][0]) if past else LEFT,
        across=tuple(
            Tick(at=x(day), text=f"{day:%m-%d}") for day in _find_days(first, last)
        ),
        up=tuple(Tick(at=y(mm), text=f"{mm}") for mm in _find_marks(deepest)),
        most_mm=most,
    )


def _find_most(days: Sequence[Mapping[str, Any]]) -> float:
    given = (float(d.get(n) or 0) for d in days for n in ("rain_mm", "irrigation_mm"))
    return max(_LEAST_BAR_MM, *given)


def _draw_bars(
    row: Mapping[str, Any], middle: float, *, step: float, most: float
) -> list[Bar]:
    found, floor = [], _BARS_FLOOR
    for kind in ("rain", "irrigation"):
        value = float(row.get(f"{kind}_mm") or 0.0)
        if value <= 0:
            continue
        height = min(value / most, 1.0) * (_BARS_FLOOR - _BARS_TOP)
        height = min(height, floor - _BARS_TOP)
        width = max(0.7 * step, 1.5)
        floor -= height
        found.append(
            Bar(
                x=round(middle - width / 2, 1),
                y=round(floor, 1),
                width=round(width, 1),
                height=round(height, 1),
                kind=kind,
                forecast=bool(row.get("forecast")),
            )
        )
    return found


def _find_marks(deepest: float) -> list[int]:
    """Find round numbers for the axis, a few."""
    step = next((s for s in _TICK_MM if deepest / s <= _TICKS), _TICK_MM[-1])
    return list(range(0, int(deepest) + 1, step))


def _find_days(first: date, last: date) -> list[date]:
    """Find days for the axis, so few that their names do not touch."""
    count = (last - first).days
    step = _WEEK * max(1, -(-count // (_WEEK * 6)))
    return [first + timedelta(days=n) for n in range(step // 2, count, step)]
