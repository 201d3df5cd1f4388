"""Soil in layers (.sol)."""

from dataclasses import dataclass
from pathlib import Path

from agroforest.core.errors import DataError
from agroforest.farm.fao56_files.form import Kind, read_form

_MM_PER_CM = 10.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Column:
    """Layers of a soil, downwards.

    Attributes
    ----------
    path
        The file.
    bottom_mm
        Lower edges, mm.
    field_capacity, wilting_point
        m³ of water in a m³ of soil.
    moisture
        The same at the season's start.
    """

    path: Path
    bottom_mm: tuple[float, ...]
    field_capacity: tuple[float, ...]
    wilting_point: tuple[float, ...]
    moisture: tuple[float, ...]


def read_layers(path: Path) -> Column:
    """Read the layers of a soil; the file has depths in centimetres.

    Raises
    ------
    DataError
        The file is no soil profile, or a number cannot be.
    """
    _, rows = read_form(path, Kind.LAYERS).after("Depth")
    if not rows:
        raise DataError(path, "has no layer", "give at least one")
    return Column(
        path=path,
        bottom_mm=tuple(
            _MM_PER_CM * row.number_within(0, "depth", 1.0) for row in rows
        ),
        field_capacity=tuple(row.number_within(1, "thetaFC", 0.0, 1.0) for row in rows),
        wilting_point=tuple(row.number_within(2, "thetaWP", 0.0, 1.0) for row in rows),
        moisture=tuple(row.number_within(3, "theta0", 0.0, 1.0) for row in rows),
    )
