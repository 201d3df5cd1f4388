"""A crop as FAO-56 describes it: coefficients, stages, height, roots."""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray

from agroforest.core.errors import ConfigurationError

#: One number for every place, or one for each in the places' shape.
Amount = float | NDArray[np.float64]

_POSITIVE = ("height_max", "root_ini", "root_max", "kcb_mid", "kc_mid")
_NEVER_NEGATIVE = ("days_ini", "days_dev", "days_mid", "days_end", "height_ini")


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Crop:
    """One crop, or one for each of several places (arrays in the places' shape).

    Attributes
    ----------
    kc_ini, kc_mid, kc_end
        Single crop coefficients of FAO-56 Table 12.
    kcb_ini, kcb_mid, kcb_end
        Basal crop coefficients of FAO-56 Table 17.
    days_ini, days_dev, days_mid, days_end
        Lengths of the four stages, days, FAO-56 Table 11. A perennial that does not
        change has four lengths like any other; its coefficients are equal.
    height_ini, height_max
        Metres.
    root_ini, root_max
        Depth of the roots, metres, FAO-56 Table 22.
    depletion_fraction
        p of FAO-56 Table 22, for 5 mm a day, 0 to 1.
    kc_min
        Basal coefficient of dry bare soil, from which FAO-56 Eq. 76 counts the cover;
        ``None`` means `kcb_ini`.
    """

    kc_ini: Amount
    kc_mid: Amount
    kc_end: Amount
    kcb_ini: Amount
    kcb_mid: Amount
    kcb_end: Amount
    days_ini: Amount
    days_dev: Amount
    days_mid: Amount
    days_end: Amount
    height_ini: Amount
    height_max: Amount
    root_ini: Amount
    root_max: Amount
    depletion_fraction: Amount
    kc_min: Amount | None = None

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if value is not None and not np.all(np.isfinite(value)):
                raise _refuse(f"{field.name} is not a number", "give it")
        for name in _POSITIVE:
            if not np.all(np.asarray(getattr(self, name)) > 0):
                raise _refuse(f"{name} {getattr(self, name)} is not above 0", "give it")
        for name in _NEVER_NEGATIVE:
            if not np.all(np.asarray(getattr(self, name)) >= 0):
                raise _refuse(f"{name} {getattr(self, name)} is negative", "give it")
        p = np.asarray(self.depletion_fraction)
        if not np.all((p > 0) & (p < 1)):
            raise _refuse(
                f"depletion fraction {self.depletion_fraction} is not between 0 and 1",
                "take it from FAO-56 Table 22",
            )
        if not np.all(np.asarray(self.root_max) >= np.asarray(self.root_ini)):
            raise _refuse(
                f"roots go from {self.root_ini} m to {self.root_max} m",
                "the largest depth is at least the first",
            )

    def patch(self, **changes: object) -> Self:
        """Copy with some fields changed."""
        return replace(self, **changes)  # type: ignore[arg-type]

    @property
    def season_days(self) -> Amount:
        """Days of the four stages together."""
        return self.days_ini + self.days_dev + self.days_mid + self.days_end

    @property
    def bare(self) -> Amount:
        """Basal coefficient of bare soil: `kc_min`, or `kcb_ini`."""
        return self.kcb_ini if self.kc_min is None else self.kc_min

    @classmethod
    def stack(cls, crops: Sequence[Self]) -> Self:
        """Crops of several places as one: each number becomes an array (places,)."""
        bare = np.array([crop.bare for crop in crops], dtype=np.float64)
        names = [field.name for field in fields(cls) if field.name != "kc_min"]
        stacked = {
            name: np.array([getattr(crop, name) for crop in crops], dtype=np.float64)
            for name in names
        }
        return cls(**stacked, kc_min=bare)


def _refuse(problem: str, remedy: str) -> ConfigurationError:
    return ConfigurationError("crop", problem, remedy)
