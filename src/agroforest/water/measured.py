"""What probes and satellites say of the roots' zone: a depletion and its variance.

A probe measures a few centimetres of one spot; the roots' zone is a metre deep and
hectares wide. The variances below say how much of that gap a measurement leaves.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from agroforest.core.crop import Amount
from agroforest.core.errors import DataError
from agroforest.core.field import ProfileSeen
from agroforest.core.soil import MM_PER_M, Soil, hold_layers

Field = NDArray[np.float64]

#: m³/m³, standard deviation of a probe's reading as the mean of its field at its depth:
#: 0.03 is the accuracy that makers state for capacitance probes with their own
#: calibration; what one spot says of a field is not better. Arbitrary beyond that.
PROBE_SPREAD = 0.04
#: The same where field capacity was learned from the probe's own readings after rain:
#: what its calibration is off by is in both, and cancels. Arbitrary: half.
OWN_CAPACITY_SPREAD = 0.02
#: m³/m³, of soil for which the nearest probe above must speak. Arbitrary.
UNSEEN_SPREAD = 0.08
#: Standard deviation of a wetness seen from space, as a share of the available water.
#: Arbitrary: errors of OPTRAM near the surface are about 0.04 m³/m³ (Sadeghi et al.
#: 2017, Remote Sens. Environ. 198, 52-68), a third of a loam's available water, and
#: roots go deeper.
SATELLITE_SPREAD = 0.35


@dataclass(frozen=True, kw_only=True, slots=True)
class OwnCapacity:
    """Field capacity in a probe's own numbers.

    Attributes
    ----------
    value
        What it read when the soil had drained after rain, m³/m³.
    spread
        Standard deviation from one rain to the next, m³/m³.
    """

    value: float
    spread: float

    @property
    def error(self) -> float:
        """Standard deviation of what a reading is short of it, m³/m³."""
        return math.hypot(OWN_CAPACITY_SPREAD, self.spread)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Measured:
    """A measurement of the roots' zone; numbers, or places' shape.

    Attributes
    ----------
    depletion
        mm short of field capacity; negative above it; NaN where nothing was measured.
    variance
        mm².
    """

    depletion: Amount
    variance: Amount


def find_profile_depletion(seen: ProfileSeen, *, soil: Soil, root: Amount) -> Field:
    """Depletion of the roots' zone by soil moisture measured in layers, mm.

    Below the last layer the soil is taken to be as moist as that layer.

    Parameters
    ----------
    seen
        The layers.
    soil
        Gives field capacity.
    root
        Depth of the roots, metres.
    """
    reach = np.asarray(root, dtype=np.float64) * MM_PER_M
    bottom = np.array(seen.bottom_mm)
    bottom[-1] = np.inf
    held = hold_layers(bottom, np.array(seen.moisture), reach)
    return hold_layers(soil.bottom_mm, soil.field_capacity, reach) - held


def measure_profile(
    seen: ProfileSeen,
    *,
    soil: Soil,
    root: float,
    spread: float | Sequence[float] = PROBE_SPREAD,
) -> Measured:
    """Turn layers of soil moisture into a measurement of the roots' zone.

    Parameters
    ----------
    seen, soil, root
        As for `find_profile_depletion`.
    spread
        m³/m³, standard deviation of a layer's moisture; one a layer, or one for all.
        The errors of the layers are taken to go together: a spot that is too wet is
        so all the way down.
    """
    reach = root * MM_PER_M
    edges = np.minimum(np.array((0.0, *seen.bottom_mm)), reach)
    unseen = max(reach - seen.bottom_mm[-1], 0.0)
    error = float(np.sum(np.diff(edges) * spread)) + UNSEEN_SPREAD * unseen
    return Measured(
        depletion=float(find_profile_depletion(seen, soil=soil, root=root)),
        variance=error**2,
    )


def measure_probes(
    depths: tuple[float, ...],
    moisture: tuple[float, ...],
    *,
    soil: Soil,
    root: float,
    spread: float = PROBE_SPREAD,
    capacities: Sequence[OwnCapacity | None] = (),
) -> Measured:
    """Turn probes at depths into a measurement of the roots' zone.

    Each probe speaks for the soil half-way to its neighbours; the deepest one as far
    below itself as above, and below that with less certainty.

    Parameters
    ----------
    depths
        Metres, downwards.
    moisture
        m³/m³ at each.
    soil, root, spread
        As for `measure_profile`.
    capacities
        What each depth learned of itself; what is short there is then short of that,
        with `OWN_CAPACITY_SPREAD` and its own spread in the place of `spread`. Empty,
        or ``None`` for a depth, where nothing was learned.

    Raises
    ------
    DataError
        If there is no probe, or they are not in order.
    """
    if not depths or len(depths) != len(moisture):
        raise DataError(
            "soil probes",
            f"{len(depths)} depths, {len(moisture)} readings",
            "give one reading a depth",
        )
    if any(b <= a for a, b in pairwise((0.0, *depths))):
        raise DataError("soil probes", f"depths {depths}", "give them downwards")
    middles = [(a + b) / 2 for a, b in pairwise(depths)]
    above = depths[-1] - (middles[-1] if middles else 0.0)
    edges = tuple(MM_PER_M * edge for edge in (*middles, depths[-1] + above))
    learned = tuple(capacities) or (None,) * len(depths)
    seen = ProfileSeen(
        day=0,
        bottom_mm=edges,
        moisture=tuple(
            value - _find_offset(own, soil, depth)
            for value, own, depth in zip(moisture, learned, depths, strict=True)
        ),
    )
    spreads = [spread if own is None else own.error for own in learned]
    return measure_profile(seen, soil=soil, root=root, spread=spreads)


def _find_offset(own: OwnCapacity | None, soil: Soil, depth: float) -> float:
    """Find by how much a probe reads more than the soil's tables, m³/m³."""
    if own is None:
        return 0.0
    layer = int(np.searchsorted(soil.bottom_mm, depth * MM_PER_M))
    inside = min(layer, len(soil.bottom_mm) - 1)
    return own.value - float(soil.field_capacity[inside])


def measure_wetness(
    wetness: Amount, *, available: Amount, spread: float = SATELLITE_SPREAD
) -> Measured:
    """Turn a wetness seen from space into a measurement of the roots' zone.

    Parameters
    ----------
    wetness
        0 at the driest the place has been, 1 at the wettest (OPTRAM); NaN under cloud.
        The two ends are taken for wilting point and field capacity.
    available
        TAW, mm.
    spread
        Share of `available`.
    """
    share = np.clip(wetness, 0.0, 1.0)
    return Measured(
        depletion=(1.0 - share) * np.asarray(available),
        variance=(spread * np.asarray(available)) ** 2,
    )
