"""Units as people write them, brought to the unit of the variable."""

from agroforest.core.errors import ConfigurationError
from agroforest.core.reading import UNITS, Variable

#: ``value in our unit = value * factor + offset``
_Line = tuple[float, float]

_TEMPERATURE: dict[str, _Line] = {
    "degc": (1.0, 0.0),
    "c": (1.0, 0.0),
    "celsius": (1.0, 0.0),
    "k": (1.0, -273.15),
    "kelvin": (1.0, -273.15),
    "degf": (5 / 9, -160 / 9),
    "f": (5 / 9, -160 / 9),
    "fahrenheit": (5 / 9, -160 / 9),
}
_KNOWN: dict[Variable, dict[str, _Line]] = {
    Variable.SOIL_MOISTURE: {
        "m3/m3": (1.0, 0.0),
        "m3m-3": (1.0, 0.0),
        "cm3/cm3": (1.0, 0.0),
        "cm3cm-3": (1.0, 0.0),
        "fraction": (1.0, 0.0),
        "%": (0.01, 0.0),
        "%vol": (0.01, 0.0),
        "vol%": (0.01, 0.0),
        "%vwc": (0.01, 0.0),
        "percent": (0.01, 0.0),
    },
    Variable.SOIL_TEMPERATURE: _TEMPERATURE,
    Variable.AIR_TEMPERATURE: _TEMPERATURE,
    Variable.SOIL_CONDUCTIVITY: {
        "us/cm": (1.0, 0.0),
        "ms/cm": (1000.0, 0.0),
        "ds/m": (1000.0, 0.0),
        "ms/m": (10.0, 0.0),
        "s/m": (10_000.0, 0.0),
    },
    Variable.RELATIVE_HUMIDITY: {
        "%": (1.0, 0.0),
        "%rh": (1.0, 0.0),
        "percent": (1.0, 0.0),
        "fraction": (100.0, 0.0),
    },
    Variable.PRECIPITATION: {
        "mm": (1.0, 0.0),
        "cm": (10.0, 0.0),
        "m": (1000.0, 0.0),
        "in": (25.4, 0.0),
        "inch": (25.4, 0.0),
    },
    Variable.BATTERY: {"v": (1.0, 0.0), "mv": (0.001, 0.0)},
    Variable.BATTERY_LEVEL: {
        "%": (1.0, 0.0),
        "percent": (1.0, 0.0),
        "fraction": (100.0, 0.0),
    },
}

#: Metres a unit of depth.
DEPTHS = {"m": 1.0, "cm": 0.01, "mm": 0.001, "in": 0.0254}

#: Spellings of the same sign; both Unicode micro signs, and CJK compatibility signs.
_SIGNS = str.maketrans(
    {
        "\u00b5": "u",
        "\u03bc": "u",
        "³": "3",
        "⁻": "-",
        "℃": "degc",
        "℉": "degf",
        "°": "deg",
        "\uff05": "%",
        " ": None,
        "^": None,
        "*": None,
        "·": None,
        "⋅": None,
        ".": None,
    }
)


def convert(value: float, factor: float, offset: float = 0.0) -> float:
    """Apply a conversion, without the noise of its last binary digits.

    57.5 % is 0.575 and not 0.5750000000000001; no probe resolves nine decimals.
    """
    if factor == 1 and offset == 0:
        return value
    return round(value * factor + offset, 9)


def resolve_unit(unit: str, variable: Variable) -> tuple[float, float]:
    """Find how numbers in `unit` become numbers in the variable's unit.

    Parameters
    ----------
    unit
        As people write it: ``"%"``, ``"vol. %"``, ``"m³/m³"``, ``"°F"``, ``"dS/m"``.
    variable
        What is measured.

    Returns
    -------
    tuple of float
        Factor and offset: ``ours = theirs * factor + offset``.

    Raises
    ------
    ConfigurationError
        The unit is not one of this variable.
    """
    known = _KNOWN[variable]
    line = known.get(unit.translate(_SIGNS).casefold())
    if line is None:
        raise ConfigurationError(
            f"unit {unit!r}",
            f"is no unit of {variable} (kept in {UNITS[variable]})",
            f"use one of {', '.join(known)}",
        )
    return line
