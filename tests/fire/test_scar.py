"""A made-up fire through the whole: images, model, outlines, evidence, areas."""

import csv
import json
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pytest
import rasterio
import shapely
from tests.fire import scars

from agroforest.core.errors import ConfigurationError, DataError, ModelError
from agroforest.core.grid import WGS84, Grid, reproject
from agroforest.fire import scar_judge
from agroforest.fire.scar import ScarMap, ScarRequest, map_scars
from agroforest.fire.scar_image import opened_image
from agroforest.fire.scar_outputs import describe, write_scars
from agroforest.fire.scar_severity import Severity
from agroforest.fire.scar_survey import Scar
from agroforest.risk import ensemble, models_dir
from agroforest.risk.scenes import Scenes
from agroforest.risk.tasks.burned_area import TASK

GRID = Grid(
    crs=scars.CRS, left=0, top=0, resolution=1, width=scars.SIDE, height=scars.SIDE
)
BEFORE, AFTER = date(2024, 3, 1), date(2024, 3, 16)


def overlap(scar: Scar) -> float:
    """Intersection over union with the burn that was drawn."""
    found, drawn = np.zeros((2, scars.SIDE, scars.SIDE), bool)
    found[scar.outline.rows, scar.outline.columns] = scar.outline.pixels
    drawn[scars.BURN] = True
    return float((found & drawn).sum() / (found | drawn).sum())


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("scars")
    scars.write(made / "post_20240316.tif", scars.draw(burned=True))
    scars.write(made / "pre_20240301.tif", scars.draw(burned=False, cut=False))
    halves = {
        "西": (scars.LEFT, scars.LEFT + 65 * scars.PIXEL),
        "=东": (scars.LEFT + 65 * scars.PIXEL, scars.LEFT + 160 * scars.PIXEL),
    }
    features = [
        {
            "type": "Feature",
            "properties": {"id": name, "name_zh": name},
            "geometry": json.loads(
                shapely.to_geojson(
                    reproject(
                        shapely.box(west, scars.TOP - 3200, east, scars.TOP),
                        scars.CRS,
                        WGS84,
                    )
                )
            ),
        }
        for name, (west, east) in halves.items()
    ]
    (made / "stands.geojson").write_text(
        json.dumps({"type": "FeatureCollection", "features": features})
    )
    return made


@pytest.fixture(scope="module")
def pair(folder: Path) -> ScarMap:
    return map_scars(
        ScarRequest(
            post=folder / "post_20240316.tif",
            pre=folder / "pre_20240301.tif",
            compartments=folder / "stands.geojson",
        )
    )


@pytest.fixture(scope="module")
def alone(folder: Path) -> ScarMap:
    return map_scars(ScarRequest(post=folder / "post_20240316.tif"))


def test_the_burn_is_found_with_its_area_and_its_evidence(pair: ScarMap) -> None:
    fires = [scar for scar in pair.scars if scar.evidence.fire]
    assert len(fires) == 1
    (fire,) = fires
    assert overlap(fire) > 0.75
    assert fire.evidence.words == "char"
    assert (fire.evidence.begun, fire.evidence.ended) == (BEFORE, AFTER)


def test_a_clear_cut_that_looks_burned_is_kept_and_marked(pair: ScarMap) -> None:
    cut = shapely.Point(scars.LEFT + 115 * scars.PIXEL, scars.TOP - 120 * scars.PIXEL)
    place = reproject(cut, scars.CRS, WGS84)
    (hit,) = [s for s in pair.scars if s.outline.geometry.intersects(place)]
    assert hit.probability > pair.threshold  # the model takes it for a fire
    assert hit.evidence.words == "none"
    told = describe(hit, pair)
    assert told["verdict"] == "harvest?"
    assert "采伐" in told["verdict_zh"]


def test_severity_is_of_the_ground_and_sums_to_the_area(pair: ScarMap) -> None:
    (fire,) = [scar for scar in pair.scars if scar.evidence.fire]
    assert fire.dnbr is not None
    assert fire.dnbr > 0.66
    assert fire.offset == pytest.approx(0, abs=0.02)
    assert max(fire.severity_ha, key=fire.severity_ha.__getitem__) == Severity.HIGH
    assert sum(fire.severity_ha.values()) == pytest.approx(
        fire.outline.area_ha, rel=0.01
    )
    assert pair.severity is not None
    inside = pair.severity[35:65, 45:85]
    assert (inside == Severity.HIGH).mean() > 0.95
    assert not pair.severity[80:100].any()


