"""Cases made again from their steps: what the record says must be what stands."""

from collections.abc import Iterable
from typing import Any

from shapely.geometry.base import BaseGeometry

from agroforest.core.errors import DataError
from agroforest.core.review import Case, Step
from agroforest.review.plain import read_fields


def replay(steps: Iterable[Step], geometry: BaseGeometry) -> Case:
    """Make a case again from its steps.

    Parameters
    ----------
    steps
        All of one case, in order.
    geometry
        Its outline, which no step holds.

    Raises
    ------
    DataError
        There is none, or a number is missing or comes twice.
    """
    case: Case | None = None
    number = 0
    for number, step in enumerate(steps, 1):
        if step.number != number:
            raise DataError(
                f"case {step.case}",
                f"step {step.number} stands where {number} should",
                "restore the database from a copy",
            )
        told: dict[str, Any] = {"version": number, "changed": step.time}
        fields = read_fields(step.data["after"])
        if case is None:
            case = Case(geometry=geometry, **fields, **told)
        else:
            case = case.patch(**fields, **told)
    if case is None:
        raise DataError("a case", "has no steps", "give all of its steps")
    return case
