"""Commands as a person runs them: arguments in, text and exit codes out."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from agroforest import __version__
from agroforest.nightly.workplace import Workplace
from agroforest.testing.commands import run_command as call

_PIPELINE = """
name = "p"
aoi = "a.geojson"
[baseline]
start = 2022-01-01
end = 2023-12-31
[risk]
forest = "everywhere"
"""
_AOI = {
    "type": "FeatureCollection",
    "features": [
        {
            "type": "Feature",
            "properties": {},
            "geometry": {
                "type": "Polygon",
                "coordinates": [
                    [
                        [108.2, 22.7],
                        [108.7, 22.7],
                        [108.7, 23.2],
                        [108.2, 23.2],
                        [108.2, 22.7],
                    ]
                ],
            },
        }
    ],
}


def loaded(statement: str) -> set[str]:
    """Heavy libraries that a statement brings in."""
    heavy = "('torch', 'folium', 'distributed', 'dask', 'rasterio', 'geopandas')"
    program = (
        f"{statement}; import sys; print(*[m for m in {heavy} if m in sys.modules])"
    )
    found = subprocess.run(  # noqa: S603  our own text
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    return set(found.stdout.split())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "p.toml").write_text(_PIPELINE)
    (tmp_path / "a.geojson").write_text(json.dumps(_AOI))
    return tmp_path


def test_importing_the_package_loads_nothing_heavy() -> None:
    assert loaded("import agroforest") == set()


def test_the_command_line_loads_nothing_heavy_before_it_must() -> None:
    assert loaded("import agroforest.cli") == set()


def test_help_names_every_command(tmp_path: Path) -> None:
    # One as people start it; the others in this file need not import everything anew.
    shown = subprocess.run(
        [sys.executable, "-m", "agroforest", "--help"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert shown.returncode == 0
    for name in (
        "index",
        "zonal",
        "plan",
        "nightly",
        "worker",
        "demo",
        "scenes",
        "sensors",
        "model",
    ):
        assert name in shown.stdout
    assert call("--version", cwd=tmp_path).stdout.strip() == __version__


def test_an_empty_catalogue_is_code_5_and_one_line(folder: Path) -> None:
    ended = call("nightly", "p.toml", "--night", "2024-02-01", cwd=folder)
    assert ended.returncode == 5
    assert ended.stdout == ""
    assert ended.stderr.count("\n") == 1
    assert "agroforest scenes add" in ended.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["none.toml"], "No such file"),
        (["p.toml", "--night", "2023-06-01"], "lies in the history"),
        (["p.toml", "--from", "2024-01-05"], "both --from and --to"),
        (["p.toml", "--from", "2024-01-05", "--to", "2024-01-01"], "is before --from"),
        (["p.toml", "--night", "yesterday"], "yesterday"),
        (["p.toml", "--color"], "No such option"),
    ],
)
def test_usage_and_settings_are_code_2(
    folder: Path, arguments: list[str], words: str
) -> None:
    ended = call("nightly", *arguments, cwd=folder)
    assert ended.returncode == 2
    assert ended.stdout == ""
    assert words in ended.stderr


def test_a_locked_pipeline_is_code_4(folder: Path, scene: Path) -> None:
    added = call("scenes", "add", scene, cwd=folder)
    assert added.returncode == 0, added.stderr
    with Workplace(root=folder / "work", pipeline="p").locked():
        ended = call("nightly", "p.toml", "--night", "2024-12-31", cwd=folder)
    assert ended.returncode == 4
    assert "another run holds this pipeline" in ended.stderr


def test_scenes_add_says_what_it_did(folder: Path, scene: Path) -> None:
    first = call("scenes", "add", scene, "p.toml", "--json", cwd=folder)
    assert first.returncode == 0
    report = json.loads(first.stdout)
    assert (report["added"], report["known"], len(report["refused"])) == (1, 0, 1)
    assert "p.toml" in first.stderr
    again = call("scenes", "add", scene, cwd=folder)
    assert again.stdout == "0 added, 1 known, 0 refused\n"
    nothing = call("scenes", "add", "p.toml", cwd=folder)
    assert nothing.returncode == 5


_ROWS = "sensor,time,variable,depth_m,value,unit\n"


def test_sensors_import(folder: Path) -> None:
    good = folder / "good.csv"
    good.write_text(
        _ROWS
        + "s1,2024-01-01T00:00:00Z,soil_moisture,0.1,31.5,%\n"
        + "s1,2024-01-01T01:00:00Z,soil_moisture,0.1,179,%\n"
    )
    naive = folder / "naive.csv"
    naive.write_text(_ROWS + "s1,2024-01-01 00:00:00,soil_moisture,0.1,31.5,%\n")
    first = call("sensors", "import", good, "--json", cwd=folder)
    assert first.returncode == 0, first.stderr
    (one,) = json.loads(first.stdout)
    assert (one["added"], one["known"], one["flagged"]) == (2, 0, 1)
    again = call("sensors", "import", good, cwd=folder)
    assert "0 added, 2 known" in again.stdout
    refused = call("sensors", "import", naive, "--json", cwd=folder)
    assert "zone" in refused.stderr
    assert sum(f["added"] for f in json.loads(refused.stdout or "[]")) == 0


def test_model_card_is_shown(tmp_path: Path) -> None:
    shown = call("model", "card", "canopy-stress", cwd=tmp_path)
    assert shown.returncode == 0, shown.stderr
    assert "Guangxi" in shown.stdout
    missing = call("model", "card", "nobody", cwd=tmp_path)
    assert missing.returncode == 1
    assert missing.stderr.count("\n") == 1


def test_a_model_nobody_knows_cannot_be_trained(tmp_path: Path) -> None:
    ended = call("model", "train", "nobody", "--out", "m", cwd=tmp_path)
    assert ended.returncode == 2
    assert "canopy-stress" in ended.stderr
