"""Cubes of Sentinel-2 scenes in NetCDF or Zarr."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from affine import Affine
from numpy.typing import NDArray

from agroforest.cube import CLEAR_CLASSES
from agroforest.indices.season import BANDS
from agroforest.monitor.layout import (
    NOWHERE,
    SUBSTITUTE,
    find_bands,
    find_classes,
    find_days,
    find_place,
    guess_scale,
    in_order,
    open_data,
    substitute,
)

if TYPE_CHECKING:
    import xarray as xr

_FORESTS = ("forest", "forest_mask", "forestmask", "fmask_forest")
# Bytes of a cube that are held at a time.
_STRIP = 512 << 20
# Reflectance from which a pixel counts as cloud where nothing else says so, in the
# first of these bands that the cube has; closed forest stays below half of it, bare
# soil may pass it. Arbitrary.
_BRIGHT = {"B02": 0.12, "B03": 0.15}


@dataclass(frozen=True, kw_only=True, slots=True)
class Cube:
    """A cube of scenes, read piece by piece.

    Attributes
    ----------
    path
        The file or store.
    crs
        Authority code or WKT; `NOWHERE` if it says none.
    transform
        Of column and row to `crs`: north-up.
    shape
        Rows and columns.
    days
        ``(date,)`` int32, epoch days, rising, each once.
    bands
        Variable of every band of `BANDS` that there is.
    notes
        What was assumed, for people.
    """

    path: Path
    crs: str
    transform: Affine
    shape: tuple[int, int]
    days: NDArray[np.int32]
    bands: Mapping[str, str]
    notes: tuple[str, ...] = ()
    _data: "xr.Dataset" = field(repr=False)
    _steps: tuple[NDArray[np.intp], ...] = field(repr=False)
    _scale: float = 1.0
    _offset: float = 0.0
    _classes: str | None = None
    _clear: Collection[int] = CLEAR_CLASSES
    _high: int = 1  # rows of a strip
    _held: dict[str, tuple[int, NDArray[Any]]] = field(default_factory=dict, repr=False)

    def read(
        self, rows: NDArray[np.intp], columns: NDArray[np.intp]
    ) -> Iterator[tuple[int, NDArray[np.float32], NDArray[np.bool_]]]:
        """Read some pixels of all dates.

        Parameters
        ----------
        rows, columns
            ``(n,)`` each, rows rising.

        Yields
        ------
        tuple
            Epoch day, reflectance ``(6, 1, n)`` float32 in the order of `BANDS`
            (NaN where missing), and usable ``(1, n)`` bool. Of several scenes of
            one day the first that is usable counts, pixel by pixel.
        """
        picked = {
            band: self._reflectance(self._pick(variable, rows, columns))
            for band, variable in self.bands.items()
        }
        scene_class = (
            None if self._classes is None else self._pick(self._classes, rows, columns)
        )
        for day, steps in zip(self.days.tolist(), self._steps, strict=True):
            bands = np.full((len(BANDS), 1, rows.size), np.nan, np.float32)
            usable = np.zeros((1, rows.size), bool)
            for step in steps:
                seen = np.stack(
                    [
                        picked[b][step]
                        if b in picked
                        else np.full(rows.size, np.nan, np.float32)
                        for b in BANDS
                    ]
                )[:, None]
                clear = self._clear_pixels(seen, scene_class, step)
                fresh = clear & ~usable
                np.copyto(bands, seen, where=fresh)
                usable |= clear
            yield int(day), bands, usable

    def forest(self) -> NDArray[np.bool_] | None:
        """Forest mask in the cube, ``(y, x)``; ``None`` if it has none."""
        for name, variable in self._data.data_vars.items():
            if str(name).lower() in _FORESTS and variable.ndim == 2:
                return np.asarray(variable.values > 0)
        return None

    def _pick(
        self, variable: str, rows: NDArray[np.intp], columns: NDArray[np.intp]
    ) -> NDArray[np.float32]:
        """Numbers as they are, ``(step, n)`` float32."""
        found = np.empty((self._data.sizes["time"], rows.size), np.float32)
        strip = rows // self._high
        for number in np.unique(strip).tolist():
            mine = strip == number
            block = self._strip(variable, number)
            found[:, mine] = block[:, rows[mine] - number * self._high, columns[mine]]
        return found

    def _strip(self, variable: str, number: int) -> NDArray[Any]:
        """Read a strip of rows, ``(step, row, x)``, unless it was the last one read.

        Files hold a date or more to a block, so whoever reads few rows of all dates
        unpacks most of the file.
        """
        last = self._held.get(variable)
        if last is None or last[0] != number:
            rows = slice(number * self._high, (number + 1) * self._high)
            last = number, self._data[variable].isel(y=rows).values
            self._held[variable] = last
        return last[1]

    def _reflectance(self, found: NDArray[np.float32]) -> NDArray[np.float32]:
        # Sentinel-2 writes 0 where it saw nothing, others a large negative number.
        nothing = found <= 0 if self._offset == 0 else found == 0
        found[nothing] = np.nan
        return np.asarray(found * np.float32(self._scale) + np.float32(self._offset))

    def _clear_pixels(
        self,
        seen: NDArray[np.float32],
        scene_class: NDArray[np.float32] | None,
        step: int,
    ) -> NDArray[np.bool_]:
        known = np.isfinite(seen).any(axis=0)
        if scene_class is not None:
            return np.asarray(known & np.isin(scene_class[step], list(self._clear)))
        for band, bright in _BRIGHT.items():
            if band in self.bands:
                return np.asarray(known & ~(seen[BANDS.index(band)] > bright))
        return np.asarray(known)


def open_cube(
    path: Path,
    *,
    crs: str | None = None,
    scale: float | None = None,
    offset: float = 0.0,
) -> Cube:
    """Open a cube of scenes.

    Parameters
    ----------
    path
        NetCDF file or Zarr store with the dimensions time, y, x. Bands are found
        by name: ``B3``, ``B03``, ``S2-L2A-B03``, ``green``, of variables or along a
        dimension ``band``. ``SCL`` tells what is clear; without it pixels with blue
        above 0.12 count as cloud. Numbers that are masked, 0 or, without an offset,
        negative are nodata.
    crs
        Of the coordinates, where the cube does not say. Without either, longitude and
        latitude are WGS84, and others stay what they are, of no known place.
    scale, offset
        ``reflectance = number * scale + offset``. Guessed from the numbers unless
        given: 0.0001 where they are larger than reflectance can be.

    Raises
    ------
    DataError
        If it cannot be read, has no bands, no dates or no regular grid.
    """
    data = in_order(open_data(path), path)
    bands = find_bands(data, path)
    days, steps = find_days(data)
    notes = [f"{b} stands in for {a}" for a, b in SUBSTITUTE.items() if a not in bands]
    bands = substitute(bands)
    place, transform = find_place(data, path, crs)
    if place == NOWHERE:
        notes.append("says no CRS: its maps lie nowhere; name it with --crs EPSG:CODE")
    missing = [band for band in BANDS if band not in bands]
    if missing:
        notes.append(f"without {', '.join(missing)}")
    classes = find_classes(data)
    if classes is None:
        band = next((b for b in _BRIGHT if b in bands), None)
        notes.append(f"no SCL: pixels bright in {band or 'no band'} count as cloud")
    if scale is None:
        scale = guess_scale(data[name] for name in bands.values())
        notes.append(f"reflectance = number x {scale:g}")
    return Cube(
        path=path,
        crs=place,
        transform=transform,
        shape=(data.sizes["y"], data.sizes["x"]),
        days=days,
        bands=bands,
        notes=tuple(notes),
        _data=data,
        _steps=steps,
        _scale=scale,
        _offset=offset,
        _classes=classes,
        _high=_find_height(data, [*bands.values(), *([classes] if classes else [])]),
    )


def _find_height(data: "xr.Dataset", variables: Iterable[Any]) -> int:
    """Rows of all dates and variables that fit into `_STRIP`, at least one."""
    row = sum(int(data[name].isel(y=0).nbytes) for name in variables)
    return max(1, _STRIP // max(1, row))
