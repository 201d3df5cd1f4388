"""``agroforest fire danger`` and ``model train fire-occurrence --hotspots``."""

import json
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from tests.fire.conftest import write_area, write_weather
from typer.testing import CliRunner

from agroforest.cli.app import app
from agroforest.cli.fire_danger_page import build
from agroforest.core.errors import AgroforestError, ConfigurationError, NoInputError
from agroforest.fire.danger import DangerRequest, judge, prepare
from agroforest.fire.weather_on_cells import WeatherFile

RUN = CliRunner()


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Made weather with three days to come, and a small area."""
    folder = tmp_path_factory.mktemp("danger")
    weather = write_weather(folder / "w.csv", date(2020, 1, 1), 120)
    return weather, write_area(folder / "area.geojson")


def _call(*arguments: object) -> str:
    found = RUN.invoke(app, ["fire", "danger", *map(str, arguments)])
    if found.exception is not None:
        raise found.exception
    return found.stdout


def test_maps_summary_and_page_are_written(
    tmp_path: Path, world: tuple[Path, Path]
) -> None:
    weather, area = world
    said = _call(
        *(weather, "--aoi", area, "--out", tmp_path),
        *("--forecast-from", "2020-04-27", "--json"),
    )
    summary = json.loads(said)
    assert [(d["date"], d["forecast"]) for d in summary["days"]] == [
        ("2020-04-26", False),
        ("2020-04-27", True),
        ("2020-04-28", True),
        ("2020-04-29", True),
    ]
    assert summary["trained"] is False
    assert {p.name for p in tmp_path.iterdir()} == {
        *(f"{kind}_2020-04-{n}.tif" for kind in ("danger", "drivers") for n in _DAYS),
        "danger.json",
        "danger.html",
    }
    assert json.loads((tmp_path / "danger.json").read_text("utf-8")) == summary
    page = (tmp_path / "danger.html").read_text(encoding="utf-8")
    assert "火险等级" in page
    assert "http://" not in page.replace("http://www.w3.org", "")


_DAYS = (26, 27, 28, 29)


def test_people_read_ranks_and_what_is_missing_in_both_languages(
    tmp_path: Path, world: tuple[Path, Path]
) -> None:
    weather, area = world
    said = _call(
        *(weather, "--aoi", area, "--out", tmp_path),
        *("--date", "2020-03-01", "--until", "2020-03-02"),
    )
    lines = said.splitlines()
    assert lines[0].startswith("2020-03-01  等级 rank 1: ")
    assert lines[1].startswith("2020-03-02")
    assert "缺少 missing: htz" in said
    assert "untrained" in said


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        (("--date", "2025-01-01"), NoInputError, "2020-01-01 to 2020-04-29"),
        (("--model", "nowhere"), AgroforestError, "nowhere"),
        (("--ndmi", "map.tif"), ConfigurationError, "no date in its name"),
        (("--datum", "mars"), ConfigurationError, "mars"),
        (("--cell", "100", "--htz", "no.toml"), ConfigurationError, "no.toml"),
    ],
)
def test_errors_name_the_option_and_the_way_out(
    tmp_path: Path,
    world: tuple[Path, Path],
    arguments: tuple[str, ...],
    error: type[AgroforestError],
    words: str,
) -> None:
    weather, area = world
    with pytest.raises(error, match=words):
        _call(weather, "--aoi", area, "--out", tmp_path / "o", *arguments)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["fire-occurrence", "--hotspots", "f.csv"], "--weather"),
        (["canopy-damage", "--hotspots", "f.csv"], "does not learn from hotspots"),
        (
            ["fire-occurrence", "--hotspots", "f.csv", "--labels", "l.csv"],
            "exclude",
        ),
        (
            [
                *("fire-occurrence", "--hotspots", "f.csv", "--weather", "w.csv"),
                *("--aoi", "a.geojson", "--time-blocks", "week"),
            ],
            "month or year",
        ),
        (
            [
                *("fire-occurrence", "--hotspots", "f.csv", "--weather", "w.csv"),
                *("--aoi", "a.geojson", "--scenes", "."),
            ],
            "agroforest index",
        ),
    ],
)
def test_training_refuses_what_it_cannot_use(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    words: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    found = RUN.invoke(app, ["model", "train", *arguments, "--out", "m"])
    assert isinstance(found.exception, ConfigurationError)
    assert words in str(found.exception)
    assert not Path("m").exists()


def test_days_of_different_chances_share_one_scale(world: tuple[Path, Path]) -> None:
    weather, area = world
    scene = prepare(
        DangerRequest(
            weather=WeatherFile(path=weather),
            aoi=area,
            day=date(2020, 3, 1),
            until=date(2020, 3, 2),
        )
    )
    days = [
        one.patch(
            probability=np.where(one.rank > 0, chance, np.nan).astype(np.float32),
            model="fire-occurrence-local 1.0.0",
        )
        for one, chance in zip(judge(scene), (0.001, 0.02), strict=True)
    ]
    page = build(scene, days)
    assert "热点概率（模型）" in page
    assert "fire-occurrence-local 1.0.0" in page
