"""One day on: yesterday's root zone and today's weather to today's (FAO-56)."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from agroforest.core.crop import Crop
from agroforest.core.errors import DataError
from agroforest.core.soil import Soil
from agroforest.water.day import CALM_WIND, MILD_HUMIDITY, FieldDay, WaterDay
from agroforest.water.root_zone import Settled, settle_layers, settle_uniform
from agroforest.water.stages import (
    find_coefficients,
    find_cover,
    find_height,
    find_kc_max,
    find_root_depth,
)
from agroforest.water.state import Coefficient, RootZone
from agroforest.water.stress import Stress, find_fraction, find_stress
from agroforest.water.surface import Skin, evaporate, find_runoff, find_wetted
from agroforest.water.uncertainty import grow_variance

Field = NDArray[np.float64]
_MOST_DAYS = np.iinfo(np.int16).max


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class _Canopy:
    kc: Field
    kcb: Field
    table_kcb: Field
    height: Field
    root: Field
    kc_max: Field
    cover: Field


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class _Supply:
    known: NDArray[np.bool_]
    eto: Field
    rain: Field
    runoff: Field
    irrigation: Field
    loss: Field

    @property
    def from_sky(self) -> Field:
        return self.rain - self.runoff

    @property
    def from_pipe(self) -> Field:
        return self.irrigation - self.loss

    @property
    def sinks_in(self) -> Field:
        return self.from_sky + self.from_pipe


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class _Demand:
    kc: Field
    etc: Field
    eta: Field
    ks: Field
    fraction: Field
    available: Field


def step(
    zone: RootZone, today: FieldDay, *, crop: Crop, soil: Soil
) -> tuple[RootZone, WaterDay]:
    """Advance the root zone by a day.

    Where the weather is missing the day counts as stale: nothing is made up for it,
    only irrigation is booked, and the crop grows older.

    Parameters
    ----------
    zone
        Not modified.
    today
        The next day.
    crop, soil
        Of the places: numbers, or arrays in their shape.

    Returns
    -------
    tuple
        Root zone in the evening, and where the day's water went.

    Raises
    ------
    DataError
        If the day is not the next one, or water or a share cannot be.
    """
    _check(zone, today)
    supply = _receive(zone, today, soil)
    canopy = _grow(zone, today, crop)
    wetted = find_wetted(
        zone.wetted,
        rain=supply.rain,
        irrigation=supply.irrigation,
        wetted=today.wetted,
    )
    skin = None
    if zone.method.coefficient is Coefficient.DUAL:
        skin = evaporate(
            zone.skin,
            soil=soil,
            eto=supply.eto,
            kcb=canopy.kcb,
            kc_max=canopy.kc_max,
            cover=canopy.cover,
            wetted=wetted,
            rain=supply.from_sky,
            irrigation=supply.from_pipe,
        )
    demand = _demand(zone, supply, canopy, skin, crop=crop, soil=soil)
    settled = _settle(zone, supply, demand, crop=crop, soil=soil)
    out = _account(zone, supply, canopy, demand, skin, settled)
    after = zone.patch(
        day=today.day,
        age=zone.age + 1,
        depletion=settled.depletion,
        variance=_spread(zone, supply, canopy, demand, settled),
        profile=settled.profile,
        below=settled.below,
        skin=zone.skin if skin is None else skin.depletion,
        wetted=wetted,
        height=canopy.height,
        root=canopy.root,
        kcb=canopy.kcb,
        table_kcb=canopy.table_kcb,
        stale=np.where(
            supply.known, 0, np.minimum(zone.stale + 1.0, _MOST_DAYS)
        ).astype(np.int16),
    )
    return after, out


def _check(zone: RootZone, today: FieldDay) -> None:
    where = f"day {np.datetime64(today.day, 'D')}"
    if today.day != zone.day + 1:
        last = np.datetime64(zone.day, "D")
        raise DataError(
            where,
            f"does not follow the root zone's, {last}",
            "give every day once, one with missing weather as NaN",
        )
    for name in ("eto", "rain", "irrigation"):
        if np.any(np.asarray(getattr(today, name)) < 0):
            raise DataError(where, f"{name} is negative", "check its source")
    if not np.all(np.isfinite(today.irrigation)):
        raise DataError(where, "irrigation is missing", "give 0 where there was none")
    efficiency = np.asarray(today.efficiency)
    if not np.all((efficiency >= 0) & (efficiency <= 1)):
        raise DataError(where, f"efficiency {efficiency} is no share", "give 0 to 1")
    wetted = np.asarray(today.wetted)
    if np.any((wetted <= 0) | (wetted > 1)):
        raise DataError(where, f"wetted share {wetted} is none", "give above 0, to 1")


def _receive(zone: RootZone, today: FieldDay, soil: Soil) -> _Supply:
    """Take in the day's weather and irrigation."""
    known = np.isfinite(today.eto) & np.isfinite(today.rain)
    rain = _spread_out(np.where(known, today.rain, 0.0), zone)
    irrigation = _spread_out(today.irrigation, zone)
    runoff = np.zeros(zone.shape)
    if zone.method.runoff:
        runoff = find_runoff(rain, soil=soil, depletion=zone.skin)
    return _Supply(
        known=np.broadcast_to(known, zone.shape),
        eto=_spread_out(np.where(known, today.eto, 0.0), zone),
        rain=rain,
        runoff=runoff,
        irrigation=irrigation,
        loss=irrigation * (1.0 - np.asarray(today.efficiency)),
    )


