"""Theia folders, from the real series to the local catalogue and back."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
import shapely

from agroforest import catalog
from agroforest.core.errors import DataError
from agroforest.core.scene import MaskKind

AREA = shapely.box(5.34, 49.27, 5.36, 49.285)


@pytest.mark.data
def test_real_series_is_catalogued_once_and_found(
    data_dir: Path, tmp_path: Path
) -> None:
    scenes = data_dir / "s2_theia_t31ufq" / "scenes"
    local = catalog.LocalCatalog(tmp_path / "catalog")

    first = catalog.add_scenes([scenes], local)
    before = {p: p.stat().st_mtime_ns for p in tmp_path.rglob("*.json")}
    second = catalog.add_scenes([scenes], local)

    assert (first.added, first.known, first.refused) == (187, 0, ())
    assert (second.added, second.known, second.refused) == (0, 187, ())
    assert {p: p.stat().st_mtime_ns for p in tmp_path.rglob("*.json")} == before
    found = catalog.find(local, AREA, date(2018, 6, 1), date(2018, 6, 10))
    assert [scene.sensed for scene in found] == [
        datetime(2018, 6, 5, 10, 56, 54, 103000, tzinfo=UTC)
    ]
    granule = found[0].granules[0]
    assert granule.crs == "EPSG:32631"
    assert granule.place == "31UFQ"
    assert granule.mask_kind is MaskKind.CLM
    assert set(granule.bands) == {"B02", "B03", "B04", "B8A", "B11", "B12"}
    assert granule.bands["B02"].scale == 1e-4
    assert granule.bands["B02"].nodata == (-10_000, 0)


NAME = "SENTINEL2A_20240301-030541-575_L2A_T49QBF_C_V3-1"
MTD = """<?xml version="1.0"?><Muscate_Metadata_Document>
<Product_Characteristics><PRODUCTION_DATE>2024-03-02T10:11:12.000Z</PRODUCTION_DATE>
</Product_Characteristics><Image_Information><SPECIAL_VALUES_LIST>
<SPECIAL_VALUE name="nodata">-10000</SPECIAL_VALUE></SPECIAL_VALUES_LIST>
<REFLECTANCE_QUANTIFICATION_VALUE>10000.0</REFLECTANCE_QUANTIFICATION_VALUE>
</Image_Information><Global_Index_List>
<QUALITY_INDEX name="CloudPercent">37</QUALITY_INDEX></Global_Index_List>
</Muscate_Metadata_Document>"""


@pytest.fixture
def product(tmp_path: Path, make_raster: Callable[..., Path]) -> Path:
    """Whole small product with slope-corrected and plain reflectance."""
    folder = tmp_path / NAME
    for kind in ("FRE", "SRE"):
        for band, metres in (("B2", 10), ("B8", 10), ("B11", 20)):
            path = folder / f"{NAME}_{kind}_{band}.tif"
            make_raster(path, resolution=metres, dtype="int16")
    for resolution, metres in (("R1", 10), ("R2", 20)):
        path = folder / "MASKS" / f"{NAME}_CLM_{resolution}.tif"
        make_raster(path, resolution=metres, dtype="uint8")
    (folder / f"{NAME}_MTD_ALL.xml").write_text(MTD)
    return folder


def test_whole_product(product: Path) -> None:
    (granule,) = catalog.recognise(product)
    assert set(granule.bands) == {"B02", "B08", "B11"}
    assert granule.bands["B02"].href.endswith("_FRE_B2.tif")
    assert granule.mask.href.endswith("_CLM_R2.tif")
    assert granule.cloud_cover == 37
    assert granule.generated == datetime(2024, 3, 2, 10, 11, 12, tzinfo=UTC)
    assert granule.baseline == "3.1"
    assert granule.bands["B02"].nodata == (-10_000, 0)
    assert catalog.recognise(product / f"{NAME}_MTD_ALL.xml") == [granule]


def test_plain_reflectance_and_fine_mask_stand_in(product: Path) -> None:
    for path in [*product.glob("*FRE*"), *product.rglob("*R2*")]:
        path.unlink()
    (granule,) = catalog.recognise(product)
    assert granule.bands["B11"].href.endswith("_SRE_B11.tif")
    assert granule.mask.href.endswith("_CLM_R1.tif")


def _lose_mask(product: Path) -> None:
    for path in product.rglob("*CLM*"):
        path.unlink()


def _lose_bands(product: Path) -> None:
    for path in product.glob("*.tif"):
        path.unlink()


def _cut_band(product: Path) -> None:
    path = product / f"{NAME}_FRE_B11.tif"
    path.write_bytes(path.read_bytes()[:200])


def _break_xml(product: Path) -> None:
    path = product / f"{NAME}_MTD_ALL.xml"
    path.write_text(MTD.replace("10000.0", "ten"))


@pytest.mark.parametrize(
    ("damage", "names"),
    [
        (_lose_mask, r"MASKS/.*_CLM_R2\.tif: no such file: the mask is missing"),
        (_lose_bands, "no such file, nor one of any other band"),
        (_cut_band, r"_FRE_B11\.tif: "),
        (_break_xml, r"_MTD_ALL\.xml: .*'ten'"),
    ],
)
def test_damage_is_one_line(
    product: Path, damage: Callable[[Path], None], names: str
) -> None:
    damage(product)
    with pytest.raises(DataError, match=names) as refused:
        catalog.recognise(product)
    assert "\n" not in str(refused.value)
    local = catalog.LocalCatalog(product.parent / "catalog")
    report = catalog.add_scenes([product], local)
    assert [str(error) for error in report.refused] == [str(refused.value)]
    assert not (product.parent / "catalog" / "catalog.json").exists()
