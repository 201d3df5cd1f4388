"""Sentinel-2 L1C folders: what their XML say, and what is refused."""

import re
import shutil
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from tests.catalog.level1.conftest import Make

from agroforest.catalog.level1 import BANDS, Flaw, Imager, find_level1
from agroforest.core.errors import DataError


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def tile_xml(safe: Path) -> Path:
    (path,) = safe.glob("GRANULE/*/MTD_TL.xml")
    return path


def test_a_folder_and_its_xml_are_the_same_scene(make_l1c: Make) -> None:
    safe = make_l1c(sun_elevation=41.5)
    (scene,) = find_level1(safe)
    assert find_level1(safe / "MTD_MSIL1C.xml") == [scene]
    assert scene.id == safe.name.removesuffix(".SAFE")
    assert (scene.imager, scene.satellite) == (Imager.MSI, "S2A")
    assert scene.sensed == datetime(2024, 3, 1, 3, 5, 41, 24000, UTC)
    assert scene.sun_elevation == pytest.approx(41.5)
    assert (scene.cloud_cover, scene.crs) == (12.5, "EPSG:32649")
    assert tuple(scene.bands) == BANDS
    for name, metres in {"B01": 60, "B02": 10, "B8A": 20, "B12": 20}.items():
        asset = scene.bands[name].asset
        assert (asset.scale, asset.offset, asset.nodata) == (1e-4, -0.1, (0,))
        assert asset.resolution == metres
        assert scene.bands[name].saturated == 65_535
    assert scene.quality == ()


def test_the_offset_is_stated_and_not_guessed_from_the_date(make_l1c: Make) -> None:
    (scene,) = find_level1(make_l1c(baseline="02.14"))
    assert scene.bands["B12"].asset.offset == 0.0
    safe = make_l1c()
    path = safe / "MTD_MSIL1C.xml"
    path.write_text(re.sub(r"<RADIO_ADD_OFFSET.*?</RADIO_ADD_OFFSET>", "",
                           path.read_text()))  # fmt: skip
    with pytest.raises(DataError, match=r"05\.10 without RADIO_ADD_OFFSET"):
        find_level1(safe)


def test_the_time_is_that_of_the_tile_and_not_of_the_orbit(make_l1c: Make) -> None:
    safe = make_l1c()
    edit(tile_xml(safe), "03:05:41", "03:09:12")
    (scene,) = find_level1(safe)
    assert scene.sensed.minute == 9


def test_masks_of_quality_are_found_where_there_are_any(make_l1c: Make) -> None:
    safe = make_l1c(saturated=np.zeros((12, 12), dtype=bool))
    (scene,) = find_level1(safe)
    found = {
        Path(mask.asset.href).stem[-3:]: {one.layer: one.flaw for one in mask.layers}
        for mask in scene.quality
    }
    lost = {3: Flaw.LOST, 4: Flaw.LOST}
    full = {**lost, 8: Flaw.FULL}
    assert found == {"B8A": lost, "B11": full, "B12": full}


@pytest.mark.parametrize("band", ["B01", "B12"])
def test_a_missing_file_is_named(make_l1c: Make, band: str) -> None:
    safe = make_l1c()
    (path,) = safe.glob(f"GRANULE/*/IMG_DATA/*_{band}.tif")
    path.unlink()
    with pytest.raises(DataError, match=rf"_{band}: no such file"):
        find_level1(safe)


def test_level_2a_is_refused_with_the_reason(make_l1c: Make) -> None:
    safe = make_l1c()
    (safe / "MTD_MSIL1C.xml").rename(safe / "MTD_MSIL2A.xml")
    for path in (safe, safe / "MTD_MSIL2A.xml"):
        with pytest.raises(DataError, match=r"surface reflectance.*top of the") as told:
            find_level1(path)
        assert "give the level-1C product" in told.value.remedy


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("Level-1C<", "Level-2A<", "processing level 'Level-2A'"),
        ("Sentinel-2A", "Sentinel-9A", "spacecraft"),
        ('unit="none">10000', 'unit="none">0', "QUANTIFICATION_VALUE is 0"),
        ('unit="none">10000', 'unit="none">nan', "'nan' is no number"),
        ("<IMAGE_FILE>GRANULE", "<IMAGE_FILE>../GRANULE", "names no file of B01"),
        ("</n1:Level-1C_User_Product>", "", "not readable as XML"),
        (
            "<n1:General_Info>",
            "<!ENTITY x 'y'>",
            "not readable as XML",
        ),
    ],
)
def test_damaged_metadata_are_named(
    make_l1c: Make, old: str, new: str, said: str
) -> None:
    path = make_l1c() / "MTD_MSIL1C.xml"
    edit(path, old, new)
    with pytest.raises(DataError, match=said) as told:
        find_level1(path)
    assert str(told.value).startswith(f"{path}: ")


def test_a_bomb_of_entities_is_refused(make_l1c: Make) -> None:
    safe = make_l1c()
    bomb = '<!DOCTYPE r [<!ENTITY a "a"><!ENTITY b "&a;&a;">]>\n<n1:Level-1C_Tile_ID '
    edit(tile_xml(safe), "<n1:Level-1C_Tile_ID ", bomb)
    with pytest.raises(DataError, match="not readable as XML"):
        find_level1(safe)


