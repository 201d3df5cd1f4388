"""From any path to the granules it holds."""

import logging
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from agroforest.catalog.checksum import Progress, add_checksums
from agroforest.catalog.local import LocalCatalog
from agroforest.catalog.theia import is_theia, read_theia
from agroforest.core.errors import DataError
from agroforest.core.scene import Granule

_log = logging.getLogger(__name__)
#: Folders within folders are searched this deep; arbitrary, stops link loops.
_DEPTH = 5
#: Products written to the catalogue at a time; arbitrary.
_BATCH = 64
_KNOWN = (
    "give a Theia L2A, Sentinel-2 SAFE or Landsat Collection 2 folder, "
    "a STAC item or catalogue, or a folder of those"
)

Reader = Callable[[Path], list[Granule]]
_FORMATS: tuple[tuple[Callable[[Path], bool], Reader], ...] = (
    (is_theia, lambda path: [read_theia(path)]),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Product:
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

    One bad product never stops the others.

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
    refused: list[DataError] = []
    products: list[Product] = []
    for path in paths:
        try:
            products += find_products(path)
        except DataError as error:
            refused.append(error)
    added = known = 0
    batch: list[Granule] = []
    for done, product in enumerate(products, start=1):
        try:
            batch += [add_checksums(granule) for granule in product.read()]
        except DataError as error:
            _log.warning("%s", error)
            refused.append(error)
        if len(batch) >= _BATCH or done == len(products):
            new, old = catalog.add(batch)
            added, known = added + new, known + old
            batch = []
        if progress is not None:
            progress(done, len(products), product.path.name)
    return AddReport(added=added, known=known, refused=tuple(refused))


def find_products(path: Path) -> list[Product]:
    """Products at `path`, not yet read.

    Raises
    ------
    DataError
        If there is none.
    """
    if not path.exists():
        raise DataError(path, "no such file or folder", _KNOWN)
    products = list(_products(path.resolve(), depth=_DEPTH))
    if not products:
        kind = "folder without a product" if path.is_dir() else "not a product"
        raise DataError(path, kind, _KNOWN)
    return products


def _products(path: Path, *, depth: int) -> Iterator[Product]:
    reader = _reader(path)
    if reader is not None:
        yield Product(path=path, reader=reader)
    elif path.is_dir() and depth > 0:
        for child in sorted(path.iterdir()):
            yield from _products(child, depth=depth - 1)


def _reader(path: Path) -> Reader | None:
    for recognised, reader in _FORMATS:
        if recognised(path):
            return reader
    return None
