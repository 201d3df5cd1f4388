"""A table of numbers as a picture: SVG, no library, readable in every browser."""

from collections.abc import Sequence
from html import escape

import numpy as np
from numpy.typing import NDArray

_CELL_W, _CELL_H, _LEFT, _TOP = 46, 22, 150, 64
_RAISED, _LOWERED, _NOTHING = (178, 24, 43), (33, 102, 172), (235, 235, 235)


def draw_heatmap(
    numbers: NDArray[np.floating],
    rows: Sequence[str],
    columns: Sequence[str],
    *,
    title: str,
    subtitle: str = "",
) -> str:
    """Draw positive numbers red, negative blue, NaN grey, and write them in.

    Parameters
    ----------
    numbers
        ``(row, column)``.
    rows, columns
        Their names.
    title, subtitle
        Above the table.

    Returns
    -------
    str
        An SVG document. Names may hold anything: they are escaped.
    """
    height, width = numbers.shape
    largest = float(np.nanmax(np.abs(numbers), initial=0.0)) or 1.0
    digits = max(0, 2 - int(np.floor(np.log10(largest))))
    wide = max(_LEFT + _CELL_W * width + 16, 420)
    tall = _TOP + _CELL_H * (height + 1) + 12
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {wide} {tall}" '
        f'width="{wide}" height="{tall}" role="img" '
        'font-family="Noto Sans CJK SC, Noto Sans SC, sans-serif" font-size="12">'
    )
    parts = [
        head,
        f"<title>{escape(title)}</title>",
        f'<rect width="{wide}" height="{tall}" fill="#fff"/>',
        f'<text x="12" y="22" font-size="15" font-weight="600">{escape(title)}</text>',
        f'<text x="12" y="42" fill="#555">{escape(subtitle)}</text>',
    ]
    for column, name in enumerate(columns):
        x = _LEFT + _CELL_W * column + _CELL_W // 2
        parts.append(
            f'<text x="{x}" y="{_TOP + 14}" text-anchor="middle" fill="#555" '
            f'font-size="10">{escape(name)}</text>'
        )
    for row, name in enumerate(rows):
        y = _TOP + _CELL_H * (row + 1)
        parts.append(
            f'<text x="{_LEFT - 8}" y="{y + 15}" text-anchor="end">'
            f"{escape(name)}</text>"
        )
        parts += [
            _cell(float(numbers[row, c]), _LEFT + _CELL_W * c, y, largest, digits)
            for c in range(width)
        ]
    return "\n".join([*parts, "</svg>", ""])


def _cell(number: float, x: int, y: int, largest: float, digits: int) -> str:
    share = 0.0 if np.isnan(number) else abs(number) / largest
    full = _NOTHING if np.isnan(number) else _RAISED if number > 0 else _LOWERED
    colour = tuple(round(255 + share * (part - 255)) for part in full)
    if np.isnan(number):
        colour = _NOTHING
    ink = "#fff" if share > 0.6 else "#222"
    written = "" if np.isnan(number) else f"{number:+.{digits}f}"
    return (
        f'<rect x="{x}" y="{y}" width="{_CELL_W - 1}" height="{_CELL_H - 1}" '
        f'fill="rgb{colour}"/>'
        f'<text x="{x + _CELL_W // 2}" y="{y + 15}" text-anchor="middle" '
        f'font-size="11" fill="{ink}">{written}</text>'
    )
