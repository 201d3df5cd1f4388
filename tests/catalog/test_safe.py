"""SAFE folders: metadata of real products, files made for them, and damage."""

import re
import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
import shapely

from agroforest.catalog import add_scenes, recognise
from agroforest.catalog.local import LocalCatalog
from agroforest.catalog.safe import read_safe_metadata
from agroforest.core.errors import DataError
from agroforest.core.scene import MaskKind

MakeRaster = Callable[..., Path]

# name part, platform, place, sensed, baseline, cover, crs, offset
REAL = [
    (
        "N0212",
        "sentinel-2a",
        "07HFE",
        datetime(2019, 2, 12, 19, 26, 51, 24000, UTC),
        "02.12",
        51.580326,
        "EPSG:32707",
        0.0,
    ),
    (
        "N0214",
        "sentinel-2b",
        "22HBD",
        datetime(2021, 1, 22, 13, 32, 29, 24000, UTC),
        "02.14",
        0.447807,
        "EPSG:32722",
        0.0,
    ),
    (
        "N0400",
        "sentinel-2b",
        "33XWJ",
        datetime(2022, 4, 13, 15, 7, 59, 24000, UTC),
        "04.00",
        98.944211,
        "EPSG:32633",
        -0.1,
    ),
    (
        "N0509",
        "sentinel-2a",
        "01KAB",
        datetime(2023, 8, 21, 22, 19, 41, 24000, UTC),
        "05.09",
        59.050727,
        "EPSG:32701",
        -0.1,
    ),
]


@pytest.fixture
def real_safe(data_dir: Path, tmp_path: Path) -> Callable[[str], Path]:
    """Writable copy of a real product's metadata."""

    def copy(part: str) -> Path:
        folder = data_dir / "scene_metadata" / "sentinel2_safe"
        (source,) = folder.glob(f"*{part}*")
        return Path(shutil.copytree(source, tmp_path / source.name))

    return copy


@pytest.fixture
def whole_safe(
    real_safe: Callable[[str], Path], make_raster: MakeRaster
) -> Callable[..., Path]:
    """Real metadata with a small file for every image they name."""

    def make(part: str, *, ending: str = ".tif", crs: str = "EPSG:32633") -> Path:
        folder = real_safe(part)
        text = (folder / "MTD_MSIL2A.xml").read_text()
        for name in re.findall(r"<IMAGE_FILE>(.+?)</IMAGE_FILE>", text):
            metres = int(name[-3:-1])
            make_raster(
                folder / f"{name}{ending}",
                crs=crs,
                left=499_980,
                top=8_900_040,
                resolution=metres,
                size=120 // metres,
            )
        return folder

    return make


@pytest.mark.data
@pytest.mark.parametrize(
    ("part", "platform", "place", "sensed", "baseline", "cover", "crs", "offset"), REAL
)
def test_real_metadata(
    data_dir: Path,
    part: str,
    platform: str,
    place: str,
    sensed: datetime,
    baseline: str,
    cover: float,
    crs: str,
    offset: float,
) -> None:
    folder = data_dir / "scene_metadata" / "sentinel2_safe"
    (source,) = folder.glob(f"*{part}*")
    (product,) = read_safe_metadata(source)
    assert product.id == source.name.removeprefix("esa_").removesuffix(".SAFE")
    assert (product.platform, product.place) == (platform, place)
    assert (product.sensed, product.baseline) == (sensed, baseline)
    assert (product.cloud_cover, product.crs) == (cover, crs)
    assert len(product.scalings) == 12
    for scaling in product.scalings.values():
        assert (scaling.scale, scaling.offset, scaling.nodata) == (1e-4, offset, (0,))
    assert product.files["B02"][0].endswith("B02_10m")
    assert product.files["B8A"][0].endswith("B8A_20m")
    assert product.mask_files[0].endswith("SCL_20m")
    assert product.mask_kind is MaskKind.SCL


@pytest.mark.data
def test_footprint_across_the_antimeridian_is_two_small_pieces(data_dir: Path) -> None:
    folder = data_dir / "scene_metadata" / "sentinel2_safe"
    (source,) = folder.glob("*N0509*")
    outline = read_safe_metadata(source)[0].footprint
    assert outline is not None
    assert outline.is_valid
    assert len(shapely.get_parts(outline)) == 2
    assert outline.area < 1.2  # square degrees; a tile is about one by one
    assert outline.intersects(shapely.Point(179.9, -16.8))
    assert outline.intersects(shapely.Point(-179.9, -16.8))
    assert not outline.intersects(shapely.Point(0.0, -16.8))


@pytest.mark.data
@pytest.mark.parametrize("part", [row[0] for row in REAL])
def test_metadata_without_pixels_name_the_missing_file(
    data_dir: Path, part: str
) -> None:
    folder = data_dir / "scene_metadata" / "sentinel2_safe"
    (source,) = folder.glob(f"*{part}*")
    with pytest.raises(DataError, match=r"_B01_[26]0m\.jp2: no such file") as refused:
        recognise(source)
    assert "\n" not in str(refused.value)


