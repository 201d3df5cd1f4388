"""Colour scales that keep their order for every eye."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from agroforest.core.errors import ConfigurationError
from agroforest.maps.colors import (
    ALERT_AGES,
    COLORMAPS,
    LEVELS,
    Palette,
    index_palette,
    risk_palette,
)

# Machado, Oliveira & Fernandes 2009, table 1, severity 1.0.
DEUTERANOPIA = np.array(
    [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ]
)


def lightness(rgb: NDArray[Any]) -> NDArray[np.float64]:
    """CIE L* of sRGB 0..255."""
    share = rgb / 255
    linear = np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)
    y = linear @ np.array([0.2126, 0.7152, 0.0722])
    return np.asarray(np.where(y > 0.008856, 116 * np.cbrt(y) - 16, 903.3 * y))


def scale(palette: Palette) -> NDArray[np.float64]:
    return palette.colors[1 : palette.levels + 1, :3].astype(np.float64)


@pytest.mark.parametrize("name", ["viridis", "cividis", "ylgn", "ylgnbu", "ylorbr"])
def test_sequential_scales_go_one_way(name: str) -> None:
    steps = np.diff(lightness(scale(index_palette(name))))
    assert (steps > -0.5).all() or (steps < 0.5).all()
    assert abs(steps.sum()) > 50


def test_risk_darkens_from_healthy_to_sick_also_for_the_colour_blind() -> None:
    colors = scale(risk_palette())
    for seen in (colors, np.clip(colors @ DEUTERANOPIA.T, 0, 255)):
        tens = lightness(seen)[::20]
        assert (np.diff(tens[2:]) < 0).all()
        assert tens[0] - tens[-1] > 50


@pytest.mark.parametrize("name", ["brbg", "rdbu"])
def test_diverging_scales_are_lightest_in_the_middle(name: str) -> None:
    levels = lightness(scale(index_palette(name)))
    assert abs(int(levels.argmax()) - LEVELS // 2) < 10


def test_alert_ages_darken() -> None:
    colors = np.array([list(bytes.fromhex(c[1:])) for _, c in ALERT_AGES], float)
    assert (np.diff(lightness(colors)) < -4).all()


def test_codes_clip_and_keep_nan_apart() -> None:
    palette = index_palette("viridis")
    values = np.array([[np.nan, -np.inf, -9.0, 0.0, 0.5, 1.0, 9.0, np.inf]])
    codes = palette.codes(values, vmin=0, vmax=1)
    # 0.5 * 249 = 124.5 rounds to even, 124; entry 1 is the first colour.
    assert codes.tolist() == [[0, 1, 1, 1, 125, 250, 250, 250]]


@pytest.mark.parametrize("name", COLORMAPS)
def test_ends_are_the_published_colours(name: str) -> None:
    colors = index_palette(name).colors
    assert bytes(colors[1, :3]).hex() == COLORMAPS[name][0]
    assert bytes(colors[-1, :3]).hex() == COLORMAPS[name][-1]
    assert colors[0].tolist() == [0, 0, 0, 0]
    assert (colors[1:, 3] == 255).all()


def test_unknown_colour_map_is_named() -> None:
    with pytest.raises(ConfigurationError, match="'jet' is not known; use viridis"):
        index_palette("jet")
