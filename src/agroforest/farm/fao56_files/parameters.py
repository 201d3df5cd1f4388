"""Parameters of a field: crop and soil, uniform (.par) or in layers (.sol)."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from agroforest.core.crop import Crop
from agroforest.core.errors import ConfigurationError, DataError
from agroforest.core.soil import MM_PER_M, Soil
from agroforest.farm.fao56_files.form import Form, Kind, Row, read_form
from agroforest.farm.fao56_files.layers import Column, read_layers

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
_SOIL = ("thetafc", "thetawp", "ze", "rew", "cn2")
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
        m³ of water in a m³ of soil, of each layer.
    notes
        What the file left open.
    """

    path: Path
    crop: Crop
    soil: Soil
    moisture: tuple[float, ...]
    notes: tuple[str, ...] = ()


def read_parameters(path: Path, *, layers: Path | None = None) -> Parameters:
    """Read crop and soil of a field.

    Parameters
    ----------
    path
        Its parameters (.par).
    layers
        Soil in layers (.sol), in the place of the parameters' uniform soil; the
        evaporating skin and the curve number are still the parameters'.

    Raises
    ------
    DataError
        A file is of another kind, or a value is missing or cannot be.
    """
    form = read_form(path, Kind.PARAMETERS)
    values, strange = _find_values(form)
    assumed = [name for name in _LATER if name not in values]
    values = _LATER | values
    lost = [n for n in (*_CROP, *_SOIL, _MOISTURE) if n not in values]
    if lost:
        raise DataError(path, f"has no {', '.join(lost)}", "add a line for each")
    column = None if layers is None else read_layers(layers)
    try:
        crop = Crop(**{ours: values[name] for name, ours in _CROP.items()})
        soil = _build_soil(values, column)
    except ConfigurationError as error:
        at_fault = path if layers is None or error.where == "crop" else layers
        raise DataError(
            at_fault, f"{error.where}: {error.problem}", error.remedy
        ) from None
    if column is not None:
        _check_depth(column, crop, path)
    moisture = (values[_MOISTURE],) if column is None else column.moisture
    wrong = [share for share in moisture if not 0 <= share < 1]
    if wrong:
        raise DataError(path, f"theta0 is {wrong[0]:g}", "give it in m3/m3, 0 to 1")
    notes = [f"{name} is not given, {_LATER[name]:g} is taken" for name in assumed]
    notes += [f"{name!r} is no parameter, and is left out" for name in strange]
    return Parameters(
        path=path, crop=crop, soil=soil, moisture=moisture, notes=tuple(notes)
    )


def _build_soil(values: Mapping[str, float], column: Column | None) -> Soil:
    skin = {
        "evaporation_depth": values["ze"],
        "readily_evaporable": values["rew"],
        "curve_number": values["cn2"],
    }
    if column is None:
        return Soil.uniform(
            field_capacity=values["thetafc"], wilting_point=values["thetawp"], **skin
        )
    return Soil(
        bottom_mm=np.array(column.bottom_mm),
        field_capacity=np.array(column.field_capacity),
        wilting_point=np.array(column.wilting_point),
        layered=True,
        **skin,
    )


def _check_depth(column: Column, crop: Crop, path: Path) -> None:
    deepest = MM_PER_M * float(crop.root_max)
    if column.bottom_mm[-1] < deepest:
        raise DataError(
            column.path,
            f"ends at {column.bottom_mm[-1]:g} mm, the roots of {path} at "
            f"{deepest:g} mm",
            "describe the soil down to the deepest roots",
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
