"""Soil as a water store: layers, what they hold, and the skin that evaporates."""

from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from agroforest.core.crop import Amount
from agroforest.core.errors import ConfigurationError

MM_PER_M = 1000.0
#: Curve number of pyfao56 where none is given; not used unless runoff is asked for.
DEFAULT_CURVE_NUMBER = 70.0


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Soil:
    r"""What the soil of one place, or of each of several, can hold.

    Attributes
    ----------
    bottom_mm
        (layers,) or (layers, \*places), float64: lower edges, millimetres, downwards.
        The last one of a uniform soil is infinite.
    field_capacity, wilting_point
        As `bottom_mm`, m³ of water in a m³ of soil.
    evaporation_depth
        Ze, metres: the skin that dries by evaporation, 0.10 to 0.15 (FAO-56 p. 144).
    readily_evaporable
        REW, mm: what leaves it as fast as the air takes it (FAO-56 Table 19).
    curve_number
        Of runoff at average wetness (ASCE 2016, Table 14-3), 0 to 100.
    layered
        True for measured layers: water that leaves the roots' zone waits below it for
        the roots to come, and is lost below the deepest roots only. Depths then count
        in whole millimetres. False for one uniform soil, as FAO-56 has it: what leaves
        the roots' zone is lost, and what the roots grow into is at field capacity.
    """

    bottom_mm: NDArray[np.float64]
    field_capacity: NDArray[np.float64]
    wilting_point: NDArray[np.float64]
    evaporation_depth: Amount
    readily_evaporable: Amount
    curve_number: Amount = DEFAULT_CURVE_NUMBER
    layered: bool = False

    def __post_init__(self) -> None:
        fc, wp = self.field_capacity, self.wilting_point
        if not (np.all(wp >= 0) and np.all(fc > wp) and np.all(fc < 1)):
            raise _refuse(
                f"field capacity {_say(fc)} and wilting point {_say(wp)} cannot be",
                "0 <= wilting point < field capacity < 1, in m3/m3",
            )
        edges = np.concatenate([np.zeros_like(self.bottom_mm[:1]), self.bottom_mm])
        if not np.all(edges[1:] > edges[:-1]):
            raise _refuse(
                f"layers end at {_say(self.bottom_mm)} mm", "give them downwards"
            )
        if not np.all(np.asarray(self.evaporation_depth) > 0):
            raise _refuse(
                f"evaporation depth {self.evaporation_depth} m", "give 0.10 to 0.15"
            )
        rew = np.asarray(self.readily_evaporable)
        total = self.total_evaporable
        if not np.all((rew >= 0) & (rew < total)):
            raise _refuse(
                f"readily evaporable water {_say(rew)} mm, of {_say(total)} mm in all",
                "it is less than 1000 (field capacity - wilting point / 2) depth",
            )
        number = np.asarray(self.curve_number)
        if not np.all((number > 0) & (number <= 100)):
            raise _refuse(f"curve number {self.curve_number}", "give 1 to 100")

    @classmethod
    def uniform(
        cls,
        *,
        field_capacity: Amount,
        wilting_point: Amount,
        evaporation_depth: Amount = 0.10,
        readily_evaporable: Amount = 8.0,
        curve_number: Amount = DEFAULT_CURVE_NUMBER,
    ) -> Self:
        """One soil from the surface down; numbers or arrays in the places' shape."""
        fc, wp = np.broadcast_arrays(field_capacity, wilting_point)
        return cls(
            bottom_mm=np.full((1, *fc.shape), np.inf),
            field_capacity=np.asarray(fc, dtype=np.float64)[None],
            wilting_point=np.asarray(wp, dtype=np.float64)[None],
            evaporation_depth=evaporation_depth,
            readily_evaporable=readily_evaporable,
            curve_number=curve_number,
        )

    def patch(self, **changes: object) -> Self:
        """Copy with some fields changed."""
        return replace(self, **changes)  # type: ignore[arg-type]

    def hold(self, content: ArrayLike, depth: Amount) -> NDArray[np.float64]:
        """Water from the surface to a depth.

        Parameters
        ----------
        content
            As `field_capacity`: m³ in a m³ of each layer.
        depth
            Metres.

        Returns
        -------
        ndarray
            Places' shape, float64, mm.
        """
        reach = np.asarray(depth, dtype=np.float64) * MM_PER_M
        if self.layered:
            reach = np.floor(reach)
        return hold_layers(self.bottom_mm, content, reach)

    def available(self, depth: Amount) -> NDArray[np.float64]:
        """Total available water to a depth, mm (FAO-56 Eq. 82)."""
        return self.hold(self.field_capacity - self.wilting_point, depth)

    @property
    def total_evaporable(self) -> NDArray[np.float64]:
        """TEW, mm (FAO-56 Eq. 73)."""
        return self.hold(
            self.field_capacity - 0.5 * self.wilting_point, self.evaporation_depth
        )


def hold_layers(
    bottom_mm: NDArray[np.float64], content: ArrayLike, depth_mm: ArrayLike
) -> NDArray[np.float64]:
    r"""Water from the surface to a depth, in layers.

    Parameters
    ----------
    bottom_mm
        (layers,) or (layers, \*places), float64: lower edges, mm, downwards.
    content
        Same shape: m³ of water in a m³ of each layer.
    depth_mm
        Places' shape, mm; below the last layer there is nothing.

    Returns
    -------
    ndarray
        Places' shape, float64, mm.
    """
    reach = np.asarray(depth_mm, dtype=np.float64)
    spare = (1,) * max(reach.ndim - (bottom_mm.ndim - 1), 0)
    bottom = bottom_mm.reshape(*bottom_mm.shape, *spare)
    per_layer = np.asarray(content, dtype=np.float64)
    per_layer = per_layer.reshape(*per_layer.shape, *spare)
    top = np.concatenate([np.zeros_like(bottom[:1]), bottom[:-1]])
    thick = np.clip(reach, top, bottom) - top
    held: NDArray[np.float64] = np.sum(per_layer * thick, axis=0)
    return held


def _say(values: ArrayLike) -> str:
    numbers = np.unique(np.asarray(values, dtype=np.float64))
    shown = ", ".join(f"{number:g}" for number in numbers[:4])
    return f"{shown}, …" if numbers.size > 4 else shown


def _refuse(problem: str, remedy: str) -> ConfigurationError:
    return ConfigurationError("soil", problem, remedy)
