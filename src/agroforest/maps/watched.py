"""What was found in a cube as one picture: how sure, since when, what it looks like.

SVG, no library, readable in every browser; the maps inside are PNGs of their own.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from html import escape
from typing import TypeVar

import numpy as np
from affine import Affine
from numpy.typing import NDArray
from pyproj import CRS

from agroforest.maps.colors import Palette, index_palette, risk_palette
from agroforest.maps.raster import MAX_SIDE, draw_strip, encode_png

_WIDE, _GAP, _EDGE, _TOP, _LEGEND = 300, 24, 20, 84, 96
_TALLEST = 900.0
_METRES_A_DEGREE = 111_320.0
_EPOCH = date(1970, 1, 1)
_Number = TypeVar("_Number", bound=np.generic)
_CRISP = 'style="image-rendering:pixelated"'
_INK, _FAINT, _UNSEEN = "#1d2b28", "#5b6a66", "#eceff0"

# Names and colours of `agroforest.monitor.CODES`, in the order of what is worst.
_KINDS: tuple[tuple[int, str, str, tuple[int, int, int]], ...] = (
    (3, "火烧", "fire", (165, 29, 40)),
    (2, "采伐", "cut", (84, 39, 136)),
    (1, "胁迫", "stress", (224, 130, 43)),
    (4, "已恢复", "recovered", (128, 150, 190)),
    (0, "未见异常", "nothing found", (213, 235, 230)),
)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Watched:
    """What was found; arrays are ``(y, x)``, as `agroforest.monitor.Found` has them.

    Attributes
    ----------
    probability
        float, NaN where nothing was judged.
    detected
        int, days since 1970-01-01 of the first date; 0 for none.
    kind
        uint8, codes of `agroforest.monitor.CODES`.
    crs, transform
        Where the pixels lie, north-up.
    first, last
        Epoch days between which it was watched.
    """

    probability: NDArray[np.floating]
    detected: NDArray[np.integer]
    kind: NDArray[np.uint8]
    crs: str
    transform: Affine
    first: int
    last: int


def draw_watched(found: Watched, name: str) -> str:
    """Draw three maps side by side, in Chinese and English.

    Parameters
    ----------
    found
        What to draw. Large maps are drawn coarser; a detected pixel stays visible.
    name
        Of the cube; may hold anything, it is escaped.

    Returns
    -------
    str
        An SVG document.
    """
    factor = math.ceil(max(found.kind.shape) / MAX_SIDE)
    panels = (_sure(found, factor), _since(found, factor), _kind(found, factor))
    wide = 2 * _EDGE + len(panels) * _WIDE + (len(panels) - 1) * _GAP
    across, down = _measure(found)
    high = min(_WIDE * down / across, _TALLEST)
    tall = round(_TOP + high + _LEGEND)
    watched = f"{_write_day(found.first)} 至 to {_write_day(found.last)}"
    title = f"林冠监测 Canopy watch · {name}"
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {wide} {tall}" '
        f'width="{wide}" height="{tall}" role="img" font-size="12" '
        'font-family="Noto Sans CJK SC, Noto Sans SC, sans-serif">'
    )
    parts = [
        head,
        f"<title>{escape(title)}</title>",
        f'<rect width="{wide}" height="{tall}" fill="#fff"/>',
        _text(_EDGE, 26, title, size=15, weight=600),
        _text(
            _EDGE,
            46,
            f"{watched} · 卫星只见异常，须实地核查 · "
            "a sign to go and look, not a diagnosis",
            ink=_FAINT,
        ),
    ]
    for number, (heading, image, legend) in enumerate(panels):
        left = _EDGE + number * (_WIDE + _GAP)
        box = f'width="{_WIDE}" height="{high:.1f}"'
        parts += [
            f'<g transform="translate({left} {_TOP})">',
            _text(0, -10, heading, weight=600),
            f'<rect {box} fill="{_UNSEEN}"/>',
            f'<image {box} preserveAspectRatio="none" {_CRISP} href="{image}"/>',
            f'<g transform="translate(0 {high + 14:.1f})">{legend}</g></g>',
        ]
    parts += _scale_bar(found.crs, across, _TOP + high + _LEGEND - 16)
    return "\n".join([*parts, "</svg>", ""])


def _sure(found: Watched, factor: int) -> tuple[str, str, str]:
    palette = risk_palette()
    coarse = _reduce(found.probability, factor, np.fmax, np.nan)
    image = encode_png(palette.codes(coarse, vmin=0, vmax=1), palette)
    legend = _strip(palette, ("0", "0.5", "1")) + _text(
        0, 46, "灰：未判 · grey: not judged", ink=_FAINT, size=11
    )
    return "异常概率 Probability", image, legend


def _since(found: Watched, factor: int) -> tuple[str, str, str]:
    palette = index_palette("viridis")
    days = np.where(found.detected > 0, found.detected, np.nan).astype(np.float64)
    coarse = _reduce(days, factor, np.fmin, np.nan)
    last = max(found.last, found.first + 1)
    image = encode_png(palette.codes(coarse, vmin=found.first, vmax=last), palette)
    middle = _write_day((found.first + last) // 2)[:7]
    ends = _write_day(found.first)[:7], middle, _write_day(last)[:7]
    return "始于 Detected since", image, _strip(palette, ends)


def _kind(found: Watched, factor: int) -> tuple[str, str, str]:
    """Draw kinds; of several in a cell the worst, which comes first in `_KINDS`."""
    colors = np.zeros((len(_KINDS) + 1, 4), np.uint8)
    ranks = np.zeros(found.kind.shape, np.uint8)
    lines = []
    for at, (code, zh, en, colour) in enumerate(_KINDS):
        colors[at + 1] = (*colour, 255)
        chosen = (found.kind == code) & np.isfinite(found.probability)
        ranks[chosen] = at + 1
        x, y = 150 * (at % 2), 18 * (at // 2)
        lines.append(
            f'<rect x="{x}" y="{y}" width="12" height="12" fill="rgb{colour}"/>'
            + _text(x + 18, y + 11, f"{zh} {en} {chosen.sum():,}", size=11)
        )
    palette = Palette(colors=colors, levels=len(_KINDS))
    # 255 where nothing was judged, so that the lowest rank is the worst.
    judged = np.where(ranks > 0, ranks, 255).astype(np.uint8)
    worst = _reduce(judged, factor, np.minimum, 255)
    image = encode_png(np.where(worst == 255, 0, worst).astype(np.uint8), palette)
    return "像什么（像元数） What it looks like (pixels)", image, "".join(lines)


def _reduce(
    values: NDArray[_Number], factor: int, choose: np.ufunc, filler: float
) -> NDArray[_Number]:
    """One value for ``factor`` x ``factor`` pixels."""
    rows, columns = (math.ceil(n / factor) * factor for n in values.shape)
    padded = np.full((rows, columns), filler, values.dtype)
    padded[: values.shape[0], : values.shape[1]] = values
    cells = padded.reshape(rows // factor, factor, columns // factor, factor)
    return np.asarray(choose.reduce(choose.reduce(cells, axis=3), axis=1), values.dtype)


def _measure(found: Watched) -> tuple[float, float]:
    """Width and height of the map on the ground, metres or the units there are."""
    height, width = found.kind.shape
    across, down = width * found.transform.a, height * -found.transform.e
    if CRS.from_user_input(found.crs).is_geographic:
        middle = math.radians(found.transform.f - down / 2)
        across *= _METRES_A_DEGREE * math.cos(middle)
        down *= _METRES_A_DEGREE
    return across, down


def _scale_bar(crs: str, across: float, y: float) -> list[str]:
    """Draw a bar of a round length, at most a third of the first map's width."""
    known = CRS.from_user_input(crs)
    if not (known.is_geographic or known.is_projected):
        return []
    most = across / 3
    unit = 10.0 ** math.floor(math.log10(most))
    metres = max(step * unit for step in (1, 2, 5) if step * unit <= most)
    long = _WIDE * metres / across
    said = f"{metres / 1000:g} km" if metres >= 1000 else f"{metres:g} m"
    return [
        f'<path d="M{_EDGE} {y - 4:.1f}v4h{long:.1f}v-4" fill="none" stroke="{_INK}"/>',
        _text(_EDGE + long + 8, y + 1, said, size=11),
    ]


def _strip(palette: Palette, labels: Sequence[str]) -> str:
    anchors = "start", "middle", "end"
    ends = "".join(
        _text(_WIDE * at / (len(labels) - 1), 26, label, size=11, anchor=anchors[at])
        for at, label in enumerate(labels)
    )
    return (
        f'<image width="{_WIDE}" height="12" preserveAspectRatio="none" '
        f'href="{draw_strip(palette)}"/>{ends}'
    )


def _text(
    x: float,
    y: float,
    words: str,
    *,
    size: int = 12,
    weight: int = 400,
    ink: str = _INK,
    anchor: str = "start",
) -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" font-weight="{weight}" '
        f'fill="{ink}" text-anchor="{anchor}">{escape(words)}</text>'
    )


def _write_day(day: int) -> str:
    return (_EPOCH + timedelta(days=int(day))).isoformat()
