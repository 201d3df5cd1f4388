"""Per-pixel state of a tile in Zarr: fixed grid, changed chunks only, all or nothing.

A save first writes every chunk whose content changed into a folder beside the
store and flushes it; then a marker says that the folder is whole; then the files
are renamed over the old ones, the attributes last. A run killed before the
marker leaves the old state, and the folder is thrown away by the next load or
save. A run killed after it leaves a folder that the next load or save finishes
moving, and moving what is already moved is no work. So a state is always that
of some whole night: never half of two, whether or not the update that led to it
could have been repeated.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import zarr
from numpy.typing import NDArray
from zarr.codecs import BloscCodec
from zarr.storage import LocalStore

from agroforest.core.errors import DataError
from agroforest.core.files import write_text

#: Side of a chunk in pixels; all other axes of an array are whole in a chunk, so
#: a night touches each file of a place once. Arbitrary between 256 and 512.
CHUNK = 256
_MARKER = "whole"
# Zarr v3 core specification, "Group metadata".
_EMPTY_GROUP = {"attributes": {}, "zarr_format": 3, "node_type": "group"}
_DIGESTS = "chunk_digests"
_GRID = ("crs", "left", "top", "resolution", "width", "height")
_REMEDY = "delete the tile's state and fit the baseline again"
# What zarr and its codecs raise on damaged files.
_DAMAGE = (OSError, ValueError, TypeError, KeyError, RuntimeError)

Arrays = Mapping[str, NDArray[Any]]


def save_state(
    path: Path, group: str, arrays: Arrays, attrs: Mapping[str, object]
) -> int:
    """Replace the state of a tile in one step.

    Parameters
    ----------
    path
        Folder of the Zarr store; created when missing.
    group
        Name of the tile.
    arrays
        By name; each ends in the same ``(y, x)``.
    attrs
        Plain values, kept as the group's attributes. The entries crs, left, top,
        resolution, width and height, where given, must stay what they were.

    Returns
    -------
    int
        Chunks written; 0 when nothing changed.

    Raises
    ------
    DataError
        If the grid or the shape of an array is not that of the stored state.
    """
    target, staging = _folders(path, group)
    _settle(target, staging)
    known = _attributes(target)
    _check_grid(target, known, arrays, attrs)
    old = known.get(_DIGESTS, {})
    digests = {name: _digests(array) for name, array in sorted(arrays.items())}
    attributes = {**attrs, _DIGESTS: digests}
    if known == attributes:
        return 0
    _ensure_root(path)
    staged = zarr.create_group(LocalStore(staging), attributes=attributes)
    written = 0
    for name, array in sorted(arrays.items()):
        changed = [
            key
            for key, value in digests[name].items()
            if old.get(name, {}).get(key) != value
        ]
        if changed:
            _write_chunks(staged, name, array, changed)
        written += len(changed)
    for file in _files(staging):
        _flush(file)
    write_text(staging / _MARKER, "")
    _settle(target, staging)
    return written


def load_state(
    path: Path, group: str
) -> tuple[dict[str, NDArray[Any]], dict[str, object]] | None:
    """Read the state of a tile.

    Parameters
    ----------
    path, group
        As saved.

    Returns
    -------
    tuple or None
        Arrays by name and the attributes; ``None`` where nothing was saved yet.

    Raises
    ------
    DataError
        If a file is damaged, missing or changed by another hand.
    """
    target, staging = _folders(path, group)
    _settle(target, staging)
    if not target.exists():
        return None
    attributes = _attributes(target)
    digests = attributes.pop(_DIGESTS, None)
    if not isinstance(digests, dict):
        raise DataError(target, "its attributes name no chunks", _REMEDY)
    arrays: dict[str, NDArray[Any]] = {}
    with _damage(target):
        stored = zarr.open_group(LocalStore(target, read_only=True), mode="r")
        for name in digests:
            member = stored[name]
            if not isinstance(member, zarr.Array):
                raise DataError(target / name, "it is not an array", _REMEDY)
            arrays[name] = np.asarray(member[...])
    for name, array in arrays.items():
        if _digests(array) != digests[name]:
            raise DataError(target / name, "its content is not what was saved", _REMEDY)
    return arrays, attributes


def _folders(path: Path, group: str) -> tuple[Path, Path]:
    if not group or group.startswith(".") or set(group) & set('/\\:*?"<>|\0'):
        raise DataError(path, f"{group!r} cannot name a tile", "use its MGRS name")
    return path / group, path.with_name(f".{path.name}.{group}.next")


def _settle(target: Path, staging: Path) -> None:
    """Finish or forget a save that was cut short."""
    if not staging.exists():
        return
    if (staging / _MARKER).exists():
        for file in _files(staging):
            place = target / file.relative_to(staging)
            place.parent.mkdir(parents=True, exist_ok=True)
            file.replace(place)
        _flush(target)
        (staging / _MARKER).unlink()
    shutil.rmtree(staging)


def _files(staging: Path) -> list[Path]:
    """Everything staged but the marker, the group's attributes last."""
    head = staging / "zarr.json"
    files = (f for f in staging.rglob("*") if f.is_file() and f.name != _MARKER)
    return sorted(files, key=lambda f: (f == head, f))


