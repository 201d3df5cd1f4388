"""Soils of the paper's Table 3."""

import numpy as np
import pytest

from agroforest.core.errors import ConfigurationError
from agroforest.water.texture import build_soil, find_held, find_readily_evaporable

#: Sand, clay, and Table 3 of Saxton & Rawls (2006): wilting point, field capacity and
#: saturation in percent, conductivity in mm/h; 2.5 % of organic matter.
TABLE_3 = {
    "sand": (0.88, 0.05, 5, 10, 46, 108.1),
    "loamy sand": (0.80, 0.05, 5, 12, 46, 96.7),
    "sandy loam": (0.65, 0.10, 8, 18, 45, 50.3),
    "loam": (0.40, 0.20, 14, 28, 46, 15.5),
    "silt loam": (0.20, 0.15, 11, 31, 48, 16.1),
    "silt": (0.10, 0.05, 6, 30, 48, 22.0),
    "sandy clay loam": (0.60, 0.25, 17, 27, 43, 11.3),
    "clay loam": (0.30, 0.35, 22, 36, 48, 4.3),
    "silty clay loam": (0.10, 0.35, 22, 38, 51, 5.7),
    "silty clay": (0.10, 0.45, 27, 41, 52, 3.7),
    "clay": (0.25, 0.50, 30, 42, 50, 1.1),
}


@pytest.mark.golden
@pytest.mark.parametrize("name", TABLE_3)
def test_the_papers_soils(name: str) -> None:
    sand, clay, wilting, capacity, saturation, conductivity = TABLE_3[name]
    held = find_held(sand, clay, 2.5)
    assert 100 * held.wilting_point == pytest.approx(wilting, abs=0.51)
    assert 100 * held.field_capacity == pytest.approx(capacity, abs=0.51)
    assert 100 * held.saturation == pytest.approx(saturation, abs=0.51)
    assert held.conductivity == pytest.approx(conductivity, rel=0.02, abs=0.051)


def test_the_loam_to_three_digits() -> None:
    held = find_held(0.40, 0.20, 2.5)
    found = (held.wilting_point, held.field_capacity, held.saturation)
    assert [round(float(one), 3) for one in found] == [0.137, 0.280, 0.459]


def test_a_soil_of_arrays() -> None:
    soil = build_soil(
        sand=np.array([0.4, 0.1]), clay=np.array([0.2, 0.45]), organic_matter=2.5
    )
    assert soil.available(1.0).shape == (2,)
    assert soil.available(1.0)[0] == pytest.approx(142.6, abs=0.1)


@pytest.mark.parametrize(
    ("sand", "clay", "least", "most"),
    [(0.92, 0.04, 2, 7), (0.65, 0.10, 6, 10), (0.4, 0.2, 8, 10), (0.2, 0.55, 7.5, 12)],
)
def test_readily_evaporable_water_is_within_fao_56_table_19(
    sand: float, clay: float, least: float, most: float
) -> None:
    assert least <= find_readily_evaporable(sand, clay) <= most


@pytest.mark.parametrize(
    ("sand", "clay", "matter"),
    [(0.6, 0.5, 2), (-0.1, 0.2, 2), (0.2, 0.7, 2), (0.4, 0.2, 9), (40, 20, 2.5)],
)
def test_what_the_regressions_do_not_know_is_refused(
    sand: float, clay: float, matter: float
) -> None:
    with pytest.raises(ConfigurationError, match="outside the regressions"):
        find_held(sand, clay, matter)
