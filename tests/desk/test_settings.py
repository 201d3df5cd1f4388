import json
import re
from pathlib import Path

import pytest

from agroforest.core.errors import ConfigurationError
from agroforest.desk.bureau import open_bureau
from agroforest.desk.settings import DeskSettings, read_desk

_SQUARE = [[[102, 25], [103, 25], [103, 26], [102, 26], [102, 25]]]


def layer(**properties: str) -> str:
    """Write a layer of one square."""
    one = {
        "type": "Feature",
        "properties": properties,
        "geometry": {"type": "Polygon", "coordinates": _SQUARE},
    }
    return json.dumps({"type": "FeatureCollection", "features": [one]})


_COUNTIES = layer(name_zh="东县", name_en="East", code="530102")


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def test_without_a_file_everything_is_as_by_default():
    assert read_desk(None) == DeskSettings()
    bureau = open_bureau(DeskSettings())
    assert len(bureau.counties) == 0
    assert not bureau.is_simulated("demo")


def test_a_file_is_read_and_its_paths_start_at_its_folder(tmp_path: Path):
    stand = {"id": "p1", "kind": "compartment", "name_zh": "一小班"}
    write(tmp_path / "data/area.geojson", layer(**stand, name_en="Stand 1"))
    write(tmp_path / "data/counties.geojson", _COUNTIES)
    write(
        tmp_path / "pipelines/demo.toml",
        'name = "demo"\naoi = "../data/area.geojson"\nsimulated = true\n'
        'hazards = ["fire"]\n[fire]\nhotspots = ["x.csv"]\n',
    )
    path = write(
        tmp_path / "desk.toml",
        'title_zh = "某局"\ntime_zone = "Asia/Urumqi"\n'
        'counties = "data/counties.geojson"\ndatum = "wgs84"\n'
        'pipelines = ["pipelines/*.toml"]\n'
        "[web]\nsecure = false\n",
    )
    settings = read_desk(path)
    assert settings.zone.key == "Asia/Urumqi"
    assert settings.web.secure is False
    bureau = open_bureau(settings)
    assert len(bureau.counties) == 1
    assert bureau.places == {"p1": ("一小班", "Stand 1")}
    assert bureau.is_simulated("demo")
    assert not bureau.is_simulated("other")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('titel = "x"', "titel"),
        ('time_zone = "Mars/Base"', "is no time zone"),
        ("languages = []", "languages"),
        ('languages = ["fr"]', "languages.0"),
        ('[web]\nhost = "x"', "web.host"),
        ('[notify]\ntime_zone = "nowhere"', "notify.time_zone"),
    ],
)
def test_a_wrong_setting_is_one_line(tmp_path: Path, text: str, said: str):
    path = write(tmp_path / "desk.toml", text)
    with pytest.raises(ConfigurationError, match=said) as caught:
        read_desk(path)
    assert "docs/review.md" in str(caught.value)


def test_pipelines_that_are_not_there_are_refused(tmp_path: Path):
    path = write(tmp_path / "desk.toml", 'pipelines = ["nights/*.toml"]')
    with pytest.raises(ConfigurationError, match="no such pipeline"):
        open_bureau(read_desk(path))


def test_a_pipeline_that_is_named_twice_is_refused(tmp_path: Path):
    write(tmp_path / "a.geojson", _COUNTIES)
    for name in ("one", "two"):
        write(
            tmp_path / f"{name}.toml",
            'name = "demo"\naoi = "a.geojson"\nhazards = ["fire"]\n'
            '[fire]\nhotspots = ["x.csv"]\n',
        )
    path = write(tmp_path / "desk/desk.toml", 'pipelines = ["../*.toml"]')
    with pytest.raises(ConfigurationError, match="second definition of 'demo'"):
        open_bureau(read_desk(path))


def test_the_manuals_settings_are_read(tmp_path: Path):
    manual = Path(__file__).parents[2] / "docs/review.md"
    text = manual.read_text(encoding="utf-8")
    (block,) = re.findall(r"```toml\n(.*?)```", text, re.DOTALL)
    settings = read_desk(write(tmp_path / "desk.toml", block))
    assert settings.web.session_hours == 12
    assert settings.notify.link == "https://desk.example.cn"
