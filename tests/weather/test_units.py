"""Units as people write them."""

import pytest

from agroforest.core.errors import ConfigurationError
from agroforest.weather.units import Quantity, is_rate, resolve_unit


@pytest.mark.parametrize(
    ("quantity", "unit", "value", "expected"),
    [
        (Quantity.TEMPERATURE, "K", 293.15, 20.0),
        (Quantity.TEMPERATURE, "℃", 20.0, 20.0),
        (Quantity.TEMPERATURE, "°F", 68.0, 20.0),
        (Quantity.TEMPERATURE, "degrees_Celsius", 1.0, 1.0),
        (Quantity.WIND, "m s**-1", 10.0, 36.0),
        (Quantity.WIND, "m/s", 10.0, 36.0),
        (Quantity.WIND, "km h-1", 10.0, 10.0),
        (Quantity.WIND, "knots", 10.0, 18.52),
        (Quantity.HUMIDITY, "%", 40.0, 40.0),
        (Quantity.HUMIDITY, "1", 0.4, 40.0),
        (Quantity.RAIN, "m", 0.012, 12.0),
        (Quantity.RAIN, "kg m**-2", 12.0, 12.0),
        (Quantity.RAIN, "m of water equivalent", 0.012, 12.0),
        (Quantity.RAIN, "0.1mm", 120.0, 12.0),
        (Quantity.RAIN_RATE, "kg m-2 s-1", 1.0, 3600.0),
        (Quantity.RAIN_RATE, "mm/day", 24.0, 1.0),
    ],
)
def test_known_units(quantity, unit, value, expected) -> None:
    factor, offset = resolve_unit(unit, quantity, where="x")
    assert value * factor + offset == pytest.approx(expected)


@pytest.mark.parametrize(
    ("quantity", "unit"),
    [
        (Quantity.WIND, "m"),
        (Quantity.RAIN, "%"),
        (Quantity.TEMPERATURE, ""),
        (Quantity.HUMIDITY, "kg kg-1"),
    ],
)
def test_others_are_refused_with_the_way_out(quantity, unit) -> None:
    with pytest.raises(ConfigurationError, match=r"f\.nc: v: .*state it: one of"):
        resolve_unit(unit, quantity, where="f.nc: v")


def test_rates_are_told_from_amounts() -> None:
    assert is_rate("kg m-2 s-1")
    assert is_rate("mm d-1")
    assert not is_rate("mm")
    assert not is_rate("kg m-2")
