"""The season curve as a picture: SVG, no library."""

from collections.abc import Mapping, Sequence
from html import escape

import numpy as np

_LEFT, _TOP, _STEP, _TALL = 46, 64, 50, 220
_WIDE = 12 * _STEP
_COLOURS = ("#d5ebe6", "#fedf8a", "#f9a34a", "#e05a2b", "#5e0b22")
_INK = "#16285c"
#: First and last month, colour, what people say of them.
_KNOWN = (
    (3, 5, "#8fb3d9", "蓝底：桂北、桂西 3—5 月 · blue: March to May, north and west"),
    (9, 11, "#b58fd9", "紫底：南宁等地 9—11 月 · violet: September to November here"),
)


def draw_season(rows: Sequence[Mapping[str, float]]) -> str:
    """Draw shares of ranks by month, and the index over them.

    Parameters
    ----------
    rows
        A month each: ``rank1`` to ``rank5`` as shares, ``fwi`` and ``worst``.

    Returns
    -------
    str
        An SVG document.
    """
    most = 10 * np.ceil(max(row["worst"] for row in rows) / 10)
    width = _LEFT + _WIDE + 50
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} 372" '
        'role="img" font-family="Noto Sans CJK SC, sans-serif" font-size="12">'
    )
    said = "各等级日数占比；线：FWI 平均与 90% 分位"
    parts = [
        head,
        "<title>Fire danger at Nanning by month</title>",
        f'<rect width="{width}" height="372" fill="#fff"/>',
        _text(12, 22, "南宁火险季节 · Fire danger at Nanning, 2014-2020", size=15),
        _text(12, 42, f"{said} · days by rank; mean and 90th percentile of FWI"),
    ]
    parts += _seasons()
    for month, row in enumerate(rows):
        parts += _bar(month, row)
    parts += _lines(rows, most)
    return "\n".join([*parts, *_legend(most), "</svg>", ""])


def _text(
    x: float, y: float, words: str, *, size: int = 12, anchor: str = "start"
) -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" text-anchor="{anchor}">'
        f"{escape(words)}</text>"
    )


def _seasons() -> list[str]:
    return [
        f'<rect x="{_LEFT + (first - 1) * _STEP}" y="{_TOP}" '
        f'width="{(last - first + 1) * _STEP}" height="{_TALL}" fill="{colour}" '
        'opacity="0.28"/>'
        for first, last, colour, _ in _KNOWN
    ]


def _bar(month: int, row: Mapping[str, float]) -> list[str]:
    y, parts = float(_TOP + _TALL), []
    x = _LEFT + month * _STEP
    for rank, colour in enumerate(_COLOURS, start=1):
        height = _TALL * row[f"rank{rank}"]
        y -= height
        parts.append(
            f'<rect x="{x + 9}" y="{y:.1f}" width="{_STEP - 18}" '
            f'height="{height:.1f}" fill="{colour}"/>'
        )
    middle = x + _STEP / 2
    return [*parts, _text(middle, _TOP + _TALL + 16, str(month + 1), anchor="middle")]


def _lines(rows: Sequence[Mapping[str, float]], most: float) -> list[str]:
    parts = []
    for key, dash in (("fwi", ""), ("worst", ' stroke-dasharray="5 4"')):
        heights = [_TOP + _TALL * (1 - row[key] / most) for row in rows]
        line = " ".join(
            f"{_LEFT + (n + 0.5) * _STEP:.1f},{y:.1f}" for n, y in enumerate(heights)
        )
        parts.append(
            f'<polyline points="{line}" fill="none" stroke="{_INK}" '
            f'stroke-width="2"{dash}/>'
        )
    return parts


def _legend(most: float) -> list[str]:
    parts = [_text(_LEFT + _WIDE + 6, _TOP - 8, "FWI")]
    for share in (0.0, 0.5, 1.0):
        y = _TOP + _TALL * (1 - share) + 4
        parts.append(_text(_LEFT - 6, y, f"{share:.0%}", anchor="end"))
        parts.append(_text(_LEFT + _WIDE + 6, y, f"{share * most:.0f}"))
    for rank, colour in enumerate(_COLOURS, start=1):
        x = _LEFT + (rank - 1) * 62
        parts.append(f'<rect x="{x}" y="308" width="14" height="12" fill="{colour}"/>')
        parts.append(_text(x + 19, 319, f"{rank} 级"))
    parts += [
        _text(_LEFT, 342 + 20 * number, words)
        for number, (*_, words) in enumerate(_KNOWN)
    ]
    return parts
