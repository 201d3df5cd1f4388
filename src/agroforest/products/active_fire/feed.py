"""Burning pixels as detections in the columns of FIRMS, to become events too."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pyproj import Transformer

from agroforest.catalog.level1 import Imager, Level1Scene, find_level1
from agroforest.catalog.precedence import SAME_PASS
from agroforest.core.errors import AgroforestError
from agroforest.core.grid import WGS84
from agroforest.hotspots.detections import Confidence, Detections, Instrument
from agroforest.hotspots.firms import FileRows
from agroforest.products.active_fire.find import FirePixels, find_fires

#: Side of the squares in which burning pixels are one detection, metres: six pixels of
#: Sentinel-2, four of Landsat. Places of two that touch are then within reach of each
#: other (`Detections.reach_km`), so that a fire does not fall apart. Arbitrary below.
SQUARE_M = 120.0
_ALL_RULES = 3
_INSTRUMENTS = {Imager.MSI: Instrument.MSI, Imager.OLI: Instrument.OLI}

#: Called with rows done, rows in all, and what of.
Progress = Callable[[int, int, str], None]


@dataclass(frozen=True, kw_only=True, slots=True)
class SceneFeed:
    """What some images show.

    Attributes
    ----------
    tables
        Detections, one table a scene; a scene without fire gives an empty one.
    notes
        What the operator should know, one sentence each.
    unreadable
        Paths that could not be used: one line each.
    """

    tables: tuple[FileRows, ...] = ()
    notes: tuple[str, ...] = ()
    unreadable: tuple[str, ...] = ()


def read_fires(paths: Sequence[Path], *, progress: Progress | None = None) -> SceneFeed:
    """Find what burns in images; a bad one does not stop the others.

    Parameters
    ----------
    paths
        See `find_level1`.
    progress
        Called as each scene gets on.
    """
    scenes: list[Level1Scene] = []
    unreadable: list[str] = []
    for path in paths:
        try:
            scenes += find_level1(path)
        except AgroforestError as error:
            unreadable.append(str(error))
    tables, notes = [], []
    for scene in _of_one_pass(scenes):
        try:
            fires = find_fires(scene, progress=_named(progress, scene.id))
        except AgroforestError as error:
            unreadable.append(str(error))
            continue
        table = build_table(scene, fires)
        tables.append(table)
        notes.append(_describe(scene, fires, len(table.detections)))
    return SceneFeed(
        tables=tuple(tables),
        notes=tuple(notes),
        unreadable=tuple(unreadable),
    )


def build_table(scene: Level1Scene, fires: FirePixels) -> FileRows:
    """Gather burning pixels into detections.

    Pixels in one square of `SQUARE_M` of the scene's CRS are one detection at the mean
    of their centres. `Confidence.HIGH` where all three rules agree on a pixel of it,
    else nominal. ``scan`` and ``track`` are how far the pixels extend, km; radiative
    power and brightness are not known.
    """
    grid = fires.grid
    x, y = grid.x_centres()[fires.column], grid.y_centres()[fires.row]
    places = np.floor(np.stack([-y, x]) / SQUARE_M).astype(np.int64)
    _, square = np.unique(places, axis=1, return_inverse=True)
    count = int(square.max()) + 1 if square.size else 0
    pixels = np.bincount(square, minlength=count)
    mean_x, mean_y = (np.bincount(square, v, count) / pixels for v in (x, y))
    to_wgs84 = Transformer.from_crs(grid.crs, WGS84, always_xy=True)
    longitude, latitude = to_wgs84.transform(mean_x, mean_y)
    votes = _greatest(square, fires.votes.astype(np.float64), count)
    sure = votes == _ALL_RULES
    unknown = np.full(count, np.nan, np.float32)
    seen = Detections(
        longitude=np.asarray(longitude, np.float64),
        latitude=np.asarray(latitude, np.float64),
        time=np.full(count, _instant(scene.sensed)),
        instrument=np.full(count, _INSTRUMENTS[scene.imager], np.int8),
        satellite=np.full(count, scene.satellite),
        confidence=np.where(sure, Confidence.HIGH, Confidence.NOMINAL).astype(np.int8),
        percent=unknown,
        frp=unknown,
        brightness=unknown,
        scan=_extent_km(square, x, count, grid.resolution),
        track=_extent_km(square, y, count, grid.resolution),
        day=np.ones(count, dtype=bool),
        kind=np.full(count, -1, np.int8),
    )
    return FileRows(
        file=scene.id, detections=seen, lines=np.arange(1, count + 1), refused=()
    )


def _greatest(
    square: NDArray[np.intp], values: NDArray[np.float64], count: int
) -> NDArray[np.float64]:
    """``(count,)``: greatest value of each square."""
    greatest = np.full(count, -np.inf)
    np.maximum.at(greatest, square, values)
    return greatest


def _extent_km(
    square: NDArray[np.intp], values: NDArray[np.float64], count: int, pixel: float
) -> NDArray[np.float32]:
    spread = _greatest(square, values, count) + _greatest(square, -values, count)
    return ((spread + pixel) / 1000.0).astype(np.float32)


def _instant(moment: datetime) -> np.datetime64:
    return np.datetime64(moment.replace(tzinfo=None), "s")


def _of_one_pass(scenes: Iterable[Level1Scene]) -> list[Level1Scene]:
    """Give scenes of one pass the time of its first.

    Tiles overlap by 10 km and state each their own second. What lies in two of them is
    then one detection, for its satellite, minute and place are the same.
    """
    timed: list[Level1Scene] = []
    start: dict[str, datetime] = {}
    for scene in sorted(scenes, key=lambda s: (s.sensed, s.id)):
        begun = start.get(scene.satellite)
        if begun is None or scene.sensed - begun > SAME_PASS:
            begun = start[scene.satellite] = scene.sensed
        timed.append(replace(scene, sensed=begun))
    return timed


def _named(progress: Progress | None, name: str) -> Callable[[int, int], None] | None:
    if progress is None:
        return None
    return lambda done, total: progress(done, total, name)


def _describe(scene: Level1Scene, fires: FirePixels, detections: int) -> str:
    """Say what came of a scene, and how much of it could be seen."""
    share = fires.judged / (fires.grid.width * fires.grid.height)
    sure = int((fires.votes == _ALL_RULES).sum())
    text = (
        f"{scene.id} ({scene.imager}, {scene.sensed:%Y-%m-%dT%H:%MZ}): "
        f"{len(fires.row)} burning pixels, {sure} of them by all three rules, in "
        f"{detections} detections; {share:.0%} of the image judged"
    )
    if scene.cloud_cover is not None:
        text += f", {scene.cloud_cover:.0f} % of it cloud as its producer says"
    return text
