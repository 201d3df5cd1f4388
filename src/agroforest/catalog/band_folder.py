"""A folder of single-band GeoTIFFs, named by band: the least a scene can be."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from agroforest.catalog.bandnames import find_band, find_mask
from agroforest.catalog.header import Header, read_header
from agroforest.catalog.outline import outline_box
from agroforest.core.errors import DataError
from agroforest.core.scene import Asset, Granule, MaskKind

#: Collection of such scenes; the catalogue of nights never holds one.
COLLECTION = "band-folder"
_SUFFIXES = {".tif", ".tiff", ".jp2"}
_DATE = re.compile(r"(?<!\d)(20\d{6})(?:T(\d{6}))?(?!\d)")
# As Sentinel-2 L2A was before processing baseline 04.00 and as most catalogues
# that correct it serve it: reflectance x 10000, and 0 for nodata.
_SCALE, _OFFSET, _NODATA = 1e-4, 0.0, 0
_BASELINE = re.compile(r"_N0[4-9]\d\d_")


def read_band_folder(
    folder: Path, *, scale: float | None = None, offset: float | None = None
) -> tuple[Granule, tuple[str, ...]]:
    """Read a folder of files such as ``B04.tif``, ``x_B11_20m.tif``, ``SCL.tif``.

    Parameters
    ----------
    folder
        Only the files in it count, not those of folders within.
    scale, offset
        ``reflectance = number * scale + offset``; otherwise what the files
        state, otherwise 0.0001 and 0 for integers and 1 and 0 for floats.

    Returns
    -------
    Granule
        Without checksums. Where there is no mask, all pixels count as clear.
    tuple of str
        What was assumed, one sentence each, for the user to see.

    Raises
    ------
    DataError
        If there is no band, files lie in different CRSs, a file is damaged, or
        the names say that the numbers carry an offset which nothing states.
    """
    found = dict(_finest(folder))
    masks = [kind for kind in found if isinstance(kind, MaskKind)]
    bands = {name: file for name, file in found.items() if name not in masks}
    if not bands:
        raise DataError(
            folder, "holds no file named by band", "name them B04.tif, B08.tif, SCL.tif"
        )
    notes: list[str] = []
    first_path, first = next(iter(bands.values()))
    for path, header in found.values():
        if header.crs != first.crs:
            raise DataError(
                path,
                f"is in {header.crs}, {first_path.name} in {first.crs}",
                "give one product a folder",
            )
    assets = {
        name: _asset(path, header, scale=scale, offset=offset, notes=notes)
        for name, (path, header) in sorted(bands.items())
    }
    if masks:
        path, header = found[masks[0]]
        mask = Asset(href=str(path), resolution=header.resolution)
    else:
        mask = assets[min(assets)].patch(scale=1.0, offset=0.0, nodata=())
        notes.append("no mask (SCL, CLM or QA_PIXEL): cloud is not left out")
    granule = Granule(
        id=folder.name,
        collection=COLLECTION,
        platform="unknown",
        place="",
        sensed=_sensed(folder, first_path, notes),
        baseline="",
        crs=first.crs,
        footprint=outline_box(first.crs, first.bounds, where=folder),
        bands=assets,
        mask=mask,
        mask_kind=masks[0] if masks else MaskKind.NONE,
    )
    return granule, tuple(dict.fromkeys(notes))


def _finest(folder: Path) -> Iterator[tuple[str | MaskKind, tuple[Path, Header]]]:
    """Bands and masks in order, the finest file of each."""
    files: dict[str | MaskKind, list[tuple[Path, Header]]] = {}
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() in _SUFFIXES and path.is_file():
            name = _name(path.stem)
            if name is not None:
                files.setdefault(name, []).append((path, read_header(path)))
    for name, choices in files.items():
        yield name, min(choices, key=lambda choice: choice[1].resolution)


def _name(stem: str) -> str | MaskKind | None:
    """Band or mask that a file name ends in: ``B8A``, ``B04_10m``, ``red``."""
    parts = stem.split("_")
    for key in ("_".join(parts[-2:]), parts[-1]):
        name = find_mask(key) or find_band(key, {}, (), "sentinel-2")
        if name is not None:
            return name
    return None


def _asset(
    path: Path,
    header: Header,
    *,
    scale: float | None,
    offset: float | None,
    notes: list[str],
) -> Asset:
    stated = (header.scale, header.offset) != (1.0, 0.0)
    integers = not header.dtype.startswith("float")
    default = (header.scale, header.offset) if stated else (1.0, 0.0)
    if integers and not stated:
        default = (_SCALE, _OFFSET)
        if scale is None and offset is None:
            _refuse_hidden_offset(path)
            notes.append("no scale in the files: taken as reflectance x 10000")
    return Asset(
        href=str(path),
        scale=default[0] if scale is None else scale,
        offset=default[1] if offset is None else offset,
        nodata=(_NODATA,) if integers and header.nodata is None else (),
        resolution=header.resolution,
    )


def _refuse_hidden_offset(path: Path) -> None:
    if _BASELINE.search(path.name) or _BASELINE.search(path.parent.name):
        raise DataError(
            path,
            "its baseline stores reflectance with an offset, which no file states",
            "give --offset -0.1, or --offset 0 if it has been taken out",
        )


def _sensed(folder: Path, path: Path, notes: list[str]) -> datetime:
    for text in (path.name, folder.name):
        match = _DATE.search(text)
        if match:
            try:
                return datetime.strptime(
                    f"{match[1]}{match[2] or '000000'}+0000", "%Y%m%d%H%M%S%z"
                ).astimezone(UTC)
            except ValueError:  # digits that are no date
                continue
    notes.append("no date in the names: the date of the file is taken")
    return datetime.fromtimestamp(int(path.stat().st_mtime), UTC)
