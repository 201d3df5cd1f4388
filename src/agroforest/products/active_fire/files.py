"""The open files of a level-1 scene, read as rows of one grid."""

from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import NDArray

from agroforest.catalog.level1 import BANDS, BandFile, Flaw, Level1Scene, QualityFile
from agroforest.core.errors import DataError
from agroforest.core.grid import Grid
from agroforest.cube.align import read_flags, read_reflectance
from agroforest.cube.source import Source, opened
from agroforest.cube.windows import read_layers
from agroforest.cube.write import read_grid

_INFRARED = ("B11", "B12")


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Rows:
    """Some rows of a scene.

    Attributes
    ----------
    first
        Number of the first row.
    bands
        ``(band, y, x)`` float32 in the order of `BANDS`: reflectance at the top of the
        atmosphere, corrected for the sun's elevation; NaN where nothing was measured
        or data were lost.
    saturated
        ``(y, x)`` bool: the detector of ``B11`` or ``B12`` was full.
    """

    first: int
    bands: NDArray[np.float32]
    saturated: NDArray[np.bool_]

    @property
    def end(self) -> int:
        """Row after the last."""
        return self.first + len(self.saturated)

    def take(self, first: int, end: int) -> "Rows":
        """Rows `first` to `end` of the scene, as a view."""
        rows = slice(first - self.first, end - self.first)
        return Rows(
            first=first, bands=self.bands[:, rows], saturated=self.saturated[rows]
        )

    def join(self, below: "Rows") -> "Rows":
        """Join these rows and those that follow them."""
        return Rows(
            first=self.first,
            bands=np.concatenate([self.bands, below.bands], axis=1),
            saturated=np.concatenate([self.saturated, below.saturated]),
        )


class SceneFiles:
    """Files of a scene, on the pixels of ``B12``; a context manager for one thread.

    Finer bands are averaged over the pixel, coarser ones repeated.

    Parameters
    ----------
    scene
        Its record.

    Raises
    ------
    DataError
        A file is damaged, or covers other ground than ``B12``.
    """

    def __init__(self, scene: Level1Scene) -> None:
        self._scene = scene
        self._stack = ExitStack()
        self._bands: dict[str, Source] = {}
        self.grid: Grid

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            for name in BANDS:
                band = self._scene.bands[name]
                source = opened(band.asset, crs=self._scene.crs, layer=band.layer)
                self._bands[name] = stack.enter_context(source)
            self.grid = self._settle_grid()
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.__exit__(kind, error, trace)

    def read(self, first: int, end: int) -> Rows:
        """Read rows `first` to `end` of `grid`, over its whole width."""
        part = self.grid.patch(
            top=self.grid.top - first * self.grid.resolution, height=end - first
        )
        bands = np.empty((len(BANDS), *part.shape), np.float32)
        saturated = np.zeros(part.shape, dtype=bool)
        for values, name in zip(bands, BANDS, strict=True):
            values[:] = read_reflectance(self._bands[name], part)
            if name in _INFRARED:
                saturated |= _is_full(values, self._scene.bands[name])
        for mask in self._scene.quality:
            flaws = _read_flaws(mask, part)
            saturated |= (flaws & Flaw.FULL) > 0
            bands[:, (flaws & Flaw.LOST) > 0] = np.nan
        return Rows(first=first, bands=bands, saturated=saturated)

    def _settle_grid(self) -> Grid:
        """Grid of ``B12``; all other bands have to cover the same ground."""
        widest = max(source.pixel for source in self._bands.values())
        finest = self._bands["B12"]
        for source in self._bands.values():
            pairs = zip(source.bounds, finest.bounds, strict=True)
            if max(abs(a - b) for a, b in pairs) > widest:
                raise DataError(
                    source.asset.href,
                    f"covers other ground than {Path(finest.asset.href).name}",
                    "deliver the product whole",
                )
        layers = finest.data.count
        return read_grid(finest.data, Path(finest.asset.href), bands=layers)


def _is_full(values: NDArray[np.float32], band: BandFile) -> NDArray[np.bool_]:
    """Tell where the number stood that means the detector was full."""
    if band.saturated is None:
        return np.zeros(values.shape, dtype=bool)
    # Half a number below, so that no rounding matters; numbers above do not occur.
    limit = (band.saturated - 0.5) * band.asset.scale + band.asset.offset
    full: NDArray[np.bool_] = values > np.float32(limit)
    return full


def _read_flaws(mask: QualityFile, grid: Grid) -> NDArray[np.uint8]:
    """Read flags of `Flaw` on a grid, ``(y, x)``.

    The file is opened for as long as it is read: an open JPEG 2000 file of eight bands
    keeps some 180 MB.
    """
    numbers = [layer.layer for layer in mask.layers]
    opening = opened(mask.asset, crs=grid.crs, layer=max(numbers), is_mask=True)
    with opening as source:

        def read(rows: slice, columns: slice) -> NDArray[np.uint8]:
            layers = read_layers(source.data, rows, columns, layers=numbers)
            flags = np.zeros(layers.shape[1:], np.uint8)
            for values, layer in zip(layers, mask.layers, strict=True):
                flags[(values & layer.bits) > 0] |= np.uint8(layer.flaw)
            return flags

        return read_flags(replace(source, read=read), grid, np.asarray)
