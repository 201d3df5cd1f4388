"""Vapour pressure deficit."""

import numpy as np
import pytest

from agroforest.indices.fire_weather import find_vpd


def test_example_of_fao_56() -> None:
    """Saturation at 24.5 °C is 3.075 kPa (FAO-56, Table 2.3)."""
    found = find_vpd(np.array([24.5, 24.5, 24.5]), np.array([0.0, 40.0, 100.0]))
    assert found == pytest.approx([3.075, 1.845, 0.0], abs=1e-3)


def test_missing_and_impossible_stay_missing() -> None:
    found = find_vpd(np.array([np.nan, 20, 20, 20]), np.array([50, np.nan, 101, -1]))
    assert np.isnan(found).all()
