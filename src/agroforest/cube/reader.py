"""An open scene, from which any number of windows can be read."""

from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import NDArray

from agroforest.catalog.href import is_url
from agroforest.core.errors import DataError
from agroforest.core.grid import Grid
from agroforest.core.scene import Asset, Granule, Scene
from agroforest.cube.align import read_flags, read_plane
from agroforest.cube.counted import current_count
from agroforest.cube.decoded import DecodedCache
from agroforest.cube.mask import (
    CLEAR_CLASSES,
    dilate,
    is_clear,
    is_growing,
    judge_mask,
)
from agroforest.cube.plane import Plane
from agroforest.cube.remote import RemoteSession
from agroforest.cube.source import Source, opened
from agroforest.cube.write import read_grid

_Floats = NDArray[np.float32]
_Bools = NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Reflectance:
    """What a scene shows of a grid.

    Attributes
    ----------
    grid
        The grid.
    planes
        One a band.
    clear
        ``(y, x)`` bool: clear in every granule that supplied a number.
    """

    grid: Grid
    planes: Mapping[str, Plane]
    clear: _Bools

    def fill(self, bands: Sequence[str], first: int, out: _Floats) -> None:
        """Write some rows of some bands.

        Parameters
        ----------
        bands
            Which, in the order of `out`.
        first
            First row.
        out
            ``(band, rows, x)`` float32 reflectance, overwritten; NaN is nodata.
        """
        for band, values in zip(bands, out, strict=True):
            self.planes[band].fill(first, values)

    def values(self, bands: Sequence[str]) -> _Floats:
        """Return bands, ``(band, y, x)`` float32 reflectance, NaN nodata."""
        values = np.empty((len(bands), *self.grid.shape), np.float32)
        self.fill(bands, 0, values)
        return values


@dataclass(frozen=True, kw_only=True, slots=True)
class Access:
    """How the files of a scene are reached.

    Attributes
    ----------
    session
        Connections, and the bytes that may come through them; each file has its
        own unless given.
    cache
        Where JPEG 2000 files are kept decoded; decoded each time unless given.
    """

    session: RemoteSession | None = None
    cache: DecodedCache | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class _Files:
    """One granule's open files; its bands once they are read."""

    granule: Granule
    mask: Source
    bands: dict[str, Source]


class SceneReader:
    """Open the files of a scene once and read windows of it; a context manager.

    For one thread: GDAL's files are not to be shared.

    Parameters
    ----------
    scene
        Its granules in order of precedence. Each band takes, at each pixel, the
        first granule with a valid number.
    bands
        Sentinel-2 band names. A band that only some granules have comes from
        those.
    scl_classes
        Scene classes taken as clear.
    dilate_m
        Cloud and shadow are grown by a disc of this radius, in units of the
        grid's CRS; see `agroforest.cube.mask` for which classes grow.
    access
        How files are reached; what readers of one scene share.

    Raises
    ------
    DataError
        A band that no granule has; a file that is missing, damaged, without CRS
        or at odds with its product.
    SourceError
        A remote file that does not answer.
    """

    def __init__(
        self,
        scene: Scene,
        bands: Sequence[str],
        *,
        scl_classes: Collection[int] = CLEAR_CLASSES,
        dilate_m: float = 40.0,
        access: Access | None = None,
    ) -> None:
        self._scene = scene
        self._access = access or Access()
        self._bands = tuple(dict.fromkeys(bands))
        self._scl_classes = tuple(scl_classes)
        self._dilate_m = dilate_m
        self._files: list[_Files] = []
        self._stack = ExitStack()
        _refuse_missing(scene, self._bands)

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            self._files = [self._open(g, stack) for g in self._scene.granules]
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        # Errors of GDAL become ours where the files were opened.
        self._stack.__exit__(kind, error, trace)

    def grid_of(self, band: str) -> Grid:
        """Grid of a band's file in the first granule that has it.

        Raises
        ------
        DataError
            If its pixels are not square and north-up.
        """
        files = next(f for f in self._files if band in f.granule.bands)
        source = self._bands_of(files)[band]
        return read_grid(source.data, Path(source.asset.href))

    def read(self, grid: Grid) -> Reflectance:
        """Read a window, on any grid; windows give exactly what the whole gives."""
        return self._read(grid, blind=True)

    def read_clear(self, grid: Grid) -> Reflectance | None:
        """Read a window if any of it is clear; its bands are not touched otherwise.

        Nor are, of a scene of one granule, those blocks of its bands in which no
        pixel is clear. Numbers of pixels that are not clear mean nothing.
        """
        found = self._read(grid, blind=False)
        if found.clear.any():
            return found
        self._count_skipped(grid)
        return None

    def _read(self, grid: Grid, *, blind: bool) -> Reflectance:
        radius = self._dilate_m / grid.resolution
        margin = int(radius) + 1 if radius >= 1 else 0
        wide = grid.pad(margin)
        inner = (
            slice(margin, margin + grid.height),
            slice(margin, margin + grid.width),
        )
        several = len(self._files) > 1
        planes: Mapping[str, Plane] = {}
        if several:
            # Which granule supplied a pixel matters in the margin as well: its
            # clouds reach into the grid.
            merged = _merge([self._read_layer(files, wide) for files in self._files])
            planes = {
                name: Plane(numbers=values[inner])
                for name, values in zip(self._bands, merged.bands, strict=True)
            }
            clear, growing = ~merged.blocked, merged.growing
        else:
            flags = self._read_mask(self._files[0], wide)
            clear, growing = is_clear(flags), is_growing(flags)
        clear = clear[inner]
        if margin:
            clear = clear & ~dilate(growing, radius)[inner]
        if not several and (blind or clear.any()):
            planes = {
                name: read_plane(source, grid, None if blind else clear)
                for name, source in self._bands_of(self._files[0]).items()
            }
        return Reflectance(grid=grid, planes=planes, clear=clear)

    def _open(self, granule: Granule, stack: ExitStack) -> _Files:
        mask = stack.enter_context(self._opened(granule.mask, granule, is_mask=True))
        return _Files(granule=granule, mask=mask, bands={})

    def _bands_of(self, files: _Files) -> Mapping[str, Source]:
        """Bands of a granule, opened by the first who asks."""
        granule = files.granule
        for name in self._bands:
            if name in granule.bands and name not in files.bands:
                source = self._stack.enter_context(
                    self._opened(granule.bands[name], granule)
                )
                _refuse_other_grid(source, files.mask)
                files.bands[name] = source
        return files.bands

    def _count_skipped(self, grid: Grid) -> None:
        """Count the bands of a window that nothing was read of."""
        count = current_count()
        if count is None or len(self._files) > 1:
            return
        count.windows_skipped += 1
        files = self._files[0]
        share = min(1.0, _area(grid) / _area_of(files.mask))
        for name in self._bands:
            href = files.granule.bands[name].href
            if not is_url(href):
                with suppress(OSError):  # gone: then it is missed when it is read
                    size = Path(href.removeprefix("file://")).stat().st_size
                    count.bytes_skipped += round(share * size)

    def _opened(
        self, asset: Asset, granule: Granule, *, is_mask: bool = False
    ) -> AbstractContextManager[Source]:
        return opened(
            asset,
            crs=granule.crs,
            is_mask=is_mask,
            session=self._access.session,
            cache=self._access.cache,
        )

    def _read_mask(self, files: _Files, grid: Grid) -> NDArray[np.uint8]:
        """Read flags of a mask; see `MaskFlag`."""
        judge = partial(
            judge_mask,
            kind=files.granule.mask_kind,
            nodata=files.granule.mask.nodata,
            scl_classes=self._scl_classes,
        )
        return read_flags(files.mask, grid, judge)

    def _read_layer(self, files: _Files, grid: Grid) -> "_Layer":
        bands = np.full((len(self._bands), *grid.shape), np.nan, np.float32)
        known = self._bands_of(files)
        for name, values in zip(self._bands, bands, strict=True):
            if name in known:
                read_plane(known[name], grid).fill(0, values)
        flags = self._read_mask(files, grid)
        return _Layer(bands=bands, blocked=~is_clear(flags), growing=is_growing(flags))


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class _Layer:
    """One granule: bands ``(band, y, x)`` and mask flags ``(y, x)`` on one grid."""

    bands: _Floats
    blocked: _Bools
    growing: _Bools


