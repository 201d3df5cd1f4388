"""Fire danger as layers of a page: pictures of each day."""

from collections.abc import Sequence
from datetime import date
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agroforest.maps.colors import Palette, index_palette, shade
from agroforest.maps.fire import RANKS, DangerLayer, DriverLayer
from agroforest.maps.layers import both, text, tick
from agroforest.maps.raster import choose_pixel, draw_index, draw_strip

Json = dict[str, Any]

#: Colours of ranks 1 to 5: green, blue, yellow, orange, red as in QX/T 77-2007 (taken
#: from a summary of it: verify), in shades of their own lightness.
RANK_COLORS = ("#a5d6a2", "#5b9bd5", "#ffe14d", "#f28c28", "#b30f24")
#: Stands beside every rank, in Chinese and English.
UNTRAINED = (
    "等级由已发表的分级组合而成，未经本地训练或检验，不是起火概率。",
    "Untrained combination of published classes, not tested: no probability of fire.",
)
# Shades of a driver's picture: the eye tells no more, and the file is half as large.
_SHADES = 32
_OPACITY = 0.7
_TILE = "area"


def draw_danger(
    danger: Sequence[DangerLayer], pictures: list[str], *, night: date, shown: bool
) -> list[Json]:
    """Layers of ranks, probabilities and drivers.

    Parameters
    ----------
    danger
        Days, in the order of their buttons.
    pictures
        Data URIs of the page; new ones are added.
    night
        Night of the page.
    shown
        Whether the rank is on when the page opens.

    Returns
    -------
    list of dict
        As the other layers of the page, each frame with its ``day``.

    Raises
    ------
    ValueError
        If a driver has different scales on different days.
    """
    pixel = choose_pixel(layer.grid for layer in danger)
    draw = _Drawing(pictures, pixel=pixel, night=night)
    layers = [_rank_layer(danger, draw, shown=shown)]
    if any(day.probability is not None for day in danger):
        layers.append(_probability_layer(danger, draw))
    layers += _driver_layers(danger, draw)
    return layers


class _Drawing:
    """Pictures of one page: they share the pixel, and equal ones are kept once."""

    def __init__(self, pictures: list[str], *, pixel: float, night: date) -> None:
        self._pictures = pictures
        self._pixel = pixel
        self._night = night.isoformat()

    def frame(
        self,
        values: NDArray[np.floating],
        day: DangerLayer,
        *,
        palette: Palette,
        ends: tuple[float, float],
    ) -> Json:
        low, high = ends
        picture = draw_index(
            values,
            day.grid,
            palette=palette,
            vmin=low,
            vmax=high,
            pixel=self._pixel,
        )
        return {
            "picture": self.number(picture.uri),
            "corners": picture.corners,
            "night": self._night,
            "image": day.day.isoformat(),
            "day": day.day.isoformat(),
        }

    def number(self, uri: str) -> int:
        if uri not in self._pictures:
            self._pictures.append(uri)
        return self._pictures.index(uri)


def _layer(name: str, zh: str, en: str, frames: list[Json], legend: Json) -> Json:
    return {
        "id": f"danger:{text(name)}",
        "kind": "danger",
        "title": both(zh, en),
        "shown": False,
        "opacity": _OPACITY,
        "tiles": {_TILE: frames},
        "legend": legend,
    }


def _rank_layer(danger: Sequence[DangerLayer], draw: _Drawing, *, shown: bool) -> Json:
    palette = _rank_palette()
    frames = [
        draw.frame(
            np.where(day.rank > 0, day.rank, np.nan),
            day,
            palette=palette,
            ends=(1, RANKS),
        )
        for day in danger
    ]
    legend = {
        "ranks": list(RANK_COLORS),
        "unit": "",
        "models": [],
        "limits": both(*UNTRAINED),
    }
    layer = _layer("rank", "火险等级", "Fire danger rank", frames, legend)
    return {**layer, "shown": shown}


def _rank_palette() -> Palette:
    colors = np.zeros((RANKS + 1, 4), np.uint8)
    for rank, color in enumerate(RANK_COLORS, start=1):
        colors[rank] = [*bytes.fromhex(color[1:]), 255]
    return Palette(colors=colors, levels=RANKS)


def _probability_layer(danger: Sequence[DangerLayer], draw: _Drawing) -> Json:
    days = [(day, day.probability) for day in danger]
    known = [p[np.isfinite(p)] for _, p in days if p is not None]
    highest = float(max((p.max() for p in known if p.size), default=0.0)) or 1.0
    palette = index_palette("ylorbr")
    frames = [
        draw.frame(
            shade(p, vmin=0, vmax=highest, shades=_SHADES),
            day,
            palette=palette,
            ends=(0, highest),
        )
        for day, p in days
        if p is not None
    ]
    legend = {
        "strip": draw.number(draw_strip(palette)),
        "ticks": [tick(0, "0", "end"), tick(1, f"{highest * 100:.2g}", "end")],
        "unit": "%",
        "models": sorted({text(day.model) for day in danger if day.model}),
    }
    return _layer(
        "probability", "热点概率（模型）", "Probability of a hotspot (model)", frames,
        legend,
    )  # fmt: skip


def _driver_layers(danger: Sequence[DangerLayer], draw: _Drawing) -> list[Json]:
    by_name: dict[str, list[tuple[DangerLayer, DriverLayer]]] = {}
    for day in danger:
        for driver in day.drivers:
            by_name.setdefault(driver.name, []).append((day, driver))
    return [_driver_layer(name, members, draw) for name, members in by_name.items()]


def _driver_layer(
    name: str, members: Sequence[tuple[DangerLayer, DriverLayer]], draw: _Drawing
) -> Json:
    first = members[0][1]
    scales = {(d.vmin, d.vmax, d.colormap, d.unit) for _, d in members}
    if len(scales) > 1:
        raise ValueError(f"drivers of {name!r} have {len(scales)} different scales")
    palette = index_palette(first.colormap)
    ends = (first.vmin, first.vmax)
    frames = [
        draw.frame(
            shade(d.values, vmin=d.vmin, vmax=d.vmax, shades=_SHADES),
            day,
            palette=palette,
            ends=ends,
        )
        for day, d in members
    ]
    legend = {
        "strip": draw.number(draw_strip(palette)),
        "ticks": [
            tick(0, f"≤ {_short(first.vmin)}", "end"),
            tick(0.5, _short((first.vmin + first.vmax) / 2), "middle"),
            tick(1, f"≥ {_short(first.vmax)}", "end"),
        ],
        "unit": text(first.unit),
        "models": [],
        "source": text(first.source),
    }
    return _layer(name, first.zh, first.en, frames, legend)


def _short(value: float) -> str:
    return f"{value:.3g}".replace("-", "\N{MINUS SIGN}")