def test_without_an_image_before_nothing_is_claimed(
    alone: ScarMap, tmp_path: Path
) -> None:
    assert any(scar.evidence.fire for scar in alone.scars)
    assert alone.severity is None
    assert all(s.dnbr is None and not s.severity_ha for s in alone.scars)
    (tmp_path / "severity.tif").write_text("of an earlier run")
    files = {path.name for path in write_scars(tmp_path, alone)}
    assert files == {"probability.tif", "scars.geojson", "scars.csv"}
    assert not (tmp_path / "severity.tif").exists()


def test_cloud_is_not_judged_and_water_does_not_burn(alone: ScarMap) -> None:
    assert np.isnan(alone.probability[scars.CLOUD]).all()
    assert (alone.probability[scars.LAKE] == 0).all()
    assert any("cloud" in note for note in alone.notes)


def test_parts_in_compartments_sum_to_the_scar(pair: ScarMap) -> None:
    (fire,) = [scar for scar in pair.scars if scar.evidence.fire]
    assert sum(share.area_ha for share in fire.shares) == pytest.approx(
        fire.outline.area_ha, rel=1e-3
    )
    assert len(fire.shares) == 2


def test_files_open_as_they_are_meant(pair: ScarMap, tmp_path: Path) -> None:
    names = [path.name for path in write_scars(tmp_path, pair)]
    assert names == [
        *("probability.tif", "severity.tif", "severity_rbr.tif"),
        *("scars.geojson", "scars.csv", "areas.csv", "totals.csv"),
    ]
    document = json.loads((tmp_path / "scars.geojson").read_text("utf-8"))
    told = document["features"][0]["properties"]
    assert told["area_mu"] == pytest.approx(15 * told["area_ha"], rel=1e-3)
    assert (told["severity_zh"], told["severity_en"]) == ("重度", "high")
    assert told["verdict_zh"].startswith("疑似")
    content = (tmp_path / "areas.csv").read_bytes()
    assert content.startswith(b"\xef\xbb\xbf")
    rows = list(csv.DictReader(content.decode("utf-8-sig").splitlines()))
    assert {row["name_zh"] for row in rows} == {"西", "'=东"}
    text = (tmp_path / "totals.csv").read_text("utf-8-sig")
    sums = {row["name_zh"]: row for row in csv.DictReader(text.splitlines())}
    fire, cut = pair.scars
    burned = sum(float(row["fire_ha"]) for row in sums.values())
    assert burned == pytest.approx(fire.outline.area_ha, rel=1e-3)
    assert float(sums["西"]["harvest_ha"]) == 0
    assert float(sums["'=东"]["harvest_mu"]) == pytest.approx(
        15 * cut.outline.area_ha, rel=1e-3
    )
    with rasterio.open(tmp_path / "severity.tif") as data:
        assert (data.nodata, data.dtypes) == (0, ("uint8",))
        assert data.tags()["IMAGE_BEFORE"] == "pre_20240301"


def test_a_folder_with_a_classification_is_read_through_char(tmp_path: Path) -> None:
    post = scars.write_folder(tmp_path / "S2_20240316", scars.draw(burned=True))
    found = map_scars(ScarRequest(post=post))
    assert found.post.day == AFTER
    assert np.isnan(found.probability[145:160, 0:35]).all()
    assert any(s.evidence.fire and overlap(s) > 0.75 for s in found.scars)


def test_scars_outside_the_counties_are_counted(folder: Path) -> None:
    away = json.loads((folder / "stands.geojson").read_text())
    del away["features"][1]
    (folder / "west.geojson").write_text(json.dumps(away))
    found = map_scars(
        ScarRequest(post=folder / "post_20240316.tif", counties=folder / "west.geojson")
    )
    assert "west.geojson: 1 of 2 scars lie outside" in found.notes


def test_only_scars_that_touch_a_place_are_told_of(pair: ScarMap, folder: Path) -> None:
    fire, cut = pair.scars
    found = map_scars(
        ScarRequest(
            post=folder / "post_20240316.tif",
            pre=folder / "pre_20240301.tif",
            around=fire.outline.geometry.centroid.buffer(1e-4),
        )
    )
    assert [scar.outline.id for scar in found.scars] == [fire.outline.id]
    assert found.left_out == 1
    assert found.severity is not None
    assert found.severity[fire.outline.rows, fire.outline.columns].any()
    assert not found.severity[cut.outline.rows, cut.outline.columns].any()


