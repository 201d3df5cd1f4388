"""An image after a fire, or before it: the model's bands on any part of a grid."""

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from numpy.typing import NDArray
from rasterio.errors import RasterioError

from agroforest.catalog.single import read_scene
from agroforest.core.errors import ConfigurationError, DataError
from agroforest.core.grid import Grid
from agroforest.core.identity import digest, digest_file
from agroforest.core.scene import MaskKind, Scene
from agroforest.cube import Access, SceneReader
from agroforest.risk.datasets.burned_area import BANDS, norm_bands
from agroforest.risk.datasets.rasters import read_bands, read_grid

#: Pixels the model learned with, metres; finer scenes are averaged to it.
RESOLUTION = 20.0
# The scene classification takes fresh char for dark ground (2) or water (6), so both
# count as seen; cloud shadow (3) does not.
_SEEN_CLASSES = (2, 4, 5, 6, 7)
_NARROW = "B8A"
# Metres by which cloud and shadow grow unless somebody says otherwise, as the pixel
# reader has it.
_DILATE_M = 40.0
_DATE = re.compile(r"(?<!\d)(20\d{6})(?!\d)")
# Reflectance above this in blue is cloud, smoke or snow: where the true colour image
# ends. Only asked of images without a mask. Arbitrary.
_BRIGHT_BLUE = 0.2
# Water reflects less than this in B12; arbitrary.
_WATER_SHORT = 0.05
# No surface reflects more than this times 10,000; less than 2 everywhere is
# reflectance itself.
_LEAST_NUMBER = 2.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Image:
    """An image, opened.

    Attributes
    ----------
    name
        Of the product or file.
    day
        UTC day it was taken; None if nobody said.
    grid
        Its pixels; of a scene, those of the coarsest band needed.
    content
        Digest of what its pixels depend on.
    read
        Given a grid: reflectance of the model's bands, ``(5, y, x)`` float32, NaN
        where the ground is not seen.
    notes
        What was assumed, for the user.
    """

    name: str
    day: date | None
    grid: Grid
    content: str
    read: Callable[[Grid], NDArray[np.float32]] = field(repr=False)
    notes: tuple[str, ...] = ()

    def keep(self, window: Grid) -> "Image":
        """Read a window into memory, 20 bytes a pixel: an image of its own.

        Its `read` takes parts of the window, works after the files are closed,
        and gives the same numbers.
        """
        whole = self.read(window)

        def read(part: Grid) -> NDArray[np.float32]:
            rows, columns = _window(self.name, window, part)
            return whole[:, rows, columns].copy()

        place = window.crs, window.left, window.top, window.resolution, window.shape
        content = digest(self.content, place)
        return replace(self, grid=window, content=content, read=read)


@contextmanager
def opened_image(
    path: Path,
    *,
    bands: Sequence[str] = (),
    day: date | None = None,
    access: Access | None = None,
) -> Iterator[Image]:
    """Open an image.

    Parameters
    ----------
    path
        What `agroforest index` takes, or one GeoTIFF with the five bands.
    bands
        Names of the bands of a GeoTIFF, unless it holds them itself.
    day
        When it was taken, if the file does not say.
    access
        How files are reached.

    Raises
    ------
    ConfigurationError
        Band names for a scene, or a GeoTIFF without.
    DataError
        Damaged, another grid or other bands.
    """
    if path.is_file() and path.suffix.lower() in {".tif", ".tiff"}:
        yield _open_raster(path, tuple(bands), day)
        return
    if bands:
        raise ConfigurationError(
            path, "is a scene and names its bands itself", "leave --bands out"
        )
    found = read_scene(path)
    with opened_scene(found.scene, name=found.name, access=access) as image:
        yield replace(image, day=day or image.day, notes=(*found.notes, *image.notes))


@contextmanager
def opened_scene(
    scene: Scene,
    *,
    name: str = "",
    dilate_m: float = _DILATE_M,
    access: Access | None = None,
) -> Iterator[Image]:
    """Open a scene of a catalogue.

    Parameters
    ----------
    scene
        With the model's bands; a narrow near infrared stands in for the wide one.
    name
        What to call it; its id unless given.
    dilate_m
        Metres by which cloud and shadow grow.
    access
        How files are reached.

    Raises
    ------
    DataError
        A band or file is missing or damaged; also when parts are read.
    SourceError
        A remote file does not answer.
    """
    name = name or scene.id
    names, notes = _choose_bands(name, scene.band_names)
    unmasked = any(g.mask_kind == MaskKind.NONE for g in scene.granules)
    with SceneReader(
        scene, names, scl_classes=_SEEN_CLASSES, dilate_m=dilate_m, access=access
    ) as reader:

        def read(grid: Grid) -> NDArray[np.float32]:
            seen = reader.read(grid)
            values = np.where(seen.clear, seen.values(names), np.nan)
            return _hide(values.astype(np.float32), cloudy=unmasked)

        own = reader.grid_of(names[-1])
        yield Image(
            name=name,
            day=scene.date,
            grid=own if own.resolution >= RESOLUTION else own.at_resolution(RESOLUTION),
            content=scene.content(),
            read=read,
            notes=notes,
        )


