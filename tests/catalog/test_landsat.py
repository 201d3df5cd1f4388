"""Landsat Collection 2 level 2: three spellings of one MTL, two band numberings."""

import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from agroforest.catalog import recognise
from agroforest.catalog.landsat import read_landsat_metadata
from agroforest.core.errors import DataError
from agroforest.core.scene import MaskKind

MakeRaster = Callable[..., Path]
NAME = "LC08_L2SP_008059_20191201_20200825_02_T1"
OLI = {"B01": 1, "B02": 2, "B03": 3, "B04": 4, "B8A": 5, "B11": 6, "B12": 7}
TM = {"B02": 1, "B03": 2, "B04": 3, "B8A": 4, "B11": 5, "B12": 7}


@pytest.fixture
def product(data_dir: Path, tmp_path: Path, make_raster: MakeRaster) -> Path:
    """Real MTL.txt with small files beside it."""
    folder = tmp_path / NAME
    folder.mkdir()
    source = data_dir / "scene_metadata" / "landsat" / f"{NAME}_MTL.txt"
    shutil.copy(source, folder)
    for number in range(1, 8):
        make_raster(
            folder / f"{NAME}_SR_B{number}.TIF", crs="EPSG:32618", resolution=30
        )
    make_raster(folder / f"{NAME}_QA_PIXEL.TIF", crs="EPSG:32618", resolution=30)
    return folder


@pytest.mark.data
@pytest.mark.parametrize(
    ("name", "place", "sensed", "cover", "crs"),
    [
        (
            NAME,
            "008059",
            datetime(2019, 12, 1, 15, 13, 51, 861099, UTC),
            81.02,
            "EPSG:32618",
        ),
        (
            "LC08_L2SP_005009_20150710_20200908_02_T2",
            "005009",
            datetime(2015, 7, 10, 14, 34, 35, 978399, UTC),
            54.65,
            "EPSG:32624",
        ),
    ],
)
def test_real_metadata_in_both_spellings(
    data_dir: Path, name: str, place: str, sensed: datetime, cover: float, crs: str
) -> None:
    folder = data_dir / "scene_metadata" / "landsat"
    text = read_landsat_metadata(folder / f"{name}_MTL.txt")
    json = read_landsat_metadata(folder / f"{name}_MTL.json")
    assert text == json
    assert (text.id, text.place, text.sensed) == (name, place, sensed)
    assert (text.cloud_cover, text.crs, text.baseline) == (cover, crs, "02")
    assert text.platform == "landsat-8"
    assert text.files == {b: (f"{name}_SR_B{n}.TIF",) for b, n in OLI.items()}
    for scaling in text.scalings.values():
        assert (scaling.scale, scaling.offset, scaling.nodata) == (2.75e-5, -0.2, (0,))
    with pytest.raises(DataError, match=r"_SR_B1\.TIF: no such file"):
        recognise(folder)


@pytest.mark.data
def test_product_is_read_once_though_it_describes_itself_often(
    product: Path, data_dir: Path
) -> None:
    for ending in ("_MTL.json", "_SR_stac.json"):
        shutil.copy(
            data_dir / "scene_metadata" / "landsat" / f"{NAME}{ending}", product
        )
    (granule,) = recognise(product)
    assert granule.mask_kind is MaskKind.QA_PIXEL
    assert granule.bands["B8A"].href.endswith("_SR_B5.TIF")
    assert granule.bands["B8A"].resolution == 30
    assert recognise(product / f"{NAME}_MTL.txt") == [granule]


@pytest.mark.data
def test_thematic_mapper_numbers_its_bands_otherwise(product: Path) -> None:
    path = product / f"{NAME}_MTL.txt"
    path.write_text(path.read_text().replace('"LANDSAT_8"', '"LANDSAT_5"'))
    (granule,) = recognise(product)
    assert granule.platform == "landsat-5"
    assert {b: a.href[-5] for b, a in granule.bands.items()} == {
        b: str(n) for b, n in TM.items()
    }


@pytest.mark.data
def test_xml_spelling_says_the_same(product: Path) -> None:
    path = product / f"{NAME}_MTL.txt"
    before = recognise(product)
    rows, inside = ["<LANDSAT_METADATA_FILE>"], []
    for line in path.read_text().splitlines()[1:]:
        key, equals, value = (part.strip() for part in line.partition("="))
        if key == "GROUP":
            rows.append(f"<{value}>")
            inside.append(value)
        elif key == "END_GROUP" and inside:
            rows.append(f"</{inside.pop()}>")
        elif equals and inside:
            rows.append(f"<{key}>{value.strip(chr(34))}</{key}>")
    path.unlink()
    (product / f"{NAME}_MTL.xml").write_text(
        "".join([*rows, "</LANDSAT_METADATA_FILE>"])
    )
    assert recognise(product) == before


@pytest.mark.data
def test_scale_is_that_of_each_band_and_of_level_2(product: Path) -> None:
    path = product / f"{NAME}_MTL.txt"
    text = path.read_text()
    assert text.count("REFLECTANCE_MULT_BAND_4 = ") == 2  # level 2 and level 1
    text = text.replace(
        "REFLECTANCE_MULT_BAND_4 = 2.75e-05", "REFLECTANCE_MULT_BAND_4 = 3e-05"
    )
    path.write_text(text)
    (granule,) = recognise(product)
    assert granule.bands["B04"].scale == 3e-5
    assert granule.bands["B03"].scale == 2.75e-5


@pytest.mark.data
@pytest.mark.parametrize(
    ("old", "new", "names"),
    [
        ('PROCESSING_LEVEL = "L2SP"', 'PROCESSING_LEVEL = "L1TP"', "level L1TP"),
        ("COLLECTION_NUMBER = 02", "COLLECTION_NUMBER = 01", "collection 01"),
        ("REFLECTANCE_ADD_BAND_4", "REFLECTANCE_XXX_BAND_4", "REFLECTANCE_ADD_BAND_4"),
        ("REFLECTANCE_ADD_BAND_4 = -0.2", "REFLECTANCE_ADD_BAND_4 = x", "'x'"),
        ("UTM_ZONE = 18", "UTM_ZONE = 19", "metadata say EPSG:32619"),
        ("GROUP = IMAGE_ATTRIBUTES", "GROUP = OTHER", "IMAGE_ATTRIBUTES"),
        ("DATE_ACQUIRED = 2019-12-01", "DATE_ACQUIRED = 2019-13-01", "2019-13-01"),
    ],
)
def test_damage_is_one_line(product: Path, old: str, new: str, names: str) -> None:
    path = product / f"{NAME}_MTL.txt"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    with pytest.raises(DataError, match=names) as refused:
        recognise(product)
    assert str(refused.value).startswith(str(product))
    assert "\n" not in str(refused.value)


@pytest.mark.data
def test_lost_quality_band_is_named(product: Path) -> None:
    (product / f"{NAME}_QA_PIXEL.TIF").unlink()
    with pytest.raises(DataError, match=r"QA_PIXEL\.TIF: no such file: the mask"):
        recognise(product)
