"""Soil in layers (.sol)."""

from pathlib import Path

import numpy as np

from agroforest.core.errors import ConfigurationError, DataError
from agroforest.farm.fao56_files.form import Kind, read_form
from agroforest.farm.fao56_files.parameters import Parameters

_MM_PER_CM = 10.0
_MM_PER_M = 1000.0


def read_layers(path: Path, parameters: Parameters) -> tuple[Parameters, list[float]]:
    """Put layers in the place of a field's uniform soil.

    Parameters
    ----------
    path
        The file; depths are lower edges in centimetres.
    parameters
        Whose evaporating skin and curve number stay.

    Returns
    -------
    tuple
        The field with layers, and m³ of water in a m³ of each at the season's start.

    Raises
    ------
    DataError
        The file is no soil profile, cannot be, or ends above the deepest roots.
    """
    form = read_form(path, Kind.LAYERS)
    _, rows = form.after("Depth")
    if not rows:
        raise DataError(path, "has no layer", "give at least one")
    bottom = [_MM_PER_CM * row.number_within(0, "depth", 1.0) for row in rows]
    capacity = [row.number_within(1, "thetaFC", 0.0, 1.0) for row in rows]
    wilting = [row.number_within(2, "thetaWP", 0.0, 1.0) for row in rows]
    moisture = [row.number_within(3, "theta0", 0.0, 1.0) for row in rows]
    deepest = _MM_PER_M * float(parameters.crop.root_max)
    if bottom[-1] < deepest:
        raise DataError(
            path,
            f"ends at {bottom[-1]:g} mm, the roots of {parameters.path} at "
            f"{deepest:g} mm",
            "describe the soil down to the deepest roots",
        )
    try:
        soil = parameters.soil.patch(
            bottom_mm=np.array(bottom),
            field_capacity=np.array(capacity),
            wilting_point=np.array(wilting),
            layered=True,
        )
    except ConfigurationError as error:
        raise DataError(path, f"{error.where}: {error.problem}", error.remedy) from None
    field = Parameters(
        path=parameters.path,
        crop=parameters.crop,
        soil=soil,
        moisture=parameters.moisture,
        notes=parameters.notes,
    )
    return field, moisture
