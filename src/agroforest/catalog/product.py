"""A product as its metadata describe it, before any pixel file is looked at."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from shapely.geometry.base import BaseGeometry

from agroforest.catalog.header import Header, read_header
from agroforest.catalog.outline import outline_box
from agroforest.catalog.scaling import Scaling
from agroforest.core.errors import DataError
from agroforest.core.scene import Asset, Granule, MaskKind

_log = logging.getLogger(__name__)

#: File endings of pixel files whose metadata leave the ending out.
ENDINGS = (".jp2", ".tif", ".tiff", ".TIF", ".JP2", ".j2k")
_WHOLE = "deliver the product whole"


@dataclass(frozen=True, kw_only=True, slots=True)
class Product:
    """What the metadata of one granule say.

    Attributes
    ----------
    id, collection, platform, place, sensed, baseline, generated, cloud_cover
        As in `Granule`.
    crs
        Authority code, where the metadata state one.
    footprint
        Outline in WGS84, where the metadata state one.
    files
        For each band the names of its files, finest first, relative to the
        product folder; the ending may be missing.
    mask_files
        The same for the mask.
    mask_kind
        Its convention.
    scalings
        For each band.
    """

    id: str
    collection: str
    platform: str
    place: str
    sensed: datetime
    baseline: str
    generated: datetime | None
    cloud_cover: float | None
    crs: str | None
    footprint: BaseGeometry | None
    files: Mapping[str, tuple[str, ...]]
    mask_files: tuple[str, ...]
    mask_kind: MaskKind
    scalings: Mapping[str, Scaling]


def build_granule(product: Product, folder: Path) -> Granule:
    """Granule of a product whose files lie in `folder`.

    Raises
    ------
    DataError
        If no band or no mask is there, or a file is damaged or lies in another
        CRS than the metadata say.
    """
    wanted = {name: files for name, files in product.files.items() if files}
    found = {name: _first(folder, files) for name, files in wanted.items()}
    paths = {name: path for name, path in found.items() if path is not None}
    if not paths:
        first = _expected(folder, next(iter(wanted.values()), ("pixel files",)))
        raise DataError(first, "no such file, nor one of any other band", _WHOLE)
    for name in sorted(wanted.keys() - paths.keys()):
        _log.warning("%s: no such file; %s left out", folder / wanted[name][0], name)
    mask = _first(folder, product.mask_files)
    if mask is None:
        first = _expected(folder, product.mask_files or (product.mask_kind.value,))
        raise DataError(first, "no such file: the mask is missing", _WHOLE)
    headers = {name: read_header(path) for name, path in paths.items()}
    mask_header = read_header(mask)
    crs = _one_crs(folder, [*headers.values(), mask_header], product.crs)
    footprint = product.footprint
    if footprint is None:
        footprint = outline_box(crs, mask_header.bounds, where=folder)
    return Granule(
        id=product.id,
        collection=product.collection,
        platform=product.platform,
        place=product.place,
        sensed=product.sensed,
        baseline=product.baseline,
        generated=product.generated,
        cloud_cover=product.cloud_cover,
        crs=crs,
        footprint=footprint,
        bands={
            name: Asset(
                href=str(paths[name]),
                scale=product.scalings[name].scale,
                offset=product.scalings[name].offset,
                nodata=product.scalings[name].nodata,
                resolution=headers[name].resolution,
            )
            for name in sorted(paths)
        },
        mask=Asset(href=str(mask), resolution=mask_header.resolution),
        mask_kind=product.mask_kind,
    )


def norm_instant(text: str, *, where: object) -> datetime:
    """UTC moment of an ISO 8601 text; products that name no zone mean UTC.

    Raises
    ------
    DataError
        If `text` is no moment.
    """
    try:
        moment = datetime.fromisoformat(text.strip())
        return moment.replace(tzinfo=moment.tzinfo or UTC).astimezone(UTC)
    except (ValueError, OverflowError) as error:  # UTC has years 1 to 9999, too
        raise DataError(
            where, f"time {text[:40]!r}", "write times as YYYY-MM-DDTHH:MM:SSZ"
        ) from error


def norm_percent(text: object, *, where: object) -> float | None:
    """Cloud cover; None where the producer could not tell (-1 in Landsat).

    Raises
    ------
    DataError
        If it is not a number of percent.
    """
    if text is None:
        return None
    try:
        cover = float(str(text))
    except ValueError:
        cover = float("nan")
    if -1 <= cover < 0:
        return None
    if not 0 <= cover <= 100:
        raise DataError(where, f"cloud cover {text!r}", "state percent, 0 to 100")
    return cover


def _first(folder: Path, names: tuple[str, ...]) -> Path | None:
    for name in names:
        path = find_file(folder, name)
        if path is not None:
            return path
    return None


def _expected(folder: Path, names: tuple[str, ...]) -> Path:
    path = folder / names[0]
    return path if path.suffix else path.with_suffix(ENDINGS[0])


def find_file(folder: Path, name: str) -> Path | None:
    """File `name` of a product, with its ending or any of `ENDINGS`."""
    for candidate in (name, *(name + ending for ending in ENDINGS)):
        path = folder / candidate
        try:
            if path.is_file() and path.resolve().is_relative_to(folder.resolve()):
                return path
        except (OSError, ValueError):  # no name of a file: too long, a zero byte
            return None
    return None


def _one_crs(folder: Path, headers: list[Header], stated: str | None) -> str:
    codes = {header.crs for header in headers}
    if len(codes) > 1:
        raise DataError(
            folder,
            f"bands in {' and '.join(sorted(codes))}",
            "bring them to one coordinate reference system",
        )
    code = codes.pop()
    if stated is not None and stated != code:
        raise DataError(
            folder, f"files in {code}, metadata say {stated}", "deliver it again"
        )
    return code
