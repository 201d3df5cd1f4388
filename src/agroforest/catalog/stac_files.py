"""STAC items, collections and catalogues that lie on this machine."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from agroforest.catalog.href import is_local, resolve_href
from agroforest.catalog.stac_item import read_item
from agroforest.core.errors import DataError
from agroforest.core.scene import Granule

# Items stay under 1 MB; arbitrary, keeps other people's JSON data out of memory.
_MAX_BYTES = 32 * 1024 * 1024
_HEAD = 4096  # bytes in which an item names its version
_ITEM: Mapping[str, Any] = {"type": "Feature"}
_TREES = ("catalog.json", "collection.json")


def read_json(path: Path) -> dict[str, Any]:
    """Object in a JSON file from outside.

    Raises
    ------
    DataError
        If it is missing, huge, not JSON, or not an object.
    """
    try:
        size = path.stat().st_size
        value = json.loads(path.read_bytes()) if size <= _MAX_BYTES else size
    except (OSError, ValueError, RecursionError) as error:
        problem = f"not readable as JSON ({type(error).__name__}: {error})"
        raise DataError(path, problem, "deliver the file again") from error
    if not isinstance(value, dict):
        raise DataError(path, "is no JSON object of STAC size", "give a STAC item")
    return value


def is_stac(path: Path) -> bool:
    """Whether `path` is a STAC file, or a folder with a catalogue in it."""
    if path.is_dir():
        return any((path / name).is_file() for name in _TREES)
    if path.suffix.lower() not in {".json", ".geojson"} or not path.is_file():
        return False
    try:
        value = read_json(path)
    except DataError:
        # A damaged item is refused by name when it is read, not passed over.
        with path.open("rb") as stream:
            return b'"stac_version"' in stream.read(_HEAD)
    return "stac_version" in value or _is_item_collection(value)


def find_items(path: Path) -> Iterator[Path]:
    """Item files of a STAC file or tree, in the order of its links.

    A damaged list counts as an item: reading it says what is wrong, and the rest
    of the tree is found.
    """
    if path.is_dir():
        path = next(path / name for name in _TREES if (path / name).is_file())
    seen: set[Path] = set()
    waiting = [(path.resolve(), False)]
    while waiting:
        current, is_item = waiting.pop(0)
        if current in seen:
            continue
        seen.add(current)
        # An item is opened when it is read, not while the tree is walked.
        value = _ITEM if is_item else _read_list(current)
        if value.get("type") in ("Feature", "FeatureCollection"):
            yield current
        else:
            waiting = [*_linked(value, current), *waiting]


def _read_list(path: Path) -> Mapping[str, Any]:
    try:
        return read_json(path)
    except DataError:
        return _ITEM


def read_items(path: Path) -> list[Granule]:
    """Granules of an item file or an item collection file."""
    value = read_json(path)
    items = value["features"] if _is_item_collection(value) else [value]
    return [
        read_item(item, base=_base(item, path), where=str(path))
        for item in items
        if isinstance(item, Mapping)
    ]


def _base(item: Mapping[str, Any], path: Path) -> str:
    """Where relative addresses start: the file, unless only its origin has them."""
    for link in _links(item):
        if isinstance(link, Mapping) and link.get("rel") == "self":
            href = str(link.get("href", ""))
            if not is_local(href) and not _has_local_asset(item, path):
                return href
    return str(path)


def _has_local_asset(item: Mapping[str, Any], path: Path) -> bool:
    assets = item.get("assets")
    if not isinstance(assets, Mapping):
        return False
    hrefs = [str(a.get("href")) for a in assets.values() if isinstance(a, Mapping)]
    return any(_is_there(href, path) for href in hrefs)


def _is_there(href: str, path: Path) -> bool:
    try:
        place = resolve_href(href, str(path))
        return is_local(place) and Path(place).exists()
    except (OSError, ValueError):  # no name of a file: too long, a zero byte
        return False


def _is_item_collection(value: Mapping[str, Any]) -> bool:
    features = value.get("features")
    return (
        value.get("type") == "FeatureCollection"
        and isinstance(features, list)
        and bool(features)
        and all(isinstance(f, dict) and "stac_version" in f for f in features)
    )


def _linked(value: Mapping[str, Any], path: Path) -> list[tuple[Path, bool]]:
    """Files one step down, and whether each is an item."""
    found = []
    for link in _links(value):
        if not isinstance(link, Mapping) or link.get("rel") not in ("child", "item"):
            continue
        try:
            href = resolve_href(str(link.get("href", "")), str(path))
            place = Path(href).resolve()
        except (OSError, ValueError):  # no name of a file: too long, a zero byte
            continue
        if is_local(href):
            found.append((place, link["rel"] == "item"))
    return found


def _links(value: Mapping[str, Any]) -> list[Any]:
    links = value.get("links")
    return links if isinstance(links, list) else []
