"""``agroforest model``: every shipped model answers for real data without labels."""

import csv
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import rasterio
from defusedxml import ElementTree
from typer.testing import CliRunner

from agroforest.cli.app import app
from agroforest.risk import models_dir, read_card


def run(*arguments: object) -> str:
    ended = CliRunner().invoke(app, [str(a) for a in arguments])
    assert ended.exit_code == 0, ended.output + repr(ended.exception)
    return ended.output


def patches(data: Path, out: Path) -> Path:
    """One scene of two years, no mask."""
    scene = min((data / "pest_s2_patches" / "2020").iterdir()).name
    for year in ("2019", "2020"):
        (out / year).mkdir(parents=True)
        shutil.copy(data / "pest_s2_patches" / year / scene, out / year)
    return out


def fires(data: Path, out: Path) -> Path:
    """A fire with post bands alone, and one with all but the mask."""
    source = data / "burned_area_s2"
    names = sorted(path.stem for path in (source / "index").iterdir())
    whole = json.loads((source / "index" / f"{names[0]}.json").read_text())
    whole.pop("mask")
    bare = json.loads((source / "index" / f"{names[-1]}.json").read_text())
    bare = {k: v for k, v in bare.items() if k not in {"mask", "pre", "dnbr"}}
    (out / "index").mkdir(parents=True)
    for name, content in ((names[0], whole), (names[-1], bare)):
        (out / "index" / f"{name}.json").write_text(json.dumps(content))
        for part in ("post", "pre", "dnbr"):
            if part in content:
                (out / part).mkdir(exist_ok=True)
                shutil.copy(source / content[part], out / part)
    return out


def series(data: Path, out: Path) -> Path:
    """The first series of two cells, without what is not known at prediction."""
    out.mkdir()
    for name in ("1.parquet", "24.parquet"):
        table = pq.read_table(data / "disturbance_landsat_series" / name)
        kept = [c for c in table.column_names if c not in {"label", "onset_year"}]
        pq.write_table(table.select(kept).slice(0, 150), out / name)
    return out


def moisture(data: Path, out: Path) -> Path:
    out.mkdir()
    for path in (data / "fuel_moisture").iterdir():
        if path.name != "target.npy":
            np.save(out / path.name, np.load(path)[:60])
    return out


