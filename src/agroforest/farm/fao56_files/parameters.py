"""Parameters of a field: crop and uniform soil (.par)."""

from dataclasses import dataclass
from pathlib import Path

from agroforest.core.crop import Crop
from agroforest.core.errors import ConfigurationError, DataError
from agroforest.core.soil import Soil
from agroforest.farm.fao56_files.form import Form, Kind, Row, read_form

_CROP = {
    "kcmini": "kc_ini",
    "kcmmid": "kc_mid",
    "kcmend": "kc_end",
    "kcbini": "kcb_ini",
    "kcbmid": "kcb_mid",
    "kcbend": "kcb_end",
    "lini": "days_ini",
    "ldev": "days_dev",
    "lmid": "days_mid",
    "lend": "days_end",
    "hini": "height_ini",
    "hmax": "height_max",
    "zrini": "root_ini",
    "zrmax": "root_max",
    "pbase": "depletion_fraction",
}
_SOIL = {
    "thetafc": "field_capacity",
    "thetawp": "wilting_point",
    "ze": "evaporation_depth",
    "rew": "readily_evaporable",
    "cn2": "curve_number",
}
_MOISTURE = "theta0"
#: What older files do not have yet, and the values that pyfao56 then uses.
_LATER = {"kcmini": 0.35, "kcmmid": 1.15, "kcmend": 0.60, "cn2": 70.0}
_WHOLE = ("lini", "ldev", "lmid", "lend")


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Parameters:
    """A field at the season's start.

    Attributes
    ----------
    path
        The file.
    crop, soil
        What grows, and in what.
    moisture
        m³ of water in a m³ of soil.
    notes
        What the file left open.
    """

    path: Path
    crop: Crop
    soil: Soil
    moisture: float
    notes: tuple[str, ...] = ()


def read_parameters(path: Path) -> Parameters:
    """Read crop and soil of a field.

    Raises
    ------
    DataError
        The file is no parameter data, or a value is missing or cannot be.
    """
    form = read_form(path, Kind.PARAMETERS)
    values, strange = _find_values(form)
    assumed = [name for name in _LATER if name not in values]
    values = _LATER | values
    lost = [n for n in (*_CROP, *_SOIL, _MOISTURE) if n not in values]
    if lost:
        raise DataError(path, f"has no {', '.join(lost)}", "add a line for each")
    try:
        crop = Crop(**{ours: values[name] for name, ours in _CROP.items()})
        soil = Soil.uniform(**{ours: values[name] for name, ours in _SOIL.items()})
    except ConfigurationError as error:
        raise DataError(path, f"{error.where}: {error.problem}", error.remedy) from None
    moisture = values[_MOISTURE]
    if not 0 <= moisture < 1:
        raise DataError(path, f"theta0 is {moisture:g}", "give it in m3/m3, 0 to 1")
    notes = [f"{name} is not given, {_LATER[name]:g} is taken" for name in assumed]
    notes += [f"{name!r} is no parameter, and is left out" for name in strange]
    return Parameters(
        path=path, crop=crop, soil=soil, moisture=moisture, notes=tuple(notes)
    )


def _find_values(form: Form) -> tuple[dict[str, float], list[str]]:
    values: dict[str, float] = {}
    strange: list[str] = []
    for row in form.rows:
        name = row.text(1, "name").split(",")[0].casefold()
        if name not in (*_CROP, *_SOIL, _MOISTURE):
            strange.append(name)
            continue
        if name in values:
            raise row.refuse(f"{name} stands twice", "leave one of the lines out")
        values[name] = _read_value(row, name)
    return values, strange


def _read_value(row: Row, name: str) -> float:
    value = row.number_within(0, name, 0.0)
    if name in _WHOLE and not value.is_integer():
        raise row.refuse(f"{name} is {value:g}", "give whole days")
    return value