def _merge(layers: list[_Layer]) -> _Layer:
    """Granules of one grid, the first valid number of each band winning."""
    values = layers[0].bands
    blocked = np.zeros_like(layers[0].blocked)
    growing, growing_anywhere, supplied = (np.zeros_like(blocked) for _ in range(3))
    for number, layer in enumerate(layers):
        offered = ~np.isnan(layer.bands)
        if number:
            offered &= np.isnan(values)
            np.copyto(values, layer.bands, where=offered)
        taken = offered.any(axis=0)
        blocked |= taken & layer.blocked
        growing |= taken & layer.growing
        growing_anywhere |= layer.growing
        supplied |= taken
    # Where no granule has a number (saturated, say), any cloud counts.
    growing |= growing_anywhere & ~supplied
    return _Layer(bands=values, blocked=blocked, growing=growing)


def _refuse_missing(scene: Scene, bands: tuple[str, ...]) -> None:
    missing = [b for b in bands if b not in scene.band_names]
    if missing:
        raise DataError(
            scene.id,
            f"has no band {' '.join(missing)}, only "
            f"{' '.join(sorted(scene.band_names)) or 'its mask'}",
            "use other indices or another collection",
        )


def _refuse_other_grid(source: Source, mask: Source) -> None:
    """Bands and mask of a product share corners, and pixels in a whole ratio."""
    sizes = sorted((source.pixel, mask.pixel))
    apart = max(abs(a - b) for a, b in zip(source.bounds, mask.bounds, strict=True))
    ratio = sizes[1] / sizes[0]
    if apart <= sizes[1] and abs(ratio - round(ratio)) < _WHOLE:
        return
    raise DataError(
        source.asset.href,
        f"has {_spell(source)}, {mask.asset.href} of its product {_spell(mask)}",
        "fetch the product again",
    )


def _area(grid: Grid) -> float:
    return grid.width * grid.height * grid.resolution**2


def _area_of(source: Source) -> float:
    left, bottom, right, top = source.bounds
    return (right - left) * (top - bottom)


# Pixels in a ratio that is off by more are those of another grid. Arbitrary.
_WHOLE = 0.01


def _spell(source: Source) -> str:
    height, width = source.shape
    bounds = ", ".join(f"{b:.10g}" for b in source.bounds)
    return f"{width} x {height} pixels of {source.pixel:g} in ({bounds})"
