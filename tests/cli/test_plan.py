"""``agroforest plan`` as a person runs it."""

import json
from pathlib import Path

import pytest
from tests.cli.test_commands import _AOI, _PIPELINE

from agroforest.testing.commands import run_command as call


@pytest.fixture(scope="module")
def county(tmp_path_factory: pytest.TempPathFactory, scene: Path) -> Path:
    """A pipeline, one catalogued scene, and its first plan as JSON."""
    folder = tmp_path_factory.mktemp("county")
    (folder / "p.toml").write_text(_PIPELINE)
    (item,) = (json.loads(p.read_text()) for p in scene.glob("*.json"))
    # Only where the scene is, so that the rehearsal is short.
    area = {"type": "Feature", "properties": {}, "geometry": item["geometry"]}
    (folder / "a.geojson").write_text(json.dumps({**_AOI, "features": [area]}))
    assert call("scenes", "add", scene, cwd=folder).returncode == 0
    first = plan(folder, "--json")
    (folder / "first.json").write_text(first)
    return folder


def plan(folder: Path, *options: str) -> str:
    ended = call("plan", "p.toml", "--night", "2024-12-31", *options, cwd=folder)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def test_an_empty_catalogue_is_code_5_and_one_line(tmp_path: Path) -> None:
    (tmp_path / "p.toml").write_text(_PIPELINE)
    (tmp_path / "a.geojson").write_text(json.dumps(_AOI))
    ended = call("plan", "p.toml", "--night", "2024-02-01", cwd=tmp_path)
    assert ended.returncode == 5
    assert ended.stdout == ""
    assert ended.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["none.toml"], "No such file"),
        (["p.toml", "--night", "2023-06-01"], "lies in the history"),
        (["p.toml", "--from", "2024-01-05"], "both --from and --to"),
        (["p.toml", "--workers", "0"], "--workers"),
        (["p.toml", "--watts", "none"], "--watts"),
    ],
)
def test_usage_and_settings_are_code_2(
    tmp_path: Path, arguments: list[str], words: str
) -> None:
    (tmp_path / "p.toml").write_text(_PIPELINE)
    (tmp_path / "a.geojson").write_text(json.dumps(_AOI))
    ended = call("plan", *arguments, cwd=tmp_path)
    assert ended.returncode == 2
    assert words in ended.stderr


@pytest.mark.slow
def test_the_plan_is_what_the_night_would_do(county: Path) -> None:
    found = json.loads((county / "first.json").read_text())
    night = call(
        "nightly", "p.toml", "--night", "2024-12-31", "--dry-run", "--json", cwd=county
    )
    planned = json.loads(night.stdout)["planned"]
    assert found["learning"]["tasks"] == len(planned["baselines"]) > 0
    assert found["judging"]["tasks"] == len(planned["tiles"]) > 0
    assert found["judging"]["scenes"] == sum(len(t["scenes"]) for t in planned["tiles"])
    assert found["tiles"]["busy"] == found["judging"]["tasks"]
    assert found["seconds"]["low"] < found["seconds"]["expected"]
    assert found["unknown"] == []
    # One scene makes no season, and the night will say so.
    assert found["short_history"] == planned["baselines"]


@pytest.mark.slow
def test_planning_leaves_figures_and_nothing_half_done(county: Path) -> None:
    folder = county / "work" / "p"
    assert {p.name for p in folder.iterdir()} == {"figures.json", ".lock"}
    kept = json.loads((folder / "figures.json").read_text())
    found = json.loads((county / "first.json").read_text())
    # A single scene teaches no season: made-up ones stood in.
    assert found["figures"]["own_scenes"] is kept["own"] is False
    again = json.loads(plan(county, "--json"))
    assert again["figures"] == found["figures"]
    assert again["learning"] == found["learning"]


@pytest.mark.slow
def test_what_the_operator_says_is_reckoned_with(county: Path) -> None:
    said = json.loads(
        plan(county, "--json", "--watts", "360", "--carbon", "500", "--workers", "1")
    )
    seconds = said["seconds"]["expected"]
    assert said["watts"] == {"value": 360.0, "from": "given"}
    assert said["kwh"] == pytest.approx(seconds / 10_000)
    assert said["co2_g"] == pytest.approx(seconds / 20)
    assert said["workers"] == 1


@pytest.mark.slow
def test_people_read_it_in_both_languages(county: Path) -> None:
    shown = plan(county)
    for words in (
        "瓦片",
        "tiles",
        "用电",
        "electricity",
        "assumption",
        "made-up scenes",
    ):
        assert words in shown
    assert "nothing can be judged there yet" in shown
    assert "未知" not in shown  # every file is on this machine
