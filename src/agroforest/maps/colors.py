"""Colour scales: even in lightness, safe for colour-blind readers.

A `Palette` is the table of a palette PNG. Legends are drawn from the same table
(as a one-row image), so legend and map cannot disagree.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from agroforest.core.errors import ConfigurationError

LEVELS = 250  #: colours of an index scale; entry 0 of the palette is transparent
RISK_LEVELS = 200

# Codes of a risk picture after its probability levels.
STALE_STRIPE = RISK_LEVELS + 1
STALE_GROUND = RISK_LEVELS + 2
OUTLINE = RISK_LEVELS + 3

# viridis and cividis: sampled from matplotlib's tables (CC0; cividis after Nunez,
# Anderton & Renslow 2018, doi 10.1371/journal.pone.0199239). brbg, rdbu, ylgn:
# ColorBrewer 2 (C. Brewer, Apache 2.0), all marked colour-blind safe there.
COLORMAPS: dict[str, tuple[str, ...]] = {
    "viridis": (
        "440154", "482878", "3e4989", "31688e", "26828e",
        "1f9e89", "35b779", "6ece58", "b5de2b", "fde725",
    ),
    "cividis": (
        "00224e", "123570", "3b496c", "575d6d", "707173",
        "8a8678", "a59c74", "c3b369", "e1cc55", "fee838",
    ),
    "ylgn": (
        "ffffe5", "f7fcb9", "d9f0a3", "addd8e", "78c679",
        "41ab5d", "238443", "006837", "004529",
    ),
    "ylgnbu": (
        "ffffd9", "edf8b1", "c7e9b4", "7fcdbb", "41b6c4",
        "1d91c0", "225ea8", "253494", "081d58",
    ),
    "ylorbr": (
        "ffffe5", "fff7bc", "fee391", "fec44f", "fe9929",
        "ec7014", "cc4c02", "993404", "662506",
    ),
    "brbg": (
        "543005", "8c510a", "bf812d", "dfc27d", "f6e8c3", "f5f5f5",
        "c7eae5", "80cdc1", "35978f", "01665e", "003c30",
    ),
    "rdbu": (
        "67001f", "b2182b", "d6604d", "f4a582", "fddbc7", "f7f7f7",
        "d1e5f0", "92c5de", "4393c3", "2166ac", "053061",
    ),
}  # fmt: skip
# Calm, pale blue-green for healthy, then falling lightness to dark red: the order
# survives in grey. Own choice.
RISK_SCALE = ("d5ebe6", "e6f0d8", "fedf8a", "f9a34a", "e05a2b", "a51d28", "5e0b22")

#: Newest first: age of an alert in days (at most), colour. Against the warm risk
#: scale they are cold, and they darken with age.
ALERT_AGES: tuple[tuple[int | None, str], ...] = (
    (0, "#e0007f"),
    (10, "#9b2fc9"),
    (30, "#4a3fc0"),
    (None, "#16285c"),
)

_STRIPE_RGBA = (92, 98, 104, 255)
_GROUND_RGBA = (214, 217, 220, 255)
_OUTLINE_RGBA = (60, 0, 20, 255)


@dataclass(frozen=True, kw_only=True, slots=True)
class Palette:
    """Colours of a palette picture.

    Attributes
    ----------
    colors
        ``(entry, 4)`` uint8 RGBA; entry 0 is fully transparent.
    levels
        Entries 1 … `levels` form the scale, low to high.
    """

    colors: NDArray[np.uint8]
    levels: int

    def codes(
        self, values: NDArray[np.floating], *, vmin: float, vmax: float
    ) -> NDArray[np.uint8]:
        """Entry of each value, ``(y, x)`` uint8; 0 for NaN, ends clipped."""
        share = (values.astype(np.float64) - vmin) / (vmax - vmin)
        level = np.rint(
            np.clip(np.nan_to_num(share, nan=0.0), 0, 1) * (self.levels - 1)
        )
        return np.where(np.isnan(values), 0, level + 1).astype(np.uint8)


def index_palette(colormap: str) -> Palette:
    """Palette of an index.

    Raises
    ------
    ConfigurationError
        Naming the colour maps there are.
    """
    if colormap not in COLORMAPS:
        raise ConfigurationError(
            "colour map", f"'{colormap}' is not known", f"use {', '.join(COLORMAPS)}"
        )
    return Palette(colors=_table(COLORMAPS[colormap], LEVELS), levels=LEVELS)


def risk_palette() -> Palette:
    """Palette of a risk picture: scale, two greys of the hatch, outline."""
    scale = _table(RISK_SCALE, RISK_LEVELS)
    extra = np.array([_STRIPE_RGBA, _GROUND_RGBA, _OUTLINE_RGBA], np.uint8)
    return Palette(colors=np.concatenate([scale, extra]), levels=RISK_LEVELS)


def shade(
    values: NDArray[np.floating], *, vmin: float, vmax: float, shades: int
) -> NDArray[np.float64]:
    """Round values to a number of shades of a scale: a picture of few is small.

    Returns
    -------
    ndarray
        As `values`; those beyond the ends are at the ends, NaN stays.
    """
    step = (vmax - vmin) / (shades - 1)
    near = np.rint((values.astype(np.float64) - vmin) / step) * step + vmin
    return np.clip(near, vmin, vmax)


def _table(anchors: Sequence[str], levels: int) -> NDArray[np.uint8]:
    rgb = np.array([list(bytes.fromhex(anchor)) for anchor in anchors], np.float64)
    at = np.linspace(0, len(anchors) - 1, levels)
    columns = [np.interp(at, np.arange(len(anchors)), rgb[:, c]) for c in range(3)]
    table = np.zeros((levels + 1, 4), np.uint8)
    table[1:, :3] = np.rint(np.stack(columns, axis=1)).astype(np.uint8)
    table[1:, 3] = 255
    return table
