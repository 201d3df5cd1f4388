"""Which rasters there are: what nights left in the work folder."""

import re
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from threading import Lock

import rasterio
from rasterio.errors import CRSError, RasterioIOError
from rasterio.warp import transform_bounds

from agroforest.core.errors import ConfigurationError
from agroforest.core.grid import WGS84
from agroforest.core.identity import digest
from agroforest.core.risk import Hazard
from agroforest.maps.styles import RasterStyle, find_style

#: ``(west, south, east, north)``, degrees.
Box = tuple[float, float, float, float]

# Seconds for which a listing is believed: a night adds files once a day, and a page
# of tiles asks a hundred times a second.
_FRESH_S = 10.0
_INDEX = re.compile(r"[A-Za-z0-9_-]+_(\d{4}-\d\d-\d\d)_([a-z0-9]+)\.tif")
_RISK = re.compile(r"[A-Za-z0-9_-]+_(\d{4}-\d\d-\d\d)_([a-z0-9-]+)-probability\.tif")
_DANGER = re.compile(r"danger_(\d{4}-\d\d-\d\d)\.tif")
#: What a night's own maps are found by: folder, files in it, and whether only some
#: may see them, because they say where exactly an alert is.
_KINDS: Sequence[tuple[str, re.Pattern[str], bool]] = (
    ("risk/*", _RISK, True),
    ("indices/*", _INDEX, False),
    ("fire/danger", _DANGER, False),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Layer:
    """Rasters of one kind of one pipeline.

    Attributes
    ----------
    pipeline, name
        Which; ``ndvi``, ``canopy-stress``, ``danger``.
    exact
        Whether only those may see it who may see exact places.
    style
        Its colours.
    days
        Files by day, rising; of one day one file a tile.
    """

    pipeline: str
    name: str
    exact: bool
    style: RasterStyle = field(repr=False)
    days: Mapping[date, tuple[Path, ...]] = field(repr=False)

    @property
    def newest(self) -> date:
        """The newest day."""
        return max(self.days)

    def upto(self, day: date) -> list[Path]:
        """Newest file of each tile up to a day.

        Tiles are seen on different days; a map of one day alone has holes.
        """
        found: dict[Path, Path] = {}
        for when, files in self.days.items():
            if when <= day:
                found |= {file.parent: file for file in files}
        return list(found.values())


@dataclass(frozen=True, kw_only=True, slots=True)
class Cover:
    """What a layer is made of on a day.

    Attributes
    ----------
    version
        Changes with the files and their content.
    files
        Rasters with their boxes ``(west, south, east, north)``, degrees.
    """

    version: str
    files: tuple[tuple[Path, Box], ...]

    def under(self, box: Box) -> list[Path]:
        """Files that reach into a box."""
        west, south, east, north = box
        return [
            file
            for file, (left, bottom, right, top) in self.files
            if left <= east and right >= west and bottom <= north and top >= south
        ]


class Shelf:
    """The layers of some pipelines; looks again when a listing is old.

    Parameters
    ----------
    work
        The work folder.
    pipelines
        Names of the pipelines to show.
    """

    def __init__(self, work: Path, pipelines: Sequence[str]) -> None:
        self._work = work
        self._pipelines = tuple(pipelines)
        self._lock = Lock()
        self._found: Mapping[tuple[str, str], Layer] = {}
        self._covers: dict[tuple[str, str, date], Cover] = {}
        # A tile's folder always holds the same ground.
        self._boxes: dict[Path, Box] = {}
        self._read = -_FRESH_S

    def layers(self) -> list[Layer]:
        """Every layer, by pipeline, as `_KINDS` orders them."""
        return list(self._look().values())

    def find(self, pipeline: str, name: str) -> Layer | None:
        """Find a layer, ``None`` if there is none of these names."""
        return self._look().get((pipeline, name))

    def recall(self, pipeline: str, name: str, day: date) -> tuple[Layer, Cover] | None:
        """Find a layer and its cover without reading anything; ``None`` if unsure."""
        if time.monotonic() - self._read >= _FRESH_S:
            return None
        layer = self._found.get((pipeline, name))
        cover = self._covers.get((pipeline, name, day))
        return None if layer is None or cover is None else (layer, cover)

    def cover(self, layer: Layer, day: date) -> Cover:
        """Find what a layer is made of on a day."""
        key = (layer.pipeline, layer.name, day)
        found = self._covers.get(key)
        if found is None:
            files = [f for f in layer.upto(day) if self._box(f) is not None]
            stamps = [(str(f), _stamp(f)) for f in files]
            found = Cover(
                version=digest(layer.name, stamps),
                files=tuple((f, self._boxes[f.parent]) for f in files),
            )
            self._covers[key] = found
        return found

    def _box(self, file: Path) -> Box | None:
        if file.parent not in self._boxes:
            try:
                with rasterio.open(file, driver="GTiff") as opened:
                    west, south, east, north = transform_bounds(
                        opened.crs, WGS84, *opened.bounds
                    )
            except (RasterioIOError, CRSError):
                return None  # gone since it was listed, or none of ours
            self._boxes[file.parent] = (west, south, east, north)
        return self._boxes[file.parent]

    def _look(self) -> Mapping[tuple[str, str], Layer]:
        with self._lock:
            if time.monotonic() - self._read >= _FRESH_S:
                self._found = {
                    (layer.pipeline, layer.name): layer
                    for pipeline in self._pipelines
                    for layer in _list(self._work / pipeline, pipeline)
                }
                self._covers = {}
                self._read = time.monotonic()
            return self._found


def _list(folder: Path, pipeline: str) -> Iterator[Layer]:
    for pattern, form, exact in _KINDS:
        found: dict[str, dict[date, list[Path]]] = defaultdict(
            lambda: defaultdict(list)
        )
        for path in folder.glob(f"{pattern}/*.tif"):
            matched = form.fullmatch(path.name)
            if matched is not None:
                groups = matched.groups()
                name = groups[1] if len(groups) > 1 else "danger"
                found[name][date.fromisoformat(groups[0])].append(path)
        for name in sorted(found, key=_place):
            try:
                style = find_style(name)
            except ConfigurationError:
                continue  # a file of that form, but none of ours
            days = {d: tuple(sorted(found[name][d])) for d in sorted(found[name])}
            yield Layer(
                pipeline=pipeline, name=name, exact=exact, style=style, days=days
            )


def _stamp(file: Path) -> int:
    try:
        return file.stat().st_mtime_ns
    except OSError:
        return 0


def _place(name: str) -> tuple[int, str]:
    hazards = [str(h) for h in Hazard]
    return (hazards.index(name) if name in hazards else len(hazards), name)
