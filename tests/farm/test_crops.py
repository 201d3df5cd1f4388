"""The table of crops: whole, sourced, and as FAO-56 prints it."""

from pathlib import Path

import pyfao56.tools
import pytest

from agroforest.core.errors import ConfigurationError
from agroforest.farm.crops import find_crop, read_crops

CROPS = read_crops()
#: Rows of an independent transcription of FAO-56.
ROWS = {
    "sugarcane": "sugarcane",
    "banana": "banana first year",
    "banana-ratoon": "banana second year",
    "citrus": "citrus no ground cover 70% canopy",
    "citrus-young": "citrus no ground cover 20% canopy",
    "cassava": "cassava year 1",
    "rice": "rice",
    "maize": "maize field grain corn 18% moisture",
    "groundnut": "groundnut peanut",
    "soybean": "soybeans",
    "rubber": "rubber trees",
    "conifer": "conifer trees",
}


@pytest.mark.golden
@pytest.mark.parametrize("name", ROWS)
def test_coefficients_are_those_of_the_tables(name: str) -> None:
    tables = pyfao56.tools.FAO56Tables()
    crop = CROPS[name].crop
    single = tables.table12.set_index("Crop").loc[ROWS[name]]
    basal = tables.table17.set_index("Crop").loc[ROWS[name]]
    assert [crop.kc_ini, crop.kc_mid, crop.kc_end] == [
        float(single[column]) for column in ("Kcmini", "Kcmmid", "Kcmend")
    ]
    assert [crop.kcb_ini, crop.kcb_mid, crop.kcb_end] == [
        float(basal[column]) for column in ("Kcbini", "Kcbmid", "Kcbend")
    ]


def test_what_the_rules_of_the_place_ask_for_is_there() -> None:
    wanted = {
        "甘蔗": (0.65, (1.2, 2.0)),
        "香蕉（新植）": (0.35, (0.5, 0.9)),
        "水稻": (0.20, (0.5, 1.0)),
        "茶": (0.40, (0.9, 1.5)),
        "玉米": (0.55, (1.0, 1.7)),
        "菠萝": (0.50, (0.3, 0.6)),
        "橡胶": (0.40, (1.0, 1.5)),
        "针叶林": (0.70, (1.0, 1.5)),
    }
    for name, (p, roots) in wanted.items():
        entry = find_crop(CROPS, name)
        assert entry.crop.depletion_fraction == p
        assert entry.root_range == roots
        assert entry.crop.root_max == roots[0]


@pytest.mark.parametrize("name", CROPS)
def test_every_number_has_a_source(name: str) -> None:
    entry = CROPS[name]
    assert {"kc", "kcb", "days", "height", "root", "p", "cold", "heat"} <= set(
        entry.sources
    )
    assert all(text.strip() for text in entry.sources.values())
    assert entry.cold < entry.heat


def test_what_nobody_compared_says_so() -> None:
    assert set(CROPS["eucalyptus"].verify) >= {"kc", "kcb", "p"}
    assert CROPS["sugarcane"].verify == ()


def test_an_unknown_crop_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="'durian' is not in the table"):
        find_crop(CROPS, "durian")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("x = [", "is no TOML"),
        (f"x = {'9' * 5000}", "is no TOML"),
        ("x = 1", "x is no table"),
        ("[x]\nzh = 'a'", "has no good kc, kcb"),
        ("[x]\ncolour = 'a'", "has an unknown colour"),
    ],
)
def test_a_table_that_cannot_be_is_refused(
    text: str, said: str, tmp_path: Path
) -> None:
    path = tmp_path / "crops.toml"
    path.write_text(text)
    with pytest.raises(ConfigurationError, match=said):
        read_crops(path)


def test_a_number_without_a_source_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "crops.toml"
    path.write_text(
        "[x]\nzh = 'a'\nen = 'b'\nkc = [1, 1, 1]\nkcb = [1, 1, 1]\n"
        "days = [1, 1, 1, 1]\nheight = [1, 1]\nroot = [1, 1]\nroot_range = [1, 2]\n"
        "p = 0.5\ncold = 0\nheat = 35\n[x.source]\nkc = 'me'\n"
    )
    with pytest.raises(ConfigurationError, match=r"where cold, days, heat, .* comes"):
        read_crops(path)
