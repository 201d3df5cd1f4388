"""From labels of a survey to pieces of scenes that can be learned from."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import numpy as np
import pyproj
from numpy.typing import NDArray

from agroforest.core.grid import WGS84, Grid
from agroforest.core.identity import digest_file
from agroforest.risk.blocks import Window
from agroforest.risk.collection import Collection
from agroforest.risk.datasets.canopy_damage import read_composite
from agroforest.risk.datasets.survey.labels import (
    RADIUS_METRES,
    Label,
    Reason,
    Status,
    read_survey,
)
from agroforest.risk.datasets.survey.pixels import (
    Pair,
    Pixels,
    find_pairs,
    find_pixels,
    name_blocks,
)
from agroforest.risk.datasets.survey.timing import Timing
from agroforest.risk.scenes import Scenes
from agroforest.risk.train import Progress

#: Side of a block of ground, m. Arbitrary; what lies nearer looks alike.
BLOCK_METRES = 1000.0
# Pixels around labelled ones that come with them: more than the network looks at
# (`agroforest.risk.scene_net.reach`, 28 of the shipped one), and the window of the
# trees.
_MARGIN = 28
# Labelled pixels that lie in one cell of so many pixels a side share a piece.
_CELL = 32
# Pixels of all pieces: about 2 GB while a network learns. Arbitrary.
_MOST_PIXELS = 8_000_000


@dataclass(frozen=True, kw_only=True, slots=True)
class CanopyRequest:
    """What is asked for.

    Attributes
    ----------
    labels
        File of the survey.
    scenes
        Folder of yearly composites, `agroforest.risk.datasets.canopy_damage`; masks
        in it are not looked at.
    prevalence
        Share of damaged pixels on the ground: labels are weighed so that the damaged
        ones have it, however many of them were collected.
    timing
        How days and composites go together.
    radius
        Metres that a point stands for, if its row does not say.
    block
        Side of a block of ground, metres.
    layer, encoding
        Of the file.
    seed
        Of what is drawn where there is too much.
    """

    labels: Path
    scenes: Path
    prevalence: float
    timing: Timing = field(default_factory=Timing)
    radius: float = RADIUS_METRES
    block: float = BLOCK_METRES
    layer: str | None = None
    encoding: str | None = None
    seed: int = 0


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class _Piece:
    """A piece of a scene, and its pixels that are labelled."""

    pair: Pair
    block: str
    window: Window
    pixels: NDArray[np.intp]

    @property
    def size(self) -> int:
        rows, columns = self.window
        return int((rows.stop - rows.start) * (columns.stop - columns.start))


def collect_canopy(
    request: CanopyRequest, *, progress: Progress | None = None
) -> Collection[Scenes]:
    """Cut the scenes of a folder around the labels of a survey.

    Ground without a label is not known (NaN), never taken for healthy.

    Parameters
    ----------
    request
        What is asked for.
    progress
        Told while scenes are read.

    Returns
    -------
    Collection
        Pieces of scenes, one for the labels of a block that lie close together; the
        place of a piece is its block, `name_blocks`.

    Raises
    ------
    ConfigurationError, DataError
        As `read_survey` and `find_pairs`; a composite that is damaged.
    """
    survey = read_survey(
        request.labels,
        radius=request.radius,
        layer=request.layer,
        encoding=request.encoding,
    )
    years, pairs = find_pairs(request.scenes)
    pixels, set_aside = find_pixels(
        survey.labels, years, pairs, request.timing, seed=request.seed
    )
    set_aside.update(survey.set_aside)
    block = name_blocks(pixels.lonlat, request.block)
    pieces = _cut(pixels, block, pairs)
    pieces, pixels_left = _limit(pieces, pixels, set_aside, request.seed)
    values, truth, kept = _read(pieces, pixels, progress)
    _count_lost(pixels.take(pixels_left), pixels.take(kept), Reason.NO_DATA, set_aside)
    used = pixels.take(kept)
    there = [n for n, known in enumerate(truth) if np.isfinite(known).any()]
    pieces = [pieces[n] for n in there]
    samples = Scenes(
        values=tuple(values[n] for n in there),
        place=np.array([piece.block for piece in pieces], np.str_),
        name=tuple(_name(piece) for piece in pieces),
        grid=tuple(_grid(piece) for piece in pieces),
        truth=tuple(truth[n] for n in there),
        counts=_weigh(used, request.prevalence),
    )
    return Collection(
        source=request.labels,
        digest=digest_file(request.labels),
        samples=samples,
        touched=_find_touched(pieces, used.lonlat, block[kept]),
        labels=_count_labels(used, survey.labels),
        answers={
            Status.DAMAGED: int(used.damaged.sum()),
            Status.CLEAN: int((~used.damaged).sum()),
        },
        seen=_seen(used, survey.labels),
        set_aside={str(r): n for r, n in sorted(set_aside.items()) if n},
        strange=survey.strange,
        split=f"by blocks of {request.block:g} m; nobody learns from a piece of a "
        "scene that holds labels of a block that is held out",
    )


def _cut(
    pixels: Pixels, block: NDArray[np.str_], pairs: Sequence[Pair]
) -> list[_Piece]:
    """Cut pieces around labelled pixels of one block that lie close together."""
    cells: dict[tuple[int, str, int, int], list[int]] = {}
    for n in range(len(pixels)):
        row, column = int(pixels.row[n]) // _CELL, int(pixels.column[n]) // _CELL
        key = (int(pixels.pair[n]), str(block[n]), row, column)
        cells.setdefault(key, []).append(n)
    pieces = []
    for (pair, name, _, _), members in sorted(cells.items()):
        own = np.array(members, np.intp)
        height, width = pairs[pair].grid.shape
        window = (
            _span(pixels.row[own], height),
            _span(pixels.column[own], width),
        )
        pieces.append(_Piece(pair=pairs[pair], block=name, window=window, pixels=own))
    return pieces


def _span(at: NDArray[np.int64], size: int) -> slice:
    first, last = max(0, int(at.min()) - _MARGIN), int(at.max()) + _MARGIN + 1
    return slice(first, min(size, last))


def _limit(
    pieces: list[_Piece], pixels: Pixels, set_aside: Counter[Reason], seed: int
) -> tuple[list[_Piece], NDArray[np.intp]]:
    """Draw as many pieces as can be held; their pixels."""
    order = np.random.default_rng(seed).permutation(len(pieces))
    total = np.cumsum([pieces[n].size for n in order])
    kept = [pieces[n] for n in np.sort(order[total <= _MOST_PIXELS])]
    none = np.zeros(0, np.intp)
    left = np.sort(np.concatenate([none, *(piece.pixels for piece in kept)]))
    every = np.arange(len(pixels))
    _count_lost(pixels.take(every), pixels.take(left), Reason.SURPLUS, set_aside)
    return kept, left


def _read(
    pieces: Sequence[_Piece], pixels: Pixels, progress: Progress | None
) -> tuple[list[NDArray[np.float32]], list[NDArray[np.float32]], NDArray[np.intp]]:
    """Reflectance and truth of every piece, and the pixels that have data."""
    values, truth, kept = [], [], [np.zeros(0, np.intp)]
    for number, piece in enumerate(pieces):
        if progress is not None and not number % 20:
            progress(number / len(pieces), "reading composites")
        both = (piece.pair.before, piece.pair.after)
        seen = np.concatenate([read_composite(p, piece.window)[0] for p in both])
        known = np.full(seen.shape[1:], np.nan, np.float32)
        at = (
            pixels.row[piece.pixels] - piece.window[0].start,
            pixels.column[piece.pixels] - piece.window[1].start,
        )
        whole = np.isfinite(seen[:, *at]).all(axis=0)
        known[at[0][whole], at[1][whole]] = pixels.damaged[piece.pixels[whole]]
        values.append(seen)
        truth.append(known)
        kept.append(piece.pixels[whole])
    return values, truth, np.sort(np.concatenate(kept))


def _find_touched(
    pieces: Sequence[_Piece], lonlat: NDArray[np.float64], block: NDArray[np.str_]
) -> tuple[frozenset[str], ...]:
    """Of every piece, the other blocks that have labels inside it, of any year."""
    moved: dict[str, NDArray[np.float64]] = {}
    touched = []
    for piece in pieces:
        crs = piece.pair.grid.crs
        if crs not in moved:
            move = pyproj.Transformer.from_crs(WGS84, crs, always_xy=True).transform
            moved[crs] = np.column_stack(move(lonlat[:, 0], lonlat[:, 1]))
        x, y = moved[crs].T
        left, bottom, right, top = _grid(piece).bounds
        inside = (x >= left) & (x <= right) & (y >= bottom) & (y <= top)
        touched.append(frozenset(block[inside].tolist()) - {piece.block})
    return tuple(touched)


def _weigh(pixels: Pixels, prevalence: float) -> tuple[float, float]:
    """How much clean and damaged pixels count, to have their share; 1 on average."""
    damaged = float(pixels.damaged.mean()) if len(pixels) else 0.0
    if not 0 < damaged < 1:
        return 1.0, 1.0
    return (1 - prevalence) / (1 - damaged), prevalence / damaged


def _count_lost(
    before: Pixels, after: Pixels, reason: Reason, set_aside: Counter[Reason]
) -> None:
    lost = set(before.label.tolist()) - set(after.label.tolist())
    set_aside[reason] += len(lost)


def _count_labels(pixels: Pixels, labels: Sequence[Label]) -> Mapping[str, int]:
    used = Counter(labels[n].status for n in np.unique(pixels.label))
    return {s: used[s] for s in (Status.DAMAGED, Status.CLEAN)}


def _seen(pixels: Pixels, labels: Sequence[Label]) -> tuple[date, date] | None:
    used = [labels[n] for n in np.unique(pixels.label)]
    if not used:
        return None
    return min(label.start for label in used), max(label.end for label in used)


def _name(piece: _Piece) -> str:
    rows, columns = piece.window
    return f"{piece.pair.year}/{piece.pair.after.stem}/{rows.start},{columns.start}"


def _grid(piece: _Piece) -> Grid:
    rows, columns = piece.window
    grid = piece.pair.grid
    return grid.patch(
        left=grid.left + columns.start * grid.resolution,
        top=grid.top - rows.start * grid.resolution,
        width=columns.stop - columns.start,
        height=rows.stop - rows.start,
    )
