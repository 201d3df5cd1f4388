"""Rasters that nights left, by the STAC items beside them."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from threading import Lock
from typing import Any

from agroforest.core.errors import DataError
from agroforest.web.pages.runs_nights import Nights
from agroforest.web.site import Remembered

#: ``(west, south, east, north)``, degrees.
Box = tuple[float, float, float, float]

#: Seconds for which a listing is believed: a night adds files once a day, and looking
#: at every item of years takes a while.
_FRESH_S = 60.0
#: Folders of a pipeline that hold items, with what one must be allowed to see them:
#: a risk map says where exactly an alert is.
_KINDS = {"indices": False, "risk": True}


@dataclass(frozen=True, kw_only=True, slots=True)
class Raster:
    """A raster by its item.

    Attributes
    ----------
    collection, id
        Which.
    moment
        When, with time zone.
    box
        Where.
    path
        Of the item.
    """

    collection: str
    id: str
    moment: datetime
    box: Box
    path: Path = field(repr=False)

    @property
    def place(self) -> tuple[datetime, str, str]:
        """What a list is sorted by."""
        return (self.moment, self.collection, self.id)


@dataclass(frozen=True, kw_only=True, slots=True)
class Collection:
    """Rasters of one kind of one pipeline.

    Attributes
    ----------
    id, pipeline, kind
        ``gaofeng-risk``, ``gaofeng``, ``risk``.
    exact
        Whether only those may see it who may see exact places.
    rasters
        By id; the newest first.
    """

    id: str
    pipeline: str
    kind: str
    exact: bool
    rasters: Mapping[str, Raster] = field(repr=False)


class Rasters:
    """The rasters of the desk's pipelines; looks again when a listing is old.

    Parameters
    ----------
    nights
        Of the work folder.
    """

    def __init__(self, nights: Nights) -> None:
        self._nights = nights
        self._read: dict[Path, tuple[int, Raster | None]] = {}
        self._lock = Lock()
        self._look = Remembered(self._list, _FRESH_S)

    def collections(self, *, exact: bool) -> list[Collection]:
        """List those that somebody may see, by id."""
        return [each for each in self._look() if exact or not each.exact]

    def find(self, collection: str, *, exact: bool) -> Collection | None:
        """Find a collection that somebody may see."""
        known = {each.id: each for each in self.collections(exact=exact)}
        return known.get(collection)

    def _list(self) -> tuple[Collection, ...]:
        with self._lock:
            kept, self._read = self._read, {}
            return tuple(self._list_all(kept))

    def _list_all(
        self, kept: Mapping[Path, tuple[int, Raster | None]]
    ) -> Iterator[Collection]:
        for pipeline in self._nights.pipelines:
            for kind, exact in _KINDS.items():
                name = f"{pipeline}-{kind}"
                folder = self._nights.work / pipeline / kind
                found = [
                    raster
                    for path in folder.glob("*/*.json")
                    if (raster := self._find(path, name, kept)) is not None
                ]
                found.sort(key=lambda raster: raster.place, reverse=True)
                if found:
                    yield Collection(
                        id=name,
                        pipeline=pipeline,
                        kind=kind,
                        exact=exact,
                        rasters={raster.id: raster for raster in found},
                    )

    def _find(
        self,
        path: Path,
        collection: str,
        kept: Mapping[Path, tuple[int, Raster | None]],
    ) -> Raster | None:
        try:
            stamp = path.stat().st_mtime_ns
        except OSError:
            return None  # gone since it was listed
        known = kept.get(path)
        if known is None or known[0] != stamp:
            known = (stamp, _read(path, collection))
        self._read[path] = known
        return known[1]


def read_item(raster: Raster) -> dict[str, Any]:
    """Read an item as it is on disk.

    Raises
    ------
    DataError
        It is gone or damaged.
    """
    try:
        document: dict[str, Any] = json.loads(raster.path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(
            raster.path.name, "cannot be read", "run the night again"
        ) from error
    return document


def list_files(raster: Raster, item: Mapping[str, Any]) -> dict[str, Path]:
    """List the files of an item's assets, by key: those beside it and no others."""
    found = {}
    for key, asset in item["assets"].items():
        name = str(asset["href"]).removeprefix("./")
        path = raster.path.with_name(name) if Path(name).name == name else None
        if path is not None and path.is_file() and not path.is_symlink():
            found[key] = path
    return found


def _read(path: Path, collection: str) -> Raster | None:
    try:
        item = json.loads(path.read_text(encoding="utf-8"))
        west, south, east, north = map(float, item["bbox"])
        moment = datetime.fromisoformat(item["properties"]["datetime"])
        is_item = item["type"] == "Feature" and bool(item["stac_version"])
        if not is_item or moment.tzinfo is None or not item["assets"]:
            return None
        return Raster(
            collection=collection,
            id=str(item["id"]),
            moment=moment,
            box=(west, south, east, north),
            path=path,
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None  # none of ours, or being written
