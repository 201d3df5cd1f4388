"""Cubes of Sentinel-2 scenes in NetCDF or Zarr."""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from agroforest.core.errors import DataError
from agroforest.core.grid import WGS84, Grid
from agroforest.cube import CLEAR_CLASSES
from agroforest.indices.season import BANDS

if TYPE_CHECKING:
    import xarray as xr

#: Stands in where a cube lacks a band.
_SUBSTITUTE = {"B8A": "B08"}
_BAND = re.compile(r"(?:^|[^A-Za-z0-9])[Bb]0?(\d{1,2}|8[Aa])$")
_AXES = {
    "time": ("time", "t", "date", "times"),
    "y": ("y", "lat", "latitude", "northing"),
    "x": ("x", "lon", "longitude", "easting"),
}
_FORESTS = ("forest", "forest_mask", "forestmask", "fmask_forest")
# Coordinates of nowhere: of a cube that says no CRS.
_NOWHERE = 'LOCAL_CS["no CRS stated",UNIT["metre",1]]'
# Coordinates may be off by so much of a pixel: single precision rounds a northing to
# half a metre.
_OFF = 0.25
# Reflectance seldom passes 1, numbers x 10000 seldom stay below it.
_LARGEST_REFLECTANCE = 3.0
# Numbers that tell which.
_ENOUGH = 20_000
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
    grid
        North-up, square pixels.
    days
        ``(date,)`` int32, epoch days, rising, each once.
    bands
        Variable of every band of `BANDS` that there is.
    notes
        What was assumed, for people.
    """

    path: Path
    grid: Grid
    days: NDArray[np.int32]
    bands: Mapping[str, str]
    notes: tuple[str, ...] = ()
    _data: "xr.Dataset" = field(repr=False)
    _steps: tuple[NDArray[np.intp], ...] = field(repr=False)
    _scale: float = 1.0
    _offset: float = 0.0
    _clear: Collection[int] = CLEAR_CLASSES

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
        top, bottom = int(rows.min(initial=0)), int(rows.max(initial=-1)) + 1
        inside = rows - top, columns
        picked = {
            band: self._pick(variable, top, bottom, inside)
            for band, variable in self.bands.items()
        }
        scl = self._data.get("SCL")
        scene_class = (
            None if scl is None else self._pick("SCL", top, bottom, inside, plain=True)
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
        self,
        variable: str,
        top: int,
        bottom: int,
        inside: tuple[NDArray[np.intp], NDArray[np.intp]],
        *,
        plain: bool = False,
    ) -> NDArray[np.float32]:
        """``(step, n)`` float32; reflectance, or numbers as they are."""
        block = self._data[variable].isel(y=slice(top, bottom)).values
        found = block[:, inside[0], inside[1]].astype(np.float32)
        if plain:
            return found
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
        by name: ``B3``, ``B03``, ``S2-L2A-B03``, of variables or along a dimension
        ``band``. ``SCL`` tells what is clear; without
        it pixels with blue above 0.12 count as cloud. Numbers that are masked, 0 or,
        without an offset, negative are nodata.
    crs
        Of the coordinates, where the cube does not say. Without either, longitude and
        latitude are WGS84, and others stay what they are, of no known place.
    scale, offset
        ``reflectance = number * scale + offset``. Guessed from the numbers unless
        given: 0.0001 where they are larger than reflectance can be.

    Raises
    ------
    DataError
        If it cannot be read, has no bands, no dates or no square pixels.
    """
    data = _sorted(_open(path), path)
    bands = _find_bands(data, path)
    days, steps = _days(data)
    notes = [f"{b} stands in for {a}" for a, b in _SUBSTITUTE.items() if a not in bands]
    bands = _substituted(bands)
    grid = _find_grid(data, path, crs)
    if grid.crs == _NOWHERE:
        notes.append("says no CRS: its maps lie nowhere; name it with --crs EPSG:CODE")
    missing = [band for band in BANDS if band not in bands]
    if missing:
        notes.append(f"without {', '.join(missing)}")
    if "SCL" not in data:
        band = next((b for b in _BRIGHT if b in bands), None)
        notes.append(f"no SCL: pixels bright in {band or 'no band'} count as cloud")
    if scale is None:
        scale = _guess_scale(data[name] for name in bands.values())
        notes.append(f"reflectance = number x {scale:g}")
    return Cube(
        path=path,
        grid=grid,
        days=days,
        bands=bands,
        notes=tuple(notes),
        _data=data,
        _steps=steps,
        _scale=scale,
        _offset=offset,
    )


def _open(path: Path) -> "xr.Dataset":
    import xarray as xr  # noqa: PLC0415  it takes long to load

    if not path.exists():
        raise DataError(path, "no such file", "name a NetCDF file or a Zarr store")
    engine = "zarr" if path.is_dir() else None
    try:
        data = xr.open_dataset(path, engine=engine, chunks=None, cache=False)
    except Exception as error:
        reason = " ".join(str(error).split())[:120]
        raise DataError(
            path, f"not a cube ({reason})", "give NetCDF or Zarr with time, y, x"
        ) from error
    return data


