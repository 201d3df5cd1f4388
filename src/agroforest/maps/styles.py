"""How each kind of raster is coloured, wherever it is shown: tiles, QGIS, legends."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from agroforest.core.risk import Hazard
from agroforest.core.words import hazard_words
from agroforest.indices import Index, find_index
from agroforest.maps.colors import Palette, index_palette, risk_palette
from agroforest.maps.fire_danger import RANK_COLORS


@dataclass(frozen=True, kw_only=True, slots=True)
class RasterStyle:
    """Colours of one kind of raster.

    Attributes
    ----------
    title
        Chinese and English.
    colors
        ``(levels, 4)`` uint8 RGBA, from the lowest value to the highest.
    ends
        Values at both ends.
    scale
        What a stored number is multiplied by to give a value.
    steps
        True if the values are whole ranks, each with a colour of its own.
    unit
        UCUM; ``"1"`` for a ratio.
    """

    title: tuple[str, str]
    colors: NDArray[np.uint8] = field(repr=False)
    ends: tuple[float, float]
    scale: float = 1.0
    steps: bool = False
    unit: str = "1"

    def codes(
        self, stored: NDArray[np.generic], valid: NDArray[np.bool_]
    ) -> NDArray[np.uint8]:
        """Entry of each stored number in `palette`; 0 where it is not valid."""
        low, high = self.ends
        values = stored.astype(np.float32) * np.float32(self.scale)
        valid = valid & np.isfinite(values)
        if self.steps:
            valid &= values >= low
        share = (np.where(valid, values, low) - low) / (high - low)
        level = np.rint(np.clip(share, 0, 1) * (len(self.colors) - 1))
        return np.where(valid, level + 1, 0).astype(np.uint8)

    @property
    def palette(self) -> NDArray[np.uint8]:
        """``(levels + 1, 4)`` uint8 RGBA; entry 0 is transparent."""
        return np.concatenate([np.zeros((1, 4), np.uint8), self.colors])

    def stops(self, count: int) -> list[tuple[float, tuple[int, int, int]]]:
        """Values, spread evenly over both ends, and their colours."""
        low, high = self.ends
        if self.steps:
            count = len(self.colors)
        at = np.linspace(0, len(self.colors) - 1, count)
        values = np.linspace(low, high, count)
        shown = self.colors[np.rint(at).astype(int)]
        return [
            (round(float(v), 6), (int(r), int(g), int(b)))
            for v, (r, g, b, _) in zip(values, shown, strict=True)
        ]


def style_index(name: str) -> RasterStyle:
    """Style of the map of an index, stored as ten-thousandths.

    Raises
    ------
    ConfigurationError
        There is no index of that name.
    """
    index: Index = find_index(name)
    return RasterStyle(
        title=(f"{index.title_zh} {name.upper()}", f"{index.title_en} {name.upper()}"),
        colors=_scale(index_palette(index.colormap.lower())),
        ends=index.display_range,
        scale=1e-4,
        unit=index.unit,
    )


def style_risk(hazard: Hazard) -> RasterStyle:
    """Style of a map of probability, stored as ten-thousandths."""
    return RasterStyle(
        title=hazard_words(hazard).layer,
        colors=_scale(risk_palette()),
        ends=(0.0, 1.0),
        scale=1e-4,
    )


def style_danger() -> RasterStyle:
    """Style of a map of fire danger: ranks 1 to 5, 0 where nothing can burn."""
    colors = [[*bytes.fromhex(c[1:]), 255] for c in RANK_COLORS]
    return RasterStyle(
        title=("火险等级", "Fire danger rank"),
        colors=np.array(colors, np.uint8),
        ends=(1.0, float(len(RANK_COLORS))),
        steps=True,
    )


def find_style(name: str) -> RasterStyle:
    """Find the style of an index, of a hazard's probability, or of ``danger``.

    Raises
    ------
    ConfigurationError
        There is no such raster.
    """
    if name == "danger":
        return style_danger()
    if name in set(Hazard):
        return style_risk(Hazard(name))
    return style_index(name)


def _scale(palette: Palette) -> NDArray[np.uint8]:
    return palette.colors[1 : palette.levels + 1]
