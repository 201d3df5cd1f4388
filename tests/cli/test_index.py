"""``agroforest index`` as a person runs it."""

import hashlib
import json
import subprocess
from pathlib import Path

import pytest
import rasterio

from agroforest.testing.commands import run_command


def call(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return run_command("index", *arguments)


def test_a_product_folder_becomes_maps(scene: Path, tmp_path: Path) -> None:
    done = call(
        scene, "--index", "ndvi", "--index", "ndmi", "--out", tmp_path, "--json"
    )
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert list(report["indices"]) == ["ndvi", "ndmi"]
    for name, made in report["indices"].items():
        path = Path(made["path"])
        assert path.name == f"{report['scene']}_{name}.tif"
        assert made["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
        assert json.loads(Path(made["item"]).read_text())["type"] == "Feature"
        assert 0 <= made["valid"] <= 1
        with rasterio.open(path) as data:
            assert data.shape == (report["grid"]["height"], report["grid"]["width"])
            assert (data.nodata, data.scales) == (-32768, (1e-4,))


def test_a_person_reads_where_the_maps_are(scene: Path, tmp_path: Path) -> None:
    done = call(
        scene, "--index", "ndvi,nbr", "--out", tmp_path, "--codec", "deflate",
        "--workers", "1", "--dilate-m", "40",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert [line.split(",")[0].split()[-1] for line in lines[:2]] == ["ndvi", "nbr"]
    assert "% valid" in lines[0]
    assert lines[2].startswith("2 maps in")
    for path in tmp_path.glob("*.tif"):
        with rasterio.open(path) as data:
            assert data.compression.name == "deflate"


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("--index", "nvdi"), 2, "nvdi"),
        (("--index", "ndvi", "--scale", "0.001"), 1, "leave --scale and --offset out"),
    ],
)
def test_a_mistake_is_one_line(
    scene: Path, tmp_path: Path, arguments: tuple[str, ...], code: int, words: str
) -> None:
    done = call(scene, *arguments, "--out", tmp_path / "out")
    assert done.returncode == code
    assert words in done.stderr
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "out").exists()