def test_without_the_suns_angle_nothing_is_judged(make_l1c: Make) -> None:
    safe = make_l1c()
    edit(tile_xml(safe), "Mean_Sun_Angle", "Other_Angle")
    with pytest.raises(DataError, match="no Mean_Sun_Angle"):
        find_level1(safe)
    tile_xml(safe).unlink()
    with pytest.raises(DataError, match=r"no MTD_TL\.xml of tile 49QBF"):
        find_level1(safe)


def test_files_in_another_crs_than_the_metadata_are_refused(make_l1c: Make) -> None:
    safe = make_l1c()
    edit(tile_xml(safe), "EPSG:32649", "EPSG:32648")
    with pytest.raises(DataError, match="is in EPSG:32649, the others in EPSG:32648"):
        find_level1(safe)


def test_old_folders_of_several_tiles_give_one_scene_each(make_l1c: Make) -> None:
    """Before December 2016: long names, several granules, images named by id."""
    safe = make_l1c(baseline="02.04")
    (granule,) = safe.glob("GRANULE/*")
    path = safe / "MTD_MSIL1C.xml"
    text = path.read_text()
    start, end = text.index("<Granule "), text.index("</Granule>") + len("</Granule>")
    granules = ""
    for tile in ("49QBF", "49QCF"):
        long = f"S2A_OPER_MSI_L1C_TL_SGS__20160301T1_A003627_T{tile}_N02.04"
        images = "".join(
            f"<IMAGE_ID>{long[:-7]}_{band}</IMAGE_ID>" for band in ("B10", *BANDS)
        )
        granules += f'<Granules granuleIdentifier="{long}">{images}</Granules>'
        folder = safe / "GRANULE" / long
        (folder / "IMG_DATA").mkdir(parents=True)
        for band in BANDS:
            (source,) = granule.glob(f"IMG_DATA/*_{band}.tif")
            target = folder / "IMG_DATA" / f"{long[:-7]}_{band}.tif"
            target.write_bytes(source.read_bytes())
        (folder / f"{long[:-7].replace('MSI', 'MTD')}.xml").write_bytes(
            (granule / "MTD_TL.xml").read_bytes()
        )
    path.unlink()
    old = safe / "S2A_OPER_MTD_SAFL1C_PDMC_20160301T103313_R018_V20160301.xml"
    old.write_text(text[:start] + granules + text[end:])
    scenes = find_level1(safe)
    assert [scene.id[-6:] for scene in scenes] == ["T49QBF", "T49QCF"]
    assert all(scene.bands["B12"].asset.offset == 0.0 for scene in scenes)
    assert "T49QCF" in scenes[1].bands["B12"].asset.href


@pytest.mark.data
def test_real_xml_of_a_tile_is_understood(
    data_dir: Path, tmp_path: Path, make_l1c: Make
) -> None:
    """Level-2A metadata of a real tile, with the tags that differ renamed."""
    (real,) = (data_dir / "scene_metadata/sentinel2_safe").glob("S2B*N0400*")
    safe = Path(shutil.copytree(real, tmp_path / "real.SAFE"))
    text = (safe / "MTD_MSIL2A.xml").read_text()
    (safe / "MTD_MSIL2A.xml").unlink()
    for old, new in {
        "Level-2A<": "Level-1C<",
        "BOA_ADD_OFFSET": "RADIO_ADD_OFFSET",
        "BOA_QUANTIFICATION_VALUE": "QUANTIFICATION_VALUE",
    }.items():
        text = text.replace(old, new)
    text = re.sub(r"/R\d\dm/(\w+_B\w\w)_\d\dm<", r"/\1<", text)
    (safe / "MTD_MSIL1C.xml").write_text(text)
    edit(tile_xml(safe), "EPSG:32633", "EPSG:32649")  # that of the small files
    (small,) = make_l1c().glob("GRANULE/*/IMG_DATA/*_B12.tif")
    for name in {*re.findall(r"<IMAGE_FILE>(\S+_B\w\w)<", text)}:
        path = safe / f"{name}.tif"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(small.read_bytes())
    masks = safe.glob("GRANULE/*/MTD_TL.xml")
    (names,) = (
        re.findall(r">(\S+MSK_QUALIT_B\w\w\.tif)<", p.read_text()) for p in masks
    )
    for name in names:
        (safe / name).parent.mkdir(parents=True, exist_ok=True)
        (safe / name).write_bytes(small.read_bytes())
    (scene,) = find_level1(safe)
    assert scene.id == real.name.removesuffix(".SAFE")
    assert (scene.satellite, scene.sensed.day) == ("S2B", 13)
    assert scene.cloud_cover == 98.944211
    assert 0 < scene.sun_elevation < 25  # 78 degrees north in April
    zenith = re.search(r"Mean_Sun_Angle>\s*<ZENITH_ANGLE[^>]*>([\d.]+)",
                       tile_xml(safe).read_text())  # fmt: skip
    assert zenith is not None
    assert scene.sun_elevation == pytest.approx(90 - float(zenith[1]))
    assert {b.asset.offset for b in scene.bands.values()} == {-0.1}
    assert [Path(m.asset.href).stem[-3:] for m in scene.quality] == [
        "B8A",
        "B11",
        "B12",
    ]
