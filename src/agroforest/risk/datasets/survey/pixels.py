"""Which pixels of which scene a label stands for."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyproj
import shapely
from numpy.typing import NDArray

from agroforest.core.errors import DataError
from agroforest.core.grid import WGS84, Grid
from agroforest.products.zonal.outlines import place
from agroforest.risk.datasets.canopy_damage import BANDS
from agroforest.risk.datasets.rasters import read_grid, require_grid
from agroforest.risk.datasets.survey.labels import Label, Reason, Status
from agroforest.risk.datasets.survey.timing import Timing

#: Pixels of one label that are learned from at most, so that one large stand does
#: not outweigh all others. Arbitrary.
MOST_A_LABEL = 400
# Pixels that are looked at for one label; of larger ones every so many. Arbitrary.
_LOOKED_AT = 1_000_000
_METRES_A_DEGREE = 111_320.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Pair:
    """A scene in two years.

    Attributes
    ----------
    year
        The later one.
    before, after
        Files.
    grid
        Of both.
    """

    year: int
    before: Path
    after: Path
    grid: Grid


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Pixels:
    """Labelled pixels, one a row.

    Attributes
    ----------
    label, pair
        ``(n,)`` int64, which label and which scene.
    row, column
        ``(n,)`` int64, in the scene.
    damaged
        ``(n,)`` bool.
    lonlat
        ``(n, 2)`` float64, degrees.
    """

    label: NDArray[np.int64]
    pair: NDArray[np.int64]
    row: NDArray[np.int64]
    column: NDArray[np.int64]
    damaged: NDArray[np.bool_]
    lonlat: NDArray[np.float64]

    def __len__(self) -> int:
        return self.label.size

    def take(self, rows: NDArray[np.bool_] | NDArray[np.intp]) -> "Pixels":
        """Take some of the rows."""
        return Pixels(
            label=self.label[rows],
            pair=self.pair[rows],
            row=self.row[rows],
            column=self.column[rows],
            damaged=self.damaged[rows],
            lonlat=self.lonlat[rows],
        )


def find_pairs(folder: Path) -> tuple[tuple[int, ...], tuple[Pair, ...]]:
    """Find the scenes of a folder that exist in two years that follow each other.

    Returns
    -------
    tuple
        Years that have composites, rising; the pairs.

    Raises
    ------
    DataError
        Fewer than two years, no scene in two, or a damaged file.
    """
    folders = sorted(d for d in folder.glob("[0-9][0-9][0-9][0-9]") if d.is_dir())
    pairs = []
    for earlier, later in pairwise(folders):
        for after in sorted(later.glob("*.tif")):
            before = earlier / after.name
            if before.is_file():
                grid = read_grid(after, len(BANDS))
                require_grid(before, read_grid(before, len(BANDS)), grid)
                year = int(later.name)
                pairs.append(Pair(year=year, before=before, after=after, grid=grid))
    if not pairs:
        raise DataError(
            folder,
            "holds no <year>/<scene>.tif of two years",
            "name a folder of yearly composites, as agroforest composite writes",
        )
    return tuple(int(d.name) for d in folders), tuple(pairs)


def find_pixels(
    labels: Sequence[Label],
    years: Sequence[int],
    pairs: Sequence[Pair],
    timing: Timing,
    *,
    seed: int = 0,
) -> tuple[Pixels, Counter[Reason]]:
    """Find the pixels that labels stand for.

    A label belongs to the scene of its year in which it lies furthest from the edge.
    A pixel whose centre lies in its ground is the label's, and so is the one that
    holds a point. Of a label with many, `MOST_A_LABEL` are drawn. A pixel that is
    called both damaged and clean in one year is nobody's.

    Returns
    -------
    tuple
        The pixels, and how many labels have none, by reason.
    """
    set_aside: Counter[Reason] = Counter()
    home = _find_homes(labels, years, pairs, timing, set_aside)
    rng = np.random.default_rng(seed)
    found = []
    for number, pair in enumerate(pairs):
        own = [n for n, at in home.items() if at == number]
        crs = pyproj.CRS.from_user_input(pair.grid.crs)
        ground = place(
            np.array([labels[n].geometry for n in own], dtype=object),
            pyproj.CRS(WGS84),
            crs,
        )
        for n, polygon in zip(own, ground, strict=True):
            at = _inside(labels[n], polygon, pair.grid, crs)
            if not len(at):
                set_aside[Reason.SMALL] += 1
                continue
            if len(at) > MOST_A_LABEL:
                at = at[np.sort(rng.choice(len(at), MOST_A_LABEL, replace=False))]
            damaged = labels[n].status == Status.DAMAGED
            found.append(_pixels(n, number, at, damaged=damaged, grid=pair.grid))
    return _settle(_join(found), set_aside)


def name_blocks(lonlat: NDArray[np.float64], metres: float) -> NDArray[np.str_]:
    """Name the block of ground that points lie in.

    Blocks are cells of the sinusoidal projection of a sphere: the same everywhere
    and always, and about square.

    Parameters
    ----------
    lonlat
        ``(n, 2)`` degrees.
    metres
        Side of a block.
    """
    row = np.floor(lonlat[:, 1] * _METRES_A_DEGREE / metres)
    middle = np.radians((row + 0.5) * metres / _METRES_A_DEGREE)
    column = np.floor(lonlat[:, 0] * _METRES_A_DEGREE * np.cos(middle) / metres)
    return np.array(
        [f"{metres:g}m/{r:.0f}/{c:.0f}" for r, c in zip(row, column, strict=True)],
        np.str_,
    )


def _find_homes(
    labels: Sequence[Label],
    years: Sequence[int],
    pairs: Sequence[Pair],
    timing: Timing,
    set_aside: Counter[Reason],
) -> Mapping[int, int]:
    """Scene of every label that has one."""
    centres = np.array([label.centre for label in labels]).reshape(-1, 2)
    margin = np.full((len(pairs), len(labels)), -np.inf)
    moved: dict[str, NDArray[np.float64]] = {}
    for number, pair in enumerate(pairs):
        grid = pair.grid
        if grid.crs not in moved:
            moved[grid.crs] = _move(centres, WGS84, grid.crs)
        x, y = moved[grid.crs].T
        left, bottom, right, top = grid.bounds
        margin[number] = np.minimum.reduce([x - left, right - x, y - bottom, top - y])
    later = np.array([pair.year for pair in pairs])
    home = {}
    for n, label in enumerate(labels):
        year = timing.find_year(label, years)
        if isinstance(year, Reason):
            set_aside[year] += 1
            continue
        own = np.where(later == year, margin[:, n], -np.inf)
        if own.max() > 0:
            home[n] = int(own.argmax())
        else:
            set_aside[Reason.OUTSIDE] += 1
    return home


def _inside(
    label: Label, polygon: shapely.Geometry | None, grid: Grid, crs: pyproj.CRS
) -> NDArray[np.int64]:
    """Rows and columns of a label's pixels, ``(n, 2)``."""
    rows: NDArray[np.int64] = np.zeros((0, 2), np.int64)
    if polygon is not None:
        rows = _covered(polygon, grid)
    if label.is_point:
        x, y = _move(np.array([label.centre]), WGS84, crs)[0]
        own = np.floor([(grid.top - y) / grid.resolution,
                        (x - grid.left) / grid.resolution])  # fmt: skip
        rows = np.unique(np.concatenate([rows, own[None].astype(np.int64)]), axis=0)
    return rows


