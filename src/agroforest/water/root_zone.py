"""The account of the roots' zone: what comes in, what goes out, what is left.

Either way it closes, every day and for every place::

    depletion after = depletion before - water + eta + found + drained - unmet
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from agroforest.core.crop import Crop
from agroforest.core.soil import Soil
from agroforest.water.state import RootZone

Field = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Settled:
    """The account in the evening; places' shape, float64, mm.

    Attributes
    ----------
    depletion, profile, below
        As in `RootZone`.
    percolation, drained, found, unmet, unmet_below
        As in `WaterDay`.
    """

    depletion: Field
    profile: Field
    below: Field
    percolation: Field
    drained: Field
    found: Field
    unmet: Field
    unmet_below: Field


def settle_uniform(
    zone: RootZone, *, water: Field, eta: Field, available: Field
) -> Settled:
    """One uniform soil: what leaves the roots' zone is lost (FAO-56 Eqs. 85 to 88).

    Parameters
    ----------
    zone
        Of the day before.
    water
        Rain and irrigation that sink in, mm.
    eta
        Evapotranspiration, mm.
    available
        TAW of the day, mm.
    """
    percolation = np.maximum(water - eta - zone.depletion, 0.0)
    left = zone.depletion - water + eta + percolation
    depletion = np.clip(left, 0.0, available)
    nothing = np.zeros(zone.shape)
    return Settled(
        depletion=depletion,
        profile=zone.profile,
        below=zone.below,
        percolation=percolation,
        drained=percolation,
        found=nothing,
        unmet=np.maximum(left - available, 0.0),
        unmet_below=nothing,
    )


def settle_layers(
    zone: RootZone,
    *,
    water: Field,
    eta: Field,
    available: Field,
    crop: Crop,
    soil: Soil,
) -> Settled:
    """Soil in layers: below the roots water waits for them, down to the deepest.

    Roots that grow take over the lack of water of the soil that they grow into, in
    proportion to what that soil can hold (Thorp et al. 2022, SoftwareX 19, 101208).

    Parameters
    ----------
    zone, water, eta, available
        As for `settle_uniform`.
    crop
        How deep the roots go in the end.
    soil
        Its layers.
    """
    whole = soil.available(crop.root_max)
    room_before = whole - soil.available(zone.root)
    room = whole - available
    left_over = np.divide(
        room, room_before, out=np.ones(zone.shape), where=room_before > 0
    )
    found = zone.below * (1.0 - left_over)
    left = zone.depletion - water + eta + found
    depletion = np.clip(left, 0.0, available)

    percolation = np.maximum(water - eta - zone.profile, 0.0)
    deep = zone.profile - water + eta + percolation
    profile = np.clip(deep, 0.0, whole)
    return Settled(
        depletion=depletion,
        profile=profile,
        below=np.clip(profile - depletion, 0.0, room),
        percolation=percolation,
        drained=np.maximum(-left, 0.0),
        found=found,
        unmet=np.maximum(left - available, 0.0),
        unmet_below=np.maximum(deep - whole, 0.0),
    )
