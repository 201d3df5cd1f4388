"""A cube watched at once gives what the nights give one by one."""

import warnings
from pathlib import Path

import numpy as np
import pytest
import rasterio
import xarray as xr
from rasterio.errors import NotGeoreferencedWarning
from typer.testing import CliRunner

from agroforest.cli.app import app
from agroforest.core.errors import ConfigurationError, DataError
from agroforest.indices.season import BANDS
from agroforest.monitor import Found, explain_cube, open_cube, watch_cube
from agroforest.risk import load_model, models_dir
from agroforest.risk.datasets.canopy_stress import follow
from agroforest.risk.infer import judge
from agroforest.risk.simulate import Emulator, Forest, build_forest
from agroforest.risk.simulate.events import Kind


@pytest.fixture(scope="module")
def forest() -> Forest:
    return build_forest(Emulator.shipped(), 1_000_003, 160)


def write(forest: Forest, path: Path, *, names: tuple[str, ...] = BANDS) -> Path:
    """The forest as a NetCDF cube, 16 x 10 pixels, with a little SCL."""
    shape = (forest.day.size, 16, 10)
    numbers = np.nan_to_num(forest.bands * 10_000).round().astype(np.int16)
    layers = {
        name: (("time", "y", "x"), numbers[:, BANDS.index(name)].reshape(shape))
        for name in names
    }
    usable = forest.usable.reshape(shape)
    layers["SCL"] = (("time", "y", "x"), np.where(usable, 4, 9).astype(np.int16))
    xr.Dataset(
        layers,
        coords={
            "time": forest.day.astype("datetime64[D]").astype("datetime64[ns]"),
            "y": 2_500_000.0 - 20 * np.arange(16),
            "x": 300_000.0 + 20 * np.arange(10),
        },
        attrs={"crs": "EPSG:32649"},
    ).to_netcdf(path)
    return path


