"""From any path to the granules it holds."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from agroforest.catalog import landsat, safe
from agroforest.catalog.checksum import Progress, add_checksums
from agroforest.catalog.local import LocalCatalog
from agroforest.catalog.refusals import Refusals
from agroforest.catalog.stac_files import find_items, is_stac, read_items
from agroforest.catalog.theia import is_theia, read_theia
from agroforest.core.errors import DataError
from agroforest.core.scene import Granule

#: Folders within folders are searched this deep; arbitrary, stops link loops.
_DEPTH = 5
_ARCHIVES = {".zip", ".tar", ".gz", ".tgz", ".7z"}
#: Products written to the catalogue at a time; arbitrary.
_BATCH = 64
_KNOWN = (
    "give a Theia L2A, Sentinel-2 SAFE or Landsat Collection 2 folder, "
    "a STAC item or catalogue, or a folder of those"
)

Reader = Callable[[Path], list[Granule]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Candidate:
    """Something recognised, to be read later.

    Attributes
    ----------
    path
        Its folder or file.
    reader
        Reads it.
    """

    path: Path
    reader: Reader

    def read(self) -> list[Granule]:
        """Granules of the product; `DataError` if it is damaged."""
        return self.reader(self.path)


@dataclass(frozen=True, kw_only=True, slots=True)
class AddReport:
    """What became of the paths given to `add_scenes`.

    Attributes
    ----------
    added
        Granules written to the catalogue.
    known
        Granules that were there already, unchanged.
    refused
        One error a product that could not be used.
    """

    added: int
    known: int
    refused: tuple[DataError, ...]


def recognise(path: Path) -> list[Granule]:
    """Read the product, or the products of the folder, at `path`.

    Parameters
    ----------
    path
        A product folder, a folder of products, or a metadata or STAC file.

    Returns
    -------
    list of Granule
        Without checksums.

    Raises
    ------
    DataError
        If nothing is recognised or any product is damaged.
    """
    granules: list[Granule] = []
    for product in find_products(path):
        granules += product.read()
    return granules


def add_scenes(
    paths: Iterable[Path],
    catalog: LocalCatalog,
    *,
    progress: Progress | None = None,
) -> AddReport:
    """Read products, take their checksums and put them into the catalogue.

    One bad product never stops the others; it stands in the catalogue's
    `Refusals` until it is added again and found good.

    Parameters
    ----------
    paths
        As for `recognise`.
    catalog
        Where to put them.
    progress
        Called with products done, products in all and the name of the last.

    Returns
    -------
    AddReport
        The order of `refused` is that of the paths.
    """
    found = [entry for path in paths for entry in _found(path)]
    refused: list[DataError] = []
    added = known = 0
    batch: list[Granule] = []
    for done, entry in enumerate(found, start=1):
        try:
            batch += [_with_checksums(g, catalog) for g in entry.read()]
        except DataError as error:
            refused.append(error)
        if len(batch) >= _BATCH or done == len(found):
            new, old = catalog.add(batch)
            added, known = added + new, known + old
            batch = []
        if progress is not None:
            progress(done, len(found), entry.path.name)
    Refusals(root=catalog.root).update([entry.path for entry in found], refused)
    return AddReport(added=added, known=known, refused=tuple(refused))


def _found(path: Path) -> list[Candidate]:
    """Products at `path`, or one whose reading says why there is none."""
    try:
        return find_products(path)
    except DataError as error:
        return [Candidate(path=path, reader=partial(_refuse, error))]


def _refuse(error: DataError, path: Path) -> list[Granule]:
    del path
    raise error


def _with_checksums(granule: Granule, catalog: LocalCatalog) -> Granule:
    stored, since = catalog.find_stored(granule)
    return add_checksums(granule, stored=stored, since=since)


def find_products(path: Path) -> list[Candidate]:
    """Products at `path`, not yet read.

    Raises
    ------
    DataError
        If there is none.
    """
    if not path.exists():
        raise DataError(path, "no such file or folder", _KNOWN)
    if path.suffix.lower() in _ARCHIVES:
        raise DataError(path, f"is a {path.suffix} archive", "unpack it first")
    candidates = list(_candidates(path.resolve(), depth=_DEPTH))
    if not candidates:
        kind = "folder without a product" if path.is_dir() else "not a product"
        raise DataError(path, kind, _KNOWN)
    return candidates


def _candidates(path: Path, *, depth: int) -> Iterator[Candidate]:
    if is_theia(path):
        yield Candidate(path=path, reader=lambda p: [read_theia(p)])
    elif safe.find_metadata(path) or path.name.endswith(".SAFE"):
        yield Candidate(path=path, reader=safe.read_safe)
    elif path.is_file():
        yield from _file(path)
    elif is_stac(path):
        for item in find_items(path):
            yield Candidate(path=item, reader=read_items)
    elif path.is_dir() and depth > 0:
        yield from _folder(path, depth=depth)


def _folder(folder: Path, *, depth: int) -> Iterator[Candidate]:
    landsat_files = landsat.find_metadata(folder)
    for path in landsat_files:
        yield Candidate(path=path, reader=_read_landsat)
    for child in sorted(folder.iterdir()):
        # A Landsat product brings other descriptions of itself along.
        if not landsat_files or child.is_dir():
            yield from _candidates(child, depth=depth - 1)


def _file(path: Path) -> Iterator[Candidate]:
    if safe.is_metadata(path):
        yield Candidate(path=path.parent, reader=safe.read_safe)
    elif landsat.is_landsat(path):
        yield Candidate(path=path, reader=_read_landsat)
    elif is_theia(path.parent) and path.name.endswith("_MTD_ALL.xml"):
        yield from _candidates(path.parent, depth=0)
    elif is_stac(path):
        for item in find_items(path):
            yield Candidate(path=item, reader=read_items)


def _read_landsat(path: Path) -> list[Granule]:
    return [landsat.read_landsat(path)]
