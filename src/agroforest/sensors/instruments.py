"""Instruments that stand beside soil probes: which of them speak for which."""

import math
from collections.abc import Sequence

import numpy as np

from agroforest.core.reading import Reading, Sensor, Variable
from agroforest.sensors.flags_sensor import pick_series
from agroforest.sensors.surroundings import Series, Surroundings

#: An instrument further away than this, degrees (ten kilometres or so), does not speak
#: for a probe. Arbitrary: as for probes that may contradict each other.
NEAR_DEGREES = 0.1


def find_instruments(
    readings: Sequence[Reading], sensors: Sequence[Sensor]
) -> Surroundings:
    """Find what the only instrument of a kind in a file says for all its probes.

    What a probe measures itself comes first (`agroforest.sensors.check`). Of two rain
    gauges neither is taken, nor one that stands too far from a probe; where a place is
    not known, one file is taken for one place.

    Parameters
    ----------
    readings
        Of a file.
    sensors
        Of the same file.
    """
    places = {one.id: one for one in sensors}
    probes = {r.sensor for r in readings if r.variable == Variable.SOIL_MOISTURE}

    def find(variable: Variable) -> Series | None:
        owners = {r.sensor for r in readings if r.variable == variable}
        if len(owners) != 1:
            return None
        (owner,) = owners
        if any(_are_apart(places.get(owner), places.get(one)) for one in probes):
            return None
        return pick_uppermost(readings, variable)

    return Surroundings(
        soil_temperature=find(Variable.SOIL_TEMPERATURE),
        air_temperature=find(Variable.AIR_TEMPERATURE),
        rain=find(Variable.PRECIPITATION),
    )


def pick_uppermost(readings: Sequence[Reading], variable: Variable) -> Series | None:
    """Pick the numbers of one variable; of several depths the uppermost.

    It is the first to freeze.
    """
    mine = [r for r in readings if r.variable == variable]
    depths = [r.depth_m for r in mine if r.depth_m is not None]
    if depths:
        mine = [r for r in mine if r.depth_m == min(depths)]
    time = np.array([r.time.timestamp() for r in mine])
    return pick_series(mine, time, variable)


def _are_apart(one: Sensor | None, other: Sensor | None) -> bool:
    """Whether both places are known and far from each other."""
    if one is None or other is None:
        return False
    if one.longitude is None or one.latitude is None:
        return False
    if other.longitude is None or other.latitude is None:
        return False
    away = math.hypot(one.longitude - other.longitude, one.latitude - other.latitude)
    return away > NEAR_DEGREES
