"""Two autumns compared once, by the shipped models, on real files."""

import json
import shutil
import sqlite3
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest
import rasterio
from rio_cogeo.cogeo import cog_validate
from tests.nightly.yearly.place import (
    DAYS,
    DEAD,
    NIGHT,
    YEAR,
    Forest,
    write_autumn,
    write_decade,
    write_settings,
)

from agroforest.core.identity import digest_file
from agroforest.cube import read_cog
from agroforest.indices import decode
from agroforest.nightly.yearly import damage
from agroforest.nightly.yearly.files import damage_path
from agroforest.risk import models_dir, read_card

pytestmark = [pytest.mark.slow, pytest.mark.enable_socket]


def files(forest: Forest) -> dict[str, str]:
    folder = forest.place.folder
    return {
        str(p.relative_to(folder)): digest_file(p)
        for p in sorted(folder.rglob("*"))
        if p.is_file() and not {"reports", ".locks"} & set(p.parts)
        and p.name != ".lock"
    }  # fmt: skip


def rows(forest: Forest) -> int:
    with sqlite3.connect(forest.place.database) as database:
        names = database.execute("SELECT name FROM sqlite_master WHERE type='table'")
        tables = [name for (name,) in names.fetchall()]
        return sum(
            database.execute(f'SELECT COUNT(*) FROM "{t}"').fetchone()[0]  # noqa: S608
            for t in tables
        )


@pytest.fixture
def explained(forest: Forest, tmp_path: Path) -> Forest:
    """The same with ten years of Landsat, an alert on the dead and one beside it."""
    write_decade(tmp_path / "landsat")
    forest.add(tmp_path / "landsat")
    forest.alert("d" * 16, *DEAD)
    forest.alert("e" * 16, slice(70, 88), slice(8, 30))
    return forest


def test_the_block_that_died_is_found_and_nothing_else(forest: Forest) -> None:
    (outcome,) = forest.run()
    assert not outcome.failed
    assert outcome.report is not None
    found = outcome.report["yearly"]
    (tile,) = found["tiles"]
    chance = decode(read_cog(damage_path(forest.place, tile["tile"], YEAR)).array)
    hit = chance >= tile["threshold"]
    dead = np.zeros_like(hit)
    dead[DEAD] = True
    assert hit[dead].mean() > 0.9
    assert hit[~dead].mean() < 0.002
    assert tile["damaged_ha"] == pytest.approx(hit.sum() / 100)
    assert tile["judged_ha"] == pytest.approx(np.isfinite(chance).sum() / 100)
    assert tile["filled"] == ["B01", "B09"]
    assert [p["id"] for p in found["places"]] == ["west"]
    assert found["places"][0]["damaged_ha"] == pytest.approx(hit[:, :66].sum() / 100)
    assert [one["en"][:10] for one in found["missing"]] == ["no causes:"]
    assert "Never tested in Guangxi." in found["limits"][0]["en"]


def test_files_say_what_they_are(forest: Forest) -> None:
    (outcome,) = forest.run()
    assert outcome.report is not None
    tile = outcome.report["yearly"]["tiles"][0]["tile"]
    path = damage_path(forest.place, tile, YEAR)
    item = json.loads(path.with_suffix(".json").read_text())["properties"]
    assert cog_validate(path, strict=True)[0]
    thresholds = read_card(models_dir() / "canopy-damage").calibration.thresholds
    assert item["agroforest:threshold"] == thresholds["canopy-damaged-networks"]
    assert item["agroforest:threshold_of"] == "networks alone"
    assert item["agroforest:filled"] == ["B01", "B09"]
    assert item["agroforest:simulated"] is True
    for year in (YEAR - 1, YEAR):
        with rasterio.open(forest.place.folder / f"composites/{year}/{tile}.tif") as c:
            assert (c.count, c.dtypes[0]) == (12, "uint16")
    page = (forest.place.folder / "maps" / f"{NIGHT}.html").read_text()
    assert "自上年以来受损的概率，请实地核查" in page
    report = (forest.place.folder / "reports" / f"{NIGHT}.html").read_text()
    assert "Damaged since last year, check in the field" in report
    assert "西小班" in report
    assert "东小班" not in report