@pytest.mark.data
@pytest.mark.parametrize("ending", [".tif", ".jp2"])
def test_whole_product_is_read(whole_safe: Callable[..., Path], ending: str) -> None:
    folder = whole_safe("N0400", ending=ending)
    (granule,) = recognise(folder)
    assert len(granule.bands) == 12
    assert granule.bands["B04"].href.endswith(
        f"R10m/T33XWJ_20220413T150759_B04_10m{ending}"
    )
    assert granule.bands["B04"].resolution == 10
    assert granule.bands["B05"].resolution == 20
    assert granule.bands["B09"].resolution == 60
    assert granule.bands["B12"].offset == -0.1
    assert granule.crs == "EPSG:32633"
    assert recognise(folder / "MTD_MSIL2A.xml") == [granule]
    assert recognise(folder.parent) == [granule]


@pytest.mark.data
def test_coarser_copy_never_replaces_a_lost_file(
    whole_safe: Callable[..., Path], caplog: pytest.LogCaptureFixture
) -> None:
    folder = whole_safe("N0400")
    (lost,) = folder.rglob("*B04_10m.tif")
    lost.unlink()
    (granule,) = recognise(folder)
    assert "B04" not in granule.bands
    assert "B04_10m" in caplog.text


@pytest.mark.data
def test_delivery_of_20_m_only_is_used(whole_safe: Callable[..., Path]) -> None:
    folder = whole_safe("N0400")
    for path in [*folder.rglob("R10m"), *folder.rglob("R60m")]:
        shutil.rmtree(path)
    (granule,) = recognise(folder)
    assert granule.bands["B04"].resolution == 20
    assert "B08" not in granule.bands


def _edit(folder: Path, old: str, new: str) -> None:
    path = folder / "MTD_MSIL2A.xml"
    text = path.read_text()
    assert re.search(old, text)
    path.write_text(re.sub(old, new, text))


@pytest.mark.data
@pytest.mark.parametrize(
    ("old", "new", "names"),
    [
        (r'<BOA_ADD_OFFSET band_id="3">-1000</BOA_ADD_OFFSET>', "", "BOA_ADD_OFFSET"),
        (r'band_id="3">-1000', 'band_id="3">many', "'many' is no number"),
        (r'unit="none">10000<', 'unit="none">0<', "QUANTIFICATION"),
        (r"Level-2A</PROCESSING_LEVEL>", "Level-1C</PROCESSING_LEVEL>", "Level-1C"),
        (r"<GENERATION_TIME>.*?<", "<GENERATION_TIME>soon<", "'soon'"),
        (r"Assessment>98", "Assessment>398", "398"),
        (r"</n1:General_Info>", "", "not readable as XML"),
        (r"<EXT_POS_LIST>.*?<", "<EXT_POS_LIST>91.0 0.0 91.0 1.0 92.0 1.0<", "91"),
    ],
)
def test_damaged_metadata_are_one_line(
    whole_safe: Callable[..., Path], old: str, new: str, names: str
) -> None:
    folder = whole_safe("N0400")
    _edit(folder, old, new)
    with pytest.raises(DataError, match=names) as refused:
        recognise(folder)
    assert str(refused.value).startswith(str(folder))
    assert "\n" not in str(refused.value)


@pytest.mark.data
def test_missing_tags_are_made_up_for(whole_safe: Callable[..., Path]) -> None:
    folder = whole_safe("N0400")
    _edit(folder, r"<PROCESSING_BASELINE>.*?</PROCESSING_BASELINE>", "")
    _edit(folder, r"<GENERATION_TIME>.*?</GENERATION_TIME>", "")
    _edit(folder, r"<Cloud_Coverage_Assessment>.*?</Cloud_Coverage_Assessment>", "")
    _edit(folder, r"(?s)<Global_Footprint>.*?</Global_Footprint>", "")
    _edit(folder, r"<SPACECRAFT_NAME>.*?</SPACECRAFT_NAME>", "")
    _edit(folder, r"<IMAGE_FILE>.*?</IMAGE_FILE>", "")
    (granule,) = recognise(folder)
    assert granule.baseline == "04.00"
    assert granule.generated is None
    assert granule.platform == "sentinel-2b"
    assert len(granule.bands) == 12
    assert granule.footprint.distance(shapely.Point(15.0, 80.16)) < 0.01


@pytest.mark.data
def test_files_of_another_zone_are_refused(whole_safe: Callable[..., Path]) -> None:
    folder = whole_safe("N0400", crs="EPSG:32634")
    with pytest.raises(DataError, match="EPSG:32634, metadata say EPSG:32633"):
        recognise(folder)


