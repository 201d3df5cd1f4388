"""Theia (MAJA) level-2A folders of Sentinel-2.

The format is described in the Theia product description for MUSCATE level 2A,
https://labo.obs-mip.fr/multitemp/sentinel-2/theias-sentinel-2-l2a-product-format/
"""

import re
from datetime import UTC, datetime
from pathlib import Path

from agroforest.catalog.header import Header, read_header
from agroforest.catalog.outline import outline_box
from agroforest.core.errors import DataError
from agroforest.core.scene import Asset, Granule, MaskKind

COLLECTION = "sentinel-2-l2a-theia"
NAME = re.compile(
    r"SENTINEL2(?P<unit>[A-D])_(?P<day>\d{8})-(?P<time>\d{6})-(?P<ms>\d{3})"
    r"_L2A_T(?P<tile>\d{2}[A-Z]{3})_[A-Z]_V(?P<version>\d+-\d+)"
)
#: Flat-reflectance bands by ours; FRE is corrected for slope, SRE is not.
BANDS = {
    "B02": "B2",
    "B03": "B3",
    "B04": "B4",
    "B05": "B5",
    "B06": "B6",
    "B07": "B7",
    "B08": "B8",
    "B8A": "B8A",
    "B11": "B11",
    "B12": "B12",
}
QUANTIFICATION = 10_000.0
#: -10000 is the format's nodata; zeros fill the margin of cut-out products.
NODATA = (-10_000, 0)


def is_theia(folder: Path) -> bool:
    """Whether the folder's name is that of a Theia level-2A product."""
    return folder.is_dir() and NAME.fullmatch(folder.name) is not None


def read_theia(folder: Path) -> Granule:
    """Read a Theia product folder.

    Raises
    ------
    DataError
        If bands or the cloud mask are missing, damaged or without a CRS.
    """
    match = NAME.fullmatch(folder.name)
    if match is None:
        raise DataError(
            folder, "not named like a Theia product", "keep the producer's folder name"
        )
    files = {ours: _band_file(folder, theirs) for ours, theirs in BANDS.items()}
    headers = {name: read_header(path) for name, path in files.items() if path}
    if not headers:
        missing = folder / f"{folder.name}_FRE_B2.tif"
        raise DataError(missing, "no such file, nor any other band", "deliver it whole")
    mask = _mask_file(folder)
    mask_header = read_header(mask)
    crs = _one_crs(folder, [*headers.values(), mask_header])
    first = next(iter(headers.values()))
    return Granule(
        id=folder.name,
        collection=COLLECTION,
        platform=f"sentinel-2{match['unit'].lower()}",
        place=match["tile"],
        sensed=_moment(match),
        baseline=match["version"].replace("-", "."),
        crs=crs,
        footprint=outline_box(crs, first.bounds, where=folder),
        bands={
            name: Asset(
                href=str(files[name]),
                scale=1 / QUANTIFICATION,
                nodata=NODATA,
                resolution=header.resolution,
            )
            for name, header in headers.items()
        },
        mask=Asset(href=str(mask), resolution=mask_header.resolution),
        mask_kind=MaskKind.CLM,
    )


def _moment(match: re.Match[str]) -> datetime:
    text = f"{match['day']}{match['time']}{match['ms']}000"
    return datetime.strptime(text, "%Y%m%d%H%M%S%f").replace(tzinfo=UTC)


def _band_file(folder: Path, band: str) -> Path | None:
    for kind in ("FRE", "SRE"):
        path = folder.absolute() / f"{folder.name}_{kind}_{band}.tif"
        if path.exists():
            return path
    return None


def _mask_file(folder: Path) -> Path:
    # MAJA finds clouds on a coarse grid: 20 m say no less than 10 m.
    for resolution in ("R2", "R1"):
        path = folder.absolute() / "MASKS" / f"{folder.name}_CLM_{resolution}.tif"
        if path.exists():
            return path
    raise DataError(
        folder / "MASKS" / f"{folder.name}_CLM_R2.tif",
        "no such file: the cloud mask is missing",
        "deliver the product whole",
    )


def _one_crs(folder: Path, headers: list[Header]) -> str:
    codes = {header.crs for header in headers}
    if len(codes) > 1:
        raise DataError(
            folder, f"bands in {' and '.join(sorted(codes))}", "deliver it again"
        )
    return codes.pop()