def _attributes(target: Path) -> dict[str, Any]:
    if not (target / "zarr.json").exists():
        return {}
    with _damage(target):
        stored = zarr.open_group(LocalStore(target, read_only=True), mode="r")
        return stored.attrs.asdict()


def _check_grid(
    target: Path, known: Mapping[str, Any], arrays: Arrays, attrs: Mapping[str, object]
) -> None:
    shapes = {array.shape[-2:] for array in arrays.values()}
    if len(shapes) != 1:
        raise DataError(target, f"arrays of {sorted(shapes)}", "save one grid a tile")
    if not known:
        return
    for key in _GRID:
        if known.get(key) != attrs.get(key):
            raise DataError(
                target,
                f"{key} is {known.get(key)!r} there and {attrs.get(key)!r} here",
                f"restore the tile's grid, or {_REMEDY}",
            )
    with _damage(target):
        stored = zarr.open_group(LocalStore(target, read_only=True), mode="r")
        members = dict(stored.arrays())
    for name, array in arrays.items():
        there = members.get(name)
        if there is None or (there.shape, there.dtype) != (array.shape, array.dtype):
            found = "missing" if there is None else f"{there.dtype}{there.shape}"
            raise DataError(
                target / name,
                f"it is {found} there and {array.dtype}{array.shape} here",
                _REMEDY,
            )


def _chunks(array: NDArray[Any]) -> Iterator[tuple[str, tuple[slice, slice]]]:
    height, width = array.shape[-2:]
    for row in range(0, height, CHUNK):
        for column in range(0, width, CHUNK):
            window = slice(row, row + CHUNK), slice(column, column + CHUNK)
            yield f"{row // CHUNK}/{column // CHUNK}", window


def _digests(array: NDArray[Any]) -> dict[str, str]:
    return {
        key: hashlib.blake2b(
            np.ascontiguousarray(array[..., rows, columns]).view(np.uint8).data,
            digest_size=8,
        ).hexdigest()
        for key, (rows, columns) in _chunks(array)
    }


def _write_chunks(
    staged: zarr.Group, name: str, array: NDArray[Any], changed: list[str]
) -> None:
    place = staged.create_array(
        name,
        shape=array.shape,
        dtype=array.dtype,
        chunks=(*array.shape[:-2], *(min(CHUNK, n) for n in array.shape[-2:])),
        # Shuffled bytes: neighbours of one date and band differ in the low byte.
        compressors=BloscCodec(cname="zstd", clevel=1, shuffle="shuffle"),
        fill_value=0,
        # A chunk that became all zero must overwrite the old file.
        config={"write_empty_chunks": True},
    )
    for key, window in _chunks(array):
        if key in changed:
            place[(..., *window)] = array[(..., *window)]


def _ensure_root(path: Path) -> None:
    """Make the store a Zarr group.

    Tiles that are learned together begin together, and zarr's own "open or
    create" fails for the second of them. The metadata of an empty group is one
    constant, so whoever comes last writes the same bytes.
    """
    root = path / "zarr.json"
    if not root.exists():
        write_text(root, json.dumps(_EMPTY_GROUP))


@contextmanager
def _damage(target: Path) -> Iterator[None]:
    try:
        yield
    except _DAMAGE as error:
        raise DataError(target, f"unreadable ({error})", _REMEDY) from error


def _flush(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