def _grow(zone: RootZone, today: FieldDay, crop: Crop) -> _Canopy:
    """Grow the canopy by a day; what was seen of it takes the place of the tables."""
    table = find_coefficients(crop, zone.age + 1)
    # A coefficient once seen goes on from there while it rises or falls, and is
    # forgotten in the next flat stage.
    kcb = np.where(table.flat, table.kcb, zone.kcb + table.daily_rise)
    plain = np.where(table.flat, table.kcb, zone.table_kcb + table.daily_rise)
    kcb = _prefer(today.kcb, kcb)
    height = _prefer(today.height, np.maximum(find_height(crop, kcb), zone.height))
    kc_max = find_kc_max(
        kcb,
        wind=_fill(today.wind, CALM_WIND),
        humidity=_fill(today.humidity, MILD_HUMIDITY),
        height=height,
        tall=zone.method.tall,
    )
    cover = find_cover(crop, kcb, kc_max=kc_max, height=height)
    return _Canopy(
        kc=_spread_out(table.kc, zone),
        kcb=kcb,
        table_kcb=plain,
        height=height,
        root=np.maximum(find_root_depth(crop, plain), zone.root),
        kc_max=kc_max,
        cover=_prefer(today.cover, cover),
    )


def _demand(
    zone: RootZone,
    supply: _Supply,
    canopy: _Canopy,
    skin: Skin | None,
    *,
    crop: Crop,
    soil: Soil,
) -> _Demand:
    """Ask what the crop would evaporate, and what it can."""
    kc = canopy.kc if skin is None else skin.ke + canopy.kcb
    etc = kc * supply.eto
    available = soil.available(canopy.root)
    fraction = _spread_out(crop.depletion_fraction, zone)
    if not zone.method.constant_fraction:
        fraction = find_fraction(fraction, etc)
    ks = find_stress(
        zone.depletion, available=available, fraction=fraction, kind=_kind(zone)
    )
    # Stress closes the leaves, not the bare soil (FAO-56 Eqs. 80 and 81).
    actual = ks * kc if skin is None else ks * canopy.kcb + skin.ke
    return _Demand(
        kc=kc,
        etc=etc,
        eta=actual * supply.eto,
        ks=ks,
        fraction=fraction,
        available=available,
    )


def _settle(
    zone: RootZone, supply: _Supply, demand: _Demand, *, crop: Crop, soil: Soil
) -> Settled:
    if soil.layered:
        return settle_layers(
            zone,
            water=supply.sinks_in,
            eta=demand.eta,
            available=demand.available,
            crop=crop,
            soil=soil,
        )
    return settle_uniform(
        zone, water=supply.sinks_in, eta=demand.eta, available=demand.available
    )


def _spread(
    zone: RootZone,
    supply: _Supply,
    canopy: _Canopy,
    demand: _Demand,
    settled: Settled,
) -> Field:
    """Variance in the evening."""
    stressed = (demand.ks > 0) & (demand.ks < 1)
    basal = demand.kc if zone.method.coefficient is Coefficient.SINGLE else canopy.kcb
    steep = basal * supply.eto / (demand.available * (1.0 - demand.fraction))
    return grow_variance(
        zone.variance,
        eta=demand.eta,
        water=supply.sinks_in,
        response=np.where(stressed, steep, 0.0),
        drained=settled.drained,
        known=supply.known,
    )


def _account(
    zone: RootZone,
    supply: _Supply,
    canopy: _Canopy,
    demand: _Demand,
    skin: Skin | None,
    settled: Settled,
) -> WaterDay:
    """Say where the day's water went; what rests on missing weather is NaN."""
    none = np.full(zone.shape, np.nan)
    known = supply.known
    ks_end = find_stress(
        settled.depletion,
        available=demand.available,
        fraction=demand.fraction,
        kind=_kind(zone),
    )

    def seen(value: Field) -> Field:
        return np.where(known, value, np.nan)

    return WaterDay(
        etc=seen(demand.etc),
        eta=seen(demand.eta),
        evaporation=none if skin is None else seen(skin.evaporation),
        transpiration=(
            none if skin is None else seen(demand.ks * canopy.kcb * supply.eto)
        ),
        kc=seen(demand.kc),
        kcb=canopy.kcb,
        ke=none if skin is None else seen(skin.ke),
        kc_single=canopy.kc,
        etc_single=seen(canopy.kc * supply.eto),
        kc_max=seen(canopy.kc_max),
        kr=none if skin is None else seen(skin.kr),
        cover=canopy.cover,
        exposed=none if skin is None else skin.exposed,
        ks=seen(demand.ks),
        ks_end=ks_end,
        fraction=demand.fraction,
        available=demand.available,
        readily=demand.fraction * demand.available,
        rain=seen(supply.rain),
        runoff=seen(supply.runoff),
        irrigation=supply.irrigation,
        irrigation_loss=supply.loss,
        percolation=settled.percolation,
        drained=settled.drained,
        found=settled.found,
        unmet=settled.unmet,
        unmet_below=settled.unmet_below,
        skin_percolation=none if skin is None else skin.percolation,
    )


def _kind(zone: RootZone) -> Stress:
    return Stress.CONVEX if zone.method.convex_stress else Stress.LINEAR


def _prefer(seen: float | Field, otherwise: Field) -> Field:
    """Take what was seen, above 0, or the other."""
    given = np.asarray(seen, dtype=np.float64)
    return np.where(given > 0, given, otherwise)


def _fill(value: float | Field, otherwise: float) -> Field:
    given = np.asarray(value, dtype=np.float64)
    return np.where(np.isnan(given), otherwise, given)


def _spread_out(value: float | Field, zone: RootZone) -> Field:
    return np.broadcast_to(np.asarray(value, dtype=np.float64), zone.shape)