def _covered(polygon: shapely.Geometry, grid: Grid) -> NDArray[np.int64]:
    left, bottom, right, top = shapely.bounds(polygon)
    first = np.floor([(grid.top - top), (left - grid.left)]) / grid.resolution
    last = np.ceil([(grid.top - bottom), (right - grid.left)]) / grid.resolution
    begin = np.clip(np.floor(first), 0, grid.shape).astype(int)
    end = np.clip(np.ceil(last), 0, grid.shape).astype(int)
    step = max(
        1, math.ceil(math.sqrt(np.prod(np.maximum(end - begin, 0)) / _LOOKED_AT))
    )
    row, column = np.meshgrid(
        np.arange(begin[0], end[0], step),
        np.arange(begin[1], end[1], step),
        indexing="ij",
    )
    x = grid.left + (column + 0.5) * grid.resolution
    y = grid.top - (row + 0.5) * grid.resolution
    shapely.prepare(polygon)
    inside = shapely.contains_xy(polygon, x, y)
    return np.column_stack([row[inside], column[inside]]).astype(np.int64)


def _pixels(
    label: int, pair: int, at: NDArray[np.int64], *, damaged: bool, grid: Grid
) -> Pixels:
    x = grid.left + (at[:, 1] + 0.5) * grid.resolution
    y = grid.top - (at[:, 0] + 0.5) * grid.resolution
    return Pixels(
        label=np.full(len(at), label, np.int64),
        pair=np.full(len(at), pair, np.int64),
        row=at[:, 0],
        column=at[:, 1],
        damaged=np.full(len(at), damaged),
        lonlat=_move(np.column_stack([x, y]), grid.crs, WGS84),
    )


def _join(parts: Sequence[Pixels]) -> Pixels:
    nothing = np.zeros(0, np.int64)
    names = ("label", "pair", "row", "column")
    return Pixels(
        **{
            n: np.concatenate([nothing, *(getattr(p, n) for p in parts)]) for n in names
        },
        damaged=np.concatenate([nothing.astype(bool), *(p.damaged for p in parts)]),
        lonlat=np.concatenate([np.zeros((0, 2)), *(p.lonlat for p in parts)]),
    )


def _settle(
    pixels: Pixels, set_aside: Counter[Reason]
) -> tuple[Pixels, Counter[Reason]]:
    """Keep every pixel once, and none that is called both."""
    if not len(pixels):
        return pixels, set_aside
    key = np.column_stack([pixels.pair, pixels.row, pixels.column])
    _, first, where = np.unique(key, axis=0, return_index=True, return_inverse=True)
    where = where.ravel()
    count, damaged = np.bincount(where), np.bincount(where, pixels.damaged)
    agreed = ((damaged == 0) | (damaged == count))[where]
    before, after = set(pixels.label.tolist()), set(pixels.label[agreed].tolist())
    set_aside[Reason.CONTRADICTED] += len(before - after)
    once = np.zeros(len(pixels), bool)
    once[first] = True
    return pixels.take(agreed & once), set_aside


def _move(
    points: NDArray[np.float64], source: object, target: object
) -> NDArray[np.float64]:
    transformer = pyproj.Transformer.from_crs(source, target, always_xy=True)
    return np.column_stack(transformer.transform(points[:, 0], points[:, 1]))
