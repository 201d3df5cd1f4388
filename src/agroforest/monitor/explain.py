"""Why a pixel of a cube was called not healthy."""

import numpy as np
from numpy.typing import NDArray

from agroforest.core.errors import ConfigurationError, DataError
from agroforest.monitor.cube import Cube
from agroforest.monitor.watch import choose_pixels, find_medians, follow
from agroforest.risk import Model
from agroforest.risk.explain_series import explain_series
from agroforest.risk.explanation import Explanation
from agroforest.risk.series import build_block


def explain_cube(
    cube: Cube,
    row: int,
    column: int,
    *,
    train_until: int,
    model: Model,
    forest: NDArray[np.bool_] | None = None,
) -> Explanation:
    """Explain what `watch_cube` says of one pixel.

    Parameters
    ----------
    cube, train_until, model, forest
        As for `watch_cube`.
    row, column
        Of the pixel, from 0 on.

    Raises
    ------
    ConfigurationError
        If the pixel lies outside the cube.
    DataError
        If it has no season, or nothing clear came after it.
    """
    height, width = cube.shape
    if not (0 <= row < height and 0 <= column < width):
        raise ConfigurationError(
            f"pixel {row},{column}",
            f"lies outside {height} x {width}",
            "name row and column, from 0 on",
        )
    medians = find_medians(cube, *choose_pixels(cube, train_until, forest), train_until)
    pixel = np.array([row]), np.array([column])
    block = build_block(*follow(cube, pixel, train_until, medians))
    if not block.judged.any():
        raise DataError(
            cube.path,
            f"pixel {row},{column} has no season, or no clear date after it",
            "choose another pixel, or another --train-until",
        )
    return explain_series(model, block)
