"""What could not be catalogued stands until it is mended."""

from pathlib import Path

from agroforest.catalog import LocalCatalog, Refusals, add_scenes
from agroforest.core.errors import DataError


def error(path: Path) -> DataError:
    return DataError(path, "truncated", "deliver it again")


def wheres(refusals: Refusals) -> list[str]:
    return [e.where for e in refusals.read()]


def test_a_product_stands_refused_until_it_is_found_good(tmp_path: Path) -> None:
    refusals = Refusals(root=tmp_path / "catalog")
    assert refusals.read() == []
    one, two = tmp_path / "one", tmp_path / "two"
    refusals.update([one, two], [error(one / "B04.tif"), error(two / "SCL.tif")])
    assert wheres(refusals) == [str(one / "B04.tif"), str(two / "SCL.tif")]
    refusals.update([two], [])
    assert wheres(refusals) == [str(one / "B04.tif")]
    refusals.update([one], [error(one / "B11.tif")])
    assert wheres(refusals) == [str(one / "B11.tif")]
    refusals.update([one], [])
    assert refusals.read() == []


def test_a_name_that_begins_alike_is_another_product(tmp_path: Path) -> None:
    refusals = Refusals(root=tmp_path)
    refusals.update([tmp_path / "S2"], [error(tmp_path / "S2" / "a.tif")])
    refusals.update([tmp_path / "S2B"], [])
    assert len(refusals.read()) == 1


def test_nothing_is_written_when_nothing_is_wrong(tmp_path: Path) -> None:
    Refusals(root=tmp_path / "catalog").update([tmp_path], [])
    assert not (tmp_path / "catalog").exists()


def test_adding_scenes_remembers_what_was_refused(tmp_path: Path) -> None:
    local = LocalCatalog(tmp_path / "catalog")
    wrong = tmp_path / "letter.docx"
    wrong.write_text("letter")
    add_scenes([wrong], local)
    (remembered,) = Refusals(root=local.root).read()
    assert remembered.where == str(wrong)
    written = (local.root / "refused.json").stat().st_mtime_ns
    add_scenes([wrong], local)
    assert (local.root / "refused.json").stat().st_mtime_ns == written
