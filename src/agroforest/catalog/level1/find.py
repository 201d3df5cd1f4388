"""From a path to the level-1 images it holds, or the reason why there is none."""

import json
from pathlib import Path

from agroforest.catalog import landsat as landsat2
from agroforest.catalog import safe
from agroforest.catalog.level1 import landsat, sentinel2
from agroforest.catalog.level1.declared import NAMES, read_declared
from agroforest.catalog.level1.record import Level1Scene
from agroforest.catalog.theia import is_theia
from agroforest.core.errors import DataError

_ARCHIVES = (".zip", ".tar", ".gz", ".tgz", ".7z")
_STACKS = (".tif", ".tiff")
_KNOWN = (
    "give a Sentinel-2 L1C folder, a Landsat 8 or 9 L1TP folder, or bands with a "
    "toa.toml (docs/fire-hotspots.md)"
)


def find_level1(path: Path) -> list[Level1Scene]:
    """Read the images at the top of the atmosphere at a path.

    Parameters
    ----------
    path
        A Sentinel-2 L1C SAFE folder, a Landsat 8 or 9 level-1 folder, the metadata file
        of one, a folder of bands with a ``toa.toml`` or ``toa.json``, such a file of
        any name, or a GeoTIFF with one of its own name beside it.

    Returns
    -------
    list of Level1Scene
        One, but for old SAFE folders of several tiles and folders of several Landsat
        products.

    Raises
    ------
    DataError
        Nothing of the kind is there, it is damaged, or it is surface reflectance.
    """
    if not path.exists():
        raise DataError(path, "no such file or folder", _KNOWN)
    if path.is_dir():
        return _folder(path)
    if path.suffix.lower() in _ARCHIVES:
        raise DataError(path, f"is a {path.suffix} archive", "unpack it first")
    if sentinel2.is_metadata(path):
        return sentinel2.read_l1c(path)
    if safe.is_metadata(path):
        raise _surface(path, "give the level-1C product of the same day")
    if landsat2.is_landsat(path):
        return [landsat.read_l1(path)]
    if path.suffix.lower() in _STACKS:
        return [read_declared(_beside(path))]
    if path.suffix == ".toml" or (path.suffix == ".json" and not _is_geojson(path)):
        return [read_declared(path)]
    raise DataError(path, "is no level-1 product", _KNOWN)


def _folder(folder: Path) -> list[Level1Scene]:
    metadata = sentinel2.find_metadata(folder)
    if metadata is not None:
        return sentinel2.read_l1c(metadata)
    level2 = safe.find_metadata(folder)
    if level2 is not None:
        raise _surface(level2, "give the level-1C product of the same day")
    if is_theia(folder):
        raise _surface(folder, "give the level-1C product of the same day")
    mtl = landsat2.find_metadata(folder)
    if mtl:
        return [landsat.read_l1(path) for path in mtl]
    for name in NAMES:
        if (folder / name).is_file():
            return [read_declared(folder / name)]
    raise DataError(folder, "folder without a level-1 product", _KNOWN)


def _surface(path: Path, remedy: str) -> DataError:
    return DataError(
        path,
        "holds surface reflectance (level 2A); fire rules need that at the top of the "
        "atmosphere",
        remedy,
    )


def _beside(stack: Path) -> Path:
    for ending in (".toml", ".json"):
        path = stack.with_suffix(ending)
        if path.is_file():
            return path
    raise DataError(
        stack,
        "nothing says what its bands are",
        f"write {stack.stem}.toml beside it (docs/fire-hotspots.md)",
    )


def _is_geojson(path: Path) -> bool:
    """Whether a JSON file is a STAC item, collection or other GeoJSON."""
    try:
        said = json.loads(path.read_bytes()[:10_000_000])
    except (OSError, ValueError, RecursionError):
        return False  # what is wrong is said by whoever reads it
    return isinstance(said, dict) and "type" in said
