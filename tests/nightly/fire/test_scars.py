"""A made-up fire that is over, found again in catalogued images."""

import json
import pickle
import shutil
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
import rasterio
from tests.fire import scars
from tests.nightly.fire.burns import (
    AFTER,
    BEFORE,
    FELLED,
    LAST,
    LATER,
    PLACE,
    Archive,
    outline,
)

from agroforest.catalog import LocalCatalog
from agroforest.core.errors import ConfigurationError, DataError, SourceError
from agroforest.core.grid import WGS84, reproject
from agroforest.core.identity import digest_file
from agroforest.core.scene import Granule
from agroforest.fire.scar_severity import Severity
from agroforest.nightly.fire import scar_mapping
from agroforest.nightly.fire.scars import (
    ScarOutcome,
    read_mapped,
    read_scar,
)

#: Rows and columns of the clouds of an image that shows next to nothing.
OVERCAST = slice(0, 100), slice(0, 160)


#: What is drawn as burned: 40 x 50 pixels of 20 m.
DRAWN_HA = 80.0


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Archive:
    """An image before, one under cloud, and one after with a clear-cut as well."""
    made = Archive(tmp_path_factory.mktemp("archive"))
    made.add(BEFORE)
    made.add(AFTER - timedelta(days=5), burned=True, clouded=OVERCAST)
    made.add(AFTER, burned=True, cut=True)
    made.add(LATER, burned=True, cut=True)
    return made


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("scars")


@pytest.fixture(scope="module")
def mapped(archive: Archive, out: Path) -> ScarOutcome:
    return archive.map(out)


