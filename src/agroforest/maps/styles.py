"""How each kind of raster is coloured, wherever it is shown: tiles, QGIS, legends."""
# mypy: disable-error-code="untyped-decorator"
# (numba has no types)

from dataclasses import dataclass, field

import numpy as np
from numba import njit
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
        codes = np.empty(stored.shape, np.uint8)
        _write_codes(
            np.ascontiguousarray(stored, np.float32).ravel(),
            np.ascontiguousarray(valid).ravel(),
            np.float32(self.scale),
            np.float32(low),
            np.float32(high - low),
            np.float32(len(self.colors) - 1),
            self.steps,
            codes.ravel(),
        )
        return codes

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


# As a row of numpy's operations this would let go of Python at each, and wait as often.
@njit(
    "void(float32[::1], boolean[::1], float32, float32, float32, float32, boolean,"
    "uint8[::1])",
    nogil=True,
    cache=True,
    error_model="numpy",
)
def _write_codes(
    stored: NDArray[np.float32],
    valid: NDArray[np.bool_],
    scale: np.float32,
    low: np.float32,
    span: np.float32,
    most: np.float32,
    steps: bool,
    codes: NDArray[np.uint8],
) -> None:
    for i in range(stored.size):
        value = stored[i] * scale
        codes[i] = 0
        if valid[i] and np.isfinite(value) and not (steps and value < low):
            share = min(max((value - low) / span, np.float32(0)), np.float32(1))
            codes[i] = np.uint8(np.rint(share * most) + np.float32(1))


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
