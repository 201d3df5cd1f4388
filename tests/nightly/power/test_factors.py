"""Factors of grids: the announcement, as codecarbon has copied it, too."""

import json
from datetime import date
from pathlib import Path

import pytest

from agroforest.core.config import EnergySection, Pipeline, Watched, WaterSection
from agroforest.core.errors import ConfigurationError
from agroforest.nightly import run_nights
from agroforest.nightly.power.factors import (
    GUANGXI_G_PER_KWH,
    PROVINCES,
    data_path,
    find_factor,
)


def section(**fields: object) -> EnergySection:
    return EnergySection.model_validate(fields)


def test_provinces_are_those_of_the_announcement() -> None:
    path = data_path(
        "codecarbon", "data/private_infra/2023/china_provincial_emissions.json"
    )
    assert path is not None
    document = json.loads(path.read_text(encoding="utf-8"))
    assert "2025 No. 47" in document["metadata"]["source"]
    theirs = {
        province["names"][0].replace(" ", "-"): province["emission_factor"]
        for province in document["data"].values()
    }
    assert theirs == PROVINCES
    assert len(PROVINCES) == 30


def test_guangxi_is_meant_where_nothing_is_said() -> None:
    assert find_factor(section()).g_per_kwh == GUANGXI_G_PER_KWH == 447.6


@pytest.mark.parametrize("name", ["yunnan", "Yunnan", " yunnan "])
def test_a_province_is_found(name: str) -> None:
    found = find_factor(section(province=name))
    assert found.g_per_kwh == 133.3
    assert found.source.startswith("yunnan 2023, Ministry of Ecology")


def test_names_of_two_words_are_found() -> None:
    found = find_factor(section(province="Inner Mongolia"))
    assert found.g_per_kwh == PROVINCES["inner-mongolia"]


def test_a_province_without_a_factor_is_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"energy\.province 'tibet'"):
        find_factor(section(province="tibet"))


def test_a_night_is_refused_before_anything_is_done(tmp_path: Path) -> None:
    pipeline = Pipeline(
        name="north",
        aoi=tmp_path / "none.geojson",
        hazards=(Watched.WATER,),
        water=WaterSection(weather=Path("weather.csv")),
        energy=section(province="tibet"),
    )
    with pytest.raises(ConfigurationError, match=r"energy\.province"):
        list(run_nights(pipeline, [date(2026, 11, 21)], work=tmp_path / "work"))
    assert not (tmp_path / "work").exists()


def test_a_country_is_found() -> None:
    found = find_factor(section(country="FRA"))
    assert 10 < found.g_per_kwh < 150  # mostly nuclear
    assert found.source.startswith("France 20")


def test_a_country_that_is_none_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="'XXX': is no country"):
        find_factor(section(country="XXX"))


def test_a_number_of_ones_own_goes_first_and_has_a_source() -> None:
    own = section(province="yunnan", factor_g_per_kwh=12.5, factor_source="own roof")
    assert find_factor(own).g_per_kwh == 12.5
    assert find_factor(own).source == "own roof"
    with pytest.raises(ValueError, match="needs factor_source"):
        section(factor_g_per_kwh=12.5)


def test_data_of_a_package_that_is_not_there_is_none() -> None:
    assert data_path("no_such_package", "x.csv") is None
    assert data_path("codecarbon", "no/such/file") is None
