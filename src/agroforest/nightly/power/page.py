"""The page of what nights cost, and its table as CSV."""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from jinja2 import Environment, PackageLoader

from agroforest import __version__
from agroforest.core.cost import EnergySource
from agroforest.nightly.power import saved
from agroforest.nightly.power.account import Line

#: Columns of the CSV.
COLUMNS = (
    "night",
    "pipeline",
    "tries",
    "tries_unknown",
    "seconds",
    "cpu_seconds",
    "bytes_read",
    "kwh",
    "measured_share",
    "carbon_g",
    "carbon_g_per_km2",
    "carbon_g_per_alert",
    "saved_kwh_estimated",
    "tiles",
    "alerts",
    "km2",
)
#: How an energy is known, in Chinese and English; ``None`` is both.
SOURCES: dict[EnergySource | None, tuple[str, str]] = {
    EnergySource.MEASURED: ("实测", "measured"),
    EnergySource.ESTIMATED: ("估算", "estimated"),
    EnergySource.UNKNOWN: ("未知", "unknown"),
    None: ("部分实测", "partly measured"),
}
#: What was not done: Chinese, English, and the unit's bytes or seconds.
SAVED = {
    saved.UNCHANGED_TILES: ("没有新影像而未计算的瓦片", "tiles without news", ""),
    saved.UNCHANGED_CHUNKS: ("没有变化而未重写的数据块", "state chunks unchanged", ""),
    saved.CLOUDY_SCENES: ("全被云遮而未读波段的影像", "scenes all cloud", ""),
    saved.CLOUDY_BLOCKS: ("全被云遮而未读的块", "blocks all cloud", ""),
    saved.CLOUDY_BYTES: ("因云而未读的数据", "not read for cloud", "MB"),
    saved.CLOUDY_CPU_SECONDS: ("因此少用的处理器时间", "processor time of these", "s"),
    saved.UNCHANGED_CPU_SECONDS: (
        "未计算瓦片少用的处理器时间",
        "processor time of tiles without news",
        "s",
    ),
}
# Smaller numbers are nobody's bill.
_SMALL = 0.0001
# Of the chart, in its own units.
_WIDTH, _HEIGHT, _GAP = 720.0, 160.0, 0.25


@dataclass(frozen=True, kw_only=True, slots=True)
class Bar:
    """A night on the chart.

    Attributes
    ----------
    x, width
        Of the bar.
    measured, estimated
        Heights of its two parts.
    label
        What it says when it is pointed at.
    """

    x: float
    width: float
    measured: float
    estimated: float
    label: str


def build_page(lines: Sequence[Line], total: Line, *, title: str) -> str:
    """Build the page: HTML without scripts, that loads nothing.

    Parameters
    ----------
    lines
        By night and pipeline.
    total
        Their sum.
    title
        Which nights.
    """
    environment = Environment(
        loader=PackageLoader("agroforest.nightly", "templates"), autoescape=True
    )
    environment.globals["num"] = figure
    bars = build_bars(lines)
    return environment.get_template("carbon.html").render(
        title=title,
        lines=lines,
        total=total,
        bars=bars,
        top=max((_of_night(lines).values()), default=0.0),
        width=_WIDTH,
        height=_HEIGHT,
        sources=SOURCES,
        saved=describe_saved(total),
        version=__version__,
    )


def figure(value: float | None) -> str:
    """Write a number in three digits, a dash for none; no powers of ten."""
    if value is None:
        return "—"
    if 0 < value < _SMALL:
        return f"<{_SMALL:g}"
    return f"{value:.3g}" if value < 1000 else f"{value:,.0f}"


def describe_saved(line: Line) -> list[tuple[str, str, str]]:
    """Say what was not done, in Chinese and English, and how much of it."""
    counts = dict(line.saved)
    return [
        (zh, en, _amount(counts[why], unit))
        for why, (zh, en, unit) in SAVED.items()
        if why in counts
    ]


def _amount(count: float, unit: str) -> str:
    if unit == "MB":
        return f"{count / 1e6:,.1f} MB"
    return f"{count:,.1f} s" if unit else f"{count:,.0f}"


def build_bars(lines: Sequence[Line]) -> list[Bar]:
    """Build the bars of the nights, the tallest as high as the chart."""
    nights = _of_night(lines)
    top = max(nights.values(), default=0.0)
    step = _WIDTH / max(1, len(nights))
    bars = []
    for place, (night, grams) in enumerate(nights.items()):
        own = [x for x in lines if str(x.night) == night]
        kwh = sum(x.kwh for x in own)
        share = sum(x.measured_kwh for x in own) / kwh if kwh else 0.0
        tall = _HEIGHT * grams / top if top else 0.0
        bars.append(
            Bar(
                x=place * step + step * _GAP / 2,
                width=min(step * (1 - _GAP), 60.0),
                measured=tall * share,
                estimated=tall * (1 - share),
                label=f"{night}: {grams:.3g} g CO2, {kwh:.3g} kWh",
            )
        )
    return bars


def _of_night(lines: Sequence[Line]) -> dict[str, float]:
    found: dict[str, float] = {}
    for line in lines:
        found[str(line.night)] = found.get(str(line.night), 0.0) + line.carbon_g
    return found


def build_csv(lines: Sequence[Line]) -> str:
    """Build the table, UTF-8 for every spreadsheet; numbers in full."""
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    writer.writerows(build_row(line).values() for line in lines)
    return stream.getvalue()


def build_row(line: Line) -> dict[str, Any]:
    """Put a line into plain values, by the names of `COLUMNS`."""
    values = (
        None if line.night is None else line.night.isoformat(),
        line.pipeline,
        line.tries,
        line.unknown,
        round(line.seconds, 3),
        round(line.cpu_seconds, 3),
        line.bytes_read,
        line.kwh,
        line.measured_share,
        line.carbon_g,
        line.g_per_km2,
        line.g_per_alert,
        line.saved_kwh,
        line.tiles,
        line.alerts,
        line.km2,
    )
    return dict(zip(COLUMNS, values, strict=True))
