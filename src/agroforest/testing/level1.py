"""Simulated level-1 deliveries: Sentinel-2 L1C and Landsat L1TP product folders."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from numpy.typing import NDArray

from agroforest.catalog.landsat import OLI
from agroforest.catalog.level1 import BANDS
from agroforest.catalog.safe_xml import BAND_IDS
from agroforest.core.files import write_text
from agroforest.core.grid import Grid
from agroforest.testing.fields import Floats

#: Reflectance at the top of the atmosphere, in the order of `BANDS`: coastal, blue,
#: green, red, near infrared, 1.6 and 2.2 um. Invented, of the size of real ones.
FOREST = (0.13, 0.10, 0.09, 0.06, 0.30, 0.16, 0.08)
FLAME = (0.14, 0.12, 0.12, 0.16, 0.28, 0.60, 1.10)
EMBERS = (0.13, 0.10, 0.09, 0.08, 0.20, 0.24, 0.40)
CLOUD = (0.62, 0.60, 0.60, 0.62, 0.66, 0.52, 0.40)
SEA = (0.13, 0.10, 0.07, 0.04, 0.03, 0.02, 0.01)
GLINT = (0.60, 0.60, 0.61, 0.62, 0.63, 0.62, 0.60)
#: Bright metal, not hot: reflects as much at 2.2 um as at 1.6.
ROOF = (0.40, 0.42, 0.45, 0.48, 0.52, 0.60, 0.62)

_METRES = {"B01": 60, "B02": 10, "B03": 10, "B04": 10}
_SATURATED = 65_535
_SENSED = datetime(2024, 3, 1, 3, 5, 41, tzinfo=UTC)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Level1:
    """What an image shows, and how it is packed.

    Attributes
    ----------
    grid
        Pixels of 20 m (Sentinel-2; whole multiples of three) or 30 m (Landsat), UTM.
    bands
        ``(band, y, x)`` in the order of `BANDS`: reflectance at the top of the
        atmosphere, corrected for the sun; NaN becomes nodata.
    sensed
        UTC.
    sun_elevation
        Degrees.
    saturated, lost
        ``(y, x)`` bool: flagged in the masks of quality; no masks without the first.
        Landsat has none for what was lost.
    baseline
        Processing baseline of Sentinel-2; from 04.00 on numbers carry an offset.
    satellite
        ``A`` to ``D``, or ``8`` and ``9``.
    ending
        Of Sentinel-2 files: ``.tif`` or ``.jp2``.
    """

    grid: Grid
    bands: Floats = field(repr=False)
    sensed: datetime = _SENSED
    sun_elevation: float = 50.0
    saturated: NDArray[np.bool_] | None = field(default=None, repr=False)
    lost: NDArray[np.bool_] | None = field(default=None, repr=False)
    baseline: str = "05.10"
    satellite: str = "A"
    ending: str = ".tif"


def paint(
    shape: tuple[int, int],
    ground: tuple[float, ...],
    *patches: tuple[tuple[int, int, int, int], tuple[float, ...]],
) -> Floats:
    """One ground with patches of other spectra, ``(band, y, x)``.

    A patch is its first row and column, its rows and columns, and its spectrum.
    """
    bands = np.empty((len(BANDS), *shape), np.float32)
    bands[:] = np.array(ground, np.float32)[:, None, None]
    for (row, column, rows, columns), spectrum in patches:
        spot = bands[:, row : row + rows, column : column + columns]
        spot[:] = np.array(spectrum, np.float32)[:, None, None]
    return bands


def write_l1c(folder: Path, made: Level1, *, tile: str = "49QBF") -> Path:
    """Write a Sentinel-2 L1C SAFE folder; its path is returned."""
    number = made.baseline.replace(".", "")
    sensed = f"{made.sensed:%Y%m%dT%H%M%S}"
    name = f"S2{made.satellite}_MSIL1C_{sensed}_N{number}_R018_T{tile}_{sensed}"
    safe, granule = folder / f"{name}.SAFE", f"GRANULE/L1C_T{tile}_A045000_{sensed}"
    offset = -1000 if made.baseline >= "04.00" else 0
    images = {}
    for band, values in zip(BANDS, made.bands, strict=True):
        images[band] = f"{granule}/IMG_DATA/T{tile}_{sensed}_{band}"
        sized = _resize(values, 20, _METRES.get(band, 20))
        stored = _store(sized, scale=1e-4, offset=offset / 1e4)
        _write(safe / f"{images[band]}{made.ending}", stored[None], made.grid)
    if made.saturated is not None:
        layers = np.zeros((8, *made.grid.shape), np.uint8)
        layers[7] = made.saturated
        layers[3] = False if made.lost is None else made.lost
        for band in ("B8A", "B11", "B12"):
            path = safe / f"{granule}/QI_DATA/MSK_QUALIT_{band}{made.ending}"
            _write(path, layers, made.grid)
    write_text(safe / "MTD_MSIL1C.xml", _product_xml(name, made, images, offset))
    write_text(safe / granule / "MTD_TL.xml", _tile_xml(made, granule))
    return safe


def write_l1tp(folder: Path, made: Level1) -> Path:
    """Write a Landsat 8 or 9 L1TP folder; its path is returned."""
    day = f"{made.sensed:%Y%m%d}"
    name = f"LC0{made.satellite}_L1TP_125044_{day}_{day}_02_T1"
    sine = math.sin(math.radians(made.sun_elevation))
    files = {}
    for band, values in zip(BANDS, made.bands, strict=True):
        number = next(n for n, b in OLI.items() if b == band)
        files[number] = f"{name}_B{number}.TIF"
        stored = _store(values * sine, scale=2e-5, offset=-0.1)
        _write(folder / name / files[number], stored[None], made.grid)
    radsat = f"{name}_QA_RADSAT.TIF"
    if made.saturated is not None:
        bits = np.where(made.saturated, 1 << 6, 0).astype(np.uint16)
        _write(folder / name / radsat, bits[None], made.grid)
    groups = {
        "PRODUCT_CONTENTS": {
            "LANDSAT_PRODUCT_ID": name,
            "PROCESSING_LEVEL": "L1TP",
            "COLLECTION_NUMBER": "02",
            "FILE_NAME_QUALITY_L1_RADIOMETRIC_SATURATION": radsat,
            **{f"FILE_NAME_BAND_{n}": file for n, file in files.items()},
        },
        "IMAGE_ATTRIBUTES": {
            "SPACECRAFT_ID": f"LANDSAT_{made.satellite}",
            "DATE_ACQUIRED": made.sensed.date().isoformat(),
            "SCENE_CENTER_TIME": f"{made.sensed:%H:%M:%S}.0000000Z",
            "CLOUD_COVER": "12.00",
            "SUN_ELEVATION": str(made.sun_elevation),
        },
        "PROJECTION_ATTRIBUTES": {
            "MAP_PROJECTION": "UTM",
            "UTM_ZONE": made.grid.crs[-2:],
        },
        "LEVEL1_RADIOMETRIC_RESCALING": {
            **{f"REFLECTANCE_MULT_BAND_{n}": "2.0000E-05" for n in files},
            **{f"REFLECTANCE_ADD_BAND_{n}": "-0.100000" for n in files},
        },
    }
    text = json.dumps({"LANDSAT_METADATA_FILE": groups}, indent=1)
    write_text(folder / name / f"{name}_MTL.json", text)
    return folder / name


def _resize(values: Floats, side: int, wanted: int) -> Floats:
    """Repeat pixels, or average them."""
    if wanted <= side:
        n = side // wanted
        return values.repeat(n, axis=0).repeat(n, axis=1)
    n = wanted // side
    rows, columns = values.shape
    coarse: Floats = values.reshape(rows // n, n, columns // n, n).mean(axis=(1, 3))
    return coarse


def _store(values: Floats, *, scale: float, offset: float) -> NDArray[np.uint16]:
    """Numbers of reflectance: 0 is nodata, what is too bright is saturated."""
    numbers = np.rint((np.nan_to_num(values) - offset) / scale)
    stored = np.where(np.isnan(values), 0, np.clip(numbers, 1, _SATURATED))
    return stored.astype(np.uint16)


def _write(path: Path, layers: NDArray[Any], grid: Grid) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    count, rows, columns = layers.shape
    at = grid.patch(
        resolution=grid.resolution * grid.width / columns, width=columns, height=rows
    )
    options: dict[str, Any] = {"driver": "GTiff", "compress": "DEFLATE"}
    if path.suffix == ".jp2":
        options = {"driver": "JP2OpenJPEG", "QUALITY": 100, "REVERSIBLE": "YES"}
        options |= {"BLOCKXSIZE": 1024, "BLOCKYSIZE": 1024, "RESOLUTIONS": 1}
    with rasterio.open(
        path,
        "w",
        width=columns,
        height=rows,
        count=count,
        dtype=layers.dtype,
        crs=grid.crs,
        transform=at.transform,
        **options,
    ) as target:
        target.write(layers)


def _product_xml(
    name: str, made: Level1, images: Mapping[str, str], offset: int
) -> str:
    files = "".join(f"<IMAGE_FILE>{file}</IMAGE_FILE>" for file in images.values())
    offsets = "".join(
        f'<RADIO_ADD_OFFSET band_id="{n}">{offset}</RADIO_ADD_OFFSET>'
        for n in range(len(BAND_IDS) if offset else 0)
    )
    tile = name.split("_")[5]
    values = "".join(
        f"<Special_Values><SPECIAL_VALUE_TEXT>{text}</SPECIAL_VALUE_TEXT>"
        f"<SPECIAL_VALUE_INDEX>{index}</SPECIAL_VALUE_INDEX></Special_Values>"
        for text, index in (("NODATA", 0), ("SATURATED", _SATURATED))
    )
    granule = f"S2{made.satellite}_OPER_MSI_L1C_TL_A045000_{tile}_N{made.baseline}"
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<n1:Level-1C_User_Product '
        'xmlns:n1="https://psd-14.sentinel2.eo.esa.int/PSD/User_Product_Level-1C.xsd">'
        "<n1:General_Info><Product_Info>"
        f"<PRODUCT_START_TIME>{_zulu(made.sensed)}</PRODUCT_START_TIME>"
        f"<PRODUCT_URI>{name}.SAFE</PRODUCT_URI>"
        "<PROCESSING_LEVEL>Level-1C</PROCESSING_LEVEL>"
        f"<PROCESSING_BASELINE>{made.baseline}</PROCESSING_BASELINE>"
        f"<Datatake><SPACECRAFT_NAME>Sentinel-2{made.satellite}</SPACECRAFT_NAME>"
        f"<DATATAKE_SENSING_START>{_zulu(made.sensed)}</DATATAKE_SENSING_START>"
        "</Datatake><Product_Organisation><Granule_List>"
        f'<Granule granuleIdentifier="{granule}">{files}</Granule>'
        "</Granule_List></Product_Organisation></Product_Info>"
        f"<Product_Image_Characteristics>{values}"
        '<QUANTIFICATION_VALUE unit="none">10000</QUANTIFICATION_VALUE>'
        + (
            f"<Radiometric_Offset_List>{offsets}</Radiometric_Offset_List>"
            * bool(offset)
        )
        + "</Product_Image_Characteristics></n1:General_Info>"
        "<n1:Quality_Indicators_Info>"
        "<Cloud_Coverage_Assessment>12.5</Cloud_Coverage_Assessment>"
        "</n1:Quality_Indicators_Info></n1:Level-1C_User_Product>"
    )


def _tile_xml(made: Level1, granule: str) -> str:
    masks = "".join(
        f'<MASK_FILENAME bandId="{BAND_IDS.index(band)}" type="MSK_QUALIT">'
        f"{granule}/QI_DATA/MSK_QUALIT_{band}{made.ending}</MASK_FILENAME>"
        for band in BANDS
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<n1:Level-1C_Tile_ID '
        'xmlns:n1="https://psd-14.sentinel2.eo.esa.int/PSD/S2_PDI_Level-1C.xsd">'
        f"<n1:General_Info><SENSING_TIME>{_zulu(made.sensed)}</SENSING_TIME>"
        "</n1:General_Info><n1:Geometric_Info><Tile_Geocoding>"
        f"<HORIZONTAL_CS_CODE>{made.grid.crs}</HORIZONTAL_CS_CODE></Tile_Geocoding>"
        "<Tile_Angles><Mean_Sun_Angle>"
        f'<ZENITH_ANGLE unit="deg">{90.0 - made.sun_elevation}</ZENITH_ANGLE>'
        '<AZIMUTH_ANGLE unit="deg">150.0</AZIMUTH_ANGLE></Mean_Sun_Angle>'
        "</Tile_Angles></n1:Geometric_Info><n1:Quality_Indicators_Info>"
        f"<Pixel_Level_QI>{masks}</Pixel_Level_QI></n1:Quality_Indicators_Info>"
        "</n1:Level-1C_Tile_ID>"
    )


def _zulu(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%S}.024Z"
