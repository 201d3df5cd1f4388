"""Root zone: all that tomorrow's water balance needs of the days before."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np
from numpy.typing import ArrayLike, NDArray

from agroforest.core.crop import Crop
from agroforest.core.errors import ConfigurationError, DataError
from agroforest.core.soil import Soil
from agroforest.water.stages import find_root_depth

Field = NDArray[np.float64]

#: Names of the arrays, as they are kept.
ARRAYS = (
    *("age", "depletion", "variance", "profile", "below", "skin"),
    *("wetted", "height", "root", "kcb", "table_kcb", "stale"),
)
#: mm: how well the first depletion is known where nobody measured it. Arbitrary: a
#: fifth of the available water of a loam one metre deep.
START_SPREAD = 30.0


class Coefficient(StrEnum):
    """Which of the two methods of FAO-56 makes the crop's evapotranspiration."""

    DUAL = "dual"  #: Kcb + Ke, chapter 7
    SINGLE = "single"  #: Kc, chapter 6


@dataclass(frozen=True, kw_only=True, slots=True)
class Method:
    """What the balance of two days must have in common.

    Attributes
    ----------
    coefficient
        Dual or single crop coefficient.
    runoff
        True to let rain run off by the soil's curve number; all of it sinks in
        otherwise.
    constant_fraction
        True to keep the table's depletion fraction on hot days, too.
    convex_stress
        True for the stress curve of AquaCrop instead of FAO-56's straight line.
    tall
        True if the reference crop is alfalfa.
    """

    coefficient: Coefficient = Coefficient.DUAL
    runoff: bool = False
    constant_fraction: bool = False
    convex_stress: bool = False
    tall: bool = False

    def patch(self, **changes: object) -> "Method":
        """Copy with some fields changed."""
        return replace(self, **changes)  # type: ignore[arg-type]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class RootZone:
    """Water in the soil of any number of places after a day.

    Attributes
    ----------
    day
        Days since 1970-01-01.
    method
        How it was computed.
    age
        Places' shape, int64: days since the season's first day, which is 0; -1 before.
    depletion
        Same shape, float64: Dr, mm short of field capacity in the roots' zone. Never
        NaN: over days without weather it stays what it was.
    variance
        Same shape, float64: of `depletion`, mm².
    profile
        Same shape, float64: mm short of field capacity down to the deepest roots;
        NaN for a uniform soil, of which FAO-56 keeps no account down there.
    below
        Same shape, float64: mm short below the roots; NaN for a uniform soil.
    skin
        Same shape, float64: De, mm evaporated from the soil's skin.
    wetted
        Same shape, float64: share of the ground that the last water wetted.
    height, root
        Same shape, float64, metres.
    kcb, table_kcb
        Same shape, float64: basal crop coefficient, and that of the tables alone. Both
        are summed up day by day: roots in layers count in whole millimetres, and a
        depth that falls on one must do so in every program alike.
    stale
        Same shape, int16: days in a row without weather, up to `day`; 0 is fresh.
    """

    day: int
    method: Method
    age: NDArray[np.int64]
    depletion: Field
    variance: Field
    profile: Field
    below: Field
    skin: Field
    wetted: Field
    height: Field
    root: Field
    kcb: Field
    table_kcb: Field
    stale: NDArray[np.int16]

    @classmethod
    def start(
        cls,
        shape: tuple[int, ...],
        *,
        day: int,
        crop: Crop,
        soil: Soil,
        moisture: ArrayLike | None = None,
        method: Method | None = None,
        spread: float = START_SPREAD,
    ) -> "RootZone":
        """Root zone on the evening before the season.

        Parameters
        ----------
        shape
            Of the places; ``()`` for one.
        day
            The day before the season's first.
        crop, soil
            As for `step`.
        moisture
            As `Soil.field_capacity`: m³ in a m³ of each layer; field capacity unless
            given.
        method
            FAO-56 with the dual coefficient unless given.
        spread
            Standard deviation of the depletion, mm.
        """
        lack = soil.field_capacity * 0.0
        if moisture is not None:
            lack = soil.field_capacity - _broadcast(moisture, soil)
        depletion = soil.hold(lack, crop.root_ini)
        profile = below = np.full(shape, np.nan)
        if soil.layered:
            _check_depth(crop, soil)
            profile = soil.hold(lack, crop.root_max)
            below = profile - depletion
        kcb = np.asarray(crop.kcb_ini, dtype=np.float64)
        return cls(
            day=day,
            method=method or Method(),
            age=np.full(shape, -1, dtype=np.int64),
            depletion=_fill(depletion, shape),
            variance=_fill(spread**2, shape),
            profile=_fill(profile, shape),
            below=_fill(below, shape),
            skin=_fill(soil.total_evaporable, shape),  # FAO-56 p. 153: dry
            wetted=_fill(1.0, shape),
            height=_fill(crop.height_ini, shape),
            root=_fill(find_root_depth(crop, kcb), shape),
            kcb=_fill(kcb, shape),
            table_kcb=_fill(kcb, shape),
            stale=np.zeros(shape, dtype=np.int16),
        )

    def patch(self, **changes: object) -> "RootZone":
        """Copy with some fields changed; the others are shared, not copied."""
        return replace(self, **changes)  # type: ignore[arg-type]

    @property
    def shape(self) -> tuple[int, ...]:
        """Of each array."""
        return self.depletion.shape

    def arrays(self) -> dict[str, NDArray[np.generic]]:
        """Arrays by name, to be kept."""
        return {name: getattr(self, name) for name in ARRAYS}

    def attributes(self) -> dict[str, object]:
        """Everything else, as plain values: `from_saved` restores it exactly."""
        return {
            "water_day": self.day,
            "coefficient": self.method.coefficient.value,
            "runoff": self.method.runoff,
            "constant_fraction": self.method.constant_fraction,
            "convex_stress": self.method.convex_stress,
            "tall": self.method.tall,
        }

    @classmethod
    def from_saved(
        cls, arrays: Mapping[str, NDArray[np.generic]], attributes: Mapping[str, object]
    ) -> "RootZone":
        """Inverse of `arrays` and `attributes`.

        Raises
        ------
        DataError
            If a field is missing or the arrays differ in shape.
        """
        again = "start the season again"
        try:
            kept = {name: arrays[name] for name in ARRAYS}
            method = Method(
                coefficient=Coefficient(str(attributes["coefficient"])),
                runoff=bool(attributes["runoff"]),
                constant_fraction=bool(attributes["constant_fraction"]),
                convex_stress=bool(attributes["convex_stress"]),
                tall=bool(attributes["tall"]),
            )
            day = int(attributes["water_day"])  # type: ignore[call-overload]
        except KeyError as error:
            raise DataError(
                "water balance state", f"has no {error.args[0]!r}", again
            ) from None
        if len({array.shape for array in kept.values()}) != 1:
            raise DataError("water balance state", "has several shapes", again)
        return cls(day=day, method=method, **kept)  # type: ignore[arg-type]


def _broadcast(moisture: ArrayLike, soil: Soil) -> Field:
    """Moisture of each layer; one number stands for all of them."""
    given = np.asarray(moisture, dtype=np.float64)
    if given.ndim == 0:
        return np.broadcast_to(given, soil.field_capacity.shape)
    if given.shape[0] != soil.field_capacity.shape[0]:
        raise ConfigurationError(
            "soil moisture",
            f"is given for {given.shape[0]} layers of {soil.field_capacity.shape[0]}",
            "give one number, or one a layer",
        )
    return given


def _check_depth(crop: Crop, soil: Soil) -> None:
    deepest = np.min(soil.bottom_mm[-1])
    needed = np.max(np.asarray(crop.root_max)) * 1000.0
    if deepest < needed:
        raise ConfigurationError(
            "soil layers",
            f"end at {deepest:g} mm, roots go to {needed:g} mm",
            "describe the soil down to the deepest roots",
        )


def _fill(value: ArrayLike, shape: tuple[int, ...]) -> Field:
    return np.broadcast_to(np.asarray(value, dtype=np.float64), shape).copy()
