"""Parcels made ready for the balance: crop, soil, season, size, way of irrigation."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cached_property

import numpy as np
import pyproj
import shapely

from agroforest.core.aoi import Aoi, Place, PlaceKind
from agroforest.core.config import WaterSection
from agroforest.core.errors import AgroforestError, ConfigurationError
from agroforest.core.grid import WGS84
from agroforest.core.identity import digest
from agroforest.core.parcel import ParcelFacts, Sowing, read_facts
from agroforest.core.reading import Sensor
from agroforest.core.soil import Soil
from agroforest.farm.crops import CropEntry, find_crop
from agroforest.products.zonal.outlines import geodesic_area
from agroforest.water.plot import EFFICIENCY, Plot
from agroforest.water.texture import build_soil

#: Share of the ground that an irrigation wets (FAO-56 Table 20; the middle of the 0.3
#: to 0.4 of trickle irrigation).
WETTED = {"surface": 1.0, "sprinkler": 1.0, "drip": 0.35}
_YEAR = 365
_M2_PER_HECTARE = 10_000.0
#: REW of a soil whose texture is not known, mm, and the share of TEW it stays below:
#: the middle of FAO-56 Table 19.
_REW, _REW_SHARE = 8.0, 0.4


@dataclass(frozen=True, kw_only=True, eq=False)
class FarmField:
    """A parcel with all that the balance needs of it.

    Attributes
    ----------
    place
        Where.
    facts
        What its properties say.
    entry
        Its crop in the table.
    soil
        What the soil holds.
    plot
        What advice needs to know.
    method
        Way of irrigation.
    sowing
        When the crop's calendar begins.
    perennial
        True if the stand stays when the calendar begins again.
    sensors
        Ids of its probes.
    """

    place: Place
    facts: ParcelFacts
    entry: CropEntry = field(repr=False)
    soil: Soil = field(repr=False)
    plot: Plot
    method: str
    sowing: Sowing
    perennial: bool
    sensors: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        """Of the parcel."""
        return self.place.id

    @property
    def capacity_measured(self) -> bool:
        """Whether its field capacity was measured."""
        facts = self.facts
        return facts.field_capacity is not None and facts.wilting_point is not None

    @cached_property
    def identity(self) -> str:
        """Digest of what its balance depends on beside the days' records.

        The probes' ids are among the records: their readings of a day are.
        """
        crop = self.entry.crop
        numbers = [getattr(crop, name) for name in crop.__slots__]
        soil = self.soil
        return digest(
            numbers,
            [soil.field_capacity.tolist(), soil.wilting_point.tolist()],
            [float(soil.evaporation_depth), float(soil.readily_evaporable)],
            [self.sowing.year, self.sowing.month, self.sowing.day, self.perennial],
        )

    def find_season(self, day: date) -> date | None:
        """First day of the season that a day belongs to; ``None`` between seasons."""
        begun = self.sowing.latest(day)
        if begun is None:
            return None
        if self.perennial:
            leap = (begun.month, begun.day) == (2, 29)
            yearly = Sowing(month=begun.month, day=28 if leap else begun.day)
            again = yearly.latest(day)
            return begun if again is None or again < begun else again
        length = int(self.entry.crop.season_days)
        return begun if day < begun + timedelta(days=length) else None


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class LeftOut:
    """A parcel that cannot be worked with, and why."""

    place: Place
    error: AgroforestError


def build_fields(
    aoi: Aoi,
    settings: WaterSection,
    crops: Mapping[str, CropEntry],
    sensors: Sequence[Sensor] = (),
) -> tuple[list[FarmField], list[LeftOut]]:
    """Make the parcels of an area ready.

    A parcel whose properties cannot be is left out by name, and the others go on:
    one slip of the pen must not cost the others their night.

    Parameters
    ----------
    aoi
        The area.
    settings
        For what parcels do not say.
    crops
        The table.
    sensors
        Those known; they belong to the parcel on which they stand.

    Returns
    -------
    tuple
        Fields, and parcels left out, in the area's order.
    """
    ready, left_out = [], []
    for place in aoi.places:
        if place.kind != PlaceKind.PARCEL:
            continue
        try:
            ready.append(_build(place, settings, crops, sensors))
        except AgroforestError as error:
            left_out.append(LeftOut(place=place, error=error))
    return ready, left_out


def _build(
    place: Place,
    settings: WaterSection,
    crops: Mapping[str, CropEntry],
    sensors: Sequence[Sensor],
) -> FarmField:
    facts = read_facts(place)
    where = f"parcel {place.id}"
    method = facts.method or settings.method
    efficiency = facts.efficiency
    if efficiency is None:
        efficiency = EFFICIENCY[method] if facts.method else settings.efficiency
    try:
        entry = find_crop(crops, facts.crop)
        soil = _build_soil(facts, settings)
        plot = Plot(
            zh=place.name_zh,
            en=place.name_en,
            crop_zh=entry.zh,
            crop_en=entry.en,
            hectares=_measure(place),
            flow=facts.flow,
            efficiency=EFFICIENCY[method] if efficiency is None else efficiency,
            most_mm=facts.most_mm,
        )
        perennial = _is_perennial(facts, entry)
        sowing = facts.sown or _find_sowing(perennial=perennial)
    except AgroforestError as error:
        raise ConfigurationError(where, error.problem, error.remedy) from None
    return FarmField(
        place=place,
        facts=facts,
        entry=entry,
        soil=soil,
        plot=plot,
        method=method,
        sowing=sowing,
        perennial=perennial,
        sensors=_find_sensors(place, facts, sensors),
    )


def _build_soil(facts: ParcelFacts, settings: WaterSection) -> Soil:
    """Measured water contents come first, then the texture, then the settings'."""
    fc, wp = facts.field_capacity, facts.wilting_point
    if fc is not None and wp is not None:
        thin = 0.10
        evaporable = 1000.0 * (fc - 0.5 * wp) * thin  # FAO-56 Eq. 73
        return Soil.uniform(
            field_capacity=fc,
            wilting_point=wp,
            evaporation_depth=thin,
            readily_evaporable=min(_REW, max(_REW_SHARE * evaporable, 0.0)),
        )
    sand, clay = facts.sand, facts.clay
    if sand is None or clay is None:
        sand, clay = settings.sand, settings.clay
    if sand is None or clay is None:
        raise ConfigurationError(
            "soil",
            "says nothing of its soil",
            "write sand and clay, or field_capacity and wilting_point; or sand and "
            "clay of all parcels in [water]",
        )
    matter = facts.organic_matter
    return build_soil(
        sand=sand,
        clay=clay,
        organic_matter=settings.organic_matter if matter is None else matter,
    )


def _is_perennial(facts: ParcelFacts, entry: CropEntry) -> bool:
    """Tell by the parcel, else by whether the crop's stages fill the year."""
    if facts.perennial is not None:
        return facts.perennial
    return float(np.asarray(entry.crop.season_days)) == _YEAR


def _find_sowing(*, perennial: bool) -> Sowing:
    if perennial:
        return Sowing(month=1, day=1)
    raise ConfigurationError(
        "sown", "does not say when it was sown", "write its property sown, 2024-03-05"
    )


def _measure(place: Place) -> float:
    polygons = np.array([place.geometry], dtype=object)
    return float(geodesic_area(polygons, pyproj.CRS(WGS84))[0]) / _M2_PER_HECTARE


def _find_sensors(
    place: Place, facts: ParcelFacts, sensors: Sequence[Sensor]
) -> tuple[str, ...]:
    if facts.sensors is not None:
        return facts.sensors
    return tuple(
        one.id
        for one in sensors
        if one.longitude is not None
        and one.latitude is not None
        and shapely.contains_xy(place.geometry, one.longitude, one.latitude)
    )