def find_water(bands: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Find water: greener than infrared, and nothing in the shortwave.

    Char is dark, too, but not in the shortwave infrared: of the burned pixels of 26
    fires none is water by this rule.

    Parameters
    ----------
    bands
        Reflectance, ``(5, y, x)``.
    """
    with np.errstate(invalid="ignore"):
        return np.asarray((bands[1] > bands[3]) & (bands[4] < _WATER_SHORT))


def _choose_bands(
    name: str, there: frozenset[str]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    if "B08" in there or _NARROW not in there:
        return BANDS, ()
    names = tuple(_NARROW if name == "B08" else name for name in BANDS)
    return names, (f"{name}: near infrared of {_NARROW}; the model learned B08",)


def _open_raster(path: Path, bands: tuple[str, ...], day: date | None) -> Image:
    names = bands or _own_names(path)
    grid = read_grid(path, len(names))
    notes = ["no mask: only white cloud is left out"]
    if day is None:
        day = _day_in(path.name)
        if day is not None:
            notes.append(f"{path.name}: date {day} taken from the name")
    nodata = _nodata(path)

    def read(part: Grid) -> NDArray[np.float32]:
        rows, columns = _window(path, grid, part)
        numbers, _ = read_bands(path, len(names), (rows, columns))
        numbers[:, ~np.isfinite(numbers).all(axis=0)] = 0
        if nodata is not None:
            numbers[:, (numbers == np.float32(nodata)).all(axis=0)] = 0
        if numbers.any() and np.abs(numbers).max() < _LEAST_NUMBER:
            raise DataError(
                path,
                f"holds numbers up to {numbers.max():g}",
                "give reflectance times 10,000",
            )
        return _hide(norm_bands(numbers, names, path), cloudy=True)

    return Image(
        name=path.stem,
        day=day,
        grid=grid,
        content=digest(digest_file(path), names),
        read=read,
        notes=tuple(notes),
    )


def _hide(values: NDArray[np.float32], *, cloudy: bool) -> NDArray[np.float32]:
    """Make a pixel that is not seen in all bands NaN in all."""
    unseen = ~np.isfinite(values).all(axis=0)
    if cloudy:
        with np.errstate(invalid="ignore"):
            unseen |= values[0] >= _BRIGHT_BLUE
    values[:, unseen] = np.nan
    return values


def _own_names(path: Path) -> tuple[str, ...]:
    with _opened(path) as data:
        names = tuple(str(name) for name in data.descriptions if name)
        count = data.count
    if len(names) != count:
        raise ConfigurationError(
            path, "does not name its bands", "pass --bands B02,B03,B04,B08,B12"
        )
    return names


def _nodata(path: Path) -> float | None:
    with _opened(path) as data:
        return None if data.nodata is None else float(data.nodata)


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    try:
        with rasterio.open(path, driver="GTiff") as data:
            yield data
    except RasterioError as error:
        raise DataError(
            path, f"cannot be read as GeoTIFF ({error})", "fetch it again"
        ) from error


def _day_in(name: str) -> date | None:
    found = _DATE.search(name)
    if found is None:
        return None
    try:
        return datetime.strptime(found[1] + "+0000", "%Y%m%d%z").date()
    except ValueError:
        return None


def _window(where: object, own: Grid, part: Grid) -> tuple[slice, slice]:
    row = (own.top - part.top) / own.resolution
    column = (part.left - own.left) / own.resolution
    first, left = round(row), round(column)
    if (
        own.crs != part.crs
        or abs(own.resolution / part.resolution - 1) > 1e-6
        or max(abs(row - first), abs(column - left)) > 0.01
        or not 0 <= first <= own.height - part.height
        or not 0 <= left <= own.width - part.width
    ):
        raise DataError(
            where,
            f"lies on another grid ({own.crs}, {own.shape} pixels of "
            f"{own.resolution:g})",
            "warp it to the grid of the image after the fire",
        )
    return slice(first, first + part.height), slice(left, left + part.width)
