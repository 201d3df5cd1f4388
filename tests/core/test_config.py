from pathlib import Path

import pytest

from agroforest.core.config import read_pipeline
from agroforest.core.errors import ConfigurationError

MINIMAL = """
name = "demo"
aoi = "area.geojson"
[baseline]
start = 2022-01-01
end = 2023-12-31
"""


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "p.toml"
    path.write_text(text)
    return path


def test_minimal_pipeline_has_defaults_and_absolute_paths(tmp_path: Path) -> None:
    pipeline = read_pipeline(write(tmp_path, MINIMAL))
    assert pipeline.aoi == tmp_path / "area.geojson"
    assert pipeline.mask.scl_classes == (4, 5, 6, 7)
    assert pipeline.risk.forest == "compartments"


def test_forest_raster_is_relative_to_the_pipeline(tmp_path: Path) -> None:
    text = MINIMAL + '[risk]\nforest = "masks/forest.tif"\n'
    pipeline = read_pipeline(write(tmp_path, text))
    assert pipeline.risk.forest == tmp_path / "masks/forest.tif"


def test_models_of_ones_own_are_relative_to_the_pipeline(tmp_path: Path) -> None:
    text = MINIMAL + '[risk]\nmodel = "../mine"\n[yearly]\ndamage = "./tuned"\n'
    pipeline = read_pipeline(write(tmp_path, text))
    assert Path(pipeline.risk.model) == tmp_path / "../mine"
    assert pipeline.yearly is not None
    assert Path(pipeline.yearly.damage) == tmp_path / "tuned"
    assert pipeline.yearly.cause == "disturbance-cause"


@pytest.mark.parametrize(
    ("more", "season", "output"),
    [
        ('[map]\ntitle_en = "Other"\n', True, True),
        ("[alerts]\nmin_pixels = 9\n", True, True),
        ("[risk]\nthreshold = 0.9\n", True, False),
        ("[grid]\nresolution = 20\n", False, True),
        ("[mask]\ndilate_m = 20\n", False, True),
    ],
)
def test_digests_follow_what_they_speak_of(
    tmp_path: Path, more: str, season: bool, output: bool
) -> None:
    base = read_pipeline(write(tmp_path, MINIMAL))
    other = read_pipeline(write(tmp_path, MINIMAL + more))
    assert (other.season_digest() == base.season_digest()) is season
    assert (other.output_digest() == base.output_digest()) is output


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("name = ", "is not TOML"),
        pytest.param(f"name = {'9' * 5000}", "is not TOML", id="a-long-number"),
        (MINIMAL.replace('"demo"', '"../evil"'), r"name \('../evil'\)"),
        (MINIMAL + "[grid]\nresolution = -1\n", r"grid\.resolution \(-1\)"),
        (MINIMAL + "[grid]\nresolutoin = 10\n", r"grid\.resolutoin"),
        (MINIMAL.replace("end = 2023-12-31", "end = 2021-01-01"), "not after start"),
        (MINIMAL + '[map]\nindices = ["evi"]\n', "evi"),
        ("aoi = 'x'", "name: Field required"),
    ],
)
def test_bad_settings_are_one_line(tmp_path: Path, text: str, words: str) -> None:
    path = write(tmp_path, text)
    with pytest.raises(ConfigurationError, match=words) as caught:
        read_pipeline(path)
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="No such file"):
        read_pipeline(tmp_path / "none.toml")


WATER = """
name = "fields"
aoi = "area.geojson"
hazards = ["water"]
"""


def test_paths_of_water_start_at_the_pipeline(tmp_path: Path) -> None:
    more = (
        '[water]\nweather = "daily.csv"\nforecast = "next_{night}.csv"\n'
        'irrigation = "../irrigation.csv"\n'
    )
    water = read_pipeline(write(tmp_path, WATER + more)).water
    assert water.weather == tmp_path / "daily.csv"
    assert water.forecast == str(tmp_path / "next_{night}.csv")
    assert water.irrigation == tmp_path / "../irrigation.csv"
    assert water.mapping is None


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ("", "hazards has water, which needs weather"),
        ('[water]\nweather = "d.csv"\nsand = 0.4\n', "both sand and clay"),
        ('[water]\nweather = "d.csv"\nsatellite = "moon"\n', "satellite"),
    ],
)
def test_water_that_cannot_be_kept_is_refused(
    tmp_path: Path, more: str, words: str
) -> None:
    with pytest.raises(ConfigurationError, match=words):
        read_pipeline(write(tmp_path, WATER + more))
