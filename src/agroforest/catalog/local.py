"""The local catalogue: plain static STAC on disk, one folder a month.

::

    catalog.json
    <collection>/collection.json
    <collection>/<year>/catalog.json
    <collection>/<year>/<month>/catalog.json
    <collection>/<year>/<month>/<YYYYMMDD>_<id>.json

The day stands in the file name, so a window is found by listing its months and
opening its items, however long the archive is.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import pystac
from shapely.geometry.base import BaseGeometry

from agroforest.catalog.items import build_item, read_granule
from agroforest.catalog.protocol import Refuse, is_clear, log_refused
from agroforest.core.errors import DataError
from agroforest.core.files import write_text
from agroforest.core.scene import Granule

_TITLE = "Scenes of agroforest"
_JSON = pystac.MediaType.JSON
_GEOJSON = pystac.MediaType.GEOJSON


class LocalCatalog:
    """Granules kept as STAC items under a folder.

    Parameters
    ----------
    root
        Folder of ``catalog.json``; made by the first `add`.
    refuse
        Called with the error of each stored item that cannot be read; such items
        never stop a search.
    """

    def __init__(self, root: Path, *, refuse: Refuse = log_refused) -> None:
        self.root = root
        self._refuse = refuse

    def add(self, granules: Iterable[Granule]) -> tuple[int, int]:
        """Write granules that are new or changed; leave all others untouched.

        Each file appears whole or not at all, items before the lists that name
        them; an interrupted call is completed by the next.

        Returns
        -------
        tuple of int
            How many were written, and how many were there unchanged.
        """
        written = known = 0
        extents: dict[str, list[Granule]] = {}
        months: set[Path] = set()
        for granule in granules:
            path = self.item_path(granule)
            if _write_json(path, _with_links(build_item(granule))):
                written += 1
            else:
                known += 1
            months.add(path.parent)
            extents.setdefault(granule.collection, []).append(granule)
        self._list(months, extents)
        return written, known

    def find_granules(
        self,
        area: BaseGeometry,
        start: date,
        end: date,
        *,
        collections: Sequence[str] = (),
        max_cloud_cover: float | None = None,
    ) -> list[Granule]:
        """Granules of an area and time; see `Catalog.find_granules`."""
        found = []
        for path in self._items(start, end, collections):
            try:
                granule = _read_item(path)
            except DataError as error:
                self._refuse(error)
                continue
            if is_clear(granule, max_cloud_cover) and area.intersects(
                granule.footprint
            ):
                found.append(granule)
        return found

    def find_stored(self, granule: Granule) -> tuple[Granule | None, int]:
        """Return what is stored under a granule's name, and when it was written.

        Returns
        -------
        tuple
            The stored granule, None if there is none that can be read; and the
            time of writing in nanoseconds since 1970.
        """
        path = self.item_path(granule)
        if not path.exists():
            return None, 0
        try:
            stored = read_granule(_read_json(path), where=path)
        except DataError:
            return None, 0  # it will be written anew
        return stored, path.stat().st_mtime_ns

    def item_path(self, granule: Granule) -> Path:
        """Where the item of a granule is kept."""
        day = granule.sensed
        folder = self.root / granule.collection / f"{day:%Y}" / f"{day:%m}"
        return folder / f"{day:%Y%m%d}_{granule.id}.json"

    def _items(
        self, start: date, end: date, collections: Sequence[str]
    ) -> Iterator[Path]:
        first, last = f"{start:%Y%m%d}", f"{end:%Y%m%d}"
        names = list(collections) or _folders(self.root)
        for name in names:
            for year in _folders(self.root / name):
                if not first[:4] <= year <= last[:4]:
                    continue
                for month in _folders(self.root / name / year):
                    if first[:6] <= year + month <= last[:6]:
                        folder = self.root / name / year / month
                        yield from _days(folder, first, last)

    def _list(
        self, months: Iterable[Path], extents: Mapping[str, list[Granule]]
    ) -> None:
        """Bring the lists above the items up to date, from the leaves up."""
        years = set()
        for month in sorted(months):
            title = f"{month.parent.name}-{month.name}"
            name = f"{month.parent.parent.name}-{title}"
            self._write_catalog(month, name=name, up="../catalog.json")
            years.add(month.parent)
        for year in sorted(years):
            name = f"{year.parent.name}-{year.name}"
            self._write_catalog(year, name=name, up="../collection.json")
        for name, granules in sorted(extents.items()):
            self._write_collection(self.root / name, granules)
        if extents:
            self._write_catalog(self.root, name="agroforest", up=None)

    def _write_catalog(self, folder: Path, *, name: str, up: str | None) -> None:
        catalog = pystac.Catalog(id=name, description=_TITLE, title=name)
        self._link(catalog, folder, up=up)
        value = catalog.to_dict(include_self_link=False, transform_hrefs=False)
        _write_json(folder / "catalog.json", value)

    def _write_collection(self, folder: Path, granules: list[Granule]) -> None:
        path = folder / "collection.json"
        boxes = [g.footprint.bounds for g in granules]
        times = [g.sensed for g in granules]
        if path.exists():
            old = pystac.Extent.from_dict(_read_json(path)["extent"])
            boxes += [(b[0], b[1], b[2], b[3]) for b in map(list, old.spatial.bboxes)]
            times += [t for pair in old.temporal.intervals for t in pair if t]
        west, south, east, north = zip(*boxes, strict=True)
        extent = pystac.Extent(
            pystac.SpatialExtent([[min(west), min(south), max(east), max(north)]]),
            pystac.TemporalExtent([[min(times), max(times)]]),
        )
        collection = pystac.Collection(
            id=folder.name, description=_TITLE, title=folder.name, extent=extent
        )
        self._link(collection, folder, up="../catalog.json")
        value = collection.to_dict(include_self_link=False, transform_hrefs=False)
        _write_json(path, value)

    def _link(self, catalog: pystac.Catalog, folder: Path, *, up: str | None) -> None:
        """Link the root, the list above, and the lists or items below."""
        catalog.clear_links()
        steps = len(folder.relative_to(self.root).parts)
        root = "../" * steps + "catalog.json" if steps else "./catalog.json"
        catalog.add_link(pystac.Link("root", root, _JSON))
        if up:
            catalog.add_link(pystac.Link("parent", up, _JSON))
        for item in sorted(folder.glob("[0-9]*_*.json")):
            catalog.add_link(pystac.Link("item", f"./{item.name}", _GEOJSON))
        for name in _folders(folder):
            for kind in ("collection.json", "catalog.json"):
                if (folder / name / kind).exists():
                    catalog.add_link(pystac.Link("child", f"./{name}/{kind}", _JSON))


def _folders(folder: Path) -> list[str]:
    if not folder.is_dir():
        return []
    return sorted(path.name for path in folder.iterdir() if path.is_dir())


def _days(folder: Path, first: str, last: str) -> Iterator[Path]:
    for path in sorted(folder.glob("[0-9]*_*.json")):
        if first <= path.name[:8] <= last:
            yield path


def _with_links(item: dict[str, Any]) -> dict[str, Any]:
    links = [
        ("root", "../../../catalog.json"),
        ("parent", "./catalog.json"),
        ("collection", "../../collection.json"),
    ]
    item["links"] = [
        {"rel": rel, "href": href, "type": str(_JSON.value)} for rel, href in links
    ]
    return item


def _write_json(path: Path, value: dict[str, Any]) -> bool:
    """Write unless the file already says so; whether it was written."""
    text = json.dumps(value, ensure_ascii=False, indent=2) + "\n"
    if path.exists() and path.read_text(encoding="utf-8") == text:
        return False
    write_text(path, text)
    return True


def _read_item(path: Path) -> Granule:
    """Read an item, and from when its checksums are."""
    try:
        since = path.stat().st_mtime_ns
    except OSError:
        since = 0  # it is gone, which is said when it is read
    granule = read_granule(_read_json(path), where=path)
    return granule.patch(
        bands={n: a.patch(summed_ns=since) for n, a in granule.bands.items()},
        mask=granule.mask.patch(summed_ns=since),
    )


def _read_json(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise DataError(
            path,
            f"not readable as JSON ({error})",
            "remove the file and add the scene again",
        ) from error
    if not isinstance(value, dict):
        raise DataError(
            path, f"holds a {type(value).__name__}", "remove it and add the scene again"
        )
    return value