def points(data: Path, out: Path) -> Path:
    out.mkdir()
    with (data / "fire_points_thailand" / "points.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))[:40]
    with (out / "points.csv").open("w", newline="") as file:
        names = [name for name in rows[0] if name != "fireBinary"]
        writer = csv.DictWriter(file, names, extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)
    return out


FOLDERS: dict[str, Callable[[Path, Path], Path]] = {
    "canopy-damage": patches,
    "burned-area": fires,
    "disturbance-cause": series,
    "fuel-moisture": moisture,
    "fire-occurrence": points,
}


@pytest.mark.parametrize("name", FOLDERS)
def test_predictions_without_labels(name: str, data_dir: Path, tmp_path: Path) -> None:
    folder = FOLDERS[name](data_dir, tmp_path / "data")
    out = tmp_path / "out"
    run("model", "predict", name, "--data", folder, "--out", out)
    threshold = read_card(models_dir() / name).calibration.thresholds
    if name in {"canopy-damage", "burned-area"}:
        source = "2020" if name == "canopy-damage" else "post"
        scenes = sorted((folder / source).iterdir())
        for scene in scenes:
            with rasterio.open(scene) as one, rasterio.open(out / scene.name) as said:
                assert said.dtypes == ("float32",)
                assert (said.crs, said.transform) == (one.crs, one.transform)
                chance = said.read(1)
                assert chance.shape == one.shape
                seen = np.isfinite(chance)
                assert seen.mean() > 0.5
                assert ((chance[seen] >= 0) & (chance[seen] <= 1)).all()
        said = json.loads((out / "threshold.json").read_text())
        assert said == {"threshold": next(iter(threshold.values()))}
    elif name == "disturbance-cause":
        for path in sorted(folder.iterdir()):
            table = pq.read_table(out / path.name)
            causes = [c for c in table.column_names if c.startswith("p_")]
            assert len(causes) == 11
            chance = np.stack([table[c].to_numpy() for c in causes], axis=1)
            assert len(chance) == 150
            np.testing.assert_allclose(chance.sum(axis=1), 1, atol=1e-4)
            likeliest = [causes[n].removeprefix("p_") for n in chance.argmax(axis=1)]
            assert table["label"].to_pylist() == likeliest
    else:
        column = "lfmc" if name == "fuel-moisture" else "probability"
        with (out / "predictions.csv").open(newline="") as file:
            said = [float(row[column]) for row in csv.DictReader(file)]
        assert len(said) == (60 if name == "fuel-moisture" else 40)
        high = 400 if name == "fuel-moisture" else 1
        assert all(0 <= value <= high for value in said)


def test_a_small_evaluation_gives_the_cards_figures(data_dir: Path) -> None:
    data = data_dir / "fire_points_thailand"
    found = json.loads(
        run("model", "evaluate", "fire-occurrence", "--data", data, "--json")
    )
    card = read_card(models_dir() / "fire-occurrence")
    said = {m["name"]: m["value"] for m in found["metrics"]}
    assert said == pytest.approx({m.name: m.value for m in card.metrics}, abs=1e-3)
    assert found["unseen_places"] == 0
    assert sum(b["answers"] for b in found["reliability"]) == 575
    assert found["beside"] == []
    text = run("model", "evaluate", "fire-occurrence", "--data", data)
    assert "prevalence 0.511" in text


def test_a_baseline_is_grown_beside_the_model(data_dir: Path) -> None:
    name, data = "fire-occurrence", data_dir / "fire_points_thailand"
    common = ("model", "evaluate", name, "--data", data, "--baseline")
    found = json.loads(run(*common, "--json"))
    auroc = {b["name"]: b for b in found["beside"] if b["metric"] == "auroc"}
    assert len(auroc) == 5  # the forest, and four learners alone
    forest = auroc["random forest, numbers of a point"]
    assert forest["value"] == pytest.approx(0.808, abs=0.005)
    ours = {m["name"]: m["value"] for m in found["metrics"]}["auroc"]
    for one in auroc.values():
        assert one["gain"] == pytest.approx(ours - one["value"], abs=2e-4)
        assert one["gain_low"] < one["gain"] < one["gain_high"]
    assert "random forest" in run(*common)
    refused = CliRunner().invoke(
        app, ["model", "evaluate", "canopy-stress", "--baseline"]
    )
    assert refused.exit_code != 0


@pytest.mark.parametrize(
    ("name", "item"),
    [("disturbance-cause", ()), ("canopy-damage", ("--pixel", "20,20"))],
)
def test_explanations_are_drawn(
    name: str, item: tuple[str, ...], data_dir: Path, tmp_path: Path
) -> None:
    folder = FOLDERS[name](data_dir, tmp_path / "data")
    scenes = folder / "2020"
    which = next(scenes.iterdir()).stem if scenes.is_dir() else "24:3"
    out = tmp_path / "why.svg"
    common = ("model", "explain", name, "--data", folder, "--out", out)
    run(*common, "--item", which, *item)
    picture = ElementTree.fromstring(out.read_text(encoding="utf-8"))
    words = [t.text or "" for t in picture.iter("{http://www.w3.org/2000/svg}text")]
    assert any("±" in word for word in words)
    lost = CliRunner().invoke(
        app, [str(a) for a in (*common, "--item", "nobody", *item)]
    )
    assert lost.exit_code != 0


def test_models_as_stac_items() -> None:
    item = json.loads(run("model", "card", "canopy-stress", "--stac"))
    assert item["properties"]["mlm:name"] == "canopy-stress"


def test_columns_keep_their_order(data_dir: Path, tmp_path: Path) -> None:
    """Rows come back in the order of the file, whatever is in it."""
    folder = series(data_dir, tmp_path / "data")
    path = folder / "1.parquet"
    table = pq.read_table(path)
    order = np.random.default_rng(0).permutation(len(table))
    first, second = tmp_path / "one", tmp_path / "two"
    run("model", "predict", "disturbance-cause", "--data", folder, "--out", first)
    pq.write_table(table.take(pa.array(order)), path)
    run("model", "predict", "disturbance-cause", "--data", folder, "--out", second)
    one, two = (pq.read_table(out / "1.parquet") for out in (first, second))
    np.testing.assert_allclose(
        two["p_BR"].to_numpy(), one["p_BR"].to_numpy()[order], atol=1e-4
    )
