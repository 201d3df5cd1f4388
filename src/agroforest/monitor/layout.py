"""How others lay out a cube: dimensions, bands, dates, scale and place."""

import re
import warnings
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from affine import Affine
from numpy.typing import NDArray

from agroforest.core.errors import DataError
from agroforest.core.grid import WGS84
from agroforest.indices.season import BANDS

if TYPE_CHECKING:
    import xarray as xr

#: Stands in where a cube lacks a band.
SUBSTITUTE = {"B8A": "B08"}
#: Coordinates of nowhere: of a cube that says no CRS.
NOWHERE = 'LOCAL_CS["no CRS stated",UNIT["metre",1]]'
_BAND = re.compile(r"(?:^|[^A-Za-z0-9])[Bb]0?(\d{1,2}|8[Aa])(?:_\d+m)?$")
_SCL = re.compile(r"(?:^|[^A-Za-z0-9])scl$", re.IGNORECASE)
# Common names of STAC's eo extension, and others that are as common.
_COMMON = {
    "blue": "B02",
    "green": "B03",
    "red": "B04",
    "nir": "B08",
    "nir08": "B8A",
    "swir16": "B11",
    "swir22": "B12",
    "swir1": "B11",
    "swir2": "B12",
}
_AXES = {
    "time": ("time", "t", "date", "times"),
    "y": ("y", "lat", "latitude", "northing"),
    "x": ("x", "lon", "longitude", "easting"),
}
# Coordinates may be off by so much of a pixel: single precision rounds a northing to
# half a metre.
_OFF = 0.25
# Reflectance seldom passes 1, numbers x 10000 seldom stay below it.
_LARGEST_REFLECTANCE = 3.0
# Numbers that tell which.
_ENOUGH = 20_000


def open_data(path: Path) -> "xr.Dataset":
    """Open a NetCDF file or a Zarr store; nothing is read but what it says of itself.

    Raises
    ------
    DataError
        If there is none.
    """
    import xarray as xr  # noqa: PLC0415  it takes long to load

    if not path.exists():
        raise DataError(path, "no such file", "name a NetCDF file or a Zarr store")
    engine = "zarr" if path.is_dir() else None
    try:
        with warnings.catch_warnings():
            # A store without consolidated metadata is as good, if slower to open.
            warnings.filterwarnings("ignore", message=".*consolidated metadata")
            data = xr.open_dataset(path, engine=engine, chunks=None, cache=False)
    except Exception as error:
        reason = " ".join(str(error).split())[:120]
        raise DataError(
            path, f"not a cube ({reason})", "give NetCDF or Zarr with time, y, x"
        ) from error
    return data


def in_order(data: "xr.Dataset", path: Path) -> "xr.Dataset":
    """Give dimensions our names, and order: time, north to south, west to east.

    Bands that lie along a dimension become variables; pixels without coordinates
    are numbered, from the lower left.

    Raises
    ------
    DataError
        If time, y or x is missing, or times cannot be read.
    """
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


def find_bands(data: "xr.Dataset", path: Path) -> dict[str, str]:
    """Find which variable is which band, such as ``{"B04": "S2-L2A-B4"}``.

    Names are Sentinel-2's or, where those are missing, STAC's common ones.

    Raises
    ------
    DataError
        If there is none of `BANDS`, nor one that stands in.
    """
    layers = {str(n): v for n, v in data.data_vars.items() if {*v.dims} == {*_AXES}}
    common = {_COMMON[n.lower()]: n for n in layers if n.lower() in _COMMON}
    found = {n: match[1].upper() for n in layers if (match := _BAND.search(n))}
    bands = common | {f"B{number.zfill(2)}": n for n, number in found.items()}
    if not set(bands) & {*BANDS, *SUBSTITUTE.values()}:
        raise DataError(
            path,
            f"no variable is a band; there are {sorted(map(str, data.data_vars))[:9]}",
            "name them by Sentinel-2 band, such as B04",
        )
    return bands


def find_classes(data: "xr.Dataset") -> str | None:
    """Find the variable of scene classes, ``SCL``; ``None`` if there is none."""
    names = (str(n) for n, v in data.data_vars.items() if {*v.dims} == {*_AXES})
    return next((name for name in names if _SCL.search(name)), None)


def substitute(bands: Mapping[str, str]) -> dict[str, str]:
    """Choose a variable for every band of `BANDS` that is there or has a stand-in."""
    used = {b: bands.get(b, bands.get(SUBSTITUTE.get(b, ""), "")) for b in BANDS}
    return {band: variable for band, variable in used.items() if variable}


def find_days(
    data: "xr.Dataset",
) -> tuple[NDArray[np.int32], tuple[NDArray[np.intp], ...]]:
    """Find the epoch days of a cube, ``(date,)`` rising, and the steps of each."""
    day = data["time"].values.astype("datetime64[D]").astype(np.int64)
    days = np.unique(day)
    steps = tuple(np.flatnonzero(day == one) for one in days)
    return days.astype(np.int32), steps


def guess_scale(variables: Iterable["xr.DataArray"]) -> float:
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


def find_place(data: "xr.Dataset", path: Path, crs: str | None) -> tuple[str, Affine]:
    """Find where the pixels of an ordered cube lie.

    Parameters
    ----------
    data
        As `in_order` gives it.
    path
        Names the cube in an error.
    crs
        Of the coordinates; the cube's own unless given, `NOWHERE` if it has none.

    Returns
    -------
    tuple
        CRS, and where columns and rows lie in it.

    Raises
    ------
    DataError
        If the pixels are not evenly spaced.
    """
    x, y = (np.asarray(data[axis].values, np.float64) for axis in ("x", "y"))
    if min(x.size, y.size) < 2:
        raise DataError(path, f"is {y.size} x {x.size} pixels", "give more than one")
    step = (x[-1] - x[0]) / (x.size - 1)
    down = (y[0] - y[-1]) / (y.size - 1)
    if not (_is_even(x, step) and _is_even(y, -down)):
        raise DataError(
            path, "has pixels that are not evenly spaced", "warp it to a regular grid"
        )
    if abs(step - down) <= step * max(1e-3, _OFF / max(x.size, y.size)):
        down = step  # square, but for rounding
    place = Affine(step, 0.0, x[0] - step / 2, 0.0, -down, y[0] + down / 2)
    return crs or _find_crs(data) or NOWHERE, place


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
