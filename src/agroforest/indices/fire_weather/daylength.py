"""How long a day dries: tables of the duff moisture and the drought code.

The Canadian equations hold for 46° N. Other latitudes take the tables of Lawson &
Armitage (2008, Weather guide for the Canadian Forest Fire Danger Rating System, NOR,
appendix: effective day length), as two programs apply them:

* `CFFDRS`, the default: the R package cffdrs of the Canadian Forest Service. A band
  holds its northern edge.
* `GFWED`: Field et al. (2015, doi 10.5194/nhess-15-1407-2015), which xclim follows.
  Other edges near the equator, 1.39 for 1.4, and a band holds its southern edge.

They agree north of 30° N, south of 30° S, and between 20° and 30° except on the edge
itself; they differ between 10° and 20°.
"""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from agroforest.core.errors import ConfigurationError

_46N = (6.5, 7.5, 9.0, 12.8, 13.9, 13.9, 12.4, 10.9, 9.4, 8.0, 7.0, 6.0)
_20N = (7.9, 8.4, 8.9, 9.5, 9.9, 10.2, 10.1, 9.7, 9.1, 8.6, 8.1, 7.8)
_EQUATOR = (9.0,) * 12
_20S = (10.1, 9.6, 9.1, 8.5, 8.1, 7.8, 7.9, 8.3, 8.9, 9.4, 9.9, 10.2)
_40S = (11.5, 10.5, 9.2, 7.9, 6.8, 6.2, 6.5, 7.4, 8.7, 10.0, 11.2, 11.8)

_NORTH = (-1.6, -1.6, -1.6, 0.9, 3.8, 5.8, 6.4, 5.0, 2.4, 0.4, -1.6, -1.6)
_SOUTH = (6.4, 5.0, 2.4, 0.4, -1.6, -1.6, -1.6, -1.6, -1.6, 0.9, 3.8, 5.8)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class DayLengths:
    """Day lengths by month and band of latitude, from south to north.

    Attributes
    ----------
    name
        ``"cffdrs"`` or ``"gfwed"``.
    dmc_edges
        ``(4,)`` degrees north; a latitude lies in band *n* if it exceeds *n* edges.
    dmc_hours
        ``(5 bands, 12 months)`` effective day length in hours.
    dc_edges
        ``(2,)`` degrees north.
    dc_factors
        ``(3 bands, 12 months)`` day-length factor of the drought code.
    """

    name: str
    dmc_edges: NDArray[np.float64] = field(repr=False)
    dmc_hours: NDArray[np.float64] = field(repr=False)
    dc_edges: NDArray[np.float64] = field(repr=False)
    dc_factors: NDArray[np.float64] = field(repr=False)


def _just_below(*edges: float) -> NDArray[np.float64]:
    """Edges such that the edge itself exceeds them."""
    return np.asarray(np.nextafter(np.array(edges), -np.inf), dtype=np.float64)


CFFDRS = DayLengths(
    name="cffdrs",
    dmc_edges=np.array([-30.0, -10.0, 10.0, 30.0]),
    dmc_hours=np.array([_40S, _20S, _EQUATOR, _20N, _46N]),
    dc_edges=np.array([-20.0, 20.0]),
    dc_factors=np.array([_SOUTH, (1.4,) * 12, _NORTH]),
)
GFWED = DayLengths(
    name="gfwed",
    dmc_edges=_just_below(-30.0, -15.0, 15.0, 30.0),
    dmc_hours=np.array([_40S, _20S, _EQUATOR, _20N, _46N]),
    dc_edges=_just_below(-15.0, 15.0),
    dc_factors=np.array([_SOUTH, (1.39,) * 12, _NORTH]),
)
DAY_LENGTHS = {table.name: table for table in (CFFDRS, GFWED)}


def find_day_lengths(name: str) -> DayLengths:
    """Tables by name.

    Raises
    ------
    ConfigurationError
        If there is none of that name.
    """
    if name not in DAY_LENGTHS:
        raise ConfigurationError(
            f"day length {name!r}",
            "is not known",
            f"use one of {', '.join(DAY_LENGTHS)}",
        )
    return DAY_LENGTHS[name]


def norm_latitude(latitude: float | NDArray[np.floating]) -> NDArray[np.float64]:
    """Latitude as an array of float64, checked.

    Parameters
    ----------
    latitude
        Degrees north; one number, or one a cell.

    Raises
    ------
    ConfigurationError
        If one is not a number from -90 to 90.
    """
    degrees = np.ascontiguousarray(latitude, dtype=np.float64)
    wrong = ~((degrees >= -90.0) & (degrees <= 90.0))  # NaN is wrong, too
    if wrong.any():
        raise ConfigurationError(
            "latitude",
            f"{degrees[wrong].flat[0]} is no latitude",
            "give degrees north, from -90 to 90",
        )
    return degrees