@pytest.fixture
def narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Judge little around the place, where only the choice of images matters."""
    monkeypatch.setattr(scar_mapping, "MARGIN_M", 200.0)


def days_of(outcome: ScarOutcome) -> list[str]:
    return [name.split("_")[1][:8] for name in outcome.scenes]


def contents(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_the_burn_is_found_where_it_was_drawn(mapped: ScarOutcome) -> None:
    assert mapped.done
    assert not mapped.waiting_en
    (scar,) = mapped.scars
    # The model takes three pixels of the forest around for burned.
    assert scar.geometry.covers(outline(scars.BURN, grow=-30))
    assert scar.geometry.within(outline(scars.BURN, grow=90))
    assert (scar.alert, scar.verdict) == ("f1", "fire")
    assert scar.evidence == "hotspot+char"
    assert "过火" in scar.verdict_zh
    assert scar.probability > 0.5


def test_the_area_of_a_large_burn_is_right(tmp_path: Path) -> None:
    archive = Archive(tmp_path, zoom=2)
    archive.add(BEFORE)
    archive.add(AFTER, burned=True)
    place = replace(PLACE, outline=outline(scars.BURN, zoom=2))
    (scar,) = archive.map(tmp_path / "out", place).scars
    assert scar.area_ha == pytest.approx(4 * DRAWN_HA, rel=0.15)


def test_the_first_clear_image_counts_and_the_clouded_one_is_skipped(
    mapped: ScarOutcome,
) -> None:
    (scar,) = mapped.scars
    assert (scar.before, scar.after) == (BEFORE, AFTER)
    assert days_of(mapped) == ["20240316", "20240301"]


def test_severity_is_told_in_hectares_of_each_class(mapped: ScarOutcome) -> None:
    (scar,) = mapped.scars
    assert sum(area for _, _, area in scar.severity_ha) == pytest.approx(
        scar.area_ha, rel=0.02
    )
    worst = max(scar.severity_ha, key=lambda one: one[2])
    assert worst[:2] == ("重度", "high")


def test_scars_that_do_not_touch_the_place_are_left_out_and_counted(
    mapped: ScarOutcome, out: Path
) -> None:
    assert any("1 other scars" in en for _, en in mapped.notes)
    assert all(zh and en for zh, en in mapped.notes)
    (path,) = [name for name in mapped.files if name.endswith("-severity.tif")]
    with rasterio.open(out / path) as data:
        codes = data.read(1)
        row, column = data.index(
            scars.LEFT + 115 * scars.PIXEL, scars.TOP - 120 * scars.PIXEL
        )
    assert codes[row, column] == Severity.NONE  # the clear-cut
    assert (codes == Severity.HIGH).sum() * 0.04 == pytest.approx(DRAWN_HA, rel=0.1)


def test_pictures_show_the_loss_around_the_scar(mapped: ScarOutcome, out: Path) -> None:
    (scar,) = mapped.scars
    shown = read_scar(out, scar)
    assert shown.nbr_before is not None
    assert shown.nbr_before.shape == shown.nbr_after.shape == shown.grid.shape
    assert shown.grid.width < scar.grid.width
    burn = shown.grid.contains(
        reproject(outline(scars.BURN, grow=-40), WGS84, shown.grid.crs)
    )
    assert np.nanmedian(shown.nbr_before[burn]) == pytest.approx(0.58, abs=0.03)
    assert np.nanmedian(shown.nbr_after[burn]) == pytest.approx(-0.35, abs=0.03)
    # 1 km around a scar that is 1 km wide and 0.8 km high.
    assert shown.grid.width * shown.grid.resolution == pytest.approx(3000, abs=200)
    assert shown.grid.height * shown.grid.resolution == pytest.approx(2800, abs=200)


def test_files_are_those_that_were_told(mapped: ScarOutcome, out: Path) -> None:
    there = {
        str(path.relative_to(out)): digest_file(path)
        for path in (out / "f1").iterdir()
        if path.name != "clouded.json"
    }
    assert mapped.files == there
    assert mapped.scars[0].files == there
    names = {path.partition("-")[2] for path in there if path.endswith(".tif")}
    assert names == {
        "probability.tif",
        "severity.tif",
        "nbr-before.tif",
        "nbr-after.tif",
    }
    document = json.loads((out / "f1" / "scars.geojson").read_text("utf-8"))
    assert document["features"][0]["properties"]["hotspot_events"] == "f1"
    assert document["agroforest"]["simulated"] is True


def test_a_rerun_writes_nothing_and_tells_the_same(
    archive: Archive, mapped: ScarOutcome, out: Path, tmp_path: Path
) -> None:
    before = {path: path.stat().st_mtime_ns for path in out.rglob("*")}
    assert archive.map(out) == mapped
    assert archive.map(out, redo=True) == mapped
    assert {path: path.stat().st_mtime_ns for path in out.rglob("*")} == before
    assert read_mapped(out, "f1") == mapped
    assert archive.map(tmp_path / "again") == mapped
    assert contents(tmp_path / "again") == contents(out)


def test_a_lost_file_is_made_again(
    archive: Archive, mapped: ScarOutcome, out: Path, tmp_path: Path
) -> None:
    mapped_in, out = out, tmp_path / "scars"
    shutil.copytree(mapped_in, out)
    kept = contents(out)
    next(out.rglob("*-nbr-after.tif")).unlink()
    assert read_mapped(out, "f1") is None
    assert archive.map(out) == mapped
    assert contents(out) == kept


def test_without_an_image_before_there_is_no_severity(tmp_path: Path) -> None:
    archive = Archive(tmp_path)
    archive.add(AFTER, burned=True)
    found = archive.map(tmp_path / "out")
    (scar,) = found.scars
    assert scar.before is None
    assert scar.severity_ha == ()
    assert scar.geometry.within(outline(scars.BURN, grow=90))
    assert read_scar(tmp_path / "out", scar).nbr_before is None
    assert any("no severity" in en for _, en in found.notes)
    assert not any("severity.tif" in name for name in found.files)


@pytest.mark.usefixtures("narrow")
def test_the_same_season_a_year_ago_stands_in_for_a_clouded_spring(
    tmp_path: Path,
) -> None:
    archive = Archive(tmp_path)
    year_ago = AFTER - timedelta(days=365)
    archive.add(year_ago + timedelta(days=2))
    archive.add(year_ago - timedelta(days=20))
    archive.add(BEFORE, clouded=OVERCAST)
    archive.add(AFTER, burned=True)
    found = archive.map(tmp_path / "out")
    assert days_of(found) == ["20240316", "20230319"]


def test_felled_ground_without_char_is_marked_once_the_hotspot_is_old(
    tmp_path: Path,
) -> None:
    archive = Archive(tmp_path)
    archive.add(BEFORE)
    archive.add(LAST + timedelta(days=21), cut=True)
    found = archive.map(tmp_path / "out", FELLED)
    (scar,) = found.scars
    assert (scar.verdict, scar.evidence) == ("harvest?", "none")
    assert "采伐" in scar.verdict_zh
    assert any("only char speaks" in en for _, en in found.notes)


@pytest.mark.usefixtures("narrow")
def test_where_nothing_burned_it_says_so_and_looks_no_further(tmp_path: Path) -> None:
    archive = Archive(tmp_path / "archive")
    archive.add(BEFORE)
    archive.add(AFTER)
    found = archive.map(tmp_path / "out")
    assert found.done
    assert found.scars == ()
    assert not found.waiting_en
    archive.add(AFTER + timedelta(days=5), burned=True)
    assert archive.map(tmp_path / "out") == found


def test_a_damaged_image_is_set_aside_and_the_next_one_taken(tmp_path: Path) -> None:
    archive = Archive(tmp_path)
    archive.add(AFTER - timedelta(days=5), burned=True, damaged=True)
    archive.add(AFTER, burned=True)
    found = archive.map(tmp_path / "out")
    assert [scar.after for scar in found.scars] == [AFTER]
    (refused,) = found.refused
    assert isinstance(refused, DataError)
    assert "B12" in refused.where
    # Workers send it home, and nothing of the pixels with it.
    assert refused.__traceback__ is None
    assert refused.__cause__ is None
    assert len(pickle.dumps(found)) < 20_000


def test_clouded_images_are_waited_out_and_looked_at_once(tmp_path: Path) -> None:
    archive = Archive(tmp_path / "archive")
    folder = archive.add(AFTER, burned=True, clouded=OVERCAST)
    out = tmp_path / "out"
    found = archive.map(out)
    assert not found.done
    assert found.scars == ()
    assert "0%" in found.waiting_en
    assert "云" in found.waiting_zh
    assert str(LAST + timedelta(days=45)) in found.waiting_en
    for path in folder.glob("*.tif"):
        path.unlink()  # nobody opens it again
    assert archive.map(out) == found
    last = archive.map(out, night=LAST + timedelta(days=51))
    assert last.done
    assert "no longer" in last.waiting_en


def test_an_image_of_the_day_of_the_fire_or_of_tomorrow_does_not_count(
    tmp_path: Path,
) -> None:
    archive = Archive(tmp_path / "archive")
    archive.add(LAST, burned=True)
    archive.add(AFTER, burned=True)
    found = archive.map(tmp_path / "out", night=AFTER - timedelta(days=1))
    assert found.waiting_en.startswith("no image since the fire")
    assert not found.done
    assert not (tmp_path / "out").exists()


def test_missing_bands_are_named(tmp_path: Path) -> None:
    archive = Archive(tmp_path / "archive")
    archive.add(AFTER, burned=True, bands=("B03", "B04", "B08", "B11"))
    found = archive.map(tmp_path / "out")
    assert "B02 B12" in found.waiting_en
    assert "B02 B12" in found.waiting_zh


@pytest.mark.usefixtures("narrow")
def test_a_better_image_is_not_swapped_in_unless_asked_for(tmp_path: Path) -> None:
    archive = Archive(tmp_path / "archive")
    archive.add(LATER)
    out = tmp_path / "out"
    first = archive.map(out)
    archive.add(AFTER)
    assert archive.map(out) == first
    again = archive.map(out, redo=True)
    assert (days_of(first), days_of(again)) == (["20240331"], ["20240316"])
    assert archive.map(out) == again
    # What an earlier report names is still there.
    assert all((out / name).is_file() for name in first.files)


@pytest.mark.usefixtures("narrow")
def test_a_fire_that_burned_on_is_mapped_again(tmp_path: Path) -> None:
    archive = Archive(tmp_path / "archive")
    archive.add(AFTER)
    out = tmp_path / "out"
    archive.map(out)
    burned_on = replace(PLACE, last=AFTER + timedelta(days=2))
    assert not archive.map(out, burned_on).done
    archive.add(LATER)
    assert days_of(archive.map(out, burned_on)) == ["20240331"]


@pytest.mark.usefixtures("narrow")
def test_an_earlier_night_does_not_know_a_later_image(tmp_path: Path) -> None:
    archive = Archive(tmp_path / "archive")
    archive.add(AFTER)
    out = tmp_path / "out"
    earlier = archive.map(out, night=AFTER - timedelta(days=1))
    later = archive.map(out)
    assert archive.map(out, night=AFTER - timedelta(days=1)) == earlier
    assert not earlier.done
    assert archive.map(out) == later


def test_a_catalogue_that_does_not_answer_is_waited_for(tmp_path: Path) -> None:
    archive = Archive(tmp_path / "archive")
    archive.catalog = Silent(tmp_path)
    found = archive.map(tmp_path / "out")
    assert not found.done
    assert "api.example" in found.waiting_en
    assert "没有应答" in found.waiting_zh


class Silent(LocalCatalog):
    """A catalogue whose server is away."""

    def find_granules(self, *_: object, **__: object) -> list[Granule]:
        raise SourceError("https://api.example", "no answer", "try again")


@pytest.mark.parametrize("name", ["", "..", "a/b", ".hidden"])
def test_an_alert_that_names_another_folder_is_refused(
    archive: Archive, tmp_path: Path, name: str
) -> None:
    with pytest.raises(ConfigurationError, match="names no folder"):
        archive.map(tmp_path, replace(PLACE, alert=name))


@pytest.mark.parametrize("text", ["", "{", "[]", '{"agroforest": {"alert": "f1"}}'])
def test_a_damaged_record_is_no_record(tmp_path: Path, text: str) -> None:
    folder = tmp_path / "f1"
    folder.mkdir()
    (folder / "scars.geojson").write_text(text)
    assert read_mapped(tmp_path, "f1") is None