@pytest.fixture(scope="module")
def cube(forest: Forest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(forest, tmp_path_factory.mktemp("cube") / "cube.nc")


@pytest.fixture(scope="module")
def found(forest: Forest, cube: Path) -> Found:
    model = load_model(models_dir() / "canopy-stress")
    return watch_cube(open_cube(cube), train_until=forest.history, model=model)


def test_as_the_nights_would(forest: Forest, found: Found) -> None:
    model = load_model(models_dir() / "canopy-stress")
    threshold = model.card.calibration.thresholds["canopy-disturbed"]
    first = np.zeros(160, np.int32)
    for night, state in follow(forest):
        stress, loss = judge(state, night, model, threshold)
        since = np.maximum(stress.since, loss.since)
        # A detection counts on the night that first says so.
        fresh = (first == 0) & (since > 0) & (stress.evidence == night)
        first[fresh] = night
    confirmed = found.confirmed.ravel()
    assert (first > 0).sum() > 10
    same = first == confirmed
    # A felled pixel starts a new history in the nights; a cube's does not.
    assert same.mean() > 0.97


def test_what_was_disturbed_scores_higher(forest: Forest, found: Found) -> None:
    kind = forest.events.kind
    end = int(forest.day[-1])
    hit = (kind != Kind.NONE) & (forest.events.onset < end - 120)
    chance = found.probability.ravel()
    known = np.isfinite(chance)
    assert known.mean() > 0.9
    well = known & (kind == Kind.NONE)
    assert np.median(chance[hit & known]) > np.median(chance[well]) + 0.3
    assert (found.detected.ravel()[well] > 0).mean() < 0.1
    cut = (kind == Kind.CUT) & (found.confirmed.ravel() > 0)
    if cut.any():
        assert np.isin(found.kind.ravel()[cut], (2, 3, 4)).mean() > 0.5
    late = found.confirmed >= found.detected
    assert late.all()


def test_files_and_messages(forest: Forest, cube: Path, tmp_path: Path) -> None:
    until = str(np.datetime64(forest.history, "D"))
    ended = CliRunner().invoke(
        app, ["monitor", str(cube), "--train-until", until, "--out", str(tmp_path)]
    )
    assert ended.exit_code == 0, ended.output
    for name, dtype in (
        ("probability", "float32"),
        ("detected", "int32"),
        ("confirmed", "int32"),
        ("class", "uint8"),
    ):
        with rasterio.open(tmp_path / f"{name}.tif") as raster:
            assert raster.dtypes == (dtype,)
            assert raster.shape == (16, 10)
            assert raster.crs.to_epsg() == 32649
            assert raster.transform.f == 2_500_010.0
    assert "采伐 cut" in (tmp_path / "map.svg").read_text(encoding="utf-8")


@pytest.mark.parametrize("missing", ["B12", "B02"])
def test_missing_bands(forest: Forest, tmp_path: Path, missing: str) -> None:
    names = tuple(b for b in BANDS if b != missing)
    opened = open_cube(write(forest, tmp_path / "less.nc", names=names))
    assert any(missing in note for note in opened.notes)
    model = load_model(models_dir() / "canopy-stress")
    found = watch_cube(opened, train_until=forest.history, model=model)
    assert np.isfinite(found.probability).mean() > 0.9


def test_cubes_that_cannot_be_watched(forest: Forest, cube: Path) -> None:
    model = load_model(models_dir() / "canopy-stress")
    opened = open_cube(cube)
    with pytest.raises(DataError, match="one side"):
        watch_cube(opened, train_until=int(forest.day[-1]), model=model)
    with pytest.raises(DataError, match="enough clear dates"):
        watch_cube(opened, train_until=int(forest.day[3]), model=model)
    nowhere = np.zeros(opened.shape, bool)
    with pytest.raises(DataError, match="no pixel is forest"):
        watch_cube(opened, train_until=forest.history, model=model, forest=nowhere)


def test_explanation_names_what_drove_it(
    forest: Forest, cube: Path, found: Found
) -> None:
    model = load_model(models_dir() / "canopy-stress")
    felled = (forest.events.kind == Kind.CUT) & (found.confirmed.ravel() > 0)
    row, column = divmod(int(np.flatnonzero(felled)[0]), 10)
    told = explain_cube(
        open_cube(cube), row, column, train_until=forest.history, model=model
    )
    assert told.output == "gone"
    assert told.value >= model.card.calibration.thresholds["canopy-disturbed"]
    assert told.features == ("B02", "B03", "B04", "B8A", "B11", "B12", "CRSWIR")
    assert told.change.shape == (7, len(told.steps))
    # What confirmed it comes last, and nothing before the felling raised it as much.
    confirmed = np.datetime64(int(found.confirmed[row, column]), "D")
    assert told.steps[-1] == f"{confirmed.astype(object):%y-%m-%d}"
    by_date = np.nansum(told.change, axis=0)
    assert by_date.argmax() >= len(told.steps) - 2


def test_explanation_of_a_place_outside(cube: Path, forest: Forest) -> None:
    model = load_model(models_dir() / "canopy-stress")
    with pytest.raises(ConfigurationError, match="outside 16 x 10"):
        explain_cube(open_cube(cube), 16, 0, train_until=forest.history, model=model)


def test_explanation_as_a_picture(forest: Forest, cube: Path, tmp_path: Path) -> None:
    history = np.datetime64(forest.history, "D")
    command = ["model", "explain", "canopy-stress", "--data", str(cube)]
    picture = tmp_path / "why.svg"
    asked = [*command, "--pixel", "3,4", "--out", str(picture)]
    done = CliRunner().invoke(app, [*asked, "--train-until", str(history)])
    assert done.exit_code == 0, done.output
    drawn = picture.read_text(encoding="utf-8")
    assert "CRSWIR" in drawn
    assert "canopy-stress 2" in drawn
    for wrong in (asked, [*command, "--pixel", "3", "--out", str(picture)]):
        assert CliRunner().invoke(app, wrong).exit_code != 0


def test_an_explanation_asks_the_forest_that_the_map_asked(
    forest: Forest, cube: Path, tmp_path: Path
) -> None:
    """What a scene shares is asked of the mask's pixels, for both."""
    opened = open_cube(cube)
    mask = np.zeros(opened.shape, np.uint8)
    mask[:8] = 1
    path = tmp_path / "mask.tif"
    size = {"count": 1, "height": 16, "width": 10, "dtype": "uint8"}
    with (
        warnings.catch_warnings(action="ignore", category=NotGeoreferencedWarning),
        rasterio.open(path, "w", driver="GTiff", **size) as raster,
    ):
        raster.write(mask, 1)
    model = load_model(models_dir() / "canopy-stress")
    until = forest.history
    masked = explain_cube(opened, 3, 4, train_until=until, model=model, forest=mask > 0)
    plain = explain_cube(opened, 3, 4, train_until=until, model=model)
    assert masked.value != plain.value
    history = str(np.datetime64(until, "D"))
    command = ["model", "explain", "canopy-stress", "--data", str(cube)]
    command += ["--pixel", "3,4", "--train-until", history, "--forest", str(path)]
    done = CliRunner().invoke(app, [*command, "--out", str(tmp_path / "why.svg")])
    assert done.exit_code == 0, done.output
    assert f"{masked.output} {masked.value:.3g}" in done.output
