"""``agroforest model train … --labels``: the walk-through of docs/survey.md."""

import csv
import json
import re
import shlex
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pyproj
import pytest
import rasterio
from affine import Affine
from numpy.typing import NDArray
from typer.testing import CliRunner, Result

from agroforest.cli.app import app
from agroforest.cli.options import find_folder
from agroforest.cli.survey import BLOCK, RADIUS, SEASON, TOLERANCE
from agroforest.risk import models_dir, read_card
from agroforest.risk.datasets.survey import CanopyRequest

_ROOT = Path(__file__).resolve().parents[2]
CRS, LEFT, TOP, SIDE = "EPSG:32649", 500_000.0, 2_500_000.0, 160
# Reflectance of a stand and of what is left of it, in the order of the composites.
STAND = [0.02, 0.02, 0.03, 0.02, 0.05, 0.15, 0.19, 0.2, 0.21, 0.21, 0.09, 0.04]
DEAD = [0.03, 0.03, 0.05, 0.06, 0.09, 0.14, 0.16, 0.17, 0.18, 0.19, 0.16, 0.1]


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(a) for a in arguments])


def damage() -> NDArray[np.bool_]:
    rng = np.random.default_rng(1)
    where = np.zeros((SIDE, SIDE), bool)
    for y, x in rng.integers(4, SIDE - 20, (12, 2)):
        where[y : y + 14, x : x + 14] = True
    return where


@pytest.fixture
def district(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Composites of two years and a survey, as the walk-through has them."""
    rng = np.random.default_rng(0)
    where = damage()
    for year in ("2023", "2024"):
        spectrum = np.where(
            (where & (year == "2024"))[None],
            np.array(DEAD)[:, None, None],
            np.array(STAND)[:, None, None],
        )
        numbers = spectrum * rng.normal(1, 0.08, spectrum.shape) * 10_000
        path = tmp_path / "composites" / year / "49QCE.tif"
        path.parent.mkdir(parents=True)
        with rasterio.open(
            path, "w", driver="GTiff", count=12, height=SIDE, width=SIDE,
            dtype="uint16", crs=CRS, transform=Affine(10, 0, LEFT, 0, -10, TOP),
        ) as data:  # fmt: skip
            data.write(numbers.astype(np.uint16))
    write_survey(tmp_path / "survey.csv", where, rng)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write_survey(
    path: Path, where: NDArray[np.bool_], rng: np.random.Generator
) -> None:
    move = pyproj.Transformer.from_crs(CRS, "EPSG:4326", always_xy=True)
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["lon", "lat", "状态", "日期", "半径"])
        for status, kind in (("受害", True), ("健康", False)):
            every = np.argwhere(where == kind)
            for row, column in rng.choice(every, 12, replace=False):
                lon, lat = move.transform(LEFT + 10 * column + 5, TOP - 10 * row - 5)
                day = date(2024, 8, 20) + timedelta(days=int(rng.integers(40)))
                writer.writerow([lon, lat, status, day, 12])
        writer.writerow([108.0, 22.0, "不确定", "2024-09-01", ""])
        writer.writerow([1.0, 2.0, "健康", "2024-09-01", ""])


def documented() -> list[list[str]]:
    """Commands of docs/survey.md below the comment ``tested``."""
    text = (_ROOT / "docs" / "survey.md").read_text(encoding="utf-8")
    found = re.search(r"<!-- tested -->\n+```\w*\n(.*?)```", text, re.DOTALL)
    assert found
    lines = found[1].replace("\\\n", " ").splitlines()
    return [shlex.split(line, comments=True) for line in lines if line.strip()]


@pytest.mark.slow
def test_the_walk_through(district: Path) -> None:
    shipped = (models_dir() / "canopy-damage" / "weights.safetensors").read_bytes()
    said = {}
    for command in documented():
        assert command[0] == "agroforest"
        ended = run(*command[1:])
        assert ended.exit_code == 0, ended.output
        said[command[2]] = ended.output
    out = said["train"]
    assert "12 damaged" in out
    assert "12 clean" in out
    assert "1 unsure" in out
    assert "1 outside the scenes" in out
    assert "结论" in out
    assert "--models" in out
    assert "leave --models out" in out
    card = read_card(district / "models" / "canopy-damage")
    assert card.fine_tuning is not None
    assert card.fine_tuning.labels == {"damaged": 12, "clean": 12}
    assert card.fine_tuning.base_sha256 in (
        models_dir() / "canopy-damage" / "card.toml"
    ).read_text(encoding="utf-8")
    assert "[fine_tuning]" in said["card"]
    with rasterio.open(district / "risk" / "49QCE.tif") as found:
        chance = found.read(1)
    assert chance[damage()].mean() > chance[~damage()].mean() + 0.3
    threshold = json.loads((district / "risk" / "threshold.json").read_text())
    assert threshold == {"threshold": card.calibration.thresholds["canopy-damaged"]}
    now = (models_dir() / "canopy-damage" / "weights.safetensors").read_bytes()
    assert now == shipped


def test_what_is_asked_for_must_fit(district: Path) -> None:
    train = ("model", "train", "canopy-damage", "--out", "x")
    survey = ("--labels", "survey.csv", "--scenes", "composites")

    def refused(*arguments: object) -> str:
        ended = run(*arguments)
        assert ended.exit_code
        assert not Path("x").exists()
        return str(ended.exception)

    fire = ("model", "train", "fire-occurrence", "--out", "x", *survey)
    assert "does not learn from a survey" in refused(*fire)
    assert "needs both --labels and --scenes" in refused(*train, *survey[:2])
    assert "needs both --labels and --scenes" in refused(*train, *survey[2:])
    both = refused(*train, *survey, "--data", "composites")
    assert "--labels exclude" in both
    assert "spell it so" in refused(*train, *survey, "--season", "autumn")
    few = refused(*train, *survey, "--radius", "1", "--season", "01-01/02-01")
    assert "gives 0 damaged and" in few
    assert "12 no composites for its date" in few
    assert "survey more places" in few
    assert district.exists()


def test_defaults_are_those_of_the_library() -> None:
    request = CanopyRequest(labels=Path(), scenes=Path(), prevalence=0.5)
    assert str(request.timing.season) == SEASON
    assert (request.timing.tolerance, request.radius) == (TOLERANCE, RADIUS)
    assert request.block == BLOCK


def test_a_folder_of_models_or_of_one(tmp_path: Path) -> None:
    assert find_folder(None, "a") == models_dir() / "a"
    assert find_folder(tmp_path, "a") == tmp_path / "a"
    (tmp_path / "card.toml").touch()
    assert find_folder(tmp_path, "a") == tmp_path
    (tmp_path / "a").mkdir()
    assert find_folder(tmp_path, "a") == tmp_path / "a"