def test_a_window_kept_in_memory_is_the_window_of_the_files(folder: Path) -> None:
    with opened_image(folder / "post_20240316.tif") as image:
        window = image.grid.patch(
            left=image.grid.left + 200, top=image.grid.top - 100, width=90, height=70
        )
        kept = image.keep(window)
        whole = image.read(window)
    part = window.patch(left=window.left + 40, top=window.top - 60, width=5, height=9)
    np.testing.assert_array_equal(kept.read(part), whole[:, 3:12, 2:7])
    assert kept.grid == window
    assert kept.content not in {image.content, image.keep(image.grid).content}
    with pytest.raises(DataError, match="another grid"):
        kept.read(window.pad(1))


def test_opened_images_are_judged_like_their_files(
    alone: ScarMap, folder: Path
) -> None:
    with opened_image(folder / "post_20240316.tif") as image:
        kept = image.keep(image.grid)
    found = map_scars(ScarRequest(post=kept))
    np.testing.assert_array_equal(found.probability, alone.probability)
    with pytest.raises(ConfigurationError, match="post_20240316: was taken"):
        map_scars(ScarRequest(post=kept, pre=kept))


def test_images_in_the_wrong_order_and_place_are_named(
    folder: Path, tmp_path: Path
) -> None:
    post, pre = folder / "post_20240316.tif", folder / "pre_20240301.tif"
    with pytest.raises(ConfigurationError, match="not before"):
        map_scars(ScarRequest(post=pre, pre=post))
    small = scars.write(tmp_path / "x_20240101.tif", scars.draw(burned=False)[:, :90])
    with pytest.raises(DataError, match="another grid"):
        map_scars(ScarRequest(post=post, pre=small))
    bare = scars.write(tmp_path / "bare.tif", scars.draw(burned=True), named=False)
    with pytest.raises(ConfigurationError, match="--bands"):
        map_scars(ScarRequest(post=bare))
    pale = scars.write(
        tmp_path / "pale.tif", scars.draw(burned=True) * np.float32(1e-4)
    )
    with pytest.raises(DataError, match="10,000"):
        map_scars(ScarRequest(post=pale))


def test_one_window_says_what_the_ensemble_says() -> None:
    model = ensemble.load(TASK, models_dir() / TASK.name)
    values = np.concatenate(
        [scars.draw(burned=True), np.full((1, scars.SIDE, scars.SIDE), np.nan)]
    ).astype(np.float32)
    values[:3] = np.minimum(values[:3], 0.2)
    samples = Scenes(
        values=(values,),
        place=np.array(["made"]),
        name=("made",),
        grid=(GRID,),
    )
    exact = scar_judge.judge_window(model, values, exact=True)
    fast = scar_judge.judge_window(model, values)
    every = replace(TASK, finish=None)  # not the one in the middle alone
    asked = ensemble.ask(every, model, samples).value[:, 0].reshape(exact.shape)
    threshold = ensemble.open_threshold_of(TASK, model)
    # Near 1 a probability of 32 bits has few digits left for its logit.
    np.testing.assert_allclose(exact, asked, atol=5e-3)
    assert ((exact >= threshold) == (asked >= threshold)).all()
    assert ((exact >= threshold) != (fast >= threshold)).mean() < 1e-3


def test_a_card_from_before_is_named() -> None:
    model = ensemble.load(TASK, models_dir() / TASK.name)
    calibration = model.card.calibration.model_copy(
        update={"thresholds": {"burned": 0.5}}
    )
    card = model.card.model_copy(
        update={"calibration": calibration, "version": "1.1.0"}
    )
    with pytest.raises(ModelError, match=r"burned-area 1\.1\.0: has no threshold"):
        ensemble.open_threshold_of(TASK, replace(model, card=card))


def test_windows_cover_an_image_and_agree_where_they_meet(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(scar_judge, "WINDOW", 100)
    monkeypatch.setattr(scar_judge, "OVERLAP", 30)
    scene = scars.draw(burned=True)

    def read(part: Grid) -> "np.ndarray[tuple[int, ...], np.dtype[np.float32]]":
        rows = slice(round(-part.top), round(-part.top) + part.height)
        columns = slice(round(part.left), round(part.left) + part.width)
        unknown = np.full((1, *part.shape), np.nan, np.float32)
        return np.concatenate([scene[:, rows, columns], unknown])

    model = ensemble.load(TASK, models_dir() / TASK.name)
    chance = scar_judge.judge_image(model, GRID, read)
    assert np.isfinite(chance).all()
    assert np.median(chance[scars.BURN]) > 0.5
    assert np.median(chance[75:105, :]) < 0.1