@pytest.mark.data
def test_lost_mask_and_truncated_jpeg_are_named(
    whole_safe: Callable[..., Path],
) -> None:
    folder = whole_safe("N0400", ending=".jp2")
    (band,) = folder.rglob("*B11_20m.jp2")
    band.write_bytes(band.read_bytes()[:-30])
    with pytest.raises(DataError, match=r"B11_20m\.jp2: "):
        recognise(folder)
    for mask in folder.rglob("*SCL*"):
        mask.unlink()
    with pytest.raises(DataError, match=r"SCL_20m\.jp2: no such file: the mask"):
        recognise(folder)


OLD_FORMAT = """<?xml version="1.0"?>
<n1:Level-2A_User_Product xmlns:n1="https://psd-12.sentinel2.eo.esa.int/PSD/x.xsd">
<n1:General_Info><L2A_Product_Info>
<PRODUCT_START_TIME>2016-11-18T10:03:12.462Z</PRODUCT_START_TIME>
<PRODUCT_URI_2A>S2A_MSIL2A_20161118T100312_N0204_R122_T32TQM_20161118T100311.SAFE</PRODUCT_URI_2A>
<PROCESSING_LEVEL>Level-2Ap</PROCESSING_LEVEL>
<PROCESSING_BASELINE>02.04</PROCESSING_BASELINE>
<GENERATION_TIME>2016-11-18T12:00:00Z</GENERATION_TIME>
<Datatake><SPACECRAFT_NAME>Sentinel-2A</SPACECRAFT_NAME></Datatake>
<L2A_Product_Organisation><Granule_List>
<Granules granuleIdentifier="L2A_T32TQM_A007362_20161118T100307">
<IMAGE_ID_2A>L2A_T32TQM_20161118T100312_B04_10m</IMAGE_ID_2A>
<IMAGE_ID_2A>L2A_T32TQM_20161118T100312_B8A_20m</IMAGE_ID_2A>
<IMAGE_ID_2A>L2A_T32TQM_20161118T100312_SCL_20m</IMAGE_ID_2A>
</Granules></Granule_List></L2A_Product_Organisation></L2A_Product_Info>
<L2A_Product_Image_Characteristics><L1C_L2A_Quantification_Values_List>
<L2A_BOA_QUANTIFICATION_VALUE unit="none">10000</L2A_BOA_QUANTIFICATION_VALUE>
</L1C_L2A_Quantification_Values_List></L2A_Product_Image_Characteristics>
</n1:General_Info></n1:Level-2A_User_Product>
"""


def test_format_of_2016_is_read(tmp_path: Path, make_raster: MakeRaster) -> None:
    folder = tmp_path / "S2A_MSIL2A_20161118T100312_N0204_R122_T32TQM.SAFE"
    images = folder / "GRANULE/L2A_T32TQM_A007362_20161118T100307/IMG_DATA"
    for band, metres in (("B04", 10), ("B8A", 20), ("SCL", 20)):
        make_raster(
            images / f"R{metres}m/L2A_T32TQM_20161118T100312_{band}_{metres}m.jp2",
            crs="EPSG:32632",
            resolution=metres,
        )
    (folder / "MTD_MSIL2A.xml").write_text(OLD_FORMAT)
    (granule,) = recognise(folder)
    assert set(granule.bands) == {"B04", "B8A"}
    assert granule.place == "32TQM"
    assert granule.bands["B04"].scale == 1e-4
    assert granule.bands["B04"].offset == 0.0


def test_entities_are_refused(tmp_path: Path) -> None:
    folder = tmp_path / "S2A_X.SAFE"
    folder.mkdir()
    (folder / "MTD_MSIL2A.xml").write_text(
        '<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>'
    )
    with pytest.raises(DataError, match="EntitiesForbidden"):
        recognise(folder)


def test_image_entries_cannot_leave_the_product(
    tmp_path: Path, make_raster: MakeRaster
) -> None:
    make_raster(tmp_path / "secret_B04_10m.tif")
    folder = tmp_path / "S2A_X.SAFE"
    folder.mkdir()
    text = OLD_FORMAT.replace("IMAGE_ID_2A", "IMAGE_FILE").replace(
        "L2A_T32TQM_20161118T100312_B04_10m", "../secret_B04_10m"
    )
    (folder / "MTD_MSIL2A.xml").write_text(text)
    with pytest.raises(DataError, match="no such file"):
        recognise(folder)


@pytest.mark.data
def test_bad_product_does_not_stop_the_others(
    data_dir: Path, whole_safe: Callable[..., Path], tmp_path: Path
) -> None:
    good = whole_safe("N0400")
    bad = data_dir / "scene_metadata"
    local = LocalCatalog(tmp_path / "catalog")
    report = add_scenes([bad, good, tmp_path / "nothing"], local)
    # Four SAFE and two Landsat products have no pixels; three STAC items are whole.
    assert (report.added, len(report.refused)) == (4, 7)
    assert "no such file or folder" in str(report.refused[-1])
