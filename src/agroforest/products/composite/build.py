"""One composite on disk: of a tile, of one season, from the scenes of that season.

    blocks of the grid, shared out over threads
        read     scene by scene: mask and bands, as a stack of 16-bit numbers
        median   of each pixel and band; bands that nobody delivered are filled
        write    compressed tiles and overviews of all bands, and of the count

Memory holds one stack a thread, whatever the size of the tile.
"""

import json
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from agroforest.core.errors import DataError
from agroforest.core.grid import Block
from agroforest.core.identity import digest_file
from agroforest.cube import (
    BLOCK,
    Access,
    CogWriter,
    DecodedCache,
    RemoteSession,
    write_item,
)
from agroforest.products.composite.inputs import SeasonScenes, explain_nothing
from agroforest.products.composite.median import NODATA, median
from agroforest.products.composite.stack import SeasonReader, UnreadableError
from agroforest.products.composite.stand_in import NEEDED, fill

# Bytes of a thread's stack. Arbitrary.
_STACK = 96 << 20
_SIDES = (BLOCK, BLOCK // 2, BLOCK // 4, BLOCK // 8)
#: Called with blocks done and blocks in all.
Progress = Callable[[int, int], None]


@dataclass(frozen=True, kw_only=True, slots=True)
class Composite:
    """A composite on disk.

    Attributes
    ----------
    path, item
        The raster and its STAC item.
    count, count_item
        Raster of the clear dates behind each pixel, and its item.
    content
        `SeasonScenes.content` of what it was made from.
    filled
        Bands that nobody delivered, estimated from the others.
    scenes
        Ids of the scenes behind it.
    left_out
        Ids of scenes that lack bands.
    refused
        Why some scenes could not be read.
    made
        Whether it was made now; otherwise it was there already.
    """

    path: Path
    item: Path
    count: Path
    count_item: Path
    content: str
    filled: tuple[str, ...]
    scenes: tuple[str, ...] = field(repr=False)
    left_out: tuple[str, ...] = field(default=(), repr=False)
    refused: tuple[DataError, ...] = field(default=(), repr=False)
    made: bool = True


def build_composite(
    season: SeasonScenes,
    path: Path,
    *,
    workers: int = 1,
    cache: DecodedCache | None = None,
    progress: Progress | None = None,
) -> Composite:
    """Build the composite of a season, unless it is there.

    Parameters
    ----------
    season
        From what, and how. Scenes that lack a band are left out; a band of
        `stand_in.FILLED` that some scene lacks is estimated from the others.
    path
        The raster: bands in order and named, uint16, reflectance x 10000, 0 where
        nothing was seen clearly. Beside it its STAC item, and in the folder
        ``count`` the number of clear dates of each pixel.
    workers
        Threads.
    cache
        Where JPEG 2000 files are kept decoded.
    progress
        Called as blocks are done.

    Returns
    -------
    Composite
        The same scenes and settings give the same bytes, with any number of
        threads. A scene that turns out damaged is left out everywhere.

    Raises
    ------
    NoInputError
        No scene has the bands, or none can be read.
    SourceError
        A remote file that does not answer.
    """
    refused: list[DataError] = []
    whole = season
    while season.complete:
        made = _plan(season, whole, path, refused)
        if _is_there(made):
            return replace(made, made=False)
        try:
            _write(made, season, workers=workers, cache=cache, progress=progress)
        except UnreadableError as unreadable:
            refused.append(unreadable.reason)
            season = season.without(unreadable.scene)
        else:
            return made
    raise explain_nothing(path, whole, refused)


def _plan(
    season: SeasonScenes, whole: SeasonScenes, path: Path, refused: Sequence[DataError]
) -> Composite:
    count = path.parent / "count" / path.name
    good = {scene.id for scene in whole.complete}
    return Composite(
        path=path,
        item=path.with_suffix(".json"),
        count=count,
        count_item=count.with_suffix(".json"),
        content=season.content(),
        filled=season.filled,
        scenes=tuple(scene.id for scene in season.complete),
        left_out=tuple(s.id for s in whole.scenes if s.id not in good),
        refused=tuple(refused),
    )


def _is_there(made: Composite) -> bool:
    """Whether both rasters are there, whole, and of this content.

    The items come last and hold the checksums: what a killed process left behind
    is made again.
    """
    for path, item in ((made.path, made.item), (made.count, made.count_item)):
        try:
            told = json.loads(item.read_text(encoding="utf-8"))
            content = told["properties"]["agroforest:content"]
            checksum = told["assets"]["data"]["file:checksum"]
            if content != made.content or checksum[4:] != digest_file(path):
                return False
        except (OSError, ValueError, KeyError, TypeError):
            return False
    return True


def _write(
    made: Composite,
    season: SeasonScenes,
    *,
    workers: int,
    cache: DecodedCache | None,
    progress: Progress | None,
) -> None:
    tags = {"simulated": "yes"} if season.simulated else {}
    blocks = list(season.grid.blocks(BLOCK))
    side = _find_side(season)
    told = _Counter(len(blocks), progress)
    with (
        RemoteSession() as session,
        CogWriter(
            made.path,
            season.grid,
            "uint16",
            NODATA,
            description=season.bands,
            tags=tags,
        ) as raster,
        CogWriter(
            made.count,
            season.grid,
            "uint16",
            None,
            scale=1.0,
            description="clear dates",
            tags=tags,
        ) as counts,
    ):
        access = Access(session=session, cache=cache)
        read = tuple(b for b in season.bands if b not in season.filled)

        def work(first: int) -> None:
            with SeasonReader(
                season.complete, read, mask=season.mask, access=access
            ) as files:
                for number in range(first, len(blocks), workers):
                    bands, count = _compose(files, blocks[number], season, read, side)
                    raster.write(blocks[number], bands)
                    counts.write(blocks[number], count)
                    told.advance()

        with ThreadPoolExecutor(workers) as pool:
            for future in [pool.submit(work, n) for n in range(workers)]:
                future.result()
    _write_items(made, season)


class _Counter:
    """Counts blocks for several threads."""

    def __init__(self, total: int, progress: Progress | None) -> None:
        self._total = total
        self._progress = progress
        self._done = 0
        self._lock = threading.Lock()

    def advance(self) -> None:
        with self._lock:
            self._done += 1
            if self._progress is not None:
                self._progress(self._done, self._total)


def _find_side(season: SeasonScenes) -> int:
    """Side of the blocks whose stack is small enough, of those that divide `BLOCK`."""
    pixel = 2 * len(season.complete) * len(season.bands)
    longest = max(season.grid.shape)
    return next(
        (s for s in _SIDES if pixel * min(s, longest) ** 2 <= _STACK), _SIDES[-1]
    )


def _compose(
    files: SeasonReader,
    block: Block,
    season: SeasonScenes,
    read: Sequence[str],
    side: int,
) -> tuple[NDArray[np.uint16], NDArray[np.uint16]]:
    """Bands and count of a block, part by part."""
    bands = np.zeros((len(season.bands), *block.grid.shape), np.uint16)
    count = np.zeros(block.grid.shape, np.uint16)
    for part in block.grid.blocks(side):
        stack = files.read(part.grid)
        found = np.empty((len(read), *part.grid.shape), np.uint16)
        median(stack.numbers, stack.count, found)
        count[part.window] = stack.count
        by_name = dict(zip(read, found, strict=True))
        if season.filled:
            needed = np.stack([by_name[band] for band in NEEDED])
            by_name |= {band: fill(band, needed) for band in season.filled}
        for out, name in zip(bands, season.bands, strict=True):
            out[part.window] = by_name[name]
    return bands, count


def _write_items(made: Composite, season: SeasonScenes) -> None:
    first, last = season.window
    properties = {
        "start_datetime": f"{first.isoformat()}T00:00:00Z",
        "end_datetime": f"{last.isoformat()}T23:59:59Z",
        "agroforest:content": made.content,
        "agroforest:scenes": list(made.scenes),
        "agroforest:bands": list(season.bands),
        "agroforest:filled": list(made.filled),
        "agroforest:simulated": season.simulated,
    }
    moment = datetime.combine(last, time(), tzinfo=UTC)
    title = f"Median of {first.isoformat()} to {last.isoformat()}"
    write_item(made.path, moment, title=title, properties=properties)
    write_item(made.count, moment, title=f"{title}: clear dates", properties=properties)