def test_a_year_is_compared_once(forest: Forest) -> None:
    before = NIGHT - timedelta(days=1)
    early, first, later = forest.run(before, NIGHT, NIGHT + timedelta(days=1))
    assert [len(o.plan.yearly) for o in (early, first, later)] == [0, 1, 0]
    assert later.report is not None
    assert later.report["yearly"]["tiles"] == []
    page = (forest.place.folder / "maps" / f"{later.night}.html").read_text()
    assert "yearly:damage" in page, "later nights still show it"
    was, count = files(forest), rows(forest)
    (again,) = forest.run(later.night)
    assert again.report is None
    assert (files(forest), rows(forest)) == (was, count)


def test_a_comparison_that_broke_off_ends_with_the_same_bytes(
    explained: Forest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    twin = Forest(work=tmp_path / "twin", settings=explained.settings)
    shutil.copytree(explained.work, twin.work)

    def die(*_: object, **__: object) -> None:
        raise OSError("no space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(damage, "write_map", die)
        (broken,) = explained.run()
    assert broken.report is not None
    assert broken.failed == (broken.report["yearly"]["tiles"][0]["tile"],)
    assert "no space left" in broken.report["yearly"]["tiles"][0]["error"]
    kept = files(explained)
    assert any("composites" in name for name in kept)
    (tile,) = broken.failed
    scratch = explained.place.folder / f"composites/{YEAR}/.{tile}.0123.part.tif"
    scratch.write_bytes(b"half")
    (outcome,) = explained.run()
    assert not outcome.failed
    twin.run()
    assert not scratch.exists()
    assert files(explained) == files(twin)


def test_causes_are_named_for_alerts_and_shown(explained: Forest) -> None:
    (outcome,) = explained.run()
    assert outcome.report is not None
    found = {c["alert"]: c for c in outcome.report["yearly"]["causes"]}
    assert found["d" * 16]["cause"] == "felling"
    assert found["d" * 16]["pixels"] >= 81
    assert found["e" * 16]["cause"] == "none"
    assert outcome.report["yearly"]["missing"] == []
    folder = explained.place.folder / "risk" / "disturbance-cause" / str(YEAR)
    (path,) = [p for p in folder.glob("*.tif") if "prob" not in p.name]
    raster = read_cog(path)
    names = json.loads(path.with_suffix(".json").read_text())["properties"]
    codes = set(np.unique(raster.array).tolist()) - {0}
    named = {names["agroforest:classes"][str(code)] for code in codes}
    assert named & {"CT", "CP"}
    assert raster.grid.resolution == 30
    judged = (raster.array > 0).sum()
    assert judged < raster.array.size / 3, "only under alerts and damage"
    page = (explained.place.folder / "maps" / f"{NIGHT}.html").read_text()
    assert "Trained in eastern Canada, not verified here" in page


@pytest.mark.parametrize(
    ("missing", "causes"), [((YEAR - 5, YEAR - 8), True), ((YEAR,), False)]
)
def test_eight_years_and_the_last_are_needed(
    forest: Forest, tmp_path: Path, missing: tuple[int, ...], *, causes: bool
) -> None:
    write_decade(tmp_path / "landsat", missing=missing)
    forest.add(tmp_path / "landsat")
    forest.alert("d" * 16, *DEAD)
    (outcome,) = forest.run()
    assert outcome.report is not None
    assert bool(outcome.report["yearly"]["causes"]) is causes
    assert bool(outcome.report["yearly"]["missing"]) is not causes


def test_an_alert_on_later_signs_is_not_explained(
    forest: Forest, tmp_path: Path
) -> None:
    write_decade(tmp_path / "landsat")
    forest.add(tmp_path / "landsat")
    forest.alert("d" * 16, *DEAD, since=date(YEAR, 10, 20))
    (outcome,) = forest.run()
    assert outcome.report is not None
    assert outcome.report["yearly"]["causes"] == []


def test_alerts_are_explained_where_years_cannot_be_compared(tmp_path: Path) -> None:
    write_autumn(tmp_path / "scenes", YEAR, days=DAYS[:1])
    write_decade(tmp_path / "scenes")
    found = Forest(work=tmp_path / "w", settings=write_settings(tmp_path / "s"))
    found.add(tmp_path / "scenes")
    (without,) = found.run()
    assert without.plan.yearly == (), "nothing to look under"
    found.alert("d" * 16, *DEAD)
    (outcome,) = found.run(NIGHT + timedelta(days=1))
    assert outcome.report is not None
    assert [c["cause"] for c in outcome.report["yearly"]["causes"]] == ["felling"]
    (tile,) = outcome.report["yearly"]["tiles"]
    assert (tile["compared"], tile["explained"]) == (False, True)


def test_without_a_season_nothing_is_made_and_it_is_said(tmp_path: Path) -> None:
    write_autumn(tmp_path / "scenes", YEAR, dead=True)
    found = Forest(work=tmp_path / "w", settings=write_settings(tmp_path / "s"))
    found.add(tmp_path / "scenes")
    (outcome,) = found.run()
    assert outcome.report is not None
    assert outcome.report["yearly"]["tiles"] == []
    said = [one["en"] for one in outcome.report["yearly"]["missing"]]
    assert said == ["no scenes of 08-15/10-15 in 2019 to compare with (1 tile)"]
    assert not (found.place.folder / "composites").exists()
    assert (
        "没有 2019 年 08-15/10-15 的影像"
        in (found.place.folder / "reports" / f"{NIGHT}.html").read_text()
    )


def test_scenes_of_eight_bands_are_not_judged(tmp_path: Path) -> None:
    bands = ("B02", "B03", "B04", "B05", "B08", "B8A", "B11", "B12")
    for year in (YEAR - 1, YEAR):
        write_autumn(tmp_path / "scenes", year, bands=bands, days=DAYS[:1])
    found = Forest(work=tmp_path / "w", settings=write_settings(tmp_path / "s"))
    found.add(tmp_path / "scenes")
    (outcome,) = found.run()
    assert outcome.report is not None
    assert "lack bands" in " ".join(
        one["en"] for one in outcome.report["yearly"]["missing"]
    )


def test_a_model_that_is_not_there_is_said_and_the_night_goes_on(
    forest: Forest, tmp_path: Path
) -> None:
    text = '[yearly]\ndamage = "no-such-model"\ncause = "none"'
    other = Forest(
        work=forest.work, settings=write_settings(tmp_path / "s", yearly=text)
    )
    (outcome,) = other.run()
    assert not outcome.failed
    assert outcome.report is not None
    said = [one["en"] for one in outcome.report["yearly"]["missing"]]
    assert len(said) == 1
    assert "model no-such-model" in said[0]


def test_without_the_section_nothing_mentions_it(
    forest: Forest, tmp_path: Path
) -> None:
    plain = Forest(work=forest.work, settings=write_settings(tmp_path / "s", yearly=""))
    (outcome,) = plain.run()
    assert outcome.report is not None
    assert "yearly" not in outcome.report
    assert "yearly" not in (plain.place.folder / f"maps/{NIGHT}.html").read_text()
    assert not (plain.place.folder / "composites").exists()


def test_catch_up_nights_compare_every_year_once(
    forest: Forest, tmp_path: Path
) -> None:
    write_autumn(tmp_path / "scenes", YEAR + 1, dead=True, days=DAYS[:1])
    forest.add(tmp_path / "scenes")
    nights = [NIGHT + timedelta(days=n) for n in (0, 30, 200, 365, 366)]
    done = [
        [(t.tile.id, t.yearly.year) for t in outcome.plan.yearly if t.yearly]
        for outcome in forest.run(*nights)
    ]
    assert [len(one) for one in done] == [1, 0, 0, 1, 0]
    assert [one[0][1] for one in done if one] == [YEAR, YEAR + 1]
    made = sorted((forest.place.folder / "composites").glob("*/*.tif"))
    assert [p.parent.name for p in made] == ["2019", "2020", "2021"]


def test_late_scenes_are_left_out(forest: Forest, tmp_path: Path) -> None:
    forest.run()
    was = files(forest)
    write_autumn(tmp_path / "scenes", YEAR, dead=True, days=((9, 14),))
    forest.add(tmp_path / "scenes")
    (outcome,) = forest.run(NIGHT + timedelta(days=1))
    assert outcome.plan.yearly == ()
    rasters = {n: s for n, s in files(forest).items() if n.endswith(".tif")}
    assert rasters == {n: s for n, s in was.items() if n.endswith(".tif")}


def test_a_season_waits_for_late_scenes(forest: Forest) -> None:
    (outcome,) = forest.run(date(YEAR, 10, 25))
    assert outcome.plan.yearly == ()