def _sorted(data: "xr.Dataset", path: Path) -> "xr.Dataset":
    """Give dimensions our names, and order: time, north to south, west to east."""
    ours = {
        str(found): axis
        for axis, names in _AXES.items()
        for found in list(data.dims)
        if str(found).lower() in names
    }
    data = _unstacked(data)
    data = data.rename({found: axis for found, axis in ours.items() if found != axis})
    if not {"lon", "longitude"}.isdisjoint(found.lower() for found in ours):
        data["x"].attrs.setdefault("units", "degrees_east")
    for axis in _AXES:
        if axis not in data.dims or (axis == "time" and axis not in data.coords):
            raise DataError(
                path,
                f"has no dimension {axis} with coordinates, but {tuple(data.dims)}",
                "name its dimensions time, y, x",
            )
    if "x" not in data.coords or "y" not in data.coords:
        # Pixels numbered from the lower left, so that the first row stays the top one.
        data = data.drop_vars(["x", "y"], errors="ignore").assign_coords(
            x=np.arange(data.sizes["x"]) + 0.5,
            y=np.arange(data.sizes["y"])[::-1] + 0.5,
        )
    data = data.assign_coords(time=_read_times(data["time"].values, path))
    return (
        data.sortby("time")
        .sortby("x")
        .sortby("y", ascending=False)
        .transpose("time", "y", "x", ...)
    )


def _unstacked(data: "xr.Dataset") -> "xr.Dataset":
    """Give every band a variable where one variable holds all, along ``band``."""
    for axis in ("band", "bands"):
        if axis not in data.coords or data[axis].dtype.kind not in "OUST":
            continue
        for name, variable in list(data.data_vars.items()):
            if axis in variable.dims:
                bands = variable.to_dataset(axis).drop_vars(axis, errors="ignore")
                data = data.drop_vars([name]).assign(bands.data_vars)
    return data


def _read_times(times: NDArray[Any], path: Path) -> NDArray[np.datetime64]:
    """Read times, if need be as ISO 8601 spells them."""
    if np.issubdtype(times.dtype, np.datetime64):
        return times
    try:
        if not np.issubdtype(times.dtype, np.number):
            return np.array([str(t) for t in times], "datetime64[ns]")
    except ValueError:
        pass
    raise DataError(path, f"has times of type {times.dtype}", "write dates as CF does")


def _find_bands(data: "xr.Dataset", path: Path) -> dict[str, str]:
    bands = {}
    for name, variable in data.data_vars.items():
        match = _BAND.search(str(name))
        if match and set(variable.dims) == set(_AXES):
            number = match[1].upper()
            bands[f"B{number.zfill(2)}"] = str(name)
    if not set(bands) & {*BANDS, *_SUBSTITUTE.values()}:
        raise DataError(
            path,
            f"no variable is a band; there are {sorted(map(str, data.data_vars))[:9]}",
            "name them by Sentinel-2 band, such as B04",
        )
    return bands


def _substituted(bands: Mapping[str, str]) -> dict[str, str]:
    used = {b: bands.get(b, bands.get(_SUBSTITUTE.get(b, ""), "")) for b in BANDS}
    return {band: variable for band, variable in used.items() if variable}


def _days(
    data: "xr.Dataset",
) -> tuple[NDArray[np.int32], tuple[NDArray[np.intp], ...]]:
    day = data["time"].values.astype("datetime64[D]").astype(np.int64)
    days = np.unique(day)
    steps = tuple(np.flatnonzero(day == one) for one in days)
    return days.astype(np.int32), steps


def _guess_scale(variables: Iterable["xr.DataArray"]) -> float:
    """Guess whether numbers are reflectance or ten thousand times as large.

    The first dates of a band on which enough was seen tell: most of a cube is cloud,
    and a band may be there by name only.
    """
    seen: list[NDArray[np.float64]] = []
    for variable in variables:
        for step in range(variable.sizes["time"]):
            numbers = np.asarray(variable.isel(time=step).values, np.float64)
            seen.append(numbers[np.isfinite(numbers) & (numbers > 0)])
            if sum(part.size for part in seen) >= _ENOUGH:
                break
        known = np.concatenate(seen)
        if known.size:
            return 1e-4 if np.median(known) > _LARGEST_REFLECTANCE else 1.0
    return 1.0


def _find_grid(data: "xr.Dataset", path: Path, crs: str | None) -> Grid:
    x, y = (np.asarray(data[axis].values, np.float64) for axis in ("x", "y"))
    if min(x.size, y.size) < 2:
        raise DataError(path, f"is {y.size} x {x.size} pixels", "give more than one")
    step = (x[-1] - x[0]) / (x.size - 1)
    down = (y[0] - y[-1]) / (y.size - 1)
    even = _is_even(x, step) and _is_even(y, -down)
    if not even or abs(step - down) > step * max(1e-3, _OFF / max(x.size, y.size)):
        raise DataError(
            path, f"has pixels of {step:g} x {down:g}", "warp it to square pixels"
        )
    return Grid(
        crs=crs or _find_crs(data) or _NOWHERE,
        left=float(x[0] - step / 2),
        top=float(y[0] + step / 2),
        resolution=float(step),
        width=x.size,
        height=y.size,
    )


def _is_even(at: NDArray[np.float64], step: float) -> bool:
    """Whether pixels lie `step` apart."""
    expected = at[0] + step * np.arange(at.size)
    return bool((np.abs(at - expected) <= _OFF * abs(step)).all())


def _find_crs(data: "xr.Dataset") -> str | None:
    """CRS as CF, rioxarray or openEO write it, or as its longitudes tell."""
    from pyproj import CRS  # noqa: PLC0415
    from pyproj.exceptions import CRSError  # noqa: PLC0415

    holders = [data.attrs, *(data[name].attrs for name in data.variables)]
    for key in ("crs_wkt", "spatial_ref", "crs", "epsg", "proj:epsg"):
        for attributes in holders:
            if key not in attributes:
                continue
            try:
                found = CRS.from_user_input(attributes[key])
            except (CRSError, ValueError, TypeError):
                continue
            code = found.to_epsg()
            return f"EPSG:{code}" if code else str(found.to_wkt())
    told = data["x"].attrs
    degrees = str(told.get("units", "")).startswith("degree")
    return WGS84 if degrees or told.get("standard_name") == "longitude" else None
