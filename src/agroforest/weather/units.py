"""Units of weather as people and files write them, brought to those kept here."""

from enum import StrEnum

from agroforest.core.errors import ConfigurationError

#: ``value in our unit = value * factor + offset``
Line = tuple[float, float]

HOURS_A_DAY = 24.0


class Quantity(StrEnum):
    """What is measured; the unit belongs to the name and never changes."""

    TEMPERATURE = "temperature"  #: degrees Celsius
    DEWPOINT = "dewpoint"  #: degrees Celsius
    HUMIDITY = "humidity"  #: percent
    SPECIFIC_HUMIDITY = "specific_humidity"  #: kg of vapour per kg of air
    PRESSURE = "pressure"  #: kPa at the ground
    WIND = "wind"  #: km/h
    WIND_EAST = "wind_east"  #: km/h
    WIND_NORTH = "wind_north"  #: km/h
    RAIN = "rain"  #: millimetres, in the time that the source means
    RAIN_RATE = "rain_rate"  #: millimetres an hour
    RADIATION = "radiation"  #: MJ/m2 in a day
    SUNSHINE = "sunshine"  #: hours of a day


_SAME: Line = (1.0, 0.0)
_KELVIN: Line = (1.0, -273.15)
_FAHRENHEIT: Line = (5 / 9, -160 / 9)
_TEMPERATURE: dict[str, Line] = {
    **dict.fromkeys(("degc", "c", "celsius", "degreescelsius", "degreec"), _SAME),
    **dict.fromkeys(("k", "kelvin", "degk"), _KELVIN),
    **dict.fromkeys(("degf", "f", "fahrenheit"), _FAHRENHEIT),
}
_SPEED: dict[str, Line] = {
    **dict.fromkeys(("km/h", "kmh-1", "kmh", "kph", "kmhr-1", "km/hr"), _SAME),
    **dict.fromkeys(("m/s", "ms-1", "metre/second", "m/sec"), (3.6, 0.0)),
    **dict.fromkeys(("kt", "kn", "knot", "knots"), (1.852, 0.0)),
    **dict.fromkeys(("mph", "mi/h", "mile/h"), (1.609344, 0.0)),
}
_HUMIDITY: dict[str, Line] = {
    **dict.fromkeys(("%", "percent", "%rh"), _SAME),
    **dict.fromkeys(("fraction", "1", "(0-1)", "0-1"), (100.0, 0.0)),
}
_SPECIFIC: dict[str, Line] = {
    **dict.fromkeys(("kgkg-1", "kg/kg", "1"), _SAME),
    **dict.fromkeys(("gkg-1", "g/kg"), (0.001, 0.0)),
}
_PRESSURE: dict[str, Line] = {
    **dict.fromkeys(("pa",), (0.001, 0.0)),
    **dict.fromkeys(("hpa", "mbar", "mb", "millibars"), (0.1, 0.0)),
    **dict.fromkeys(("kpa",), _SAME),
}
_RAIN: dict[str, Line] = {
    **dict.fromkeys(("mm", "kgm-2", "kg/m2", "millimetre", "mmh2o"), _SAME),
    **dict.fromkeys(("cm",), (10.0, 0.0)),
    **dict.fromkeys(("m", "mofwaterequivalent"), (1000.0, 0.0)),
    **dict.fromkeys(("in", "inch", "inches"), (25.4, 0.0)),
    **dict.fromkeys(("0.1mm",), (0.1, 0.0)),
}
_RAIN_RATE: dict[str, Line] = {
    **dict.fromkeys(("mm/h", "mmh-1", "mm/hr", "mmhr-1", "mmhour-1"), _SAME),
    **dict.fromkeys(("mm/d", "mmd-1", "mm/day", "mmday-1"), (1.0 / HOURS_A_DAY, 0.0)),
    **dict.fromkeys(("kgm-2s-1", "kg/m2/s", "mm/s", "mms-1"), (3600.0, 0.0)),
    **dict.fromkeys(("m/s", "ms-1"), (3.6e6, 0.0)),
}
_RADIATION: dict[str, Line] = {
    **dict.fromkeys(("mj/m2", "mjm-2", "mj/m2/d", "mjm-2d-1", "mj/m2/day"), _SAME),
    **dict.fromkeys(("j/cm2", "jcm-2"), (0.01, 0.0)),
    **dict.fromkeys(("j/m2", "jm-2"), (1e-6, 0.0)),
    **dict.fromkeys(("w/m2", "wm-2"), (0.0864, 0.0)),  # mean of the day
    **dict.fromkeys(("kwh/m2", "kwhm-2"), (3.6, 0.0)),
    **dict.fromkeys(("0.01mj/m2",), (0.01, 0.0)),
}
_SUNSHINE: dict[str, Line] = {
    **dict.fromkeys(("h", "hour", "hours"), _SAME),
    **dict.fromkeys(("0.1h",), (0.1, 0.0)),
    **dict.fromkeys(("min", "minute", "minutes"), (1.0 / 60.0, 0.0)),
    **dict.fromkeys(("s", "second", "seconds"), (1.0 / 3600.0, 0.0)),
}
_KNOWN: dict[Quantity, dict[str, Line]] = {
    Quantity.TEMPERATURE: _TEMPERATURE,
    Quantity.DEWPOINT: _TEMPERATURE,
    Quantity.HUMIDITY: _HUMIDITY,
    Quantity.SPECIFIC_HUMIDITY: _SPECIFIC,
    Quantity.PRESSURE: _PRESSURE,
    Quantity.WIND: _SPEED,
    Quantity.WIND_EAST: _SPEED,
    Quantity.WIND_NORTH: _SPEED,
    Quantity.RAIN: _RAIN,
    Quantity.RAIN_RATE: _RAIN_RATE,
    Quantity.RADIATION: _RADIATION,
    Quantity.SUNSHINE: _SUNSHINE,
}

#: Spellings of the same sign.
_SIGNS = str.maketrans(
    {
        "℃": "degc",
        "℉": "degf",
        "°": "deg",
        "\uff05": "%",
        "²": "2",
        "⁻": "-",
        "¹": "1",
        "_": None,
        " ": None,
        "^": None,
        "*": None,
        "·": None,
        "⋅": None,
    }
)
#: A dot in these belongs to a number.
_PARTS = ("0.1mm", "0.1h", "0.01mj/m2")


def resolve_unit(unit: str, quantity: Quantity, *, where: object) -> Line:
    """Find how numbers in `unit` become numbers in the unit kept.

    Parameters
    ----------
    unit
        As people and files write it: ``"K"``, ``"℃"``, ``"m s**-1"``, ``"kg m-2"``.
    quantity
        What is measured.
    where
        The file and column, for the message.

    Returns
    -------
    tuple of float
        Factor and offset: ``ours = theirs * factor + offset``.

    Raises
    ------
    ConfigurationError
        The unit is missing or not one of this quantity.
    """
    known = _KNOWN[quantity]
    plain = unit.translate(_SIGNS).casefold()
    if plain not in _PARTS:
        plain = plain.replace(".", "")
    if plain in known:
        return known[plain]
    problem = f"unit {unit!r} is none of {quantity}" if unit else "has no unit"
    raise ConfigurationError(where, problem, f"state it: one of {', '.join(known)}")


def is_rate(unit: str) -> bool:
    """Tell whether a unit of rain is one of a rate, such as mm/h."""
    return unit.translate(_SIGNS).casefold().replace(".", "") in _RAIN_RATE
