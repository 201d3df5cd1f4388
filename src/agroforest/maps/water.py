"""What a map page shows of soil water, as values: parcels, their advice and days."""

import math
from dataclasses import dataclass, field, replace
from datetime import date
from itertools import pairwise

from shapely.geometry.base import BaseGeometry

#: Lights of a parcel, the most urgent first: water now, water soon, enough water,
#: no advice.
LIGHTS = ("red", "amber", "green", "grey")


@dataclass(frozen=True, kw_only=True, slots=True)
class WaterDay:
    """The root zone of a parcel at the end of one day.

    Attributes
    ----------
    day
        The day.
    depletion_mm
        Water missing to field capacity, mm; 0 is full, negative is above it.
    raw_mm
        Readily available water, mm: what may be missing before the crop suffers
        (FAO-56 eq. 83).
    taw_mm
        Total available water, mm: what is missing at the wilting point (eq. 82).
    rain_mm, irrigation_mm
        Of the day, mm.
    forecast
        Whether the weather of the day is forecast.

    Raises
    ------
    ValueError
        If a number is not finite, or rain, irrigation or available water negative.
    """

    day: date
    depletion_mm: float
    raw_mm: float
    taw_mm: float
    rain_mm: float
    irrigation_mm: float
    forecast: bool

    def __post_init__(self) -> None:
        if not math.isfinite(self.depletion_mm):
            raise ValueError(f"depletion of {self.day} is {self.depletion_mm} mm")
        for name in ("raw_mm", "taw_mm", "rain_mm", "irrigation_mm"):
            _refuse_odd(f"{name} of {self.day}", getattr(self, name))


@dataclass(frozen=True, kw_only=True, slots=True)
class ProbeTrust:
    """A probe of a parcel, and how far its readings may be believed.

    Attributes
    ----------
    id
        Of the sensor.
    name
        What people call it; may be empty.
    trust
        0 to 1; None where nobody could judge.
    reason_zh, reason_en
        Why, a sentence each; may be empty.
    """

    id: str
    name: str
    trust: float | None
    reason_zh: str
    reason_en: str

    def __post_init__(self) -> None:
        if self.trust is not None and not 0 <= self.trust <= 1:
            raise ValueError(f"trust {self.trust} of {self.id!r} is not from 0 to 1")


@dataclass(frozen=True, kw_only=True, slots=True)
class ParcelWater:
    """A parcel, its advice and the water behind it.

    Attributes
    ----------
    id
        Of the parcel.
    geometry
        Polygon or multipolygon, degrees, WGS 84.
    zh, en
        Names of the parcel.
    crop_zh, crop_en
        What grows on it.
    light
        One of `LIGHTS`. Grey is no advice; `advice_zh` then says why.
    advice_zh, advice_en
        The one sentence a farmer needs.
    confidence_zh, confidence_en
        How sure the advice is, in words.
    reasons
        The readings behind it, Chinese and English.
    days
        Rising, a day once; the past first, then the forecast.
    last_irrigation
        Day of the last irrigation known.
    last_irrigation_mm
        How much that was, mm.
    sensors
        Probes that stand in it.
    amount_mm, amount_m3, m3_per_mu, minutes
        To give: depth, volume, volume per mu (1/15 hectare), and time at the flow
        rate of the parcel. None where it is not known, or nothing is to be given.
    latest
        Last day on which it is in time.
    drought_zh, drought_en
        Class of agricultural drought; empty where it is not known.
    notices
        Of heat, frost and the like, Chinese and English.

    Raises
    ------
    ValueError
        If the light is not one of `LIGHTS`, the geometry not a polygon, an amount
        negative or not finite, or the days out of order.
    """

    id: str
    geometry: BaseGeometry = field(repr=False)
    zh: str
    en: str
    crop_zh: str = ""
    crop_en: str = ""
    light: str
    advice_zh: str
    advice_en: str
    confidence_zh: str = ""
    confidence_en: str = ""
    reasons: tuple[tuple[str, str], ...] = ()
    days: tuple[WaterDay, ...] = field(default=(), repr=False)
    last_irrigation: date | None = None
    last_irrigation_mm: float | None = None
    sensors: tuple[ProbeTrust, ...] = ()
    amount_mm: float | None = None
    amount_m3: float | None = None
    m3_per_mu: float | None = None
    minutes: float | None = None
    latest: date | None = None
    drought_zh: str = ""
    drought_en: str = ""
    notices: tuple[tuple[str, str], ...] = ()

    def __post_init__(self) -> None:
        if self.light not in LIGHTS:
            raise ValueError(
                f"light {self.light!r} of parcel {self.id!r} is none of "
                f"{', '.join(LIGHTS)}"
            )
        if self.geometry.is_empty or "Polygon" not in self.geometry.geom_type:
            raise ValueError(
                f"parcel {self.id!r} is no polygon but {self.geometry.geom_type}"
            )
        amounts = ("amount_mm", "amount_m3", "m3_per_mu", "minutes")
        for name in (*amounts, "last_irrigation_mm"):
            if (value := getattr(self, name)) is not None:
                _refuse_odd(f"{name} of parcel {self.id!r}", value)
        for before, after in pairwise(self.days):
            if not before.day < after.day:
                raise ValueError(
                    f"days of parcel {self.id!r} do not rise: {after.day} "
                    f"after {before.day}"
                )
            if before.forecast and not after.forecast:
                raise ValueError(
                    f"{after.day} of parcel {self.id!r} is no forecast, but the day "
                    "before is"
                )

    def patch(self, **changes: object) -> "ParcelWater":
        """Copy with some fields changed."""
        return replace(self, **changes)  # type: ignore[arg-type]


@dataclass(frozen=True, kw_only=True, slots=True)
class WaterPage:
    """Soil water on a page; any part may be empty.

    Attributes
    ----------
    moment
        Day of the advice; what was known then is shown.
    parcels
        Any order; the page lists the most urgent first.
    notes
        What a reader must know of the way it was worked out, Chinese and English.
    """

    moment: date
    parcels: tuple[ParcelWater, ...]
    notes: tuple[tuple[str, str], ...] = ()

    def __post_init__(self) -> None:
        ids = [parcel.id for parcel in self.parcels]
        if len(set(ids)) < len(ids):
            raise ValueError("water of one parcel is given twice")


def _refuse_odd(name: str, value: float) -> None:
    if not (math.isfinite(value) and value >= 0):
        raise ValueError(f"{name} is {value}")
